"""A batch against the vendors' rate limits: what the binding one gives, and whether anybody was refused.

Run: `python -m benchmarks.batch [OPERATORS]`. The sandbox holds 1,000 operators and keeps its rate limits; it runs in a
process of its own. The vendor binds that would need longest for its requests at the rate that the settings allow. A sample
of 120 operators is fetched, so that a run takes two minutes at most; all 1,000 (`batch 1000`) take a quarter of an hour, and
how far it is stands on stderr every minute. The log of requests tells who was asked how often and what was answered.

The bar: at least 85 % of the binding vendor's rate, and not one refusal (429).
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.serving import served
from benchmarks.tables import table
from customer_research.research import Research
from customer_research.research.batch.batch import Order, Row, counts
from customer_research.research.batch.entries import Entry
from customer_research.settings import Settings, load_settings
from customer_research.sources.lago.settings import LagoSettings

OPERATORS = 1_000
SAMPLE = 120
BAR = 0.85
REFUSED = "429"
MINUTE = 60.0
VENDORS = {"lago": "lago", "hubspot": "hubspot", "warehouse": "metabase", "notion": "notion"}
"""Vendor as the log of requests names it → the part of the settings that holds its rate."""


@dataclass(slots=True)
class Run:
    """What a batch took, and what the vendors answered: statuses by vendor."""

    wall: float = 0.0
    cpu: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    answers: dict[str, Counter[str]] = field(default_factory=lambda: {vendor: Counter() for vendor in VENDORS})


class _Answers(logging.Handler):
    """Counts the answers that the HTTP client reports."""

    def __init__(self, answers: dict[str, Counter[str]]) -> None:
        super().__init__(logging.DEBUG)
        self._answers = answers

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == len(("vendor", "method", "stream", "status", "ms")):
            vendor, _, _, status, _ = record.args
            self._answers.setdefault(str(vendor), Counter())[str(status)] += 1


@contextmanager
def counting(answers: dict[str, Counter[str]]) -> Iterator[None]:
    """Count the answers that are given meanwhile."""
    logger = logging.getLogger("customer_research.connect.http")
    handler = _Answers(answers)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def operators(settings: Settings) -> list[str]:
    """Every customer that the sandbox's Lago lists."""
    lago = settings.of(LagoSettings)
    found: list[str] = []
    page: int | None = 1
    while page is not None:
        request = urllib.request.Request(f"{lago.url}/customers?per_page=100&page={page}", headers=lago.headers)
        with urllib.request.urlopen(request) as answer:
            body = json.load(answer)
        found += [str(customer["external_id"]) for customer in body["customers"]]
        page = body["meta"]["next_page"]
    return found


async def fetched(settings: Settings, chosen: Sequence[str]) -> Run:
    """One batch of quick reports of these operators, nothing written."""
    entries = [Entry(line, operator_id) for line, operator_id in enumerate(chosen, start=1)]
    made = Run()
    async with Research(settings) as research:
        with counting(made.answers):
            wall, cpu = time.perf_counter(), time.process_time()
            order, told = Order("quick", lambda _report: b"", "md"), _Clockwork(len(entries))
            rows = await research.batch(entries, order, told=told)
            made.wall, made.cpu = time.perf_counter() - wall, time.process_time() - cpu
    made.outcomes = counts(rows)
    return made


class _Clockwork:
    """Says every minute on stderr how far a batch is."""

    def __init__(self, many: int) -> None:
        self._many, self._done, self._said = many, 0, time.perf_counter()

    def __call__(self, row: Row) -> None:
        """One more is done."""
        del row
        self._done += 1
        if time.perf_counter() - self._said >= MINUTE:
            self._said = time.perf_counter()
            print(f"{self._done} of {self._many}", file=sys.stderr, flush=True)


def _least(settings: Settings, vendor: str, requests: int) -> float:
    """Seconds that so many requests need at the rate that the settings allow."""
    return float(requests / getattr(settings, VENDORS[vendor]).requests_per_second)


def _told(settings: Settings, made: Run, operators_asked: int) -> str:
    least = {vendor: _least(settings, vendor, found.total()) for vendor, found in made.answers.items()}
    binding = max(least, key=lambda vendor: least[vendor])
    rows = [
        (
            f"{vendor}{' (binds)' if vendor == binding else ''}",
            f"{found.total() / operators_asked:.1f}",
            f"{least[vendor] / made.wall:.0%}",
            str(found[REFUSED]),
        )
        for vendor, found in made.answers.items()
    ]
    return "\n".join(
        (
            table(("vendor", "requests an operator", "of its rate", "refused (429)"), rows),
            f"CPU / wall: {made.cpu / made.wall:.0%}; outcomes: {json.dumps(made.outcomes)}",
            f"The bar: at least {BAR:.0%} of the rate of the vendor that binds, and no refusal.",
        )
    )


def run(sample: int = SAMPLE) -> None:
    """Serve 1,000 operators, fetch a sample of them, print shares of the rates."""
    with served(0, "--operators", str(OPERATORS)) as config:
        settings = load_settings(config)
        chosen = random.Random(11).sample(operators(settings), sample)
        print(f"{sample} operators, drawn from {OPERATORS:,} and the scenarios, `batch --kind quick`")
        made = asyncio.run(fetched(settings, chosen))
    print(_told(settings, made, sample))


if __name__ == "__main__":
    run(*map(int, sys.argv[1:2]))

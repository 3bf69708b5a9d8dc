# ruff: noqa: A005 - the name that `./dev bench profile` takes; nothing here uses the profiler of the standard library
"""One operator's profile (or `quick`, or a `lookup`), live: requests, wall time against its critical path, and the client's own CPU time.

Run: `python -m benchmarks.profile [KIND ...]`. `every-source` is a profile with the optional sources that are asked live, too; the
statements to the app's database are no HTTP, and are not counted as requests.

The sandbox runs in its own process and adds the same latency to every answer. The critical path of a profile is its longest
chain of requests that depend on each other, times that latency. The chain is found by experiment: with a latency so long that
computing does not count and with our own limits out of the way, everything that can start at once does, so that a request
that starts after another one's end had to wait for it. It is printed, request by request.

Profiles are spaced so that no token bucket (Notion's has three requests a second) is empty: rate limits are not what is
measured here. The machine's other work is: compare ratios of one run, and repeat it when they scatter.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from benchmarks.serving import served
from benchmarks.tables import table, times
from customer_research.research import Research
from customer_research.settings import Settings, load_settings
from customer_research.sources.lago.settings import LagoSettings

SCENARIOS = ("S02", "S34", "S37")
AT_RANDOM = 3
REPEATS = 7
LATENCY = 0.15
LONG_LATENCY = 1.0
SPACING = 1.5
LOOKUP, EVERY = "lookup", "every-source"
BARS = {"profile": (25, 1.25), "quick": (25, 1.1), LOOKUP: (25, 1.1), EVERY: (40, 1.25)}
"""So many requests at most, and warm wall time against the critical path."""

ALSO = {EVERY: tuple(word for name in ("intercom", "stripe", "app-database") for word in ("--also", name))}
"""What `sandbox serve` is told for a kind."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: what it was for, when it was under way (seconds since the profile began), and the processor's time then."""

    name: str
    started: float
    ended: float
    cpu: float


@dataclass(slots=True)
class Profile:
    """One profile: its requests, and what it took of the clock and of the processor (`rest`: after the last answer)."""

    wall: float = 0.0
    cpu: float = 0.0
    rest: float = 0.0
    requests: list[Sent] = field(default_factory=list)


class _Log(logging.Handler):
    """Notes each request that the HTTP client reports when it is answered."""

    def __init__(self, noted: list[Sent], began: float) -> None:
        super().__init__(logging.DEBUG)
        self._noted = noted
        self._began = began

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == len(("vendor", "method", "stream", "status", "ms")):
            vendor, method, stream, _, took = record.args
            ended = time.perf_counter() - self._began
            self._noted.append(
                Sent(f"{vendor} {method} {stream}", ended - float(str(took)) / 1000, ended, time.process_time())
            )


@contextmanager
def noting(noted: list[Sent]) -> Iterator[None]:
    """Note the requests that are sent meanwhile."""
    logger = logging.getLogger("customer_research.connect.http")
    handler = _Log(noted, time.perf_counter())
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


async def profile(research: Research, operator_id: str, kind: str) -> Profile:
    """One report of a kind, after a pause that lets every token bucket fill."""
    await asyncio.sleep(SPACING)
    made = Profile()
    with noting(made.requests):
        wall, cpu = time.perf_counter(), time.process_time()
        await (research.lookup_report(operator_id) if kind == LOOKUP else research.report(_report(kind), operator_id))
        made.wall, made.cpu = time.perf_counter() - wall, time.process_time() - cpu
    made.rest = cpu + made.cpu - max(request.cpu for request in made.requests)
    return made


def _report(kind: str) -> str:
    """The report of a kind of benchmark."""
    return "profile" if kind == EVERY else kind


def chain(requests: Sequence[Sent]) -> list[Sent]:
    """The longest chain of requests of which each began after the one before had ended, last ones preferred."""
    longest: list[list[Sent]] = []
    for request in sorted(requests, key=lambda one: one.ended):
        before = [links for links in longest if links[-1].ended <= request.started]
        longest.append([*max(before, key=lambda links: (len(links), links[-1].ended), default=[]), request])
    return max(longest, key=len, default=[])


def unlimited(settings: Settings) -> Settings:
    """The settings with our own limits out of the way."""
    names = [
        name for name in ("lago", "hubspot", "metabase", "notion", "intercom", "stripe") if hasattr(settings, name)
    ]
    free = {"requests_per_second": 1000.0, "concurrency": 100}
    return settings.model_copy(update={name: getattr(settings, name).model_copy(update=free) for name in names})


def operators(settings: Settings) -> dict[str, str]:
    """Operator ids by what they are called here: some scenarios, and some others at random."""
    expected = resources.files("customer_research_sandbox.scenarios").joinpath("expected.json").read_text("utf-8")
    scenarios = {name: one["operator_id"] for name, one in json.loads(expected).items()}
    chosen = {name: scenarios[name] for name in SCENARIOS}
    rest = sorted(set(_customers(settings)) - set(scenarios.values()))
    picked = random.Random(5).sample(rest, AT_RANDOM)
    return chosen | {f"random {number}": one for number, one in enumerate(picked, start=1)}


def _customers(settings: Settings) -> list[str]:
    """The first hundred customers that the sandbox's Lago lists."""
    lago = settings.of(LagoSettings)
    request = urllib.request.Request(f"{lago.url}/customers?per_page=100", headers=lago.headers)
    with urllib.request.urlopen(request) as answer:
        return [str(customer["external_id"]) for customer in json.load(answer)["customers"]]


async def chains(config: Path, kind: str) -> tuple[dict[str, list[Sent]], list[Sent]]:
    """The chain of each operator's profile in a warm session, and the first call's."""
    settings = unlimited(load_settings(config))
    named = operators(settings)
    async with Research(settings) as research:
        first = await profile(research, named[SCENARIOS[0]], kind)
        warm = {name: chain((await profile(research, one, kind)).requests) for name, one in named.items()}
    return warm, chain(first.requests)


async def measured(config: Path, kind: str) -> tuple[Profile, dict[str, list[Profile]]]:
    """The process's first profile, then some of each operator in turn."""
    settings = load_settings(config)
    named = operators(settings)
    async with Research(settings) as research:
        first = await profile(research, named[SCENARIOS[0]], kind)
        found: dict[str, list[Profile]] = {name: [] for name in named}
        for _ in range(REPEATS):
            for name, one in named.items():
                found[name].append(await profile(research, one, kind))
    return first, found


def median(profiles: Sequence[Profile], value: str) -> float:
    """The median of one of the measured values."""
    return float(statistics.median(getattr(one, value) for one in profiles))


def cold(config: Path, kind: str) -> tuple[float, float]:
    """Wall time of `customer-research KIND` and of `python -c pass` as processes: medians of five in turn."""
    settings = load_settings(config)
    report = ("-m", "customer_research", "--config", str(config), _report(kind), operators(settings)[SCENARIOS[0]])
    taken: dict[tuple[str, ...], list[float]] = {("-c", "pass"): [], report: []}
    for _ in range(5):
        for arguments, walls in taken.items():
            time.sleep(SPACING)
            began = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            walls.append(time.perf_counter() - began)
    empty, whole = (statistics.median(walls) for walls in taken.values())
    return whole, empty


def _with_latency(warm: dict[str, list[Sent]], first_chain: list[Sent], config: Path, kind: str) -> None:
    first, found = asyncio.run(measured(config, kind))
    rows = []
    for name, profiles in found.items():
        path = len(warm[name]) * LATENCY
        ratios = sorted(one.wall / path for one in profiles)
        requests = max(len(one.requests) for one in profiles)
        middle, cpu, rest = (median(profiles, value) for value in ("wall", "cpu", "rest"))
        spread = f"{ratios[0]:.2f} .. {ratios[-1]:.2f}"
        shares = (f"{cpu / middle:.0%}", f"{cpu / path:.0%}", f"{rest / path:.0%}")
        rows.append((name, str(requests), str(len(warm[name])), times(middle / path), spread, *shares))
    head = (
        "warm",
        "requests",
        "chain",
        "wall / path",
        "least .. most",
        "CPU / wall",
        "CPU / path",
        "after last answer",
    )
    print(table(head, rows))
    print(
        "path: the critical path; the last column: CPU time after the last answer, as a share of it (no waiting in it)."
    )
    ratio = first.wall / (len(first_chain) * LATENCY)
    print(f"first call: {len(first.requests)} requests, chain {len(first_chain)}, {times(ratio)} its critical path")
    requests, bar = BARS[kind]
    print(f"The bar: at most {requests} requests, warm wall time at most {times(bar)} the critical path.")


def _without_latency(config: Path, kind: str) -> None:
    first, found = asyncio.run(measured(config, kind))
    base = min(median(profiles, "wall") for profiles in found.values())
    rows = [
        (name, times(median(profiles, "wall") / base), f"{median(profiles, 'cpu') / median(profiles, 'wall'):.0%}")
        for name, profiles in found.items()
    ]
    print(table(("no latency, warm", "wall / the quickest's", "CPU / wall"), rows))
    print(f"first call in a process: {times(first.wall / base)} the quickest warm one")
    whole, empty = cold(config, kind)
    print(f"the command `{kind}`, from process start to end: {times(whole / base)} that, {times(whole / empty)} python")


def run(*kinds: str) -> None:
    """Of each kind find the chains, measure with latency and without, print."""
    for kind in kinds or tuple(BARS):
        print(f"-- {kind}")
        also = ALSO.get(kind, ())
        with served(LONG_LATENCY * 1000, *also) as config:
            warm, first_chain = asyncio.run(chains(config, kind))
        for name, links in (*warm.items(), ("first call", first_chain)):
            print(f"chain of {name}: {' -> '.join(link.name for link in links)}")
        print(
            "(Of requests that started at the same time one is named; tests/research/test_requests.py shows what waits for what.)"
        )
        with served(LATENCY * 1000, *also) as config:
            _with_latency(warm, first_chain, config, kind)
        with served(0, *also) as config:
            _without_latency(config, kind)


if __name__ == "__main__":
    run(*sys.argv[1:])

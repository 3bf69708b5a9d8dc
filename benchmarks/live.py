"""One operator through the live path against the same one in the portfolio: equal cells, and what each costs.

Run: `python -m benchmarks.live`. The sandbox runs in a process of its own and answers at once; its whole contents are pulled
into a lake and scored there. Then operators are fetched live, one after the other, measured and judged: every metric, the
score, the rules that fired and the findings must be what the portfolio says. Costs are CPU seconds of the client alone,
live for one operator in a session that is warm, in the portfolio for all of them divided by their number.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.serving import served
from benchmarks.tables import table, times
from customer_research.domain.account import Account
from customer_research.domain.snapshot import Reading
from customer_research.research import Research
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.snapshots import accounts, readings
from customer_research.research.portfolio.take import taken_aside
from customer_research.research.sync import run as sync
from customer_research.settings import Settings, load_settings

SAMPLE = 24
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU and wall seconds of a piece of work."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """One operator of the live path: what it says of it, and what it took."""

    account: Account
    row: Mapping[str, Any]
    spent: Spent


def spending(work: Callable[[], T]) -> tuple[T, Spent]:
    """What the work gives, and what it took of this process."""
    cpu, wall = time.process_time(), time.perf_counter()
    given = work()
    return given, Spent(time.process_time() - cpu, time.perf_counter() - wall)


def instant(settings: Settings) -> datetime:
    """The sandbox's present.

    Raises:
        RuntimeError: the settings are not a sandbox's.
    """
    if settings.clock is None:
        raise RuntimeError("The sandbox's settings have no clock.")
    return settings.clock


async def live(settings: Settings, chosen: Sequence[str]) -> list[Fetched]:
    """The operators one after the other in one session, which an operator fetched before them has warmed up."""
    found = []
    async with Research(settings) as research:
        for operator_id in (chosen[-1], *chosen):
            cpu, wall = time.process_time(), time.perf_counter()
            account, measuring = await research.measured(operator_id, as_of=instant(settings))
            spent = Spent(time.process_time() - cpu, time.perf_counter() - wall)
            found.append(Fetched(account, measuring.wide_row(), spent))
    return found[1:]


def differences(one: Fetched, reading: Reading, row: Mapping[str, Any]) -> list[str]:
    """The cells that live path and portfolio do not agree on; ratios may differ by 1e-9 of themselves."""
    cells = {name: (value, row[name]) for name, value in one.row.items()}
    score = one.account.score
    if score is None:
        return ["no score"]
    fired = {line.rule: line.points for line in score.contributions if line.rule != "clamp"}
    cells |= {
        "score": (score.score, reading.score),
        "band": (score.band, reading.band),
        "status": (score.status, reading.status),
        "dimensions": ({part.name: part.score for part in score.dimensions}, dict(reading.dimensions)),
        "rules": (fired, {rule: points for rule, points in reading.contributions.items() if points is not None}),
        "gates": (sorted(gate.name for gate in score.gates), sorted(reading.gates)),
        "findings": (sorted(finding.rule for finding in one.account.findings), sorted(reading.findings)),
    }
    return [name for name, (there, here) in cells.items() if not _same(there, here)]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other)


def scored(settings: Settings) -> tuple[dict[str, Reading], dict[str, Mapping[str, Any]]]:
    """Everybody's reading and metrics by operator id, of a snapshot that is not kept."""
    with taken_aside(settings, lambda: instant(settings), Scoring()) as (folder, snapshot):
        found = {one.operator_id: one for one in readings(folder, snapshot)}
        return found, {row["operator_id"]: row for row in accounts(folder)}


def pull(settings: Settings) -> None:
    """Everything into the lake.

    Raises:
        RuntimeError: a stream could not be pulled.
    """
    outcomes = sync(settings, lambda: instant(settings))
    if failed := [f"{one.source}.{one.stream}" for one in outcomes if one.state != "done"]:
        raise RuntimeError(f"Not pulled: {', '.join(failed)}.")


def run(sample: int = SAMPLE) -> None:
    """Pull and score everything, fetch some live, compare, print ratios."""
    with tempfile.TemporaryDirectory(prefix="customer-research-") as folder, served(0) as config:
        given = load_settings(config)
        settings = given.model_copy(update={"lake": given.lake.model_copy(update={"folder": Path(folder) / "lake"})})
        _, pulling = spending(lambda: pull(settings))
        (everybody, rows), scoring = spending(lambda: scored(settings))
        chosen = random.Random(17).sample(sorted(everybody), sample)
        found = asyncio.run(live(settings, chosen))
    unequal = [
        f"{one.account.operator_id}: {', '.join(wrong)}"
        for one, operator_id in zip(found, chosen, strict=True)
        if (wrong := differences(one, everybody[operator_id], rows[operator_id]))
    ]
    cells = sum(len(one.row) for one in found)
    print(f"{sample} operators, {cells} metrics and their scores: {len(unequal)} operators differ")
    print("\n".join(unequal), end="\n" if unequal else "")
    print(_costs([one.spent for one in found], pulling, scoring, len(rows)))


def _costs(alone: Sequence[Spent], pulling: Spent, scoring: Spent, count: int) -> str:
    unit = statistics.median(one.cpu for one in alone)
    rows = [
        ("one live, median", times(1.0), _busy(alone)),
        ("one of all pulled", times(pulling.cpu / count / unit), _busy([pulling])),
        ("one of all scored", times(scoring.cpu / count / unit), _busy([scoring])),
        ("all pulled and scored", times((pulling.cpu + scoring.cpu) / unit), _busy([pulling, scoring])),
    ]
    even = math.ceil((pulling.cpu + scoring.cpu) / unit)
    told = f"A sync and a scoring of all {count} cost as much CPU as {even} operators fetched live."
    return f"{table(('what', 'CPU', 'CPU / wall'), rows)}\n{told}"


def _busy(spent: Sequence[Spent]) -> str:
    return f"{sum(one.cpu for one in spent) / sum(one.wall for one in spent):.0%}"


if __name__ == "__main__":
    run(*map(int, sys.argv[1:2]))

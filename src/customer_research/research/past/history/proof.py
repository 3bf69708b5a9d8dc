"""Proof of the history: a snapshot's figures scored again under the kept scorecard must give every reading as it was kept."""

# ruff: noqa: S608 - names in these texts are ours
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.snapshot import DESCRIPTION, Reading, Snapshot
from customer_research.engines.engine import Engine
from customer_research.errors import UsageError
from customer_research.health.assembly import status_of
from customer_research.health.findings import findings_sql, load_findings
from customer_research.health.scorecard import Scorecard
from customer_research.health.scoring import long_sql, scoring_sql
from customer_research.research.engine_choice import reader
from customer_research.research.one.judge import METRIC_NAMES
from customer_research.research.past.history.operator_history import no_history, place_of
from customer_research.research.portfolio.history import kept_card
from customer_research.research.portfolio.score import HELD, text_line
from customer_research.research.portfolio.snapshots import FILES, read_snapshot
from customer_research.settings import Settings
from customer_research.store.database import open_to_read
from customer_research.store.history import History

_SCORES = "scored_again"
_ASKED = "asked"
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Difference:
    """What of one operator's reading comes out another way: the field, as it was kept and as it was scored again."""

    operator_id: str
    field: str
    kept: Any
    again: Any


@dataclass(frozen=True, slots=True)
class Proof:
    """A snapshot scored again: how many readings, and all that differ (none: the history is what was scored).

    `findings`: whether findings were compared, too; those of a snapshot that was made by other findings than today's cannot
    be: their text is not kept.
    """

    snapshot: Snapshot
    readings: int
    differences: tuple[Difference, ...]
    findings: bool


def verify(settings: Settings, snapshot_id: str | None = None) -> Proof:
    """Score a snapshot's figures again (the newest, unless told), and compare every reading in the store with it.

    Raises:
        UsageError: no such snapshot, or its files are gone.
        StoreError: the store cannot be read, or the scorecard is not kept.
        ConfigError: the kept scorecard names a metric that does not exist any more.
        EngineError: a file is damaged.
    """
    with open_to_read(settings.store_url) as store:
        history = History(store)
        snapshot = history.latest() if snapshot_id is None else _named(history, snapshot_id)
        if snapshot is None:
            raise no_history()
        card = kept_card(history, snapshot.digest)
        folder = place_of(settings, snapshot)
        if not (folder / DESCRIPTION).is_file():
            raise UsageError(
                f"The files of snapshot {snapshot.id} are not in the lake any more ({folder}).",
                hint="Score the same instant again: `customer-research portfolio score --as-of`.",
            )
        described = read_snapshot(folder)
        differences = [
            Difference("", name, getattr(snapshot, name), getattr(described, name))
            for name in ("id", "as_of", "digest", "tables", "operators")
            if getattr(snapshot, name) != getattr(described, name)
        ]
        with reader(settings, folder) as engine:
            engine.attach(ACCOUNT_TABLE, [folder / "accounts.parquet"], FILES["accounts"])
            engine.keep(_SCORES, scoring_sql(card, untold=snapshot.untold))
            found = findings_sql(load_findings(METRIC_NAMES))
            same_findings = text_line(HELD, found) in described.scoring.query.splitlines()
            if same_findings:
                engine.keep(HELD, found)
            differences += _compared(engine, card, history, snapshot, findings=same_findings)
    return Proof(snapshot, snapshot.operators, tuple(differences), same_findings)


def _named(history: History, snapshot_id: str) -> Snapshot:
    """The snapshot whose id is, or begins with, what was asked for."""
    found = history.snapshot(snapshot_id)
    if found is not None:
        return found
    close = [one for one in history.snapshots() if one.id.startswith(snapshot_id)]
    if len(close) != 1:
        few = "several snapshots" if close else "no snapshot"
        raise UsageError(
            f"The history has {few} whose id begins with {snapshot_id[:20]!r}.",
            hint="`customer-research history list` shows the ids.",
        )
    return close[0]


def _compared(
    engine: Engine, card: Scorecard, history: History, snapshot: Snapshot, *, findings: bool
) -> Iterator[Difference]:
    kept = 0
    readings = history.readings(snapshot.id)
    while batch := list(islice(readings, _BATCH)):
        kept += len(batch)
        again = _scored_again(engine, card, batch)
        if findings:
            for operator_id, held in _held_again(engine).items():
                again[operator_id]["findings"] = held
        for reading in batch:
            yield from _differences(reading, again.get(reading.operator_id))
    (counted,) = engine.run(f"SELECT COUNT(*) AS n FROM {_SCORES}")
    if counted["n"] != kept:
        yield Difference("", "readings", kept, counted["n"])


def _differences(reading: Reading, again: Mapping[str, Any] | None) -> Iterator[Difference]:
    if again is None:
        yield Difference(reading.operator_id, "reading", "kept", "none")
        return
    for name, value in again.items():
        was = getattr(reading, name)
        was = dict(was) if isinstance(was, Mapping) else was
        if was != value:
            yield Difference(reading.operator_id, name, was, value)


def _held_again(engine: Engine) -> dict[str, tuple[str, ...]]:
    """The findings that hold for the operators asked for, as their readings would have them."""
    cases = {rule.id: f"case_{rule.id.lower()}" for rule in load_findings(METRIC_NAMES)}
    rows = engine.run(f"SELECT * FROM {HELD} WHERE operator_id IN (SELECT operator_id FROM {_ASKED})")
    ordered = sorted(cases, key=lambda rule: int(rule[1:]))
    return {row["operator_id"]: tuple(rule for rule in ordered if (row[cases[rule]] or 0) >= 1) for row in rows}


def _scored_again(engine: Engine, card: Scorecard, batch: list[Reading]) -> dict[str, dict[str, Any]]:
    """What the scorecard gives these operators, as their readings would have it."""
    engine.create(_ASKED, {"operator_id": "VARCHAR"}, [{"operator_id": reading.operator_id} for reading in batch])
    asked = f"operator_id IN (SELECT operator_id FROM {_ASKED})"
    columns = "operator_id, status, score, coverage, band, band_before_gates"
    found: dict[str, dict[str, Any]] = {}
    for row in engine.run(f"SELECT {columns} FROM {_SCORES} WHERE {asked}"):
        row["status"] = status_of(row["status"])
        empty: dict[str, Any] = {"dimensions": {}, "contributions": {}, "gates": ()}
        found[row.pop("operator_id")] = {**row, **empty}
    queries = long_sql(card, f"(SELECT * FROM {_SCORES} WHERE {asked}) AS chosen")
    for row in engine.run(queries["dimensions"]):
        found[row["operator_id"]]["dimensions"][row["dimension"]] = row["score"]
    for row in engine.run(queries["contributions"]):
        found[row["operator_id"]]["contributions"][row["rule"]] = row["points"]
    for row in engine.run(f"{queries['gates']} ORDER BY operator_id, gate"):
        found[row["operator_id"]]["gates"] += (row["gate"],)
    return found

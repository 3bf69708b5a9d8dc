"""A demo lake scored, whole and with one source taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from portfolio_cases import Row

from customer_research.domain.evidence import Gap
from customer_research.domain.snapshot import Reading, Snapshot
from customer_research.domain.tables import TableSet
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.record_tables import TABLES
from customer_research.research.off import lake_tables
from customer_research.research.portfolio.score import score
from customer_research.research.portfolio.snapshots import accounts, readings
from customer_research.settings import Settings


@dataclass(frozen=True)
class Scored:
    """The demo's snapshot: each operator's reading and metric row."""

    folder: Path
    snapshot: Snapshot
    readings: Mapping[str, Reading]
    rows: Mapping[str, Row]


def taken(settings: Settings, scorecard: str, out: Path, silent: str = "") -> Scored:
    moment = settings.clock
    assert moment is not None
    with DuckDB(Room(reach=(settings.lake_folder, out))) as engine:
        tables = without(lake_tables(settings), silent)
        snapshot = score(engine, tables, moment, scorecard, folder=out, clock=lambda: moment)
    place = out / snapshot.id
    found = {one.operator_id: one for one in readings(place, snapshot)}
    return Scored(place, snapshot, found, {row["operator_id"]: row for row in accounts(place)})


def without(tables: TableSet, source: str) -> TableSet:
    """The tables as they are when a source has never answered (none: as they are)."""
    lost = {name: table for name, table in TABLES.items() if table.home == source}
    gaps = {name: Gap(source, "unavailable", "It did not answer.") for name in lost}
    files = {name: file for name, file in tables.files.items() if name not in lost}
    return replace(tables, files=files, gaps={**tables.gaps, **gaps})

"""A snapshot on DuckDB and on another engine, file by file and row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from awkward_tables import MOMENTS, corpus, states_of
from places import as_fakesnow_says
from portfolio_cases import Gaps, Row, complete, gap, unequal, written

from customer_research.domain.snapshot import Snapshot
from customer_research.domain.tables import Edition, TableSet
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Engine
from customer_research.engines.snowflake import Snowflake
from customer_research.research.portfolio.score import score
from customer_research.research.portfolio.snapshots import FILES, readings

AS_OF = MOMENTS[0]
LATER = ("invoice", "ticket", "company", "contact", "deal", "coupon", "subscription")


def made_up(folder: Path) -> TableSet:
    """Awkward tables with gaps, as they were known at an instant of the past."""
    gaps: Gaps = {place: gap(place[1]) for place in (("op-1", "invoice"), ("op-2", "charge"), (None, "dispute"))}
    known = complete(corpus(AS_OF, rows=10))
    return of_the_past(written(folder, {**known, **states_of(known, AS_OF)}, gaps, ("survey",)), folder)


def of_the_past(tables: TableSet, folder: Path) -> TableSet:
    """The same with some tables that were read later, and one of which some rows are gone since, and some came."""
    versions, files = folder / "versions.parquet", dict(tables.files)
    with DuckDB() as opened:
        opened.attach("member", files["member"].paths)
        came = "TIMESTAMP '2100-01-01' AS known_from, CAST(NULL AS TIMESTAMP) AS known_to"
        gone = "CAST(NULL AS TIMESTAMP) AS known_from, TIMESTAMP '2100-01-01' AS known_to"
        opened.export(
            f"SELECT *, {came} FROM member WHERE HASH(member_id) % 3 = 0 UNION ALL SELECT * REPLACE "
            f"('gone ' || member_id AS member_id), {gone} FROM member WHERE HASH(member_id) % 3 = 1",
            versions,
        )
    for name in LATER:
        files[name] = replace(files[name], since=AS_OF + timedelta(days=40))
    files["member"] = replace(
        files["member"],
        since=AS_OF + timedelta(days=1),
        editions=(Edition(AS_OF, AS_OF, 5, "before"),),
        versions=(versions,),
    )
    found = replace(tables, files=files).at(AS_OF, timedelta(days=2))
    assert set(found.rewound) == set(LATER)
    assert found.files["member"].cut == AS_OF
    return found


def scored(engine: Engine, tables: TableSet, folder: Path) -> Snapshot:
    return score(engine, tables, AS_OF, "canonical", folder=folder, clock=lambda: AS_OF)


def rows_of(folder: Path, name: str) -> list[Row]:
    with DuckDB() as opened:
        return opened.run(f"SELECT * FROM '{folder / name}.parquet'")


def told(row: Row, expected: Row, engine: Engine) -> dict[str, Any]:
    if not isinstance(engine, Snowflake):
        return row
    return {name: as_fakesnow_says(value, expected.get(name)) for name, value in row.items()}


def compare(engine: Engine, folder: Path) -> None:
    """Every file of the snapshot of made-up tables is the same."""
    tables = made_up(folder)
    there = scored(engine, tables, folder / "there")
    with DuckDB() as duckdb:
        here = scored(duckdb, tables, folder / "here")
    assert there.id == here.id
    assert there.engine != here.engine
    assert there.gaps == here.gaps
    assert there.scoring.digest == here.scoring.digest
    for name in FILES:
        mine, theirs = (rows_of(folder / side / here.id, name) for side in ("here", "there"))
        assert len(mine) == len(theirs) > 0, name
        different = [
            cell for one, other in zip(mine, theirs, strict=True) for cell in unequal(one, told(other, one, engine))
        ]
        assert different == [], name
    both = [list(readings(folder / side / here.id, here)) for side in ("here", "there")]
    assert both[0] == both[1]

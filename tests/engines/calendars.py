"""A calendar's cells in one pass, compared with those of single dates; made-up calendars for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from awkward_tables import MOMENTS, Row, Tables
from differential import FINDINGS, SCORECARDS, same
from places import as_fakesnow_says

from customer_research.engines.engine import Engine
from customer_research.engines.snowflake import Snowflake
from customer_research.health.scoring import scoring_sql
from customer_research.metrics import over_time
from customer_research.metrics.over_time.lifting import lifted
from customer_research.metrics.wide import stages
from customer_research.record_tables import LAKE_TABLES

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)


def days_around(moment: datetime) -> list[datetime]:
    """A day apart: windows' edges fall on rows again and again."""
    return [moment + k * DAY for k in (-400, -365, -91, -31, -30, -7, 0, 1)]


def even_days(moment: datetime) -> list[datetime]:
    return [moment + k * DAY for k in range(-5, 3)]


def weeks(moment: datetime) -> list[datetime]:
    return [moment + k * 7 * DAY for k in range(-10, 4)]


def odd_steps(moment: datetime) -> list[datetime]:
    """Even steps that are no whole days."""
    return [moment + k * timedelta(days=11, hours=5, microseconds=1) for k in range(-6, 2)]


def uneven(moment: datetime) -> list[datetime]:
    return [moment, moment + INSTANT, moment - 9 * DAY, moment - 40 * DAY, moment + 31 * DAY]


JUDGING_QUERIES = {name: scoring_sql(card) for name, card in SCORECARDS.items()} | {"findings": FINDINGS}
CALENDARS = (days_around, even_days, weeks, odd_steps, uneven)


def load(engine: Engine, tables: Tables) -> None:
    """The tables, with some operators listed and some gaps."""
    for name in LAKE_TABLES:
        engine.load(name, tables.get(name, ()))
    listed: list[Row] = [
        {"operator_id": "op-1", "name": "One", "created_at": MOMENTS[0] - 30 * DAY},
        {"operator_id": "listed", "name": "Listed only", "created_at": None},
    ]
    engine.load("operator", listed)
    engine.load("gap", [{"operator_id": "op-1", "table_name": "ticket"}, {"operator_id": None, "table_name": "survey"}])


def by_key(rows: Sequence[Row]) -> dict[tuple[str, ...], Row]:
    """Rows by what tells them apart."""
    keys = ("operator_id", "currency", "rule", "dimension", "gate")
    found = {tuple(str(row.get(key)) for key in keys): row for row in rows}
    assert len(found) == len(rows)
    return found


def differences(name: str, one: Sequence[Row], many: Sequence[Row]) -> list[str]:
    mine, theirs = by_key(one), by_key(many)
    if mine.keys() != theirs.keys():
        return [f"{name}: rows {sorted(mine.keys() ^ theirs.keys())[:4]}"]
    return [
        f"{name}.{column} of {key}: {row[column]!r} of one date, {theirs[key].get(column)!r} of the calendar"
        for key, row in mine.items()
        for column in row
        if not same(row[column], theirs[key].get(column))
    ]


def split(rows: Sequence[Row], expected: Mapping[datetime, Any]) -> dict[datetime, list[Row]]:
    out: dict[datetime, list[Row]] = {instant: [] for instant in expected}
    for row in rows:
        if row["t"] in out:
            out[row["t"]].append({name: value for name, value in row.items() if name != "t"})
    return out


def tell(engine: Engine, calendar: Sequence[datetime]) -> None:
    engine.create("calendar", {"t": "TIMESTAMP"}, [{"t": instant} for instant in calendar])


def single_dates(
    engine: Engine, calendar: Sequence[datetime], judging: Mapping[str, str]
) -> dict[datetime, dict[str, list[Row]]]:
    """For each instant, what every stage, scorecard and finding gives."""
    found: dict[datetime, dict[str, list[Row]]] = {}
    for instant in calendar:
        told = found.setdefault(instant.astimezone(UTC), {})
        for stage in stages():
            engine.keep(stage.name, stage.sql, {"as_of": instant})
            told[stage.name] = engine.run(f"SELECT * FROM {stage.name}")
        for name, sql in judging.items():
            told[name] = engine.run(sql)
    return found


def in_one_pass(
    engine: Engine,
    calendar: Sequence[datetime],
    told: Sequence[datetime],
    judging: Mapping[str, str],
    *,
    recursion: bool,
) -> dict[str, list[Row]]:
    tell(engine, calendar)
    found = {}
    for stage in over_time.stages(told, recursion=recursion):
        engine.keep(stage.name, stage.sql)
        found[stage.name] = engine.run(f"SELECT * FROM {stage.name}")
    return found | {name: engine.run(lifted(sql)) for name, sql in judging.items()}


def compare(
    engine: Engine,
    reference: Engine,
    calendar: Sequence[datetime],
    told: Sequence[datetime] = (),
    *,
    judged: bool = False,
    recursion: bool = True,
) -> None:
    """The calendar's cells on an engine against single dates on another (or the same), at every second of its instants."""
    judging = JUDGING_QUERIES if judged else {}
    expected = single_dates(reference, calendar[::2], judging)
    found: list[str] = []
    for name, rows in in_one_pass(engine, calendar, told, judging, recursion=recursion).items():
        apart = split(rows, expected)
        for instant, parts in expected.items():
            found += differences(f"{name} at {instant}", parts[name], undone(apart[instant], parts[name], engine))
    assert not found, "\n".join(found[:20])


def undone(rows: list[Row], expected: Sequence[Row], engine: Engine) -> list[Row]:
    """The rows without fakesnow's own faults."""
    if not isinstance(engine, Snowflake):
        return rows
    known = by_key(expected)
    return [
        {name: as_fakesnow_says(value, known.get(key, {}).get(name)) for name, value in row.items()}
        for key, row in by_key(rows).items()
    ]

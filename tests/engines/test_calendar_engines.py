"""Many instants in one pass: every query lifted to a calendar gives, instant by instant, the cells of single dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlglot
from awkward_tables import MOMENTS, Row, Tables, corpus, drawn_tables
from hypothesis import HealthCheck, Phase, given, settings
from places import PLACES, as_fakesnow_says, place
from sqlglot import exp
from test_differential import JUDGING_QUERIES, SUBJECT_QUERIES, same

from customer_research.engines import open_engine
from customer_research.engines.duckdb import Memory
from customer_research.engines.engine import Engine
from customer_research.engines.snowflake import Snowflake
from customer_research.metrics import over_time
from customer_research.metrics.over_time.lifting import even_calendar, lifted
from customer_research.metrics.pinned import pinned
from customer_research.metrics.wide import stages
from customer_research.record_tables import LAKE_TABLES

pytestmark = pytest.mark.xdist_group("engines")

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


MOST_STREAMS = 12
CALENDARS = (days_around, even_days, weeks, odd_steps, uneven)


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    with Memory() as opened:
        yield opened


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


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda made: made.__name__)
def test_a_calendar_has_the_cells_of_single_dates(memory: Memory, calendar: Any) -> None:
    moment = MOMENTS[CALENDARS.index(calendar)]
    load(memory, corpus(moment, rows=60))
    compare(memory, memory, calendar(moment), told=calendar(moment))


def test_an_engine_without_recursive_queries_has_them_as_well(memory: Memory) -> None:
    load(memory, corpus(MOMENTS[1], rows=60))
    compare(memory, memory, weeks(MOMENTS[1])[::2], told=weeks(MOMENTS[1])[::2], recursion=False)


def test_lifting_alone_has_them_too(memory: Memory) -> None:
    load(memory, corpus(MOMENTS[0], rows=60))
    compare(memory, memory, weeks(MOMENTS[0])[::3], judged=True)


@pytest.mark.parametrize("name", [name for name in SUBJECT_QUERIES if name.endswith("money")])
@pytest.mark.parametrize("calendar", [even_days, weeks], ids=lambda made: made.__name__)
def test_amounts_per_currency_have_them_as_well(memory: Memory, name: str, calendar: Any) -> None:
    """They are no columns of the wide table, so no stage has them."""
    moment, sql = MOMENTS[3], SUBJECT_QUERIES[name]
    load(memory, corpus(moment, rows=60))
    tell(memory, calendar(moment))
    expected = {at.astimezone(UTC): memory.run(sql, {"as_of": at}) for at in calendar(moment)}
    apart = split(memory.run(lifted(sql, even=even_calendar(calendar(moment)))), expected)
    found = [line for at, rows in expected.items() for line in differences(f"{name} at {at}", rows, apart[at])]
    assert not found, "\n".join(found[:20])


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(drawn_tables(largest=25))
def test_drawn_tables_have_them(told: tuple[datetime, Tables]) -> None:
    moment, tables = told
    calendar = weeks(moment)[::3]
    with Memory() as memory:
        load(memory, tables)
        compare(memory, memory, calendar, told=calendar)


def test_an_instant_written_into_a_query_changes_no_cell(memory: Memory) -> None:
    for moment in MOMENTS:
        load(memory, corpus(moment, rows=60))
        for name, sql in SUBJECT_QUERIES.items():
            assert not differences(name, memory.run(sql, {"as_of": moment}), memory.run(pinned(sql, moment)))


@pytest.mark.parametrize("engine_name", [name for name in PLACES if name != "spark"])  # which plans for two minutes
def test_every_engine_has_them(memory: Memory, engine_name: str) -> None:
    moment = MOMENTS[0]
    calendar = weeks(moment)[::5]
    tables = corpus(moment, rows=24)
    load(memory, tables)
    with place(engine_name) as url, open_engine(engine_name, url) as engine:
        load(engine, tables)
        compare(engine, memory, calendar, told=calendar)


def test_no_table_s_rows_count_in_more_ways_than_a_pass_can_hold() -> None:
    """Conditions over several instants of a row multiply: each may double the events, and the memory that a pass takes."""
    found: Counter[str] = Counter()
    for stage in over_time.stages(weeks(MOMENTS[0]), recursion=True, lacking=frozenset()):
        for told in sqlglot.parse_one(stage.sql, read="duckdb").find_all(exp.CTE):
            source, stream, _ = told.alias.partition("_stream_")
            if stream:
                found[f"{stage.name}: {source}"] += 1
    assert found
    assert {source: count for source, count in found.items() if count > MOST_STREAMS} == {}

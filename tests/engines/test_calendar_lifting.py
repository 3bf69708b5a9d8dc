"""Queries beside the stages lifted to a calendar, drawn tables, and what a pass may hold."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlglot
from awkward_tables import MOMENTS, Tables, corpus, drawn_tables
from calendars import compare, differences, even_days, load, split, tell, weeks
from differential import SUBJECT_QUERIES
from hypothesis import HealthCheck, Phase, given, settings
from sqlglot import exp

from customer_research.engines.duckdb import Memory
from customer_research.metrics import over_time
from customer_research.metrics.over_time.lifting import even_calendar, lifted
from customer_research.metrics.pinned import pinned

MOST_STREAMS = 12


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

"""Many instants in one pass: every stage lifted to a calendar gives, instant by instant, the cells of single dates."""

from __future__ import annotations

from typing import Any

import pytest
from awkward_tables import MOMENTS, corpus
from calendars import CALENDARS, compare, load, weeks

from customer_research.engines.duckdb import Memory


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda made: made.__name__)
def test_a_calendar_has_the_cells_of_single_dates(memory: Memory, calendar: Any) -> None:
    moment = MOMENTS[CALENDARS.index(calendar)]
    load(memory, corpus(moment, rows=60))
    compare(memory, memory, calendar(moment), told=calendar(moment))


def test_an_engine_without_recursive_queries_has_them_as_well(memory: Memory) -> None:
    load(memory, corpus(MOMENTS[1], rows=60))
    compare(memory, memory, weeks(MOMENTS[1])[::2], told=weeks(MOMENTS[1])[::2], recursion=False)

"""A calendar on other engines gives, instant by instant, the cells of single dates on DuckDB."""

from __future__ import annotations

import pytest
from awkward_tables import MOMENTS, corpus
from calendars import compare, load, weeks
from places import PLACES, place

from customer_research.engines import open_engine
from customer_research.engines.duckdb import Memory

pytestmark = pytest.mark.xdist_group("engines")


@pytest.mark.parametrize("engine_name", [name for name in PLACES if name != "spark"])  # which plans for two minutes
def test_every_engine_has_them(memory: Memory, engine_name: str) -> None:
    moment = MOMENTS[0]
    calendar = weeks(moment)[::5]
    tables = corpus(moment, rows=24)
    load(memory, tables)
    with open_engine(engine_name, place(engine_name)) as engine:
        load(engine, tables)
        compare(engine, memory, calendar, told=calendar)

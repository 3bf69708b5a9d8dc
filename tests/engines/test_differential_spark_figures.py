"""The same answer everywhere: figures on a real local Spark against DuckDB; see `differential`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from differential import Check, every_subject_over_drawn_tables, named
from places import place

from customer_research.engines import open_engine
from customer_research.engines.duckdb import Memory
from customer_research.engines.engine import Engine


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine("spark", place("spark")) as opened:
        yield opened


@pytest.mark.parametrize("check", [every_subject_over_drawn_tables], ids=named)
def test_the_rows_are_those_of_duckdb(memory: Memory, engine: Engine, check: Check) -> None:
    check(memory, engine)

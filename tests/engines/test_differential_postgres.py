"""The same answer everywhere: a real Postgres against DuckDB; see `differential`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from differential import CHECKS, Check, named
from places import place

from customer_research.engines import open_engine
from customer_research.engines.duckdb import Memory
from customer_research.engines.engine import Engine


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine("postgres", place("postgres")) as opened:
        yield opened


@pytest.mark.parametrize("check", CHECKS, ids=named)
def test_the_rows_are_those_of_duckdb(memory: Memory, engine: Engine, check: Check) -> None:
    check(memory, engine)

"""Everybody measured at once is each measured alone, every cell; and what was not known yet changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib import resources
from pathlib import Path

import pytest
from awkward_tables import MOMENTS, OPERATORS, corpus, drawn_tables
from hypothesis import given
from hypothesis import strategies as st
from measured_tables import DRAWN, wide
from portfolio_cases import Tables, alone, complete, drawn_gaps, reading_of, said, unequal, written

from customer_research.domain.tables import TableSet
from customer_research.engines.duckdb import DuckDB, Memory
from customer_research.errors import ConfigError
from customer_research.record_tables import TABLES
from customer_research.research.one.figures import prepare
from customer_research.research.one.judge import judge
from customer_research.research.portfolio.score import score
from customer_research.research.portfolio.snapshots import readings


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as opened:
        yield opened


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    with Memory() as opened:
        prepare(opened)
        yield opened


def check_moment(engine: DuckDB, memory: Memory, tables: Tables, moment: datetime, seed: int) -> int:
    operators = sorted(set(OPERATORS))
    gaps = drawn_gaps(operators, seed)
    rows = wide(engine, tables, gaps, moment)
    for row in rows:
        one = alone(memory, row["operator_id"], moment, tables, gaps)
        assert unequal(one.wide_row(), row) == []
    return len(rows)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_everybody_at_once_is_each_alone(engine: DuckDB, memory: Memory, moment: datetime) -> None:
    found = check_moment(engine, memory, complete(corpus(moment, rows=40)), moment, seed=moment.day)
    assert found == len(set(OPERATORS))


def test_everybody_at_once_is_each_alone_in_drawn_tables(engine: DuckDB, memory: Memory) -> None:
    @DRAWN
    @given(drawn_tables(largest=8), st.integers(0, 2**32))
    def check(told: tuple[datetime, Tables], seed: int) -> None:
        check_moment(engine, memory, complete(told[1]), told[0], seed)

    check()


def test_a_wrong_scorecard_is_refused_before_anything_is_read(tmp_path: Path, engine: DuckDB) -> None:
    card = tmp_path / "wrong.toml"
    shipped = resources.files("customer_research.health").joinpath("scorecards", "canonical.toml")
    card.write_text(shipped.read_text(encoding="utf-8").replace("weight = 0.40", "weight = 0.50", 1))
    nowhere = TableSet("nowhere", {})
    for name, said_so in ((str(card), "add up to 1"), ("no such card", "no scorecard")):
        with pytest.raises(ConfigError, match=said_so):
            score(engine, nowhere, MOMENTS[0], name, folder=tmp_path / "snapshots", clock=lambda: MOMENTS[0])
    assert not (tmp_path / "snapshots").exists()


def test_readings_are_what_each_operators_own_score_says(tmp_path: Path, engine: DuckDB, memory: Memory) -> None:
    moment = MOMENTS[0]
    rows = complete(corpus(moment, rows=40))
    gaps = drawn_gaps(sorted(set(OPERATORS)), seed=7)
    tables = written(tmp_path / "tables", rows, gaps)
    snapshot = score(engine, tables, moment, "canonical", folder=tmp_path / "snapshots", clock=lambda: moment)
    found = list(readings(tmp_path / snapshot.place, snapshot))
    assert [one.operator_id for one in found] == sorted(set(OPERATORS))
    for one in found:
        (told,), findings = judge(alone(memory, one.operator_id, moment, rows, gaps), "canonical")
        assert said(one) == reading_of(told, [finding.rule for finding in findings])
        assert set(one.unknown) == {table for who, table in gaps if who == one.operator_id}
    assert len({gap.detail for gap in snapshot.gaps}) == len({table for who, table in gaps if who is None})
    assert set(TABLES) > {table for _, table in gaps}

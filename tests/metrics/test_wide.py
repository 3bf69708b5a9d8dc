"""The steps to the wide table: what each reads and gives, so that an engine can run them in their order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlglot
from sqlglot import exp

from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS, SUBJECTS
from customer_research.engines.duckdb import DuckDB
from customer_research.metrics.queries import account_columns
from customer_research.metrics.wide import KNOWN_OPERATORS, _final, stages
from customer_research.record_tables import LAKE_TABLES

STAGES = stages()


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as opened:
        for name in LAKE_TABLES:
            opened.attach(name, ())
        yield opened


def read(sql: str) -> set[str]:
    """The tables that a query reads, its own names left out."""
    query = sqlglot.parse_one(sql, read="duckdb")
    own = {cte.alias for cte in query.find_all(exp.CTE)}
    return {table.name for table in query.find_all(exp.Table)} - own


def test_each_step_reads_canonical_tables_and_steps_before_it() -> None:
    there = set(LAKE_TABLES)
    for stage in STAGES:
        assert read(stage.sql) <= there, stage.name
        assert stage.name not in there
        there.add(stage.name)
    assert STAGES[-1].name == ACCOUNT_TABLE
    assert KNOWN_OPERATORS in there


def test_the_big_tables_are_read_by_one_step_each() -> None:
    for table in ("reservation", "charge"):
        assert len([stage for stage in STAGES if table in read(stage.sql)]) == 1


def test_the_wide_table_has_the_catalogues_columns_and_types(engine: DuckDB) -> None:
    for stage in STAGES:
        engine.keep(stage.name, stage.sql, {"as_of": datetime(2026, 11, 1, tzinfo=UTC)})
    assert engine.kinds(f"SELECT * FROM {ACCOUNT_TABLE}") == account_columns()


def test_the_last_step_names_every_metric_of_operator_grain() -> None:
    wide = {metric.name for metric in METRICS.values() if SUBJECTS[metric.subject].grain == "operator"}
    query = sqlglot.parse_one(STAGES[-1].sql, read="duckdb")
    assert isinstance(query, exp.Select)
    assert set(query.named_selects) == {"operator_id", "silent", *wide}
    assert {metric.subject for metric in METRICS.values() if metric.partly} == {"derived"}


def test_tables_that_nobody_lacks_are_not_asked_about() -> None:
    with DuckDB() as apart:
        for name in LAKE_TABLES:
            apart.attach(name, ())
        apart.load("operator", [{"operator_id": "a", "name": "Ada"}, {"operator_id": "b", "name": "Bea"}])
        gaps = [("a", "csm"), (None, "ticket")]
        for told in (gaps, gaps[:0]):
            apart.load("gap", [{"operator_id": operator, "table_name": table} for operator, table in told])
            cells = []
            for steps in (STAGES, stages({table for _, table in told})):
                for stage in steps:
                    apart.keep(stage.name, stage.sql, {"as_of": datetime(2026, 11, 1, tzinfo=UTC)})
                cells.append(apart.run(f"SELECT * FROM {ACCOUNT_TABLE} ORDER BY operator_id"))
            assert cells[0] == cells[1]
            assert (cells[0][1]["open_tickets"] is None) == bool(told)
    assert "lacks_" not in stages(())[-1].sql
    assert "lacks_csm" in stages({"csm"})[-1].sql
    assert "lacks_ticket" not in stages({"csm"})[-1].sql


def test_a_figure_that_holds_with_part_of_its_tables_is_unknown_without_all_of_them() -> None:
    several = [metric for metric in METRICS.values() if metric.partly and len(metric.tables) > 1]
    assert several
    for metric in several:
        derived = {metric.name: "x"}
        assert "CASE WHEN NOT (" in _final(metric, derived, metric.tables, ())
        assert "CASE" not in _final(metric, derived, metric.tables[1:], ())
        assert "CASE" not in _final(metric, derived, (), ())

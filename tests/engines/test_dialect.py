"""Named parameters, bindings and transpilation work on the syntax tree, not on text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from customer_research.engines.dialect import (
    bindable,
    column_type,
    named_parameters,
    quoted,
    stated,
    transpile,
    with_bindings,
)
from customer_research.engines.duckdb import Memory
from customer_research.engines.rows import first_line
from customer_research.errors import EngineError


def test_named_parameters_are_found_once_in_order_and_not_inside_strings() -> None:
    sql = "SELECT '$no' AS a FROM t WHERE x = $second AND y < $first AND z > $second -- $comment"
    assert named_parameters(sql) == ("second", "first")


@pytest.mark.parametrize(
    ("dialect", "shape"),
    [("snowflake", ":as_of"), ("postgres", "%(as_of)s"), ("spark", ":as_of"), ("duckdb", "$as_of")],
)
def test_transpile_turns_parameters_into_the_dialects_own(dialect: str, shape: str) -> None:
    assert shape in transpile("SELECT a FROM t WHERE b < $as_of", dialect)


def test_transpile_refuses_what_does_not_parse_or_cannot_be_said() -> None:
    with pytest.raises(EngineError, match="does not parse"):
        transpile("SELECT FROM WHERE", "snowflake")
    with pytest.raises(EngineError, match="one query"):
        transpile("DROP TABLE t", "snowflake")
    with pytest.raises(EngineError, match="one query"):
        transpile("SELECT 1; SELECT 2", "snowflake")
    with pytest.raises(EngineError, match="nowhere"):
        transpile("SELECT 1", "nowhere")


def test_bindings_come_before_the_querys_own_ctes_and_only_when_named() -> None:
    sql = "WITH recent AS (SELECT * FROM charge WHERE amount_minor > $floor) SELECT SUM(amount_minor) AS total FROM recent"
    bound = with_bindings(
        sql, {"charge": 'SELECT amount AS amount_minor FROM "{{#855}}"', "dispute": "SELECT 1 AS amount_minor"}
    )
    assert "dispute" not in bound
    assert bound.index("charge AS") < bound.index("recent AS")
    assert '"{{#855}}"' in bound
    with Memory() as memory:
        memory.create("{{#855}}", {"amount": "BIGINT"}, [{"amount": 5}, {"amount": 7}, {"amount": 1}])
        assert memory.run(bound, {"floor": 2}) == [{"total": 12}]


def test_bindings_may_name_bindings_in_any_order_and_have_ctes_of_their_own() -> None:
    bindings = {
        "outer_one": "WITH doubled AS (SELECT n * 2 AS n FROM inner_one) SELECT n FROM doubled",
        "inner_one": "SELECT n FROM raw.numbers",
    }
    bound = with_bindings("SELECT SUM(n) AS n FROM OUTER_ONE", bindings)
    with Memory() as memory:
        memory._execute("CREATE SCHEMA raw", {})
        memory._execute("CREATE TABLE raw.numbers AS SELECT 21 AS n", {})
        assert memory.run(bound) == [{"n": 42}]


def test_a_table_of_a_schema_or_a_name_in_a_string_is_not_bound() -> None:
    sql = "SELECT 'charge' AS word FROM raw.charge"
    assert "WITH" not in with_bindings(sql, {"charge": "SELECT 1 AS x"})


def test_bindings_that_go_round_or_are_redefined_are_refused() -> None:
    with pytest.raises(EngineError, match="depends on itself"):
        with_bindings("SELECT * FROM a", {"a": "SELECT * FROM b", "b": "SELECT * FROM a"})
    with pytest.raises(EngineError, match="is a bound table"):
        with_bindings("WITH a AS (SELECT 1 AS x) SELECT * FROM a", {"a": "SELECT 2 AS x"})


def test_the_same_query_can_be_bound_twice_with_different_results() -> None:
    assert "1 AS x" in with_bindings("SELECT x FROM a", {"a": "SELECT 1 AS x"})
    assert "2 AS x" in with_bindings("SELECT x FROM a", {"a": "SELECT 2 AS x"})


@pytest.mark.parametrize(
    ("dialect", "shape"),
    [("postgres", "x = $2 AND y < $1"), ("snowflake", "x = :2 AND y < :1"), ("spark", "x = :b AND y < :a")],
)
def test_parameters_of_a_bindable_query_are_found_by_number_or_name_not_by_place(dialect: str, shape: str) -> None:
    text, names = bindable("SELECT $a AS first, '$c' AS word FROM t WHERE x = $b AND y < $a", dialect)
    assert names == ("a", "b")
    assert shape in text
    assert "'$c'" in text


def test_rounding_to_decimals_is_exact_in_postgres_at_every_depth() -> None:
    said = transpile(
        "SELECT CAST(ROUND(ROUND(x, 3) * y, 6) AS BIGINT) AS z, ROUND(w) AS v FROM t", "postgres", pretty=False
    )
    assert said.count("AS DECIMAL") == 2
    assert said.count("AS DOUBLE PRECISION") >= 2
    assert "ROUND(w)" in said
    assert "ROUND(x, 3)" in transpile("SELECT ROUND(x, 3) AS z FROM t", "snowflake", pretty=False)


def test_postgres_makes_each_stage_of_a_scorecard_once() -> None:
    stages = "WITH a AS (SELECT *, x + 1 AS y FROM t), b AS (SELECT *, y * y AS z FROM a), c AS (SELECT z FROM b) SELECT z FROM c"
    said = transpile(stages, "postgres", pretty=False)
    assert "a AS MATERIALIZED (" in said
    assert "b AS MATERIALIZED (" in said
    assert "c AS (" in said
    assert "MATERIALIZED" not in transpile(stages, "snowflake", pretty=False)


def test_types_and_names_in_other_dialects() -> None:
    assert column_type("DOUBLE", "postgres") == "DOUBLE PRECISION"
    assert column_type("TIMESTAMP", "spark") == "TIMESTAMP_NTZ"
    assert column_type("TIMESTAMP", "snowflake") == "TIMESTAMPNTZ"
    assert quoted('a"b', "postgres") == '"a""b"'
    assert quoted("a`b", "spark") == "`a``b`"


def test_values_written_into_a_query_stay_values() -> None:
    word, at = "it's \\' -- $n\n", datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=9)))
    sql = (
        "SELECT $word AS word, CAST($at AS TIMESTAMP) AS told_at, $n + 1 AS n, $yes AS yes, $none AS none, '$n' AS text"
    )
    values = {"word": word, "at": at, "n": 2, "yes": True, "none": None, "other": 1}
    with Memory() as memory:
        row = {"word": word, "told_at": at.astimezone(UTC), "n": 3, "yes": True, "none": None, "text": "$n"}
        assert memory.run(stated(sql, values, "duckdb")) == [row]
    assert "\\\\\\' -- $n" in stated(sql, values, "snowflake")
    with pytest.raises(EngineError, match=r"\$at"):
        stated(sql, {}, "snowflake")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no such table.", "no such table"),
        ("no such table\nLINE 1: SELECT\n        ^", "no such table"),
        ("\n  \nno such table.\n", "no such table"),
        ("Binder Error:\nno such table.\nLINE 1", "Binder Error: no such table"),
        ("Binder Error:\n\n   no such table\n", "Binder Error: no such table"),
        ("Binder Error:", "Binder Error:"),
        ("", "ValueError"),
        (" \n.", "ValueError"),
    ],
)
def test_of_what_a_driver_says_the_line_that_says_it_is_told(said: str, told: str) -> None:
    assert first_line(ValueError(said)) == told

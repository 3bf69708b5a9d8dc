"""Queries with the instant written into them: what the planner of a large portfolio is given."""

import re
from datetime import UTC, datetime, timedelta

from customer_research.metrics.past import REBUILT_FROM
from customer_research.metrics.pinned import pinned
from customer_research.metrics.queries import subject_sql
from customer_research.metrics.wide import Reconstruction, stages

AT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
MOMENT = "WITH moment AS (SELECT instant.t, instant.t - INTERVAL 7 DAY AS d7 FROM (SELECT CAST($as_of AS TIMESTAMP) AS t) AS instant)"


def text(sql: str) -> str:
    return " ".join(pinned(f"{MOMENT}, {sql}", AT).split())


def test_the_instant_stands_where_it_was_joined() -> None:
    told = text("late AS (SELECT r.a FROM r CROSS JOIN moment AS m WHERE r.b < m.d7) SELECT a FROM late")
    assert "$as_of" not in told
    assert "WHERE r.b < (CAST('2026-11-02 08:30:00.000000' AS TIMESTAMP) - INTERVAL '7' DAY)" in told.replace(
        "( ", "("
    ).replace(" )", ")")


def test_rows_of_a_group_that_meet_a_condition_are_counted() -> None:
    told = text("s AS (SELECT a, SUM(CASE WHEN b THEN 1 ELSE 0 END) AS n FROM r GROUP BY a) SELECT n FROM s")
    assert "COUNT(CASE WHEN b THEN 1 END) AS n" in told


def test_other_sums_stay_as_they_are() -> None:
    """Over no rows at all a sum is null and a count is 0; a running sum is over rows, not groups."""
    whole = "SUM(CASE WHEN b THEN 1 ELSE 0 END) AS n"
    running = "SUM(CASE WHEN b THEN 1 ELSE 0 END) OVER (PARTITION BY a ORDER BY c) AS n"
    valued = "SUM(CASE WHEN b THEN c ELSE 0 END) AS n"
    assert whole in text(f"s AS (SELECT {whole} FROM r) SELECT n FROM s")
    assert running in text(f"s AS (SELECT a, {running} FROM r GROUP BY a, b, c) SELECT n FROM s")
    assert valued in text(f"s AS (SELECT a, {valued} FROM r GROUP BY a) SELECT n FROM s")


def test_a_selection_that_several_read_is_put_into_each_with_the_columns_that_it_names() -> None:
    told = text(
        "known AS (SELECT r.a, r.b, r.c, r.b < m.t AS past FROM r CROSS JOIN moment AS m), "
        "x AS (SELECT a, COUNT(*) AS n FROM known WHERE past GROUP BY a), y AS (SELECT k.* FROM known AS k) "
        "SELECT x.n, y.c FROM x INNER JOIN y ON y.a = x.a"
    )
    assert "known AS (" not in told
    assert "SELECT r.a, r.b < ( CAST('2026-11-02 08:30:00.000000' AS TIMESTAMP) ) AS past FROM r ) AS known" in told
    assert "SELECT r.a, r.b, r.c, r.b < (" in told


def test_every_stage_is_at_its_own_instant_and_at_no_other() -> None:
    """A query is rewritten once and then put to any instant: what it stood for meanwhile must not stay."""
    for stage in stages(past=Reconstruction(rebuilt=frozenset(REBUILT_FROM))):
        for instant in (AT, AT - timedelta(days=7)):
            told = set(re.findall(r"'(\d{4}-\d\d-\d\d \d\d:[^']*)'", pinned(stage.sql, instant)))
            assert told <= {f"{instant:%Y-%m-%d %H:%M:%S.%f}"}, stage.name


def test_kept_rows_are_not_sorted() -> None:
    assert "ORDER BY o.operator_id" in subject_sql("card")
    assert "ORDER BY o.operator_id" not in " ".join(pinned(subject_sql("card"), AT).split())

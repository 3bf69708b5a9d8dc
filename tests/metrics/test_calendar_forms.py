"""What one pass over many instants does not do: look at each row of a large table once an instant."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from customer_research.engines.duckdb import Memory
from customer_research.metrics import over_time
from customer_research.metrics.over_time.lifting import LARGE, even_calendar, lifted

WEEKS = [datetime(2026, 11, 2, tzinfo=UTC) - week * timedelta(days=7) for week in range(104)]
EVEN = {stage.name: stage.sql for stage in over_time.stages(WEEKS)}
UNEVEN = {stage.name: stage.sql for stage in over_time.stages(WEEKS[:1])}


def crossed(sql: str) -> set[str]:
    """The tables that are read beside every instant."""
    found = set()
    for select in sqlglot.parse_one(sql, read="duckdb").find_all(exp.Select):
        read = {table.name for table in select.find_all(exp.Table) if table.find_ancestor(exp.Select) is select}
        found |= read if "moment" in read else set()
    return found


@pytest.mark.parametrize("name", EVEN)
def test_no_large_table_is_looked_at_once_an_instant(name: str) -> None:
    assert not crossed(EVEN[name]) & LARGE


def test_without_even_steps_they_are() -> None:
    assert crossed(UNEVEN["usage_metrics"]) & LARGE


def test_queries_of_one_source_share_their_events_and_need_no_join() -> None:
    sql = EVEN["usage_metrics"]
    assert len(re.findall(r"^\), \w+_running AS", sql, re.MULTILINE)) == 1
    assert "LEFT JOIN rides" not in sql
    assert "LEFT JOIN rides" in UNEVEN["usage_metrics"]


def test_who_stands_first_is_not_ranked_at_each_instant() -> None:
    assert "OVER (PARTITION BY operator_id, engagement_at.t" not in EVEN["crm_metrics"]
    assert "first_until" in EVEN["crm_metrics"]


def test_a_ranking_of_which_others_than_the_first_are_asked_for_stays() -> None:
    told = """
        WITH moment AS (SELECT instant.t FROM (SELECT CAST($as_of AS TIMESTAMP) AS t) AS instant),
        ranked AS (
            SELECT e.operator_id, e.type, ROW_NUMBER() OVER (PARTITION BY e.operator_id ORDER BY e.created_at) AS place
            FROM engagement AS e CROSS JOIN moment AS m WHERE e.created_at < m.t
        )
        SELECT r.operator_id, r.type FROM ranked AS r WHERE r.place {asked}
    """
    even = even_calendar(WEEKS)
    assert "first_until" in lifted(told.format(asked="= 1"), even=even)
    assert "first_until" not in lifted(told.format(asked="<= 2"), even=even)


def test_texts_that_are_there_or_not_are_counted_once() -> None:
    sql = EVEN["usage_metrics"]
    assert "COUNT(CASE WHEN NOT r.driver_name IS NULL THEN 1 END)" in sql
    assert "COUNT(CASE WHEN r.driver_name IS NULL THEN 1 END)" not in sql


DISTINCT = """
    WITH moment AS (
        SELECT instant.t, instant.t - INTERVAL '30' DAY AS d30 FROM (SELECT CAST($as_of AS TIMESTAMP) AS t) AS instant
    ),
    recent AS (
        SELECT c.operator_id, COUNT(DISTINCT c.currency) AS several, MIN(c.currency) AS lowest, MAX(c.currency) AS highest
        FROM charge AS c CROSS JOIN moment AS m
        WHERE c.created_at < m.t AND c.created_at >= m.d30
        GROUP BY c.operator_id
    )
    SELECT r.operator_id, r.several, r.lowest, r.highest FROM recent AS r
"""


def test_one_value_and_several_are_told_at_each_instant_as_at_one() -> None:
    days: dict[str, list[tuple[str | None, int]]] = {
        "one": [("USD", 300), ("USD", 20)],
        "two": [("USD", 80), ("EUR", 60), ("USD", 40)],
        "some": [("USD", 90), (None, 45), (None, 12)],
        "none": [(None, 50)],
    }
    rows = [
        {"operator_id": name, "currency": currency, "created_at": WEEKS[0] - timedelta(days=ago)}
        for name, told in days.items()
        for currency, ago in told
    ]
    weeks = WEEKS[:20]
    with Memory() as memory:
        memory.load("charge", rows)
        memory.create("calendar", {"t": "TIMESTAMP"}, [{"t": week} for week in weeks])
        counted = lifted(DISTINCT, even=even_calendar(weeks))
        assert "_reach AS" in counted
        found = {(row["operator_id"], row["t"]): row for row in memory.run(counted)}
        single = [{**row, "t": week} for week in weeks for row in memory.run(DISTINCT, {"as_of": week})]
    assert {row["several"] for row in single} == {0, 1, 2}
    assert found == {(row["operator_id"], row["t"]): row for row in single}


# -- the page that shows it ---------------------------------------------------------------------------------------------

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "metrics-over-time.md"
BEFORE, AFTER = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
MONDAYS = [datetime(2026, 1, 5, tzinfo=UTC) + week * timedelta(days=7) for week in range(5)]


def test_the_page_shows_a_query_before_and_after() -> None:
    assert lifted(BEFORE) == AFTER.strip()


@pytest.mark.parametrize("sql", [AFTER, lifted(BEFORE, even=even_calendar(MONDAYS))], ids=["after", "by events"])
def test_the_pages_queries_give_what_it_says(sql: str) -> None:
    with Memory() as memory:
        memory.create("operator", {"operator_id": "VARCHAR"}, [{"operator_id": "a"}])
        memory.create(
            "reservation",
            {"operator_id": "VARCHAR", "created_at": "TIMESTAMP"},
            [{"operator_id": "a", "created_at": datetime(2026, 1, 1, 9, tzinfo=UTC)}],
        )
        memory.create("calendar", {"t": "TIMESTAMP"}, [{"t": monday} for monday in MONDAYS])
        found = {row["t"]: row["reservations_30d"] for row in memory.run(sql)}
        alone = {monday: memory.run(BEFORE, {"as_of": monday})[0]["reservations_30d"] for monday in MONDAYS}
    assert list(alone.values()) == [1, 1, 1, 1, 0]
    assert found == alone


def test_a_grouped_query_without_relations_has_its_instants_too() -> None:
    plain = "SELECT r.operator_id, COUNT(*) AS n FROM reservation AS r CROSS JOIN moment AS m WHERE r.created_at < m.t GROUP BY r.operator_id"
    sql = f"WITH moment AS (SELECT i.t FROM (SELECT CAST($as_of AS TIMESTAMP) AS t) AS i) {plain}"
    query = sqlglot.parse_one(lifted(sql, even=even_calendar(MONDAYS)), read="duckdb")
    assert isinstance(query, exp.Select)
    assert query.named_selects == ["operator_id", "n", "t"]

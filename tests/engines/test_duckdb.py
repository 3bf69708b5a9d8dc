"""The in-memory engine: types, time zones, many rows, and errors in one sentence."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from customer_research.engines.duckdb import DuckDB, Memory
from customer_research.engines.engine import Room
from customer_research.errors import EngineError, OutOfMemoryError
from customer_research.record_tables import TABLES


def test_rows_come_back_as_they_went_in_with_aware_timestamps() -> None:
    row = {
        "operator_id": "op",
        "trip_id": "t1",
        "created_at": datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
        "total_minor": 12_345,
        "distance_miles": 3.5,
        "driver_app_used": False,
    }
    with Memory() as memory:
        memory.load("reservation", [row])
        (out,) = memory.run("SELECT * FROM reservation")
    assert set(out) == set(TABLES["reservation"].column_names)
    assert {key: out[key] for key in row} == row
    assert out["cancelled_at"] is None


def test_other_time_zones_are_converted_and_naive_ones_refused() -> None:
    tokyo = timezone(timedelta(hours=9))
    with Memory() as memory:
        memory.load("survey", [{"survey_id": "s", "created_at": datetime(2026, 1, 1, 8, tzinfo=tokyo)}])
        assert memory.run("SELECT created_at FROM survey") == [{"created_at": datetime(2025, 12, 31, 23, tzinfo=UTC)}]
        with pytest.raises(EngineError, match="no time zone"):
            memory.load("survey", [{"survey_id": "s", "created_at": datetime(2026, 1, 1)}])  # noqa: DTZ001


def test_parameters_are_bound_and_the_unneeded_ignored() -> None:
    with Memory() as memory:
        memory.load("invoice", [{"invoice_id": "i", "issuing_date": date(2024, 2, 29)}])
        sql = "SELECT invoice_id FROM invoice WHERE issuing_date < $as_of AND invoice_id = $one"
        at = datetime(2024, 3, 1, tzinfo=UTC)
        assert memory.run(sql, {"as_of": at, "one": "i", "other": 1}) == [{"invoice_id": "i"}]
        assert memory.run(sql, {"as_of": at, "one": "' OR 1=1 --"}) == []
        with pytest.raises(EngineError, match=r"\$as_of"):
            memory.run(sql, {"one": "i"})


def test_every_canonical_table_can_be_empty_and_loaded_again() -> None:
    with Memory() as memory:
        for table in TABLES:
            memory.load(table, [])
            assert memory.run(f"SELECT * FROM {table}") == []
        memory.load("member", [{"member_id": "a"}, {"member_id": "b"}])
        memory.load("member", [{"member_id": "c"}])
        assert memory.run("SELECT member_id FROM member") == [{"member_id": "c"}]


def test_many_rows_load_whole() -> None:
    rows = [{"operator_id": f"op{n % 7}", "trip_id": str(n), "total_minor": n} for n in range(30_000)]
    with Memory() as memory:
        memory.load("reservation", rows)
        assert memory.run("SELECT COUNT(*) AS n, SUM(total_minor) AS total FROM reservation") == [
            {"n": 30_000, "total": 30_000 * 29_999 // 2}
        ]


def test_mistakes_are_one_sentence() -> None:
    with Memory() as memory:
        with pytest.raises(EngineError, match="no canonical table 'nope'"):
            memory.load("nope", [])
        with pytest.raises(EngineError, match="no column colour"):
            memory.load("member", [{"colour": "red"}])
        with pytest.raises(EngineError, match="failed in memory"):
            memory.load("member", [{"member_id": "a", "created_at": "not a date"}])
        with pytest.raises(EngineError, match="failed in memory"):
            memory.run("SELECT absent FROM member")
        with pytest.raises(EngineError, match="does not parse"):
            memory.run("SELECT FROM WHERE")
        with pytest.raises(EngineError, match="got 2 statements"):
            memory.run("SELECT 1; DROP TABLE member")


def test_files_and_the_network_are_out_of_reach(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    with Memory() as memory, pytest.raises(EngineError, match="failed in memory"):
        memory.run(f"SELECT * FROM read_csv('{secret}')")


def test_a_prepared_query_sees_the_rows_of_its_day() -> None:
    sql = "SELECT survey_id FROM survey WHERE created_at < CAST($as_of AS TIMESTAMP) ORDER BY survey_id"
    tokyo = timezone(timedelta(hours=9))
    with Memory() as memory:
        memory.load("survey", [])
        memory.prepare(sql)
        assert memory.run(sql, {"as_of": datetime(2026, 2, 1, tzinfo=UTC)}) == []
        for number in (1, 2):
            rows = [{"survey_id": f"s{n}", "created_at": datetime(2026, n, 1, tzinfo=UTC)} for n in (number, 12)]
            memory.load("survey", rows)
            assert memory.run(sql, {"as_of": datetime(2026, 6, 1, tzinfo=UTC)}) == [{"survey_id": f"s{number}"}]
        assert memory.run(sql, {"as_of": datetime(2026, 2, 1, 9, tzinfo=tokyo)}) == []
        assert memory.run(sql, {"as_of": datetime(2026, 2, 1, 9, 0, 1, tzinfo=tokyo)}) == [{"survey_id": "s2"}]


def test_a_prepared_query_follows_a_table_whose_columns_change() -> None:
    with Memory() as memory:
        memory.create("wide", {"a": "BIGINT"}, [{"a": 1}])
        memory.prepare("SELECT * FROM wide")
        assert memory.run("SELECT * FROM wide") == [{"a": 1}]
        memory.create("wide", {"a": "BIGINT", "b": "VARCHAR"}, [{"a": 2, "b": "x"}])
        assert memory.run("SELECT * FROM wide") == [{"a": 2, "b": "x"}]


def test_a_prepared_query_is_planned_once_more_after_another_table_is_made_and_not_at_every_run() -> None:
    """DuckDB itself would plan it anew at every run from then on, which takes longer than running it."""
    sql = "SELECT * FROM one"
    with Memory() as memory:
        memory.create("one", {"a": "BIGINT"}, [{"a": 1}])
        memory.prepare(sql)
        plans = [memory._prepared[sql]]
        for name in ("two", "three"):
            memory.create(name, {"a": "BIGINT"}, [])
            for _ in range(2):
                assert memory.run(sql) == [{"a": 1}]
                plans.append(memory._prepared[sql])
        assert len(set(plans)) == 3
        memory.drop("one")
        with pytest.raises(EngineError, match="failed in memory"):
            memory.run(sql)


def test_a_prepared_query_takes_instants_only_and_must_be_sound() -> None:
    with Memory() as memory:
        memory.prepare("SELECT $one AS one")
        with pytest.raises(EngineError, match="takes instants, not a str"):
            memory.run("SELECT $one AS one", {"one": "'"})
        with pytest.raises(EngineError, match=r"\$one"):
            memory.run("SELECT $one AS one", {})
        with pytest.raises(EngineError, match="failed in memory"):
            memory.prepare("SELECT * FROM nowhere")
        with pytest.raises(EngineError, match="got 2 statements"):
            memory.prepare("SELECT 1; SELECT 2")


def test_no_progress_is_drawn_where_python_is_interactive() -> None:
    code = (
        "from customer_research.engines.duckdb import Memory; memory = Memory();"
        "print(memory.run(\"SELECT value FROM duckdb_settings() WHERE name = 'enable_progress_bar'\"))"
    )
    ran = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert ran.stdout == "[{'value': 'false'}]\n"


def test_tables_at_hand_answer_as_before() -> None:
    asked = """
        SELECT m.operator_id, COALESCE(MIN(s.status), m.operator_id) AS told, COUNT(*) AS number, MAX(m.removed_at) AS removed_at
        FROM member AS m
        LEFT JOIN ticket AS s ON s.operator_id = m.operator_id
        GROUP BY m.operator_id
        ORDER BY m.operator_id
    """
    instant = datetime(2026, 3, 1, tzinfo=UTC)
    members = [{"operator_id": name, "removed_at": instant} for name in ("b", "Ä", None, "a", "b", "it's")]
    with Memory() as memory:
        memory.load("member", members)
        memory.load("ticket", [{"operator_id": "b", "status": "open"}, {"operator_id": "only here", "status": "done"}])
        before = memory.run(asked)
        for _ in range(2):  # they may be got ready again
            needed = {"member": {"operator_id": "operator_id", "removed_at": "removed_at"}}
            memory.at_hand({**needed, "ticket": {"status": "status"}}, "operator_id")
            assert memory.run(asked) == before
        assert list(memory.kinds("FROM member")) == ["operator_id", "removed_at"]
        memory.load("member", members[:1])
        assert [row["operator_id"] for row in memory.run(asked)] == ["b"]


def test_too_little_memory_is_told_with_the_setting() -> None:
    with DuckDB(Room(memory_mb=20)) as small:
        with pytest.raises(OutOfMemoryError) as caught:
            small.run("SELECT LENGTH(LIST(range)) AS number FROM range(20000000)")
        assert "engine.memory_mb" in caught.value.hint
        assert small.run("SELECT 1 AS one") == [{"one": 1}]


def test_a_table_extended_with_nothing_is_still_emptied_by_the_next_creation() -> None:
    """That nothing was added does not make a full table an empty one."""
    columns = {"operator_id": "VARCHAR"}
    with Memory() as memory:
        memory.create("small", columns, [{"operator_id": "old"}])
        memory.extend("small", [])
        memory.create("small", columns, [])
        assert memory.run("SELECT operator_id FROM small") == []
        memory.extend("small", [{"operator_id": "new"}])
        memory.create("small", columns, [{"operator_id": "last"}])
        assert memory.run("SELECT operator_id FROM small") == [{"operator_id": "last"}]

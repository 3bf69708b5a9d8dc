"""What every engine owes its callers: rows as they went in, instants in UTC, bound parameters, mistakes as one sentence."""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from places import PLACES, as_fakesnow_says, place

from customer_research.domain.collapse import preference, preference_sql
from customer_research.engines import ENGINES, open_engine
from customer_research.engines.engine import Engine
from customer_research.engines.snowflake import Snowflake, connection_options
from customer_research.errors import ConfigError, EngineError, ExtraMissing
from customer_research.identity.collapse import collapse
from customer_research.metrics.queries import with_shared
from customer_research.record_tables import TABLES
from customer_research.sources.warehouse.normalise import csm_rows

pytestmark = pytest.mark.xdist_group("engines")

AWKWARD = 'it\'s 50 % of \\ a "b" $as_of :1 ? %(x)s {y} -- é\n'
LARGE = 9_007_199_254_740_990  # just below where a DOUBLE ceases to be exact
TOKYO = timezone(timedelta(hours=9))


def told(engine: Engine, value: Any, expected: Any) -> Any:
    return as_fakesnow_says(value, expected) if isinstance(engine, Snowflake) else value


@pytest.fixture(scope="module", params=("duckdb", *PLACES))
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "duckdb":
        with open_engine("duckdb") as opened:
            yield opened
    else:
        with open_engine(request.param, place(request.param)) as opened:
            yield opened


def test_rows_come_back_as_they_went_in(engine: Engine) -> None:
    row = {
        "operator_id": AWKWARD,
        "trip_id": "",
        "created_at": datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
        "total_minor": 9_007_199_254_740_993,
        "distance_miles": 0.1,
        "driver_app_used": False,
    }
    engine.load("reservation", [row])
    (out,) = engine.run("SELECT * FROM reservation")
    assert set(out) == set(TABLES["reservation"].column_names)
    assert {key: out[key] for key in row} == row
    assert type(out["total_minor"]) is int
    assert told(engine, out["cancelled_at"], None) is None


CSM_ROWS: list[dict[str, Any]] = [
    {
        "operator_id": "one",
        "subscription_id": f"s{number}",
        "status": status,
        "waterfall_event": event,
        "started_at": started,
        "mrr_minor": mrr,
        "plan_code": f"p{number}",
    }
    for number, (status, event, started, mrr) in enumerate(
        itertools.product(
            ("active", "pending", "terminated", "canceled", "paused", None),
            ("plan_change", "churn", "reactivation", None),
            (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), None),
            (-100, 0, 100, None),
        )
    )
]


def test_rows_of_the_csm_view_are_in_one_order_everywhere(engine: Engine) -> None:
    expected = [row["subscription_id"] for row in sorted(CSM_ROWS, key=preference)]
    engine.load("csm", random.Random(7).sample(CSM_ROWS, len(CSM_ROWS)))
    ranked = engine.run(f"SELECT subscription_id, ROW_NUMBER() OVER (ORDER BY {preference_sql()}) AS place FROM csm")
    assert [row["subscription_id"] for row in sorted(ranked, key=lambda row: row["place"])] == expected
    at = with_shared(("moment", "csm_at"), "SELECT subscription_id, place FROM csm_at")
    standing = engine.run(at, {"as_of": datetime(2026, 3, 1, tzinfo=UTC)})
    assert [row["subscription_id"] for row in sorted(standing, key=lambda row: row["place"])] == expected


@pytest.mark.parametrize("event", ["reactivation", "new", None])
def test_an_end_that_is_neither_churn_nor_a_change_of_plan_is_one_like_churn(event: str | None) -> None:
    """Where the rules for who stands for an operator disagreed: the later start decides, in every place alike."""
    ended = [row for row in CSM_ROWS if row["status"] == "terminated" and row["mrr_minor"] == 0]
    churned = next(row for row in ended if row["waterfall_event"] == "churn" and row["started_at"].month == 1)
    other = next(row for row in ended if row["waterfall_event"] == "reactivation" and row["started_at"].month == 2)
    rows = [churned, {**other, "waterfall_event": event}]
    assert collapse(rows).plan_code == other["plan_code"]
    told = [
        {
            "LAGO_EXTERNAL_CUSTOMER_ID": row["operator_id"],
            "LAGO_ID": row["subscription_id"],
            "LAGO_STATUS": row["status"],
            "LAGO_WATERFALL_EVENT": row["waterfall_event"],
            "LAGO_STARTED_AT": row["started_at"],
        }
        for row in rows
    ]
    assert [row["is_current"] for row in csm_rows(told, "receipt")] == [False, True]


def test_instants_are_utc_in_and_out_wherever_the_process_is(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    try:
        engine.load("survey", [{"survey_id": "s", "created_at": datetime(2026, 1, 1, 8, tzinfo=TOKYO)}])
        sql = (
            "SELECT created_at, DATE_TRUNC('month', created_at) AS month, CAST(created_at AS DATE) AS day, "
            "CAST($at AS TIMESTAMP) AS at FROM survey WHERE created_at = CAST($at AS TIMESTAMP)"
        )
        at = datetime(2025, 12, 31, 23, tzinfo=UTC)
        expected = {"created_at": at, "month": datetime(2025, 12, 1, tzinfo=UTC), "day": date(2025, 12, 31), "at": at}
        assert engine.run(sql, {"at": datetime(2026, 1, 1, 8, tzinfo=TOKYO)}) == [expected]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_naive_instants_are_refused(engine: Engine) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(EngineError, match="no time zone"):
        engine.load("survey", [{"survey_id": "s", "created_at": naive}])
    with pytest.raises(EngineError, match="no time zone"):
        engine.run("SELECT CAST($at AS TIMESTAMP) AS at", {"at": naive})


def test_parameters_are_bound_whatever_they_say_and_the_unneeded_ignored(engine: Engine) -> None:
    engine.load("invoice", [{"invoice_id": AWKWARD, "total_minor": 7, "issuing_date": date(2024, 2, 29)}])
    sql = "SELECT total_minor % 4 AS rest FROM invoice WHERE invoice_id = $one AND $least < total_minor AND total_minor > $least"
    assert engine.run(sql, {"one": AWKWARD, "least": 6, "other": 1}) == [{"rest": 3}]
    assert engine.run(sql, {"one": "' OR 1=1 --", "least": 6}) == []
    on = "SELECT total_minor FROM invoice WHERE issuing_date = CAST($day AS DATE) AND invoice_id LIKE '%50 %'"
    assert engine.run(on, {"day": date(2024, 2, 29)}) == [{"total_minor": 7}]
    with pytest.raises(EngineError, match=r"\$least"):
        engine.run(sql, {"one": "i"})


def test_tables_can_be_filled_again_and_have_other_columns_then(engine: Engine) -> None:
    engine.load("member", [{"member_id": "a"}, {"member_id": "b"}])
    engine.load("member", [{"member_id": "c"}])
    assert engine.run("SELECT member_id FROM member") == [{"member_id": "c"}]
    engine.load("member", [])
    assert engine.run("SELECT member_id FROM member") == []
    engine.create("wide", {"a": "BIGINT"}, [{"a": 1}])
    engine.create("wide", {"a": "BIGINT", "b": "VARCHAR"}, [{"a": 2, "b": "x"}, {}])
    assert engine.run("SELECT * FROM wide ORDER BY a") == [{"a": 2, "b": "x"}, {"a": None, "b": None}]


def test_a_query_that_was_often_asked_sees_the_columns_that_a_table_has_now(engine: Engine) -> None:
    engine.create("few", {"a": "BIGINT"}, [{"a": 1}])
    for _ in range(8):  # a driver may keep the plan of a query that it is asked again and again
        engine.keep("kept_few", "SELECT * FROM few")
        assert engine.run("SELECT * FROM kept_few") == [{"a": 1}]
    engine.create("few", {"a": "VARCHAR", "b": "BIGINT"}, [{"a": "x", "b": 2}])
    engine.keep("kept_few", "SELECT * FROM few")
    assert engine.run("SELECT * FROM kept_few") == [{"a": "x", "b": 2}]
    engine.drop("few", "kept_few")


def test_texts_are_ordered_by_code_point_and_nulls_come_last(engine: Engine) -> None:
    engine.create("words", {"w": "VARCHAR"}, [{"w": w} for w in ("b", "B", "_", "-", "é", "a", None, "Z")])
    assert [row["w"] for row in engine.run("SELECT w FROM words ORDER BY w")] == [
        "-",
        "B",
        "Z",
        "_",
        "a",
        "b",
        "é",
        None,
    ]
    assert [row["w"] for row in engine.run("SELECT w FROM words ORDER BY w DESC")][-2:] == ["-", None]


def test_sums_are_exact_and_quotients_are_not_cut(engine: Engine) -> None:
    engine.create("sums", {"n": "BIGINT", "x": "DOUBLE"}, [{"n": LARGE, "x": 2.5}, {"n": 2, "x": None}])
    (row,) = engine.run(
        "SELECT SUM(n) AS n, COUNT(x) AS known, 7 / 2 AS half, 7 % 4 AS rest, ROUND(SUM(x), 1) AS x FROM sums"
    )
    row["n"] = told(engine, row["n"], LARGE + 2)
    assert row == {"n": LARGE + 2, "known": 1, "half": 3.5, "rest": 3, "x": 2.5}


def test_mistakes_are_one_sentence(engine: Engine) -> None:
    with pytest.raises(EngineError, match="no canonical table 'nope'"):
        engine.load("nope", [])
    with pytest.raises(EngineError, match="no column colour"):
        engine.load("member", [{"colour": "red"}])
    with pytest.raises(EngineError, match=r"failed in|cannot be filled"):
        engine.load("member", [{"member_id": "a", "created_at": "not a date"}])
    engine.load("member", [])
    for wrong in ("SELECT absent FROM member", "SELECT FROM WHERE", "SELECT 1 AS a; SELECT 2 AS a"):
        with pytest.raises(EngineError) as caught:
            engine.run(wrong)
        assert "\n" not in caught.value.message
    assert engine.run("SELECT 1 AS still_there") == [{"still_there": 1}]


@pytest.mark.parametrize("name", PLACES)
def test_a_missing_driver_names_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("psycopg", "pyspark.errors", "snowflake.connector"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraMissing, match="driver, which is not installed") as caught:
        open_engine(name, "anything")
    assert caught.value.exit_code == 5
    assert f"customer-research[{name}]" in caught.value.hint


def test_spark_without_java_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)
    with pytest.raises(ConfigError, match="needs Java 17 or later, which is not found") as caught:
        open_engine("spark", "local[1]")
    assert "default-jre-headless" in caught.value.hint


def test_every_engine_is_known_by_its_name() -> None:
    assert set(ENGINES) == {"duckdb", *PLACES}


# -- opening ------------------------------------------------------------------------------------------------------------


def test_what_cannot_be_opened_is_said_without_secrets() -> None:
    with pytest.raises(ConfigError, match="no engine 'oracle'"):
        open_engine("oracle", "")
    with pytest.raises(ConfigError, match="takes no URL"):
        open_engine("duckdb", "file.db")
    nobody = "postgresql://tester:hidden-word@127.0.0.1:1/none"
    with pytest.raises(EngineError, match="Postgres at 127") as caught:
        open_engine("postgres", nobody)
    assert "hidden-word" not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "nonsense://tester:hidden-word@host",
        "password=hidden-word hidden-word",
    ],
)
def test_a_postgres_url_of_another_form_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="URL of Postgres") as caught:
        open_engine("postgres", url)
    assert "hidden-word" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("password", ["hidden-word x", "hidden-word%zz", "hidden-word/y"])
def test_a_password_as_it_is_written_is_taken_and_never_told(password: str) -> None:
    with pytest.raises(EngineError, match="does not answer") as caught:
        open_engine("postgres", f"postgresql://tester:{password}@127.0.0.1:1/database")
    assert "hidden-word" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hidden-word@account/db/schema",
        "snowflake://account/db/schema",
        "snowflake://user:hidden-word@account/db",
        "snowflake://user:hidden-word@account/db/schema?colour=red",
        "snowflake://user:hidden-word@account/db/schema?port=many",
    ],
)
def test_a_snowflake_url_of_another_form_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="URL of Snowflake") as caught:
        connection_options(url)
    assert "hidden-word" not in f"{caught.value} {caught.value.hint}"


def test_a_snowflake_url_says_all_the_connector_needs() -> None:
    told = connection_options("snowflake://us%40er:p%2Fw@My-Org-account1/DB/PUBLIC?warehouse=WH&role=R&port=8080")
    assert told == {
        "account": "My-Org-account1",
        "user": "us@er",
        "password": "p/w",
        "database": "DB",
        "schema": "PUBLIC",
        "warehouse": "WH",
        "role": "R",
        "port": 8080,
    }

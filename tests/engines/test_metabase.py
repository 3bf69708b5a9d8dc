"""The Metabase runner: the request it sends, and what it makes of every kind of answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest

from customer_research.connect.http import Http, Vendor
from customer_research.connect.sql import Parameter, SqlAnswer
from customer_research.engines.metabase import EXPORT_CAP, ROW_CAP, MetabaseRunner, native, wire_value
from customer_research.errors import (
    BadAnswer,
    Denied,
    EngineError,
    SchemaChanged,
    SourceError,
    Truncated,
    Unavailable,
)
from customer_research.settings import Settings
from customer_research.sources.warehouse.settings import MetabaseSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ASKED: Mapping[str, Parameter] = {"as_of": NOW, "operator_id": "o-1", "stripe_account": "acct_x"}


def result(rows: list[list[Any]], *columns: tuple[str, str], **data: Any) -> dict[str, Any]:
    cols = [{"name": name, "base_type": kind} for name, kind in columns]
    return {"status": "completed", "data": {"rows": rows, "cols": cols, "results_timezone": "UTC", **data}}


def failed(error: Any, kind: str | None = "invalid-query") -> dict[str, Any]:
    return {"status": "failed", "error": error, "error_type": kind, "data": {"rows": [], "cols": []}}


def run(
    answer: Callable[[httpx2.Request], httpx2.Response] | Any,
    sql: str = "SELECT 1 AS n",
    parameters: Mapping[str, Parameter] = ASKED,
    *,
    whole: bool = False,
) -> SqlAnswer:
    def reply(request: httpx2.Request) -> httpx2.Response:
        return answer(request) if callable(answer) else httpx2.Response(202, json=answer)

    async def go() -> SqlAnswer:
        http = Http(
            Vendor("warehouse", "Metabase"),
            MetabaseSettings.model_validate(
                {"url": "https://metabase.example.com", "api_key": "secret-key", "requests_per_second": 1000}
            ),
            Settings.model_validate({"deadline_seconds": 5}),
            lambda: NOW,
            transport=httpx2.MockTransport(reply),
        )
        try:
            return await MetabaseRunner(http, 2).run(sql, parameters, stream="usage", whole=whole)
        finally:
            await http.close()

    return asyncio.run(go())


# -- the request ---------------------------------------------------------------------------------------------------------


def test_parameters_become_template_tags_and_never_text() -> None:
    query = native(
        """SELECT '$operator_id {{as_of}}' AS said FROM t -- $nothing
        WHERE a = $operator_id AND b < $as_of AND c = $operator_id AND d = $n AND "$quoted" IS NULL""",
        {**ASKED, "n": 7},
    )
    assert query.sql.count("{{operator_id}}") == 2
    assert "'$operator_id {{as_of}}'" in query.sql
    assert "CAST({{as_of}} AS TIMESTAMPNTZ)" in query.sql
    assert '"$quoted"' in query.sql
    assert "o-1" not in query.sql
    assert {name: tag["type"] for name, tag in query.tags.items()} == {
        "operator_id": "text",
        "as_of": "text",
        "n": "number",
    }
    assert {tuple(p["target"][1]): p["value"] for p in query.parameters} == {
        ("template-tag", "operator_id"): "o-1",
        ("template-tag", "as_of"): "2026-11-01 00:00:00",
        ("template-tag", "n"): 7,
    }


def test_card_references_lose_their_quotes_and_get_a_card_tag() -> None:
    query = native('SELECT r.A AS a FROM "{{#642}}" AS r JOIN "{{#855-charges}}" AS c ON c.A = r.A', {})
    assert "FROM {{#642}} AS r" in query.sql
    assert "JOIN {{#855-charges}} AS c" in query.sql
    assert query.tags["#642"]["card-id"] == 642
    assert query.tags["#855-charges"] == {
        "id": "#855-charges",
        "name": "#855-charges",
        "display-name": "#855-charges",
        "type": "card",
        "card-id": 855,
    }


def test_a_text_that_looks_like_a_card_reference_stays_text() -> None:
    assert native("SELECT '\"{{#642}}\"' AS a FROM t", {}).tags == {}


@pytest.mark.parametrize(
    "hidden",
    ["'it''s $x \"{{#642}}\"'", '$$ $x "{{#642}}" $$', "'back\\' || ' $x'"],
)
def test_texts_are_passed_over_whole(hidden: str) -> None:
    query = native(f'SELECT {hidden} AS a, $operator_id AS b FROM "{{{{#7}}}}" AS t /* $x */', ASKED)
    assert list(query.tags) == ["#7", "operator_id"]


def test_a_parameter_without_a_value_is_an_error() -> None:
    with pytest.raises(EngineError, match=r"\$operator_id"):
        native("SELECT a FROM t WHERE b = $operator_id", {})


def test_moments_are_sent_as_utc_wall_time_and_need_a_zone() -> None:
    assert wire_value(datetime.fromisoformat("2026-11-01T02:00:00+02:00")) == "2026-11-01 00:00:00"
    with pytest.raises(EngineError):
        wire_value(datetime(2026, 11, 1))  # noqa: DTZ001


def test_the_body_has_the_database_own_constraints_and_only_the_named_parameters() -> None:
    sent: list[Any] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        sent.append((request.url.path, request.headers["x-api-key"], json.loads(request.content)))
        return httpx2.Response(202, json=result([[3]], ("N", "type/Integer")))

    answer = run(reply, "SELECT COUNT(*) AS n FROM t WHERE a = $operator_id")
    path, key, body = sent[0]
    assert (path, key) == ("/api/dataset", "secret-key")
    assert body["database"] == 2
    assert body["type"] == "native"
    assert body["constraints"] == {"max-results": ROW_CAP, "max-results-bare-rows": ROW_CAP}
    assert [p["value"] for p in body["parameters"]] == ["o-1"]
    assert answer.receipt.query == body["native"]["query"]
    assert answer.receipt.parameters == (("operator_id", "o-1"),)
    assert "secret-key" not in str(answer.receipt)
    assert (answer.receipt.source, answer.receipt.stream, answer.receipt.rows) == ("warehouse", "usage", 1)


# -- the answer ----------------------------------------------------------------------------------------------------------


def test_columns_are_lower_case_and_values_are_read_by_type() -> None:
    answer = run(
        result(
            [["2026-10-31T23:00:00-01:00", "2026-10-30T00:00:00Z", 1.5, "12", "12.50", 3.0, True, "x", None]],
            ("CREATED_AT", "type/DateTimeWithLocalTZ"),
            ("DUE_ON", "type/Date"),
            ("RATE", "type/Float"),
            ("BIG", "type/BigInteger"),
            ("PRICE", "type/Decimal"),
            ("COUNT", "type/Integer"),
            ("FLAG", "type/Boolean"),
            ("NAME", "type/Text"),
            ("AT", "type/DateTime"),
        )
    )
    assert answer.columns == ("created_at", "due_on", "rate", "big", "price", "count", "flag", "name", "at")
    row = answer.rows[0]
    assert row["created_at"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert row["created_at"].tzinfo is UTC
    assert (row["due_on"], row["rate"], row["big"], row["price"]) == (date(2026, 10, 30), 1.5, 12, 12.5)
    assert row["count"] == 3
    assert isinstance(row["count"], int)
    assert (row["flag"], row["name"], row["at"]) == (True, "x", None)


def test_times_without_offset_are_in_the_results_time_zone() -> None:
    answer = run(result([["2026-07-01T08:00:00"]], ("AT", "type/DateTime"), results_timezone="America/New_York"))
    assert answer.rows == [{"at": datetime(2026, 7, 1, 12, tzinfo=UTC)}]


def test_a_failed_query_in_a_202_is_a_bad_answer_in_one_line() -> None:
    with pytest.raises(BadAnswer) as caught:
        run(failed("SQL compilation error:\nsyntax error\tunexpected 'X'."))
    assert "SQL compilation error: syntax error unexpected 'X'" in caught.value.message
    assert (caught.value.source, caught.value.stream) == ("warehouse", "usage")
    assert caught.value.hint


@pytest.mark.parametrize(
    "error",
    [
        "SQL compilation error: error line 1 at position 0\ninvalid identifier 'STATUS_SLUG'",
        "SQL compilation error:\nObject 'SWOOP.NPS_SURVEY' does not exist or not authorized.",
        {"message": "Card 642 does not exist"},
    ],
)
def test_a_gone_table_or_column_is_a_changed_schema(error: Any) -> None:
    with pytest.raises(SchemaChanged):
        run(failed(error))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("missing-required-permissions", Denied), ("timed-out", Unavailable), ("db", BadAnswer), (None, BadAnswer)],
)
def test_the_type_of_failure_decides_the_error(kind: str | None, expected: type[SourceError]) -> None:
    with pytest.raises(expected) as caught:
        run(failed("no", kind))
    assert type(caught.value) is expected


@pytest.mark.parametrize("told", [2000, 0])
def test_rows_truncated_is_never_a_figure(told: int) -> None:
    with pytest.raises(Truncated):
        run(result([[1]], ("N", "type/Integer"), rows_truncated=told))


def test_as_many_rows_as_the_cap_count_as_cut() -> None:
    with pytest.raises(Truncated):
        run(result([[1]] * ROW_CAP, ("N", "type/Integer")))


@pytest.mark.parametrize(
    "answer",
    [
        [],
        "text",
        {},
        {"status": "completed"},
        {"status": "completed", "data": {"rows": [[1]]}},
        result([[1, 2]], ("N", "type/Integer")),
        result([["soon"]], ("AT", "type/DateTime")),
        result([["2026-07-01T08:00:00"]], ("AT", "type/DateTime"), results_timezone="Nowhere/Land"),
        {"data": {"rows": [], "cols": []}},
    ],
)
def test_an_answer_of_another_form_is_a_bad_answer(answer: Any) -> None:
    with pytest.raises(BadAnswer):
        run(answer)


def test_a_text_401_is_denied_and_shows_no_secret() -> None:
    with pytest.raises(Denied) as caught:
        run(lambda _request: httpx2.Response(401, text="Unauthenticated"))
    assert "metabase.api_key" in caught.value.hint
    assert "secret-key" not in f"{caught.value.message}{caught.value.hint}"


def test_an_unknown_database_names_the_setting() -> None:
    with pytest.raises(BadAnswer) as caught:
        run(lambda _request: httpx2.Response(404, text="Not found."))
    assert "metabase.database" in caught.value.hint


# -- the export ----------------------------------------------------------------------------------------------------------


def test_whole_takes_the_export_with_the_query_as_an_object() -> None:
    sent: list[Any] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        sent.append((request.url.path, json.loads(request.content)))
        return httpx2.Response(200, json=[{"A": 1, "At": "2026-10-31T10:00:00"}] * 3)

    answer = run(reply, "SELECT a, at FROM t WHERE b = $operator_id", whole=True)
    assert answer.columns == ("a", "at")
    assert answer.rows == [{"a": 1, "at": "2026-10-31T10:00:00"}] * 3
    path, body = sent[0]
    assert path == "/api/dataset/json"
    assert body["query"]["native"]["template-tags"]["operator_id"]["type"] == "text"
    assert body["format_rows"] is False


def test_an_older_metabase_gets_the_query_as_text() -> None:
    sent: list[Any] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        query = json.loads(request.content)["query"]
        sent.append(query)
        if isinstance(query, dict):
            return httpx2.Response(400, json={"errors": {"query": "value must be a valid JSON string."}})
        return httpx2.Response(200, json=[{"N": 1}])

    answer = run(reply, whole=True)
    assert answer.rows == [{"n": 1}]
    assert json.loads(sent[1]) == sent[0]
    assert answer.receipt.requests == 2


@pytest.mark.parametrize("status", [200, 400])
def test_a_failed_export_is_the_failure_of_its_query(status: int) -> None:
    with pytest.raises(SchemaChanged):
        run(lambda _request: httpx2.Response(status, json=failed("invalid identifier 'X'")), whole=True)


def test_a_form_refused_twice_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        run(lambda _request: httpx2.Response(400, json={"errors": {"query": "no"}}), whole=True)


def test_an_empty_export_has_no_columns() -> None:
    answer = run(lambda _request: httpx2.Response(200, json=[]), whole=True)
    assert (answer.columns, answer.rows) == ((), [])


def test_a_full_export_counts_as_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customer_research.engines.metabase.EXPORT_CAP", 2)
    assert EXPORT_CAP > ROW_CAP
    with pytest.raises(Truncated):
        run(lambda _request: httpx2.Response(200, json=[{"N": 1}] * 2), whole=True)

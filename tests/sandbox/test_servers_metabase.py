"""Metabase's server: it runs Snowflake's SQL, caps rows, fails as the vendor does, and knows the seed cards."""

from __future__ import annotations

import csv
import io
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from sandbox_caller import Caller

from customer_research_sandbox.dataset import Dataset, Relation
from customer_research_sandbox.servers import snowflake
from customer_research_sandbox.servers.snowflake import Warehouse
from customer_research_sandbox.servers.snowflake_sql import SnowflakeError
from customer_research_sandbox.servers.templates import TemplateError, bound

CARD = {"#642": {"id": "c", "name": "#642", "display-name": "#642", "type": "card", "card-id": 642}}


def tag(name: str, kind: str = "text", **more: object) -> Any:
    return {name: {"id": f"id-{name}", "name": name, "display-name": name.title(), "type": kind, **more}}


def value(name: str, given: Any, kind: str = "category") -> Any:
    return {"type": kind, "target": ["variable", ["template-tag", name]], "value": given}


def run(ask: Caller, sql: str, tags: Any = None, parameters: Any = (), **more: object) -> Any:
    native = {"query": sql, "template-tags": tags or {}}
    answer = ask(
        "metabase",
        "/api/dataset",
        {"database": 2, "type": "native", "native": native, "parameters": list(parameters), **more},
    )
    assert answer.status_code == 202
    return answer.json()


def rows(ask: Caller, sql: str, tags: Any = None, parameters: Any = (), **more: object) -> Any:
    body = run(ask, sql, tags, parameters, **more)
    assert body["status"] == "completed", body.get("error")
    return body["data"]["rows"]


def reservations(dataset: Dataset, operator_id: str | None = None) -> Any:
    found = dataset.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows
    return [row for row in found if operator_id in {None, row["OPERATOR_ID"]}]


def busiest(dataset: Dataset) -> Any:
    ids = [row["OPERATOR_ID"] for row in reservations(dataset)]
    return max(set(ids), key=ids.count)


def test_sql_runs_on_the_world_and_names_come_in_capitals(ask: Caller, dataset: Dataset) -> None:
    body = run(
        ask,
        "select count(*) as n, status_slug, sum(total_amount) from FACT.MOOVS_OPERATOR_RESERVATIONS group by 2 order by 2",
    )
    assert [column["name"] for column in body["data"]["cols"]] == ["N", "STATUS_SLUG", "SUM(TOTAL_AMOUNT)"]
    counted = {slug: n for n, slug, _ in body["data"]["rows"]}
    assert counted == {slug: sum(r["STATUS_SLUG"] == slug for r in reservations(dataset)) for slug in counted}
    assert body["data"]["results_timezone"] == "UTC"
    assert {column["base_type"] for column in body["data"]["cols"]} == {"type/Integer", "type/Text", "type/Float"}


def test_an_answer_that_is_kept_is_that_of_the_same_question_alone(dataset: Dataset) -> None:
    relation = dataset.warehouse["POSTGRES_SWOOP.OPERATOR"]
    warehouse = Warehouse({relation.qualified: replace(relation, rows=relation.rows[:3])}, dataset.as_of)
    sql = "SELECT * FROM POSTGRES_SWOOP.OPERATOR WHERE :one = 1 ORDER BY 1"
    asked: list[tuple[dict[str, object], int, tuple[str, ...]]] = [
        ({"one": 1}, 9, ()),
        ({"one": 1}, 2, ()),
        ({"one": 2}, 9, ()),
        ({"one": 1}, 9, ("NAME",)),
    ]
    for _ in range(2):
        answers = [warehouse.run(sql, *each) for each in asked]
        assert [len(one.rows) for one in answers] == [3, 2, 0, 3]
        assert len(answers[3].columns) == len(answers[0].columns) - 1
    warehouse.close()


def test_the_model_card_as_a_table_with_a_bound_operator(ask: Caller, dataset: Dataset) -> None:
    operator = busiest(dataset)
    sql = "SELECT COUNT(*) FROM {{#642}} AS r WHERE r.OPERATOR_ID = {{operator}} AND r.CREATED_AT < {{as_of}}"
    tags = {**CARD, **tag("operator"), **tag("as_of", "date")}
    found = rows(ask, sql, tags, [value("operator", operator), value("as_of", "2026-06-01", "date/single")])
    limit = datetime(2026, 6, 1, tzinfo=UTC)
    assert found == [[sum(row["CREATED_AT"] < limit for row in reservations(dataset, operator))]]


def test_a_value_is_bound_never_pasted(ask: Caller) -> None:
    sql = "SELECT {{x}} AS X"
    assert rows(ask, sql, tag("x"), [value("x", "a' OR '1'='1 -- {{y}} [[z]]")]) == [["a' OR '1'='1 -- {{y}} [[z]]"]]
    body = run(ask, "SELECT '{{x}}' AS X", tag("x"), [value("x", "a")])
    assert body["status"] == "failed"


def test_a_missing_value_fails_in_the_vendors_words(ask: Caller) -> None:
    body = run(ask, "SELECT {{x}}", tag("x"))
    assert (body["status"], body["error_type"]) == ("failed", "missing-required-parameter")
    assert body["error"] == 'Cannot run the query: missing required parameters: #{"x"}'
    required = run(ask, "SELECT {{x}}", tag("x", required=True))
    assert required["error"] == "You'll need to pick a value for 'X' before this query can run."
    assert run(ask, "SELECT 1 FROM {{#642}}")["error"] == 'Cannot run the query: missing required parameters: #{"#642"}'


def test_two_thousand_rows_come_unless_constraints_ask_for_more(ask: Caller, dataset: Dataset) -> None:
    whole = len(reservations(dataset))
    assert whole > 2000
    sql = "SELECT TRIP_ID FROM FACT.MOOVS_OPERATOR_RESERVATIONS"
    body = run(ask, sql)
    assert (body["row_count"], body["data"]["rows_truncated"]) == (2000, 2000)
    body = run(ask, sql, constraints={"max-results": whole + 1, "max-results-bare-rows": whole + 1})
    assert body["row_count"] == whole
    assert "rows_truncated" not in body["data"]
    assert run(ask, sql, constraints={"max-results": 10})["row_count"] == 10


def test_exports_have_no_cap(ask: Caller, dataset: Dataset) -> None:
    native = {
        "query": "SELECT TRIP_ID, PICKUP_DATE, DRIVER_APP_USED FROM FACT.MOOVS_OPERATOR_RESERVATIONS",
        "template-tags": {},
    }
    query: Any = {"query": {"database": 2, "type": "native", "native": native}}
    whole = len(reservations(dataset))
    assert len(ask("metabase", "/api/dataset/json", query).json()) == whole
    lines = list(csv.reader(io.StringIO(ask("metabase", "/api/dataset/csv", query).text)))
    assert lines[0] == ["TRIP_ID", "PICKUP_DATE", "DRIVER_APP_USED"]
    assert len(lines) == whole + 1
    assert len(lines[1][1]) == 10
    book = zipfile.ZipFile(io.BytesIO(ask("metabase", "/api/dataset/xlsx", query).content))
    assert book.read("xl/worksheets/sheet1.xml").count(b"<row>") == whole + 1
    assert ask("metabase", "/api/dataset/pdf", query).status_code == 400
    query["query"]["native"]["query"] = "SELECT NOPE FROM FACT.MOOVS_OPERATOR_RESERVATIONS"
    assert ask("metabase", "/api/dataset/json", query).status_code == 400


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT NOPE FROM MOOVS.CSM_MOOVS", "invalid identifier 'NOPE'"),
        ("SELECT * FROM MOOVS.NOPE", "Object 'MOOVS.NOPE' does not exist or not authorized."),
        ("SELECT * FROM CSM_MOOVS", "Object 'CSM_MOOVS' does not exist or not authorized."),
        ("SELECT * FROM ELSEWHERE.MOOVS.CSM_MOOVS", "does not exist or not authorized."),
        ('SELECT "lago_status" FROM MOOVS.CSM_MOOVS', "invalid identifier '\"lago_status\"'"),
        ('SELECT * FROM MOOVS."csm_moovs"', "does not exist or not authorized."),
        (
            "SELECT COUNT(*) FILTER (WHERE LAGO_STATUS = 'active') FROM MOOVS.CSM_MOOVS",
            "syntax error line 1 at position 23",
        ),
        ("SELECT $as_of", "Bind variable not set"),
        ("SELECT ?", "Bind variable not set"),
        ("SELECT EPOCH(CURRENT_TIMESTAMP())", "Unknown function EPOCH."),
        ("SELECT STRFTIME(LAGO_CREATED_AT, '%Y') FROM MOOVS.CSM_MOOVS", "Unknown function STRFTIME."),
        ("SELECT * FROM READ_CSV('/etc/hostname')", "Unknown function READ_CSV."),
        ("SELECT * FROM RANGE(5)", "Unknown function RANGE."),
        ("SELECT LIST(LAGO_STATUS) FROM MOOVS.CSM_MOOVS", "Unknown function LIST."),
        ("SELECT INTERVAL 1 DAY", "syntax error"),
        ("SELECT DISTINCT ON (LAGO_STATUS) LAGO_STATUS FROM MOOVS.CSM_MOOVS", ""),
        ("FROM MOOVS.CSM_MOOVS", "syntax error"),
        ("SELECT 1 == 1", "syntax error"),
        ("SELECT 1; SELECT 2", "Actual statement count 2"),
        ("DROP TABLE MOOVS.CSM_MOOVS", "access control"),
        ("SELECT 1 / 0", "Division by zero"),
        ("SELECT 'abc'::INT", "not recognized"),
        ("SELECT LAGO_STATUS, COUNT(*) FROM MOOVS.CSM_MOOVS", "SQL compilation error"),
        ("SELECT SUM(LAGO_STATUS = 'active') FROM MOOVS.CSM_MOOVS", "Invalid argument types for function 'SUM'"),
        (
            "SELECT AVG(DRIVER_APP_USED) FROM FACT.MOOVS_OPERATOR_RESERVATIONS",
            "Invalid argument types for function 'AVG'",
        ),
    ],
)
def test_wrong_sql_fails_as_snowflake_would_in_a_202(ask: Caller, sql: str, complaint: str) -> None:
    body = run(ask, sql)
    assert body["status"] == "failed", body["data"]["rows"][:3]
    assert complaint in body["error"]
    assert body["data"] == {"rows": [], "cols": []}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("COUNT_IF(N > 1)", 2),
        ("SUM(IFF(N > 1, 1, 0))", 2),
        ("MEDIAN(N)", 2),
        ("LISTAGG(T, ',') WITHIN GROUP (ORDER BY N DESC)", "c,b,A"),
        ("MAX(DATEADD('day', -30, S))", "2026-10-02T12:30:00Z"),
        ("MAX(DATEDIFF('day', '2026-10-01'::TIMESTAMP_NTZ, S))", 31),
        ("MAX(TIMESTAMPDIFF(SECOND, S, S))", 0),
        ("MAX(DATE_TRUNC('month', S))", "2026-11-01T00:00:00Z"),
        ("MAX(TO_DATE(S))", "2026-11-01T00:00:00Z"),
        ("MAX(TO_CHAR(S, 'YYYY-MM'))", "2026-11"),
        ("MAX(TO_VARCHAR(S, 'YYYY-MM-DD HH24:MI:SS'))", "2026-11-01 12:30:00"),
        ("COUNT_IF(REGEXP_LIKE(T, '[a-z]'))", 2),
        ("COUNT_IF(T ILIKE 'a')", 1),
        (r"COUNT_IF(T LIKE '\\%' ESCAPE '\\')", 0),
        ("MAX(NULLIF(N, 3))", 2),
        ("MAX(ZEROIFNULL(NULL::INT))", 0),
        ("DIV0(SUM(N), 0)", 0),
        ("SUM(N) / COUNT(*)", 2),
        ("MAX_BY(T, N)", "c"),
        ("SUM(M)::NUMBER(18, 2)", 6.75),
        ("MAX(YEAR(S))", 2026),
        ("MAX(DAYOFWEEK(S))", 0),
        ("MAX(CURRENT_TIMESTAMP()::DATE)", "2026-11-01T00:00:00Z"),
        ("MAX(EXTRACT(MONTH FROM S))", 11),
        ("BOOLOR_AGG(N > 2)", True),
        ("COUNT(DISTINCT T)", 3),
        ("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY N)", 2),
        ("MAX(SPLIT_PART('a-b', '-', 2))", "b"),
        ("MAX(NVL(NULL, T))", "c"),
        ("MAX(COALESCE(TRY_TO_NUMBER('x'), 5))", 5),
        ("MAX(TO_TIMESTAMP_NTZ('2026-11-01T00:00:00'))", "2026-11-01T00:00:00Z"),
        ("MAX(CONCAT(T, '!'))", "c!"),
        ("MAX(REGEXP_REPLACE(T, '[A-Z]', '-'))", "c"),
        ("MAX(LAST_DAY(D))", "2026-11-30T00:00:00Z"),
        ("CORR(N, N)", 1),
        ("MAX(OBJECT_CONSTRUCT('a', N):a::INT)", 3),
    ],
)
def test_snowflakes_functions(tiny: Warehouse, sql: str, expected: Any) -> None:
    found = tiny.run(f"SELECT {sql} AS X FROM A.T", {}, 10).rows
    assert found == [[expected]]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT T FROM A.T QUALIFY ROW_NUMBER() OVER (ORDER BY N DESC) = 1", [["c"]]),
        ("WITH x (k) AS (SELECT N FROM A.T), y AS (SELECT k FROM x WHERE k > 1) SELECT COUNT(*) FROM y", [[2]]),
        ("SELECT N FROM A.T ORDER BY NULLIF(N, 3) DESC", [[3], [2], [1]]),
        ("SELECT N AS k, k + 1 AS j FROM A.T WHERE N IN (:p1, :p2) ORDER BY 1", [[1, 2], [3, 4]]),
        ("SELECT t1.N FROM A.T AS t1 JOIN A.T AS t2 USING (N) WHERE t2.T = 'b'", [[2]]),
        ("SELECT COUNT(*) FROM A.T GROUP BY ALL", [[3]]),
        ("SELECT * EXCLUDE (T, S, D, M) FROM A.T WHERE N = 1", [[1]]),
        ("SELECT N FROM A.T WHERE D >= '2026-11-01' AND S < '2026-11-02' AND N = 1", [[1]]),
        (
            "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'A' ORDER BY ORDINAL_POSITION LIMIT 2",
            [["N"], ["T"]],
        ),
        ("SELECT N, LAG(N) OVER (ORDER BY N) FROM A.T ORDER BY N LIMIT 2", [[1, None], [2, 1]]),
        ("SELECT v.c FROM (VALUES (1), (2)) AS v (c) ORDER BY 1", [[1], [2]]),
        ("SELECT 1 AS N UNION ALL SELECT N FROM A.T WHERE N = 2 ORDER BY 1", [[1], [2]]),
    ],
)
def test_snowflakes_statements(tiny: Warehouse, sql: str, expected: Any) -> None:
    binds = {"p1": 1, "p2": 3} if ":p1" in sql else {}
    assert tiny.run(sql, binds, 10).rows == expected


@pytest.fixture(scope="module")
def tiny() -> Iterator[Any]:
    columns = {"N": "NUMBER(38,0)", "T": "VARCHAR", "S": "TIMESTAMP_NTZ", "D": "DATE", "M": "NUMBER(18,2)"}
    moment = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
    made = [
        {"N": n, "T": t, "S": moment, "D": date(2026, 11, 1), "M": Decimal("2.25")}
        for n, t in ((1, "A"), (2, "b"), (3, "c"))
    ]
    warehouse = Warehouse({"A.T": Relation("A", "T", columns, made)}, datetime(2026, 11, 1, tzinfo=UTC))
    yield warehouse
    warehouse.close()


def test_what_goes_in_comes_out(dataset: Dataset, ask: Caller) -> None:
    """Every column of a wide relation, texts with quotes and line ends, nulls, dates and money as they were."""
    relation = dataset.warehouse["MOOVS.CSM_MOOVS"]
    body = run(ask, "SELECT * FROM MOOVS.CSM_MOOVS ORDER BY LAGO_ID")
    assert [column["name"] for column in body["data"]["cols"]] == list(relation.columns)
    expected = sorted(relation.rows, key=lambda row: row["LAGO_ID"])
    for found, row in zip(body["data"]["rows"], expected, strict=True):
        assert [shown(cell) for cell in row.values()] == found


def shown(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None).isoformat() + "Z"
    return f"{cell.isoformat()}T00:00:00Z" if isinstance(cell, date) else cell


def test_the_database_cannot_be_used_to_read_the_machine(tiny: Warehouse) -> None:
    for sql in ("SELECT * FROM '/etc/hostname'", 'SELECT * FROM "/etc/hostname"', "COPY A.T TO 'x.csv'"):
        with pytest.raises(SnowflakeError):
            tiny.run(sql, {}, 1)


def test_the_seed_cards_are_facts_of_the_world(ask: Caller, dataset: Dataset) -> None:
    card = ask("metabase", "/api/card/642").json()
    assert (card["name"], card["type"], card["database_id"]) == ("MODEL - Moovs Operator Reservations", "model", 2)
    assert len(card["result_metadata"]) >= 90
    operator = next(column for column in card["result_metadata"] if column["name"] == "OPERATOR_ID")
    assert operator["id"] == 58047
    field = ask("metabase", "/api/field/58047").json()
    assert (field["name"], field["table"]["schema"], field["table"]["db_id"]) == ("OPERATOR_ID", "MOZART", 2)
    assert ask("metabase", "/api/card/855").json()["name"] == "Moovs Platform Charges"
    assert ask("metabase", "/api/card/1469").json()["name"] == "CSM_MOOVS"
    assert {card["id"] for card in ask("metabase", "/api/card").json()} == {642, 855, 948, 1469, 1479}
    assert ask("metabase", "/api/card/5").text == "Not found."
    databases = ask("metabase", "/api/database").json()["data"]
    assert [(one["id"], one["engine"]) for one in databases] == [(2, "snowflake"), (3, "postgres")]
    same = 'SELECT COUNT(*) FROM MOZART."MODEL - Moovs Operator Reservations"'
    assert rows(ask, same) == [[len(reservations(dataset))]]


def test_a_card_filtered_by_its_field(ask: Caller, dataset: Dataset) -> None:
    operator = busiest(dataset)
    filtered = {"type": "string/=", "target": ["dimension", ["field", 58047, None]], "value": [operator]}
    body = ask("metabase", "/api/card/642/query", {"parameters": [filtered]}).json()
    assert body["row_count"] == min(len(reservations(dataset, operator)), 2000)
    exported = ask("metabase", "/api/card/642/query/json", {"parameters": [filtered]}).json()
    assert len(exported) == len(reservations(dataset, operator))
    assert {row["OPERATOR_ID"] for row in exported} == {operator}
    wrong = {**filtered, "target": ["dimension", ["field", 1, None]]}
    assert ask("metabase", "/api/card/642/query", {"parameters": [wrong]}).json()["status"] == "failed"
    other = {**filtered, "target": ["variable", ["template-tag", "nope"]]}
    assert ask("metabase", "/api/card/642/query", {"parameters": [other]}).json()["error_type"] == "invalid-parameter"


@pytest.mark.parametrize("number", [855, 948, 1469, 1479])
def test_every_card_runs(ask: Caller, number: int) -> None:
    body = ask("metabase", f"/api/card/{number}/query", {}).json()
    assert body["status"] == "completed"
    assert body["row_count"] > 0


def test_charges_join_through_the_operator_table(ask: Caller, dataset: Dataset) -> None:
    accounts = {r["STRIPE_ACCOUNT"]: r["OPERATOR_ID"] for r in dataset.warehouse["POSTGRES_SWOOP.OPERATOR"].rows}
    charges = [
        r for r in dataset.warehouse["MOZART_NEW.MOOVS_PLATFORM_CHARGES"].rows if r["STRIPE_ACCOUNT_ID"] in accounts
    ]
    operator = accounts[charges[0]["STRIPE_ACCOUNT_ID"]]
    sql = """SELECT COUNT(*) FROM {{#855-moovs-platform-charges}} AS c
      JOIN POSTGRES_SWOOP.OPERATOR AS o ON c.STRIPE_ACCOUNT_ID = o.STRIPE_ACCOUNT WHERE o.OPERATOR_ID = {{operator}}"""
    name = "#855-moovs-platform-charges"
    tags = {name: {"id": "c", "name": name, "display-name": name, "type": "card", "card-id": 855}, **tag("operator")}
    expected = sum(accounts[charge["STRIPE_ACCOUNT_ID"]] == operator for charge in charges)
    assert rows(ask, sql, tags, [value("operator", operator)]) == [[expected]]


def test_the_other_database_has_none_of_it(ask: Caller) -> None:
    native = {"query": "SELECT 1 FROM MOOVS.CSM_MOOVS", "template-tags": {}}
    assert (
        ask("metabase", "/api/dataset", {"database": 3, "type": "native", "native": native}).json()["status"]
        == "failed"
    )
    assert ask("metabase", "/api/dataset", {"database": 4, "type": "native", "native": native}).status_code == 404
    assert "errors" in ask("metabase", "/api/dataset", {"database": "2", "type": "native", "native": native}).json()


def test_keys_and_sessions(ask: Caller) -> None:
    answer = ask("metabase", "/api/user/current", headers={"x-api-key": "wrong"})
    assert (answer.status_code, answer.text) == (401, "Unauthenticated")
    login = {"username": "sandbox@example.com", "password": "sandbox-metabase-password"}
    session = ask("metabase", "/api/session", login).json()["id"]
    headers = {"x-api-key": "", "X-Metabase-Session": session}
    assert ask("metabase", "/api/user/current", headers=headers).json()["common_name"]
    assert ask("metabase", "/api/session", {**login, "password": "x"}).status_code == 401


def no_card(number: int) -> str:
    raise TemplateError(f"no card {number}")


def template(query: str, tags: Any, *parameters: Any) -> Any:
    made = bound(query, tags, list(parameters), no_card, lambda number: f'"F{number}"')
    return made.sql, made.binds


def test_template_tags_of_every_type() -> None:
    assert template("a = {{t}}", tag("t"), value("t", "x")) == ("a = :p1", {"p1": "x"})
    assert template("a = {{n}}", tag("n", "number"), value("n", "12")) == ("a = 12", {})
    assert template("a > {{d}}", tag("d", "date"), value("d", "2026-11-01")) == ("a > :p1", {"p1": date(2026, 11, 1)})
    moment = template("a > {{d}}", tag("d", "date"), value("d", "2026-11-01T02:00:00+02:00"))
    assert moment == ("a > :p1", {"p1": datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None)})
    assert template("a IN ({{t}})", tag("t"), value("t", ["x", "y"])) == ("a IN (:p1, :p2)", {"p1": "x", "p2": "y"})
    assert template("a = {{t}}", tag("t", default="z")) == ("a = :p1", {"p1": "z"})


def test_optional_clauses() -> None:
    query = "SELECT 1 [[WHERE a = {{a}}]] [[AND b = {{b}}]]"
    assert template(query, {**tag("a"), **tag("b")}, value("b", "x")) == ("SELECT 1  AND b = :p1", {"p1": "x"})
    with pytest.raises(TemplateError):
        template("SELECT [[ {{a}}", tag("a"))


def test_field_filters() -> None:
    tags = tag("f", "dimension", dimension=["field", 58047, None], **{"widget-type": "string/="})
    given = {"type": "string/=", "target": ["dimension", ["template-tag", "f"]], "value": ["x"]}
    assert template("WHERE {{f}}", tags, given) == ('WHERE "F58047" IN (:p1)', {"p1": "x"})
    assert template("WHERE {{f}}", tags) == ("WHERE 1 = 1", {})
    assert template("a [[AND {{f}}]]", tags) == ("a ", {})


@pytest.mark.parametrize(("kind", "given"), [("number", "1; DROP"), ("number", "abc"), ("date", "yesterday")])
def test_values_of_the_wrong_type(kind: str, given: Any) -> None:
    with pytest.raises(TemplateError):
        template("{{v}}", tag("v", kind), value("v", given))


def test_it_closes_while_a_query_runs() -> None:
    rows = [{"N": number} for number in range(3000)]
    warehouse = Warehouse({"A.T": Relation("A", "T", {"N": "NUMBER(38,0)"}, rows)}, datetime(2026, 11, 1, tzinfo=UTC))
    told: list[str] = []

    def ask() -> None:
        try:
            warehouse.run("SELECT SUM(x.N * y.N * z.N) AS TOTAL FROM A.T x, A.T y, A.T z", {}, 1)
        except SnowflakeError as error:
            told.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    while not warehouse._running:  # nothing public tells that a query runs
        time.sleep(0.01)
    warehouse.close()
    asking.join()
    assert len(told) == 1


def test_a_table_of_several_files_has_all_rows_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read file by file while the next ones are made: none is lost, none comes out of turn, and tables keep apart."""
    monkeypatch.setattr(snowflake, "_ROWS_A_FILE", 7)
    wanted = {"A.T": list(range(50)), "A.NONE": [], "B.U": list(range(100, 114))}
    relations = {
        name: Relation(name[0], name[2:], {"N": "NUMBER(38,0)"}, [{"N": number} for number in numbers])
        for name, numbers in wanted.items()
    }
    warehouse = Warehouse(relations, datetime(2026, 11, 1, tzinfo=UTC))
    for name, numbers in wanted.items():
        assert warehouse.run(f"SELECT N FROM {name}", {}, 1000).rows == [[number] for number in numbers]
    warehouse.close()


def test_a_row_that_cannot_be_read_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snowflake, "_ROWS_A_FILE", 2)
    rows = [{"N": number} for number in (1, 2, 3, "no number", 5)]
    with pytest.raises(duckdb.Error):
        Warehouse({"A.T": Relation("A", "T", {"N": "NUMBER(38,0)"}, rows)}, datetime(2026, 11, 1, tzinfo=UTC))

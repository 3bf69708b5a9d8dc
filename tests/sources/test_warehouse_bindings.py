"""The bindings' SQL: their columns, their names in the settings, and what they make of odd vendor values (real DuckDB)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest

from customer_research.connect.source import Subject
from customer_research.engines.dialect import transpile
from customer_research.errors import ConfigError
from customer_research.record_tables import TABLES
from customer_research.sources.warehouse.bindings import (
    BOUND,
    RAW_CHARGE,
    RESERVATION,
    ChargePath,
    bindings,
    declared,
    default_path,
    empty,
    relation,
)
from customer_research.sources.warehouse.settings import MetabaseSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SUBJECT = Subject("o-1", NOW, stripe_account="acct_x")
PATHS = [ChargePath(kind, "acct_x", "") for kind in ("direct", "join", "raw")]


def settings(**metabase: Any) -> MetabaseSettings:
    return MetabaseSettings.model_validate(metabase)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.kind)
def test_every_bound_table_has_exactly_its_canonical_columns(path: ChargePath) -> None:
    for table, binding in declared(path).items():
        assert tuple(binding.columns) == TABLES[table].column_names
    assert set(declared(path)) == set(BOUND)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.kind)
def test_bindings_survive_snowflake_without_needless_quotes(path: ChargePath) -> None:
    for table, sql in bindings(settings(), SUBJECT, path).items():
        written = transpile(sql, "snowflake")
        quoted = set(re.findall(r'"[^"]*"', written))
        assert quoted <= {'"{{#642}}"', '"USER"'}, table
        assert ":operator_id" in written or ":stripe_account" in written


def test_the_user_table_is_quoted_because_the_word_is_reserved() -> None:
    assert 'POSTGRES_SWOOP."USER"' in bindings(settings(), SUBJECT)["member"]
    assert relation("postgres_swoop.user", "member") == 'postgres_swoop."USER"'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("{{#642}}", '"{{#642}}"'),
        (" {{#642-moovs-operator-reservations}} ", '"{{#642-moovs-operator-reservations}}"'),
        ("FACT.MOOVS_OPERATOR_RESERVATIONS", "FACT.MOOVS_OPERATOR_RESERVATIONS"),
        ('MOZART."MODEL - Moovs Operator Reservations"', 'MOZART."MODEL - Moovs Operator Reservations"'),
        ("DB.S.T", "DB.S.T"),
    ],
)
def test_relations(name: str, expected: str) -> None:
    assert relation(name, "reservations") == expected


@pytest.mark.parametrize(
    "name", ["", "a b", "FACT.T; DROP TABLE X", "FACT.T -- x", "{{#642}} x", "{{name}}", "a.b.c.d", '"a', "1a"]
)
def test_a_setting_that_is_no_relation_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        relation(name, "reservations")
    assert caught.value.setting == "metabase.reservations"


def test_the_default_path_is_the_account_else_the_join() -> None:
    assert default_path(SUBJECT).kind == "direct"
    assert default_path(Subject("o-1", NOW)).kind == "join"


def test_without_an_account_or_a_relation_a_table_is_bound_to_no_rows() -> None:
    bound = bindings(settings(survey=""), SUBJECT, ChargePath("none", None, ""))
    connection = duckdb.connect()
    for table in ("charge", "dispute", "survey"):
        assert bound[table] == empty(table)
        answer = connection.execute(bound[table])
        assert tuple(column[0] for column in answer.description or ()) == TABLES[table].column_names
        assert answer.fetchall() == []


def run(binding_sql: str, setup: str, **parameters: Any) -> list[dict[str, Any]]:
    connection = duckdb.connect()
    connection.execute(setup)
    answer = connection.execute(binding_sql, parameters)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


RESERVATIONS = """CREATE SCHEMA FACT; CREATE TABLE FACT.R AS SELECT 'o-1' AS OPERATOR_ID, row_number() OVER () AS TRIP_ID,
    'C' AS CONFIRMATION_NUMBER, 1 AS ORDER_NUMBER, slug AS STATUS_SLUG, TIMESTAMP '2026-10-01' AS CREATED_AT,
    TIMESTAMP '2026-10-02' AS PICKUP_DATE_TIME, CAST(NULL AS TIMESTAMP) AS CANCELLED, amount AS TOTAL_AMOUNT,
    NULL::DOUBLE AS AMOUNT_PAID, 0.0 AS AMOUNT_DUE, 'One-Way ' AS TRIP_TYPE, NULL AS ORDER_TYPE, 1 AS DISTANCE_MILES,
    2 AS TOTAL_TRIP_TIME_MINUTES, '' AS DRIVER_FULL_NAME, NULL AS COMPANY_NAME, NULL AS VEHICLE_NAME,
    NULL::BOOLEAN AS DRIVER_APP_USED, NULL AS AVG_RATING, ' ' AS FARMEE_OPERATOR_NAME
    FROM (VALUES {values}) AS v(slug, amount)"""


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("completed", "completed"),
        ("Done", "completed"),
        ("cancelled", "cancelled"),
        ("canceled", "cancelled"),
        ("No-Show", "cancelled"),
        ("no show", "cancelled"),
        ("in progress", "in_progress"),
        ("IN_PROGRESS", "in_progress"),
        (" pending ", "pending"),
        ("confirmed", "confirmed"),
        ("assigned", "other"),
        ("", "other"),
        (None, "other"),
    ],
)
def test_trip_statuses_are_a_closed_list(slug: str | None, expected: str) -> None:
    value = "NULL" if slug is None else f"'{slug}'"
    sql = RESERVATION.sql(MetabaseSettings.model_validate({"reservations": "FACT.R"}))
    row = run(sql, RESERVATIONS.format(values=f"({value}::VARCHAR, 1.0)"), operator_id="o-1")[0]
    assert row["status"] == expected


@pytest.mark.parametrize(
    ("amount", "expected"), [("10.005", 1001), ("0.1 + 0.2", 30), ("-3.335", -334), ("NULL::DOUBLE", None), ("0", 0)]
)
def test_dollars_become_whole_cents(amount: str, expected: int | None) -> None:
    sql = RESERVATION.sql(MetabaseSettings.model_validate({"reservations": "FACT.R"}))
    row = run(sql, RESERVATIONS.format(values=f"('completed', {amount})"), operator_id="o-1")[0]
    assert row["total_minor"] == expected
    assert (row["paid_minor"], row["due_minor"], row["currency"]) == (None, 0, "USD")
    assert (row["driver_name"], row["farmee_name"], row["trip_type"]) == (None, None, "one-way")


def test_an_optional_column_that_is_absent_is_read_as_null() -> None:
    setup = RESERVATIONS.format(values="('completed', 1.0)") + "; ALTER TABLE FACT.R DROP COLUMN AVG_RATING"
    sql = RESERVATION.sql(MetabaseSettings.model_validate({"reservations": "FACT.R"}), frozenset({"r.AVG_RATING"}))
    assert run(sql, setup, operator_id="o-1")[0]["rating"] is None


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("'13:45:10'", datetime(2026, 10, 5, 13, 45, 10)),  # noqa: DTZ001
        ("TIME '13:45:10'", datetime(2026, 10, 5, 13, 45, 10)),  # noqa: DTZ001
        ("'at noon'", datetime(2026, 10, 5)),  # noqa: DTZ001
        ("NULL::VARCHAR", datetime(2026, 10, 5)),  # noqa: DTZ001
    ],
)
def test_the_models_date_and_time_become_one_moment(clock: str, expected: datetime) -> None:
    setup = f"""CREATE SCHEMA M; CREATE TABLE M.C AS SELECT 'ch_1' AS STRIPE_CHARGE_ID, 'acct_x' AS STRIPE_ACCOUNT_ID,
        'Failed' AS STATUS, DATE '2026-10-05' AS CREATED_DATE, {clock} AS CREATED_TIME, 12.345 AS TOTAL_DOLLARS_CHARGED,
        NULL::DOUBLE AS TOTAL_DOLLARS_REFUNDED, NULL AS CARD_ID, '' AS OUTCOME_REASON, 'declined' AS OUTCOME_SELLER_MESSAGE,
        'Highest' AS OUTCOME_RISK_LEVEL, 80 AS OUTCOME_RISK_SCORE, 'A B' AS BILLING_DETAIL_NAME, 'dp_1' AS DISPUTE_ID,
        'Needs_Response' AS DISPUTE_STATUS, 'fraudulent' AS DISPUTE_REASON, 12.345 AS DISPUTED_AMOUNT,
        DATE '2026-10-20' AS DISPUTE_DATE"""
    bound = bindings(settings(charges="M.C"), SUBJECT, PATHS[0])
    charge = run(bound["charge"], setup, operator_id="o-1", stripe_account="acct_x")[0]
    assert charge["created_at"] == expected
    assert (charge["status"], charge["amount_minor"], charge["refunded_minor"]) == ("failed", 1235, 0)
    assert (charge["failure_reason"], charge["risk_level"], charge["operator_id"]) == ("declined", "highest", "o-1")
    dispute = run(bound["dispute"], setup, operator_id="o-1", stripe_account="acct_x")[0]
    assert (dispute["is_active"], dispute["status"], dispute["amount_minor"]) == (True, "needs_response", 1235)
    assert dispute["created_at"].date() == date(2026, 10, 20)
    assert run(bound["charge"], setup, operator_id="o-1", stripe_account="ACCT_X") == []


@pytest.mark.parametrize("currency", ["jpy", "usd", "kwd"])
def test_raw_amounts_are_minor_units_already(currency: str) -> None:
    setup = f"""CREATE SCHEMA S; CREATE TABLE S.C AS SELECT 'ch_1' AS ID, 'acct_x' AS CONNECTED_ACCOUNT_ID,
        'succeeded' AS STATUS, TIMESTAMP '2026-10-05' AS CREATED, 12000 AS AMOUNT, NULL::BIGINT AS AMOUNT_REFUNDED,
        '{currency}' AS CURRENCY, NULL AS CARD_ID, NULL AS FAILURE_CODE, NULL AS FAILURE_MESSAGE,
        'normal' AS OUTCOME_RISK_LEVEL, NULL AS OUTCOME_RISK_SCORE"""
    sql = RAW_CHARGE.sql(MetabaseSettings.model_validate({"raw_charge": "S.C"}))
    row = run(sql, setup, operator_id="o-1", stripe_account="acct_x")[0]
    assert (row["amount_minor"], row["refunded_minor"], row["currency"]) == (12000, 0, currency.upper())

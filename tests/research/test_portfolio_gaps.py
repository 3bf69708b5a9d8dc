"""What a portfolio's figures say of records that lack something, of tables that are missing, and of what was known when."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from awkward_tables import MOMENTS, OPERATORS, corpus, drawn_tables
from hypothesis import given
from hypothesis import strategies as st
from measured_tables import DRAWN, WIDE, read_at, wide
from portfolio_cases import Row, Tables, complete, gap, written

from customer_research.domain.evidence import Gap
from customer_research.engines.duckdb import DuckDB
from customer_research.errors import UsageError
from customer_research.metrics.wide import KNOWN_AT, KNOWN_OPERATORS
from customer_research.record_tables import LAKE_TABLES, STATES, TABLES
from customer_research.research.portfolio.measurement import attach, measure


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as opened:
        yield opened


def planted(table: str, rows: list[Row], moment: datetime, number: int) -> list[Row]:
    """Rows of an earlier draw as if they became known at the instant or later, under ids of their own.

    A subscription that begins at the instant has begun, so that of two that follow each other there one runs: those begin later.
    """
    key = [name for name in LAKE_TABLES[table].key if name != "operator_id"]
    first = timedelta(microseconds=1) if table == "subscription" else timedelta(0)
    later = (first, timedelta(microseconds=1), timedelta(days=3), timedelta(days=400))
    return [
        {**row, **{name: f"{row[name]} later" for name in key}, KNOWN_AT[table]: moment + later[(i + number) % 4]}
        for i, row in enumerate(rows)
    ]


def test_every_table_with_a_time_is_planted() -> None:
    assert set(LAKE_TABLES) - set(KNOWN_AT) == {"plan", "gap", *STATES.values()}
    assert all(column in LAKE_TABLES[table].column_names for table, column in KNOWN_AT.items())


def test_what_becomes_known_at_the_instant_or_later_changes_no_cell(engine: DuckDB) -> None:
    @DRAWN
    @given(drawn_tables(largest=8), st.integers(0, 3))
    def check(told: tuple[datetime, Tables], number: int) -> None:
        moment, tables = told
        before = wide(engine, tables, {}, moment)
        more = {
            name: [*rows, *planted(name, list(rows), moment, number)]
            for name, rows in tables.items()
            if name in KNOWN_AT
        }
        newcomers: list[Row] = [
            {"operator_id": f"newcomer {i}", "created_at": moment + timedelta(days=i)} for i in range(2)
        ]
        after = wide(engine, {**tables, **more, "operator": newcomers}, {}, moment)
        assert after == before

    check()


def test_newcomers_of_any_table_are_unknown_before_and_known_after(engine: DuckDB) -> None:
    moment = MOMENTS[0]
    drawn = complete(corpus(moment, rows=8))
    newcomers: dict[str, list[Row]] = {
        table: [{**row, "operator_id": f"newcomer of {table}"} for row in planted(table, drawn[table], moment, 0)[:1]]
        for table in set(KNOWN_AT) - {"operator"}
    }
    assert wide(engine, newcomers, {}, moment) == []
    known = {row["operator_id"] for row in wide(engine, newcomers, {}, moment + timedelta(days=1))}
    money_only = {"credit_note", "coupon", "payment", "refund"}  # of which alone nobody is known
    assert known == {f"newcomer of {table}" for table in newcomers.keys() - money_only}


def test_the_list_of_operators_knows_those_without_records_and_their_names(engine: DuckDB) -> None:
    moment = MOMENTS[0]
    operators: list[Row] = [
        {"operator_id": "old", "name": "Old", "created_at": moment - timedelta(days=1)},
        {"operator_id": "timeless", "name": None, "created_at": None},
        {"operator_id": "new", "name": "New", "created_at": moment},
    ]
    customers: list[Row] = [
        {"operator_id": "billed", "name": "Billed", "created_at": moment - timedelta(days=1)},
        {"operator_id": "old", "name": "As billed", "created_at": moment - timedelta(days=1)},
    ]
    rows = wide(engine, {"operator": operators, "customer": customers}, {(None, "ticket"): gap("ticket")}, moment)
    named = engine.run(f"SELECT operator_id, name FROM {KNOWN_OPERATORS} ORDER BY operator_id")
    assert [tuple(row.values()) for row in named] == [("billed", "Billed"), ("old", "Old"), ("timeless", "timeless")]
    assert [(row["reservations_30d"], row["open_tickets"], row["segment"]) for row in rows] == [(0, None, "Free")] * 3


def test_a_record_that_lacks_what_it_must_tell_costs_its_operator_the_table_from_when_it_was_known(
    engine: DuckDB,
) -> None:
    moment = MOMENTS[0]
    before = moment - timedelta(days=1)
    invoice: Row = {"invoice_id": "i", "status": "finalized", "payment_status": "succeeded", "total_minor": 5, "currency": "USD",
                    "invoice_type": "one_off", "issuing_date": before.date(), "created_at": before}  # fmt: skip
    tables: dict[str, list[Row]] = {
        "operator": [{"operator_id": one, "created_at": before} for one in ("lacks", "whole", "later")],
        "invoice": [
            {**invoice, "operator_id": "whole"},
            {**invoice, "operator_id": "lacks"},
            {**invoice, "operator_id": "lacks", "invoice_id": "j", "total_minor": None},
            {**invoice, "operator_id": "later"},
            {**invoice, "operator_id": "later", "invoice_id": "j", "total_minor": None, "created_at": moment},
        ],
    }
    paid = {row["operator_id"]: row["invoices_paid"] for row in wide(engine, tables, {}, moment)}
    assert paid == {"lacks": None, "whole": 1, "later": 1}
    paid = {row["operator_id"]: row["invoices_paid"] for row in wide(engine, tables, {}, moment + timedelta(days=1))}
    assert paid == {"lacks": None, "whole": 1, "later": None}


@pytest.mark.parametrize("column", ["state", "is_open", "is_certain", "created_at"])
def test_a_conversation_that_does_not_tell_what_it_must_is_no_zero(engine: DuckDB, column: str) -> None:
    moment = MOMENTS[0]
    told: Row = {"operator_id": "a", "conversation_id": "c", "state": "open", "is_open": True, "is_certain": True,
                 "begun_by": "contact", "asked_at": moment - timedelta(days=1), "created_at": moment - timedelta(days=1)}  # fmt: skip
    for row, found in ((told, 1), ({**told, column: None}, None)):
        tables = {"operator": [{"operator_id": "a", "created_at": moment - timedelta(days=9)}], "conversation": [row]}
        (measured,) = wide(engine, tables, {}, moment)
        assert (measured["conversations_open"], measured["conversations_30d"]) == (found, found)


def test_an_invoice_that_was_paid_later_was_not_paid_then(engine: DuckDB) -> None:
    moment, day = MOMENTS[0], timedelta(days=1)
    issued = moment - 40 * day
    tables: dict[str, list[Row]] = {"operator": [], "invoice": [], "payment": []}
    told = {
        "waits": [("succeeded", moment)],
        "fails": [("failed", moment - day), ("succeeded", moment + day)],
        "again": [("succeeded", moment - day), ("succeeded", moment + day)],
        "silent": [],  # paid, and nobody tells when
    }
    for one, attempts in told.items():
        tables["operator"].append({"operator_id": one, "created_at": issued})
        tables["invoice"].append(
            {
                "operator_id": one,
                "invoice_id": one,
                "invoice_type": "one_off",
                "status": "finalized",
                "due_minor": 0,
                "payment_status": "succeeded",
                "total_minor": 5,
                "currency": "USD",
                "issuing_date": issued.date(),
                "payment_due_date": (moment - 20 * day).date(),
                "created_at": issued,
            }
        )
        tables["payment"] += [
            {
                "operator_id": one,
                "payment_id": f"{one} {n}",
                "invoice_id": one,
                "amount_minor": 5,
                "currency": "USD",
                "status": status,
                "paid_at": at,
            }
            for n, (status, at) in enumerate(attempts)
        ]

    def standing(at: datetime) -> dict[str, tuple[int, int, int]]:
        with tempfile.TemporaryDirectory() as folder:
            measure(engine, read_at(moment + 2 * day, written(Path(folder), tables)).at(at, timedelta(days=2)), at)
            rows = engine.run(WIDE)
        return {
            row["operator_id"]: (row["invoices_paid"], row["invoices_failed"], row["overdue_invoices"]) for row in rows
        }

    assert standing(moment) == {"waits": (0, 0, 1), "fails": (0, 1, 1), "again": (1, 0, 0), "silent": (1, 0, 0)}
    assert set(standing(moment + 2 * day).values()) == {(1, 0, 0)}


def test_what_lacks_is_unknown_of_everybody_and_never_zero(tmp_path: Path, engine: DuckDB) -> None:
    moment = MOMENTS[0]
    tables = written(
        tmp_path, complete(corpus(moment, rows=20)), {("op-1", "invoice"): gap("invoice")}, ("ticket", "csm")
    )
    measure(engine, tables, moment)
    rows = engine.run(WIDE)
    assert {row["open_tickets"] for row in rows} == {None}
    assert {row["mrr_difference"] for row in rows} == {None}
    assert None not in {row["status"] for row in rows}  # billing alone tells
    assert {row["operator_id"] for row in rows if row["invoices_paid"] is None} == {"op-1"}


@pytest.mark.parametrize("who", [None, OPERATORS[0]], ids=["everybody", "one"])
def test_a_gap_in_any_table_costs_its_records_and_no_list(tmp_path: Path, engine: DuckDB, who: str | None) -> None:
    """Whatever a source told only in part, also of the lists themselves: who there is, and what is unknown, stands."""
    tables = complete(corpus(MOMENTS[0], rows=10))
    told = Gap("lago", "truncated", "Only a part.", "Again.")
    attach(engine, written(tmp_path, tables, {(who, name): told for name in LAKE_TABLES}), MOMENTS[0])
    for name, table in LAKE_TABLES.items():
        if "operator_id" not in table.column_names or name == "gap":
            continue
        listed = name not in TABLES
        wanted = [row for row in tables.get(name, ()) if listed or (who is not None and row["operator_id"] != who)]
        assert engine.run(f"SELECT COUNT(*) AS rows FROM {name}") == [{"rows": len(wanted)}], name
    assert engine.run("SELECT COUNT(*) AS rows FROM gap") == [{"rows": len(LAKE_TABLES)}]


def test_no_rows_and_no_rows_yet_are_told_in_one_sentence(tmp_path: Path, engine: DuckDB) -> None:
    with pytest.raises(UsageError, match="have no rows"):
        measure(engine, written(tmp_path / "none", {}), MOMENTS[0])
    first = datetime(2025, 5, 4, 12, 30, tzinfo=UTC)
    tables = written(
        tmp_path / "some",
        {
            "customer": [{"operator_id": "a", "created_at": first + timedelta(days=1)}],
            "payment": [
                {"operator_id": "a", "payment_id": "p", "invoice_id": "i", "status": "failed", "paid_at": first}
            ],
        },
    )
    with pytest.raises(UsageError, match="first row became known at 2025-05-04 12:30 UTC"):
        measure(engine, tables, first)
    measure(engine, tables, first + timedelta(days=2))

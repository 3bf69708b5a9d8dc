"""Point in time: for every table and every column a change made after a date leaves all that is told of the date as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from awkward_tables import MOMENTS, corpus, states_of
from measured_tables import read_at
from portfolio_cases import Row, complete, differing_in_one_pass, unequal, written

from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS
from customer_research.engines.duckdb import DuckDB
from customer_research.metrics.past import OVERWRITTEN, rewound_sql
from customer_research.record_tables import STATES, TABLES
from customer_research.research.portfolio.measurement import measure

T = MOMENTS[0]
READ = T + timedelta(days=30)
LATER = T + timedelta(days=10)
PATIENCE = timedelta(days=2)

Rows = dict[str, list[Row]]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IDENTITY = _words("operator_id fetch_id")
"""Whose a record is, and which receipt brought it."""

FIXED = {
    "customer": _words(
        "lago_id name legal_name email phone currency timezone utc_offset_minutes city country payment_provider created_at"
    ),
    "plan": _words("plan_code name interval amount_minor currency trial_days"),
    "subscription": _words(
        """subscription_id external_id plan_code plan_name interval amount_minor plan_amount_minor monthly_minor currency is_base
        segment billing_time created_at subscription_at trial_ends_at"""
    ),
    "invoice": _words(
        """invoice_id number invoice_type currency total_minor taxes_minor issuing_date payment_due_date issued_at overdue_at
        period_from period_to created_at is_self_billed"""
    ),
    "payment": _words("payment_id invoice_id amount_minor currency status paid_at"),
    "credit_note": _words("credit_note_id number invoice_id reason currency total_minor issuing_date created_at"),
    "coupon": _words("coupon_id code plan_codes amount_minor currency percentage frequency created_at expires_at"),
    "company": _words("company_id name domain industry city state country phone website created_at linked_by"),
    "contact": _words("contact_id name email phone job_title is_primary created_at"),
    "deal": _words("deal_id name currency created_at"),
    "engagement": _words(
        """engagement_id type title body duration_seconds owner_id occurred_at created_at mentions_cancellation
        mentions_champion_left"""
    ),
    "conversation": _words(
        """conversation_id subject channel begun_by asked_at company_since first_reply_at first_reply_s first_close_at first_close_s url
        matched_by is_certain created_at"""
    ),
    "chat_ticket": _words("ticket_id number title category url matched_by is_certain created_at"),
    "ticket": _words("ticket_id number title matched_by is_certain created_at url"),
    "csm": _words(
        """subscription_id started_at created_at name email phone stripe_account stripe_customer custom_domain signed_up_on
        latitude longitude hubspot_company_id hubspot_deal_id pipeline_segment"""
    ),
    "reservation": _words(
        """trip_id confirmation_number order_number created_at pickup_at total_minor currency trip_type order_type distance_miles
        duration_minutes driver_name company_name vehicle_name driver_app_used farmee_name"""
    ),
    "charge": _words(
        """charge_id stripe_account status created_at amount_minor currency card_id failure_reason risk_level risk_score
        cardholder"""
    ),
    "dispute": _words("dispute_id charge_id reason amount_minor currency created_at"),
    "refund": _words("refund_id charge_id reason amount_minor currency created_at"),
    "member": _words("member_id name role created_at"),
    "driver": _words("driver_id created_at"),
    "survey": _words("survey_id nps csat created_at"),
}
"""Columns that tell of what a record is from its instant on; `docs/decisions` says which of them a vendor could change."""

DATED = {
    "subscription": _words("status started_at canceled_at terminated_at"),
    "invoice": _words("status dispute_lost_at"),
    "coupon": _words("status terminated_at frequency_duration_remaining"),
    "csm": _words("status terminated_at waterfall_event event_date"),
    "reservation": _words("status cancelled_at"),
    "member": _words("removed_at"),
    "driver": _words("deactivated_at removed_at"),
}
"""Columns whose changes have an instant in the record."""

UNREAD = {"refund": _words("status")}
"""Columns of tables that no figure reads: the past of none depends on them."""

OVER = {table: {c for one in OVERWRITTEN if one.table == table for c in one.columns} for table in TABLES}


def test_every_column_is_fixed_dated_or_overwritten() -> None:
    for name, table in TABLES.items():
        parts = (IDENTITY, FIXED[name], DATED.get(name, frozenset()), OVER[name], UNREAD.get(name, frozenset()))
        told = [column for part in parts for column in part]
        assert set(table.column_names) <= set(told), name
        assert len(told) - len(set(told)) == 0, name
    assert UNREAD.keys().isdisjoint(table for metric in METRICS.values() for table in metric.tables)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as opened:
        yield opened


@pytest.fixture(scope="module")
def known() -> Rows:
    """What the sources held at the date, in as many states as a corpus has."""
    return complete(corpus(T, rows=24))


def told(engine: DuckDB, folder: Path, tables: Rows) -> list[Row]:
    """Everybody's cells at the date, of tables that were read later."""
    measure(engine, read_at(READ, written(folder, tables)).at(T, PATIENCE), T)
    return engine.run(f"SELECT * FROM {ACCOUNT_TABLE} ORDER BY operator_id")


@pytest.fixture(scope="module")
def before(engine: DuckDB, known: Rows, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return told(engine, tmp_path_factory.mktemp("known"), known)


def other(kind: str, value: Any) -> Any:
    """Another value of a column."""
    match kind:
        case "boolean":
            return not value
        case "integer" | "number":
            return 7 if value is None else value + 5
        case "date":
            return date(2026, 12, 24) if value is None else value + timedelta(days=9)
        case "timestamp":
            return LATER
        case "texts":
            return "|Enterprise|"
    return f"other than {value}"


@pytest.mark.parametrize(
    ("table", "again"), [(name, again) for name in TABLES if OVER[name] for again in {False, name in STATES}]
)
def test_what_is_overwritten_is_taken_away_before_anything_is_measured(
    engine: DuckDB, known: Rows, table: str, *, again: bool
) -> None:
    """Column by column: the rows of the table are the same whatever it says."""
    states = states_of(known, T)
    for name in ("payment", "credit_note", table, *STATES.values()):
        engine.load(name, {**known, **states}[name])
    engine.bind("rewound", rewound_sql(table, table, {table} if again else ()))
    rows = engine.run("SELECT * FROM rewound ORDER BY ALL")
    for column in sorted(OVER[table] - {"payment_status", "updated_at"}):
        engine.load(table, [changed(table, row, column) for row in known[table]])
        assert engine.run("SELECT * FROM rewound ORDER BY ALL") == rows, column
    engine.drop("rewound", table)


def changed(table: str, row: Row, *columns: str) -> Row:
    """A record of which these columns say something else."""
    kinds = {one.name: one.type for one in TABLES[table].columns}
    return {**row, **{column: other(kinds[column], row.get(column)) for column in columns}}


def test_whatever_is_overwritten_tells_nothing_of_the_date(
    engine: DuckDB, known: Rows, before: list[Row], tmp_path: Path
) -> None:
    """All of it in all tables at once, and everybody's cells are what they were."""
    tables = {
        name: [changed(name, row, *(OVER[name] - {"payment_status", "updated_at"})) for row in rows]
        for name, rows in known.items()
        if name in TABLES
    }
    tables["invoice"] = [
        row if row["payment_status"] == "succeeded" or row["status"] == "voided" else {**row, "updated_at": READ}
        for row in tables["invoice"]
    ]
    assert told(engine, tmp_path, {**known, **tables}) == before


def _ended(row: Row) -> Row:
    if row["status"] == "active":
        return {**row, "status": "terminated", "terminated_at": LATER}
    return {**row, "status": "canceled", "canceled_at": LATER} if row["status"] == "pending" else row


def _coupon_ended(row: Row) -> Row:
    return {**row, "status": "terminated", "terminated_at": LATER} if row["status"] == "active" else row


def _left(row: Row) -> Row:
    if row["status"] != "active" or row.get("waterfall_event") == "churn":
        return row
    return {**row, "status": "terminated", "terminated_at": LATER}


def _cancelled(row: Row) -> Row:
    ahead = row["pickup_at"] is not None and row["pickup_at"] >= T and row["status"] in {"confirmed", "pending"}
    return {**row, "status": "cancelled", "cancelled_at": LATER} if ahead else row


def _gone(column: str) -> Callable[[Row], Row]:
    return lambda row: {**row, column: LATER} if row.get(column) is None else row


def _given_back(row: Row) -> Row:
    return {**row, "dispute_lost_at": LATER} if row.get("dispute_lost_at") is None else row


def _voided(row: Row) -> Row:
    unpaid = row["status"] == "finalized" and row["payment_status"] != "succeeded"
    return {**row, "status": "voided", "updated_at": LATER} if unpaid else row


CHANGES: dict[str, tuple[str, Callable[[Row], Row]]] = {
    "a subscription ends": ("subscription", _ended),
    "a coupon ends": ("coupon", _coupon_ended),
    "the CSM view says that it ended": ("csm", _left),
    "a trip is cancelled": ("reservation", _cancelled),
    "a member is removed": ("member", _gone("removed_at")),
    "a driver is removed": ("driver", _gone("removed_at")),
    "a driver is deactivated": ("driver", _gone("deactivated_at")),
    "a payment is given back": ("invoice", _given_back),
    "an invoice is voided": ("invoice", _voided),
}


def test_what_has_a_date_happens_on_it(engine: DuckDB, known: Rows, before: list[Row], tmp_path: Path) -> None:
    tables = dict(known)
    for what, (table, change) in CHANGES.items():
        rows = [change(row) for row in tables[table]]
        assert rows != tables[table], what
        tables[table] = rows
    found = told(engine, tmp_path, tables)
    assert [line for one, was in zip(found, before, strict=True) for line in unequal(one, was)] == []


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_an_invoice_that_waits_is_paid_or_fails_when_its_payment_is_made(
    engine: DuckDB, known: Rows, before: list[Row], tmp_path: Path, outcome: str
) -> None:
    invoices, payments = [], list(known["payment"])
    for row in known["invoice"]:
        if row["payment_status"] == "succeeded" or row["status"] == "voided":
            invoices.append(row)
            continue
        due = 0 if outcome == "succeeded" else row["total_minor"]
        invoices.append(
            {**row, "payment_status": outcome, "payment_overdue": True, "due_minor": due, "updated_at": LATER}
        )
        payments.append(
            {
                "operator_id": row["operator_id"],
                "payment_id": f"later {row['invoice_id']}",
                "invoice_id": row["invoice_id"],
                "amount_minor": row["total_minor"],
                "currency": row["currency"],
                "status": outcome,
                "paid_at": LATER,
            }
        )
    assert len(payments) > len(known["payment"])
    found = told(engine, tmp_path, {**known, "invoice": invoices, "payment": payments})
    assert [line for one, was in zip(found, before, strict=True) for line in unequal(one, was)] == []


def test_many_dates_in_one_pass_are_told_as_each_alone(engine: DuckDB, known: Rows, tmp_path: Path) -> None:
    instants = [T - timedelta(days=7 * week) for week in range(4)]
    tables = read_at(READ, written(tmp_path, known))
    of_all = tables.at(T, PATIENCE)
    assert all(tables.at(instant, PATIENCE) == of_all for instant in instants)
    assert differing_in_one_pass(engine, of_all, instants) == []


def test_tables_read_in_time_are_judged_whole(engine: DuckDB, known: Rows, tmp_path: Path) -> None:
    """And the rule takes away no more than it must: at the date itself every metric is told that was told then."""
    measure(engine, read_at(T, written(tmp_path, known)).at(T, PATIENCE), T)
    now = engine.run(f"SELECT * FROM {ACCOUNT_TABLE} ORDER BY operator_id")
    measure(engine, written(tmp_path / "as they are", known), T)
    assert now == engine.run(f"SELECT * FROM {ACCOUNT_TABLE} ORDER BY operator_id")

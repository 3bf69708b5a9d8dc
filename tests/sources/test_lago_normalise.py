"""Lago's objects → canonical rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from customer_research.domain.money import monthly_minor
from customer_research.errors import SchemaChanged
from customer_research.record_tables import TABLES
from customer_research.sources.lago import normalise
from customer_research.sources.lago.normalise import Record, invoice_subscriptions

OPERATOR = "0a0a0a0a-1111-1111-8111-0a0a0a0a0a0a"
Raw = dict[str, Any]

CUSTOMER: Raw = {
    "lago_id": "c-1",
    "external_id": OPERATOR,
    "name": "Quarry Limo",
    "legal_name": "",
    "email": "office@quarry.example.com",
    "phone": None,
    "currency": None,
    "net_payment_term": 0,
    "applicable_timezone": "America/Denver",
    "city": "Denver",
    "country": "US",
    "billing_configuration": {"payment_provider": "stripe"},
    "created_at": "2024-03-01T09:00:00Z",
}
PLAN: Raw = {
    "code": "pro-monthly",
    "name": "Pro",
    "interval": "monthly",
    "amount_cents": 19900,
    "amount_currency": "USD",
}
SUBSCRIPTION: Raw = {
    "lago_id": "s-1",
    "external_id": "sub_x",
    "plan_code": "pro-monthly",
    "plan_amount_cents": 15000,
    "plan_amount_currency": "USD",
    "status": "active",
    "billing_time": "calendar",
    "created_at": "2025-01-01T00:00:00Z",
    "subscription_at": "2025-01-01T00:00:00Z",
    "started_at": "2025-01-01T02:00:00+02:00",
    "current_billing_period_ending_at": "2026-11-30T23:59:59Z",
    "downgrade_plan_date": "2026-12-01",
}
INVOICE: Raw = {
    "lago_id": "i-1",
    "number": "MOO-1",
    "invoice_type": "subscription",
    "status": "finalized",
    "payment_status": "failed",
    "payment_overdue": True,
    "currency": "JPY",
    "total_amount_cents": 0,
    "taxes_amount_cents": 0,
    "issuing_date": "2026-10-31",
    "payment_due_date": "2026-11-10",
    "created_at": "2026-11-01T05:00:00Z",
    "updated_at": "2026-11-02T05:00:00Z",
}
PAYMENT: Raw = {
    "lago_id": "p-1",
    "invoice_ids": ["i-1"],
    "amount_cents": 0,
    "amount_currency": "USD",
    "status": "provider words",
    "payment_status": "processing",
    "created_at": "2026-10-01T00:00:00Z",
}
CREDIT_NOTE: Raw = {
    "lago_id": "n-1",
    "number": "MOO-1-CN1",
    "lago_invoice_id": "i-1",
    "reason": "order_change",
    "currency": "USD",
    "total_amount_cents": 500,
    "balance_amount_cents": 0,
    "issuing_date": "2026-10-02",
    "created_at": "2026-10-02T00:00:00Z",
}
COUPON: Raw = {
    "lago_id": "a-1",
    "coupon_code": "welcome-20",
    "status": "active",
    "percentage_rate": "20.0",
    "amount_cents": None,
    "amount_currency": None,
    "frequency": "recurring",
    "frequency_duration_remaining": 0,
    "created_at": "2026-01-01T00:00:00Z",
}
PLANS = {"pro-monthly": normalise.plan(PLAN)}


def subscription(raw: Any = SUBSCRIPTION, plans: Mapping[str, Any] = PLANS, detail: Any = None) -> Raw:
    return normalise.subscription(raw, OPERATOR, plans, detail)


KINDS: dict[str, tuple[Callable[[Any], Raw], Raw]] = {
    "customer": (lambda raw: normalise.customer(raw, OPERATOR), CUSTOMER),
    "plan": (normalise.plan, PLAN),
    "subscription": (subscription, SUBSCRIPTION),
    "invoice": (lambda raw: normalise.invoice(raw, OPERATOR), INVOICE),
    "payment": (lambda raw: normalise.payments(raw, OPERATOR)[0], PAYMENT),
    "credit_note": (lambda raw: normalise.credit_note(raw, OPERATOR), CREDIT_NOTE),
    "coupon": (lambda raw: normalise.coupon(raw, OPERATOR, {}), COUPON),
}


@pytest.mark.parametrize("table", KINDS)
def test_rows_have_exactly_the_tables_columns(table: str) -> None:
    make, raw = KINDS[table]
    assert sorted((*make(raw), "fetch_id")) == sorted(TABLES[table].column_names)


PROMISED = {
    "customer": ["lago_id", "created_at"],
    "plan": ["code", "name", "interval", "amount_cents", "amount_currency"],
    "subscription": ["lago_id", "plan_code", "status", "created_at"],
    "invoice": [
        "lago_id",
        "invoice_type",
        "status",
        "payment_status",
        "currency",
        "total_amount_cents",
        "issuing_date",
        "created_at",
    ],
    "payment": ["lago_id", "amount_cents", "amount_currency", "payment_status", "created_at"],
    "credit_note": ["lago_id", "currency", "total_amount_cents", "issuing_date", "created_at"],
    "coupon": ["lago_id", "coupon_code", "status", "frequency", "created_at", "percentage_rate"],
}


@pytest.mark.parametrize(("table", "field"), [(table, field) for table, fields in PROMISED.items() for field in fields])
@pytest.mark.parametrize("value", ["gone", None, [1]], ids=["gone", "null", "of another kind"])
def test_a_promised_field_must_be_there(table: str, field: str, value: Any) -> None:
    make, raw = KINDS[table]
    changed = {key: item for key, item in raw.items() if key != field}
    if value != "gone":
        changed[field] = value
    with pytest.raises(SchemaChanged) as caught:
        make(changed)
    assert caught.value.source == "lago"
    assert caught.value.stream in {"customer", "subscriptions", "invoices", "payments", "credit_notes", "coupons"}


@pytest.mark.parametrize(("table", "field"), [(table, field) for table, (_, raw) in KINDS.items() for field in raw])
def test_every_other_field_may_be_null(table: str, field: str) -> None:
    make, raw = KINDS[table]
    if field not in PROMISED[table]:
        assert set(make({**raw, field: None})) == set(make(raw))


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        ("invoice", "issuing_date", "31/10/2026"),
        ("invoice", "created_at", "yesterday"),
        ("invoice", "payment_overdue", "true"),
        ("invoice", "total_amount_cents", "100"),
        ("invoice", "total_amount_cents", True),
        ("invoice", "total_amount_cents", 1.5),
        ("invoice", "subscriptions", {}),
        ("invoice", "billing_periods", [3]),
        ("customer", "billing_configuration", "stripe"),
        ("customer", "net_payment_term", "30"),
        ("coupon", "percentage_rate", "a lot"),
    ],
)
def test_values_of_another_kind_are_not_guessed(table: str, field: str, value: Any) -> None:
    make, raw = KINDS[table]
    with pytest.raises(SchemaChanged):
        make({**raw, field: value})


@pytest.mark.parametrize("raw", [None, [], "text", 3])
@pytest.mark.parametrize("table", KINDS)
def test_what_is_no_object_is_refused(table: str, raw: Any) -> None:
    with pytest.raises(SchemaChanged):
        KINDS[table][0](raw)


def test_zeros_are_values() -> None:
    assert normalise.customer(CUSTOMER, OPERATOR)["net_payment_term"] == 0
    assert normalise.invoice(INVOICE, OPERATOR)["total_minor"] == 0
    assert normalise.payments(PAYMENT, OPERATOR)[0]["amount_minor"] == 0
    assert normalise.credit_note(CREDIT_NOTE, OPERATOR)["balance_minor"] == 0
    assert normalise.coupon(COUPON, OPERATOR, {})["frequency_duration_remaining"] == 0
    assert subscription({**SUBSCRIPTION, "plan_amount_cents": 0})["monthly_minor"] == 0


def test_the_customers_own_zone_is_the_second_choice() -> None:
    without = {**CUSTOMER, "applicable_timezone": None, "timezone": "Asia/Tokyo"}
    assert normalise.customer(CUSTOMER, OPERATOR)["timezone"] == "America/Denver"
    assert normalise.customer(without, OPERATOR)["timezone"] == "Asia/Tokyo"
    assert normalise.customer(CUSTOMER, OPERATOR)["legal_name"] is None


# --- subscriptions ------------------------------------------------------------------------------------------------------


def test_the_subscriptions_own_price_goes_before_the_plans() -> None:
    row = subscription()
    assert (row["amount_minor"], row["plan_amount_minor"], row["monthly_minor"]) == (15000, 19900, 15000)
    assert row["started_at"] == datetime(2025, 1, 1, tzinfo=UTC)
    assert row["downgrade_plan_date"] == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("interval", "amount", "monthly"),
    [
        ("monthly", 19900, 19900),
        ("yearly", 199000, 16583),
        ("quarterly", 10000, 3333),
        ("semiannual", 10000, 1667),
        ("weekly", 1200, 5200),
    ],
)
def test_the_monthly_price_follows_the_plans_interval(interval: str, amount: int, monthly: int) -> None:
    plans = {"pro-monthly": normalise.plan({**PLAN, "interval": interval})}
    assert subscription({**SUBSCRIPTION, "plan_amount_cents": amount}, plans)["monthly_minor"] == monthly


@pytest.mark.parametrize(
    ("extra", "detail", "amount"),
    [
        ({"plan_overrides": {"amount_cents": 0}}, None, 0),
        ({"plan_overrides": None}, None, 15000),
        ({"plan_amount_cents": None}, {"plan": PLAN, "plan_overrides": {"amount_cents": 12000}}, 12000),
        ({"plan_amount_cents": None}, {"plan": {**PLAN, "amount_cents": 17000}}, 17000),
        ({"plan_amount_cents": None}, None, 19900),
        ({"plan_amount_cents": None, "plan": {**PLAN, "amount_cents": 18000}}, None, 18000),
    ],
    ids=["override", "no override", "override in detail", "plan in detail", "listed plan", "plan inside"],
)
def test_where_the_price_comes_from(extra: Raw, detail: Any, amount: int) -> None:
    assert subscription({**SUBSCRIPTION, **extra}, detail=detail)["amount_minor"] == amount


def test_a_plan_that_is_not_listed_is_read_from_the_subscription() -> None:
    row = subscription({**SUBSCRIPTION, "plan": {**PLAN, "interval": "yearly"}}, plans={})
    assert (row["plan_name"], row["interval"], row["monthly_minor"]) == ("Pro", "yearly", 1250)


@pytest.mark.parametrize("status", ["active", "pending"])
def test_what_bills_must_have_a_price_and_a_known_interval(status: str) -> None:
    with pytest.raises(SchemaChanged, match="billing interval"):
        subscription({**SUBSCRIPTION, "status": status}, plans={})
    with pytest.raises(SchemaChanged, match="price"):
        subscription({**SUBSCRIPTION, "status": status, "plan_amount_cents": None}, plans={})
    with pytest.raises(SchemaChanged, match="billing interval"):
        subscription({**SUBSCRIPTION, "status": status}, {"pro-monthly": {**PLANS["pro-monthly"], "interval": "daily"}})


@pytest.mark.parametrize("status", ["canceled", "terminated"])
def test_what_is_over_may_lack_a_price(status: str) -> None:
    row = subscription({**SUBSCRIPTION, "status": status, "plan_amount_cents": None}, plans={})
    assert (row["amount_minor"], row["monthly_minor"], row["interval"]) == (None, None, None)


@pytest.mark.parametrize(
    ("code", "segment"),
    [
        ("standard-monthly", "SMB"),
        ("standard-annual", "SMB"),
        ("pro-monthly", "Mid-Market"),
        ("pro-annual", "Mid-Market"),
        ("pro-legacy", "Mid-Market"),
        ("vip-monthly", "Enterprise"),
        ("marketing-pro-monthly", None),
        ("marketing-enterprise-monthly", None),
        ("crm-standard-monthly", None),
        ("passenger-app", None),
        ("vip-annual", None),
        ("PRO-MONTHLY", None),
        ("", None),
    ],
)
def test_base_plans_are_an_exact_list(code: str, segment: str | None) -> None:
    if code == "":
        with pytest.raises(SchemaChanged):
            subscription({**SUBSCRIPTION, "plan_code": code})
        return
    row = subscription({**SUBSCRIPTION, "plan_code": code}, {code: PLANS["pro-monthly"]})
    assert (row["segment"], row["is_base"]) == (segment, segment is not None)


# --- invoices, payments, coupons ----------------------------------------------------------------------------------------


def test_days_are_those_of_the_customers_calendar() -> None:
    row = normalise.invoice(INVOICE, OPERATOR)
    assert row["issuing_date"] == date(2026, 10, 31)
    assert row["created_at"] == datetime(2026, 11, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("extra", "period"),
    [
        ({}, (None, None)),
        ({"from_date": "2026-10-01", "to_date": "2026-10-31"}, (date(2026, 10, 1), date(2026, 10, 31))),
        (
            {
                "billing_periods": [
                    {
                        "subscription_from_datetime": "2026-10-01T06:00:00Z",
                        "subscription_to_datetime": "2026-11-01T05:59:59Z",
                    },
                    {
                        "subscription_from_datetime": "2026-09-15T06:00:00Z",
                        "subscription_to_datetime": "2026-10-15T05:59:59Z",
                    },
                ],
                "customer": {"applicable_timezone": "America/Denver"},
            },
            (date(2026, 9, 15), date(2026, 10, 31)),
        ),
        (
            {
                "billing_periods": [
                    {
                        "subscription_from_datetime": "2026-10-01T00:00:00Z",
                        "subscription_to_datetime": "2026-10-31T23:59:59Z",
                    }
                ],
                "customer": {"applicable_timezone": "Not/A_Zone"},
            },
            (date(2026, 10, 1), date(2026, 10, 31)),
        ),
        (
            {"subscriptions": [{"subscription": {"from_date": "2026-10-01", "to_date": "2026-10-31"}}]},
            (date(2026, 10, 1), date(2026, 10, 31)),
        ),
        ({"subscriptions": [{"to_date": "2026-10-31"}]}, (None, date(2026, 10, 31))),
    ],
    ids=["not told", "its own", "billing periods", "unknown zone", "wrapped subscription", "plain subscription"],
)
def test_the_billed_period_wherever_lago_tells_it(extra: Raw, period: tuple[date | None, date | None]) -> None:
    row = normalise.invoice({**INVOICE, **extra}, OPERATOR)
    assert (row["period_from"], row["period_to"]) == period


def test_both_shapes_of_an_invoices_subscriptions() -> None:
    record = Record({"subscriptions": [{"lago_id": "a"}, {"subscription": {"lago_id": "b"}}]}, "invoice")
    assert [part.raw["lago_id"] for part in invoice_subscriptions(record)] == ["a", "b"]


def test_a_payment_has_one_row_an_invoice() -> None:
    rows = normalise.payments({**PAYMENT, "invoice_ids": ["i-1", "i-2"], "amount_cents": 900}, OPERATOR)
    assert [(row["invoice_id"], row["amount_minor"]) for row in rows] == [("i-1", None), ("i-2", None)]


def test_a_payment_that_names_no_invoice_is_kept() -> None:
    rows = normalise.payments({**PAYMENT, "invoice_ids": [], "lago_payable_id": "i-9"}, OPERATOR)
    assert [row["invoice_id"] for row in rows] == ["i-9"]
    assert normalise.payments({**PAYMENT, "invoice_ids": None}, OPERATOR)[0]["invoice_id"] is None


def test_a_coupon_says_to_which_plans_it_is_limited() -> None:
    free = {"code": "welcome-20", "limited_plans": False, "plan_codes": []}
    assert normalise.coupon_limit(free) == ("welcome-20", None)
    assert normalise.coupon_limit({**free, "limited_plans": True, "plan_codes": ["a", "b"]}) == ("welcome-20", "|a|b|")
    assert normalise.coupon_limit({**free, "limited_billable_metrics": True}) == ("welcome-20", "")
    with pytest.raises(SchemaChanged, match="to which plans"):
        normalise.coupon_limit({"code": "welcome-20", "limited_plans": True})
    assert normalise.coupon(COUPON, OPERATOR, {"welcome-20": "|a|"})["plan_codes"] == "|a|"


def test_coupons_are_a_share_or_an_amount() -> None:
    fixed = {**COUPON, "percentage_rate": None, "amount_cents": 500, "amount_currency": "USD"}
    assert normalise.coupon(COUPON, OPERATOR, {})["percentage"] == 20.0
    row = normalise.coupon(fixed, OPERATOR, {})
    assert (row["percentage"], row["amount_minor"], row["currency"]) == (None, 500, "USD")


@pytest.mark.parametrize("currency", [None, "USD", "CAD"])
@pytest.mark.parametrize("cents", [None, 0, 500])
@pytest.mark.parametrize("share", ["20.0", "0.0", None])
def test_of_a_coupon_of_a_share_no_amount_is_kept(share: str | None, cents: int | None, currency: str | None) -> None:
    """Lago shows an amount beside a share, which it does not take off."""
    raw = {**COUPON, "percentage_rate": share, "amount_cents": cents, "amount_currency": currency}
    if share is None and cents is None:
        with pytest.raises(SchemaChanged, match="no amount and no percentage"):
            normalise.coupon(raw, OPERATOR, {})
        return
    row = normalise.coupon(raw, OPERATOR, {})
    told = (row["percentage"], row["amount_minor"], row["currency"])
    assert told == ((None, cents, currency) if share is None else (float(share), None, None))


@pytest.mark.parametrize(
    ("interval", "amount", "monthly"),
    [
        ("monthly", 19_900, 19_900),
        ("weekly", 3, 13),
        ("weekly", 10_000, 43_333),
        ("quarterly", 100, 33),
        ("quarterly", 200, 67),
        ("semiannual", 9, 2),
        ("semiannual", 15, 2),
        ("semiannual", 21, 4),
        ("yearly", 6, 0),
        ("yearly", 18, 2),
        ("yearly", 30, 2),
        ("yearly", 199_000, 16_583),
        ("yearly", 10**30 + 8, (10**30 + 8) // 12),
    ],
)
def test_a_price_is_told_by_the_month_with_halves_to_the_even_cent(interval: str, amount: int, monthly: int) -> None:
    assert monthly_minor(amount, interval) == monthly
    assert monthly_minor(-amount, interval) == -monthly


def test_words_are_read_in_any_case() -> None:
    row = normalise.invoice({**INVOICE, "status": " Finalized", "payment_status": "FAILED"}, OPERATOR)
    assert (row["status"], row["payment_status"]) == ("finalized", "failed")
    assert subscription({**SUBSCRIPTION, "status": "Active"})["status"] == "active"


@pytest.mark.parametrize(
    ("told", "void"),
    [
        ({}, None),
        ({"credit_status": "available"}, None),
        ({"credit_status": "voided"}, 500),
        ({"credit_status": "voided", "refund_amount_cents": 200, "offset_amount_cents": 100}, 200),
    ],
)
def test_of_a_voided_credit_note_what_was_not_paid_back_is_void(told: Raw, void: int | None) -> None:
    assert normalise.credit_note({**CREDIT_NOTE, **told}, OPERATOR)["void_minor"] == void


def test_a_free_trial_ends_after_the_plan_s_days_or_when_lago_says() -> None:
    plans = {"pro-monthly": normalise.plan({**PLAN, "trial_period": 30.0})}
    assert subscription(plans=plans)["trial_ends_at"] == datetime(2025, 1, 31, tzinfo=UTC)
    told = {**SUBSCRIPTION, "trial_ended_at": "2025-01-10T00:00:00Z"}
    assert subscription(told, plans)["trial_ends_at"] == datetime(2025, 1, 10, tzinfo=UTC)
    assert subscription()["trial_ends_at"] is None


def test_an_invoice_says_whether_we_owe_it_and_whether_its_payment_was_lost() -> None:
    told = {"self_billed": True, "payment_dispute_lost_at": "2026-10-25T00:00:00Z"}
    row = normalise.invoice({**INVOICE, **told}, OPERATOR)
    assert (row["is_self_billed"], row["dispute_lost_at"]) == (True, datetime(2026, 10, 25, tzinfo=UTC))

"""Billing metrics, computed by hand: standing, overdue, rates, chains of subscriptions, MRR and amounts per currency."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from measuring import INSTANT, OP, Row, T, ago, amounts, measure, numbered, rows_of


def invoice(total: int = 10_000, status: str = "succeeded", **more: Any) -> dict[str, Any]:
    issued = more.pop("issuing_date", date(2026, 3, 1))
    return {
        "invoice_type": "subscription",
        "status": "finalized",
        "payment_status": status,
        "payment_overdue": False,
        "currency": "USD",
        "total_minor": total,
        "issuing_date": issued,
        "payment_due_date": issued,
        "created_at": datetime(2020, 1, 1, tzinfo=UTC),
        **more,
    }


def subscription(plan: str = "pro-monthly", **more: Any) -> dict[str, Any]:
    started = more.pop("started_at", ago(400))
    return {
        "plan_code": plan,
        "plan_name": "Pro",
        "interval": "monthly",
        "status": "active",
        "amount_minor": 19_900,
        "monthly_minor": 19_900,
        "currency": "USD",
        "is_base": True,
        "segment": "Mid-Market",
        "created_at": started - timedelta(hours=1),
        "subscription_at": started,
        "started_at": started,
        **more,
    }


def pending(plan: str = "pro-monthly", **more: Any) -> dict[str, Any]:
    return {**subscription(plan), "status": "pending", "started_at": None, "subscription_at": ago(-5), **more}


def ended(at: datetime, **more: Any) -> dict[str, Any]:
    return subscription(status="terminated", terminated_at=at, **more)


def billing(as_of: datetime = T, **tables: Any) -> dict[str, Any]:
    keys = {"invoice": "invoice_id", "subscription": "subscription_id", "coupon": "coupon_id", "payment": "payment_id"}
    return measure("billing", as_of, **{k: numbered(keys[k], v) if k in keys else v for k, v in tables.items()})


def money(as_of: datetime = T, **tables: Any) -> dict[str, dict[str, Any]]:
    keys = {"invoice": "invoice_id", "subscription": "subscription_id", "coupon": "coupon_id"}
    keys["credit_note"] = "credit_note_id"
    return amounts("billing_money", as_of, **{name: numbered(keys[name], rows) for name, rows in tables.items()})


# -- invoices ----------------------------------------------------------------------------------------------------------


def test_invoices_are_counted_by_what_they_are() -> None:
    row = billing(
        invoice=[
            invoice(),
            invoice(status="pending"),
            invoice(status="failed"),
            invoice(0),
            invoice(0, status="pending"),
            invoice(-12_000),
            invoice(50_000) | {"status": "voided"},
            invoice() | {"status": "draft"},
            invoice() | {"status": "failed"},
            invoice() | {"currency": "CAD"},
        ]
    )
    assert (row["invoices_finalized"], row["invoices_paid"], row["invoices_pending"]) == (7, 2, 1)
    assert (row["invoices_failed"], row["invoices_draft"], row["invoices_voided"]) == (1, 1, 1)
    assert row["invoice_currencies"] == 2
    assert row["last_invoice_on"] == date(2026, 3, 1)
    assert row["days_since_last_invoice"] == 14


def test_nothing_due_is_no_rate_and_all_failed_is_zero() -> None:
    assert billing(invoice=[invoice(0), invoice() | {"status": "draft"}])["invoice_success_rate"] is None
    failed = billing(invoice=[invoice(status="failed")])
    assert (failed["invoice_success_rate"], failed["invoices_due"]) == (0.0, 1)


def test_success_rate_counts_paid_and_what_is_overdue_whether_failed_or_not() -> None:
    row = billing(
        invoice=[
            invoice(payment_due_date=date(2026, 4, 30)),
            invoice(),
            invoice(),
            invoice(status="failed", payment_due_date=date(2026, 4, 30)),
            invoice(status="pending", payment_due_date=date(2026, 3, 14)),
            invoice(status="pending", payment_due_date=date(2026, 4, 30)),
            invoice(status="pending", payment_due_date=None),
        ]
    )
    assert row["invoices_due"] == 4
    assert row["invoice_success_rate"] == 3 / 4


def test_an_invoice_is_overdue_once_its_due_day_is_over() -> None:
    row = billing(
        invoice=[
            invoice(status="pending", payment_due_date=date(2026, 3, 15)),
            invoice(status="pending", payment_due_date=date(2026, 3, 14)),
            invoice(status="failed", payment_due_date=date(2026, 2, 23)),
            invoice(status="succeeded", payment_due_date=date(2026, 1, 1)),
            invoice(0, status="pending", payment_due_date=date(2026, 1, 1)),
            invoice(-500, status="pending", payment_due_date=date(2026, 1, 1)),
            invoice(status="pending", payment_due_date=None, payment_overdue=True),
            invoice(status="pending", payment_due_date=date(2026, 5, 1), payment_overdue=True),
        ]
    )
    assert row["overdue_invoices"] == 4
    assert row["oldest_overdue_days"] == 20


def test_an_invoice_failed_and_overdue_is_deducted_once() -> None:
    recent = invoice(status="failed", issuing_date=date(2026, 2, 1))
    old = invoice(status="failed", issuing_date=date(2025, 6, 1))
    row = billing(invoice=[recent, old, invoice(status="pending", issuing_date=date(2026, 2, 1))])
    assert (row["invoices_failed"], row["invoices_failed_90d"]) == (2, 1)
    assert (row["overdue_invoices"], row["overdue_not_failed"]) == (3, 2)


@pytest.mark.parametrize(
    ("issued", "counted"), [(date(2025, 12, 14), 0), (date(2025, 12, 15), 1), (date(2026, 3, 14), 1)]
)
def test_failed_invoices_of_90_days_by_day_of_issue(issued: date, counted: int) -> None:
    midnight = datetime(2026, 3, 15, tzinfo=UTC)
    assert billing(midnight, invoice=[invoice(status="failed", issuing_date=issued)])["invoices_failed_90d"] == counted


def test_an_invoice_issued_at_t_or_later_is_still_a_draft_and_one_created_later_is_unknown() -> None:
    midnight = datetime(2026, 3, 15, tzinfo=UTC)
    row = billing(
        midnight,
        invoice=[
            invoice(issuing_date=date(2026, 3, 15)),
            invoice(issuing_date=date(2026, 4, 1)),
            invoice(created_at=midnight),
            invoice(created_at=midnight - INSTANT),
        ],
    )
    assert (row["invoices_finalized"], row["invoices_draft"]) == (1, 2)


def test_days_to_pay_from_the_last_succeeded_payment() -> None:
    row = billing(
        invoice=[
            invoice(invoice_id="a", issuing_date=date(2024, 2, 28)),
            invoice(invoice_id="b", issuing_date=date(2026, 1, 31)),
            invoice(invoice_id="c", issuing_date=date(2026, 1, 1), status="pending"),
            invoice(invoice_id="d", issuing_date=date(2026, 1, 1)),
        ],
        payment=[
            {"invoice_id": "a", "status": "succeeded", "paid_at": datetime(2024, 3, 1, 0, 5, tzinfo=UTC)},
            {"invoice_id": "b", "status": "failed", "paid_at": datetime(2026, 3, 9, tzinfo=UTC)},
            {"invoice_id": "b", "status": "succeeded", "paid_at": datetime(2026, 2, 3, tzinfo=UTC)},
            {"invoice_id": "b", "status": "succeeded", "paid_at": datetime(2026, 2, 7, 23, tzinfo=UTC)},
            {"invoice_id": "c", "status": "succeeded", "paid_at": datetime(2026, 3, 1, tzinfo=UTC)},
            {"invoice_id": "d", "status": "succeeded", "paid_at": T},
        ],
    )
    assert row["avg_days_to_pay"] == (2 + 7) / 2  # leap day: 28 Feb to 1 Mar 2024 is 2 days


def test_days_to_pay_is_unknown_without_payments_and_zero_when_paid_early() -> None:
    assert billing(invoice=[invoice()])["avg_days_to_pay"] is None
    early = [{"invoice_id": "a", "status": "succeeded", "paid_at": datetime(2026, 2, 27, tzinfo=UTC)}]
    assert billing(invoice=[invoice(invoice_id="a")], payment=early)["avg_days_to_pay"] == 0


def test_a_customer_without_anything_else_has_zeros_and_unknowns() -> None:
    row = billing(customer=[{"net_payment_term": 0, "created_at": ago(1)}])
    assert (row["net_payment_term"], row["invoices_finalized"], row["active_subscriptions"], row["mrr_usd"]) == (
        0,
        0,
        0,
        0,
    )
    assert [row[name] for name in ("never_started", "pending_cancellation", "upgraded_180d", "base_plan_code")] == [
        None
    ] * 4
    assert rows_of("billing", customer=[{"created_at": T}]) == []


# -- subscriptions ------------------------------------------------------------------------------------------------------


def test_the_base_plan_is_the_active_one_with_the_latest_start() -> None:
    addon = subscription("passenger-app", is_base=False, segment=None, started_at=ago(1))
    row = billing(
        subscription=[
            addon,
            subscription("standard-monthly", started_at=ago(100), segment="SMB"),
            subscription("pro-monthly", started_at=ago(50)),
            pending("vip-monthly"),
        ]
    )
    assert (row["base_plan_code"], row["plan_segment"], row["billing_interval_days"]) == (
        "pro-monthly",
        "Mid-Market",
        30,
    )
    assert (row["active_subscriptions"], row["pending_subscriptions"], row["subscriptions_ever"]) == (3, 1, 4)


def test_a_pending_base_plan_is_shown_but_gives_no_segment() -> None:
    row = billing(subscription=[pending()])
    assert (row["base_plan_code"], row["plan_segment"], row["active_subscriptions"]) == ("pro-monthly", None, 0)
    assert row["subscription_started_at"] is None


@pytest.mark.parametrize(
    ("interval", "days"), [("weekly", 7), ("monthly", 30), ("quarterly", 91), ("semiannual", 182), ("yearly", 365)]
)
def test_billing_interval_in_days(interval: str, days: int) -> None:
    assert billing(subscription=[subscription(interval=interval)])["billing_interval_days"] == days


def test_canceled_before_the_start_is_never_started() -> None:
    gone = {**subscription(), "status": "canceled", "started_at": None, "canceled_at": ago(20)}
    assert billing(subscription=[gone])["never_started"] is True
    assert billing(subscription=[gone, ended(ago(30))])["never_started"] is False


@pytest.mark.parametrize(
    ("record", "status"),
    [
        (ended(T), "ended"),
        (ended(T + INSTANT), "active"),
        (ended(ago(-30)), "active"),
        ({**subscription(), "status": "canceled", "started_at": None, "canceled_at": T}, "ended"),
        ({**subscription(), "status": "canceled", "started_at": None, "canceled_at": T + INSTANT}, "pending"),
        ({**subscription(), "started_at": T}, "active"),
        ({**subscription(), "started_at": T + INSTANT}, "pending"),
        (ended(ago(-30), started_at=ago(-1), created_at=ago(1)), "pending"),
    ],
)
def test_what_ends_or_starts_at_t_has_and_what_does_later_has_not(record: Row, status: str) -> None:
    row = billing(subscription=[record])
    assert row["active_subscriptions"] == (status == "active")
    assert row["pending_subscriptions"] == (status == "pending")


def test_a_subscription_created_after_t_is_unknown() -> None:
    assert rows_of("billing", subscription=[subscription(created_at=T + INSTANT)]) == []
    assert billing(subscription=[subscription(created_at=T)])["active_subscriptions"] == 1


def test_of_two_that_follow_each_other_at_t_one_runs() -> None:
    row = billing(subscription=[ended(T), subscription("vip-monthly", started_at=T, created_at=T)])
    assert (row["active_subscriptions"], row["base_plan_code"]) == (1, "vip-monthly")
    assert row["subscription_ended_at"] is None
    alone = billing(subscription=[ended(T)])
    assert (alone["active_subscriptions"], alone["mrr_usd"], alone["subscription_ended_at"]) == (0, 0, T)


def test_tenure_continues_over_plan_changes_and_short_gaps() -> None:
    row = billing(
        subscription=[
            ended(ago(900), started_at=ago(1000)),
            ended(ago(300), started_at=ago(600)),
            ended(ago(100), started_at=ago(293)),
            subscription(started_at=ago(100)),
        ]
    )
    assert row["subscription_started_at"] == ago(600)
    assert row["subscription_age_days"] == 600
    assert row["first_subscribed_at"] == ago(1000)
    assert row["subscription_ended_at"] is None


def test_a_gap_of_more_than_seven_days_ends_the_chain() -> None:
    earlier = ended(ago(300), started_at=ago(600))
    exactly = billing(subscription=[earlier, subscription(started_at=ago(293))])
    longer = billing(subscription=[earlier, subscription(started_at=ago(293) + INSTANT)])
    assert exactly["subscription_started_at"] == ago(600)
    assert longer["subscription_started_at"] == ago(293) + INSTANT
    assert longer["subscription_age_days"] == 292  # a microsecond short of 293 days


def test_a_short_subscription_inside_a_longer_one_does_not_break_the_chain() -> None:
    row = billing(
        subscription=[
            ended(ago(50), started_at=ago(500)),
            ended(ago(300), started_at=ago(400)),
            subscription(started_at=ago(50)),
        ]
    )
    assert row["subscription_started_at"] == ago(500)


def test_an_ended_base_plan_with_an_add_on_has_no_chain_and_an_end() -> None:
    addon = subscription("passenger-app", is_base=False)
    row = billing(subscription=[ended(ago(40)), ended(ago(90)), addon])
    assert (row["subscription_started_at"], row["subscription_ended_at"]) == (None, ago(40))
    assert row["active_subscriptions"] == 1


def change(before: Row, after: Row) -> tuple[bool, bool]:
    row = billing(subscription=[before, after])
    return row["upgraded_180d"], row["downgraded_180d"]


def test_plan_changes_up_and_down() -> None:
    standard = {"monthly_minor": 14_900, "segment": "SMB"}
    assert change(ended(ago(90), **standard), subscription(started_at=ago(90))) == (True, False)
    assert change(ended(ago(90)), subscription("standard-monthly", started_at=ago(90), **standard)) == (False, True)
    assert change(ended(ago(90)), subscription(started_at=ago(90))) == (False, False)


def test_a_legacy_price_raised_is_an_upgrade_but_a_change_of_interval_is_none() -> None:
    legacy = ended(ago(90), plan="pro-legacy", monthly_minor=12_900)
    yearly = subscription("pro-annual", interval="yearly", monthly_minor=16_583, started_at=ago(90))
    assert change(legacy, subscription(started_at=ago(90))) == (True, False)
    assert change(ended(ago(90)), yearly) == (False, False)


@pytest.mark.parametrize(("at", "counted"), [(ago(180), True), (ago(180) - INSTANT, False), (ago(0.1), True)])
def test_plan_changes_count_within_180_days(at: datetime, counted: bool) -> None:
    assert change(ended(at, monthly_minor=14_900), subscription(started_at=at)) == (counted, False)


def test_no_plan_change_across_currencies_or_after_a_long_gap() -> None:
    cheap = {"monthly_minor": 14_900}
    assert change(ended(ago(90), currency="CAD", **cheap), subscription(started_at=ago(90))) == (False, False)
    assert change(ended(ago(99), **cheap), subscription(started_at=ago(90))) == (False, False)


def test_a_pending_downgrade_counts() -> None:
    pending = subscription(next_plan_code="standard-monthly", downgrade_plan_date=date(2026, 4, 1))
    assert billing(subscription=[pending])["downgraded_180d"] is True


def test_a_planned_end_is_a_pending_cancellation_also_when_it_has_passed() -> None:
    """Lago calls it active although its end has passed: a contradiction that is no good sign."""
    assert billing(subscription=[subscription(ending_at=ago(-5))])["pending_cancellation"] is True
    assert billing(subscription=[subscription(ending_at=ago(5))])["pending_cancellation"] is True
    assert billing(subscription=[ended(ago(-60), ending_at=ago(-60))])["pending_cancellation"] is False  # known later
    assert billing(subscription=[subscription()])["pending_cancellation"] is False


@pytest.mark.parametrize(
    ("period_end", "offset", "expected"),
    [
        (datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), 0, date(2026, 4, 1)),
        (datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), None, date(2026, 4, 1)),  # no zone is told: UTC's
        (datetime(2028, 2, 28, 23, 59, 59, tzinfo=UTC), 0, date(2028, 2, 29)),
        (datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC), 0, date(2028, 3, 1)),
        (datetime(2026, 4, 1, 6, 59, 59, tzinfo=UTC), -480, date(2026, 4, 1)),  # Los Angeles, summer time
        (datetime(2026, 12, 1, 7, 59, 59, tzinfo=UTC), -480, date(2026, 12, 1)),
        (datetime(2026, 3, 31, 14, 59, 59, tzinfo=UTC), 540, date(2026, 4, 1)),  # Tokyo
        (datetime(2026, 3, 31, 10, 59, 59, tzinfo=UTC), 720, date(2026, 4, 1)),  # Auckland, summer time: 13 hours ahead
        (datetime(2026, 6, 30, 11, 59, 59, tzinfo=UTC), 720, date(2026, 7, 1)),
    ],
)
def test_next_bill_is_the_day_after_the_period_in_the_customers_calendar(
    period_end: datetime, offset: int | None, expected: date
) -> None:
    running = subscription(interval="yearly", period_start=ago(20), period_end=period_end)
    zoned = {"created_at": ago(500), "utc_offset_minutes": offset}
    row = billing(subscription=[running], customer=[zoned])
    assert (row["next_bill_date"], row["yearly_period_end"]) == (expected, expected - timedelta(days=1))


@pytest.mark.parametrize(
    ("ending_at", "offset", "expected"),
    [
        (datetime(2026, 12, 1, 3, tzinfo=UTC), None, date(2026, 12, 1)),
        (datetime(2026, 12, 1, 3, tzinfo=UTC), -480, date(2026, 11, 30)),  # Los Angeles
        (datetime(2026, 12, 1, 15, tzinfo=UTC), 540, date(2026, 12, 2)),  # Tokyo
        (datetime(2026, 2, 1, 12, tzinfo=UTC), 0, date(2026, 2, 1)),  # passed, and still active
    ],
)
def test_an_end_is_told_by_its_day_in_the_customers_calendar(
    ending_at: datetime, offset: int | None, expected: date
) -> None:
    running = [subscription(ending_at=ending_at), subscription(ending_at=None, subscription_id="other", is_base=False)]
    row = billing(subscription=running, customer=[{"created_at": ago(500), "utc_offset_minutes": offset}])
    days = (expected - T.date()).days
    assert (row["subscription_ends_on"], row["days_to_end"]) == (expected, days)
    later = subscription(ending_at=ending_at + timedelta(days=60), subscription_id="later")
    assert billing(subscription=[*running, later])["subscription_ends_on"] == ending_at.date()
    assert billing(subscription=[subscription()])["subscription_ends_on"] is None


def test_next_bill_is_the_first_of_several_and_none_comes_after_an_end() -> None:
    def runs_to(days: float, **more: Any) -> dict[str, Any]:
        return subscription(period_start=ago(20), period_end=T + timedelta(days=days, seconds=43_199), **more)

    first, later = runs_to(10), runs_to(30, is_base=False, plan_code="passenger-app")
    assert billing(subscription=[later, first])["next_bill_date"] == date(2026, 3, 26)
    assert billing(subscription=[first, later])["next_bill_date"] == date(2026, 3, 26)
    ends_with_it = {**first, "ending_at": first["period_end"] + timedelta(seconds=1)}
    assert billing(subscription=[ends_with_it])["next_bill_date"] is None
    assert billing(subscription=[ends_with_it, later])["next_bill_date"] == date(2026, 4, 15)
    assert billing(subscription=[{**first, "ending_at": ago(-60)}])["next_bill_date"] == date(2026, 3, 26)
    begins_now = subscription(started_at=T, period_start=T, period_end=datetime(2026, 4, 14, 23, 59, 59, tzinfo=UTC))
    assert billing(subscription=[begins_now])["next_bill_date"] == date(2026, 4, 15)
    past = subscription(period_start=ago(40), period_end=ago(10))
    assert billing(subscription=[past])["next_bill_date"] is None  # the next bill lies ahead, or is not known


def test_next_bill_falls_back_to_the_latest_subscription_invoice() -> None:
    invoices = [
        invoice(period_to=date(2026, 2, 28)),
        invoice(period_to=date(2026, 3, 31)),
        invoice(period_to=date(2027, 1, 31), invoice_type="one_off"),
    ]
    untold = subscription(period_start=None, period_end=None)
    assert billing(subscription=[untold], invoice=invoices)["next_bill_date"] == date(2026, 4, 1)
    assert billing(subscription=[untold], invoice=invoices[:1])["next_bill_date"] is None  # that day has passed
    assert billing(subscription=[ended(ago(9))], invoice=invoices)["next_bill_date"] is None


def test_days_of_issue_and_due_days_are_the_customers() -> None:
    """Auckland, 13 hours ahead: issued on the 16th, due on the 15th there, at noon (UTC) of the 15th."""
    begins, over = datetime(2026, 3, 15, 11, tzinfo=UTC), datetime(2026, 3, 15, 11, tzinfo=UTC)
    issued = invoice(
        status="failed", issuing_date=date(2026, 3, 16), payment_due_date=date(2026, 3, 20), issued_at=begins
    )
    row = billing(invoice=[issued])
    assert (row["invoices_failed"], row["invoices_draft"], row["days_since_last_invoice"]) == (1, 0, 0)
    assert billing(invoice=[{**issued, "issued_at": T}])["invoices_draft"] == 1
    due = invoice(status="pending", payment_due_date=date(2026, 3, 15), overdue_at=over)
    assert [billing(invoice=[due])[name] for name in ("overdue_invoices", "oldest_overdue_days")] == [1, 1]
    assert billing(invoice=[{**due, "overdue_at": T}])["overdue_invoices"] == 1  # a day that is over at T is over
    assert billing(invoice=[{**due, "overdue_at": T + INSTANT}])["overdue_invoices"] == 0
    assert billing(invoice=[{**due, "overdue_at": None}])["overdue_invoices"] == 0  # in UTC the day is not over
    paid = invoice(issuing_date=date(2026, 3, 2), issued_at=datetime(2026, 3, 1, 11, tzinfo=UTC), invoice_id="i")
    payment = {
        "invoice_id": "i",
        "status": "succeeded",
        "paid_at": datetime(2026, 3, 2, 13, tzinfo=UTC),
    }  # the 3rd there
    assert billing(invoice=[paid], payment=[payment])["avg_days_to_pay"] == 1


def test_yearly_period_end_only_for_yearly_plans() -> None:
    period: dict[str, Any] = {"period_start": ago(200), "period_end": ago(-165)}
    found = billing(subscription=[subscription(interval="yearly", **period)])
    assert found["yearly_period_end"] == ago(-165).date()
    assert billing(subscription=[subscription(**period)])["yearly_period_end"] is None


# -- MRR --------------------------------------------------------------------------------------------------------------


def coupon(**more: Any) -> dict[str, Any]:
    return {"status": "active", "frequency": "forever", "created_at": ago(30), **more}


def mrr(*coupons: Row, price: int = 120_000, **more: Any) -> int:
    tables: dict[str, Any] = {
        "subscription": [subscription(monthly_minor=price, **more)],
        "coupon": list(coupons),
    }
    usd = money(**tables)["USD"]
    assert usd["list_mrr"] == price
    assert billing(**tables)["mrr_usd"] == usd["mrr"]
    return int(usd["mrr"])


def test_mrr_takes_percentages_off_first_then_fixed_amounts() -> None:
    fifth = coupon(percentage=20.0)
    fifty = coupon(amount_minor=5_000, currency="USD")
    assert mrr(fifth) == 96_000
    assert mrr(fifty) == 115_000
    assert mrr(fifty, fifth) == 91_000
    assert mrr(fifth, coupon(percentage=10.0)) == 86_400


def test_a_coupon_that_is_limited_to_plans_comes_off_those_alone() -> None:
    base, added = (
        subscription(monthly_minor=40_000),
        subscription(monthly_minor=10_000, plan_code="add_on", is_base=False),
    )

    def left(*coupons: Row) -> int:
        return int(money(subscription=[base, added], coupon=list(coupons))["USD"]["mrr"])

    half = coupon(percentage=50.0)
    assert left(half) == 25_000
    assert left({**half, "plan_codes": "|add_on|other|"}) == 45_000
    assert left({**half, "plan_codes": "|other|"}) == left({**half, "plan_codes": ""}) == 50_000
    fixed = coupon(amount_minor=30_000, currency="USD")
    assert left(fixed) == 20_000
    assert left({**fixed, "plan_codes": "|add_on|"}) == 40_000  # no further than what the plan costs
    assert left({**half, "plan_codes": "|add_on|"}, {**fixed, "plan_codes": "|add_on|"}) == 40_000
    assert left({**half, "plan_codes": "|addXon|"}) == 50_000


def test_mrr_is_never_below_zero() -> None:
    assert mrr(coupon(percentage=100.0)) == 0
    assert mrr(coupon(percentage=150.0), coupon(percentage=20.0)) == 0
    assert mrr(coupon(amount_minor=999_999, currency="USD")) == 0


@pytest.mark.parametrize(("price", "net"), [(5, 4), (15, 14), (25, 22), (35, 32), (12_345, 11_110), (12_355, 11_120)])
def test_mrr_rounds_half_to_even(price: int, net: int) -> None:
    assert mrr(coupon(percentage=10.0), price=price) == net


@pytest.mark.parametrize(
    ("held", "holds"),
    [
        ({"frequency": "once"}, False),
        ({"frequency": "recurring", "frequency_duration_remaining": 1}, True),
        ({"frequency": "recurring"}, True),
        ({"frequency": "recurring", "frequency_duration_remaining": 0}, False),
        ({"status": "terminated", "terminated_at": ago(1)}, False),
        ({"status": "terminated", "terminated_at": T}, False),
        ({"status": "terminated", "terminated_at": T + INSTANT}, True),
        ({"status": "terminated"}, False),
        ({"expires_at": T}, False),
        ({"expires_at": T + INSTANT}, True),
        ({"created_at": T}, False),
        ({"created_at": T - INSTANT}, True),
    ],
)
def test_which_coupons_hold_at_t(held: Row, holds: bool) -> None:
    assert mrr(coupon(**{"percentage": 20.0, **held})) == (96_000 if holds else 120_000)


def test_a_fixed_coupon_is_shared_over_the_months_of_the_interval() -> None:
    off = coupon(amount_minor=12_000, currency="USD")
    assert mrr(off, interval="yearly") == 119_000
    assert mrr(off, interval="quarterly") == 116_000
    assert mrr(off, interval="weekly") == 68_000
    assert mrr(coupon(amount_minor=12_000, currency="CAD")) == 120_000


def test_mrr_sums_active_subscriptions_per_currency() -> None:
    tables: dict[str, Any] = {
        "subscription": [
            subscription(),
            subscription("passenger-app", is_base=False, monthly_minor=49_900),
            subscription("shuttle-app", is_base=False, monthly_minor=50_000, currency="CAD"),
            ended(ago(1)),
            pending(),
        ]
    }
    by_currency = money(**tables)
    assert {currency: row["mrr"] for currency, row in by_currency.items()} == {"USD": 69_800, "CAD": 50_000}
    assert billing(**tables)["mrr_usd"] is None


def test_no_active_subscription_is_an_mrr_of_zero() -> None:
    assert billing(subscription=[ended(ago(1))])["mrr_usd"] == 0
    assert billing(invoice=[invoice(invoice_type="one_off")])["mrr_usd"] == 0
    assert money(invoice=[invoice()])["USD"]["mrr"] == 0


# -- amounts ----------------------------------------------------------------------------------------------------------


def test_totals_leave_out_voids_and_show_credits_apart() -> None:
    usd = money(
        invoice=[
            invoice(30_000),
            invoice(20_000, status="pending", payment_due_date=date(2026, 3, 1)),
            invoice(5_000, status="failed", payment_due_date=date(2026, 4, 1)),
            invoice(50_000) | {"status": "voided"},
            invoice(-12_000),
            invoice(0),
            invoice(70_000) | {"status": "draft"},
        ],
        credit_note=[
            {"currency": "USD", "total_minor": 3_000, "created_at": ago(5)},
            {"currency": "USD", "total_minor": 9_000, "created_at": T},
        ],
    )["USD"]
    assert (usd["total_invoiced"], usd["total_paid"], usd["outstanding"]) == (55_000, 30_000, 25_000)
    assert (usd["overdue_amount"], usd["failed_amount"], usd["voided_amount"]) == (20_000, 5_000, 50_000)
    assert usd["credits"] == -15_000
    assert usd["average_invoice"] == 18_333


def test_currencies_are_never_added() -> None:
    by_currency = money(
        invoice=[invoice(10_000), invoice(7_000) | {"currency": "CAD"}, invoice(900) | {"currency": "JPY"}],
        credit_note=[{"currency": "EUR", "total_minor": 100, "created_at": ago(5)}],
    )
    assert {currency: row["total_invoiced"] for currency, row in by_currency.items()} == {
        "USD": 10_000,
        "CAD": 7_000,
        "JPY": 900,
        "EUR": 0,
    }
    assert by_currency["EUR"]["credits"] == -100
    assert by_currency["EUR"]["average_invoice"] is None


@pytest.mark.parametrize(("totals", "average"), [((2, 3), 2), ((3, 4), 4), ((1, 1, 2), 1), ((1, 2, 2), 2), ((7,), 7)])
def test_average_invoice_rounds_half_to_even(totals: tuple[int, ...], average: int) -> None:
    assert money(invoice=[invoice(total) for total in totals])["USD"]["average_invoice"] == average


def test_operators_do_not_mix() -> None:
    other = {"operator_id": "op-2"}
    rows = rows_of(
        "billing",
        subscription=numbered("subscription_id", [subscription(), ended(ago(3)) | other]),
        invoice=numbered("invoice_id", [invoice(), invoice(status="failed") | other, invoice() | other]),
        coupon=[coupon(coupon_id="c", percentage=50.0) | other],
    )
    found = {row["operator_id"]: row for row in rows}
    assert (found[OP]["mrr_usd"], found["op-2"]["mrr_usd"]) == (19_900, 0)
    assert (found[OP]["invoice_success_rate"], found["op-2"]["invoice_success_rate"]) == (1.0, 0.5)


# -- what Lago says of an invoice besides its state ------------------------------------------------------------------------


def test_only_what_is_still_to_pay_is_outstanding() -> None:
    late: dict[str, Any] = {"status": "pending", "payment_due_date": date(2026, 3, 14)}
    row = money(invoice=[invoice(29_900, due_minor=9_900, **late), invoice(19_900, status="failed")])["USD"]
    assert (row["outstanding"], row["overdue_amount"], row["failed_amount"]) == (29_800, 29_800, 19_900)
    assert billing(invoice=[invoice(29_900, due_minor=0, **late)])["overdue_invoices"] == 0


def test_a_self_billed_invoice_is_what_we_owe_and_in_no_figure() -> None:
    ours = invoice(status="failed", is_self_billed=True, payment_due_date=date(2026, 3, 1))
    assert money(invoice=[ours]) == {}
    row = billing(invoice=[invoice(), ours])
    assert (row["invoices_finalized"], row["invoices_failed_90d"], row["overdue_invoices"]) == (1, 0, 0)


def test_a_payment_given_back_after_a_lost_dispute_pays_nothing() -> None:
    told = [invoice(), invoice(dispute_lost_at=ago(3)), invoice(dispute_lost_at=ago(-3))]
    row, counted = money(invoice=told)["USD"], billing(invoice=told)
    assert (row["total_invoiced"], row["total_paid"], row["given_back_amount"]) == (30_000, 20_000, 10_000)
    assert (counted["invoices_paid"], counted["invoices_due"], counted["overdue_invoices"]) == (2, 3, 0)


def test_lago_s_overdue_flag_counts_as_of_the_change_that_set_it() -> None:
    ahead: dict[str, Any] = {"status": "pending", "payment_due_date": date(2026, 4, 30), "payment_overdue": True}
    assert billing(invoice=[invoice(**ahead)])["overdue_invoices"] == 1
    assert billing(invoice=[invoice(updated_at=ago(1), **ahead)])["overdue_invoices"] == 1
    assert billing(invoice=[invoice(updated_at=ago(-1), **ahead)])["overdue_invoices"] == 0


def test_what_was_voided_of_a_credit_note_credits_nothing() -> None:
    note = {"currency": "USD", "total_minor": 30_000, "created_at": ago(9)}
    row = money(credit_note=[note, {**note, "void_minor": 30_000}, {**note, "void_minor": 10_000}])["USD"]
    assert row["credits"] == -50_000


def test_a_running_free_trial_is_told_until_it_ends() -> None:
    assert billing(subscription=[subscription(trial_ends_at=ago(-5))])["trial_ends_at"] == ago(-5)
    assert billing(subscription=[subscription(trial_ends_at=ago(5))])["trial_ends_at"] is None
    assert billing(subscription=[ended(ago(2), trial_ends_at=ago(-5))])["trial_ends_at"] is None

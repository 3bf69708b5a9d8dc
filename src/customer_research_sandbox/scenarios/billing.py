"""Scenarios about what an operator pays Moovs: failures, corrections, plans, currencies, ends and returns."""

from __future__ import annotations

from datetime import datetime, timedelta

from customer_research_sandbox.scenarios.script import Script
from customer_research_sandbox.state import OperatorLife


def card_failed(as_of: datetime) -> list[OperatorLife]:
    """S04: the last two invoices failed, a one-off is 20 days overdue, bookings grow from 48 to 60."""
    script = Script(as_of, 4, "card_failed", "Copperline Express Cars").quiet(skip={"billing", "usage"})
    subscription = script.subscribe("pro-monthly", 720)
    script.bill(subscription, range(2, 24))
    script.invoice(12, 19_900, on=[subscription], failed=True)
    script.invoice(42, 19_900, on=[subscription], failed=True)
    script.invoice(50, 29_900, kind="one_off", paid=False)
    script.trips(48 * 6, 210, 30)
    script.trips(60, 30, 0)
    return [script.life]


def failed_and_overdue(as_of: datetime) -> list[OperatorLife]:
    """S05: one invoice has both failed and passed its due date by 12 days."""
    script = Script(as_of, 5, "failed_and_overdue_same_invoice", "Dockyard Twin Limousine").quiet(skip={"billing"})
    subscription = script.subscribe("pro-monthly", 720)
    script.bill(subscription, [0, *range(2, 24)])
    script.invoice(42, 19_900, on=[subscription], failed=True)
    return [script.life]


def no_subscription(as_of: datetime) -> list[OperatorLife]:
    """S06: no subscription at all, three one-off invoices paid."""
    script = Script(as_of, 6, "no_subscription_one_off", "Pierhead Occasional Cars", plan=None)
    for issued in (40, 130, 220):
        script.invoice(issued, 29_900, kind="one_off")
    script.quiet(skip={"billing"})
    return [script.life]


def two_subscriptions(as_of: datetime) -> list[OperatorLife]:
    """S07: Pro, the passenger app and a marketing plan whose code also holds "pro"."""
    script = Script(as_of, 7, "two_subscriptions", "Threefold Harbour Limousine").quiet(skip={"billing"})
    codes = ("pro-monthly", "passenger-app", "marketing-pro-monthly")
    running = [script.subscribe(code, 720, first=code == "pro-monthly") for code in codes]
    for k in range(24):
        script.invoice(12 + 30 * k, sum(item.amount_cents for item in running), on=running)
    return [script.life]


def plan_change(as_of: datetime) -> list[OperatorLife]:
    """S08: from Starter to Pro 60 days ago, without a break."""
    script = Script(as_of, 8, "plan_change_upgrade", "Stairwell Coaches").quiet(skip={"billing"})
    before = script.subscribe("standard-monthly", 400, until=60, event="plan_change")
    before.next_plan = "pro-monthly"
    after = script.subscribe("pro-monthly", 60, event="expansion_moovs", first=False, previous="standard-monthly")
    after.mrr_change = 50.0
    script.bill(before, range(2, 13))
    script.bill(after, range(2))
    return [script.life]


def duplicate_rows(as_of: datetime) -> list[OperatorLife]:
    """S09: four base subscriptions in a row, only the last one active."""
    script = Script(as_of, 9, "duplicate_csm_rows", "Fourfold Crest Livery").quiet(skip={"billing"})
    script.operator.signed_up = script.ago(910)
    script.subscribe("standard-monthly", 900, until=700, event="churn")
    script.subscribe("standard-monthly", 600, until=400, event="plan_change", first=False)
    script.subscribe("pro-legacy", 400, until=200, event="plan_change", first=False, previous="standard-monthly")
    last = script.subscribe("pro-monthly", 200, event="expansion_moovs", first=False, previous="pro-legacy")
    last.mrr_change = 70.0
    script.bill(last, range(6))
    return [script.life]


def voided_and_credit(as_of: datetime) -> list[OperatorLife]:
    """S10: a void invoice of 500 and a credit of 120 beside 24 paid ones."""
    script = Script(as_of, 10, "voided_and_credit", "Cancelmark Transport").quiet()
    script.invoice(75, 50_000, kind="one_off", status="voided")
    credit = script.invoice(70, -12_000, kind="credit")
    credit.payment_status = "succeeded"
    return [script.life]


def annual_payer(as_of: datetime) -> list[OperatorLife]:
    """S11: Pro annual, last invoiced 200 days ago; no card charge in the last 90 days."""
    script = Script(as_of, 11, "annual_payer", "Yearling Oak Chauffeurs").quiet(skip={"billing", "cards"})
    subscription = script.subscribe("pro-annual", 565)
    subscription.period = (script.ago(200), script.ago(-165) - timedelta(seconds=1))
    script.invoice(565, 199_000, on=[subscription], days=365)
    script.invoice(200, 199_000, on=[subscription], days=365)
    script.charges(30, 190, 100)
    return [script.life]


def price_override(as_of: datetime) -> list[OperatorLife]:
    """S12: Elite for 1,200 instead of 499, less a coupon of 20 % for ever that the CSM view ignores."""
    script = Script(as_of, 12, "price_override_coupon", "Goldleaf Ascot Limousine", plan="vip-monthly")
    script.quiet(skip={"billing"})
    subscription = script.subscribe("vip-monthly", 720, price=120_000)
    script.coupon(20.0, 720)
    for k in range(24):
        script.invoice(12 + 30 * k, 120_000, on=[subscription], coupon=24_000)
    return [script.life]


def multi_currency(as_of: datetime) -> list[OperatorLife]:
    """S13: twelve invoices in Canadian dollars after twelve in US dollars."""
    script = Script(as_of, 13, "multi_currency", "Borderlake Car Service").quiet(skip={"billing"})
    script.operator.currency = "CAD"
    subscription = script.subscribe("pro-monthly", 720, price=26_900)
    script.bill(subscription, range(12))
    for k in range(12, 24):
        script.invoice(12 + 30 * k, 19_900, on=[subscription], currency="USD")
    return [script.life]


def conflicting_flags(as_of: datetime) -> list[OperatorLife]:
    """S31: HubSpot says churned, Lago has an active subscription."""
    script = Script(as_of, 31, "conflict_churn_flags", "Twotongue Bridge Cars").quiet()
    script.operator.hubspot_churn = "Churn"
    return [script.life]


def canceled_before_start(as_of: datetime) -> list[OperatorLife]:
    """S32: ordered Starter, canceled it before it began."""
    script = Script(as_of, 32, "canceled_before_start", "Neverlaunch Shuttle", plan=None)
    script.operator.signed_up = script.ago(45)
    script.operator.setup_score = 5
    subscription = script.subscribe("standard-monthly", 40, event="churn")
    subscription.status, subscription.started_at, subscription.period = "canceled", None, None
    subscription.canceled_at = subscription.event_at = script.ago(35)
    script.life.log.clear()
    script.staff(45)
    script.relations()
    return [script.life]


def reactivated(as_of: datetime) -> list[OperatorLife]:
    """S42: left 300 days ago, came back 120 days later."""
    script = Script(as_of, 42, "reactivated", "Returnham Ferry Limousine").quiet(skip={"billing", "usage"})
    first = script.subscribe("pro-monthly", 700, until=300, event="churn")
    again = script.subscribe("pro-monthly", 180, event="reactivation", first=False)
    script.bill(first, range(10, 22))
    script.bill(again, range(6))
    script.trips(400, 700, 300)
    script.trips(180, 180, 0)
    return [script.life]

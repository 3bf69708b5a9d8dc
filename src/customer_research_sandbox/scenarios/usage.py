"""Scenarios about how much an operator books: growth, decline, seasons, newcomers."""

from __future__ import annotations

from datetime import datetime

from customer_research_sandbox.scenarios.script import Script
from customer_research_sandbox.state import OperatorLife


def healthy_growing(as_of: datetime) -> list[OperatorLife]:
    """S01: all paid, bookings 48 to 60 (+25 %), everything collected, driver app on 80 %."""
    script = Script(as_of, 1, "healthy_growing", "Brightwater Anchor Chauffeurs").quiet(skip={"usage"})
    script.trips(48 * 6, 210, 30, paid=1.0, app=8)
    script.trips(60, 30, 0, paid=1.0, app=8)
    return [script.life]


def silent_churn(as_of: datetime) -> list[OperatorLife]:
    """S02: paid on time, 60 bookings a month for 16 months, then 20; no ticket, last contact 70 days ago."""
    script = Script(as_of, 2, "silent_churn", "Silvermead Livery").quiet(skip={"usage", "relations"})
    script.trips(60 * 16, 510, 30)
    script.trips(20, 30, 0)
    script.relations(contacted=70)
    return [script.life]


def stopped_usage(as_of: datetime) -> list[OperatorLife]:
    """S03: 80 bookings a month until 65 days ago, none since."""
    script = Script(as_of, 3, "stopped_usage", "Gatehouse Motor Coaches").quiet(skip={"usage"})
    script.trips(400, 215, 65)
    return [script.life]


def seasonal_wedding(as_of: datetime) -> list[OperatorLife]:
    """S22: 33 bookings after 60, exactly as a year ago; 40 of last month's rides are still to come."""
    script = Script(as_of, 22, "seasonal_wedding", "Orangery Bridal Cars").quiet(skip={"usage"})
    script.trips(170, 510, 425)
    script.trips(60, 425, 395)
    script.trips(33, 395, 365)
    script.trips(330, 365, 180)
    script.trips(162, 180, 90)
    script.trips(60, 90, 60)
    script.trips(20, 60, 50)
    script.trips(40, 50, 30, status="confirmed", pickup_after=60)
    script.trips(33, 30, 0)
    return [script.life]


def new_never_used(as_of: datetime) -> list[OperatorLife]:
    """S23: twelve days old, one invoice paid, nothing booked or charged yet."""
    script = _newcomer(Script(as_of, 23, "new_never_used", "Firstlight Shuttle"), 12)
    return [script.life]


def active_never_used(as_of: datetime) -> list[OperatorLife]:
    """S24: pays since 90 days, has never booked a trip."""
    script = Script(as_of, 24, "active_never_used", "Idlewheel Car Service")
    script.operator.signed_up = script.ago(95)
    script.operator.setup_score = 10
    script.bill(script.subscribe("pro-monthly", 90), range(3))
    script.staff(95)
    script.relations()
    return [script.life]


def future_bookings_only(as_of: datetime) -> list[OperatorLife]:
    """S36: nothing booked for 33 days, but 40 rides of earlier bookings lie in the next 30 days."""
    script = Script(as_of, 36, "future_bookings_only", "Forecourt Event Cars").quiet(skip={"usage"})
    script.trips(150, 210, 60)
    script.trips(40, 45, 33, status="confirmed", pickup_after=46)
    return [script.life]


def enterprise_huge(as_of: datetime) -> list[OperatorLife]:
    """S37: 60,000 trips in twelve months."""
    script = Script(as_of, 37, "enterprise_huge", "Colossa Fleet Transportation", plan="vip-monthly")
    script.operator.vehicles, script.operator.drivers, script.operator.members = 120, 150, 20
    script.bill(script.subscribe("vip-monthly", 720), range(24))
    script.trips(60_000, 365, 0)
    script.quiet(skip={"billing", "usage"})
    return [script.life]


def fraud_newcomer(as_of: datetime) -> list[OperatorLife]:
    """S21: twenty days old; three of ten card charges carry the highest risk level."""
    script = _newcomer(Script(as_of, 21, "fraud_newcomer", "Quickmask Rides"), 20)
    script.trips(18, 18, 0)
    script.charges(7, 15, 5)
    script.charges(3, 5, 2, risk=("highest", 85))
    return [script.life]


def _newcomer(script: Script, days: int) -> Script:
    """An operator that signed up, subscribed and paid its first invoice `days` ago or since."""
    script.operator.signed_up = script.ago(days)
    script.operator.setup_score = 10
    subscription = script.subscribe("pro-monthly", days)
    subscription.period = (script.ago(days), script.ago(days - 30))
    script.invoice(days, subscription.amount_cents, on=[subscription])
    script.staff(days)
    script.relations(contacted=5)
    return script

"""Made-up operators by the thousand: figures that fit each other, drawn around what rules ask about, some of them unknown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

from scored_accounts import AS_OF, NAMES, account

from customer_research.domain.catalogue import METRICS, SILENT

SOURCES: Mapping[str, frozenset[str]] = {
    "lago": frozenset({"customer", "subscription", "coupon", "invoice", "payment", "credit_note", "plan"}),
    "hubspot": frozenset({"company", "contact", "deal", "engagement"}),
    "notion": frozenset({"ticket"}),
    "warehouse": frozenset({"csm", "reservation", "charge", "dispute", "member", "driver", "survey"}),
}
"""The tables of each source."""
STATUSES = ("active", "active", "active", "active", "onboarding", "churned", "never_started", "no_subscription")
PLANS = (
    ("standard-monthly", "SMB"), ("standard-annual", "SMB"), ("pro-monthly", "Mid-Market"), ("vip-monthly", "Enterprise"),
    (None, "Free"),
)  # fmt: skip
STEPS = (0.0, 0.3, 0.5, 0.74, 0.75, 0.76, 0.84, 0.85, 0.9, 1.0, 1.0, 1.14, 1.15, 1.19, 1.2, 1.25, 1.6)
"""How a window stands to the one before."""
SHARES = (0.0, 0.5, 0.51, 0.79, 0.8, 0.81, 0.94, 0.95, 0.96, 1.0)
NUDGES: Mapping[str, tuple[Any, ...]] = {
    "boolean": (False, True),
    "ratio": (-1.0, -0.5, -0.25, -0.24, -0.15, -0.14, 0.0, 0.01, 0.15, 0.2, *SHARES[1:]),
    "count": (0, 1, 2, 3, 4, 5, 9, 10, 14, 19, 20, 21, 60, 99, 100, 400),
    "days": (-5, 0, 1, 6, 7, 8, 14, 29, 30, 60, 90, 91, 121, 395, 396),
    "points": (0, 2, 3, 4, 6, 7, 9, 10),
    "number": (0.0, 20.0, 50.0, 50.1, 99.0),
}


def drawn(count: int, seed: int) -> list[dict[str, Any]]:
    """Operators whose figures fit each other; of every third one some sources are silent."""
    random = Random(seed)
    rows = []
    for number in range(count):
        row = account()
        for part in (_subscription, _bills, _cards, _use, _people):
            row |= part(random) if random.random() < 0.7 else {}  # the rest is as quiet as can be
        row |= _chat(Random(f"{seed} {number}"), row)
        if number % 3 == 0:
            row = unheard(row, _tables(random))
        rows.append(row | {"operator_id": f"drawn {number}"})
    return rows


def nudged(count: int, seed: int) -> list[dict[str, Any]]:
    """Operators of whom any figure may be anything that a rule asks about, whatever the others say."""
    random = Random(seed)
    rows = drawn(count, seed)
    for row in rows:
        for name in random.sample(sorted(NAMES), random.choice((5, 20, 60))):
            choice = random.choice((None, *NUDGES.get(METRICS[name].unit, (row[name],))))
            row[name] = None if f" {name} " in (row.get(SILENT) or "") else choice
        row |= {"operator_id": f"nudged {row['operator_id']}", "status": random.choice((*STATUSES, None))}
    return rows


def unheard(row: Mapping[str, Any], tables: frozenset[str]) -> dict[str, Any]:
    """The operator while the sources of these tables are silent: what needs one of them is unknown."""
    lost = [name for name in sorted(NAMES) if tables.intersection(METRICS[name].tables)]
    return {**row, **dict.fromkeys(lost), SILENT: "".join(f" {name} " for name in lost)}


def _tables(random: Random) -> frozenset[str]:
    whole = [tables for tables in SOURCES.values() if random.random() < 0.35]
    every = sorted(frozenset().union(*SOURCES.values()))
    return frozenset().union(*whole) if whole else frozenset(random.sample(every, random.choice((1, 2, 3))))


def _chat(random: Random, row: Mapping[str, Any]) -> dict[str, Any]:
    """Half of the operators write to support; the others' conversations are not read."""
    if random.random() < 0.5:
        return {}
    waiting, before = random.choice((0, 0, 1)), random.choice((0, 3, 8))
    asked, trips, earlier = random.choice((4, 5, 8, 20)), row["reservations_90d"], row["reservations_prev_90d"]
    return {
        "conversations_waiting": waiting,
        "chat_longest_wait_hours": random.choice((23.0, 24.0, 96.0)) if waiting else None,
        "chat_first_reply_hours": random.choice((None, 2.0, 40.0)),
        "conversations_90d": asked,
        "conversations_prev_90d": before,
        "conversations_per_100_trips": asked * 100 / trips if trips else None,
        "conversations_per_100_trips_prev": before * 100 / earlier if earlier else None,
        "chat_low_ratings_90d": random.choice((0, 1, 2)),
        "conversations_reopened_90d": random.choice((0, 2, 3)),
    }


def _subscription(random: Random) -> dict[str, Any]:
    plan, segment = random.choice(PLANS)
    status = random.choice(STATUSES)
    ends = random.choice((None, None, None, -3, 30))
    return {
        "status": status,
        "active_subscriptions": int(status in {"active", "onboarding"}),
        "base_plan_code": plan,
        "segment": segment,
        "vehicles": random.choice((1, 10, 11)),
        "drivers": random.choice((1, 10, 12)),
        "mrr_usd": random.choice((4_900, 19_999, 20_000, 90_000)),
        "subscription_age_days": random.choice((5, 29, 30, 500)),
        "tenure_days": random.choice((20, 89, 90, 500, 730)),
        "billing_interval_days": random.choice((30, 30, 365)),
        "net_payment_term": random.choice((0, 7, 30)),
        "pending_cancellation": ends is not None,
        "days_to_end": ends,
        "subscription_ends_on": None if ends is None else _day(ends),
        "days_to_renewal": random.choice((None, -1, 0, 20, 40, 60, 90, 91)),
        "upgraded_180d": random.random() < 0.1,
        "downgraded_180d": random.random() < 0.1,
        "cancellation_mentioned": random.random() < 0.1,
        "churn_conflict": random.random() < 0.05,
    }


def _day(days: int) -> date:
    return (AS_OF + timedelta(days=days)).date()


def _bills(random: Random) -> dict[str, Any]:
    due = random.choice((0, 2, 3, 16, 20, 100))
    failed = random.choice((0, 0, 0, 1, 2)) if due else 0
    overdue = random.choice((0, 0, failed, failed + 1)) if due else 0
    paid = round(due * random.choice((1.0, 1.0, 1.0, *SHARES[3:])))
    return {
        "invoices_finalized": due,
        "invoices_due": due,
        "invoices_paid": paid,
        "invoices_failed_90d": failed,
        "overdue_invoices": overdue,
        "overdue_not_failed": max(0, overdue - failed),
        "oldest_overdue_days": random.choice((20, 31)) if overdue else 0,
        "invoice_success_rate": paid / due if due else None,
        "avg_days_to_pay": random.choice((0.0, 2.0, 6.9, 7.0, 14.0, 36.9, 37.0)) if paid else None,
        "days_since_last_invoice": random.choice((12, 12, 12, 90, 91, 200, 395, 396)) if due else None,
    }


def _cards(random: Random) -> dict[str, Any]:
    tried = random.choice((0, 2, 3, 4, 19, 20, 21, 99, 100, 400))
    failed = min(tried, random.choice((0, 0, 1, tried // 20, tried // 10, tried // 5 + 1)))
    highest = min(tried, random.choice((0, 0, 0, 2, 3)))
    high = min(tried, highest + random.choice((0, 0, 0, 1, 3)))
    return {
        "charge_attempts_90d": tried,
        "charges_failed_90d": failed,
        "charges_succeeded_90d": tried - failed,
        "charge_success_rate": (tried - failed) / tried if tried else None,
        "failure_streak": min(failed, random.choice((0, 1, 2, 3, 4, 5))),
        "scored_charges_90d": tried,
        "high_risk_charges_90d": high,
        "highest_risk_charges_90d": highest,
        "high_risk_share": high / tried if tried else None,
        "avg_risk_score": random.choice((12.0, 12.0, 50.0, 50.1)) if tried else None,
        "days_since_last_charge": random.choice((1, 90, 91)),
        "active_disputes": random.choice((0, 0, 0, 0, 1, 2)),
        "refund_rate": random.choice((0.0, 0.02, 0.03, 0.06, 0.2)),
        "dispute_rate": random.choice((0.0, 0.0, 0.009, 0.01)),
        "refund_rate_prev": random.choice((0.0, 0.02, 0.04)),
        "cancellation_rate_90d": random.choice((0.0, 0.1, 0.2, 0.3)),
        "cancellation_rate_prev_90d": random.choice((0.0, 0.1)),
        "farm_out_rate_90d": random.choice((0.0, 0.1, 0.3)),
        "farm_out_rate_prev_90d": random.choice((0.0, 0.1)),
        "own_completed_90d": random.choice((0, 60, 76)),
        "own_completed_prev_90d": random.choice((9, 10, 100)),
    }


def _after(random: Random, before: int) -> int:
    return round(before * random.choice(STEPS)) if before else random.choice((0, 0, 0, 3, 12))


def _step(now: int, before: int, least: int = 10) -> float | None:
    return (now - before) / before if before >= least else None


def _use(random: Random) -> dict[str, Any]:
    """Reservations, and every trend as its formula in the documentation makes it of them."""
    before = random.choice((0, 0, 1, 9, 10, 11, 20, 24, 60, 100, 300))
    now = _after(random, before)
    third = random.choice((0, 5, before, before * 2))
    quarter = now + before + third
    quarter_before = random.choice((0, 9, 10, 60, round(quarter / 0.85), round(quarter / 1.15), quarter, 400))
    before_then = random.choice((0, 9, 19, 20, 60, before))
    then = _after(random, before_then)
    quarter_then = then + before_then + random.choice((0, 19, 200))
    season = then / before_then if min(then, before_then, before) >= 20 else None
    seasonal = now / (before * season) - 1 if season else None
    trend = _step(now, before)
    return {
        "reservations_30d": now,
        "reservations_prev_30d": before,
        "reservations_60d": now + before,
        "reservations_90d": quarter,
        "reservations_prev_90d": quarter_before,
        "reservations_ever": quarter + quarter_before + random.choice((0, 500)),
        "reservations_30d_year_ago": then,
        "reservations_prev_30d_year_ago": before_then,
        "reservations_90d_year_ago": quarter_then,
        "trend_30d": trend,
        "trend_90d": _step(quarter, quarter_before),
        "trend_90d_year": random.choice((None, _step(quarter, quarter_then))),
        "seasonal_factor_30d": season,
        "trend_30d_seasonal": seasonal,
        "usage_trend": trend if seasonal is None else seasonal,
        "future_trips_30d": random.choice((0, 4, 5, before, 300)),
        "completed_90d": random.choice((0, 4, 5, 130)),
        "collection_rate_90d": random.choice((*SHARES, 0.9, 0.9, 0.9)),
        "driver_trips_90d": random.choice((0, 1, 130)),
        "driver_app_rate": random.choice(SHARES),
    }


def _people(random: Random) -> dict[str, Any]:
    week, month, high = (random.choice((0, 0, 0, 0, 1, 3)) for _ in range(3))
    contacts = random.choice((0, 1, 2, 3))
    left = random.choice((0, 0, contacts))
    return {
        "open_tickets": week + month + random.choice((0, 0, 1)) + high,
        "open_tickets_over_7d": week,
        "open_tickets_over_30d": month,
        "high_priority_open": high,
        "oldest_open_days": 45 if month else 9 if week else 2 if high else None,
        "commitments_at_risk": random.choice((0, 0, 0, 1)),
        "days_since_login": random.choice((None, 3, 59, 60)),
        "setup_score": random.choice((10, 15, 30)),
        "tickets_30d": random.choice((0, 0, 2)),
        "resolved_90d": random.choice((0, 1, 4)),
        "median_resolution_days": random.choice((None, 2.0, 7.0, 8.0)),
        "nps_latest": random.choice((None, None, 0, 6, 7, 9, 10)),
        "csat_latest": random.choice((None, None, 1, 2, 3, 4, 5)),
        "members_added_90d": random.choice((-2, 0, 0, 1)),
        "drivers_added_90d": random.choice((-1, 0, 0, 2)),
        "members_now": random.choice((2, 3, 4, 5, 6)),
        "expansion_deals_open": random.choice((0, 0, 1)),
        "contacts": contacts,
        "contacts_left": left,
        "contacts_active": contacts - left,
        "champion_left_noted": random.random() < 0.1,
        "days_since_contact": random.choice((None, 12, 59, 60, 70, 90)),
        "engagements_90d": random.choice((0, 3)),
    }

"""Made-up tables of a past: operators with subscriptions that end, invoices with payments, and steady bookings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portfolio_cases import Row, written

from customer_research.engines.duckdb import DuckDB
from customer_research.health.scorecard import load_scorecard
from customer_research.research.one.judge import METRIC_NAMES
from customer_research.research.past.backtest.lookback import Lookback, look_back
from customer_research.research.past.requests import Counting, TrialTerms

NOW = datetime(2026, 11, 1, tzinfo=UTC)
BEGAN = NOW - timedelta(days=700)


def ago(days: float) -> datetime:
    """So many days before the present."""
    return NOW - timedelta(days=days)


def subscription(operator: str, *, ended: datetime | None = None, began: datetime = BEGAN, **changes: Any) -> Row:
    """A base subscription, running unless it ended."""
    values: Row = {
        "operator_id": operator,
        "subscription_id": f"s-{operator}-{began:%Y%m%d}",
        "plan_code": "pro-monthly",
        "plan_name": "Pro",
        "interval": "monthly",
        "status": "active" if ended is None else "terminated",
        "amount_minor": 19_900,
        "monthly_minor": 19_900,
        "currency": "USD",
        "is_base": True,
        "segment": "Mid-Market",
        "created_at": began,
        "subscription_at": began,
        "started_at": began,
        "terminated_at": ended,
    }
    return {**values, **changes}


def invoices(operator: str, *, until: datetime = NOW, unpaid: Sequence[int] = ()) -> tuple[list[Row], list[Row]]:
    """Monthly invoices and their payments; `unpaid` are the last ones (0 the newest) that were tried and never paid."""
    issued = [
        BEGAN + timedelta(days=30 * number) for number in range(23) if BEGAN + timedelta(days=30 * number) < until
    ]
    found, paid = [], []
    for place, at in enumerate(reversed(issued)):
        key = f"i-{operator}-{at:%Y%m%d}"
        failed = place in unpaid
        found.append(
            {
                "operator_id": operator,
                "invoice_id": key,
                "number": key,
                "invoice_type": "subscription",
                "status": "finalized",
                "payment_status": "failed" if failed else "succeeded",
                "payment_overdue": failed,
                "currency": "USD",
                "total_minor": 19_900,
                "issuing_date": at.date(),
                "payment_due_date": (at + timedelta(days=3)).date(),
                "created_at": at,
                "updated_at": at + timedelta(days=2),
            }
        )
        paid.append(
            {
                "operator_id": operator,
                "payment_id": f"p-{key}",
                "invoice_id": key,
                "amount_minor": 19_900,
                "currency": "USD",
                "status": "failed" if failed else "succeeded",
                "paid_at": at + timedelta(days=2),
            }
        )
    return found, paid


def bookings(operator: str, *, until: datetime = NOW, every: float = 2.0) -> Iterator[Row]:
    """Bookings as steady as a clock, up to an instant."""
    at, number = BEGAN, 0
    while at < until:
        yield {
            "operator_id": operator,
            "trip_id": f"t-{operator}-{number}",
            "status": "completed",
            "created_at": at,
            "pickup_at": at + timedelta(days=1),
            "total_minor": 12_000,
            "paid_minor": 12_000,
            "due_minor": 0,
            "currency": "USD",
        }
        at, number = at + timedelta(days=every), number + 1


def tables_of(
    subscriptions: Sequence[Row], *, unpaid: Mapping[str, Sequence[int]] | None = None
) -> dict[str, list[Row]]:
    """The tables of a past around these subscriptions."""
    operators = dict.fromkeys(row["operator_id"] for row in subscriptions)
    billed = {
        one: invoices(one, until=_last(subscriptions, one), unpaid=(unpaid or {}).get(one, ())) for one in operators
    }
    return {
        "operator": [{"operator_id": one, "name": one, "created_at": BEGAN} for one in operators],
        "customer": [{"operator_id": one, "name": one, "currency": "USD", "net_payment_term": 3, "created_at": BEGAN} for one in operators],
        "subscription": list(subscriptions),
        "invoice": [row for found, _ in billed.values() for row in found],
        "payment": [row for _, found in billed.values() for row in found],
        "reservation": [row for one in operators for row in bookings(one, until=_last(subscriptions, one))],
    }  # fmt: skip


def _last(subscriptions: Sequence[Row], operator: str) -> datetime:
    ends = [row["terminated_at"] or NOW for row in subscriptions if row["operator_id"] == operator]
    return max(ends)


def looked_back(
    folder: Path,
    tables: Mapping[str, Sequence[Row]],
    cards: Sequence[str] = ("canonical",),
    *,
    counting: Counting = "voluntary",
    until: datetime = NOW,
    absent: Sequence[str] = (),
) -> Lookback:
    """The past of these tables."""
    found = written(folder, tables, absent=absent)
    with DuckDB() as engine:
        known = [load_scorecard(card, METRIC_NAMES) for card in cards]
        return look_back(engine, found, known, TrialTerms(counting=counting), until)

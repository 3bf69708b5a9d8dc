"""Whether the records behind a count or a sum are exactly those counted or added: which metrics are, and which cannot be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from customer_research.domain.catalogue import METRICS, SUBJECTS

NOT_A_NUMBER_OF_RECORDS: Mapping[str, str] = {
    "invoice_currencies": "distinct currencies, over the finalised invoices",
    "charge_currencies": "distinct currencies, over all charges",
    "vehicles": "told by the CSM view's row as it is",
    "drivers": "told by the CSM view's row as it is",
    "members": "told by the CSM view's row as it is",
    "lifetime_reservations_csm": "told by the CSM view's row as it is",
    "history_months": "a span of time, over all reservations",
    "active_months_12m": "distinct 30-day windows, over the reservations of 12 months",
    "failure_streak": "the longest run of different cards, over the attempts of 90 days in order",
    "members_added_90d": "a net change, over all members",
    "drivers_added_90d": "a net change, over all drivers",
}
"""Counts whose evidence is what they were worked out from, and why their number is another."""

ADDED: Mapping[str, str] = {
    "list_mrr": "monthly_minor",
    "total_invoiced": "total_minor",
    "total_paid": "total_minor",
    "outstanding": "open_minor",
    "overdue_amount": "open_minor",
    "failed_amount": "open_minor",
    "credits": "total_minor",
    "voided_amount": "total_minor",
    "given_back_amount": "total_minor",
    "csm_mrr": "mrr_minor",
    "revenue_12m": "total_minor",
    "revenue_90d": "total_minor",
    "revenue_prev_90d": "total_minor",
    "booked_value_future": "total_minor",
    "collected_12m": "paid_minor",
    "outstanding_trips": "due_minor",
    "charge_volume_90d": "amount_minor",
    "charge_volume_12m": "amount_minor",
    "refunded_90d": "refunded_minor",
    "disputed_amount": "amount_minor",
}
"""Sums, and the column of their evidence that adds up to them."""

NO_SUM_OF_RECORDS: Mapping[str, str] = {
    "mrr": "the monthly prices of the active subscriptions minus coupons",
    "mrr_usd": "the monthly prices of the active subscriptions minus coupons",
    "average_invoice": "a mean over the invoices above zero",
    "average_charge_90d": "a mean over the succeeded charges",
    "avg_trip_value": "a mean over the completed trips",
    "net_charged_90d": "a difference of two sums over the succeeded charges",
    "trip_revenue_12m_csm": "told by the CSM view's row as it is",
    "mrr_difference": "a difference of two figures",
}

COUNTS = tuple(m for m in METRICS.values() if m.unit == "count" and m.name not in NOT_A_NUMBER_OF_RECORDS)

Rows = Sequence[Mapping[str, Any]]


def disagreements(subject: str, rows: Rows, behind: Mapping[str, Rows]) -> Iterator[str]:
    """The figures of one operator that are not what the records behind them come to.

    `rows` are the subject's rows of the operator, `behind` its records by kind of evidence.
    """
    for metric in COUNTS:
        if metric.subject == subject:
            value = rows[0][metric.name] if rows else 0
            if value is None and metric.unknown_state:
                continue
            if value != len(behind[metric.evidence]):
                yield f"{metric.name} is {value}, {len(behind[metric.evidence])} records ({metric.evidence})"
    for name, column in ADDED.items():
        metric = METRICS[name]
        if metric.subject == subject:
            by_currency = SUBJECTS[subject].grain == "operator_currency"
            value_of = {row["currency"] if by_currency else "": row[name] or 0 for row in rows}
            added: dict[str, int] = defaultdict(int)
            for record in behind[metric.evidence]:
                added[record["currency"] if by_currency else ""] += record[column] or 0
            if _telling(value_of) != _telling(added):
                yield f"{name} is {value_of}, the records add up to {dict(added)} ({metric.evidence})"


def _telling(amounts: Mapping[str, int]) -> dict[str, int]:
    return {currency: amount for currency, amount in amounts.items() if amount}

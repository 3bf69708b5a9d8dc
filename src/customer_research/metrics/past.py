"""What of the past the canonical tables can still tell: the metrics that rest on values which are overwritten in place.

A table holds its rows as they are now. What has an instant of its own (a booking, a charge, an end of a subscription) can be
told as of any past date; a status without one cannot, and a score of the past that used it would know the future. A backtest
leaves such metrics out and says so; only snapshots that were taken at the time know them.

An invoice's payment status is overwritten, too, but each attempt to pay has its instant: `rebuilt_invoice` makes the status
of the past from the payments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from customer_research.domain.records import TABLES
from customer_research.metrics.catalogue import METRICS

_OVERWRITTEN: Mapping[str, str] = MappingProxyType(
    {
        "a ticket's status and stages": """
            open_tickets open_tickets_over_7d open_tickets_over_30d high_priority_open oldest_open_days resolved_90d
            median_resolution_days probable_tickets feature_requests_open commitments_open commitments_at_risk
        """,
        "the CSM view's columns": """
            csm_status csm_plan_code csm_mrr hubspot_churn_hint app_plan setup_score setup_completion vehicles drivers members
            lifetime_reservations_csm trip_revenue_12m_csm size_tier size_label fleet_label days_since_assignment
            engagement_status reactivated mrr_difference churn_conflict
        """,
        "a member's last login": "last_login_at days_since_login",
        "a dispute's status": "active_disputes disputed_amount",
        "what of a trip is paid": "collected_12m collection_rate_90d collection_rate_12m outstanding_trips",
        "what of a charge is refunded": "refund_rate refund_rate_prev refunded_90d net_charged_90d",
        "whether a contact has left": "contacts_left contacts_active",
        "a deal's stage": "deals_open deals_won expansion_deals_open",
        "the HubSpot company's properties": """
            lifecycle_stage owner_id owner_name contract_end_date contract_renewal_date last_contact_at days_since_contact
            renewal_date days_to_renewal
        """,
        "a subscription's planned end and its running period": """
            pending_cancellation subscription_ends_on days_to_end downgraded_180d yearly_period_end next_bill_date
        """,
        "what is left of a coupon": "mrr_usd mrr mrr_by_currency",
        "an invoice's payment status": """
            invoices_paid invoices_pending invoices_failed invoices_failed_90d overdue_invoices overdue_not_failed
            oldest_overdue_days invoices_due invoice_success_rate avg_days_to_pay payment_success_worst
            total_paid outstanding overdue_amount failed_amount
        """,
        "whether an invoice was voided": "invoices_voided voided_amount",
    }
)

REBUILT = "an invoice's payment status"
"""The overwritten value that payments tell again; without the table `payment` it is as lost as the others."""

IN_PLACE: Mapping[str, str] = MappingProxyType(
    {metric: what for what, metrics in _OVERWRITTEN.items() for metric in metrics.split()}
)
"""Metric → the overwritten value that it rests on; a metric that is not here can be told of any past instant."""

STANDING = frozenset({"csm_churned", "csm_churned_on", "csm_last_event", "net_payment_term", "plan_segment", "segment"})
"""Metrics over columns without a history that nevertheless are told of the past: an event with its date, or a term of the
contract that no outcome changes."""

_UNPAID: Mapping[str, str] = MappingProxyType(
    {
        "payment_status": "CASE WHEN p.invoice_id IS NULL THEN i.payment_status WHEN p.failed = 1 THEN 'failed' ELSE 'pending' END",
        "due_minor": "CASE WHEN p.invoice_id IS NULL THEN i.due_minor END",
    }
)
"""Columns of an invoice that its payment overwrites → what they were before."""

REBUILT_INVOICE = "invoice_then"
"""The stage that gives invoices as they stood at each instant."""

REBUILT_INVOICE_SQL = """
WITH moment AS (
    SELECT CAST($as_of AS TIMESTAMP) AS t
),
tried AS (
    SELECT
        p.operator_id,
        p.invoice_id,
        MAX(CASE WHEN p.status = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
        MAX(CASE WHEN p.status = 'failed' THEN 1 ELSE 0 END) AS failed
    FROM payment AS p
    CROSS JOIN moment AS m
    WHERE p.paid_at < m.t
    GROUP BY p.operator_id, p.invoice_id
)
SELECT
    i.operator_id,
    i.invoice_id,
    i.number,
    i.invoice_type,
    CASE WHEN i.status = 'voided' AND i.updated_at > m.t THEN 'finalized' ELSE i.status END AS status,
    CASE WHEN t.succeeded = 1 THEN 'succeeded' WHEN t.failed = 1 THEN 'failed' ELSE 'pending' END AS payment_status,
    FALSE AS payment_overdue,
    i.currency,
    i.total_minor,
    i.taxes_minor,
    CASE WHEN i.payment_status <> 'succeeded' THEN i.due_minor END AS due_minor,
    i.issuing_date,
    i.payment_due_date,
    i.issued_at,
    i.overdue_at,
    i.period_from,
    i.period_to,
    i.created_at,
    i.updated_at,
    i.is_self_billed,
    i.dispute_lost_at,
    i.fetch_id
FROM invoice AS i
CROSS JOIN moment AS m
LEFT JOIN tried AS t ON t.operator_id = i.operator_id AND t.invoice_id = i.invoice_id
WHERE i.created_at < m.t
"""
"""Invoices at `$as_of`: an attempt that succeeded by then paid them, one that failed failed them, else they wait."""


UNPAID_INVOICE_SQL = f"""
SELECT {", ".join(_UNPAID.get(column, f"i.{column}") + f" AS {column}" for column in TABLES["invoice"].column_names)}
FROM invoice AS i
LEFT JOIN (
    SELECT
        operator_id,
        invoice_id,
        MAX(CASE WHEN status = 'failed' AND paid_at < CAST($as_of AS TIMESTAMP) THEN 1 ELSE 0 END) AS failed
    FROM payment
    GROUP BY operator_id, invoice_id
    HAVING MIN(CASE WHEN status = 'succeeded' THEN paid_at END) >= CAST($as_of AS TIMESTAMP)
) AS p ON p.operator_id = i.operator_id AND p.invoice_id = i.invoice_id AND i.payment_status = 'succeeded'
"""  # noqa: S608 - names of our own
"""Invoices as they are, but for those whose payment succeeded at `$as_of` or later: these wait, or failed where an attempt had.

Unlike `REBUILT_INVOICE_SQL` it believes the status of an invoice without payments, and Lago's word that one is overdue.
"""


def with_rebuilt_invoices(sql: str) -> str:
    """A stage's query that reads invoices as their payments tell (`REBUILT_INVOICE`), wherever it reads invoices."""
    return _INVOICES.sub(rf"\1 {REBUILT_INVOICE}\2", sql)


_INVOICES = re.compile(r"\b(FROM|JOIN) invoice(\s)")


def untold(*, payments: bool) -> Mapping[str, str]:
    """The metrics that no backtest can use, with what is overwritten; `payments`: whether the table of payments is there."""
    return {metric: what for metric, what in IN_PLACE.items() if not (payments and what == REBUILT)}


def unclassified() -> frozenset[str]:
    """Names here that the catalogue does not have (a test keeps it empty)."""
    return frozenset({*IN_PLACE, *STANDING}) - frozenset(METRICS)

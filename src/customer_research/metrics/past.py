"""What of a past date the canonical tables can still tell, when they were read later: the one rule for it.

A table that was read after the date holds its rows as they are now. What has an instant of its own (a booking, a charge, an end
of a subscription) can be told as of any past date; a column that the source overwrites without a date cannot, and a score of
the past that used it would know the future. So such columns are taken away (`rewound_sql`), and the metrics that rest on them
are not judged (`unjudged`). A table that was read in time, or of which the lake keeps that version, is whole.

An invoice's payment status is overwritten, too, but each attempt to pay has its instant: payments tell the status of the past.
"""

# ruff: noqa: S608 - every name in these texts is of `domain.records`
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from customer_research.domain.records import TABLES
from customer_research.metrics.catalogue import METRICS


@dataclass(frozen=True, slots=True)
class Overwritten:
    """Columns of a table that its source overwrites in place without telling when, and the metrics that rest on them."""

    what: str
    table: str
    columns: tuple[str, ...]
    metrics: tuple[str, ...]


def _overwritten(what: str, table: str, columns: str, metrics: str) -> Overwritten:
    return Overwritten(what, table, tuple(columns.split()), tuple(metrics.split()))


OVERWRITTEN: tuple[Overwritten, ...] = (
    _overwritten(
        "a ticket's status and stages",
        "ticket",
        "status stage priority types tags due_date is_open is_done is_commitment edited_at",
        """
        open_tickets open_tickets_over_7d open_tickets_over_30d high_priority_open oldest_open_days resolved_90d
        median_resolution_days feature_requests_open commitments_open commitments_at_risk
        """,
    ),
    _overwritten(
        "the CSM view's columns",
        "csm",
        """
        plan_code plan_name plan_interval mrr_minor app_plan vehicles drivers members setup_score customer_segment fleet_size
        hubspot_churn_status reservations_total reservations_30d reservation_amount_12m_minor last_reservation_at
        last_assignment_at engagement_status is_current
        """,
        """
        csm_status csm_plan_code csm_mrr hubspot_churn_hint app_plan setup_score setup_completion vehicles drivers members
        lifetime_reservations_csm trip_revenue_12m_csm size_tier size_label fleet_label days_since_assignment
        engagement_status reactivated csm_last_event mrr_difference churn_conflict
        """,
    ),
    _overwritten("a member's last login", "member", "last_login_at", "last_login_at days_since_login"),
    _overwritten("a dispute's status", "dispute", "status is_active", "active_disputes disputed_amount"),
    _overwritten(
        "what of a trip is paid",
        "reservation",
        "paid_minor due_minor",
        "collected_12m collection_rate_90d collection_rate_12m outstanding_trips",
    ),
    _overwritten("a trip's rating", "reservation", "rating", "average_rating"),
    _overwritten(
        "what of a charge is refunded",
        "charge",
        "refunded_minor",
        "refund_rate refund_rate_prev refunded_90d net_charged_90d",
    ),
    _overwritten("whether a contact has left", "contact", "has_left modified_at", "contacts_left contacts_active"),
    _overwritten(
        "a deal's stage",
        "deal",
        "stage pipeline deal_type amount_minor is_open is_won is_expansion close_date closed_lost_reason",
        "deals_open deals_won expansion_deals_open",
    ),
    _overwritten(
        "the HubSpot company's properties",
        "company",
        """
        lifecycle_stage lead_status owner_id owner_name customer_segment fleet_size contract_end_date renewal_date
        last_contacted_at
        """,
        """
        lifecycle_stage owner_id owner_name contract_end_date contract_renewal_date last_contact_at days_since_contact renewal_date
        days_to_renewal
        """,
    ),
    _overwritten(
        "a subscription's planned end and its running period",
        "subscription",
        "ending_at period_start period_end previous_plan_code next_plan_code downgrade_plan_date",
        "pending_cancellation subscription_ends_on days_to_end downgraded_180d yearly_period_end next_bill_date",
    ),
    _overwritten("the term of payment", "customer", "net_payment_term", "net_payment_term"),
    _overwritten(
        "an invoice's payment status",
        "invoice",
        "payment_status payment_overdue due_minor updated_at",
        """
        invoices_paid invoices_pending invoices_failed invoices_failed_90d overdue_invoices overdue_not_failed
        oldest_overdue_days invoices_due invoice_success_rate avg_days_to_pay payment_success_worst
        total_paid outstanding overdue_amount failed_amount given_back_amount
        """,
    ),
    _overwritten("whether an invoice was voided", "invoice", "", "invoices_voided voided_amount"),
    _overwritten("what of a credit note was voided or used", "credit_note", "void_minor balance_minor", "credits"),
)
"""What sources overwrite, and what rests on it. Of the columns of a coupon see `UNTOLD_COUPON_SQL`."""

_REBUILT = "an invoice's payment status"
"""The overwritten value that payments tell again; without the table `payment` it is as lost as the others."""

IN_PLACE: Mapping[str, str] = MappingProxyType({metric: one.what for one in OVERWRITTEN for metric in one.metrics})
"""Metric → the overwritten value that it rests on; a metric that is not here can be told of any past instant."""

STANDING = frozenset({"csm_churned", "csm_churned_on", "plan_segment", "segment"})
"""Metrics over columns without a history that nevertheless are told of the past: an event with its date."""

UNTOLD_COUPON_SQL = """
SELECT DISTINCT operator_id FROM coupon WHERE frequency = 'recurring' AND NOT frequency_duration_remaining IS NULL
"""
"""The operators of whose coupons nobody knows what a past month took off: those with one that runs out by counting down."""


def unjudged(rewound: Collection[str], *, payments: bool) -> Mapping[str, str]:
    """The metrics that cannot be told of a date before these tables were read, each with what is overwritten.

    `payments`: whether the table of payments is there, which tells what an invoice's status was.
    """
    return {
        metric: one.what
        for one in OVERWRITTEN
        if one.table in rewound and not (payments and one.what == _REBUILT)
        for metric in one.metrics
    }


def lost_words(rewound: Iterable[str], *, payments: bool) -> tuple[str, ...]:
    """What is overwritten in these tables, in words, each once."""
    return tuple(dict.fromkeys(unjudged(tuple(rewound), payments=payments).values()))


def rewound_sql(table: str, told: str) -> str:
    """A table that was read after the date, from its rows `told`: without the columns that may have changed since.

    An invoice comes as often as it changed: as it stood from when it was made, a payment of it failed, one succeeded, and it
    was voided (`with_rebuilt_invoices` reads those). One that is paid without a payment was so when it changed last at the latest.
    """
    if table == "invoice":
        return _INVOICE_SQL.format(told=told)
    gone = {column for one in OVERWRITTEN if one.table == table for column in one.columns}
    kinds = {column.name: column.type for column in TABLES[table].columns}
    listed = (f"{_NULLS[kinds[name]]} AS {name}" if name in gone else name for name in TABLES[table].column_names)
    return f"SELECT {', '.join(listed)} FROM {told}"


_NULLS: Mapping[str, str] = MappingProxyType(
    {
        "text": "CAST(NULL AS VARCHAR)",
        "texts": "CAST(NULL AS VARCHAR)",
        "integer": "CAST(NULL AS BIGINT)",
        "number": "CAST(NULL AS DOUBLE)",
        "boolean": "CAST(NULL AS BOOLEAN)",
        "date": "CAST(NULL AS DATE)",
        "timestamp": "CAST(NULL AS TIMESTAMP)",
    }
)

UNTIL = "known_until"
"""The column of a rebuilt invoice that says until when it stood so (null: still)."""

_GONE = {
    "payment_overdue": "FALSE",
    "due_minor": "CAST(NULL AS BIGINT)",
    "updated_at": "CAST(NULL AS TIMESTAMP)",
}


def _span(since: str, until: str, status: str, payment_status: str) -> str:
    """Invoices as they stood from one instant until another: each of its instants has one of its spans."""
    own = {
        **_GONE,
        "created_at": f"CASE WHEN n.{since} > n.created_at THEN n.{since} ELSE n.created_at END",
        "status": status,
        "payment_status": payment_status,
    }
    listed = ", ".join(f"{own.get(name, f'n.{name}')} AS {name}" for name in TABLES["invoice"].column_names)
    return f"SELECT {listed}, {until} AS {UNTIL} FROM ordered AS n WHERE NOT n.{since} IS NULL"


_STOOD = "CASE WHEN n.status = 'voided' THEN 'finalized' ELSE n.status END"
_SPANS = "\nUNION ALL\n".join(
    (
        _span("created_at", "COALESCE(n.tried_at, n.closed_at, n.voided_at)", _STOOD, "'pending'"),
        _span("tried_at", "COALESCE(n.closed_at, n.voided_at)", _STOOD, "'failed'"),
        _span("closed_at", "n.voided_at", _STOOD, "n.settled"),
        _span("voided_at", "CAST(NULL AS TIMESTAMP)", "n.status", "n.payment_status"),
    )
)
_INVOICE_SQL = f"""
WITH told AS (
    SELECT
        i.*,
        CASE
            WHEN NOT p.succeeded_at IS NULL THEN p.succeeded_at
            WHEN i.payment_status = 'succeeded' THEN COALESCE(i.updated_at, i.created_at)
            WHEN c.credited_minor >= i.total_minor THEN c.credited_at
        END AS settled_at,
        CASE
            WHEN p.succeeded_at IS NULL AND i.payment_status <> 'succeeded' THEN 'credited' ELSE 'succeeded'
        END AS settled,
        p.failed_at,
        CASE WHEN i.status = 'voided' THEN i.updated_at END AS voided_at
    FROM {{told}} AS i
    LEFT JOIN (
        SELECT
            operator_id,
            invoice_id,
            MIN(CASE WHEN status = 'succeeded' THEN paid_at END) AS succeeded_at,
            MIN(CASE WHEN status = 'failed' THEN paid_at END) AS failed_at
        FROM payment
        GROUP BY operator_id, invoice_id
    ) AS p ON p.operator_id = i.operator_id AND p.invoice_id = i.invoice_id
    LEFT JOIN (
        SELECT
            operator_id,
            invoice_id,
            SUM(total_minor) AS credited_minor,
            MAX(created_at) AS credited_at
        FROM credit_note
        GROUP BY operator_id, invoice_id
    ) AS c ON c.operator_id = i.operator_id AND c.invoice_id = i.invoice_id
),
ordered AS (
    SELECT
        t.*,
        CASE WHEN t.voided_at IS NULL OR t.settled_at < t.voided_at THEN t.settled_at END AS closed_at,
        CASE
            WHEN t.settled_at <= t.failed_at OR t.voided_at <= t.failed_at THEN NULL ELSE t.failed_at
        END AS tried_at
    FROM told AS t
)
{_SPANS}
"""

_KNOWN = "WHERE i.created_at < m.t AND "


def with_rebuilt_invoices(sql: str) -> str:
    """A metric query over invoices of which `rewound_sql` was made: each as its payments tell at the instant."""
    if "FROM invoice AS i" not in sql:
        return sql
    assert sql.count(_KNOWN) == 1
    return sql.replace(_KNOWN, f"{_KNOWN}NOT COALESCE(i.{UNTIL} < m.t, FALSE) AND ")


def unclassified() -> frozenset[str]:
    """Names here that the catalogue does not have (a test keeps it empty)."""
    return frozenset({*IN_PLACE, *STANDING}) - frozenset(METRICS)

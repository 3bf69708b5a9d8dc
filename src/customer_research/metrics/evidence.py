"""Which records stand behind a figure: one declaration a kind of evidence, read by `queries.evidence_sql`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Records:
    """The records to show: columns of one relation, those that meet `where`, newest first.

    `tables` are the canonical tables read; `uses` the shared relations in front of the query, the last being the relation
    (a canonical table's own name when it is read as it is). `newest` is the ordering instant, the first column the id.
    In `where` the relation is `r`, the instants of `moment` are `m`.
    """

    tables: tuple[str, ...]
    uses: tuple[str, ...]
    relation: str
    columns: tuple[str, ...]
    newest: str
    where: str = ""

    @property
    def sql(self) -> str:
        """The query without its shared relations."""
        columns = ",\n    ".join(f"r.{name}" for name in (*self.columns, "operator_id"))
        where = f"\nWHERE {self.where}" if self.where else ""
        order = f"r.{self.newest} DESC NULLS LAST, r.{self.columns[0]}"
        return f"SELECT\n    {columns}\nFROM {self.relation} AS r\nCROSS JOIN moment AS m{where}\nORDER BY {order}"


def _shared(tables: str, uses: str, columns: str, newest: str, where: str = "") -> Records:
    """Records of the last of the shared relations named."""
    names = tuple(uses.split())
    return Records(tuple(tables.split()), ("moment", *names), names[-1], tuple(columns.split()), newest, where)


def _plain(table: str, columns: str, newest: str = "created_at", where: str = "") -> Records:
    """Rows of a canonical table that were known at T."""
    known = "r.created_at < m.t" + (f" AND {where}" if where else "")
    return Records((table,), ("moment",), table, tuple(columns.split()), newest, known)


def _family(records: Records, wheres: str) -> dict[str, Records]:
    """Kinds of evidence that differ in their condition only, from `name: condition` lines (blank: no further one)."""
    lines = (line.strip().partition(":") for line in wheres.strip().splitlines())
    return {name.strip(): replace(records, where=_both(records.where, where.strip())) for name, _, where in lines}


def _both(one: str, other: str) -> str:
    return f"{one} AND ({other})" if one and other else one or other


_SUBSCRIPTIONS = _family(
    _shared(
        "subscription",
        "subscription_at",
        "subscription_id plan_code plan_name interval status amount_minor monthly_minor currency begins_at ends_at ending_at",
        "begins_at",
    ),
    """
    subscriptions:
    active_subscriptions: r.status = 'active'
    pending_subscriptions: r.status = 'pending'
    """,
)
_INVOICES = _family(
    _shared(
        "invoice",
        "invoice_at",
        "invoice_id number invoice_type status payment_status total_minor open_minor currency issuing_date payment_due_date",
        "issuing_date",
    ),
    """
    finalized_invoices: r.status = 'finalized'
    positive_invoices: r.status = 'finalized' AND r.total_minor > 0
    paid_invoices: r.paid
    pending_invoices: r.awaiting
    unpaid_invoices: r.awaiting OR r.failed
    failed_invoices: r.failed
    failed_invoices_90d: r.failed AND r.issued_90d
    draft_invoices: r.status = 'draft'
    voided_invoices: r.status = 'voided'
    overdue_invoices: r.overdue
    overdue_not_failed_invoices: r.overdue AND NOT (r.failed AND r.issued_90d)
    due_invoices: r.paid OR r.given_back OR r.overdue OR (r.failed AND r.payment_due_date IS NULL)
    given_back_invoices: r.given_back
    """,
)
_CSM = _family(
    _shared(
        "csm",
        "csm_at",
        "subscription_id place status event event_date plan_code mrr_minor started_at terminated_at app_plan "
        "setup_score vehicles drivers members reservations_total reservation_amount_12m_minor hubspot_churn_status",
        "started_at",
    ),
    """
    csm:
    csm_active: r.status = 'active'
    """,
)
_BOOKED = """
    reservations:
    reservations_30d: r.created_at >= m.d30
    reservations_prev_30d: r.created_at >= m.d60 AND r.created_at < m.d30
    reservations_60d: r.created_at >= m.d60
    reservations_90d: r.created_at >= m.d90
    reservations_prev_90d: r.created_at >= m.d180 AND r.created_at < m.d90
    reservations_180d: r.created_at >= m.d180
    reservations_12m: r.created_at >= m.d365
    reservations_30d_year_ago: r.created_at >= m.d395 AND r.created_at < m.d365
    reservations_prev_30d_year_ago: r.created_at >= m.d425 AND r.created_at < m.d395
    reservations_90d_year_ago: r.created_at >= m.d455 AND r.created_at < m.d365
    """
_RIDDEN = """
    trips_12m: r.ride_12m
    completed_12m: r.ride_12m AND r.status = 'completed'
    cancelled_12m: r.ride_12m AND r.status = 'cancelled'
    pending_12m: r.ride_12m AND r.status IN ('pending', 'confirmed', 'in_progress')
    trips_90d: r.ride_90d
    trips_prev_90d: r.ride_prev_90d
    completed_90d: r.ride_90d AND r.status = 'completed'
    completed_prev_90d: r.ride_prev_90d AND r.status = 'completed'
    own_completed_90d: r.ride_90d AND r.status = 'completed' AND r.farmee_name IS NULL
    own_completed_prev_90d: r.ride_prev_90d AND r.status = 'completed' AND r.farmee_name IS NULL
    driver_trips_90d: r.ride_90d AND NOT r.driver_name IS NULL
    future_trips: r.pickup_at >= m.t AND r.status <> 'cancelled'
    future_trips_30d: r.pickup_at >= m.t AND r.pickup_at < m.in30 AND r.status <> 'cancelled'
    unpaid_trips: r.ride_past AND r.status = 'completed' AND r.due_minor <> 0
    """


def _reservations(newest: str, wheres: str) -> dict[str, Records]:
    """Reservations by the instant they were booked, or by that of the ride."""
    columns = (
        "trip_id confirmation_number status created_at pickup_at total_minor paid_minor due_minor currency "
        "driver_app_used farmee_name"
    )
    return _family(_shared("reservation", "reservation_at", columns, newest), wheres)


_CHARGES = _family(
    _shared(
        "charge",
        "charge_at",
        "charge_id status created_at amount_minor refunded_minor currency card_id failure_reason risk_level risk_score",
        "created_at",
    ),
    """
    charges:
    charge_attempts: r.attempt
    charge_attempts_90d: r.in_90d AND r.attempt
    succeeded_charges_12m: r.in_12m AND r.status = 'succeeded'
    succeeded_charges_90d: r.in_90d AND r.status = 'succeeded'
    succeeded_charges_prev_90d: r.in_prev_90d AND r.status = 'succeeded'
    failed_charges: r.in_90d AND r.status = 'failed'
    scored_charges: r.in_90d AND r.attempt AND r.risk_level IN ('normal', 'elevated', 'highest')
    high_risk_charges: r.in_90d AND r.attempt AND r.risk_level IN ('elevated', 'highest')
    highest_risk_charges: r.in_90d AND r.attempt AND r.risk_level = 'highest'
    """,
)
_DISPUTES = _family(
    _shared(
        "dispute",
        "dispute_at",
        "dispute_id charge_id status is_active reason amount_minor currency created_at",
        "created_at",
    ),
    """
    disputes:
    active_disputes: r.is_active
    """,
)
_MEMBERS = _family(
    _plain("member", "member_id created_at removed_at last_login_at"),
    """
    members:
    members_now: r.removed_at IS NULL OR r.removed_at > m.t
    """,
)
_DRIVERS = _family(
    _plain("driver", "driver_id created_at deactivated_at removed_at"),
    """
    drivers:
    drivers_now: (r.removed_at IS NULL OR r.removed_at > m.t) AND (r.deactivated_at IS NULL OR r.deactivated_at > m.t)
    """,
)
_TICKETS = _family(
    _shared(
        "ticket",
        "ticket_at",
        "ticket_id number status stage priority types due_date matched_by created_at edited_at",
        "created_at",
    ),
    """
    tickets_30d: r.sure AND r.created_at >= m.d30
    open_tickets: r.is_open
    open_tickets_over_7d: r.is_open AND r.created_at < m.d7 AND r.created_at >= m.d30
    open_tickets_over_30d: r.is_open AND r.created_at < m.d30
    high_priority_open: r.is_open AND r.priority = 'High'
    feature_requests_open: r.is_open AND r.is_request
    commitments_open: r.is_open AND r.is_commitment
    commitments_at_risk: r.is_open AND r.is_commitment AND r.is_late
    resolved_tickets: r.resolved_90d
    probable_tickets: NOT r.sure
    """,
)
_CONTACTS = _family(
    _plain("contact", "contact_id job_title is_primary has_left created_at modified_at"),
    """
    contacts:
    contacts_left: r.has_left
    contacts_active: NOT COALESCE(r.has_left, FALSE)
    """,
)
_DEALS = _family(
    _plain(
        "deal",
        "deal_id name pipeline stage deal_type amount_minor currency is_open is_won is_expansion close_date created_at",
    ),
    """
    deals_open: r.is_open
    deals_won: r.is_won
    expansion_deals_open: r.is_open AND r.is_expansion
    """,
)
_ENGAGEMENTS = _family(
    _shared(
        "engagement",
        "engagement_at",
        "engagement_id type occurred_at mentions_cancellation mentions_champion_left",
        "occurred_at",
    ),
    """
    engagements:
    engagements_90d: r.occurred_at >= m.d90
    """,
)

RECORDS: Mapping[str, Records] = MappingProxyType(
    {
        **_SUBSCRIPTIONS,
        "plan_changes": _shared(
            "subscription",
            "subscription_at plan_change plan_move",
            "subscription_id previous_plan_code plan_code direction previous_monthly_minor monthly_minor currency changed_at",
            "changed_at",
        ),
        "customer": _plain(
            "customer", "lago_id name currency net_payment_term payment_provider timezone city country created_at"
        ),
        **_INVOICES,
        "payments": _shared(
            "payment invoice",
            "invoice_at payment_at",
            "payment_id invoice_id number status amount_minor currency issuing_date paid_at days_to_pay",
            "paid_at",
        ),
        "credits": _shared(
            "invoice credit_note",
            "invoice_at credit_at",
            "record_id record number total_minor currency issuing_date",
            "created_at",
        ),
        **_CSM,
        "status": _shared(
            "subscription csm",
            "subscription_at csm_at standing_at",
            "record_id source plan_code status event begins_on ends_on",
            "known_at",
        ),
        **_reservations("created_at", _BOOKED),
        **_reservations("pickup_at", _RIDDEN),
        **_CHARGES,
        **_DISPUTES,
        **_MEMBERS,
        **_DRIVERS,
        "surveys": _plain("survey", "survey_id nps csat created_at"),
        **_TICKETS,
        "company": _plain(
            "company",
            "company_id name domain lifecycle_stage owner_name contract_end_date renewal_date last_contacted_at linked_by",
        ),
        **_CONTACTS,
        **_DEALS,
        **_ENGAGEMENTS,
    }
)
"""Every kind of evidence that the catalogue names. For a count or a sum they are exactly the records counted or added."""

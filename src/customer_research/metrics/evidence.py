"""Which records stand behind a figure: one declaration a kind of evidence, read by `queries.evidence_sql`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


def _plain(table: str, columns: str, newest: str = "created_at") -> Records:
    """Rows of a canonical table that were known at T."""
    return Records((table,), ("moment",), table, tuple(columns.split()), newest, "r.created_at < m.t")


def _invoices(where: str = "") -> Records:
    columns = "invoice_id number invoice_type status payment_status total_minor currency issuing_date payment_due_date"
    return _shared("invoice", "invoice_at", columns, "issuing_date", where)


def _reservations(newest: str, where: str = "") -> Records:
    columns = (
        "trip_id confirmation_number status created_at pickup_at total_minor paid_minor due_minor currency "
        "driver_app_used farmee_name"
    )
    return _shared("reservation", "reservation_at", columns, newest, where)


def _charges(where: str = "") -> Records:
    columns = (
        "charge_id status created_at amount_minor refunded_minor currency card_id failure_reason risk_level risk_score"
    )
    return _shared("charge", "charge_at", columns, "created_at", where)


def _tickets(where: str = "") -> Records:
    columns = "ticket_id number status stage priority types due_date matched_by created_at edited_at"
    return _shared("ticket", "ticket_at", columns, "created_at", where)


RECORDS: Mapping[str, Records] = MappingProxyType(
    {
        "subscriptions": _shared(
            "subscription",
            "subscription_at",
            "subscription_id plan_code plan_name interval status amount_minor monthly_minor currency begins_at ends_at ending_at",
            "begins_at",
        ),
        "plan_changes": _shared(
            "subscription",
            "subscription_at plan_change plan_move",
            "subscription_id previous_plan_code plan_code direction previous_monthly_minor monthly_minor currency changed_at",
            "changed_at",
        ),
        "customer": _plain(
            "customer", "lago_id name currency net_payment_term payment_provider timezone city country created_at"
        ),
        "invoices": _invoices(),
        "unpaid_invoices": _invoices("r.awaiting OR r.failed"),
        "failed_invoices": _invoices("r.failed"),
        "overdue_invoices": _invoices("r.overdue"),
        "due_invoices": _invoices("r.paid OR r.failed OR r.overdue"),
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
        "csm": _shared(
            "csm",
            "csm_at",
            "subscription_id place status event event_date plan_code mrr_minor started_at terminated_at app_plan "
            "setup_score vehicles drivers members reservations_total reservation_amount_12m_minor hubspot_churn_status",
            "started_at",
        ),
        "status": _shared(
            "subscription csm",
            "subscription_at csm_at standing_at",
            "record_id source plan_code status event begins_on ends_on",
            "known_at",
        ),
        "reservations": _reservations("created_at"),
        "reservations_60d": _reservations("created_at", "r.created_at >= m.d60"),
        "reservations_180d": _reservations("created_at", "r.created_at >= m.d180"),
        "trips_12m": _reservations("pickup_at", "r.ride_12m"),
        "trips_90d": _reservations("pickup_at", "r.ride_90d OR r.ride_prev_90d"),
        "future_trips": _reservations("pickup_at", "r.pickup_at >= m.t AND r.status <> 'cancelled'"),
        "unpaid_trips": _reservations("pickup_at", "r.ride_past AND r.status = 'completed' AND r.due_minor <> 0"),
        "charges": _charges(),
        "charges_90d": _charges("r.in_90d OR r.in_prev_90d"),
        "failed_charges": _charges("r.in_90d AND r.status = 'failed'"),
        "high_risk_charges": _charges("r.in_90d AND r.attempt AND r.risk_level IN ('elevated', 'highest')"),
        "disputes": _shared(
            "dispute",
            "dispute_at",
            "dispute_id charge_id status is_active reason amount_minor currency created_at",
            "created_at",
        ),
        "members": _plain("member", "member_id created_at removed_at last_login_at"),
        "drivers": _plain("driver", "driver_id created_at deactivated_at removed_at"),
        "surveys": _plain("survey", "survey_id nps csat created_at"),
        "tickets": _tickets("r.sure"),
        "open_tickets": _tickets("r.is_open"),
        "resolved_tickets": _tickets("r.resolved_90d"),
        "probable_tickets": _tickets("NOT r.sure"),
        "company": _plain(
            "company",
            "company_id name domain lifecycle_stage owner_name contract_end_date renewal_date last_contacted_at linked_by",
        ),
        "contacts": _plain("contact", "contact_id job_title is_primary has_left created_at modified_at"),
        "deals": _plain(
            "deal",
            "deal_id name pipeline stage deal_type amount_minor currency is_open is_won is_expansion close_date created_at",
        ),
        "engagements": _shared(
            "engagement",
            "engagement_at",
            "engagement_id type occurred_at mentions_cancellation mentions_champion_left",
            "occurred_at",
        ),
    }
)
"""Every kind of evidence that the catalogue names."""

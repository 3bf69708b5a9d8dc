"""The profile: all that is known of an operator on one page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from customer_research.documents.present import source_title
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Prose, Report, Section, Table
from customer_research.reports import judgement, pictures, tables
from customer_research.reports.build import (
    STREAMS,
    Column,
    Kind,
    amounts,
    bullets,
    count,
    day_of,
    field_figure,
    first_known,
    known_rows,
    line,
    lines,
    proof_of,
    proven_prose,
    record_cell,
    records,
    section,
    sections,
    stated,
)
from customer_research.reports.days import LISTING
from customer_research.reports.disagreements import disagreements
from customer_research.reports.frame import frame
from customer_research.reports.recommend import recommendation_section
from customer_research.reports.standing import observed_churn
from customer_research.reports.track import beside_band

_ACTIVITY_DAYS = 30
_ACTIVITY_ROWS = 12


def build(account: Account) -> Report:
    """The profile of an account."""
    return frame(
        account,
        "profile",
        "Profile",
        sections(
            _overview(account),
            _health(account),
            _together(account),
            recommendation_section(account),
            section("Contacts", tables.contacts(account), id="contacts"),
            _billing(account),
            _engagement(account),
            _relationship(account),
            _activity(account),
            _appendix(account),
            tables.links(account),
        ),
    )


def _overview(account: Account) -> Section | None:
    company, customer = "company", "customer"
    name = first_known(field_figure(account, customer, "name"), field_figure(account, company, "name"))
    identity = Figures(
        (
            FigureLine("Name", name),
            FigureLine("Legal name", field_figure(account, customer, "legal_name")),
            FigureLine("Industry", field_figure(account, company, "industry")),
            FigureLine("Location", _location(account)),
            FigureLine("Website", _website(account)),
            line(account, "Customer since", "customer_since"),
            line(account, "Segment (by plan)", "segment"),
            line(account, "Size tier (by trip revenue, 12 months)", "size_tier"),
            line(account, "Size label (HubSpot)", "size_label"),
            line(account, "Fleet (HubSpot)", "fleet_label"),
            line(account, "Vehicles", "vehicles"),
            line(account, "Drivers", "drivers"),
            line(account, "Team members", "members"),
            line(account, "Setup score (of 30)", "setup_score"),
            line(account, "Account owner", "owner_name"),
            line(account, "Lifecycle stage (HubSpot)", "lifecycle_stage"),
        )
    )
    return section("Overview", identity, identifiers(account), id="overview")


def identifiers(account: Account) -> Figures:
    """The operator's ids in each system."""
    return Figures(
        (
            FigureLine("Lago customer", field_figure(account, "customer", "lago_id")),
            FigureLine("HubSpot company", field_figure(account, "company", "company_id")),
            FigureLine("Stripe account", field_figure(account, "csm", "stripe_account")),
        )
    )


def _location(account: Account) -> Figure:
    """City, state and country: HubSpot's company, else Lago's customer."""
    for name, fields in (("company", ("city", "state", "country")), ("customer", ("city", "country"))):
        found = [part for field in fields if isinstance(part := field_figure(account, name, field), Fact)]
        if found:
            words = ", ".join(str(fact.value) for fact in found)
            return Fact(words, "text", found[0].basis, account.as_of)
    return first_known(field_figure(account, "company", "city"), field_figure(account, "customer", "city"))


def _website(account: Account) -> Figure:
    return first_known(
        field_figure(account, "company", "website"),
        field_figure(account, "company", "domain"),
        field_figure(account, "csm", "custom_domain"),
    )


def _health(account: Account) -> Section | None:
    score = account.score
    opportunities = judgement.findings(account, "opportunity")
    return section(
        "Health",
        judgement.score_lines(account),
        beside_band(account),
        observed_churn(account),
        judgement.dimension_table(account, score) if score else None,
        *judgement.titled(
            "Top risks", judgement.risks(account), judgement.nothing_found(account, "No risk in the figures known.")
        ),
        *judgement.titled(
            "Positives",
            judgement.positives(account),
            judgement.nothing_found(account, "Nothing in the figures known stands out."),
        ),
        *((Prose("Opportunities:"), opportunities) if opportunities else ()),
        id="health",
    )


def _together(account: Account) -> Section | None:
    conflicts = bullets(disagreements(account))
    return section(
        "What the sources say together",
        judgement.findings(account, "risk", "opportunity", "context"),
        *((Prose("Disagreements:"), conflicts) if conflicts else ()),
        id="findings",
    )


def _billing(account: Account) -> Section | None:
    overview = lines(
        account,
        """
        base_plan_name: Plan
        base_plan_code: Plan code
        base_plan_interval: Billing cycle
        mrr: MRR
        csm_mrr: MRR in the CSM view
        total_paid: Lifetime value (paid)
        outstanding: Outstanding
        overdue_invoices: Overdue invoices
        overdue_amount: Overdue amount
        invoice_success_rate: Invoice success rate
        next_bill_date: Next bill
        renewal_date: Renewal
        days_to_renewal: Days to renewal
        pending_cancellation: Pending cancellation
        subscription_ends_on: Subscription ends
        """,
    )
    figures = Figures((*overview.lines, judgement.payment_line(account)))
    return section("Billing", figures, pictures.bills(account), id="billing")


def _engagement(account: Account) -> Section | None:
    return section(
        "Engagement",
        lines(
            account,
            """
            reservations_12m: Reservations, 12 months
            trips_per_month: Reservations per month, 12 months
            usage_trend: Trend (30 days, season taken out where possible)
            revenue_12m: Trip revenue, 12 months
            last_activity_at: Last booking
            days_since_activity: Days since last booking
            future_trips: Booked ahead
            driver_app_rate: Driver app adoption, 90 days
            days_since_login: Days since login
            charge_success_rate: Card charge success rate, 90 days
            open_tickets: Open tickets
            probable_tickets: Probable tickets (matched by text)
            feature_requests_open: Open feature requests
            commitments_open: Enterprise commitments
            commitments_at_risk: Commitments at risk
            """,
        ),
        pictures.reservations_by_month(account),
        id="engagement",
    )


def _relationship(account: Account) -> Section | None:
    found = records(account, "deal")
    rows = known_rows(account, "deal")
    won = amounts(account, found, (row for row in rows if row["is_won"]), "amount_minor")
    pending = amounts(account, found, (row for row in rows if row["is_open"]), "amount_minor")
    figures = lines(
        account,
        """
        tenure_days: Relationship (since sign-up)
        last_contact_at: Last contact
        last_contact_type: Its type
        days_since_contact: Days since last contact
        engagements_90d: Engagements, 90 days
        contacts_active: Contacts still there
        contacts_left: Contacts that left
        cancellation_mentioned: Cancellation mentioned, 90 days
        nps_latest: Latest NPS, 180 days (0 to 10)
        csat_latest: Latest CSAT, 180 days (1 to 5)
        deals_won: Won deals
        deals_open: Open deals
        """,
    )
    money = (
        FigureLine("Deals in all", count(account, found, rows)),
        FigureLine("Won amount", won),
        FigureLine("Open amount", pending),
    )
    return section("Relationship", Figures((*figures.lines, *money)), id="relationship")


def _activity(account: Account) -> Section | None:
    figures = lines(
        account,
        """
        reservations_30d: Reservations booked
        reservations_prev_30d: In the 30 days before
        trend_30d: Change
        tickets_30d: Tickets opened
        """,
    )
    return section("Last 30 days", figures, _events(account), id="activity")


@dataclass(frozen=True, slots=True)
class _Event:
    """What makes an event of a record: its table, its day, what happened, the detail shown."""

    table: str
    day: str
    key: str
    what: Callable[[Mapping[str, Any]], str]
    detail: Column


_EVENTS = (
    _Event(
        "invoice",
        "issuing_date",
        "invoice_id",
        lambda row: f"Invoice {row['status']}",
        Column("total_minor", "", "money"),
    ),
    _Event(
        "payment", "paid_at", "payment_id", lambda row: f"Payment {row['status']}", Column("amount_minor", "", "money")
    ),
    _Event("engagement", "occurred_at", "engagement_id", lambda row: f"Contact: {row['type']}", Column("title", "")),
    _Event("ticket", "created_at", "ticket_id", lambda _: "Ticket opened", Column("title", "")),
    _Event("deal", "created_at", "deal_id", lambda _: "Deal created", Column("name", "")),
)


def _events(account: Account) -> Block:
    """What happened, newest first, over all sources whose records are at hand."""
    found = sorted(_happenings(account), key=lambda happening: happening[:3], reverse=True)
    tables_read = [records(account, event.table) for event in _EVENTS]
    basis = tuple({receipt.id: receipt for table in tables_read for receipt in table.receipts}.values())
    unread = sorted({table.gap.source for table in tables_read if table.gap is not None})
    without = f" (nothing from {', '.join(source_title(source) for source in unread)})" if unread else ""
    if not found:
        text = f"No invoice, payment, contact, ticket or deal in the records that were read{without}."
        return proven_prose(text, basis, account.as_of, "unknown" if unread else "neutral")
    rows = tuple(cells for *_, cells in found)
    return Table(("Day", "What", "Detail"), rows[:_ACTIVITY_ROWS], basis, f"Events{without}", len(rows))


def _happenings(account: Account) -> Iterator[tuple[date, str, str, tuple[Cell, ...]]]:
    """What happened: day, event, key, and its row; each row rests on the record that tells of it."""
    since = (account.as_of - timedelta(days=_ACTIVITY_DAYS)).date()
    for event in _EVENTS:
        receipts = records(account, event.table).receipts
        for row in known_rows(account, event.table):
            value = row.get(event.day)
            if value is not None and since <= day_of(value) <= account.as_of.date():
                day, what, proof = day_of(value), event.what(row), proof_of(row, receipts)
                detail = record_cell(row, event.detail, receipts, account.as_of)
                told = (Fact(day, "date", proof, account.as_of), stated(what, proof, account.as_of), detail)
                yield day, what, str(row[event.key]), told


def _appendix(account: Account) -> Section | None:
    return section(
        "Appendix",
        tables.subscriptions(account),
        tables.invoices(account, 10),
        tables.tickets(account, only_open=False),
        tables.deals(account),
        id="appendix",
    )


KIND = Kind(
    "profile",
    "Profile",
    STREAMS | {LISTING},
    build,
    answers="Who is the operator, what do they pay, how do they use it, what troubles them?",
    charts=(pictures.BILLS, pictures.RESERVATIONS),
    parts=(
        "Overview",
        "Health",
        "What the sources say together",
        "Recommendations",
        "Contacts",
        "Billing",
        "Engagement",
        "Relationship",
        "Last 30 days",
        "Appendix",
        "Links",
    ),
)

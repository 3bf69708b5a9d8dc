"""Who they are, what they pay, how they use it, what troubles them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from customer_research.documents.present import source_title
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.firm import KEPT
from customer_research.domain.report import Block, Cell, FigureLine, Table
from customer_research.domain.review import REVIEW
from customer_research.reports import judgement, pictures, shared_tables
from customer_research.reports.blocks import proven_prose, stated, titled
from customer_research.reports.company_facts import SECTION, TITLE, company_facts
from customer_research.reports.days import LISTING
from customer_research.reports.disagreements import disagreements
from customer_research.reports.figure_lines import field_figure, figures, first_known
from customer_research.reports.glance import GLANCE
from customer_research.reports.kind import STREAMS, Kind, section
from customer_research.reports.recommend import recommendations
from customer_research.reports.record_rows import (
    Column,
    Row,
    amounts,
    count,
    day_of,
    known_rows,
    proof_of,
    record_cell,
    records,
)
from customer_research.reports.reviews import SECTION as REVIEWS
from customer_research.reports.reviews import reviews
from customer_research.reports.standing_figures import observed_churn
from customer_research.reports.support_chat import support_chat
from customer_research.reports.track_words import beside_band

_ACTIVITY_DAYS = 30
_ACTIVITY_ROWS = 12


def _first_field(account: Account, *places: str) -> Figure:
    """The first field that is filled in, each given as `table.field`."""
    return first_known(*(field_figure(account, *place.split(".")) for place in places))


def _name(account: Account) -> FigureLine:
    return FigureLine("Name", _first_field(account, "customer.name", "company.name"))


def _location(account: Account) -> FigureLine:
    """City, state and country: HubSpot's company, else Lago's customer."""
    for name, fields in (("company", ("city", "state", "country")), ("customer", ("city", "country"))):
        found = [part for field in fields if isinstance(part := field_figure(account, name, field), Fact)]
        if found:
            words = ", ".join(str(fact.value) for fact in found)
            return FigureLine("Location", Fact(words, "text", found[0].basis, account.as_of))
    return FigureLine("Location", _first_field(account, "company.city", "customer.city"))


def _website(account: Account) -> FigureLine:
    return FigureLine("Website", _first_field(account, "company.website", "company.domain", "csm.custom_domain"))


def _scored(account: Account) -> Iterator[Block | None]:
    yield judgement.score_lines(account)
    yield beside_band(account)
    yield observed_churn(account)
    yield judgement.dimension_table(account, account.score) if account.score else None
    yield from judgement.risk_list(account, "Top risks")
    yield from judgement.positive_list(account)
    opportunities = judgement.findings(account, "opportunity")
    yield from titled("Opportunities", opportunities.items if opportunities else ())


def _together(account: Account) -> Iterator[Block | None]:
    yield judgement.findings(account, "risk", "opportunity", "context")
    yield from titled("Disagreements", disagreements(account))


def _deals(account: Account) -> Iterator[FigureLine]:
    found, rows = records(account, "deal"), known_rows(account, "deal")
    yield FigureLine("Deals in all", count(account, found, rows))
    for label, which in (("Won amount", "is_won"), ("Open amount", "is_open")):
        yield FigureLine(label, amounts(account, found, (row for row in rows if row[which]), "amount_minor"))


@dataclass(frozen=True, slots=True)
class _Event:
    """What makes an event of a record: its table, its day, what happened, the detail shown."""

    table: str
    day: str
    key: str
    what: Callable[[Row], str]
    detail: Column


_EVENTS = (
    _Event("invoice", "issuing_date", "invoice_id", lambda row: f"Invoice {row['status']}", Column("total_minor", "", "money")),
    _Event("payment", "paid_at", "payment_id", lambda row: f"Payment {row['status']}", Column("amount_minor", "", "money")),
    _Event("engagement", "occurred_at", "engagement_id", lambda row: f"Contact: {row['type']}", Column("title", "")),
    _Event("ticket", "created_at", "ticket_id", lambda _: "Ticket opened", Column("title", "")),
    _Event("deal", "created_at", "deal_id", lambda _: "Deal created", Column("name", "")),
)  # fmt: skip


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
                detail = record_cell(account, row, event.detail, receipts)
                told = (Fact(day, "date", proof, account.as_of), stated(what, proof, account.as_of), detail)
                yield day, what, str(row[event.key]), told


KIND = Kind(
    "profile",
    "Profile",
    judgement.head,
    (
        GLANCE,
        section(
            "overview",
            "Overview",
            figures(
                _name,
                """
                customer.legal_name: Legal name
                company.industry word: Industry
                """,
                _location,
                _website,
                """
                customer_since segment
                size_tier: Size tier (by trip revenue, 12 months)
                size_label: Size label (HubSpot)
                fleet_label: Fleet (HubSpot)
                vehicles drivers members
                setup_score: Setup score (of 30)
                owner_name lifecycle_stage
                """,
            ),
            """
            customer.lago_id: Lago customer
            company.company_id: HubSpot company
            csm.stripe_account: Stripe account
            """,
            weight=1,
        ),
        section("health", "Health", _scored, weight=1),
        section("findings", "What the sources say together", _together, weight=1),
        recommendations(weight=0),  # the first of them stand at a glance
        section("contacts", "Contacts", shared_tables.contacts, weight=2),
        section(
            "billing",
            "Billing",
            figures(
                """
                base_plan_name
                base_plan_code: Plan code
                base_plan_interval mrr csm_mrr total_paid outstanding overdue_invoices overdue_amount
                invoice_success_rate next_bill_date renewal_date days_to_renewal pending_cancellation
                subscription_ends_on
                """,
                judgement.payment_line,
            ),
            pictures.bills,
            weight=1,
        ),
        section(
            "engagement",
            "Engagement",
            """
            reservations_12m trips_per_month usage_trend revenue_12m last_activity_at days_since_activity future_trips
            driver_app_rate days_since_login charge_success_rate open_tickets
            probable_tickets: Probable tickets (matched by text)
            feature_requests_open commitments_open commitments_at_risk
            """,
            pictures.reservations_by_month,
            weight=1,
        ),
        section(
            "relationship",
            "Relationship",
            figures(
                """
                tenure_days last_contact_at last_contact_type days_since_contact engagements_90d contacts_active
                contacts_left cancellation_mentioned
                nps_latest: Latest NPS, 180 days (0 to 10)
                csat_latest: Latest CSAT, 180 days (1 to 5)
                deals_won deals_open
                """,
                _deals,
            ),
            weight=1,
        ),
        section("chat", "Support chat", support_chat, weight=1),
        section(SECTION, TITLE, company_facts, weight=0),
        section(REVIEWS, "Reviews", reviews, weight=0),
        section(
            "activity",
            "Last 30 days",
            "reservations_30d reservations_prev_30d trend_30d tickets_30d",
            _events,
            weight=1,
        ),
        section(
            "appendix",
            "Appendix",
            shared_tables.subscriptions,
            shared_tables.invoices(10),
            shared_tables.tickets,
            shared_tables.deals(),
            weight=0,
        ),
        shared_tables.LINKS,
    ),
    answers="Who is the operator, what do they pay, how do they use it, what troubles them?",
    place=10,
    needs=STREAMS | {LISTING, KEPT, REVIEW},
    charts=(pictures.BILLS, pictures.RESERVATIONS),
)

"""Payments: what passengers pay to the operator by card, and how that goes."""

from __future__ import annotations

from customer_research.domain.account import Account
from customer_research.domain.report import Block, FigureLine, Figures, Prose, Report, Section
from customer_research.reports import judgement, pictures, tables
from customer_research.reports.build import (
    STREAMS,
    Column,
    Kind,
    field_figure,
    lines,
    listing,
    section,
    sections,
)
from customer_research.reports.frame import frame
from customer_research.reports.recommend import recommendation_section


def build(account: Account) -> Report:
    """The card payments report of an account."""
    return frame(
        account,
        "payments",
        "Payments",
        sections(
            _standing(account),
            _volume(account),
            _risk(account),
            section("By month", pictures.charges_by_month(account), _monthly(account), id="monthly"),
            section("Recent failures", _failures(account), id="failures"),
            section("Disputes", _disputes(account), id="disputes"),
            recommendation_section(account, dimensions=frozenset({"payment"})),
            tables.links(account),
        ),
    )


def _standing(account: Account) -> Section | None:
    account_id = FigureLine("Stripe account", field_figure(account, "csm", "stripe_account"))
    attempts = account.fact("charge_attempts")
    none = None
    if attempts is not None and attempts.value == 0:
        none = Prose("No card processing: no charge was ever attempted.", (attempts,))
    lead = Figures((judgement.payment_line(account), account_id))
    return section("Standing", lead, none, tables.served_by(account), id="standing")


def _volume(account: Account) -> Section | None:
    return section(
        "Charges",
        lines(
            account,
            """
            charge_attempts_90d: Attempts, 90 days (succeeded or failed)
            charges_succeeded_90d: Succeeded, 90 days
            charges_failed_90d: Failed, 90 days
            charge_success_rate: Success rate, 90 days
            failure_streak: Failure streak, 90 days (distinct cards)
            charge_volume_90d: Charged, 90 days
            refunded_90d: Refunded, 90 days
            net_charged_90d: Net of refunds, 90 days
            refund_rate: Refund rate, 90 days
            average_charge_90d: Average charge, 90 days
            charge_volume_12m: Charged, 12 months
            charge_attempts: Attempts ever
            last_charge_at: Last attempt
            days_since_last_charge: Days since last attempt
            charge_currencies: Currencies charged
            """,
        ),
        id="volume",
    )


def _risk(account: Account) -> Section | None:
    return section(
        "Risk and disputes",
        lines(
            account,
            """
            avg_risk_score: Average risk score, 90 days
            scored_charges_90d: Charges with a risk level, 90 days
            high_risk_charges_90d: High-risk charges, 90 days
            highest_risk_charges_90d: Of these, highest, 90 days
            high_risk_share: High-risk share, 90 days
            active_disputes: Active disputes
            disputed_amount: Disputed, open
            disputes_ever: Disputes ever
            dispute_rate: Dispute rate, 90 days
            """,
        ),
        id="risk",
    )


def _monthly(account: Account) -> Block:
    columns = (
        Column("month", "Month", "month"),
        Column("attempts", "Attempts", "count"),
        Column("succeeded", "Succeeded", "count"),
        Column("failed", "Failed", "count"),
        Column("charged_minor", "Charged", "money"),
        Column("refunded_minor", "Refunded", "money"),
    )
    return listing(account, "card_monthly", "Last 6 months", columns, empty="No charge in these months.")


def _failures(account: Account) -> Block:
    columns = (
        Column("created_at", "When", "timestamp"),
        Column("charge_id", "Charge"),
        Column("amount_minor", "Amount", "money"),
        Column("failure_reason", "Reason"),
        Column("cardholder", "Cardholder", "person"),
    )
    return listing(account, "card_failures", "Last 10 failed charges", columns, empty="No failed charge.")


def _disputes(account: Account) -> Block:
    columns = (
        Column("created_at", "Opened", "day"),
        Column("dispute_id", "Dispute"),
        Column("status", "Status"),
        Column("is_active", "Active", "boolean"),
        Column("reason", "Reason"),
        Column("amount_minor", "Amount", "money"),
    )
    return listing(account, "card_disputes", "Disputes, active first", columns, empty="No dispute, ever.")


KIND = Kind(
    "payments",
    "Payments",
    STREAMS | {"card_monthly", "card_failures", "card_disputes"},
    build,
    for_customers=True,
    answers="What do passengers pay by card, what fails, what is disputed?",
    charts=(pictures.CHARGES,),
    parts=(
        "Standing",
        "Charges",
        "Risk and disputes",
        "By month",
        "Recent failures",
        "Disputes",
        "Recommendations",
        "Links",
    ),
)

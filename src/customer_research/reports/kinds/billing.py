"""Subscriptions, invoices, payment standing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from customer_research.domain import zones
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.money import Money
from customer_research.domain.report import Block, FigureLine, Prose
from customer_research.domain.vocabularies import CLAMP
from customer_research.reports import judgement, pictures, shared_tables
from customer_research.reports.blocks import bullets
from customer_research.reports.conversion import converted_line
from customer_research.reports.disagreements import disagreements
from customer_research.reports.figure_lines import figure, figures, line
from customer_research.reports.kind import Kind, section
from customer_research.reports.recommend import recommendations
from customer_research.reports.record_rows import known_rows, newest, table

_MONTHS = 12


def _days_in_utc(account: Account) -> Prose | None:
    zone = shared_tables.zone_of(account)
    if zones.known(zone):
        return None
    named = "no time zone of this customer" if zone is None else "a time zone that is not known"
    return Prose(f"Days are those of UTC: Lago names {named}.", (), "watch")


def _yearly(account: Account) -> FigureLine:
    """ARR: twelve times MRR, per currency."""
    found: Figure = figure(account, "mrr")
    if isinstance(found, Fact):
        amounts = tuple(Money(money.currency, money.minor * _MONTHS) for money in found.value)
        found = Fact(amounts, "money", found.basis, found.as_of, "arr")
    return FigureLine("ARR (12 x MRR)", found)


_CONVERTED = (("MRR", "mrr"), ("Lifetime value", "total_paid"), ("Outstanding", "outstanding"))


def _in_one_currency(account: Account) -> tuple[FigureLine, ...]:
    return tuple(
        line
        for label, metric in _CONVERTED
        for line in converted_line(label, figure(account, metric), account.rates, account.as_of)
    )


def _mrr_in_usd(account: Account) -> tuple[FigureLine, ...]:
    """The MRR that is all in USD; not where the converted one stands instead of it."""
    own = line(account, "MRR in USD", "mrr_usd")
    return () if any(own.label == other.label for other in _in_one_currency(account)) else (own,)


def _flags(account: Account) -> Iterator[Block | None]:
    score = account.score
    deducted = [
        judgement.contribution_prose(contribution)
        for contribution in (score.contributions if score else ())
        if contribution.dimension == "payment" and contribution.points < 0 and contribution.rule != CLAMP
    ]
    gates = [judgement.gate_prose(gate, score) for gate in score.gates] if score else []
    flags = bullets((*gates, *disagreements(account), *deducted))
    if score is None:
        yield flags
        yield Prose("Payment rules were not checked: the account was not scored.")
        return
    payment = judgement.payment_dimension(score)
    none = "No payment rule took points." if payment and payment.gap is None else "Payment rules were not checked."
    yield flags or Prose(none)


def _payments(account: Account) -> Iterator[Mapping[str, Any]]:
    """The attempts, newest first, each with its invoice's number."""
    numbers = {row["invoice_id"]: row.get("number") for row in known_rows(account, "invoice")}
    for row in newest(known_rows(account, "payment"), "paid_at", "payment_id"):
        yield {**row, "invoice_number": numbers.get(row.get("invoice_id")) or row.get("invoice_id")}


KIND = Kind(
    "billing",
    "Billing",
    judgement.head,
    (
        section(
            "customer",
            "Customer",
            """
            customer.name: Name in billing
            customer.legal_name: Legal name
            customer.email email: E-mail
            customer.phone phone: Phone
            customer.currency: Currency
            customer.net_payment_term days: Payment term
            customer.payment_provider: Payment provider
            customer.timezone: Time zone
            customer.city: City
            customer.country: Country
            customer.created_at timestamp: In Lago since
            customer.lago_id: Lago customer
            customer_since
            """,
            _days_in_utc,
            weight=1,
        ),
        section(
            "subscriptions",
            "Subscriptions",
            """
            base_plan_name base_plan_interval next_bill_date renewal_date pending_cancellation subscription_ends_on
            active_subscriptions segment subscription_started_at subscription_age_days upgraded_180d downgraded_180d
            """,
            shared_tables.subscriptions,
            table(
                "coupon",
                "Coupons",
                "code Coupon, status:word, percentage:number Percent off, amount_minor:money Amount off, frequency:word How often, "
                "created_at:day Applied",
                rows=shared_tables.newest_of("coupon", "created_at", "coupon_id"),
                empty="No coupons.",
            ),
            weight=3,
        ),
        section(
            "money",
            "Money",
            figures(
                """
                mrr: MRR (after coupons)
                list_mrr
                """,
                _mrr_in_usd,
                "csm_mrr mrr_difference",
                _yearly,
                """
                total_invoiced total_paid outstanding overdue_amount failed_amount
                credits: Credits (in no total)
                voided_amount: Voided (in no total)
                average_invoice invoice_currencies
                """,
                _in_one_currency,
            ),
            weight=3,
        ),
        section("invoices", "Invoices", pictures.bills, shared_tables.invoice_statuses, shared_tables.invoices(5)),
        section(
            "indicators",
            "Payment health",
            figures(
                judgement.payment_line,
                """
                invoice_success_rate overdue_invoices overdue_amount oldest_overdue_days invoices_failed_90d
                avg_days_to_pay net_payment_term days_since_last_invoice charge_success_rate failure_streak
                active_disputes disputes_ever refund_rate avg_risk_score
                """,
            ),
            shared_tables.served_by,
            Prose(
                "Invoices are what the operator pays to us; card figures are what passengers pay to the operator. "
                "A passenger's declined card is not a failure of the operator to pay."
            ),
        ),
        section("flags", "Flags", _flags, weight=3),
        recommendations("payment"),
        section(
            "payments",
            "Payments and credits",
            table(
                "payment",
                "Latest payment attempts",
                "paid_at:day Day, amount_minor:money, status:word, invoice_number Invoice",
                rows=_payments,
                links={"invoice_number": shared_tables.link("lago_invoice", "invoice_id")},
                most=5,
                empty="No payments in Lago.",
            ),
            table(
                "credit_note",
                "Latest credit notes",
                "number Credit note, issuing_date:date Issued, total_minor:money, balance_minor:money Left, reason:word",
                rows=shared_tables.newest_of("credit_note", "issuing_date", "credit_note_id"),
                most=5,
                empty="No credit notes.",
            ),
            weight=1,
        ),
        shared_tables.LINKS,
    ),
    answers="What does the operator pay us, and does it pay on time?",
    place=40,
    options=("audience",),
    charts=(pictures.BILLS,),
)

"""Billing: what the operator pays to us, how well, and what needs doing."""

from __future__ import annotations

from customer_research.domain import zones
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.money import Money
from customer_research.domain.report import Block, FigureLine, Figures, Prose, Report, Section
from customer_research.domain.vocabularies import CLAMP
from customer_research.reports import judgement, pictures, tables
from customer_research.reports.build import (
    STREAMS,
    Column,
    Kind,
    PersonalKind,
    bullets,
    field_figure,
    figure,
    known_rows,
    line,
    lines,
    newest,
    records,
    section,
    sections,
    table,
)
from customer_research.reports.conversion import converted_line
from customer_research.reports.disagreements import disagreements
from customer_research.reports.frame import frame
from customer_research.reports.recommend import recommendation_section

_MONTHS = 12


def build(account: Account) -> Report:
    """The billing report of an account."""
    return frame(
        account,
        "billing",
        "Billing",
        sections(
            _customer(account),
            _subscriptions(account),
            _money(account),
            section(
                "Invoices",
                pictures.bills(account),
                tables.invoice_statuses(account),
                tables.invoices(account, 5),
                id="invoices",
            ),
            _indicators(account),
            _flags(account),
            recommendation_section(account, dimensions=frozenset({"payment"})),
            section("Payments and credits", _payments(account), _credits(account), id="payments"),
            tables.links(account),
        ),
    )


def _customer(account: Account) -> Section | None:
    fields: tuple[tuple[str, str, str, PersonalKind | None], ...] = (
        ("Name in billing", "name", "text", None),
        ("Legal name", "legal_name", "text", None),
        ("E-mail", "email", "text", "email"),
        ("Phone", "phone", "text", "phone"),
        ("Currency", "currency", "text", None),
        ("Payment term", "net_payment_term", "days", None),
        ("Payment provider", "payment_provider", "text", None),
        ("Time zone", "timezone", "text", None),
        ("City", "city", "text", None),
        ("Country", "country", "text", None),
        ("In Lago since", "created_at", "timestamp", None),
        ("Lago customer", "lago_id", "text", None),
    )
    found = [
        FigureLine(label, field_figure(account, "customer", field, unit, personal=personal))
        for label, field, unit, personal in fields
    ]
    zone = tables.zone_of(account)
    in_utc = None if zones.known(zone) else Prose(f"Days are those of UTC: Lago names {_no_zone(zone)}.", (), "watch")
    since = line(account, "Customer since", "customer_since")
    return section("Customer", Figures((*found, since)), in_utc, id="customer")


def _no_zone(name: str | None) -> str:
    return "no time zone of this customer" if name is None else "a time zone that is not known"


def _subscriptions(account: Account) -> Section | None:
    standing = lines(
        account,
        """
        active_subscriptions: Active subscriptions
        base_plan_name: Base plan
        base_plan_interval: Billing cycle
        segment: Segment (by plan)
        subscription_started_at: Subscribed since
        subscription_age_days: Subscription age
        next_bill_date: Next bill
        renewal_date: Renewal
        pending_cancellation: Pending cancellation
        subscription_ends_on: Subscription ends
        upgraded_180d: Upgraded in 6 months
        downgraded_180d: Downgraded in 6 months
        """,
    )
    return section("Subscriptions", standing, tables.subscriptions(account), _coupons(account), id="subscriptions")


def _coupons(account: Account) -> Block:
    columns = (
        Column("code", "Coupon"),
        Column("status", "Status"),
        Column("percentage", "Percent off", "number"),
        Column("amount_minor", "Amount off", "money"),
        Column("frequency", "How often"),
        Column("created_at", "Applied", "day"),
    )
    rows = newest(known_rows(account, "coupon"), "created_at", "coupon_id")
    return table(account, "Coupons", records(account, "coupon"), columns, rows=rows, empty="No coupons.")


def yearly(account: Account) -> Figure:
    """ARR: twelve times MRR, per currency."""
    monthly = figure(account, "mrr")
    if not isinstance(monthly, Fact):
        return monthly
    amounts = tuple(Money(money.currency, money.minor * _MONTHS) for money in monthly.value)
    return Fact(amounts, "money", monthly.basis, monthly.as_of, "arr")


def _money(account: Account) -> Section | None:
    recurring = lines(
        account,
        """
        mrr: MRR (after coupons)
        list_mrr: MRR before coupons
        mrr_usd: MRR in USD
        csm_mrr: MRR in the CSM view
        mrr_difference: MRR, Lago minus CSM view
        """,
    )
    totals = lines(
        account,
        """
        total_invoiced: Total invoiced
        total_paid: Lifetime value (paid)
        outstanding: Outstanding
        overdue_amount: Overdue amount
        failed_amount: Failed amount
        credits: Credits (in no total)
        voided_amount: Voided (in no total)
        average_invoice: Average invoice
        invoice_currencies: Currencies billed
        """,
    )
    arr = FigureLine("ARR (12 x MRR)", yearly(account))
    one_currency = [
        line
        for label, metric in (("MRR", "mrr"), ("Lifetime value", "total_paid"), ("Outstanding", "outstanding"))
        for line in converted_line(label, figure(account, metric), account.rates, account.as_of)
    ]
    converted = {line.label for line in one_currency}  # instead of the line that says that not all is in USD
    own = [line for line in recurring.lines if line.label not in converted]
    return section("Money", Figures((*own, arr, *totals.lines, *one_currency)), id="money")


def _indicators(account: Account) -> Section | None:
    found = lines(
        account,
        """
        invoice_success_rate: Invoice success rate
        overdue_invoices: Overdue invoices
        overdue_amount: Overdue amount
        oldest_overdue_days: Oldest overdue
        invoices_failed_90d: Failed invoices, 90 days
        avg_days_to_pay: Average days to pay
        net_payment_term: Payment term
        days_since_last_invoice: Days since last invoice
        charge_success_rate: Card charge success rate, 90 days
        failure_streak: Card failure streak, 90 days
        active_disputes: Active disputes
        disputes_ever: Disputes ever
        refund_rate: Refund rate, 90 days
        avg_risk_score: Average risk score, 90 days
        """,
    )
    about = Prose(
        "Invoices are what the operator pays to us; card figures are what passengers pay to the operator. "
        "A passenger's declined card is not a failure of the operator to pay."
    )
    lead = (judgement.payment_line(account),)
    return section("Payment health", Figures((*lead, *found.lines)), tables.served_by(account), about, id="indicators")


def _flags(account: Account) -> Section | None:
    score = account.score
    deducted = [
        judgement.contribution_prose(contribution)
        for contribution in (score.contributions if score else ())
        if contribution.dimension == "payment" and contribution.points < 0 and contribution.rule != CLAMP
    ]
    gates = [judgement.gate_prose(gate, score) for gate in score.gates] if score else []
    flags = (*gates, *disagreements(account), *deducted)
    if score is None:
        return section(
            "Flags", bullets(flags), Prose("Payment rules were not judged: the account was not scored."), id="flags"
        )
    payment = judgement.payment_dimension(score)
    none = "No payment rule took points." if payment and payment.gap is None else "Payment rules were not judged."
    return section("Flags", bullets(flags) or Prose(none), id="flags")


def _payments(account: Account) -> Block:
    columns = (
        Column("paid_at", "Day", "day"),
        Column("amount_minor", "Amount", "money"),
        Column("status", "Status"),
        Column("invoice_number", "Invoice", link=tables.link_of(account, "lago_invoice", "invoice_id")),
    )
    numbers = {row["invoice_id"]: row.get("number") for row in known_rows(account, "invoice")}
    rows = [
        {**row, "invoice_number": numbers.get(row.get("invoice_id")) or row.get("invoice_id")}
        for row in newest(known_rows(account, "payment"), "paid_at", "payment_id")
    ]
    found = records(account, "payment")
    return table(account, "Latest payment attempts", found, columns, rows=rows, most=5, empty="No payments in Lago.")


def _credits(account: Account) -> Block:
    columns = (
        Column("number", "Credit note"),
        Column("issuing_date", "Issued", "date"),
        Column("total_minor", "Total", "money"),
        Column("balance_minor", "Left", "money"),
        Column("reason", "Reason"),
    )
    rows = newest(known_rows(account, "credit_note"), "issuing_date", "credit_note_id")
    found = records(account, "credit_note")
    return table(account, "Latest credit notes", found, columns, rows=rows, most=5, empty="No credit notes.")


KIND = Kind(
    "billing",
    "Billing",
    STREAMS,
    build,
    for_customers=True,
    answers="What does the operator pay us, and does it pay on time?",
    charts=(pictures.BILLS,),
    parts=(
        "Customer",
        "Subscriptions",
        "Money",
        "Invoices",
        "Payment health",
        "Flags",
        "Recommendations",
        "Payments and credits",
        "Links",
    ),
)

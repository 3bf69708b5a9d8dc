"""What to do about it: each recommendation comes from the playbook, was raised by a rule, a finding or a condition, and carries its proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.advice import Advice
from customer_research.domain.evidence import Fact, merge_basis
from customer_research.domain.report import WEIGHT, Block, Cell, Prose, Table, Text, Tone
from customer_research.domain.urgency import LEVEL_DAYS
from customer_research.domain.words import value_words
from customer_research.reports.blocks import grid, stated, titled
from customer_research.reports.judgement import nothing_found
from customer_research.reports.kind import SectionPlan, section
from customer_research.reports.tones import PRIORITY_TONES

_NOTHING = "Nothing in the figures known asks for an action."
AREA_TITLES: Mapping[str, str] = MappingProxyType(
    {"call": "On the call", "account": "For the account", "growth": "For growth"}
)


def _recommendations(account: Account, dimensions: frozenset[str]) -> Iterator[Block]:
    """The recommendations by area; with `dimensions`, only those that their rules raised."""
    chosen = [item for item in account.advice if not dimensions or _concerns(account, item, dimensions)]
    for area, title in AREA_TITLES.items():
        yield from titled(title, tuple(_prose(item) for item in chosen if item.area == area))
    if not any(item.area in AREA_TITLES for item in chosen):
        yield Prose(nothing_found(account, _NOTHING))


def recommendations(*dimensions: str, weight: int = WEIGHT) -> SectionPlan[Account]:
    """The section of recommendations, of all or of those that concern some dimensions of the score."""
    return section(
        "recommendations",
        "Recommendations",
        lambda account: _recommendations(account, frozenset(dimensions)),
        weight=weight,
    )


def _concerns(account: Account, item: Advice, dimensions: frozenset[str]) -> bool:
    contributions = account.score.contributions if account.score else ()
    raised = {contribution.rule for contribution in contributions if contribution.dimension in dimensions}
    return item.source in raised or any(fact.metric in _related(dimensions) for fact in item.facts)


_PAYMENT_METRICS = frozenset(
    [
        "invoice_success_rate",
        "invoices_failed_90d",
        "overdue_invoices",
        "overdue_amount",
        "oldest_overdue_days",
        "avg_days_to_pay",
        "charge_success_rate",
        "charges_failed_90d",
        "payment_success_worst",
        "failure_streak",
        "active_disputes",
        "high_risk_share",
        "avg_risk_score",
        "refund_rate",
        "mrr_difference",
        "pending_cancellation",
    ]
)


def _related(dimensions: frozenset[str]) -> frozenset[str]:
    return _PAYMENT_METRICS if "payment" in dimensions else frozenset()


def _prose(item: Advice) -> Prose:
    text = f"{item.action} ({item.owner}, {item.priority}; {item.because.rstrip('.')})"
    return Prose(text, item.facts, PRIORITY_TONES[item.priority])


def action_table(account: Account, most: int | None = None) -> Table | Prose:
    """The actions with priority, the day until which they are due, owner, and what raised them."""
    chosen = account.advice[:most]
    rows = (
        (
            advised(account, item, item.priority, PRIORITY_TONES[item.priority]),
            due(account, item),
            Text(item.action),
            Text(item.owner),
            advised(account, item, item.because),
        )
        for item in chosen
    )
    basis = merge_basis(fact for item in chosen for fact in item.facts)
    listed = grid("Priority | Until | !Action | !Owner | Raised by", rows, basis, "Actions", len(account.advice))
    return listed or Prose(nothing_found(account, _NOTHING))


def to_do(account: Account, item: Advice, act: str = "") -> Prose:
    """Why something is to be done, what (`act`, else the advice itself), and by when."""
    told = act or f"{item.action.rstrip('.')}, {due_words(account, item)}."
    return Prose(f"{item.because.rstrip('.')}. {told}", item.facts, PRIORITY_TONES[item.priority])


def due(account: Account, item: Advice) -> Fact[Any]:
    """The day until which advice is to be followed: what urgency says; growth, and what nothing urges, within a month."""
    day = (account.as_of + timedelta(days=LEVEL_DAYS["this_month"])).date()
    if item.area != "growth" and account.urgency is not None and account.urgency.until is not None:
        day = account.urgency.until
    return Fact(day, "date", merge_basis(item.facts), account.as_of)


def due_words(account: Account, item: Advice) -> str:
    """`by 2026-11-08`, `or sooner` where a silent source may hide a more urgent reason."""
    hidden = item.area != "growth" and account.urgency is not None and account.urgency.open
    sooner = " or sooner" if hidden else ""
    return f"by {value_words(due(account, item))}{sooner}"


def advised(account: Account, item: Advice, words: str, tone: Tone = "neutral") -> Cell:
    """What raised advice, and how urgent that makes it: it rests on the advice's facts."""
    return stated(words, merge_basis(item.facts), account.as_of, tone)

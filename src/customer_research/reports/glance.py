"""An operator at a glance: what it pays and owes, how it uses the product, what ends when, the last contact, what to do first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import ANSWERS, Fact, Gap, merge_basis
from customer_research.domain.report import Block, FigureLine, Figures, Statement, Tone
from customer_research.domain.words import counted, plain_word, value_words
from customer_research.reports import judgement, progress
from customer_research.reports.blocks import titled
from customer_research.reports.figure_lines import figure, is_true
from customer_research.reports.kind import SectionPlan, section
from customer_research.reports.recommend import to_do
from customer_research.reports.record_rows import known_rows
from customer_research.reports.tones import tone_of

_TO_DO = 3
"""How many things to do are named at a glance."""

Words = Callable[[Fact[Any]], str]
"""A figure as part of a line."""


def _some(before: str, noun: str = "", after: str = "") -> Words:
    """`30 reservations in 30 days`: the figure counted by its noun, or as it is, with what stands around it."""
    return lambda fact: f"{before}{counted(fact.value, noun) if noun else value_words(fact)}{after}"


def _money(after: str = "") -> Words:
    """An amount; none in any currency is `nothing`, as a bare 0 says nothing of money."""
    return lambda fact: f"{value_words(fact) if fact.value else 'nothing'}{after}"


_STANDING: Mapping[str, Mapping[str, Words]] = MappingProxyType(
    {
        "Pays": {"base_plan_name": _some(""), "mrr": _money(" a month")},
        "Owes": {"outstanding": _money(), "overdue_invoices": _some("", "overdue invoice")},
        "Uses": {
            "reservations_30d": _some("", "reservation", " in 30 days"),
            "reservations_prev_30d": _some("", after=" in the 30 before"),
            "days_since_login": lambda fact: f"last login {f'{value_words(fact)} ago' if fact.value else 'today'}",
        },
        "Support": {"open_tickets": _some("", "open ticket"), "nps_latest": _some("NPS ", after=" of 10")},
    }
)
"""A line's label → the figures that it tells, in order."""

_CONTACT: Mapping[str, Words] = MappingProxyType(
    {
        "last_contact_at": lambda fact: f"{fact.value:%Y-%m-%d}",
        "last_contact_type": lambda fact: plain_word(value_words(fact)),
    }
)


def standing(account: Account) -> Figures | None:
    """How it stands, in a few lines; what is truly absent is left out."""
    lines = [_line(account, label, told) for label, told in _STANDING.items()]
    lines.insert(1, _next_day(account))
    for label, told in (("Health", progress.trend_words(account)), ("Health before", progress.last_settled(account))):
        if told is not None:
            words = Statement(told.text.rstrip("."), "text", merge_basis(told.facts), account.as_of)
            lines.append(FigureLine(label, words, told.tone))
    known = tuple(line for line in lines if line is not None)
    return Figures(known) if known else None


def _line(account: Account, label: str, told: Mapping[str, Words]) -> FigureLine | None:
    """Figures told in one line; those that a silent source keeps are named as not known."""
    found = {metric: figure(account, metric) for metric in told}
    facts = {metric: one for metric, one in found.items() if isinstance(one, Fact)}
    silent = [metric for metric, one in found.items() if isinstance(one, Gap) and one.reason not in ANSWERS]
    link = _page(account) if label == "Pays" else ""
    if not facts:
        return FigureLine(label, found[silent[0]], "unknown", link) if silent else None
    words = [told[metric](fact) for metric, fact in facts.items()]
    words += [f"{METRICS[metric].label.lower()} not known" for metric in silent]
    tones = {tone_of(fact) for fact in facts.values()}
    tone: Tone = "bad" if "bad" in tones else "watch" if "watch" in tones else "neutral"
    joined = Statement(", ".join(words), "text", merge_basis(facts.values()), account.as_of)
    return FigureLine(label, joined, tone, link)


def _page(account: Account) -> str:
    """The customer's page in Lago."""
    return next((account.link("lago_customer", str(row["lago_id"])) for row in known_rows(account, "customer")), "")


def _next_day(account: Account) -> FigureLine | None:
    """The day on which it ends, else renews, else is billed."""
    ending = figure(account, "pending_cancellation")
    if isinstance(ending, Gap) and ending.reason not in ANSWERS:
        return FigureLine("Ends or renews", ending, "unknown")
    if is_true(account, "pending_cancellation"):
        return _line(account, "Ends", {"subscription_ends_on": _some("")})
    renews = _line(account, "Renews", {"renewal_date": _some("")})
    return renews or _line(account, "Next bill", {"next_bill_date": _some("")})


def _stands(account: Account) -> Iterator[Figures | None]:
    """How it stands, and when somebody last spoke to them."""
    told, contact = standing(account), _line(account, "Last contact", _CONTACT)
    lines = (*(told.lines if told is not None else ()), *((contact,) if contact is not None else ()))
    yield Figures(lines) if lines else None


def _to_do(account: Account) -> Iterator[Block]:
    """The first things to do, each with its reason and its day; how many more there are."""
    chosen = account.advice[:_TO_DO]
    more = len(account.advice) - len(chosen)
    title = f"To do first ({len(chosen)} of {len(account.advice)})" if more else "To do"
    none = judgement.nothing_found(account, "Nothing in the figures known asks for an action.")
    yield from titled(title, tuple(to_do(account, advice) for advice in chosen), none)


GLANCE: SectionPlan[Account] = section("glance", "At a glance", _stands, _to_do, weight=3)
"""The first section of a report on all of an operator."""

"""The risk of leaving: what a retention score says of it, its level, its signs, and what would be lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt, merge_basis
from customer_research.domain.health import HealthScore
from customer_research.domain.money import Money, spelt
from customer_research.domain.report import Cell, Text, Tone
from customer_research.domain.risk import (
    category_of,
    least_risk_of,
    risk_of,
)
from customer_research.reports.blocks import stated
from customer_research.reports.figure_lines import figure
from customer_research.reports.urgency_words import urgency_cell

LEVEL_TONES: Mapping[str, Tone] = MappingProxyType({"High": "bad", "Medium": "bad", "Low": "watch"})

NOT_A_PROBABILITY = (
    "Risk (0 to 100) ranks operators by the signs that are known; it is not a probability: it is not fitted to churn that "
    "happened. Expected loss is risk x MRR, a weight for ranking."
)


def category_cells(account: Account, retention: HealthScore) -> tuple[Cell, Cell]:
    """Why the operator may leave, and how soon to act: they rest on what the risk rests on."""
    risk = risk_figure(account, retention)
    act = urgency_cell(account)
    if isinstance(risk, Gap):
        return Text(category_of(retention), "unknown"), act
    return stated(category_of(retention), risk.basis, account.as_of), act


def risk_figure(account: Account, retention: HealthScore) -> Figure:
    """The risk as a figure: proven by what the retention score rests on."""
    risk, basis = risk_of(retention), _retention_basis(account, retention)
    if risk is None or not basis:
        return Gap("health", "unavailable", "neither billing nor usage is known", metric="churn_risk")
    note = "" if retention.highest is None else f"at most; at least {least_risk_of(retention)} by what is known"
    return Fact(risk, "points", basis, account.as_of, metric="churn_risk", note=note)


def risk_told(account: Account, retention: HealthScore) -> Figure:
    """The risk as people read it: a range while a silent source leaves it open."""
    found = risk_figure(account, retention)
    if isinstance(found, Gap) or retention.highest is None:
        return found
    return replace(found, value=f"{least_risk_of(retention)} to {found.value}", unit="text", note="")


def expected_loss(account: Account, retention: HealthScore) -> Figure:
    """Risk x MRR a month in the account's own currencies, rounded half up; the gap of whichever is unknown."""
    risk, mrr = risk_figure(account, retention), figure(account, "mrr")
    if isinstance(risk, Gap):
        return risk
    if isinstance(mrr, Gap):
        return mrr
    loss = tuple(Money(money.currency, (2 * risk.value * money.minor + 100) // 200) for money in mrr.value)
    return Fact(loss, "money", merge_basis((risk, mrr)), account.as_of, metric="expected_loss")


def expected_loss_in(currency: str, account: Account, retention: HealthScore) -> Figure:
    """The expected loss in minor units of a currency, of an MRR that is all in it."""
    found = expected_loss(account, retention)
    if isinstance(found, Gap):
        return found
    if any(money.minor for money in found.value if money.currency != currency):
        return Gap("health", "not_applicable", f"the MRR is not all in {currency}", metric="expected_loss")
    minor = sum(money.minor for money in found.value)
    return Fact(minor, "count", found.basis, found.as_of, metric="expected_loss")


def expected_loss_spelt(account: Account, retention: HealthScore) -> Figure:
    """The expected loss for programs: codes and minor units, `CAD 49900 USD 12000`."""
    found = expected_loss(account, retention)
    return (
        found if isinstance(found, Gap) else Fact(spelt(found.value), "text", found.basis, found.as_of, "expected_loss")
    )


def _retention_basis(account: Account, retention: HealthScore) -> tuple[Receipt, ...]:
    facts = [sign.fact for sign in retention.contributions]
    facts += [fact for name in ("active_subscriptions", "reservations_30d") if (fact := account.fact(name)) is not None]
    return merge_basis(facts)

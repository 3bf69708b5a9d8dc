"""Churn risk: who may leave, ranked by what would be lost or by risk alone, with the signs for and against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt, merge_basis
from customer_research.domain.health import Contribution, HealthScore
from customer_research.domain.money import Money, spelt
from customer_research.domain.portfolio import Risks, RiskSort
from customer_research.domain.report import Block, Cell, Chart, Mark, Prose, Report, Text, Tone
from customer_research.domain.vocabularies import CLAMP
from customer_research.domain.words import counted
from customer_research.reports.build import bullets, figure, section, sections, stated
from customer_research.reports.kinds.portfolio import (
    brief,
    disagreements_table,
    gap_warnings,
    group_table,
    mrr_cell,
    mrr_words,
    nobody,
    number,
    table,
)
from customer_research.reports.standing import health, observed_churn
from customer_research.reports.urgency import urgency_cell

MULTIPLE, GENERAL = "Multiple", "General"
"""The category of signs of several categories, and of no sign at all."""

LEVELS: tuple[tuple[int, str], ...] = (
    (70, "High"),
    (40, "Medium"),
    (20, "Low"),
)
"""Least risk and level (70/40 of the written procedure); below the last little speaks for leaving."""

AT_RISK = LEVELS[-1][0]
HEAVY_WORKLOAD = 5
"""Accounts at risk of one CSM from which on the workload is remarked, if it is twice the usual one."""

NOT_A_PROBABILITY = (
    "Risk (0 to 100) ranks operators by the signs that are known; it is not a probability: it is not fitted to churn that "
    "happened. Expected loss is risk x MRR, a weight for ranking."
)
_SIGNS_SHOWN = 4
_HEADERS = ("Operator", "Segment", "MRR", "Risk", "Expected loss", "Health", "Category", "Act")
_TITLES: Mapping[RiskSort, str] = MappingProxyType({"loss": "Ranked by expected loss", "risk": "Ranked by risk"})


def risk_of(score: HealthScore) -> int | None:
    """The risk of leaving, 0 to 100: what a retention score lacks to 100; None when it could not be told.

    With a source silent it is the most that the risk can be (see `least_risk_of`).
    """
    return None if score.score is None else 100 - score.score


def least_risk_of(score: HealthScore) -> int:
    """The least that the risk can be, by what is known; 0 when it could not be told."""
    most = score.score if score.highest is None else score.highest
    return 0 if most is None else 100 - most


def level_of(risk: int) -> str:
    """The level of a risk; an empty text below the least."""
    return next((name for least, name in LEVELS if risk >= least), "")


def category_of(score: HealthScore) -> str:
    """What kind of signs make up the risk: the category with at least two thirds of the lost points, else Multiple."""
    lost: dict[str, int] = {}
    for sign in signs(score, against_leaving=False):
        name = sign.category or GENERAL
        lost[name] = lost.get(name, 0) - sign.points
    if not lost:
        return GENERAL
    name, most = max(lost.items(), key=lambda entry: entry[1])
    return name if most * 3 >= sum(lost.values()) * 2 else MULTIPLE


def signs(score: HealthScore, *, against_leaving: bool) -> tuple[Contribution, ...]:
    """The signs that the operator stays (`against_leaving`) or leaves, the weightiest first."""
    found = [c for c in score.contributions if c.rule != CLAMP and (c.points > 0) == against_leaving]
    return tuple(sorted(found, key=lambda sign: (-abs(sign.points), sign.rule)))


def build(found: Risks) -> Report:
    """The churn-risk report of a portfolio."""
    portfolio = found.portfolio
    none = nobody(portfolio)
    return Report(
        kind="churn_risk",
        title="Churn risk",
        operator_id="",
        operator_name="",
        generated_at=portfolio.generated_at,
        as_of=portfolio.snapshot.as_of,
        sections=sections(
            section("Summary", none, id="summary"),
            section("Churned within 90 days", _churned(found), id="churned") if found.churned else None,
        )
        if none
        else sections(
            section("Summary", Prose(NOT_A_PROBABILITY), _by_level(found), *_groups(found), id="summary"),
            section("Insights", bullets(_insights(found)), id="insights"),
            section(_TITLES[found.sort], _ranked(found), id="ranked"),
            section("Slipping, and nothing announced", *_slipping(found), id="slipping"),
            section("Where figures disagree", disagreements_table(portfolio), id="disagreements"),
            section("Signs, account by account", *_details(found), id="signs"),
            section("Churned within 90 days", _churned(found), id="churned"),
        ),
        freshness=portfolio.freshness,
        warnings=(*gap_warnings(portfolio), *_unjudged(found)),
        headline=none or _headline(found),
    )


def _headline(found: Risks) -> Prose:
    many = sum(level.operators for level in found.levels)
    count = number(found.portfolio, many, "count")
    money, facts = mrr_words(found.portfolio, found.levels)
    chosen = f" ({found.portfolio.chosen.words})" if found.portfolio.chosen.words else ""
    tone: Tone = (
        "bad"
        if any(level.name == "High" and level.operators for level in found.levels)
        else "watch"
        if many
        else "unknown"
        if found.unjudged
        else "good"
    )
    untold = f"; the risk of {counted(found.unjudged, 'operator')} is unknown" if found.unjudged else ""
    with_money = f", with {money}" if many else ""
    text = f"{counted(many, 'operator')}{chosen} at risk{with_money}{untold}."
    return Prose(text, (count, *facts), tone)


def _unjudged(found: Risks) -> Iterator[Prose]:
    if found.unjudged:
        words = counted(found.unjudged, "operator")
        yield Prose(
            f"The risk of {words} is not known: a source is silent, or neither billing nor usage is known.", (), "watch"
        )


def _groups(found: Risks) -> Iterator[Block]:
    for rows, of, caption in (
        (found.levels, "Level", "By level"),
        (found.categories, "Category", "By category"),
        (found.segments, "Segment", "By segment"),
    ):
        grouped = group_table(found.portfolio, rows, of, caption, "Average risk")
        if grouped is not None:
            yield grouped


BY_LEVEL = "Operators at risk, by level"


def _by_level(found: Risks) -> Chart | None:
    """How many operators are at each level of risk."""
    tones: dict[str, Tone] = {"High": "bad", "Medium": "bad", "Low": "watch"}
    marks = tuple(
        Mark(level.name, number(found.portfolio, level.operators, "count"), tone=tones.get(level.name, "neutral"))
        for level in found.levels
    )
    if not marks:
        return None
    many = sum(level.operators for level in found.levels)
    of = found.portfolio.chosen.matching
    facts = (number(found.portfolio, many, "count"), number(found.portfolio, of, "count"))
    text = f"{many} of {counted(of, 'operator')} are at risk."
    return Chart("bands", BY_LEVEL, Prose(text, facts), marks, "Level", "Operators")


def _insights(found: Risks) -> Iterator[Prose]:
    high = next((level for level in found.levels if level.name == "High" and level.operators), None)
    if high is not None:
        fact = number(found.portfolio, high.operators, "count")
        yield Prose(f"{counted(high.operators, 'operator')} at high risk.", (fact,), "bad")
    many = sum(group.operators for group in found.categories)
    named = [group for group in found.categories if group.name not in (MULTIPLE, GENERAL)]
    top = max(named, key=lambda group: (group.operators, group.name), default=None)
    if top is not None and 2 * top.operators >= many:
        yield Prose(
            f"{top.operators} of {counted(many, 'operator')} at risk are so for one kind of reason: {top.name}.",
            (number(found.portfolio, top.operators, "count"), number(found.portfolio, many, "count")),
        )
    usual = sum(owner.operators for owner in found.owners) / len(found.owners) if found.owners else 0
    for owner in found.owners:
        if owner.operators >= max(HEAVY_WORKLOAD, 2 * usual):
            fact = number(found.portfolio, owner.operators, "count")
            text = f"{owner.name} has {owner.operators} accounts at risk: share the work."
            yield Prose(text, (fact,), "watch")


# --- the ranking -------------------------------------------------------------------------------------------------------


def _ranked(found: Risks) -> Block:
    if not found.portfolio.accounts:
        tone: Tone = "unknown" if found.unjudged else "good"
        return Prose("No operator is at risk by the signs known.", (number(found.portfolio, 0, "count"),), tone)
    rows = [_row(found, account) for account in found.portfolio.accounts]
    return table(found.portfolio, _HEADERS, rows, "", sum(level.operators for level in found.levels))


def _slipping(found: Risks) -> Iterator[Block]:
    """The likeliest of those still there: what is announced already, or gone, would stand before them in the ranking."""
    if not found.slipping:
        return
    yield Prose(
        "Subscribed, not set to end, and riding within 60 days, by risk: whom a call can still reach before any notice."
    )
    rows = [_row(found, account) for account in found.slipping]
    yield table(found.portfolio, _HEADERS, rows, "", found.slipping_of)


def _row(found: Risks, account: Account) -> tuple[Cell, ...]:
    retention = found.retention[account.operator_id]
    return (
        Text(account.name or account.operator_id),
        brief(figure(account, "segment")),
        mrr_cell(account),
        brief(risk_told(account, retention)),
        brief(expected_loss(account, retention)),
        brief(health(account)),
        *category_cells(account, retention),
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
    risk, basis = risk_of(retention), _basis(account, retention)
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


def _basis(account: Account, retention: HealthScore) -> tuple[Receipt, ...]:
    facts = [sign.fact for sign in retention.contributions]
    facts += [fact for name in ("active_subscriptions", "reservations_30d") if (fact := account.fact(name)) is not None]
    return merge_basis(facts)


def _details(found: Risks) -> Iterator[Block]:
    told = {account.operator_id: account for account in (*found.portfolio.accounts, *found.slipping)}
    for account in told.values():
        retention = found.retention[account.operator_id]
        leaving, staying = signs(retention, against_leaving=False), signs(retention, against_leaving=True)
        if not leaving:
            continue
        yield Prose(f"{account.name or account.operator_id} ({account.operator_id})")
        items = [_sign(sign) for sign in leaving[:_SIGNS_SHOWN]]
        items += [_sign(sign) for sign in staying[:_SIGNS_SHOWN]]
        items += [told for told in (observed_churn(account),) if told is not None]
        items += list(_action(account))
        block = bullets(items)
        if block is not None:
            yield block


def _sign(sign: Contribution) -> Prose:
    against = sign.points > 0
    words = f"{'Against' if against else 'For'} leaving, {abs(sign.points)} ({sign.rule}): {sign.because}"
    return Prose(words, (sign.fact,), "good" if against else "bad")


def _action(account: Account) -> Iterator[Prose]:
    """The first thing to do; an Enterprise account's owner is brought in."""
    todo = account.advice
    segment = account.fact("segment")
    with_owner = " Bring in the account's executive sponsor." if segment and segment.value == "Enterprise" else ""
    if todo:
        yield Prose(f"Do: {todo[0].action}{with_owner}", todo[0].facts)


def _churned(found: Risks) -> Block:
    if not found.churned:
        return Prose("Nobody, as far as is known.", (number(found.portfolio, 0, "count"),))
    rows = [
        (Text(a.name or a.operator_id), *(brief(figure(a, name)) for name in ("segment", "churned_on", "csm_mrr")))
        for a in found.churned
    ]
    return table(found.portfolio, ("Operator", "Segment", "Churned on", "MRR (CSM view)"), rows, "")


__all__ = [
    "AT_RISK",
    "LEVELS",
    "build",
    "category_of",
    "expected_loss",
    "least_risk_of",
    "level_of",
    "risk_of",
    "signs",
]

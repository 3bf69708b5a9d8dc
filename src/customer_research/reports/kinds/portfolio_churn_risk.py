"""Who may leave: ranked by what would be lost or by risk alone, with the signs for and against."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from customer_research.domain.account import Account
from customer_research.domain.health import Contribution
from customer_research.domain.portfolio import Risks
from customer_research.domain.report import Block, Cell, Chart, Mark, Prose, Tone
from customer_research.domain.risk import GENERAL, MULTIPLE, signs
from customer_research.domain.words import counted
from customer_research.reports.blocks import bullets
from customer_research.reports.figure_lines import figure
from customer_research.reports.kind import Kind, Shown, section
from customer_research.reports.portfolio_cells import (
    brief,
    disagreements_table,
    group_table,
    mrr_cell,
    mrr_words,
    nobody,
    number,
    operator_cell,
    portfolio_head,
    table,
)
from customer_research.reports.risk import LEVEL_TONES, NOT_A_PROBABILITY, category_cells, expected_loss, risk_told
from customer_research.reports.standing_figures import health, observed_churn

HEAVY_WORKLOAD = 5
"""Accounts at risk of one CSM from which on the workload is remarked, if it is twice the usual one."""

_SIGNS_SHOWN = 4
_HEADERS = ("Operator", "Segment", "MRR", "Risk", "Expected loss", "Health", "Category", "Act")
_BY_LOSS, _BY_RISK = "Ranked by expected loss", "Ranked by risk"
BY_LEVEL = "Operators at risk, by level"


def _somebody(show: Callable[[Risks], Shown]) -> Callable[[Risks], Shown]:
    """What is shown where the filter fits somebody."""
    return lambda found: None if nobody(found.portfolio) else show(found)


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


def _summary(found: Risks) -> Iterator[Block | None]:
    none = nobody(found.portfolio)
    if none:
        yield none
        return
    yield Prose(NOT_A_PROBABILITY)
    yield _by_level(found)
    for rows, of, caption in (
        (found.levels, "Level", "By level"),
        (found.categories, "Category", "By category"),
        (found.segments, "Segment", "By segment"),
    ):
        yield group_table(found.portfolio, rows, of, caption, "Average risk")


def _by_level(found: Risks) -> Chart | None:
    """How many operators are at each level of risk."""
    marks = tuple(
        Mark(level.name, number(found.portfolio, level.operators, "count"), tone=LEVEL_TONES.get(level.name, "neutral"))
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
    if not found.accounts:
        tone: Tone = "unknown" if found.unjudged else "good"
        return Prose("No operator is at risk by the signs known.", (number(found.portfolio, 0, "count"),), tone)
    rows = [_row(found, account) for account in found.accounts]
    return table(found.portfolio, _HEADERS, rows, "", sum(level.operators for level in found.levels), under="Category")


def _slipping(found: Risks) -> Iterator[Block]:
    """The likeliest of those still there: what is announced already, or gone, would stand before them in the ranking."""
    if not found.slipping:
        return
    yield Prose(
        "Subscribed, not set to end, and riding within 60 days, by risk: whom a call can still reach before any notice."
    )
    rows = [_row(found, account) for account in found.slipping]
    yield table(found.portfolio, _HEADERS, rows, "", found.slipping_of, under="Category")


def _row(found: Risks, account: Account) -> tuple[Cell, ...]:
    retention = found.retention[account.operator_id]
    return (
        operator_cell(account),
        brief(figure(account, "segment")),
        mrr_cell(figure(account, "mrr")),
        brief(risk_told(account, retention)),
        brief(expected_loss(account, retention)),
        brief(health(account)),
        *category_cells(account, retention),
    )


def _details(found: Risks) -> Iterator[Block]:
    told = {account.operator_id: account for account in (*found.accounts, *found.slipping)}
    for account in told.values():
        retention = found.retention[account.operator_id]
        leaving, staying = signs(retention, against_leaving=False), signs(retention, against_leaving=True)
        if not leaving:
            continue
        yield Prose(account.name or account.operator_id)
        items = [_sign(sign) for sign in leaving[:_SIGNS_SHOWN]]
        items += [_sign(sign) for sign in staying[:_SIGNS_SHOWN]]
        items += [told for told in (observed_churn(account),) if told is not None]
        items += list(_action(account))
        block = bullets(items)
        if block is not None:
            yield block


def _sign(sign: Contribution) -> Prose:
    against = sign.points > 0
    words = f"{'Against' if against else 'For'} leaving, {abs(sign.points)}: {sign.because}"
    return Prose(words, (sign.fact,), "good" if against else "bad")


def _action(account: Account) -> Iterator[Prose]:
    """The first thing to do; an Enterprise account's owner is brought in."""
    todo = account.advice
    segment = account.fact("segment")
    with_owner = " Bring in the account's executive sponsor." if segment and segment.value == "Enterprise" else ""
    if todo:
        yield Prose(f"Do: {todo[0].action}{with_owner}", todo[0].facts)


def _churned(found: Risks) -> Block | None:
    if not found.churned:
        if nobody(found.portfolio):
            return None
        return Prose("Nobody, as far as is known.", (number(found.portfolio, 0, "count"),))
    rows = [
        (
            operator_cell(a),
            *(brief(figure(a, name)) for name in ("segment", "churned_on")),
            mrr_cell(figure(a, "csm_mrr")),
        )
        for a in found.churned
    ]
    return table(found.portfolio, ("Operator", "Segment", "Churned on", "MRR (CSM view)"), rows, "")


KIND = Kind(
    "portfolio-churn-risk",
    "Churn risk",
    lambda found: portfolio_head(found.portfolio, nobody(found.portfolio) or _headline(found), (*_unjudged(found),)),
    (
        section("summary", "Summary", _summary, weight=1),
        section("insights", "Insights", _somebody(lambda found: bullets(_insights(found)))),
        section(
            "ranked",
            _BY_LOSS,
            _somebody(_ranked),
            titled=lambda found: _BY_LOSS if found.sort == "loss" else _BY_RISK,
            weight=3,
        ),
        section("slipping", "Slipping, and nothing announced", _somebody(_slipping)),
        section(
            "disagreements",
            "Where figures disagree",
            _somebody(lambda found: disagreements_table(found.portfolio)),
            weight=1,
        ),
        section("signs", "Signs, account by account", _somebody(_details), weight=0),
        section("churned", "Churned within 90 days", _churned, weight=1),
    ),
    named="churn_risk",
    listed="Churn risk of the portfolio",
    answers="Who may leave, ranked by what would be lost?",
    place=170,
    about="everybody",
    use_case="churn-risk",
    needs=frozenset(),
    charts=(BY_LEVEL,),
)

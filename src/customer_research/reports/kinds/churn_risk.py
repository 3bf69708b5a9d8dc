"""Churn risk of one operator: how grave, why, what would be lost, until when to act, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap, merge_basis
from customer_research.domain.health import Contribution, HealthScore
from customer_research.domain.report import (
    Absence,
    Block,
    Bullets,
    Cell,
    Chart,
    FigureLine,
    Figures,
    Mark,
    Prose,
    Text,
    Tone,
)
from customer_research.domain.risk import category_of, least_risk_of, level_of, risk_of, signs
from customer_research.domain.vocabularies import CLAMP
from customer_research.domain.words import counted, value_words
from customer_research.reports import judgement, pictures
from customer_research.reports.blocks import bullets, grid
from customer_research.reports.figure_lines import line
from customer_research.reports.kind import Head, Kind, Shown, section
from customer_research.reports.recommend import action_table
from customer_research.reports.risk import LEVEL_TONES, NOT_A_PROBABILITY, expected_loss, risk_figure, risk_told
from customer_research.reports.standing_figures import observed_churn
from customer_research.reports.tones import PRIORITY_TONES
from customer_research.reports.urgency_words import urgency_prose

RETENTION = "retention"
"""The scorecard behind the churn risk."""

RISK_STEPS = "What makes up the risk"
_GONE = frozenset({"churned", "never_started"})
_ALERTS = 5


def _head(account: Account) -> Head:
    return judgement.head(account, first=_gone(account) or _headline(account))


def _gone(account: Account) -> Prose | None:
    """That there is no risk any more, of an operator that has left or never came."""
    status = account.fact("status")
    if status is None or status.value not in _GONE:
        return None
    words = judgement.churned_words(account) or "the subscription never began"
    return Prose(f"No risk is worked out: {words}.", (status,), step="`profile` shows how the operator stood.")


def _judged(show: Callable[[Account, HealthScore], Shown]) -> Callable[[Account], Shown]:
    """What is shown of an operator that can leave, by its retention score; nothing of any other."""

    def shown(account: Account) -> Shown:
        retention = account.scored_by(RETENTION)
        return None if retention is None or _gone(account) else show(account, retention)

    return shown


def _headline(account: Account) -> Prose | None:
    """The risk in a sentence; None where it was not judged."""
    retention = account.scored_by(RETENTION)
    if retention is None:
        return None
    found, loss = risk_figure(account, retention), expected_loss(account, retention)
    risk = risk_of(retention)
    if isinstance(found, Gap) or risk is None:
        return Prose("The risk is not known: neither billing nor usage is.", (), "unknown")
    level = level_of(least_risk_of(retention))
    idle = "Little speaks for leaving" if retention.highest is None else "A silent source leaves it open"
    act = f"{_level_words(retention)} risk" if level else idle
    soon = urgency_prose(account)
    lost = f" Expected loss {value_words(loss)} of MRR a month." if isinstance(loss, Fact) and level else ""
    facts = (found, loss) if isinstance(loss, Fact) else (found,)
    if soon is not None:
        lost, facts = f"{lost} {soon.text}", (*facts, *soon.facts)
    told = risk_told(account, retention)
    tone = _tone(level) if level or retention.highest is None else "unknown"
    return Prose(f"Risk {value_words(told) if isinstance(told, Fact) else risk} of 100. {act}.{lost}", facts, tone)


def _level_words(retention: HealthScore) -> str:
    """The level of the least risk; whether a silent source leaves a higher one open."""
    level, most = level_of(least_risk_of(retention)), level_of(risk_of(retention) or 0)
    return level if level == most else f"{level or 'Below Low'} or higher"


def _tone(level: str) -> Tone:
    return LEVEL_TONES.get(level, "good")


def _risk(account: Account) -> Iterator[Block | None]:
    retention, gone = account.scored_by(RETENTION), _gone(account)
    if gone is not None:
        yield gone
    elif retention is None:
        gap = Gap("health", "unavailable", "the risk of the account was not worked out", "Run the report again.")
        yield Absence("Churn risk", gap)
    else:
        yield Figures(tuple(_lines(account, retention)))
        yield Prose(NOT_A_PROBABILITY)
        yield _steps(account, retention)
        yield observed_churn(account)


def _lines(account: Account, retention: HealthScore) -> Iterator[FigureLine]:
    found = risk_told(account, retention)
    yield FigureLine("Risk (of 100)", found, _tone(level_of(least_risk_of(retention))))
    if isinstance(found, Fact):
        for name, words in (
            ("Level", _level_words(retention) or "below Low"),
            ("Category", category_of(retention)),
        ):
            yield FigureLine(name, replace(found, value=words, unit="text", metric=""))
    yield FigureLine("Expected loss, a month", expected_loss(account, retention))
    yield line(account, "MRR", "mrr")
    yield line(account, "Segment", "segment")
    if account.fact("renewal_date") is not None:
        yield line(account, "Renewal", "renewal_date")


def _steps(account: Account, retention: HealthScore) -> Chart | None:
    """The signs as steps from no risk to the risk."""
    total, leaving = risk_figure(account, retention), signs(retention, against_leaving=False)
    if isinstance(total, Gap) or not leaving or retention.highest is not None:  # what is open has no place among steps
        return None
    every = [c for c in retention.contributions if c.rule != CLAMP]
    marks = [_step(c) for c in sorted(every, key=lambda c: c.points)]
    held = total.value + sum(c.points for c in every)
    if held:
        marks.append(Mark("Held within 0 to 100", Fact(held, "points", total.basis, account.as_of)))
    marks.append(Mark("Risk", total, pictures.TOTAL, _tone(level_of(total.value))))
    text = f"{counted(len(leaving), 'sign')} for leaving come to {sum(-c.points for c in leaving)} points."
    return Chart("waterfall", RISK_STEPS, Prose(text, (total,)), tuple(marks), "Sign", "Points of risk")


def _step(c: Contribution) -> Mark:
    fact = Fact(-c.points, "points", c.fact.basis, c.fact.as_of, "contribution_points")
    return Mark(judgement.in_short(c, titled=False), fact, tone="bad" if c.points < 0 else "good")


def _signs(caption: str, found: Sequence[Contribution]) -> Block:
    basis = merge_basis(sign.fact for sign in found)
    listed = grid(">Points | Says | !Window", map(_row, found), basis, caption)
    return listed or Prose(f"No sign known speaks {caption.lower()}.")


def _row(sign: Contribution) -> tuple[Cell, ...]:
    points: Fact[Any] = Fact(-sign.points, "points", sign.fact.basis, sign.fact.as_of, "contribution_points")
    return points, judgement.because(sign), Text(sign.window or "now")


def _alerts(account: Account, _: HealthScore) -> Bullets | None:
    """The open alerts about the operator; nothing where alerts are not used."""
    if isinstance(account.alerts, Gap):
        return None
    proof = account.alerts.receipt
    told = [e for e in account.alerts.episodes if e.open]
    items = (
        Prose(
            f"{e.title} ({e.severity}, since {e.raised.as_of:%Y-%m-%d}): {e.told.because}",
            (Fact(e.title, "text", (proof,), account.as_of),),
            PRIORITY_TONES[e.severity],
        )
        for e in told[:_ALERTS]
    )
    return bullets(items)


KIND = Kind(
    "churn-risk",
    "Churn risk",
    _head,
    (
        section("risk", "Risk", _risk, weight=3),
        section(
            "leaving",
            "Signs that it leaves",
            _judged(lambda _, retention: _signs("For leaving", signs(retention, against_leaving=False))),
            weight=3,
        ),
        section(
            "staying",
            "Signs that it stays",
            _judged(lambda _, retention: _signs("For staying", signs(retention, against_leaving=True))),
            weight=1,
        ),
        section("actions", "What to do", _judged(lambda account, _: action_table(account))),
        section(
            "findings",
            "What the sources say together",
            _judged(lambda account, _: judgement.findings(account)),
            weight=1,
        ),
        section("alerts", "Open alerts", _judged(_alerts)),
        section(
            "not_judged",
            "Not checked",
            _judged(lambda _, retention: judgement.unevaluated(retention, rules=False)),
            weight=1,
        ),
    ),
    listed="Churn risk of one operator",
    answers="Will this operator leave: which signs speak for and against it, what would be lost, what is to be done?",
    place=80,
    scorecards=(RETENTION,),
    past=True,
    charts=(RISK_STEPS,),
)

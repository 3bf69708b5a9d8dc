"""Churn risk of one operator: how grave, why, what would be lost, until when to act, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap, merge_basis
from customer_research.domain.health import Contribution, HealthScore
from customer_research.domain.report import (
    Block,
    Cell,
    Chart,
    FigureLine,
    Figures,
    Mark,
    Missing,
    Prose,
    Report,
    Section,
    Table,
    Text,
    Tone,
)
from customer_research.domain.vocabularies import CLAMP
from customer_research.domain.words import counted, value_words
from customer_research.reports import judgement, pictures
from customer_research.reports.build import STREAMS, Kind, bullets, line, section, sections
from customer_research.reports.frame import frame
from customer_research.reports.kinds.churn_risk import (
    NOT_A_PROBABILITY,
    category_of,
    expected_loss,
    least_risk_of,
    level_of,
    risk_figure,
    risk_of,
    risk_told,
    signs,
)
from customer_research.reports.recommend import action_table
from customer_research.reports.standing import observed_churn
from customer_research.reports.urgency import urgency_prose

RETENTION = "retention"
"""The scorecard behind the churn risk."""

RISK_STEPS = "What makes up the risk"
_GONE = frozenset({"churned", "never_started"})
_ALERTS = 5


def build(account: Account) -> Report:
    """The churn risk of an account; of one that has left, or never came, that there is none any more."""
    report = frame(account, "churn-risk", "Churn risk", ())
    retention, status = account.scored_by(RETENTION), account.fact("status")
    if status is not None and status.value in _GONE:
        words = judgement.churned_words(account) or "the subscription never began"
        text = f"No risk to tell: {words}. `profile` shows how the operator stood."
        return replace(
            report,
            headline=Prose(text, (status,)),
            sections=sections(section("Risk", Prose(text, (status,)), id="risk")),
        )
    if retention is None:
        gap = Gap("health", "unavailable", "the account was not judged for its risk", "Run the report again.")
        return replace(report, sections=sections(section("Risk", Missing("Churn risk", gap), id="risk")))
    leaving, staying = signs(retention, against_leaving=False), signs(retention, against_leaving=True)
    return replace(
        report,
        headline=_headline(account, retention),
        sections=sections(
            section("Risk", *_risk(account, retention, leaving), observed_churn(account), id="risk"),
            section("Signs that it leaves", _signs("For leaving", leaving), id="leaving"),
            section("Signs that it stays", _signs("For staying", staying), id="staying"),
            section("What to do", action_table(account), id="actions"),
            section("What the sources say together", judgement.findings(account), id="findings"),
            _alerts(account),
            section("Not judged", judgement.unevaluated(retention, holes_only=True), id="not_judged"),
        ),
    )


def _headline(account: Account, retention: HealthScore) -> Prose:
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
    tones: dict[str, Tone] = {"High": "bad", "Medium": "bad", "Low": "watch"}
    return tones.get(level, "good")


def _risk(account: Account, retention: HealthScore, leaving: Sequence[Contribution]) -> Iterator[Block | None]:
    found = risk_told(account, retention)
    level = level_of(least_risk_of(retention))
    lines = [FigureLine("Risk (of 100)", found, _tone(level))]
    if isinstance(found, Fact):
        told = {
            "Level": _level_words(retention) or "below Low",
            "Category": category_of(retention),
        }
        lines += [FigureLine(name, replace(found, value=words, unit="text", metric="")) for name, words in told.items()]
    lines += [
        FigureLine("Expected loss, a month", expected_loss(account, retention)),
        line(account, "MRR", "mrr"),
        line(account, "Segment", "segment"),
    ]
    renewal = account.fact("renewal_date")
    lines += [line(account, "Renewal", "renewal_date")] if renewal is not None else []
    yield Figures(tuple(lines))
    yield Prose(NOT_A_PROBABILITY)
    yield _steps(account, retention, leaving)


def _steps(account: Account, retention: HealthScore, leaving: Sequence[Contribution]) -> Chart | None:
    """The signs as steps from no risk to the risk."""
    total = risk_figure(account, retention)
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
    return Mark(c.rule, fact, tone="bad" if c.points < 0 else "good")


def _signs(caption: str, found: Sequence[Contribution]) -> Block:
    if not found:
        return Prose(f"No sign known speaks {caption.lower()}.")
    rows = tuple(_row(sign) for sign in found)
    basis = merge_basis(sign.fact for sign in found)
    return Table(
        ("Sign", "Points", "Says", "Window"),
        rows,
        basis,
        caption,
        align=("left", "right", "left", "left"),
        words=("Window",),
    )


def _row(sign: Contribution) -> tuple[Cell, ...]:
    points: Fact[Any] = Fact(-sign.points, "points", sign.fact.basis, sign.fact.as_of, "contribution_points")
    return Text(sign.rule), points, judgement.because(sign), Text(sign.window or "now")


def _alerts(account: Account) -> Section | None:
    """The open alerts about the operator; nothing where alerts are not used."""
    if isinstance(account.alerts, Gap):
        return None
    proof = account.alerts.receipt
    told = [e for e in account.alerts.episodes if e.open]
    items = (
        Prose(
            f"{e.title} ({e.severity}, since {e.raised.as_of:%Y-%m-%d}): {e.told.because}",
            (Fact(e.title, "text", (proof,), account.as_of),),
            "bad" if e.severity in {"critical", "high"} else "watch",
        )
        for e in told[:_ALERTS]
    )
    return section("Open alerts", bullets(items), id="alerts")


KIND = Kind(
    "churn-risk",
    "Churn risk of one operator",
    STREAMS,
    build,
    scorecards=(RETENTION,),
    past=True,
    answers="Will this operator leave: which signs speak for and against it, what would be lost, what is to be done?",
    charts=(RISK_STEPS,),
    parts=(
        "Risk",
        "Signs that it leaves",
        "Signs that it stays",
        "What to do",
        "What the sources say together",
        "Open alerts",
        "Not judged",
    ),
)

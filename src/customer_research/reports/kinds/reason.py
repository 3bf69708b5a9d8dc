"""Why a health score, one of its dimensions or one rule stands as it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from customer_research.domain.account import Account
from customer_research.domain.evidence import Gap
from customer_research.domain.health import Contribution, Dimension, HealthScore
from customer_research.domain.report import Block, FigureLine, Figures, Missing, Prose, Report
from customer_research.reports import judgement
from customer_research.reports.build import bullets, figure, section, sections
from customer_research.reports.evidence import evidence_table
from customer_research.reports.frame import frame


@dataclass(frozen=True, slots=True)
class Judged:
    """What of a score is asked about: all of it, a dimension, or a rule with its cases as the scorecard has them.

    `conditions` are the cases in which the rule fires, as conditions over metrics; `points` what it gives; `metrics` what it
    reads. They are empty for the score and for a dimension.
    """

    name: str
    is_rule: bool = False
    points: str = ""
    conditions: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


def build_reason(account: Account, asked: Judged) -> Report:
    """The score, dimension or rule taken apart; what could not be judged says so."""
    title = f"Why {judgement.dimension_title(asked.name) if not asked.is_rule else asked.name}"
    score = account.score
    if score is None:
        gap = Gap("health", "unavailable", "the account was not scored", metric=asked.name)
        return frame(account, "why", title, sections(section(title, Missing(title, gap), id="why")))
    if asked.is_rule:
        return frame(account, "why", title, sections(section(title, *_rule(account, score, asked), id="why")))
    own = [one for one in score.dimensions if one.name == asked.name]
    shown = replace(score, dimensions=tuple(own)) if own else score
    blocks = _dimension(account, shown, own[0]) if own else _score(account, score)
    return frame(
        account,
        "why",
        title,
        sections(
            section(title, *blocks, id="why"),
            section("Rules", judgement.contribution_table(account, shown), judgement.unevaluated(shown), id="rules"),
        ),
    )


def _score(account: Account, score: HealthScore) -> Iterator[Block | None]:
    yield judgement.score_lines(account)
    yield judgement.dimension_table(account, score)
    yield judgement.arithmetic(account, score)
    yield bullets(judgement.gate_prose(gate, score) for gate in score.gates) or Prose("No gate caps the band.")
    yield bullets(judgement.unjudged_gate_prose(gate) for gate in score.unjudged_gates)


def _dimension(account: Account, score: HealthScore, one: Dimension) -> Iterator[Block | None]:
    yield judgement.dimension_table(account, score)
    yield Missing(judgement.dimension_title(one.name), one.gap) if one.gap else None


def _rule(account: Account, score: HealthScore, asked: Judged) -> Iterator[Block | None]:
    """What the rule says and asks for, the figures it read, and the records behind its points."""
    yield Prose(f"Rule {asked.name} gives {asked.points} where {' or '.join(asked.conditions)}.")
    own = [c for c in score.contributions if c.rule == asked.name]
    unknown = [u.gap for dimension in score.dimensions for u in dimension.unevaluated if u.rule == asked.name]
    read = [metric for metric in asked.metrics if metric in account.figures]
    yield from map(_given, own)
    yield from (Missing(f"Rule {asked.name}", gap) for gap in unknown)
    if not own and not unknown:
        facts = tuple(fact for metric in read if (fact := account.fact(metric)) is not None)
        yield Prose(f"Rule {asked.name} did not apply: it gave no points.", facts)
    lines = tuple(FigureLine(metric.replace("_", " ").capitalize(), figure(account, metric)) for metric in read)
    yield Figures(lines) if lines else None
    yield from map(evidence_table, own)


def _given(one: Contribution) -> Prose:
    text = f"It gave {judgement.points_words(one.points)} points: {one.because}"
    return Prose(text, (one.fact,), "good" if one.points > 0 else "bad")

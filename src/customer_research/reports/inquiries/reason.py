"""Why a health score, one of its dimensions or one rule stands as it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from customer_research.domain.account import Account
from customer_research.domain.evidence import Gap
from customer_research.domain.health import Contribution, Dimension, HealthScore
from customer_research.domain.report import Absence, Block, FigureLine, Figures, Prose
from customer_research.reports import judgement
from customer_research.reports.blocks import bullets
from customer_research.reports.figure_lines import figure
from customer_research.reports.kind import Outline, section
from customer_research.reports.rule_evidence import evidence_table


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What of a score is asked about: all of it, a dimension, or a rule with its cases as the scorecard has them.

    `conditions` are the cases in which the rule fires, as conditions over metrics; `points` what it gives; `metrics` what it
    reads. They are empty for the score and for a dimension.
    """

    name: str
    is_rule: bool = False
    points: str = ""
    conditions: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a part of an account's score stands as it does."""

    account: Account
    asked: ScorePart

    @property
    def title(self) -> str:
        """What is asked."""
        return f"Why {self.asked.name if self.asked.is_rule else judgement.dimension_title(self.asked.name)}"

    @property
    def dimension(self) -> Dimension | None:
        """The dimension that is asked about."""
        found = self.account.score.dimensions if self.account.score and not self.asked.is_rule else ()
        return next((one for one in found if one.name == self.asked.name), None)

    @property
    def score(self) -> HealthScore | None:
        """The score, with that dimension alone where one is asked about."""
        whole = self.account.score
        return replace(whole, dimensions=(self.dimension,)) if whole and self.dimension else whole


def _why(found: Reason) -> Iterator[Block | None]:
    """The score, dimension or rule taken apart; what could not be judged says so."""
    account, score, one = found.account, found.score, found.dimension
    if score is None:
        gap = Gap("health", "unavailable", "the account was not scored", metric=found.asked.name)
        yield Absence(found.title, gap)
    elif found.asked.is_rule:
        yield from _rule(account, score, found.asked)
    elif one is not None:
        yield judgement.dimension_table(account, score)
        yield Absence(judgement.dimension_title(one.name), one.gap) if one.gap else None
    else:
        yield from _score(account, score)


def _rules(found: Reason) -> Iterator[Block | None]:
    score = found.score
    if score is not None and not found.asked.is_rule:
        yield judgement.contribution_table(found.account, score)
        yield judgement.unevaluated(score)


def _score(account: Account, score: HealthScore) -> Iterator[Block | None]:
    yield judgement.score_lines(account)
    yield judgement.dimension_table(account, score)
    yield judgement.arithmetic(account, score)
    yield bullets(judgement.gate_prose(gate, score) for gate in score.gates) or Prose("Nothing caps the band.")
    yield bullets(judgement.unjudged_gate_prose(gate) for gate in score.unjudged_gates)


def _rule(account: Account, score: HealthScore, asked: ScorePart) -> Iterator[Block | None]:
    """What the rule says and asks for, the figures it read, and the records behind its points."""
    yield Prose(f"Rule {asked.name} gives {asked.points} where {' or '.join(asked.conditions)}.")
    own = [c for c in score.contributions if c.rule == asked.name]
    unknown = [u.gap for dimension in score.dimensions for u in dimension.unevaluated if u.rule == asked.name]
    read = [metric for metric in asked.metrics if metric in account.figures]
    yield from map(_given, own)
    yield from (Absence(f"Rule {asked.name}", gap) for gap in unknown)
    if not own and not unknown:
        facts = tuple(fact for metric in read if (fact := account.fact(metric)) is not None)
        yield Prose(f"Rule {asked.name} did not apply: it gave no points.", facts)
    lines = tuple(FigureLine(metric.replace("_", " ").capitalize(), figure(account, metric)) for metric in read)
    yield Figures(lines) if lines else None
    yield from map(evidence_table, own)


def _given(one: Contribution) -> Prose:
    text = f"It gave {judgement.points_words(one.points)} points: {one.because}"
    return Prose(text, (one.fact,), "good" if one.points > 0 else "bad")


REPORT = Outline(
    "why",
    "Why",
    lambda found: judgement.head(found.account, title=found.title),
    (section("why", "Why", _why, titled=lambda found: found.title), section("rules", "Rules", _rules)),
)

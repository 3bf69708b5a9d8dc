"""Why a health score, one of its dimensions, a rule, a cap or a finding stands as it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import ANSWERS, Fact, Gap
from customer_research.domain.health import Contribution, Dimension, HealthScore
from customer_research.domain.report import Absence, Block, FigureLine, Figures, Prose
from customer_research.reports import judgement
from customer_research.reports.blocks import bullets
from customer_research.reports.disagreements import finding_prose
from customer_research.reports.figure_lines import figure
from customer_research.reports.kind import Outline, section
from customer_research.reports.rule_evidence import evidence_table

PartKind = Literal["score", "dimension", "rule", "cap", "finding"]


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What is asked about: the score, a dimension, a rule, a cap or a finding, with its cases as they are declared.

    `effect` is what it does where it holds, `cases` its sentences without their figures, each with its condition over metrics;
    `metrics` is what it reads, `reason` why there is such a cap. They are empty for the score and for a dimension.
    """

    name: str
    title: str
    kind: PartKind = "score"
    effect: str = ""
    cases: tuple[tuple[str, str], ...] = ()
    metrics: tuple[str, ...] = ()
    reason: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is the score or a dimension, which rules make up."""
        return self.kind in {"score", "dimension"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a part of an account's score stands as it does."""

    account: Account
    asked: ScorePart

    @property
    def title(self) -> str:
        """What is asked."""
        return f"Why: {self.asked.title}"

    @property
    def dimension(self) -> Dimension | None:
        """The dimension that is asked about."""
        found = self.account.score.dimensions if self.account.score and self.asked.whole else ()
        return next((one for one in found if one.name == self.asked.name), None)

    @property
    def score(self) -> HealthScore | None:
        """The score, with that dimension alone where one is asked about."""
        whole = self.account.score
        return replace(whole, dimensions=(self.dimension,)) if whole and self.dimension else whole


def _why(found: Reason) -> Iterator[Block | None]:
    """What is asked about taken apart; what could not be judged says so."""
    account, score, one = found.account, found.score, found.dimension
    if score is None:
        gap = Gap("health", "unavailable", "the account was not scored", metric=found.asked.name)
        yield Absence(found.title, gap)
    elif not found.asked.whole:
        yield from _declared(account, score, found.asked)
    elif one is not None:
        yield judgement.dimension_table(account, score)
        yield Absence(judgement.dimension_title(one.name), one.gap) if one.gap else None
    else:
        yield from _score(account, score)


def _rules(found: Reason) -> Iterator[Block | None]:
    score = found.score
    if score is not None and found.asked.whole:
        yield judgement.contribution_table(found.account, score)
        yield judgement.unevaluated(score)


def _score(account: Account, score: HealthScore) -> Iterator[Block | None]:
    yield judgement.score_lines(account)
    yield judgement.dimension_table(account, score)
    yield judgement.arithmetic(account, score)
    yield bullets(judgement.gate_prose(gate, score) for gate in score.gates) or Prose("Nothing caps the band.")
    yield bullets(judgement.unjudged_gate_prose(gate) for gate in score.unjudged_gates)


def _declared(account: Account, score: HealthScore, asked: ScorePart) -> Iterator[Block | None]:
    """How a rule, a cap or a finding stands, the figures that it read, what it is, and the records behind its points."""
    yield from _HOW[asked.kind](account, score, asked)
    read = [metric for metric in asked.metrics if metric in account.figures]
    lines = tuple(FigureLine(METRICS[metric].label, figure(account, metric)) for metric in read)
    yield Figures(lines) if lines else None
    yield Prose(f"{asked.effect}{' where:' if asked.cases else '.'}")
    yield bullets(Prose(f"{says} Declared as: {condition}") for says, condition in asked.cases)
    yield Prose(f"Why there is such a cap: {asked.reason}") if asked.reason else None
    yield from (evidence_table(one) for one in score.contributions if one.rule == asked.name)


def _rule(account: Account, score: HealthScore, asked: ScorePart) -> Iterator[Block]:
    own = [c for c in score.contributions if c.rule == asked.name]
    unknown = [u.gap for dimension in score.dimensions for u in dimension.unevaluated if u.rule == asked.name]
    yield from map(_given, own)
    yield from (Absence(f"Rule {asked.name} could not be checked", gap) for gap in unknown)
    if not own and not unknown:
        yield Prose(f"Rule {asked.name} did not apply: it gave no points.", _read(account, asked))


def _given(one: Contribution) -> Prose:
    text = f"It gave {judgement.points_words(one.points)} points: {one.because}"
    return Prose(text, (one.fact,), "good" if one.points > 0 else "bad")


def _cap(account: Account, score: HealthScore, asked: ScorePart) -> Iterator[Block]:
    own = [gate for gate in score.gates if gate.name == asked.name]
    unknown = [gate for gate in score.unjudged_gates if gate.name == asked.name]
    yield from (judgement.gate_prose(gate, score) for gate in own)
    yield from map(judgement.unjudged_gate_prose, unknown)
    if not own and not unknown:
        yield Prose(f"{asked.title} does not hold: it caps nothing.", _read(account, asked))


def _finding(account: Account, score: HealthScore, asked: ScorePart) -> Iterator[Block]:
    del score
    own = [finding for finding in account.findings if finding.rule == asked.name]
    for finding in own:
        yield finding_prose(finding)
        yield Prose(f"What to do: {finding.action}")
    gaps = [found for metric in asked.metrics if isinstance(found := figure(account, metric), Gap)]
    silent = next((gap for gap in gaps if gap.reason not in ANSWERS), None)
    if not own and silent is not None:
        yield Absence(f"{asked.title} is not found, and could not be checked in full", silent)
    elif not own:
        yield Prose(f"{asked.title} does not hold.", _read(account, asked))


def _read(account: Account, asked: ScorePart) -> tuple[Fact[Any], ...]:
    return tuple(fact for metric in asked.metrics if (fact := account.fact(metric)) is not None)


_HOW: Mapping[str, Callable[[Account, HealthScore, ScorePart], Iterator[Block]]] = MappingProxyType(
    {"rule": _rule, "cap": _cap, "finding": _finding}
)


REPORT = Outline(
    "why",
    "Why",
    lambda found: judgement.head(found.account, title=found.title),
    (section("why", "Why", _why, titled=lambda found: found.title), section("rules", "Rules", _rules)),
)

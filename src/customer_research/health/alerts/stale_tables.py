"""What rests on tables that were out of date when a snapshot was taken: of that a rule says nothing, neither way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from customer_research.health.alerts.rules import (
    OVERALL,
    AlertRule,
    BandDropTest,
    ConditionTest,
    DimensionTest,
    FindingTest,
    MetricTest,
    ScoreDropTest,
    SourceGapTest,
    Test,
)
from customer_research.health.findings import FindingRule
from customer_research.health.scorecard import Scorecard

_SEGMENT = "segment"


@dataclass(frozen=True, slots=True)
class StaleTables:
    """The canonical tables that were out of date, and which tables each metric needs.

    A part of a rule's figures may be known all the same (card charges, while invoices are out of date), but what it would
    say then is not what it means: nothing is raised and nothing cleared until the source answers again. `card` is the
    scorecard of the scores; where it, or a metric's tables, are not known, everything rests on what is out of date.
    """

    tables: frozenset[str]
    needed: Mapping[str, tuple[str, ...]]
    card: Scorecard | None

    def touches(self, metrics: Iterable[str]) -> bool:
        """Whether one of these metrics needs a table that was out of date."""
        if not self.tables:
            return False
        return any(name not in self.needed or not self.tables.isdisjoint(self.needed[name]) for name in metrics)

    def under(self, rule: AlertRule) -> bool:
        """Whether a rule rests on a table that was out of date; of several correlation rules each is asked by itself."""
        limited = (rule.bands and self._under_score()) or (rule.segments and self.touches([_SEGMENT]))
        return bool(self.tables and (limited or self._under_test(rule.test)))

    def _under_test(self, test: Test) -> bool:
        match test:
            case MetricTest() | ConditionTest():
                return self.touches(test.metrics)
            case DimensionTest():
                return self._under_score(test.dimension) or (test.threshold.by_segment and self.touches([_SEGMENT]))
            case ScoreDropTest() | BandDropTest():
                return self._under_score()
            case FindingTest():
                narrowed = test.only_if is not None and self.touches(test.only_if.metrics)
                return narrowed or (len(test.findings) == 1 and self.under_finding(test.findings[0]))
            case SourceGapTest():
                return False

    def under_finding(self, finding: FindingRule) -> bool:
        """Whether a correlation rule rests on a table that was out of date."""
        return self.touches(metric for case in finding.cases for metric in case.when.metrics)

    def _under_score(self, dimension: str = OVERALL) -> bool:
        """Whether the score (with its gates), or a dimension of it, does."""
        return bool(self.tables) and (self.card is None or self.touches(_judging(self.card, dimension)))


def _judging(card: Scorecard, dimension: str) -> Iterator[str]:
    """The metrics that decide a dimension's sub-score, or the score and its gates."""
    for part in card.dimensions:
        if dimension in {OVERALL, part.name}:
            yield from part.known_by
    for rule in card.rules:
        if dimension in {OVERALL, rule.dimension}:
            yield from rule.metrics
    if dimension == OVERALL:
        for gate in card.gates:
            yield from (metric for case in gate.cases for metric in case.when.metrics)

"""The words of alerts: why a rule holds of an operator or source, with the figures that say so, and why it no longer does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

from customer_research.domain.alert import SOURCE_SUBJECT, Grounds, RuleInWords
from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.health import BAND_LABELS, standing_label
from customer_research.domain.snapshot import Reading
from customer_research.domain.words import share_words
from customer_research.health.alerts.episodes import Teller
from customer_research.health.alerts.rule_states import Judgement, dimension_score
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
)
from customer_research.health.findings import FindingRule
from customer_research.health.sentences import filled, placeholders

SCORE = "health_score"
SCORE_BEFORE = "health_score_before"
SHARE = "unknown_share"
"""Names of figures of an alert that are no metrics of the catalogue."""

Figures = Callable[[str], Mapping[str, Figure]]
"""Operator id → its metrics as figures: at least those of `metrics_told`."""


def metrics_told(rule: AlertRule) -> tuple[str, ...]:
    """The metrics that a rule's words may need, each once."""
    return tuple(dict.fromkeys(_metrics(rule)))


def _metrics(rule: AlertRule) -> Iterator[str]:
    if isinstance(rule.test, MetricTest | ConditionTest):
        yield from rule.test.facts
        yield from placeholders(rule.test.because)
    elif isinstance(rule.test, FindingTest):
        for finding in rule.test.findings:
            yield from finding.facts
            for case in finding.cases:
                yield case.fact
                yield from placeholders(case.because)


class AlertWords(Teller):
    """The words of one judged snapshot."""

    def __init__(self, judgement: Judgement, figures: Figures) -> None:
        self._judgement = judgement
        self._figures = figures

    def name(self, subject: str) -> str:
        """An operator's name in the snapshot, or the source's."""
        if subject.startswith(SOURCE_SUBJECT):
            return subject.removeprefix(SOURCE_SUBJECT)
        return self._judgement.readings[subject].name

    def told(self, rule: AlertRule, subject: str) -> Grounds:
        """Why the rule holds."""
        match rule.test:
            case SourceGapTest() as test:
                return self._source(test, subject.removeprefix(SOURCE_SUBJECT))
            case (MetricTest() | ConditionTest()) as test:
                figures = self._figures(subject)
                return Grounds(filled(test.because, figures), values(figures, test.facts))
            case FindingTest() as test:
                return self._findings(test, self._judgement.readings[subject])
            case DimensionTest() as test:
                return self._dimension(test, self._judgement.readings[subject])
            case BandDropTest() as test:
                return self._band_drop(test, self._judgement.readings[subject])
            case ScoreDropTest() as test:
                return self._score_drop(test, self._judgement.readings[subject])

    def cleared(self, rule: AlertRule, subject: str) -> str:
        """Why the rule no longer holds."""
        reading = self._judgement.readings.get(subject)
        if reading is None:
            return "The source answers again."
        if reading.status not in rule.statuses:
            return f"The operator's status is now {reading.status.replace('_', ' ')}: the rule does not concern it."
        if excuse := next((name for name in rule.excused_by if name in reading.findings), ""):
            return f"Excused by finding {excuse}."
        if isinstance(rule.test, DimensionTest):
            return f"{rule.test.subject} is {dimension_score(rule.test, reading)} again."
        if isinstance(rule.test, ScoreDropTest | BandDropTest):
            return f"The score is {reading.score} ({standing_label(reading.band, reading.status)}), no drop within {rule.test.days} days."
        return "It no longer holds."

    def _source(self, test: SourceGapTest, source: str) -> Grounds:
        level = self._judgement.levels[source]
        if level.everybody is not None:
            reason, detail = level.everybody
            return Grounds(
                f"Unknown of every operator ({reason.replace('_', ' ')}): {detail.rstrip('.')}.", {SHARE: 1.0}
            )
        before = self._judgement.share_before(source, test)
        text = (
            f"Unknown of {share_words(level.share)} of operators, after {share_words(before)} within {test.days} days."
        )
        return Grounds(text, {SHARE: level.share})

    def _dimension(self, test: DimensionTest, reading: Reading) -> Grounds:
        score = dimension_score(test, reading)
        name = SCORE if test.dimension == OVERALL else f"{test.dimension}_score"
        return Grounds(f"{test.subject} is {score}.", {name: score})

    def _band_drop(self, test: BandDropTest, reading: Reading) -> Grounds:
        then = self._judgement.best_then(test, reading)
        assert then is not None, "a band drop that holds has a standing before it"
        text = (
            f"From {BAND_LABELS[then.band]} ({then.score} on {then.as_of:%Y-%m-%d}) "
            f"to {BAND_LABELS[reading.band]} ({reading.score})"
        )
        gates = [gate.replace("_", " ") for gate in reading.gates if gate not in then.gates]
        because = f"{text}; new: {', '.join(gates)}." if gates else f"{text}."
        return Grounds(because, {SCORE: reading.score, SCORE_BEFORE: then.score})

    def _score_drop(self, test: ScoreDropTest, reading: Reading) -> Grounds:
        then = self._judgement.score_then(test, reading)
        assert then is not None, "a score drop that holds has a reading before it"
        assert then.score is not None, "and that has a score"
        assert reading.score is not None, "as has the one now"
        change, days = self._judgement.change(then, reading), (reading.as_of - then.as_of).days
        text = f"{-(change or 0)} points lost in {days} days: {reading.score} after {then.score}"
        if change != reading.score - then.score:
            text += ", counting what could be checked both times"
        return Grounds(f"{text}.", {SCORE: reading.score, SCORE_BEFORE: then.score})

    def _findings(self, test: FindingTest, reading: Reading) -> Grounds:
        figures = self._figures(reading.operator_id)
        holding = [f for f in test.findings if self._judgement.finding_state(f.id, reading, test) == "holds"]
        facts: dict[str, Any] = {}
        for finding in holding:
            facts |= values(figures, dict.fromkeys((*(case.fact for case in finding.cases), *finding.facts)))
        if len(test.findings) == 1:
            return Grounds(self._finding(holding[0], reading, figures), facts)
        named = "; ".join(finding.title for finding in holding)
        return Grounds(f"{len(holding)} signs at once: {named}.", facts)

    def _finding(self, finding: FindingRule, reading: Reading, figures: Mapping[str, Figure]) -> str:
        """The sentence of the case that holds; without the metrics, the finding's title."""
        row = (self._judgement.watched.findings or {}).get(reading.operator_id)
        number = None if row is None else row[f"case_{finding.id.lower()}"]
        return filled(finding.cases[int(number) - 1].because, figures) if number else f"{finding.title}."


def rule_in_words(rule: AlertRule) -> RuleInWords:
    """A rule as people read it."""
    same = {field.name: getattr(rule, field.name) for field in fields(RuleInWords) if hasattr(rule, field.name)}
    return RuleInWords(**same, when=rule.test.words, concerns=_concerns(rule))


def _concerns(rule: AlertRule) -> str:
    """Whom a rule concerns."""
    if isinstance(rule.test, SourceGapTest):
        return "sources"
    parts = [", ".join(status.replace("_", " ") for status in rule.statuses)]
    parts += [", ".join(rule.segments)] if rule.segments else []
    parts += [", ".join(BAND_LABELS[band] for band in rule.bands)] if rule.bands else []
    parts += [f"unless {', '.join((*rule.excused_by, *rule.covered_by))}"] if rule.excused_by or rule.covered_by else []
    return "; ".join(parts)


def values(figures: Mapping[str, Figure], names: Mapping[str, None] | tuple[str, ...]) -> dict[str, Any]:
    """The values of figures by name; None for a gap."""
    found = {name: figures.get(name) for name in names}
    return {name: _plain(figure.value) if isinstance(figure, Fact) else None for name, figure in found.items()}


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, date):  # an instant is one, too
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value

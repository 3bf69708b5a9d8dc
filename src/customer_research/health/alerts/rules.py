"""Alert rules: read from TOML (the shipped ones, or the user's file), checked against what exists, ready to be judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from customer_research.domain.health import BAND_LABELS, BAND_ORDER, NO_BAND, Band, Status
from customer_research.domain.vocabularies import SEGMENTS, SEVERITIES, Severity
from customer_research.errors import ConfigError
from customer_research.health.alerts.limits import Threshold, read_threshold
from customer_research.health.conditions import Condition
from customer_research.health.declaration import Declaration
from customer_research.health.findings import FindingRule
from customer_research.health.rules import Vocabulary, read_sentence

Kind = Literal["metric", "condition", "dimension", "band_drop", "score_drop", "finding", "signals", "source_gap"]
_BANDS = tuple(band for band in BAND_ORDER if band not in NO_BAND)
OVERALL = "score"
"""As a dimension: the score itself."""


@dataclass(frozen=True, slots=True)
class MetricTest:
    """Two conditions over an operator's metrics, and the sentence with the facts that it rests on.

    `threshold` is set when the conditions are the limits of one `metric`, looked at where `only_if` holds.
    """

    raised: Condition
    cleared: Condition
    because: str
    facts: tuple[str, ...]
    threshold: Threshold | None = None
    metric: str = ""
    only_if: str = ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that decide it, each once."""
        return tuple(dict.fromkeys((*self.raised.metrics, *self.cleared.metrics)))

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        if self.threshold is None:
            return f"raised when {self.raised.sql}; cleared when {self.cleared.sql}"
        return f"{self.metric}: {self.threshold.words()}" + (f"; where {self.only_if}" if self.only_if else "")


@dataclass(frozen=True, slots=True)
class DimensionTest:
    """Limits on a dimension's sub-score, or on the score."""

    dimension: str
    threshold: Threshold

    @property
    def subject(self) -> str:
        """What it looks at, as a sentence begins."""
        return "The score" if self.dimension == OVERALL else f"The {self.dimension} score"

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        return f"{self.subject.lower()}: {self.threshold.words()}"


@dataclass(frozen=True, slots=True)
class BandDropTest:
    """The band is worse than the best one of the last `days`, and now one of `to`.

    It counts when the score has lost `points` or more since, or (`by_gate`) a gate holds that did not.
    """

    to: tuple[Band, ...]
    days: int
    points: int
    by_gate: bool = True

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        to = " or ".join(BAND_LABELS[band] for band in self.to)
        by = f"{self.points} points or a new gate" if self.by_gate else f"{self.points} points"
        return f"the band: raised when it fell to {to} within {self.days} days, by {by}"


@dataclass(frozen=True, slots=True)
class ScoreDropTest:
    """The score against the one `days` ago; the limits are changes (-10: ten points lost)."""

    threshold: Threshold
    days: int

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        return f"the score's change in {self.days} days: {self.threshold.words()}"


@dataclass(frozen=True, slots=True)
class FindingTest:
    """At least so many of these correlation rules hold; raised only where `only_if` (if any) holds as well.

    Without that, a finding that holds neither raises an alert nor clears one.
    """

    findings: tuple[FindingRule, ...]
    at_least: int
    only_if: Condition | None = None
    where: str = ""

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        named = ", ".join(finding.id for finding in self.findings)
        if len(self.findings) == 1:
            return f"finding {named}: raised while it holds" + (f"; where {self.where}" if self.where else "")
        return f"findings {named}: raised while {self.at_least} or more hold"


@dataclass(frozen=True, slots=True)
class SourceGapTest:
    """A source is newly unknown: of everybody, or of a share of operators that has risen within `days`."""

    threshold: Threshold
    days: int

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        return (
            "a source: raised when it is newly unknown of everybody; the rise within "
            f"{self.days} days of the share of operators of whom it is unknown: {self.threshold.words()}"
        )


Test = MetricTest | DimensionTest | BandDropTest | ScoreDropTest | FindingTest | SourceGapTest


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule: what it looks at (`test`), whom it concerns, and what is to be done by whom.

    `owner` is a role. It clears when it has not held for `quiet_days`, and is not
    raised again within `cool_down_days` after that. `reason` says where its limits come from; `enabled` False: looked at by
    the simulation only. It concerns operators of `statuses` and (when given) of `segments` and `bands`; a finding in
    `excused_by` that holds excuses it, and while a rule in `covered_by` holds of the same operator it is not raised.
    """

    id: str
    kind: Kind
    title: str
    severity: Severity
    owner: str
    action: str
    quiet_days: int
    cool_down_days: int
    reason: str
    enabled: bool
    statuses: tuple[Status, ...]
    segments: tuple[str, ...]
    bands: tuple[Band, ...]
    excused_by: tuple[str, ...]
    covered_by: tuple[str, ...]
    test: Test

    @property
    def key(self) -> str:
        """The rule's part of a column name."""
        return self.id.lower()


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a file says once for all its rules."""

    quiet_days: int
    cool_down_days: int
    statuses: tuple[Status, ...]


class RuleReader:
    """Turns the tables of a declaration into rules, one by one; `findings` are the correlation rules that exist."""

    def __init__(self, words: Vocabulary, findings: Collection[FindingRule], defaults: Defaults) -> None:
        self._words = words
        self._findings = {finding.id: finding for finding in findings}
        self._defaults = defaults
        self._tests: Mapping[Kind, Callable[[Declaration], Test]] = {
            "metric": self._metric,
            "condition": self._condition,
            "dimension": self._dimension,
            "band_drop": self._band_drop,
            "score_drop": self._score_drop,
            "finding": self._finding,
            "signals": self._signals,
            "source_gap": self._source_gap,
        }

    def rule(self, declared: Declaration, earlier: Sequence[str] = ()) -> AlertRule:
        """One rule, checked; `earlier` are the ids of those before it, which may cover it.

        Raises:
            ConfigError: for any fault; it names the rule.
        """
        kind = cast("Kind", one_of(declared, "kind", get_args(Kind)))
        test = self._tests[kind](declared)
        known = test.findings[0] if kind == "finding" and isinstance(test, FindingTest) else None
        rule = AlertRule(
            id=declared.text("id"),
            kind=kind,
            title=declared.text("title", known.title if known else None),
            severity=cast("Severity", one_of(declared, "severity", SEVERITIES, known.priority if known else None)),
            owner=declared.text("owner"),
            action=declared.text("action", known.action if known else None),
            quiet_days=natural(declared, "quiet_days", self._defaults.quiet_days),
            cool_down_days=natural(declared, "cool_down_days", self._defaults.cool_down_days),
            reason=declared.text("reason"),
            enabled=declared.flag("enabled", default=True),
            statuses=read_statuses(declared, self._defaults.statuses),
            segments=subset(declared, "segments", SEGMENTS),
            bands=cast("tuple[Band, ...]", subset(declared, "bands", _BANDS)),
            excused_by=subset(declared, "excused_by", tuple(self._findings)),
            covered_by=subset(declared, "covered_by", earlier),
            test=test,
        )
        declared.finish()
        return rule

    def _metric(self, declared: Declaration) -> MetricTest:
        metric, threshold = self._words.metric(declared.text("metric"), declared), self._threshold(declared)
        raised, cleared = threshold.conditions(metric)
        only_if = declared.text("only_if", "")
        if only_if:
            self._words.condition(only_if, declared.place)  # refused by itself, before it is put into brackets
            raised, cleared = f"({only_if}) AND ({raised})", f"NOT ({only_if}) OR ({cleared})"
        test = self._compiled(declared, raised, cleared, (metric,))
        return replace(test, threshold=threshold, metric=metric, only_if=only_if)

    def _threshold(self, declared: Declaration) -> Threshold:
        return read_threshold(declared, low=one_of(declared, "side", ("low", "high")) == "low")

    def _condition(self, declared: Declaration) -> MetricTest:
        when = declared.text("when")
        first = self._words.condition(when, declared.place)
        until = declared.text("until", f"NOT ({when})")
        return self._compiled(declared, when, until, first.metrics)

    def _compiled(self, declared: Declaration, raised: str, cleared: str, metrics: Sequence[str]) -> MetricTest:
        facts = tuple(self._words.metric(name, declared) for name in declared.texts("facts", tuple(metrics)))
        return MetricTest(
            raised=self._words.condition(raised, declared.place),
            cleared=self._words.condition(cleared, declared.place),
            because=read_sentence(declared, self._words),
            facts=facts,
        )

    def _dimension(self, declared: Declaration) -> DimensionTest:
        return DimensionTest(declared.text("dimension"), self._threshold(declared))

    def _band_drop(self, declared: Declaration) -> BandDropTest:
        to = cast("tuple[Band, ...]", subset(declared, "to", _BANDS[1:]))
        if not to:
            raise declared.error("'to' names no band.")
        by_gate = declared.flag("by_gate", default=True)
        return BandDropTest(to, natural(declared, "days", least=1), natural(declared, "points"), by_gate)

    def _score_drop(self, declared: Declaration) -> ScoreDropTest:
        threshold = read_threshold(declared, low=True)
        if threshold.clear_at.default > 0:
            raise declared.error("'raise_at' and 'clear_at' are changes of the score, such as -10 and -5.")
        return ScoreDropTest(threshold, natural(declared, "days", least=1))

    def _finding(self, declared: Declaration) -> FindingTest:
        (finding,) = self._named(declared, (declared.text("finding"),))
        where = declared.text("only_if", "")
        only_if = self._words.condition(where, declared.place) if where else None
        return FindingTest((finding,), 1, only_if, where)

    def _signals(self, declared: Declaration) -> FindingTest:
        named = self._named(declared, declared.texts("findings"))
        at_least = natural(declared, "at_least", least=1)
        if at_least > len(named):
            raise declared.error(f"'at_least' is {at_least}, but it names {len(named)} findings.")
        return FindingTest(named, at_least)

    def _named(self, declared: Declaration, ids: Sequence[str]) -> tuple[FindingRule, ...]:
        if unknown := [name for name in ids if name not in self._findings]:
            raise declared.error(f"{unknown[0]!r} is no correlation rule; known: {', '.join(self._findings)}.")
        return tuple(self._findings[name] for name in dict.fromkeys(ids))

    def _source_gap(self, declared: Declaration) -> SourceGapTest:
        threshold = read_threshold(declared, low=False)
        if threshold.raise_at.by_segment or threshold.clear_at.by_segment:
            raise declared.error("'raise_at' and 'clear_at' are shares of all operators, such as 0.2 and 0.05.")
        return SourceGapTest(threshold, natural(declared, "days", least=1))


def one_of(declared: Declaration, key: str, known: Sequence[str], default: str | None = None) -> str:
    """A text that is one of the known ones."""
    text = declared.text(key, default)
    if text not in known:
        raise declared.error(f"{key!r} is {text!r}; known: {', '.join(known)}.")
    return text


def subset(declared: Declaration, key: str, known: Sequence[str]) -> tuple[str, ...]:
    """A list of known texts; empty when absent."""
    texts = declared.texts(key, ())
    if unknown := [text for text in texts if text not in known]:
        raise declared.error(f"{key!r} names {unknown[0]!r}; known: {', '.join(known)}.")
    return texts


def natural(declared: Declaration, key: str, default: int | None = None, least: int = 0) -> int:
    """A whole number that is not too small."""
    number = declared.integer(key, default)
    if number < least:
        raise declared.error(f"{key!r} must be {least} or more, not {number}.")
    return number


def read_statuses(declared: Declaration, default: tuple[Status, ...]) -> tuple[Status, ...]:
    """The statuses that a rule (or a file's rules) concerns: never that of churned operators."""
    known = tuple(status for status in get_args(Status) if status != "churned")
    if "churned" in (given := declared.texts("statuses", default)):
        raise declared.error("'statuses' names 'churned', but churned operators raise no alerts.")
    if unknown := [status for status in given if status not in known]:
        raise declared.error(f"'statuses' names {unknown[0]!r}; known: {', '.join(known)}.")
    return cast("tuple[Status, ...]", given)


def wrong(message: str, hint: str = "") -> ConfigError:
    """A fault in the declaration of alerts."""
    return ConfigError(message, setting="alerts.rules", hint=hint)

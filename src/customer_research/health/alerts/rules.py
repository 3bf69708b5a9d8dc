"""Alert rules as declared in TOML (the shipped ones, or the user's file), checked against what exists, ready to be judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, PlainValidator, StrictBool, ValidationInfo, model_validator

from customer_research.domain.health import BAND_LABELS, Status
from customer_research.domain.vocabularies import Segment, Severity
from customer_research.health.alerts.hysteresis import Threshold
from customer_research.health.conditions import Condition
from customer_research.health.declaration import Fault, Natural, Positive, shaped
from customer_research.health.findings import FindingRule
from customer_research.health.rules import MetricName, Sentence, When, words_of

T = TypeVar("T")

OVERALL = "score"
"""As a dimension: the score itself."""


def _correlation(name: object, info: ValidationInfo) -> FindingRule:
    known = words_of(info).findings
    found: FindingRule | None = known.get(name) if isinstance(name, str) else None
    if found is None:
        raise Fault(f"{name!r} is no correlation rule; known: {', '.join(known)}")
    return found


def _not_churned(status: Status) -> Status:
    if status == "churned":
        raise Fault("it names 'churned', but churned operators raise no alerts")
    return status


def _excuse(name: str, info: ValidationInfo) -> str:
    return _correlation(name, info).id


def _once(names: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(names))


AlertStatus = Annotated[Status, AfterValidator(_not_churned)]
ScoredBand = Literal["healthy", "monitor", "at_risk", "critical"]
Correlation = Annotated[FindingRule, PlainValidator(_correlation)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OverMetrics:
    """The sentence with the facts that a test over an operator's metrics rests on; without any, on the metrics that raise it."""

    because: Sentence
    own_facts: Annotated[tuple[MetricName, ...], Field(alias="facts")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionTest(_OverMetrics):
    """Two conditions over an operator's metrics; without `until` it is cleared when it does not hold."""

    kind: Literal["condition"] = "condition"
    when: When
    until: When | None = None

    @property
    def sides(self) -> tuple[Condition, Condition]:
        """When it is raised, and when cleared."""
        return self.when, self.until or Condition(f"NOT ({self.when.sql})", self.when.metrics)

    @property
    def facts(self) -> tuple[str, ...]:
        """The metrics that it rests on."""
        return self.own_facts or self.when.metrics

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that decide it, each once."""
        return _once(name for side in self.sides for name in side.metrics)

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        raised, cleared = self.sides
        return f"raised when {raised.sql}; cleared when {cleared.sql}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricTest(_OverMetrics):
    """The limits of one `metric`, looked at where `only_if` holds."""

    kind: Literal["metric"] = "metric"
    metric: MetricName
    threshold: Threshold
    only_if: When | None = None

    @property
    def sides(self) -> tuple[Condition, Condition]:
        """When it is raised, and when cleared."""
        raised, cleared = self.threshold.conditions(self.metric)
        if self.only_if is not None:
            raised, cleared = f"({self.only_if.sql}) AND ({raised})", f"NOT ({self.only_if.sql}) OR ({cleared})"
        return Condition(raised, self.metrics), Condition(cleared, self.metrics)

    @property
    def facts(self) -> tuple[str, ...]:
        """The metrics that it rests on."""
        return self.own_facts or (self.metric,)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that decide it, each once."""
        own = self.only_if.metrics if self.only_if else ()
        return _once((*own, *(("segment",) if self.threshold.by_segment else ()), self.metric))

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        return f"{self.metric}: {self.threshold.words()}{_where(self.only_if)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionTest:
    """Limits on a dimension's sub-score, or on the score."""

    kind: Literal["dimension"] = "dimension"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BandDropTest:
    """The band is worse than the best one of the last `days`, and now one of `to`.

    It counts when the score has lost `points` or more since, or (`by_gate`) a gate holds that did not.
    """

    kind: Literal["band_drop"] = "band_drop"
    to: Annotated[tuple[Literal["monitor", "at_risk", "critical"], ...], Field(min_length=1)]
    days: Positive
    points: Natural
    by_gate: StrictBool = True

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        to = " or ".join(BAND_LABELS[band] for band in self.to)
        by = f"{self.points} points or a new cap" if self.by_gate else f"{self.points} points"
        return f"the band: raised when it fell to {to} within {self.days} days, by {by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDropTest:
    """The score against the one `days` ago; the limits are changes (-10: ten points lost)."""

    kind: Literal["score_drop"] = "score_drop"
    threshold: Threshold
    days: Positive

    @model_validator(mode="after")
    def _changes(self) -> Self:
        if self.threshold.clear_at.default > 0:
            raise Fault("'raise_at' and 'clear_at' are changes of the score, such as -10 and -5")
        return self

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        return f"the score's change in {self.days} days: {self.threshold.words()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingTest:
    """At least so many of these correlation rules hold; raised only where `only_if` (if any) holds as well.

    Without that, a finding that holds neither raises an alert nor clears one.
    """

    kind: Literal["finding", "signals"]
    findings: Annotated[tuple[Correlation, ...], AfterValidator(_once)]
    at_least: Positive
    only_if: When | None = None

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.kind == "signals" and self.only_if:
            raise Fault("unknown key 'only_if'")
        if self.at_least > len(self.findings):
            raise Fault(f"'at_least' is {self.at_least}, but it names {len(self.findings)} findings")
        return self

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        named = ", ".join(finding.id for finding in self.findings)
        if len(self.findings) == 1:
            return f"finding {named}: raised while it holds{_where(self.only_if)}"
        return f"findings {named}: raised while {self.at_least} or more hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGapTest:
    """A source is newly unknown: of everybody, or of a share of operators that has risen within `days`."""

    kind: Literal["source_gap"] = "source_gap"
    threshold: Threshold
    days: Positive

    @model_validator(mode="after")
    def _of_all(self) -> Self:
        if self.threshold.by_segment:
            raise Fault("'raise_at' and 'clear_at' are shares of all operators, such as 0.2 and 0.05")
        return self

    @property
    def words(self) -> str:
        """When it is raised and cleared."""
        return (
            "a source: raised when it is newly unknown of everybody; the rise within "
            f"{self.days} days of the share of operators of whom it is unknown: {self.threshold.words()}"
        )


Test = MetricTest | ConditionTest | DimensionTest | BandDropTest | ScoreDropTest | FindingTest | SourceGapTest
_SIDES = {"score_drop": {"side": "low"}, "source_gap": {"side": "high"}}
"""The kinds with limits whose side is settled."""
_LIMITS = {"metric": ("side",), "dimension": ("side",), "score_drop": (), "source_gap": ()}
"""The kinds with limits, and what they say of them besides the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule: what it looks at (`test`), whom it concerns, and what is to be done by whom.

    `owner` is a role. It clears when it has not held for `quiet_days`, and is not
    raised again within `cool_down_days` after that. `reason` says where its limits come from; `enabled` False: looked at by
    the simulation only. It concerns operators of `statuses` and (when given) of `segments` and `bands`; a finding in
    `excused_by` that holds excuses it, and while a rule in `covered_by` holds of the same operator it is not raised.
    """

    test: Annotated[Test, Field(discriminator="kind")]
    id: Annotated[str, shaped("[A-Za-z][A-Za-z0-9_]{0,39}", "it must be made of letters, digits and underscores")]
    title: str
    severity: Severity
    owner: str
    action: str
    quiet_days: Natural
    cool_down_days: Natural
    reason: str
    enabled: StrictBool = True
    statuses: tuple[AlertStatus, ...]
    segments: tuple[Segment, ...] = ()
    bands: tuple[ScoredBand, ...] = ()
    excused_by: tuple[Annotated[str, AfterValidator(_excuse)], ...] = ()
    covered_by: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _tested(cls, table: Any, info: ValidationInfo) -> Any:
        """What is no part of every rule is its test's; a finding tells its alert's title, severity and action."""
        if not isinstance(table, dict):
            return table
        shared = {field.name for field in fields(cls)} - {"test"}
        test = {key: value for key, value in table.items() if key not in shared}
        rule = {key: value for key, value in table.items() if key in shared}
        kind = test.get("kind")
        if kind == "finding" and "finding" in test:
            found = _correlation(test.pop("finding"), info)
            rule = {"title": found.title, "severity": found.priority, "action": found.action, **rule}
            test = {"findings": [found.id], "at_least": 1, **test}
        if kind in _LIMITS:
            limits = {key: test.pop(key) for key in ("raise_at", "clear_at", *_LIMITS[kind]) if key in test}
            test["threshold"] = {**_SIDES.get(kind, {}), **limits}
        return {**rule, "test": test}

    @property
    def kind(self) -> str:
        """The kind of its test."""
        return self.test.kind

    @property
    def key(self) -> str:
        """The rule's part of a column name."""
        return self.id.lower()


def _where(only_if: Condition | None) -> str:
    return f"; where {only_if.text}" if only_if else ""

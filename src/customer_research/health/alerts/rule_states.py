"""What each rule says of each operator and source in one snapshot: holds, clears, between, or unknown.

Metric rules and correlation rules are SQL over `account_metrics` (`watch_sql`, `findings.findings_sql`), so that they run
where the tables are and give one small row an operator; what compares with the past is judged here, over readings.
"""

# ruff: noqa: S608 - every name in these texts is checked when the rules are loaded; nothing comes from outside
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from customer_research.domain.alert import SOURCE_SUBJECT, AlertState
from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.health import NO_BAND
from customer_research.domain.snapshot import STALE, Reading, Snapshot
from customer_research.health.alerts.alert_memory import AlertMemory, SourceLevel, source_levels, worse
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
from customer_research.health.alerts.stale_tables import StaleTables
from customer_research.health.history import SLACK, comparable
from customer_research.health.scorecard import Scorecard
from customer_research.record_tables import TABLES

_STATES: Mapping[int, AlertState] = {0: "clears", 1: "holds", 2: "between"}
OUTAGES = frozenset({"unavailable", "denied", "stale", "truncated"})
"""Gap reasons that are failures, even in the first snapshot that there is; a source never set up is none."""


def watch_sql(rules: Sequence[AlertRule]) -> str:
    """One row per operator of `account_metrics`: operator_id, segment and `state_<rule>` of each metric rule.

    1 holds, 0 clears, 2 between, null cannot be told; of a finding with a condition, 1 or 0: whether that holds.
    """
    columns = [
        f"{_state_sql(rule.test)} AS state_{rule.key}"
        for rule in rules
        if isinstance(rule.test, MetricTest | ConditionTest)
    ]
    columns += [
        f"CASE WHEN {rule.test.only_if.sql} THEN 1 WHEN NOT ({rule.test.only_if.sql}) THEN 0 END AS state_{rule.key}"
        for rule in rules
        if isinstance(rule.test, FindingTest) and rule.test.only_if is not None
    ]
    return f"SELECT {', '.join(['operator_id', 'segment', *columns])} FROM {ACCOUNT_TABLE}"


def _state_sql(test: MetricTest | ConditionTest) -> str:
    raised, cleared = (side.sql for side in test.sides)
    unknown = f"({raised}) IS NULL OR ({cleared}) IS NULL"
    return f"CASE WHEN {raised} THEN 1 WHEN {cleared} THEN 0 WHEN {unknown} THEN NULL ELSE 2 END"


@dataclass(frozen=True, slots=True)
class WatchRows:
    """The rows of `watch_sql` and `findings_sql` of one snapshot, by operator; None: its metrics are no longer there.

    `tables` says which canonical tables each metric needs, `unknown` which of them are unknown of everybody, `unknown_of`
    of whom else (those that do not apply, such as charges of who takes no cards, are not unknown). A rule that cannot be
    told although all its tables are known has nothing to judge (no answer to a survey, say), which clears; with one of
    them unknown it is unknown.
    """

    states: Mapping[str, Mapping[str, Any]] | None
    findings: Mapping[str, Mapping[str, Any]] | None
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    unknown_of: Mapping[str, frozenset[str]] = field(default_factory=dict)


NOTHING_WATCHED = WatchRows(None, None)


@dataclass(eq=False)
class Judgement:
    """One snapshot under the rules, against the snapshots before; without its scorecard no score's change can be told."""

    snapshot: Snapshot
    told: InitVar[Iterable[Reading]]
    before: AlertMemory
    card: Scorecard | None = None
    watched: WatchRows = NOTHING_WATCHED

    def __post_init__(self, told: Iterable[Reading]) -> None:
        self.readings = {reading.operator_id: reading for reading in told}

    @cached_property
    def levels(self) -> Mapping[str, SourceLevel]:
        """What is unknown of each source."""
        return source_levels(self.snapshot, self.readings.values())

    @cached_property
    def outdated(self) -> StaleTables:
        """What rests on tables that were out of date."""
        return StaleTables(frozenset(self.snapshot.stale), self.watched.tables, self.card)

    def states(self, rule: AlertRule) -> dict[str, AlertState]:
        """What the rule says of every subject that it concerns: operators, or sources."""
        if isinstance(rule.test, SourceGapTest):
            test = rule.test
            return {f"{SOURCE_SUBJECT}{source}": self._source(source, test) for source in self.levels}
        if self.outdated.under(rule):
            return dict.fromkeys(self.readings, "unknown")
        return {operator: self._operator(rule, reading) for operator, reading in self.readings.items()}

    def remember(self) -> None:
        """Add this snapshot to the past, for the next one."""
        self.before.add(self.snapshot, self.readings.values(), self.levels)

    def _operator(self, rule: AlertRule, reading: Reading) -> AlertState:
        if reading.operator_id in self._status_untold:
            return "unknown"
        if reading.status not in rule.statuses and not (reading.status == "unknown" and "active" in rule.statuses):
            return "unknown" if self.outdated.touches(["status"]) else "over"
        state = self._judged(rule, reading)
        limited = self._concerned(rule, reading) if state in {"holds", "between"} else "holds"
        return state if limited == "holds" else limited

    @cached_property
    def _status_untold(self) -> frozenset[str]:
        """The operators whose status billing was not there to tell, while it is set up and tells it at other times."""
        level = self.levels[TABLES["subscription"].home]
        out = level.everybody is not None and level.everybody[0] in OUTAGES
        if self.snapshot.stale and level.everybody is not None and level.everybody[0] == STALE:
            out = "subscription" in self.snapshot.stale  # the source's other tables may be out of date alone
        return frozenset(name for name, reading in self.readings.items() if out or "subscription" in reading.unknown)

    def _concerned(self, rule: AlertRule, reading: Reading) -> AlertState:
        """Whether a rule that is not clear concerns the operator ("holds"): by segment, band and excuse."""
        if rule.segments:
            segment = self.segment(reading.operator_id)
            if segment not in rule.segments:
                return "unknown" if segment is None else "over"
        if rule.bands and reading.band not in rule.bands:
            return "unknown" if reading.band in NO_BAND else "over"
        if any(name in reading.findings for name in rule.excused_by):
            return "over"
        return "unknown" if any(self._excuse_untold(name, reading) for name in rule.excused_by) else "holds"

    def _excuse_untold(self, finding: str, reading: Reading) -> bool:
        """Whether a table that is out of date keeps an excuse from being told."""
        row = (self.watched.findings or {}).get(reading.operator_id)
        return bool(self.snapshot.stale) and (row is None or row[f"case_{finding.lower()}"] is None)

    def _judged(self, rule: AlertRule, reading: Reading) -> AlertState:
        match rule.test:
            case (MetricTest() | ConditionTest()) as test:
                return self._metric(rule, test, reading)
            case DimensionTest() as test:
                value = dimension_score(test, reading)
                return "unknown" if value is None else test.threshold.state(value, self.segment(reading.operator_id))
            case BandDropTest() as test:
                return self._band_drop(test, reading)
            case ScoreDropTest() as test:
                then = self.score_then(test, reading)
                change = None if then is None else self.change(then, reading)
                return "unknown" if change is None else test.threshold.state(change, self.segment(reading.operator_id))
            case FindingTest() as test:
                return self._narrowed(rule, test, self._finding(test, reading), reading)
            case SourceGapTest():
                return "unknown"

    def segment(self, operator_id: str) -> str | None:
        """The operator's segment; None when it is not known."""
        row = (self.watched.states or {}).get(operator_id)
        return None if row is None else row["segment"]

    def _metric(self, rule: AlertRule, test: MetricTest | ConditionTest, reading: Reading) -> AlertState:
        row = (self.watched.states or {}).get(reading.operator_id)
        if row is None:
            return "unknown"
        code = row[f"state_{rule.key}"]
        return _STATES[int(code)] if code is not None else self._untold(test.metrics, reading)

    def _untold(self, metrics: Iterable[str], reading: Reading) -> AlertState:
        """What a null says: a table is unknown, the date is past telling, or there is nothing (any more) to judge."""
        asked = tuple(metrics)
        if self.snapshot.untold.intersection(asked):
            return "unknown"
        needed = {table for metric in asked for table in self.watched.tables.get(metric, ())}
        unknown = self.watched.unknown | self.watched.unknown_of.get(reading.operator_id, frozenset())
        return "unknown" if needed & unknown else "clears"

    def _finding(self, test: FindingTest, reading: Reading) -> AlertState:
        states = [self.finding_state(finding.id, reading, test) for finding in test.findings]
        holding, unknown = states.count("holds"), states.count("unknown")
        if holding >= test.at_least:
            return "holds"
        return "unknown" if holding + unknown >= test.at_least else "clears"

    def _narrowed(self, rule: AlertRule, test: FindingTest, state: AlertState, reading: Reading) -> AlertState:
        """A finding's state where it is raised under a condition only."""
        if test.only_if is None or state != "holds":
            return state
        row = (self.watched.states or {}).get(reading.operator_id)
        met = None if row is None else row[f"state_{rule.key}"]
        return "unknown" if met is None else "holds" if met else "between"

    def finding_state(self, finding: str, reading: Reading, test: FindingTest) -> AlertState:
        """What is to be said of one correlation rule; without the metrics, what the reading keeps of it."""
        if self.outdated.under_finding(next(rule for rule in test.findings if rule.id == finding)):
            return "unknown"
        row = (self.watched.findings or {}).get(reading.operator_id)
        if row is None:
            if finding in reading.findings:
                return "holds"
            return "unknown" if reading.unknown or self.snapshot.gaps else "clears"
        number = row[f"case_{finding.lower()}"]
        if number is None:
            rule = next(rule for rule in test.findings if rule.id == finding)
            return self._untold((name for case in rule.cases for name in case.when.metrics), reading)
        return "holds" if number else "clears"

    def score_then(self, test: ScoreDropTest, reading: Reading) -> Reading | None:
        """The reading that a score is compared with: the latest of those at least `days` old, and not much older."""
        until = reading.as_of - timedelta(days=test.days)
        found = [r for r in self.before.comparable(self.snapshot, reading, test.days + SLACK.days) if r.as_of <= until]
        return found[-1] if found else None

    def change(self, then: Reading, reading: Reading) -> int | None:
        """The score's change as histories tell it; None where not the same was known both times."""
        if then.score is None or reading.score is None or not comparable(then, reading):
            return None
        return reading.score - then.score

    def best_then(self, test: BandDropTest, reading: Reading) -> Reading | None:
        """The latest of the readings of the best band within `days`."""
        best: Reading | None = None
        for then in self.before.comparable(self.snapshot, reading, test.days):
            if best is None or not worse(then.band, best.band):
                best = then
        return best

    def _band_drop(self, test: BandDropTest, reading: Reading) -> AlertState:
        then = self.best_then(test, reading)
        if then is None or then.score is None or reading.score is None:
            return "unknown"
        if not worse(reading.band, then.band) or reading.band not in test.to:
            return "clears"
        gated = test.by_gate and not set(reading.gates) <= set(then.gates)
        return "holds" if gated or then.score - reading.score >= test.points else "between"

    def _source(self, source: str, test: SourceGapTest) -> AlertState:
        level = self.levels[source]
        earlier = self.before.levels(source, self.snapshot.as_of, test.days)
        if level.everybody is not None:
            newly = bool(earlier) and earlier[-1].everybody is None
            return "holds" if newly or level.everybody[0] in OUTAGES else "between"
        return test.threshold.state(level.share - self.share_before(source, test))

    def share_before(self, source: str, test: SourceGapTest) -> float:
        """The least share of operators of whom the source was unknown within `days`; the present one without a past.

        Snapshots in which it was unknown of everybody say nothing of shares.
        """
        earlier = self.before.levels(source, self.snapshot.as_of, test.days)
        shares = [level.share for level in earlier if level.everybody is None]
        return min(shares, default=self.levels[source].share)


def dimension_score(test: DimensionTest, reading: Reading) -> int | None:
    """The sub-score, or the score, that a rule looks at; None when it is not known."""
    return reading.score if test.dimension == OVERALL else reading.dimensions.get(test.dimension)


def states_of(judgement: Judgement, rules: Iterable[AlertRule]) -> dict[str, dict[str, AlertState]]:
    """What every rule says (rule id → subject → state); what a graver rule covers is neither raised nor cleared."""
    found: dict[str, dict[str, AlertState]] = {}
    holding: dict[str, set[str]] = {}
    for rule in rules:
        states = judgement.states(rule)
        own = {subject for subject, state in states.items() if state == "holds"}
        covered = own & set().union(*(holding[name] for name in rule.covered_by if name in holding))
        found[rule.id] = {**states, **dict.fromkeys(covered, "between")}
        holding[rule.id] = own if rule.enabled else set()
    return found

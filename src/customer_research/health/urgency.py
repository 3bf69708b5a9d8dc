"""Urgency, declared in `urgency.toml`: the one answer to how soon an operator needs somebody, in Python and in SQL."""

# ruff: noqa: S608 - every name in these texts is checked when the causes are read; nothing comes from outside
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Self

from pydantic import model_validator

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, merge_basis
from customer_research.domain.health import UNTOLD_BANDS, Band, Finding, HealthScore, Status, standing_label
from customer_research.domain.urgency import LEVEL_DAYS, LEVELS, Level, Urgency
from customer_research.domain.vocabularies import SEVERITIES, Severity
from customer_research.health.declaration import Fault, Place, declared, shipped_text
from customer_research.health.findings import FindingRule
from customer_research.health.rules import FactName, MetricName, Sentence, When, case_sql, metrics_of, read
from customer_research.health.scoring import unheard_sql
from customer_research.health.sentences import filled

BAND, FINDING = "band", "finding"
RANKS: Mapping[Severity, int] = {name: len(SEVERITIES) - at for at, name in enumerate(SEVERITIES)}
"""How grave a risk is among the findings, for SQL: 4 critical to 1 low."""

_STATUSES: tuple[Status, ...] = ("active", "no_subscription")
_NOTHING = "Nothing known asks for an action now."
_OPEN = "A silent source may hide a reason."


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason to act; see `urgency.toml` for what each part means."""

    level: Level
    because: Sentence
    fact: FactName
    when: When | None = None
    bands: tuple[Band, ...] = ()
    finding: Severity | None = None
    statuses: tuple[Status, ...] = _STATUSES
    until: MetricName = ""

    @property
    def metric_sql(self) -> str:
        """The condition over the metrics alone; true where there is none."""
        return f"({self.when.sql})" if self.when is not None else "TRUE"

    @model_validator(mode="after")
    def _raised(self) -> Self:
        if self.when is None and not self.bands and self.finding is None:
            raise Fault("nothing raises it: give 'when', 'bands' or 'finding'")
        return self


@declared
@dataclass(frozen=True, slots=True)
class _Causes:
    version: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What urgency looks at: the operator's row of `causes_sql`, its figures, score and findings; `open_risk`: see there."""

    row: Mapping[str, Any]
    figures: Mapping[str, Figure]
    score: HealthScore | None
    findings: tuple[Finding, ...]
    as_of: datetime
    open_risk: int = 0


def load_causes(known_metrics: Collection[str]) -> tuple[Cause, ...]:
    """The causes in their order, checked against the metrics that exist.

    Raises:
        ConfigError: for any fault in the declaration; it names the place.
    """
    return read_causes(shipped_text("urgency.toml"), frozenset(known_metrics))


@cache
def read_causes(text: str, known_metrics: frozenset[str]) -> tuple[Cause, ...]:
    """Causes from the text of a declaration (see `load_causes`)."""
    place = Place("urgency")
    return read(_Causes, place.tables(text), place, known_metrics, also=(BAND, FINDING)).causes


# -- one operator --------------------------------------------------------------------------------------------------------


def causes_sql(causes: Sequence[Cause]) -> str:
    """One row per operator: operator_id and `cause_<number>`, whether the cause's condition over the metrics holds."""
    columns = [f", {cause.metric_sql} AS cause_{at}" for at, cause in enumerate(causes)]
    return f"SELECT operator_id{''.join(columns)} FROM {ACCOUNT_TABLE}"


def urgency(causes: Sequence[Cause], standing: Circumstances) -> Urgency:
    """How soon the operator needs somebody: the first cause that holds."""
    gravest = next((finding for finding in standing.findings if finding.kind == "risk"), None)
    opened = standing.score is None
    for at, cause in enumerate(causes):
        if standing.score is None or standing.score.status not in (*cause.statuses, "unknown"):
            continue
        holds = _holds(cause, at, standing, gravest)
        if holds:
            return replace(_told(cause, standing, gravest), open=opened)
        opened = opened or holds is None
    return Urgency("watch", None, _OPEN if opened else _NOTHING, _looked_at(causes, standing), open=opened)


def _looked_at(causes: Sequence[Cause], standing: Circumstances) -> tuple[Fact[Any], ...]:
    """What was found to ask for nothing: the figures that the causes look at, as one fact."""
    named = dict.fromkeys(name for cause in causes if cause.when is not None for name in cause.when.metrics)
    known = [figure for name in named if isinstance(figure := standing.figures.get(name), Fact)]
    lines = [line.fact for line in standing.score.contributions] if standing.score is not None else []
    basis = merge_basis([*known, *lines])
    return (Fact("nothing to do now", "text", basis, standing.as_of),) if basis else ()


def _holds(cause: Cause, at: int, standing: Circumstances, gravest: Finding | None) -> bool | None:
    """Whether a cause holds; None where a silent source keeps that from being told."""
    score = standing.score
    assert score is not None, "who has no score has no cause"
    parts: list[bool | None] = []
    if cause.bands:
        unsettled = score.band in UNTOLD_BANDS or any(gate.cap in cause.bands for gate in score.provisional)
        parts.append(score.band in cause.bands or (None if unsettled else False))
    if cause.finding is not None:
        needed = RANKS[cause.finding]
        found = gravest is not None and RANKS[gravest.priority] >= needed
        parts.append(found or (None if standing.open_risk >= needed else False))
    if cause.when is not None:
        held = standing.row[f"cause_{at}"]
        silent = held is None and any(_silent(standing.figures.get(name)) for name in cause.when.metrics)
        parts.append(None if silent else bool(held))
    return False if False in parts else None if None in parts else True


def open_risk(rules: Sequence[FindingRule], row: Mapping[str, Any], figures: Mapping[str, Figure]) -> int:
    """The rank of the gravest risk that a silent source keeps from being told (0: none); `row` is that of `findings_sql`.

    `open_level` is the same in SQL.
    """
    untold = (rule for rule in rules if rule.kind == "risk" and row[f"case_{rule.id.lower()}"] is None)
    hidden = (rule for rule in untold if any(_silent(figures.get(name)) for name in metrics_of(rule.cases)))
    return max((RANKS[rule.priority] for rule in hidden), default=0)


def _silent(figure: Figure | None) -> bool:
    return isinstance(figure, Gap) and figure.reason not in ANSWERS and figure.reason != "not_configured"


def _told(cause: Cause, standing: Circumstances, gravest: Finding | None) -> Urgency:
    figures, score, as_of = standing.figures, standing.score, standing.as_of
    if score is not None and cause.fact == BAND:
        basis = merge_basis([line.fact for line in score.contributions] + [gate.fact for gate in score.gates])
        words = _chief_reason(score) or f"{standing_label(score.band, score.status)}, {score.score} of 100"
        figures = {**figures, BAND: Fact(words, "text", basis, as_of, "health_score")}
    if gravest is not None and cause.fact == FINDING:
        basis = merge_basis(gravest.facts)
        figures = {**figures, FINDING: Fact(gravest.because.rstrip("."), "text", basis, as_of)}
    due = figures.get(cause.until)
    facts = tuple(fact for fact in (figures.get(cause.fact), due) if isinstance(fact, Fact) and fact.basis)
    end = as_of.date() + timedelta(days=LEVEL_DAYS[cause.level])
    if isinstance(due, Fact) and isinstance(due.value, date) and as_of.date() <= due.value < end:
        end = due.value
    return Urgency(cause.level, end, filled(cause.because, figures), facts)


def _chief_reason(score: HealthScore) -> str:
    """Why the score is what it is: the first gate's sentence, else that of the rule that took most; empty without either."""
    worst = min(score.contributions, key=lambda line: line.points, default=None)
    because = score.gates[0].because if score.gates else worst.because if worst is not None and worst.points < 0 else ""
    return because.rstrip(".")


# -- everybody -----------------------------------------------------------------------------------------------------------


def open_level(rules: Sequence[FindingRule]) -> str:
    """SQL of `open_risk` over a row of metrics."""
    cases = {rule.id: case_sql(rule.cases) for rule in rules}
    levels = []
    for rule in rules:
        if rule.kind == "risk":
            excused = "".join(f" AND COALESCE({cases[other]}, 0) = 0" for other in rule.unless)
            untold = f"{unheard_sql(metrics_of(rule.cases))} AND {cases[rule.id]} IS NULL{excused}"
            levels.append(f"CASE WHEN {untold} THEN {RANKS[rule.priority]} ELSE 0 END")
    return f"GREATEST(0, {', '.join(levels)})"


def level_sql(causes: Sequence[Cause], *, band: str, finding: str, status: str) -> str:
    """SQL of the urgency's rank, 3 `now` to 0 `watch`, over a row of metrics; the other columns are named by the caller.

    `band` is the band, `finding` the rank of the gravest risk (see `RANKS`; 0 none), those that nobody could judge among them
    (see `open_level`), `status` the status. What a silent source keeps from being told counts as if it held: for an order,
    nobody stands safer for it.
    """
    branches = []
    for cause in causes:
        parts = [f"{status} IN ({_listed((*cause.statuses, 'unknown'))})"]
        parts += [f"{band} IN ({_listed(cause.bands)})"] if cause.bands else []
        parts += [f"{finding} >= {RANKS[cause.finding]}"] if cause.finding is not None else []
        if cause.when is not None:
            silent = f"{unheard_sql(cause.when.metrics)} AND {cause.metric_sql} IS NULL"
            parts.append(f"({silent} OR {cause.metric_sql})")
        branches.append(f"WHEN {' AND '.join(parts)} THEN {len(LEVELS) - 1 - LEVELS.index(cause.level)}")
    return f"CASE {' '.join(branches)} ELSE 0 END"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)

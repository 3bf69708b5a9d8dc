"""Correlation findings: rules over several figures, declared in `findings.toml`, judged in SQL."""

# ruff: noqa: S608 - every name in these texts is checked when the rules are loaded; nothing comes from outside
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import model_validator

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.health import Finding
from customer_research.domain.vocabularies import SEVERITIES, Severity
from customer_research.health.declaration import Place, declared, in_order, shaped, shipped_text
from customer_research.health.rules import ONE_CASE, Case, Cases, MetricName, case_sql, read
from customer_research.health.sentences import filled

Kind = Literal["risk", "conflict", "opportunity", "context"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class FindingRule:
    """A correlation rule; `unless` names rules that excuse it."""

    id: Annotated[str, shaped(r"R\d+", "it must be an id such as R1")]
    title: str
    kind: Kind
    priority: Severity
    cases: Cases
    action: str
    facts: tuple[MetricName, ...]
    unless: tuple[str, ...] = ()


@declared
@dataclass(frozen=True, slots=True)
class _Findings:
    version: str
    rules: tuple[Annotated[FindingRule, ONE_CASE], ...]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        in_order(self.rules, "unless")
        return self


def load_findings(known_metrics: Collection[str]) -> tuple[FindingRule, ...]:
    """The shipped rules, checked against the metrics that exist, in the order of their numbers.

    Raises:
        ConfigError: for any fault in the declaration; it names the place.
    """
    return read_findings(shipped_text("findings.toml"), frozenset(known_metrics))


@cache
def read_findings(text: str, known_metrics: frozenset[str]) -> tuple[FindingRule, ...]:
    """Rules from the text of a declaration (see `load_findings`)."""
    place = Place("findings")
    found = read(_Findings, place.tables(text), place, known_metrics)
    return tuple(sorted(found.rules, key=lambda rule: int(rule.id[1:])))


def findings_sql(rules: Sequence[FindingRule]) -> str:
    """One row per operator: operator_id and `case_<rule>` (number of the case that holds, 0 none, null cannot be told).

    Excuses are applied: a rule that another one excuses has 0.
    """
    found = ", ".join(f"{case_sql(rule.cases)} AS found_{rule.id.lower()}" for rule in rules)
    settled = ", ".join(f"{_settled(rule)} AS case_{rule.id.lower()}" for rule in rules)
    return f"WITH looked_at AS (SELECT operator_id, {found} FROM {ACCOUNT_TABLE}) SELECT operator_id, {settled} FROM looked_at"


def _settled(rule: FindingRule) -> str:
    """Rules that excuse are judged by themselves: an excuse has no excuse (checked by the tests of the shipped rules)."""
    column = f"found_{rule.id.lower()}"
    if not rule.unless:
        return column
    excused = " OR ".join(f"COALESCE(found_{other.lower()}, 0) >= 1" for other in rule.unless)
    return f"CASE WHEN {excused} THEN 0 ELSE {column} END"


def assemble_findings(
    rules: Sequence[FindingRule], row: Mapping[str, Any], figures: Mapping[str, Figure]
) -> tuple[Finding, ...]:
    """The findings of one operator, the most urgent first; each rests on at least one fact.

    `row` is its row of `findings_sql`; a rule that cannot be told is silent here (its figures are gaps elsewhere).
    """
    holding = [(rule, rule.cases[int(row[key]) - 1]) for rule in rules if row[key := f"case_{rule.id.lower()}"]]
    ranked = sorted(holding, key=lambda pair: (SEVERITIES.index(pair[0].priority), KINDS.index(pair[0].kind)))
    return tuple(_finding(rule, case, figures) for rule, case in ranked)


def _finding(rule: FindingRule, case: Case, figures: Mapping[str, Figure]) -> Finding:
    named = dict.fromkeys((case.fact, *rule.facts))
    facts = tuple(figure for name in named if isinstance(figure := figures.get(name), Fact))
    return Finding(
        rule=rule.id,
        title=rule.title,
        kind=rule.kind,
        priority=rule.priority,
        because=filled(case.because, figures),
        action=rule.action,
        facts=facts,
    )

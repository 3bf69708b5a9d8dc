"""Correlation findings: rules over several figures, declared in `findings.toml`, judged in SQL."""

# ruff: noqa: S608 - every name in these texts is checked when the rules are loaded; nothing comes from outside
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.health import Finding
from customer_research.domain.vocabularies import SEVERITIES, Severity
from customer_research.health.declaration import Declaration
from customer_research.health.rules import Case, Vocabulary, case_sql, read_cases
from customer_research.health.sentences import filled

Kind = Literal["risk", "opportunity", "context", "conflict"]
_KINDS: tuple[Kind, ...] = ("risk", "conflict", "opportunity", "context")


@dataclass(frozen=True, slots=True)
class FindingRule:
    """A correlation rule; `unless` names rules that excuse it."""

    id: str
    title: str
    kind: Kind
    priority: Severity
    cases: tuple[Case, ...]
    action: str
    facts: tuple[str, ...]
    unless: tuple[str, ...]


def load_findings(known_metrics: Collection[str]) -> tuple[FindingRule, ...]:
    """The shipped rules, checked against the metrics that exist, in the order of their numbers.

    Raises:
        ConfigError: for any fault in the declaration; it names the place.
    """
    text = resources.files("customer_research.health").joinpath("findings.toml").read_text(encoding="utf-8")
    return read_findings(text, frozenset(known_metrics))


@cache
def read_findings(text: str, known_metrics: frozenset[str]) -> tuple[FindingRule, ...]:
    """Rules from the text of a declaration (see `load_findings`)."""
    top = Declaration.parse(text, "findings")
    top.text("version")
    words = Vocabulary(known_metrics, top.mapping("terms"))
    rules: list[FindingRule] = []
    for table in top.tables("rules", "id"):
        rules.append(_rule(table, words, {rule.id for rule in rules}))
    top.finish()
    return tuple(sorted(rules, key=lambda rule: int(rule.id[1:])))


def _rule(declared: Declaration, words: Vocabulary, earlier: Collection[str]) -> FindingRule:
    rule = FindingRule(
        id=declared.text("id"),
        title=declared.text("title"),
        kind=cast("Kind", declared.text("kind")),
        priority=cast("Severity", declared.text("priority")),
        cases=read_cases(declared, words),
        action=declared.text("action"),
        facts=tuple(words.metric(name, declared) for name in declared.texts("facts")),
        unless=declared.texts("unless", ()),
    )
    declared.finish()
    if rule.kind not in _KINDS or rule.priority not in SEVERITIES:
        raise declared.error(f"known kinds: {', '.join(_KINDS)}; known priorities: {', '.join(SEVERITIES)}.")
    if not (rule.id[:1] == "R" and rule.id[1:].isdecimal()) or rule.id in earlier:
        raise declared.error("it needs an id of its own such as R1.")
    if unknown := [other for other in rule.unless if other not in earlier]:
        raise declared.error(f"'unless' names {unknown[0]}, which is no earlier rule.")
    return rule


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
    ranked = sorted(holding, key=lambda pair: (SEVERITIES.index(pair[0].priority), _KINDS.index(pair[0].kind)))
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

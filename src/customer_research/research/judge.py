"""Judging one measured operator: the scorecard's and the findings' SQL over its row, put into words."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from customer_research.domain.health import Finding, HealthScore
from customer_research.engines.duckdb import Memory
from customer_research.health.assembly import assemble
from customer_research.health.findings import FindingRule, assemble_findings, findings_sql, load_findings
from customer_research.health.scorecard import Scorecard, load_scorecard
from customer_research.health.scoring import scoring_sql
from customer_research.research.figures import WIDE_METRICS, Measuring

METRIC_NAMES = frozenset(metric.name for metric in WIDE_METRICS)


def judge(measuring: Measuring, scorecard: str) -> tuple[tuple[HealthScore, ...], tuple[Finding, ...]]:
    """The health score under a scorecard, and the correlation findings that hold.

    Raises:
        ConfigError: no such scorecard, or a fault in it.
    """
    card, scores = _compiled(scorecard, _changed_at(scorecard))
    score = assemble(card, measuring.run(scores)[0], measuring.figures, measuring.evidence)
    rules, held = _findings()
    return (score,), assemble_findings(rules, measuring.run(held)[0], measuring.figures)


def prepare(memory: Memory, scorecard: str) -> None:
    """Plan the queries of `judge`.

    Raises:
        ConfigError: no such scorecard, or a fault in it.
    """
    _, scores = _compiled(scorecard, _changed_at(scorecard))
    _, held = _findings()
    memory.prepare(scores)
    memory.prepare(held)


def _changed_at(scorecard: str) -> int:
    """When a scorecard's own file changed last, so that a long-lived process reads it anew; 0 for shipped ones."""
    path = Path(scorecard)
    return path.stat().st_mtime_ns if path.suffix == ".toml" and path.exists() else 0


@cache
def _compiled(scorecard: str, changed_at: int) -> tuple[Scorecard, str]:
    """A scorecard and its SQL: parsing and writing it takes longer than running it."""
    del changed_at
    card = load_scorecard(scorecard, METRIC_NAMES)
    return card, scoring_sql(card)["scores"]


@cache
def _findings() -> tuple[tuple[FindingRule, ...], str]:
    rules = load_findings(METRIC_NAMES)
    return rules, findings_sql(rules)

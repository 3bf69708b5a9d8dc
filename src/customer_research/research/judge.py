"""Judging one measured operator: the scorecard's and the findings' SQL over its row, put into words."""

from __future__ import annotations

from customer_research.domain.health import Finding, HealthScore
from customer_research.health.assembly import assemble
from customer_research.health.findings import assemble_findings, findings_sql, load_findings
from customer_research.health.scorecard import load_scorecard
from customer_research.health.scoring import scoring_sql
from customer_research.research.figures import WIDE_METRICS, Measuring

METRIC_NAMES = frozenset(metric.name for metric in WIDE_METRICS)


def judge(measuring: Measuring, scorecard: str) -> tuple[tuple[HealthScore, ...], tuple[Finding, ...]]:
    """The health score under a scorecard, and the correlation findings that hold.

    Raises:
        ConfigError: no such scorecard, or a fault in it.
    """
    card = load_scorecard(scorecard, METRIC_NAMES)
    scored = measuring.run(scoring_sql(card)["scores"])[0]
    score = assemble(card, scored, measuring.figures, measuring.evidence)
    rules = load_findings(METRIC_NAMES)
    held = measuring.run(findings_sql(rules))[0]
    return (score,), assemble_findings(rules, held, measuring.figures)

"""Judging one measured operator: the scorecard's and the findings' SQL over its row, put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from customer_research.domain.account import Account
from customer_research.domain.evidence import Evidence, Figure
from customer_research.domain.health import Finding, HealthScore
from customer_research.engines.duckdb import Memory
from customer_research.health.assembly import assemble, levers_of
from customer_research.health.findings import FindingRule, assemble_findings, findings_sql, load_findings
from customer_research.health.playbook import Playbook, Situation, advise, load_playbook
from customer_research.health.scorecard import Scorecard, load_scorecard
from customer_research.health.scoring import levers_sql, scoring_sql
from customer_research.health.urgency import Cause, Circumstances, causes_sql, load_causes, open_risk, urgency
from customer_research.research.one.figures import WIDE_METRICS

METRIC_NAMES = frozenset(metric.name for metric in WIDE_METRICS)


class MetricsRow(Protocol):
    """What is judged: figures, their row in the wide table (which `run` queries), and the records behind a figure."""

    @property
    def figures(self) -> Mapping[str, Figure]:
        """Every metric by name."""

    def run(self, sql: str) -> list[dict[str, Any]]:
        """Run a query over the wide table."""

    def evidence(self, metric_name: str) -> Evidence:
        """The records behind a metric."""


def judge(
    measurement: MetricsRow, scorecard: str, also: Iterable[str] = ()
) -> tuple[tuple[HealthScore, ...], tuple[Finding, ...]]:
    """The health score under a scorecard, then under each further one, and the correlation findings that hold.

    Raises:
        ConfigError: no such scorecard, or a fault in it.
    """
    return judge_by(measurement, [_compiled(name, _changed_at(name)) for name in dict.fromkeys((scorecard, *also))])


def with_levers(measurement: MetricsRow, score: HealthScore, scorecard: str) -> HealthScore:
    """The score under a scorecard, with what each thing that could be put right moves."""
    card, sql = _levers(scorecard, _changed_at(scorecard))
    return replace(score, levers=levers_of(card, measurement.run(sql), score))


def judge_by(
    row: MetricsRow, cards: Iterable[tuple[Scorecard, str]]
) -> tuple[tuple[HealthScore, ...], tuple[Finding, ...]]:
    """As `judge`, under scorecards that are given with their queries."""
    scores = tuple(assemble(card, row.run(sql)[0], row.figures, row.evidence) for card, sql in cards)
    rules, held = _findings()
    return scores, assemble_findings(rules, row.run(held)[0], row.figures)


def advised(measurement: MetricsRow, account: Account, playbook: Path | None) -> Account:
    """The account with what the playbook (None: the shipped one) says to do about it, and how soon.

    Raises:
        ConfigError: the playbook cannot be read, or a fault in it.
    """
    book = playbook_of(playbook)
    row = measurement.run(book.sql)[0]
    known = Situation(row, account.figures, account.score, account.findings, account.history)
    causes, sql = urgency_causes()
    rules, held = _findings()
    standing = Circumstances(
        measurement.run(sql)[0],
        account.figures,
        account.score,
        account.findings,
        account.as_of,
        open_risk(rules, measurement.run(held)[0], account.figures),
    )
    return replace(account, advice=advise(book, known), urgency=urgency(causes, standing))


def playbook_of(path: Path | None) -> Playbook:
    """The playbook of a file, or the shipped one; read anew when its file has changed.

    Raises:
        ConfigError: it cannot be read, or a fault in it.
    """
    return _playbook(path, 0 if path is None else _changed_at(str(path)))


@cache
def _playbook(path: Path | None, changed_at: int) -> Playbook:
    del changed_at
    return load_playbook(path, METRIC_NAMES)


def card_named(scorecard: str) -> Scorecard:
    """The scorecard of that name or file.

    Raises:
        ConfigError: no such scorecard, or a fault in it.
    """
    return _compiled(scorecard, _changed_at(scorecard))[0]


def scored_row(measurement: MetricsRow, scorecard: str) -> dict[str, Any]:
    """The operator's row of the scorecard's query (see `health.scoring`).

    Raises:
        ConfigError: no such scorecard, or a fault in it.
    """
    return measurement.run(_compiled(scorecard, _changed_at(scorecard))[1])[0]


def metrics_needed(card: Scorecard) -> tuple[str, ...]:
    """The metrics that decide a score or its gates, each once."""
    named = (name for rule in card.rules for name in (*rule.metrics, rule.per) if name)
    known_by = (name for dimension in card.dimensions for name in (*dimension.known_by, *dimension.needs))
    gates = (name for gate in card.gates for case in gate.cases for name in case.when.metrics)
    return tuple(dict.fromkeys((*named, *known_by, *gates)))


def prepare(memory: Memory, scorecard: str, playbook: Path | None = None) -> None:
    """Plan the queries of `judge` and `advised`.

    Raises:
        ConfigError: no such scorecard, or a fault in it or in the playbook.
    """
    _, scores = _compiled(scorecard, _changed_at(scorecard))
    _, held = _findings()
    memory.prepare(scores)
    memory.prepare(held)
    memory.prepare(playbook_of(playbook).sql)
    memory.prepare(urgency_causes()[1])


def _changed_at(scorecard: str) -> int:
    """When a scorecard's own file changed last, so that a long-lived process reads it anew; 0 for shipped ones."""
    path = Path(scorecard)
    return path.stat().st_mtime_ns if path.suffix == ".toml" and path.exists() else 0


@cache
def _compiled(scorecard: str, changed_at: int) -> tuple[Scorecard, str]:
    """A scorecard and its SQL: parsing and writing it takes longer than running it."""
    del changed_at
    card = load_scorecard(scorecard, METRIC_NAMES)
    return card, scoring_sql(card)


@cache
def _levers(scorecard: str, changed_at: int) -> tuple[Scorecard, str]:
    card, _ = _compiled(scorecard, changed_at)
    return card, levers_sql(card)


@cache
def urgency_causes() -> tuple[tuple[Cause, ...], str]:
    """The causes of urgency, and the query of their conditions."""
    causes = load_causes(METRIC_NAMES)
    return causes, causes_sql(causes)


@cache
def _findings() -> tuple[tuple[FindingRule, ...], str]:
    rules = load_findings(METRIC_NAMES)
    return rules, findings_sql(rules)

"""What is missing: the unknown figures that a scorecard needs, and the bounds of the score were they known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from customer_research.documents.present import gap_words
from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS, SILENT
from customer_research.domain.evidence import ANSWERS, Gap
from customer_research.domain.health import Bounds
from customer_research.domain.report import Report
from customer_research.health.bounds import (
    BOUNDS_TABLE,
    Question,
    Unknowns,
    bounds_sql,
    verdict_columns,
)
from customer_research.health.scorecard import Scorecard
from customer_research.metrics.queries import account_columns
from customer_research.reports.kind import STREAMS
from customer_research.reports.kinds.missing import KIND, Uncertainties, Uncertainty
from customer_research.research.one.figures import Measurement
from customer_research.research.one.judge import card_named, metrics_needed, scored_row
from customer_research.research.one.whatif import assumption

if TYPE_CHECKING:
    from customer_research.research.one.operators import Operators

EVERYTHING = "everything that is unknown"


async def missing(operators: Operators, term: str, *, scorecard: str | None = None) -> Report:
    """The operator's unknowns, the one that would move the score most first (see `Research.missing`)."""
    name = scorecard or operators.settings.scorecard
    account, measurement = await operators.measured(term, listings=STREAMS, scorecard=name)
    card = card_named(name)
    gaps = _gaps(account, card)
    causes = _causes(gaps)
    questions = [Question(metric, (metric,)) for metric in gaps]
    questions += [Question(f"cause {number}", metrics) for number, metrics in enumerate(causes.values())]
    if gaps:
        questions.append(Question(EVERYTHING, tuple(gaps)))
    found = answers(measurement, card, name, questions)
    return KIND.build(
        Uncertainties(
            account,
            [
                _unknown(account, found[metric], f"{METRICS[metric].label} ({metric})", gap)
                for metric, gap in gaps.items()
            ],
            [
                _unknown(account, found[f"cause {number}"], gap_words(gap), gap)
                for number, gap in enumerate(causes)
                if len(causes[gap]) > 1
            ],
            _unknown(account, found[EVERYTHING], EVERYTHING, None) if gaps else None,
        )
    )


def _gaps(account: Account, card: Scorecard) -> dict[str, Gap]:
    """The unknown metrics that the scorecard needs; what cannot apply to the operator will never be known."""
    found = ((name, account.figures[name]) for name in metrics_needed(card))
    return {name: gap for name, gap in found if isinstance(gap, Gap) and gap.reason != "not_applicable"}


def _causes(gaps: dict[str, Gap]) -> dict[Gap, tuple[str, ...]]:
    """Outages and missing settings → the metrics each keeps away."""
    grouped: dict[Gap, list[str]] = defaultdict(list)
    for name, gap in gaps.items():
        if gap.reason not in ANSWERS:
            grouped[Gap(gap.source, gap.reason, gap.detail, gap.next_step)].append(name)
    return {gap: tuple(names) for gap, names in grouped.items()}


def answers(measurement: Measurement, card: Scorecard, scorecard: str, questions: list[Question]) -> dict[str, Bounds]:
    """The bounds of each question by its name, all scored in one statement; what a question leaves unknown moves nothing in its answer."""
    if not questions:
        return {}
    needed = ("operator_id", "status", SILENT, *metrics_needed(card))
    row = {name: value for name, value in measurement.wide_row().items() if name in needed} | {SILENT: ""}
    unknowns = Unknowns(card, row, scored_row(measurement, scorecard), {m.name: m.unit for m in METRICS.values()})
    rows = [row for question in questions for row in unknowns.rows(question)]
    scored: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in measurement.over(BOUNDS_TABLE, _columns(card), rows, _sql(card)):
        scored[result["operator_id"].rpartition("/")[0]].append(result)
    return {question.name: unknowns.bounds(question, scored[question.name]) for question in questions}


@cache
def _sql(card: Scorecard) -> str:
    return bounds_sql(card)


def _columns(card: Scorecard) -> dict[str, str]:
    types = account_columns()
    kept = {name: types[name] for name in ("operator_id", "status", SILENT, *metrics_needed(card))}
    return kept | dict.fromkeys(verdict_columns(card), "BIGINT")


def _unknown(account: Account, bounds: Bounds, what: str, gap: Gap | None) -> Uncertainty:
    rules = ", ".join(bounds.rules) or "no rule"
    text = f"{what}: known; {rules} taken to hold, and not to"
    return Uncertainty(**asdict(bounds), what=what, gap=gap, receipt=assumption(text, account.generated_at))

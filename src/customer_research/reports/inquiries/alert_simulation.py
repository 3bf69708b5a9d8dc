"""Alert rules tried on the history: what each would have raised, and what became of the operators."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from customer_research.domain.alert import SimulationResult, Tally
from customer_research.domain.evidence import Figure, Gap
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Prose, Text
from customer_research.domain.words import counted
from customer_research.reports.blocks import NOT_KNOWN, grid
from customer_research.reports.kind import Head, Outline, section
from customer_research.reports.kinds.alerts import AlertBasis
from customer_research.reports.tones import PRIORITY_TONES

_NEAR = 0.5
"""Weeks by which a history may be shorter than asked without a word."""


@dataclass(frozen=True, slots=True)
class AlertSimulation:
    """A simulation over `weeks` as asked; `owners` is how many account owners share the alerts (0: not known)."""

    basis: AlertBasis
    found: SimulationResult
    weeks: int
    owners: int = 0


def _head(simulated: AlertSimulation) -> Head:
    basis = simulated.basis
    return Head(basis.generated_at, basis.as_of, basis.freshness, _headline(simulated), _warnings(simulated))


def _headline(simulated: AlertSimulation) -> Prose:
    found = simulated.found
    on = [tally for tally in found.tallies if tally.enabled]
    alerts = sum(tally.alerts for tally in on)
    enabled = {tally.rule for tally in on}
    operators = len({e.subject for e in found.episodes if not e.source and e.rule in enabled})
    text = (
        f"In {found.weeks:.0f} weeks ({counted(len(found.instants), 'snapshot')}) the rules in force would have given "
        f"{counted(alerts, 'reason')} on {counted(operators, 'operator')}: {sum(t.at_start for t in on)} at the start, "
        f"then {math.fsum(t.per_week for t in on):.1f} a week."
    )
    weekly = found.new_alerts / max(found.weeks, 1)
    share = (
        f", {weekly / simulated.owners:.1f} for each of {simulated.owners} account owners" if simulated.owners else ""
    )
    text += f" As people see them, one an operator: {weekly:.1f} new ones a week{share}."
    facts = (
        simulated.basis.proof.fact(alerts, "count"),
        simulated.basis.proof.fact(operators, "count"),
        simulated.basis.proof.fact(weekly, "number"),
    )
    return Prose(text, facts)


def _warnings(simulated: AlertSimulation) -> Iterator[Prose]:
    found = simulated.found
    if found.weeks + _NEAR < simulated.weeks:
        yield Prose(
            f"The history has {found.weeks:.0f} of the {simulated.weeks} weeks asked for.",
            (),
            "watch",
            "`customer-research history backfill` scores earlier ones.",
        )
    if found.blind:
        yield Prose(
            f"The metrics of {len(found.blind)} of {counted(len(found.instants), 'snapshot')} are no longer in the lake: "
            "rules over metrics could not be told there.",
            (),
            "watch",
        )


def _order(simulated: AlertSimulation) -> list[Tally]:
    return sorted(simulated.found.tallies, key=lambda tally: (-tally.alerts, tally.rule))


def _raised(simulated: AlertSimulation) -> Iterator[Block | None]:
    declared = "Rule | !Severity | >Alerts | >At the start | >A week | >Worst week | >Operators | >Open at the end"
    yield grid(declared, (_line(simulated, tally) for tally in _order(simulated)), simulated.basis.receipts)


def _line(simulated: AlertSimulation, tally: Tally) -> tuple[Cell, ...]:
    return (
        Text(tally.rule if tally.enabled else f"{tally.rule} (off)"),
        Text(tally.severity, PRIORITY_TONES[tally.severity]),
        *simulated.basis.proof.facts("count", tally.alerts, tally.at_start),
        simulated.basis.proof.fact(tally.per_week, "number"),
        *simulated.basis.proof.facts("count", tally.worst_week, tally.operators, tally.still_open),
    )


def _lived(simulated: AlertSimulation) -> Iterator[Block | None]:
    declared = "Rule | >Days, median | >Without episodes | >Not told | >Left | >Of"
    yield grid(declared, (_life(simulated, tally) for tally in _order(simulated)), simulated.basis.receipts)
    yield Prose(
        "Days: from raising to clearing. Without episodes: what a rule would have sent that tells every snapshot in which it "
        "holds. Not told: how often a figure that it needs was unknown. Left: the share of alerted operators who churned "
        "within 90 days of their first alert, of those with 90 days of history after it."
    )
    yield Figures((FigureLine("Operators who leave within 90 days, alert or not", _base(simulated)),))


def _life(simulated: AlertSimulation, tally: Tally) -> tuple[Cell, ...]:
    days: Cell = NOT_KNOWN if tally.median_days is None else simulated.basis.proof.fact(tally.median_days, "number")
    left: Cell = NOT_KNOWN if tally.churn.share is None else simulated.basis.proof.fact(tally.churn.share, "ratio")
    return (
        Text(tally.rule),
        days,
        *simulated.basis.proof.facts("count", tally.held, tally.unknown),
        left,
        simulated.basis.proof.fact(tally.churn.known, "count"),
    )


def _base(simulated: AlertSimulation) -> Figure:
    outcome = simulated.found.base
    if outcome.share is None:
        return Gap("alerts", "none_found", "no snapshot has 90 days of history after it")
    return simulated.basis.proof.fact(outcome.share, "ratio")


REPORT = Outline(
    "alerts_simulation",
    "Alerts: simulation",
    _head,
    (
        section("raised", "What would have been raised", _raised),
        section("lived", "What became of it", _lived),
    ),
)

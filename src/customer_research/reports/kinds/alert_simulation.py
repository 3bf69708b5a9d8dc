"""Alert rules tried on the history: what each would have raised, and what became of the operators."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from customer_research.domain.alert import Simulated, Tally
from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Prose, Report, Table, Text
from customer_research.domain.words import counted
from customer_research.reports.build import section, sections
from customer_research.reports.kinds.alerts import Desk
from customer_research.reports.tones import PRIORITY_TONES

_RAISED = ("Rule", "Severity", "Alerts", "At the start", "A week", "Worst week", "Operators", "Open at the end")
_LIVED = ("Rule", "Days, median", "Without episodes", "Not told", "Left", "Of")
_NOT_KNOWN = Text("not known", "unknown")
_NEAR = 0.5
"""Weeks by which a history may be shorter than asked without a word."""


@dataclass(frozen=True, slots=True)
class SimulatedAlerts:
    """A simulation over `weeks` as asked; `owners` is how many account owners share the alerts (0: not known)."""

    desk: Desk
    found: Simulated
    weeks: int
    owners: int = 0


def build_simulated(simulated: SimulatedAlerts) -> Report:
    """The simulation as a report: rules by the alerts that they would have raised."""
    desk = simulated.desk
    return Report(
        kind="alerts_simulation",
        title="Alerts: simulation",
        operator_id="",
        operator_name="",
        generated_at=desk.generated_at,
        as_of=desk.as_of,
        sections=sections(
            section("What would have been raised", *_raised(simulated), id="raised"),
            section("What became of it", *_lived(simulated), id="lived"),
        ),
        freshness=desk.freshness,
        warnings=tuple(_warnings(simulated)),
        headline=_headline(simulated),
    )


def _headline(simulated: SimulatedAlerts) -> Prose:
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
        _fact(simulated, alerts, "count"),
        _fact(simulated, operators, "count"),
        _fact(simulated, weekly, "number"),
    )
    return Prose(text, facts)


def _fact(simulated: SimulatedAlerts, value: float, unit: str) -> Fact[float]:
    return Fact(value, unit, simulated.desk.receipts, simulated.desk.as_of)


def _warnings(simulated: SimulatedAlerts) -> Iterator[Prose]:
    found = simulated.found
    if found.weeks + _NEAR < simulated.weeks:
        yield Prose(
            f"The history has {found.weeks:.0f} of the {simulated.weeks} weeks asked for; "
            "`customer-research history backfill` scores earlier ones.",
            (),
            "watch",
        )
    if found.blind:
        yield Prose(
            f"The metrics of {len(found.blind)} of {counted(len(found.instants), 'snapshot')} are no longer in the lake: "
            "rules over metrics could not be told there.",
            (),
            "watch",
        )


def _order(simulated: SimulatedAlerts) -> list[Tally]:
    return sorted(simulated.found.tallies, key=lambda tally: (-tally.alerts, tally.rule))


def _raised(simulated: SimulatedAlerts) -> Iterator[Block]:
    rows = tuple(_line(simulated, tally) for tally in _order(simulated))
    right: tuple[Literal["right"], ...] = ("right",) * 6
    yield Table(_RAISED, rows, simulated.desk.receipts, align=("left", "left", *right), words=_RAISED[1:2])


def _line(simulated: SimulatedAlerts, tally: Tally) -> tuple[Cell, ...]:
    return (
        Text(tally.rule if tally.enabled else f"{tally.rule} (off)"),
        Text(tally.severity, PRIORITY_TONES[tally.severity]),
        *(_fact(simulated, number, "count") for number in (tally.alerts, tally.at_start)),
        _fact(simulated, tally.per_week, "number"),
        *(_fact(simulated, number, "count") for number in (tally.worst_week, tally.operators, tally.still_open)),
    )


def _lived(simulated: SimulatedAlerts) -> Iterator[Block]:
    rows = tuple(_life(simulated, tally) for tally in _order(simulated))
    right: tuple[Literal["right"], ...] = ("right",) * 5
    yield Table(_LIVED, rows, simulated.desk.receipts, align=("left", *right))
    yield Prose(
        "Days: from raising to clearing. Without episodes: what a rule would have sent that tells every snapshot in which it "
        "holds. Not told: how often a figure that it needs was unknown. Left: the share of alerted operators who churned "
        "within 90 days of their first alert, of those with 90 days of history after it."
    )
    yield Figures((FigureLine("Operators who leave within 90 days, alert or not", _base(simulated)),))


def _life(simulated: SimulatedAlerts, tally: Tally) -> tuple[Cell, ...]:
    days: Cell = _NOT_KNOWN if tally.median_days is None else _fact(simulated, tally.median_days, "number")
    left: Cell = _NOT_KNOWN if tally.churn.share is None else _fact(simulated, tally.churn.share, "ratio")
    return (
        Text(tally.rule),
        days,
        *(_fact(simulated, number, "count") for number in (tally.held, tally.unknown)),
        left,
        _fact(simulated, tally.churn.known, "count"),
    )


def _base(simulated: SimulatedAlerts) -> Figure:
    outcome = simulated.found.base
    if outcome.share is None:
        return Gap("alerts", "none_found", "no snapshot has 90 days of history after it")
    return _fact(simulated, outcome.share, "ratio")

"""Monthly checks of a calibrated scorecard: is churn as it says, and are scores distributed as they were?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from customer_research.domain.backtest import DRIFT_HIGH, DRIFT_LOW, DRIFT_PSI, Drift, DriftMonth
from customer_research.domain.evidence import Figure, Gap
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Prose, Text
from customer_research.domain.words import counted
from customer_research.reports.blocks import Proof, grid
from customer_research.reports.inquiries.backtest_report import TrialGround
from customer_research.reports.kind import Head, Outline, section

_SOURCE = "drift"


@dataclass(frozen=True, slots=True)
class DriftResult:
    """Checks of one scorecard that was calibrated on dates up to `last_as_of`; `written` is the new version, if any."""

    name: str
    version: str
    last_as_of: date
    found: Drift
    written: Path | None
    ground: TrialGround
    now: datetime


def _head(result: DriftResult) -> Head:
    return result.ground.head(result.now, _headline(result), f"Drift of {result.name} {result.version}")


def _headline(result: DriftResult) -> Prose:
    found = result.found
    facts = (Proof(result.ground.receipts, result.ground.known_until).fact(len(found.months)),)
    dates = counted(len(found.months), "date")
    if found.refit:
        wrong = sum(month.refit for month in found.months)
        return Prose(f"Churn is not as the scorecard says on {wrong} of {dates}: refit the intercept.", facts, "bad")
    if found.shifted:
        return Prose(
            f"Churn is as the scorecard says on {dates}, but scores are distributed otherwise.", facts, "watch"
        )
    if all(month.observed is None for month in found.months):
        return Prose(
            "No window after the calibration is over yet, so that its churn cannot be checked.", facts, "watch"
        )
    return Prose(f"Churn is as the scorecard says on {dates}, and scores are distributed as they were.", facts, "good")


def _months(result: DriftResult) -> Iterator[Block | None]:
    if result.found.own_dates:
        yield Prose(
            f"No window after {result.last_as_of}, the last date that it was calibrated on, is over: these are its own dates, which "
            "it should fit.",
            (),
            "watch",
        )
    rows = (_row(result, month) for month in result.found.months)
    yield grid("Date | >Rows | >Expected | >Observed | >Ratio | >PSI | Verdict", rows, result.ground.basis)
    yield Prose(
        f"Ratio: observed over expected churn, with its Poisson interval: outside {DRIFT_LOW} to {DRIFT_HIGH}, and 1 not within the "
        f"interval, the intercept is to be refitted. PSI above {DRIFT_PSI}: the scores are distributed otherwise than in the "
        "calibration."
    )


def _row(result: DriftResult, month: DriftMonth) -> tuple[Cell, ...]:
    still = Text("open", "unknown")
    return (
        Text(f"{month.as_of:%Y-%m-%d}"),
        result.ground.proof.fact(month.rows, "count"),
        still if month.expected is None else result.ground.proof.fact(month.expected, "number"),
        still if month.observed is None else result.ground.proof.fact(month.observed, "count"),
        still if month.ratio is None else result.ground.proof.fact(month.ratio, "estimate"),
        Gap(_SOURCE, "none_found", "the calibration tells no scores")
        if month.psi is None
        else result.ground.proof.fact(month.psi, "measure"),
        _verdict(result, month),
    )


def _verdict(result: DriftResult, month: DriftMonth) -> Cell:
    words = [*(["refit the intercept"] if month.refit else []), *(["scores shifted"] if month.shifted else [])]
    if words:
        return result.ground.proof.stated(", ".join(words), "bad" if month.refit else "watch")
    if month.observed is None:
        return Text("window open", "unknown")
    return result.ground.proof.stated("as expected", "good")


def _intercept(result: DriftResult) -> Iterator[Block]:
    found = result.found
    why = "no churn was seen on these dates"
    refitted: Figure = (
        Gap(_SOURCE, "none_found", why)
        if found.refitted is None
        else result.ground.proof.fact(found.refitted, "measure")
    )
    yield Figures(
        (
            FigureLine("Intercept in the scorecard", result.ground.proof.fact(found.intercept, "measure")),
            FigureLine("Intercept that these dates ask for", refitted),
        )
    )
    if result.written is not None:
        yield Prose(f"Written: {result.written.name}, with the new intercept.")


REPORT = Outline(
    "drift",
    "Drift",
    _head,
    (section("dates", "By date", _months), section("intercept", "Intercept", _intercept)),
)

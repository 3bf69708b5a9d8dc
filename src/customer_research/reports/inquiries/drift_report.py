"""Monthly checks of a calibrated scorecard: is churn as it says, and are scores distributed as they were?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from customer_research.domain.backtest import DRIFT_HIGH, DRIFT_LOW, DRIFT_PSI, Drift, DriftMonth
from customer_research.domain.evidence import Figure, Gap, Receipt
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Freshness, Prose, Text
from customer_research.domain.words import counted
from customer_research.reports.blocks import Proof, grid
from customer_research.reports.kind import Head, Outline, section

_SOURCE = "drift"


@dataclass(frozen=True, slots=True)
class DriftResult:
    """Checks of one scorecard that was calibrated on dates up to `last_as_of`; `written` names the new version, if any."""

    name: str
    version: str
    last_as_of: date
    found: Drift
    written: str
    basis: tuple[Receipt, ...]
    receipts: tuple[Receipt, ...]
    freshness: tuple[Freshness, ...]
    as_of: datetime
    now: datetime

    @property
    def proof(self) -> Proof:
        """What was computed of the rows."""
        return Proof(self.basis, self.as_of)


def _head(told: DriftResult) -> Head:
    return Head(told.now, told.as_of, told.freshness, _headline(told), title=f"Drift of {told.name} {told.version}")


def _headline(told: DriftResult) -> Prose:
    found = told.found
    facts = (Proof(told.receipts, told.as_of).fact(len(found.months)),)
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


def _months(told: DriftResult) -> Iterator[Block | None]:
    if told.found.own_dates:
        yield Prose(
            f"No window after {told.last_as_of}, the last date that it was calibrated on, is over: these are its own dates, which "
            "it should fit.",
            (),
            "watch",
        )
    rows = (_row(told, month) for month in told.found.months)
    yield grid("Date | >Rows | >Expected | >Observed | >Ratio | >PSI | Verdict", rows, told.basis)
    yield Prose(
        f"Ratio: observed over expected churn, with its Poisson interval: outside {DRIFT_LOW} to {DRIFT_HIGH}, and 1 not within the "
        f"interval, the intercept is to be refitted. PSI above {DRIFT_PSI}: the scores are distributed otherwise than in the "
        "calibration."
    )


def _row(told: DriftResult, month: DriftMonth) -> tuple[Cell, ...]:
    still = Text("open", "unknown")
    return (
        Text(f"{month.as_of:%Y-%m-%d}"),
        told.proof.fact(month.rows, "count"),
        still if month.expected is None else told.proof.fact(month.expected, "number"),
        still if month.observed is None else told.proof.fact(month.observed, "count"),
        still if month.ratio is None else told.proof.fact(month.ratio, "estimate"),
        Gap(_SOURCE, "none_found", "the calibration tells no scores")
        if month.psi is None
        else told.proof.fact(month.psi, "measure"),
        _verdict(told, month),
    )


def _verdict(told: DriftResult, month: DriftMonth) -> Cell:
    words = [*(["refit the intercept"] if month.refit else []), *(["scores shifted"] if month.shifted else [])]
    if words:
        return told.proof.stated(", ".join(words), "bad" if month.refit else "watch")
    if month.observed is None:
        return Text("window open", "unknown")
    return told.proof.stated("as expected", "good")


def _intercept(told: DriftResult) -> Iterator[Block]:
    found = told.found
    why = "no churn was seen on these dates"
    refitted: Figure = (
        Gap(_SOURCE, "none_found", why) if found.refitted is None else told.proof.fact(found.refitted, "measure")
    )
    yield Figures(
        (
            FigureLine("Intercept in the scorecard", told.proof.fact(found.intercept, "measure")),
            FigureLine("Intercept that these dates ask for", refitted),
        )
    )
    if told.written:
        yield Prose(f"Written: {told.written}, with the new intercept.")


REPORT = Outline(
    "drift",
    "Drift",
    _head,
    (section("dates", "By date", _months), section("intercept", "Intercept", _intercept)),
)

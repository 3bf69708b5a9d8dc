"""Where a scorecard alerts, and the churn that its bands were tied to: the table `[alerting]` that `thresholds` writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

from customer_research.domain.calibration import Estimate
from customer_research.health.declaration import Declaration

ChosenBy = Literal["capacity", "cost"]


@dataclass(frozen=True, slots=True)
class BandChurn:
    """Bands that are one as far as churn tells, and what became of those in them."""

    bands: tuple[str, ...]
    rows: int
    churned_accounts: int
    rate: Estimate


@dataclass(frozen=True, slots=True)
class AlertChoice:
    """Alert at a score of `at` or less, chosen by capacity or cost on so many churned accounts (`events`)."""

    at: int
    chosen_by: ChosenBy
    because: str
    events: int
    bands: tuple[BandChurn, ...]


def read_alert_choice(top: Declaration) -> AlertChoice | None:
    """The table `[alerting]` of a scorecard; None when it has none."""
    if "alerting" not in top:
        return None
    declared = top.table("alerting")
    chosen_by = declared.text("chosen_by")
    if chosen_by not in get_args(ChosenBy):
        raise declared.error(f"'chosen_by' is none of {', '.join(get_args(ChosenBy))}.")
    found = AlertChoice(
        at=declared.integer("at"),
        chosen_by=cast("ChosenBy", chosen_by),
        because=declared.text("because"),
        events=declared.integer("events"),
        bands=tuple(_bands(line) for line in declared.tables("bands")),
    )
    if not 0 <= found.at <= 100:  # noqa: PLR2004 - scores run from 0 to 100
        raise declared.error("'at' is a score: 0 to 100.")
    declared.finish()
    return found


def _bands(declared: Declaration) -> BandChurn:
    bounds = [declared.number(key) if key in declared else None for key in ("low", "high")]
    found = BandChurn(
        declared.texts("bands"),
        declared.integer("rows"),
        declared.integer("churned_accounts"),
        Estimate(declared.number("rate"), *bounds),
    )
    declared.finish()
    return found

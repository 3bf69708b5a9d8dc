"""What churn says of a scorecard, besides its rules: the points of its signals, its calibration, and where it alerts.

In the file: `[[signals]]` (name, dimension, points, expert_points); `[calibration]` with `state`, the Platt curve (`intercept`,
`slope`), what it rests on, `[[calibration.observed]]`, churn by score, and `[[calibration.alarms]]`, the signals that were
suspected of knowing the churn, with what was decided of each and by whom; `[alerting]`, which `thresholds` writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictFloat, StrictInt, model_validator

from customer_research.domain.calibration import Estimate, ObservedChurn, Platt
from customer_research.health.declaration import Fault, Score

State = Literal["adopted", "proposed", "expert"]
"""adopted: fitted points; proposed: a person has yet to confirm them, or to settle a suspected leak; expert: the expert's own
points."""

ChosenBy = Literal["capacity", "cost"]

_FOR_PEOPLE = frozenset({"tau", "seed", "split", "signals_digest", "points_digest", "alarms"})
"""What a calibration says of itself and nothing is computed from."""

Finite = Annotated[StrictFloat, Field(allow_inf_nan=False)]


def _estimated(table: Any) -> Any:
    """A rate with its interval, as an estimate."""
    if not isinstance(table, dict) or "rate" not in table:
        return table
    rest = {key: value for key, value in table.items() if key not in ("rate", "low", "high")}
    return {**rest, "rate": {"value": table["rate"], "low": table.get("low"), "high": table.get("high")}}


@dataclass(frozen=True, slots=True)
class SignalPoints:
    """A signal of a table: its dimension, and the points that it takes of the dimension at severity 1 (below 0: a bonus)."""

    name: str
    dimension: str
    points: Finite
    expert_points: Finite

    @model_validator(mode="before")
    @classmethod
    def _unchanged(cls, table: Any) -> Any:
        return {"expert_points": table["points"], **table} if isinstance(table, dict) and "points" in table else table


@dataclass(frozen=True, slots=True)
class ChurnEvidence:
    """The churn that a scorecard was calibrated on; `curve` is its probability of churn within `window_days`.

    `uncalibrated` names rules that count in the product's score but were no signals of the calibration: a score with them is
    not the one that the curve was fitted to.
    """

    state: State
    intercept: Finite
    slope: Annotated[Finite, Field(ge=0)]
    window_days: StrictInt
    events: StrictInt
    accounts: StrictInt
    rows: StrictInt
    first_as_of: str
    last_as_of: str
    observed: tuple[Annotated[ObservedChurn, BeforeValidator(_estimated)], ...] = ()
    uncalibrated: Annotated[tuple[str, ...], Field(alias="uncalibrated_rules")] = ()

    @model_validator(mode="before")
    @classmethod
    def _computed_from(cls, table: Any) -> Any:
        return {key: table[key] for key in table if key not in _FOR_PEOPLE} if isinstance(table, dict) else table

    @model_validator(mode="after")
    def _of_scores(self) -> ChurnEvidence:
        for line in self.observed:
            if not 0 <= line.lowest <= line.highest <= 100:  # noqa: PLR2004 - scores run from 0 to 100
                raise Fault("'lowest' and 'highest' must be scores, the lower one first", where="observed")
        return self

    @property
    def curve(self) -> Platt:
        """The probability of churn within `window_days` by score."""
        return Platt(self.intercept, self.slope)

    def of_score(self, score: int) -> ObservedChurn | None:
        """What became of those with this score: the bin that holds it, or the nearest; none when there is none."""
        apart = [(max(line.lowest - score, score - line.highest, 0), line) for line in self.observed]
        return min(apart, key=lambda entry: entry[0])[1] if apart else None


@dataclass(frozen=True, slots=True)
class BandChurn:
    """Bands that are one as far as churn tells, and what became of those in them."""

    bands: tuple[str, ...]
    rows: StrictInt
    churned_accounts: StrictInt
    rate: Estimate


@dataclass(frozen=True, slots=True)
class AlertChoice:
    """Alert at a score of `at` or less, chosen by capacity or cost on so many churned accounts (`events`)."""

    at: Score
    chosen_by: ChosenBy
    because: str
    events: StrictInt
    bands: tuple[Annotated[BandChurn, BeforeValidator(_estimated)], ...] = ()

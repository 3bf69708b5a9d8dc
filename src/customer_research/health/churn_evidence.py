"""What a calibrated scorecard carries besides its rules: the points of its signals, and the churn that they were tried on.

In the file: `[[signals]]` (name, dimension, points, expert_points), and one table `[calibration]` with `state`, the Platt curve
(`intercept`, `slope`), what it rests on, `[[calibration.observed]]`, churn by score, and `[[calibration.alarms]]`, the signals that
were suspected of knowing the churn, with what was decided of each and by whom.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, cast, get_args

from customer_research.domain.calibration import Estimate, ObservedChurn, Platt
from customer_research.health.declaration import Declaration

State = Literal["adopted", "proposed", "expert"]
"""adopted: fitted points; proposed: a person has yet to confirm them, or to settle a suspected leak; expert: the expert's own
points."""


@dataclass(frozen=True, slots=True)
class SignalPoints:
    """A signal of a table: its dimension, and the points that it takes of the dimension at severity 1 (below 0: a bonus)."""

    name: str
    dimension: str
    points: float
    expert_points: float


@dataclass(frozen=True, slots=True)
class ChurnEvidence:
    """The churn that a scorecard was calibrated on; `curve` is its probability of churn within `window_days`.

    `uncalibrated` names rules that count in the product's score but were no signals of the calibration: a score with them is
    not the one that the curve was fitted to.
    """

    state: State
    curve: Platt
    window_days: int
    events: int
    accounts: int
    rows: int
    first_as_of: str
    last_as_of: str
    observed: tuple[ObservedChurn, ...]
    uncalibrated: tuple[str, ...]

    def of_score(self, score: int) -> ObservedChurn | None:
        """What became of those with this score: the bin that holds it, or the nearest; none when there is none."""
        apart = [(max(line.lowest - score, score - line.highest, 0), line) for line in self.observed]
        return min(apart, key=lambda entry: entry[0])[1] if apart else None


def read_signals(top: Declaration, dimensions: Collection[str]) -> tuple[SignalPoints, ...]:
    """The signals of a scorecard; none when it has none."""
    found: dict[str, SignalPoints] = {}
    for declared in top.tables("signals", "name"):
        points = declared.number("points")
        expert = declared.number("expert_points") if "expert_points" in declared else points
        signal = SignalPoints(declared.text("name"), declared.text("dimension"), points, expert)
        if signal.dimension not in dimensions or signal.name in found or not math.isfinite(signal.points):
            raise declared.error("it needs a name of its own, a declared dimension, and finite points.")
        declared.finish()
        found[signal.name] = signal
    return tuple(found.values())


def read_evidence(top: Declaration) -> ChurnEvidence | None:
    """The calibration of a scorecard; none when it was never calibrated."""
    if "calibration" not in top:
        return None
    declared = top.table("calibration")
    state = declared.text("state")
    if state not in get_args(State):
        raise declared.error(f"'state' is none of {', '.join(get_args(State))}.")
    curve = Platt(declared.number("intercept"), declared.number("slope"))
    if not math.isfinite(curve.intercept) or not 0 <= curve.slope < math.inf:
        raise declared.error("'intercept' and 'slope' must be finite, the slope not below 0.")
    for told in (
        "tau",
        "seed",
        "split",
        "signals_digest",
        "points_digest",
        "alarms",
    ):  # for people; nothing is computed from them
        declared.anything(told)
    found = ChurnEvidence(
        state=cast("State", state),
        curve=curve,
        window_days=declared.integer("window_days"),
        events=declared.integer("events"),
        accounts=declared.integer("accounts"),
        rows=declared.integer("rows"),
        first_as_of=declared.text("first_as_of"),
        last_as_of=declared.text("last_as_of"),
        observed=tuple(_observed(line) for line in declared.tables("observed")),
        uncalibrated=declared.texts("uncalibrated_rules", ()),
    )
    declared.finish()
    return found


def _observed(declared: Declaration) -> ObservedChurn:
    bounds = [declared.number(key) if key in declared else None for key in ("low", "high")]
    found = ObservedChurn(
        lowest=declared.integer("lowest"),
        highest=declared.integer("highest"),
        rows=declared.integer("rows"),
        accounts=declared.integer("accounts"),
        churned=declared.integer("churned"),
        churned_accounts=declared.integer("churned_accounts"),
        rate=Estimate(declared.number("rate"), *bounds),
    )
    if not 0 <= found.lowest <= found.highest <= 100:  # noqa: PLR2004 - scores run from 0 to 100
        raise declared.error("'lowest' and 'highest' must be scores, the lower one first.")
    declared.finish()
    return found

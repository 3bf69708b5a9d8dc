"""How well a score tells who leaves, and what a calibration on real churn found. Plain values, for reports and files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Adoption = Literal["adopted", "proposed", "refused"]
"""adopted: fitted points ship; proposed: they wait for a person's word; refused: the expert's points stay."""

Verdict = Literal["differs", "not_distinguishable", "pinned", "never_varies", "not_fitted"]
"""Of a fitted signal against the expert: differs (its interval leaves the expert out), not distinguishable from the expert,
pinned at zero (its sign contradicts its meaning), never varies in these rows, or not fitted at all."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval by bootstrap over accounts; an interval that cannot be told is (None, None)."""

    value: float
    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the interval holds a value; an unknown interval holds any."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Rows of one quantile bin of predicted probability: how many, the mean predicted, and the share that churned."""

    rows: int
    churned: int
    lowest: float
    highest: float
    predicted: float
    observed: Estimate


@dataclass(frozen=True, slots=True)
class GroupChurn:
    """What became of a group of rows (a band, a decile, some bands merged): counts, churn rate, and lift over all rows.

    `rate` is the share of rows whose window held a churn; None where the group has no rows.
    """

    name: str
    rows: int
    accounts: int
    churned: int
    churned_accounts: int
    rate: Estimate | None
    lift: Estimate | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well risks (and probabilities, where there are any) told churn, on rows they were not fitted to.

    auc: chance that a churned row ranks above another; average_precision: area under precision and recall; brier, log_loss:
    mean squared and logarithmic loss; slope: of churn on the predicted log odds (1 is right, below 1 too extreme);
    intercept: log odds that are missing in the mean (0 is right); ece: mean gap between predicted and observed over
    quantile bins. None where it cannot be told (no probability, or only one kind of row).
    """

    rows: int
    accounts: int
    churned: int
    churned_accounts: int
    auc: Estimate | None
    average_precision: Estimate | None
    brier: Estimate | None
    log_loss: Estimate | None
    slope: Estimate | None
    intercept: Estimate | None
    ece: Estimate | None
    reliability: tuple[Reliability, ...]
    deciles: tuple[GroupChurn, ...]


@dataclass(frozen=True, slots=True)
class AlertLoad:
    """What alerting at `score <= threshold` would mean: rows, operators a date in the mean, precision, recall by account."""

    threshold: int
    rows: int
    operators_a_date: float
    precision: Estimate | None
    recall: Estimate | None


@dataclass(frozen=True, slots=True)
class Platt:
    """A score's probability of churn within the window: `logit p = intercept + slope (100 - score)`, slope at least 0."""

    intercept: float
    slope: float

    def probability(self, score: int) -> float:
        """The probability that an operator with this score churns within the window."""
        odds = self.intercept + self.slope * (100 - score)
        return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))


@dataclass(frozen=True, slots=True)
class ObservedChurn:
    """What became of rows whose score lay within `lowest..highest`, out of fold: the evidence behind a probability."""

    lowest: int
    highest: int
    rows: int
    accounts: int
    churned: int
    churned_accounts: int
    rate: Estimate


@dataclass(frozen=True, slots=True)
class SignalResult:
    """One signal: the expert's points, the fitted ones (whole, as they ship; `estimate` before rounding), and what it tells.

    Shares are of all that the score can take (weight times points), which only is identified. `fires` counts rows above
    severity .5, `churn_where_fires` their churn rate, `auc` what the signal tells alone.
    """

    name: str
    dimension: str
    expert_points: float
    points: float | None
    estimate: Estimate | None
    expert_share: float
    share: Estimate | None
    verdict: Verdict
    fires: int
    churn_where_fires: float | None
    auc: float | None


@dataclass(frozen=True, slots=True)
class DimensionResult:
    """One dimension's weight: the expert's, the fitted one with its interval, and the one that ships if it is adopted."""

    name: str
    expert_weight: float
    weight: Estimate | None
    shipped: float | None


@dataclass(frozen=True, slots=True)
class AdoptionGate:
    """A gate: by how much the fitted score's log-loss a row is lower, its lower bound at `confidence`, and whether it passed."""

    name: str
    confidence: float
    gain: float
    low: float

    @property
    def passed(self) -> bool:
        """Whether the whole of the one-sided interval lies above zero."""
        return self.low > 0


LeakDecision = Literal["open", "kept", "dropped"]
Decider = Literal["nobody", "person", "guard"]


@dataclass(frozen=True, slots=True)
class LeakEffect:
    """What a signal does to the score that a calibration judges: AUC and log-loss a row, out of fold, with it and without it.

    None where it cannot be told: too little churn for a probability, or no signal is left without it.
    """

    auc_with: float | None
    auc_without: float | None
    log_loss_with: float | None
    log_loss_without: float | None


@dataclass(frozen=True, slots=True)
class LeakAlarm:
    """A signal that may know the churn that it should foresee: why, what it does, and what was decided of it, by whom.

    open: nobody has decided, and it counts until somebody does; dropped by the guard: it repeats the label. `why` is empty of a
    signal that nothing spoke against and that a person dropped. `auc` and `churn_where_fires` are what it tells alone.
    """

    signal: str
    why: str
    auc: float | None
    fires: int
    churn_where_fires: float | None
    decision: LeakDecision
    decided_by: Decider
    effect: LeakEffect | None = None


@dataclass(frozen=True, slots=True)
class BandCuts:
    """The least scores of healthy, monitor and at risk: of the scorecard that was calibrated, and as they ship.

    They move with a fit: Monitor begins where a churn within the window is as likely as in the mean of the rows (`base_rate`), At
    Risk where it is twice as likely, Critical four times. `stay` says why they did not move; empty: they did.
    """

    before: tuple[int, int, int]
    after: tuple[int, int, int]
    base_rate: float
    stay: str


@dataclass(frozen=True, slots=True)
class BandMove:
    """How many operators (at their latest as-of) stand in one band by the expert, and in another by the fitted points."""

    before: str
    after: str
    operators: int


@dataclass(frozen=True, slots=True)
class Mover:
    """An operator whose band would change."""

    operator_id: str
    as_of: datetime
    score_before: int
    score_after: int
    band_before: str
    band_after: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a calibration found, and what it came to.

    `events` are distinct churned accounts, `needed` where the ladder's next rung begins (None: the last is reached). `curve`,
    `bands`, `separate`, `observed` and `alert_loads` are of the score that ships: the fitted one when adopted or proposed, else
    the expert's. `embargo_days` only where the rows were split forward in time. Figures of a fit are out of fold, but for `unrounded_auc` and
    `shipped_auc`, which show what whole points cost, on all rows.
    """

    outcome: Adoption
    reason: str
    step: str
    events: int
    needed: int | None
    rows: int
    accounts: int
    churned_rows: int
    dates: int
    first_as_of: datetime
    last_as_of: datetime
    window_days: int
    embargo_days: int | None
    split: str
    seed: int
    draws: int
    tau: float | None
    base: str
    signals: tuple[SignalResult, ...]
    dimensions: tuple[DimensionResult, ...]
    gates: tuple[AdoptionGate, ...]
    alarms: tuple[LeakAlarm, ...]
    left_out: tuple[str, ...]
    base_log_loss: float | None
    expert: Evaluation
    fitted: Evaluation | None
    unrounded_auc: float | None
    shipped_auc: float | None
    curve: Platt | None
    cuts: BandCuts
    bands: tuple[GroupChurn, ...]
    separate: tuple[tuple[str, ...], ...]
    observed: tuple[ObservedChurn, ...]
    alert_loads: tuple[AlertLoad, ...]
    moved: tuple[BandMove, ...]
    movers: tuple[Mover, ...]
    may_set_cutoffs: bool

    @property
    def undecided(self) -> tuple[LeakAlarm, ...]:
        """The alarms that wait for a person."""
        return tuple(alarm for alarm in self.alarms if alarm.decision == "open")

    @property
    def dropped(self) -> tuple[LeakAlarm, ...]:
        """The signals that were left out, by the guard or by a person."""
        return tuple(alarm for alarm in self.alarms if alarm.decision == "dropped")

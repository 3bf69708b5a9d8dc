"""What a backtest found: how a scorecard did on past dates, what was left out, and what alerts would have been worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from customer_research.domain.calibration import Estimate, Evaluation, GroupChurn


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Rows that could not be used: the reason's key, how many, and the reason in words."""

    reason: str
    rows: int
    words: str


@dataclass(frozen=True, slots=True)
class OverwrittenRule:
    """A rule that no past date can judge, because what it rests on is overwritten; `whole`: none of its cases is left."""

    rule: str
    dimension: str
    overwritten: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Load:
    """What alerting at `score <= threshold` would have meant.

    `standing`: operators at or below it at a date, in the mean; `a_week`: operators that came below it, a week; `precision`:
    the share of alerted rows whose window held a churn; `recall`: the share of churned accounts of which such a row was
    alerted. `a_week_each` is `a_week` for each account manager (None: nobody knows how many there are).
    """

    threshold: int
    rows: int
    standing: float
    a_week: Estimate | None
    a_week_each: Estimate | None
    precision: Estimate | None
    recall: Estimate | None


@dataclass(frozen=True, slots=True)
class LeadTime:
    """How long before their churn accounts stood at or below a threshold without a break, up to the last date before it.

    `churned`: accounts whose churn has a date and a row before it; `alerted`: how many of these stood so; `share` of them;
    `median_days` over the alerted.
    """

    threshold: int
    churned: int
    alerted: int
    share: Estimate | None
    median_days: Estimate | None


@dataclass(frozen=True, slots=True)
class CardTrial:
    """One scorecard on past dates. `probability` says where its probabilities come from, empty where it has none.

    `bands` go from the best to the worst; `unknown` rows have no score (too little was known), and count nowhere here.
    `lead` is None where no churn has a date.
    """

    name: str
    version: str
    digest: str
    rows: int
    unknown: int
    evaluation: Evaluation
    probability: str
    bands: tuple[GroupChurn, ...]
    merged: tuple[tuple[str, ...], ...]
    loads: tuple[Load, ...]
    lead: LeadTime | None
    left_out: tuple[OverwrittenRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The second scorecard less the first on the rows that both score: AUC, PR-AUC and log-loss, paired by account."""

    rows: int
    churned_accounts: int
    auc: Estimate | None
    average_precision: Estimate | None
    log_loss: Estimate | None
    same_band: int


Verdict = Literal["pass", "worse", "too_little"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a new scorecard may replace an old one: the verdict, and why, in a sentence."""

    verdict: Verdict
    why: str
    difference: Difference


Method = Literal["capacity", "cost"]


@dataclass(frozen=True, slots=True)
class Economics:
    """What an alert costs and may save, in USD cents: alert where `p x save_rate x value > cost`."""

    cost_minor: int
    value_minor: int
    save_rate: float

    @property
    def break_even(self) -> float:
        """The probability from which an alert is worth its cost."""
        return self.cost_minor / (self.save_rate * self.value_minor)


@dataclass(frozen=True, slots=True)
class AlertThreshold:
    """An alert threshold: alert at `score <= at` (None: at no score), how it was chosen, and what it would have meant.

    `capacity` is the number of new alerts a week that people can take; `economics` the costs; one of them is None.
    """

    at: int | None
    method: Method
    load: Load | None
    capacity: float | None
    economics: Economics | None
    events: int


@dataclass(frozen=True, slots=True)
class BandChoice:
    """Bands tied to observed churn: the cut-offs before and after, what became of each band, and which do not separate.

    `after` is None while there is too little churn for cut-offs of its own (`needed` churned accounts): the old ones stay.
    """

    before: tuple[int, int, int]
    after: tuple[int, int, int] | None
    groups: tuple[GroupChurn, ...]
    merged: tuple[tuple[str, ...], ...]
    events: int
    needed: int


@dataclass(frozen=True, slots=True)
class DriftMonth:
    """One date against a calibration: rows, expected and observed churn, their ratio, and how the scores have shifted.

    `expected`, `observed` and `ratio` are None while the window is open; `psi` is None where there is no reference.
    """

    as_of: datetime
    rows: int
    expected: float | None
    observed: int | None
    ratio: Estimate | None
    psi: float | None

    @property
    def refit(self) -> bool:
        """Whether observed over expected is outside 0.7 to 1.4, and 1 outside its interval: the intercept is to be refitted."""
        ratio = self.ratio
        return ratio is not None and not DRIFT_LOW <= ratio.value <= DRIFT_HIGH and not ratio.holds(1.0)

    @property
    def shifted(self) -> bool:
        """Whether the scores are distributed otherwise than when the scorecard was calibrated (PSI above 0.2)."""
        return self.psi is not None and self.psi > DRIFT_PSI


DRIFT_LOW, DRIFT_HIGH, DRIFT_PSI = 0.7, 1.4, 0.2


@dataclass(frozen=True, slots=True)
class Drift:
    """Monthly checks of a calibrated scorecard, and the intercept that the closed dates together ask for (None: no churn).

    `own_dates` says that there is no later date than those it was calibrated on, so that those were looked at.
    """

    months: tuple[DriftMonth, ...]
    intercept: float
    refitted: float | None
    own_dates: bool

    @property
    def refit(self) -> bool:
        """Whether the intercept is to be refitted."""
        return any(month.refit for month in self.months)

    @property
    def shifted(self) -> bool:
        """Whether the scores have shifted at the newest date."""
        return bool(self.months) and self.months[-1].shifted

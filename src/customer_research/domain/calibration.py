"""How well a score tells who leaves, and what a calibration on real churn found. Plain values, for reports and files."""

from __future__ import annotations

from dataclasses import dataclass


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
class GroupOutcome:
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
    deciles: tuple[GroupOutcome, ...]


@dataclass(frozen=True, slots=True)
class AlertLoad:
    """What alerting at `score <= threshold` would mean: rows, operators a date in the mean, precision, recall by account."""

    threshold: int
    rows: int
    operators_a_date: float
    precision: Estimate | None
    recall: Estimate | None

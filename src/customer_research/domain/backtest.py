"""What a backtest found: how a scorecard did on past dates, what was left out, and what alerts would have been worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from customer_research.domain.calibration import Estimate, Evaluation, GroupOutcome


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows that could not be used: the reason's key, how many, and the reason in words."""

    reason: str
    rows: int
    words: str


@dataclass(frozen=True, slots=True)
class LeftOut:
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
    bands: tuple[GroupOutcome, ...]
    merged: tuple[tuple[str, ...], ...]
    loads: tuple[Load, ...]
    lead: LeadTime | None
    left_out: tuple[LeftOut, ...] = ()


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

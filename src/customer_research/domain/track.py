"""The track record of a scorecard: what became of those who stood in each band on earlier dates of this very portfolio."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from customer_research.domain.calibration import Estimate, GroupChurn
from customer_research.domain.evidence import Receipt

ENOUGH = 20
"""Distinct accounts that left, below which nothing is said of how often a score was right."""

CHANCE = 0.5
"""The AUC of a score that tells nothing."""


def is_shown(auc: Estimate | None) -> bool:
    """Whether a score is shown to tell who leaves: the interval of its AUC lies above chance."""
    return auc is not None and auc.low is not None and auc.low > CHANCE


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """How a scorecard did on `dates` earlier dates, `first` to `last`, by what billing told up to `known_until`.

    A row is an active account at a date; it churned when the account left by choice within 90 days after. `bands` go from the
    best to the worst; `auc` is None where nobody left or nobody stayed. `unjudged` are the rules that those dates cannot tell
    of, which count as not fired. `receipt` proves the rows.
    """

    scorecard: str
    version: str
    digest: str
    first: datetime
    last: datetime
    dates: int
    known_until: datetime
    rows: int
    churned: int
    churned_accounts: int
    auc: Estimate | None
    bands: tuple[GroupChurn, ...]
    unjudged: tuple[str, ...]
    receipt: Receipt

    @property
    def enough(self) -> bool:
        """Whether enough accounts left to say anything."""
        return self.churned_accounts >= ENOUGH

    @property
    def predicts(self) -> bool:
        """Whether the score is shown to tell who leaves."""
        return is_shown(self.auc)

    def of(self, *bands: str) -> tuple[int, int]:
        """The rows in these bands together, and how many of them churned."""
        found = [group for group in self.bands if group.name in bands]
        return sum(group.rows for group in found), sum(group.churned for group in found)

"""The refusal ladder: what the number of distinct churned accounts in closed windows allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PROBABILITY_AT = 20
PROPOSAL_AT = 65
ADOPTION_AT = 100
CUTOFFS_AT = 300

BASE_CONFIDENCE = 0.95
EXPERT_CONFIDENCE = 0.90

Step = Literal["counts", "expert", "proposal", "adoption"]
"""counts: expert's points, counts by band, no probability; expert: expert's points and a probability; proposal: fitted
points are proposed, and a person decides; adoption: fitted points are adopted if both gates pass."""


@dataclass(frozen=True, slots=True)
class Rung:
    """Where the evidence stands: the step, and the number of events from which the next one is reached (None: the last).

    `stayed` are accounts with a row in which they did not leave: without those there is nothing to compare with.
    """

    step: Step
    events: int
    next_at: int | None
    stayed: int = PROBABILITY_AT

    @property
    def words(self) -> str:
        """How much is lacking, in the ladder's own sentence; empty when points may be fitted."""
        if self.stayed < PROBABILITY_AT:
            return f"not enough operators who stayed: {self.stayed} of {PROBABILITY_AT} accounts to compare with"
        if self.step == "counts":
            return f"not enough churn: {self.events} of {PROBABILITY_AT} churned accounts for a probability"
        if self.step == "expert":
            return f"not enough churn: {self.events} of {PROPOSAL_AT} churned accounts for points of its own"
        return ""


def rung(events: int, stayed: int = PROBABILITY_AT) -> Rung:
    """The ladder's rung for this many distinct churned accounts, and accounts that stayed."""
    if events < PROBABILITY_AT or stayed < PROBABILITY_AT:
        return Rung("counts", events, PROBABILITY_AT, stayed)
    if events < PROPOSAL_AT:
        return Rung("expert", events, PROPOSAL_AT)
    if events < ADOPTION_AT:
        return Rung("proposal", events, ADOPTION_AT)
    return Rung("adoption", events, None)

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
    """Where the evidence stands: the step, and the number of events from which the next one is reached (None: the last)."""

    step: Step
    events: int
    next_at: int | None

    @property
    def words(self) -> str:
        """How much is lacking, in the ladder's own sentence; empty when points may be fitted."""
        if self.step == "counts":
            return f"not enough churn: {self.events} of {PROBABILITY_AT} churned accounts for a probability"
        if self.step == "expert":
            return f"not enough churn: {self.events} of {PROPOSAL_AT} churned accounts for points of its own"
        return ""


def rung(events: int) -> Rung:
    """The ladder's rung for this many distinct churned accounts."""
    if events < PROBABILITY_AT:
        return Rung("counts", events, PROBABILITY_AT)
    if events < PROPOSAL_AT:
        return Rung("expert", events, PROPOSAL_AT)
    if events < ADOPTION_AT:
        return Rung("proposal", events, ADOPTION_AT)
    return Rung("adoption", events, None)

"""What a backtest found: how a scorecard did on past dates, what was left out, and what alerts would have been worth."""

from __future__ import annotations

from dataclasses import dataclass


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

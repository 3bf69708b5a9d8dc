"""The risk of leaving: what a retention score says of it, its level, its signs and their category."""

from __future__ import annotations

from customer_research.domain.health import Contribution, HealthScore
from customer_research.domain.vocabularies import CLAMP

MULTIPLE, GENERAL = "Multiple", "General"
"""The category of signs of several categories, and of no sign at all."""

RISK_LEVELS: tuple[tuple[int, str], ...] = (
    (70, "High"),
    (40, "Medium"),
    (20, "Low"),
)
"""Least risk and level (70/40 of the written procedure); below the last little speaks for leaving."""

AT_RISK = RISK_LEVELS[-1][0]


def risk_of(score: HealthScore) -> int | None:
    """The risk of leaving, 0 to 100: what a retention score lacks to 100; None when it could not be told.

    With a source silent it is the most that the risk can be (see `least_risk_of`).
    """
    return None if score.score is None else 100 - score.score


def least_risk_of(score: HealthScore) -> int:
    """The least that the risk can be, by what is known; 0 when it could not be told."""
    most = score.score if score.highest is None else score.highest
    return 0 if most is None else 100 - most


def level_of(risk: int) -> str:
    """The level of a risk; an empty text below the least."""
    return next((name for least, name in RISK_LEVELS if risk >= least), "")


def category_of(score: HealthScore) -> str:
    """What kind of signs make up the risk: the category with at least two thirds of the lost points, else Multiple."""
    lost: dict[str, int] = {}
    for sign in signs(score, against_leaving=False):
        name = sign.category or GENERAL
        lost[name] = lost.get(name, 0) - sign.points
    if not lost:
        return GENERAL
    name, most = max(lost.items(), key=lambda entry: entry[1])
    return name if most * 3 >= sum(lost.values()) * 2 else MULTIPLE


def signs(score: HealthScore, *, against_leaving: bool) -> tuple[Contribution, ...]:
    """The signs that the operator stays (`against_leaving`) or leaves, the weightiest first."""
    found = [c for c in score.contributions if c.rule != CLAMP and (c.points > 0) == against_leaving]
    return tuple(sorted(found, key=lambda sign: (-abs(sign.points), sign.rule)))

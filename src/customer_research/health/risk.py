"""The risk of leaving in SQL: its level, and the category of its signs (see `domain.risk` for both in Python)."""

from __future__ import annotations

from customer_research.domain.risk import GENERAL, MULTIPLE, RISK_LEVELS
from customer_research.health.scorecard import Scorecard


def risk_level_sql(risk: str) -> str:
    """SQL of the level of a column of risks; null below the least."""
    levels = " ".join(f"WHEN {risk} >= {least} THEN '{name}'" for least, name in RISK_LEVELS)
    return f"CASE {levels} END"


def category_sql(card: Scorecard) -> str:
    """SQL over a row `s` of scores: the category with at least two thirds of the lost points, else Multiple."""
    lost = {
        name: " + ".join(
            [
                f"CASE WHEN s.points_{rule.key} < 0 THEN -s.points_{rule.key} ELSE 0 END"
                for rule in card.rules
                if (rule.category or GENERAL) == name
            ]
            or ["0"]
        )
        for name in dict.fromkeys(rule.category or GENERAL for rule in card.rules)
    }
    whole = " + ".join(f"({terms})" for terms in lost.values())
    branches = " ".join(f"WHEN ({terms}) * 3 >= ({whole}) * 2 THEN '{name}'" for name, terms in lost.items())
    return f"CASE WHEN ({whole}) = 0 THEN '{GENERAL}' {branches} ELSE '{MULTIPLE}' END"

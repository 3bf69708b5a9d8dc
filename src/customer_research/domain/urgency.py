"""Urgency: how soon an operator needs somebody, until when, and why. One scale; nothing else decides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

from customer_research.domain.evidence import Fact

Level = Literal["now", "this_week", "this_month", "watch"]
LEVELS: tuple[Level, ...] = ("now", "this_week", "this_month", "watch")
"""Most urgent first."""

LEVEL_LABELS: Mapping[Level, str] = MappingProxyType(
    {"now": "now", "this_week": "this week", "this_month": "this month", "watch": "watch"}
)
LEVEL_DAYS: Mapping[Level, int] = MappingProxyType({"now": 1, "this_week": 7, "this_month": 30})
"""How many days there are to act; none to watch."""


@dataclass(frozen=True, slots=True)
class Urgency:
    """How soon to act, until which day (None: nothing is due), and the reason with its facts (none for `watch`).

    `open` tells that a silent source keeps a more urgent reason from being judged: it may be sooner, never later.
    """

    level: Level
    until: date | None
    because: str
    facts: tuple[Fact[Any], ...] = ()
    open: bool = False

    @property
    def words(self) -> str:
        """`this week, by 2026-11-08`; `or sooner` where a source is silent."""
        if self.level == "watch":
            return "not known" if self.open else "nothing to do now"
        sooner = " or sooner" if self.open else ""
        return f"{LEVEL_LABELS[self.level]}{sooner}, by {self.until:%Y-%m-%d}"

"""What providers' values are read as: text on one line, whole numbers; what is neither is nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol, cast

from customer_research.connect.settings import SettingsTree
from customer_research.domain.words import clean
from customer_research.firms.settings import FactsSettings

LONGEST = 200
"""Characters of a value that are kept."""

MOST = 10**12
_DAY_DIGITS = 8


class _Tree(Protocol):
    @property
    def facts(self) -> FactsSettings:
        """Company facts."""


def facts_settings(settings: SettingsTree) -> FactsSettings:
    """What is set of company facts in general."""
    return cast("_Tree", settings).facts


def text_of(value: Any) -> str | None:
    """A value as text on one line; None for nothing, for lists and for objects."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return clean(str(value))[:LONGEST].strip() or None


def whole_of(value: Any) -> int | None:
    """A value as a whole number from 0 on, given as such or as text; None for anything else."""
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    text = text.removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) else None


def day_of(value: Any) -> datetime | None:
    """The day that a text begins with (`20260801 1423`, `2026-08-01T00:00:00.000`), as its midnight in UTC; None for anything else."""
    digits = "".join(sign for sign in str(value or "")[:10] if sign.isdigit())[:_DAY_DIGITS]
    try:
        return datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC) if len(digits) == _DAY_DIGITS else None
    except ValueError:
        return None

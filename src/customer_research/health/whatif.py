"""What if: reading assumed values, and telling two scores apart."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from customer_research.domain.health import HealthScore, LineChange
from customer_research.domain.money import to_minor
from customer_research.domain.parsing import day, instant
from customer_research.errors import UsageError

UNKNOWN = "unknown"
"""The word that assumes a figure to be unknown."""

_WORDS = MappingProxyType({"yes": True, "true": True, "no": False, "false": False})
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_LARGEST = 10**12


@dataclass(frozen=True, slots=True)
class Assumption:
    """A figure that is assumed: the metric, its value (None: unknown), and the words it was given in."""

    metric: str
    value: Any
    text: str


def read_value(metric: str, unit: str, text: str, *, signed: bool = False) -> Assumption:
    """An assumed value, read by the metric's unit; `signed` metrics may be below zero.

    Counts, points: 12; ratios: 0.95 or 95%; USD amounts: 199.00 (dollars); days, numbers: 3.5; yes/no; dates and instants:
    2026-11-30 or 2026-11-30T09:00Z; `unknown` for any.

    Raises:
        UsageError: the text is no value of the unit.
    """
    plain = text.strip()
    if plain.lower() == UNKNOWN:
        return Assumption(metric, None, UNKNOWN)
    reader = _READERS.get(unit)
    if reader is None:
        raise UsageError(f"{metric} is an amount per currency, which no score is made of, so it cannot be assumed.")
    read, example = reader
    try:
        value = read(plain)
    except (ValueError, InvalidOperation, OverflowError):
        raise UsageError(
            f"{metric}={text[:40]} is no value of {metric}.", hint=f"Write {example}, or unknown."
        ) from None
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0 and not signed:
        raise UsageError(f"{metric} is never below zero.", hint=f"Write {example}, or unknown.")
    return Assumption(metric, value, plain)


def _number(text: str) -> float:
    value = float(_THOUSANDS.sub("", text))
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise ValueError
    return value


def _whole(text: str) -> int:
    value = _number(text)
    if value != int(value):
        raise ValueError
    return int(value)


def _ratio(text: str) -> float:
    if text.endswith("%"):
        return float(Decimal(str(_number(text[:-1].strip()))) / 100)
    value = _number(text)
    if abs(value) > _LARGEST_BARE_RATIO:
        raise ValueError  # 95 for 95% would be taken for 9,500%
    return value


_LARGEST_BARE_RATIO = 10


def _usd(text: str) -> int:
    amount = text.removesuffix("USD").strip()
    sign, amount = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
    return to_minor(sign + str(_number(amount.removeprefix("$"))), "USD")


def _truth(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise ValueError
    return _WORDS[text.lower()]


def _words(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError
    return text


_READERS: Mapping[str, tuple[Callable[[str], Any], str]] = MappingProxyType(
    {
        "count": (_whole, "a whole number such as 12"),
        "points": (_whole, "a whole number such as 8"),
        "ratio": (_ratio, "a share such as 0.95 or 95%"),
        "usd_minor": (_usd, "US dollars such as 199.00"),
        "days": (_number, "a number of days such as 12"),
        "number": (_number, "a number such as 3.5"),
        "boolean": (_truth, "yes or no"),
        "date": (day, "a date such as 2026-11-30"),
        "timestamp": (instant, "a date or an instant such as 2026-11-30T09:00Z"),
        "text": (_words, "a word"),
    }
)
"""Unit → how a value is read, and an example for the one who wrote something else."""


def changed_lines(before: HealthScore, after: HealthScore) -> tuple[LineChange, ...]:
    """The contributions that appear, vanish or change their points, in the scorecard's order."""
    return tuple(_changed(before, after))


def _changed(before: HealthScore, after: HealthScore) -> Iterator[LineChange]:
    was = {(line.dimension, line.rule): line for line in before.contributions}
    now = {(line.dimension, line.rule): line for line in after.contributions}
    order = [dimension.name for dimension in after.dimensions]
    keys = sorted({**was, **now}, key=lambda key: order.index(key[0]))
    for key in keys:
        old, new = was.get(key), now.get(key)
        if old is None or new is None or old.points != new.points:
            yield LineChange(key[1], key[0], old, new)

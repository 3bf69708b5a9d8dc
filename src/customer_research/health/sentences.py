"""Sentences of rules: templates with metric placeholders, filled with the values of facts.

`{metric}` writes the value by its unit; `{metric|day|days}` writes the value and the fitting noun.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.money import Money

_PLACEHOLDER = re.compile(r"\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}")
_UNKNOWN = "an unknown number of"
_PERCENT_DIGITS = Decimal("0.1")
_MINOR_USD = "USD"


def placeholders(template: str) -> tuple[str, ...]:
    """The metrics that a template names."""
    return tuple(dict.fromkeys(match[1] for match in _PLACEHOLDER.finditer(template)))


def has_stray_braces(template: str) -> bool:
    """Whether something in braces is not a placeholder."""
    rest = _PLACEHOLDER.sub("", template)
    return "{" in rest or "}" in rest


def filled(template: str, figures: Mapping[str, Figure]) -> str:
    """The sentence with every placeholder written out; a gap reads "unknown"."""

    def written(match: re.Match[str]) -> str:
        figure = figures.get(match[1])
        one, many = match[2], match[3]
        if not isinstance(figure, Fact):
            return f"{_UNKNOWN} {many}" if many else "unknown"
        text = value_text(figure.value, figure.unit)
        return text if one is None else f"{text} {one if figure.value == 1 else many}"

    sentence = _PLACEHOLDER.sub(written, template)
    return sentence[:1].upper() + sentence[1:]


def value_text(value: Any, unit: str) -> str:
    """A value in words and figures, by its unit."""
    if unit == "ratio":
        return f"{_trimmed(Decimal(str(value)) * 100)}%"
    if unit == "usd_minor":
        return _amount(Money(_MINOR_USD, int(value)))
    if unit == "money":
        return " and ".join(map(_amount, value)) or "nothing"
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime | date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float | Decimal):
        return _trimmed(Decimal(str(value)))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _amount(money: Money) -> str:
    return f"{money.major:,} {money.currency}"


def _trimmed(number: Decimal) -> str:
    """At most one decimal, none when it is whole."""
    rounded = number.quantize(_PERCENT_DIGITS, rounding=ROUND_HALF_UP)
    return f"{rounded:,.0f}" if rounded == rounded.to_integral_value() and number == rounded else f"{rounded:,.1f}"

"""Sentences of rules: templates with metric placeholders, filled with the values of facts.

`{metric}` writes the value as reports do (`domain.words`); `{metric|day|days}` writes the number and the fitting noun.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.words import number_words, value_words

_PLACEHOLDER = re.compile(r"\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}")
_UNKNOWN = "an unknown number of"


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
        if not isinstance(figure, Fact) or _is_no_number(figure.value):
            return f"{_UNKNOWN} {many}" if many else "unknown"
        if one is None:
            return value_words(figure)
        number = number_words(figure)
        return f"{number} {one if number == '1' else many}"

    sentence = _PLACEHOLDER.sub(written, template)
    return sentence[:1].upper() + sentence[1:]


def _is_no_number(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)

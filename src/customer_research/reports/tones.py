"""When a figure is good, to be watched, or calls for an act: by its metric's healthy range, its band, its priority."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.ranges import range_of
from customer_research.domain.report import Tone
from customer_research.domain.urgency import Level

BAND_TONES: Mapping[str, Tone] = MappingProxyType(
    {
        "healthy": "good",
        "monitor": "watch",
        "at_risk": "bad",
        "critical": "bad",
        "insufficient": "unknown",
        "unsettled": "unknown",
        "outside": "neutral",
    }
)
"""Green, yellow, red, red; grey for what has no band."""

PRIORITY_TONES: Mapping[str, Tone] = MappingProxyType(
    {"critical": "bad", "high": "bad", "medium": "watch", "low": "neutral"}
)

URGENCY_TONES: Mapping[Level, Tone] = MappingProxyType(
    {"now": "bad", "this_week": "bad", "this_month": "watch", "watch": "neutral"}
)


def tone_of(figure: Figure) -> Tone:
    """The tone of a metric's figure; a gap is unknown, never good."""
    if not isinstance(figure, Fact):
        return "unknown"
    bounds = range_of(figure.metric)
    value: Any = figure.value
    return bounds.tone(value) if bounds and isinstance(value, int | float) else "neutral"

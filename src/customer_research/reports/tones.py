"""When a figure is good, to be watched, or calls for an act: thresholds by metric.

Sources: the healthy ranges of the metrics and the cut-offs of the scorecard (domain notes d and e). A metric without an
entry has no tone: it is context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from customer_research.domain.evidence import Fact, Figure
from customer_research.domain.report import Tone

BAND_TONES: Mapping[str, Tone] = MappingProxyType(
    {"healthy": "good", "monitor": "watch", "at_risk": "bad", "critical": "bad", "insufficient": "unknown"}
)
"""Green, yellow, red, red (C12)."""

PRIORITY_TONES: Mapping[str, Tone] = MappingProxyType(
    {"critical": "bad", "high": "bad", "medium": "watch", "low": "neutral"}
)


@dataclass(frozen=True, slots=True)
class Higher:
    """Better when higher: good at `good` and above, an act called for below `bad`, neutral or watch between."""

    good: float
    bad: float
    between: Tone = "watch"

    def tone(self, value: float) -> Tone:
        """The tone of a value."""
        return "good" if value >= self.good else "bad" if value < self.bad else self.between


@dataclass(frozen=True, slots=True)
class Lower:
    """Better when lower: good at `good` and below, an act called for at `bad` and above, watch between."""

    good: float
    bad: float

    def tone(self, value: float) -> Tone:
        """The tone of a value."""
        return "good" if value <= self.good else "bad" if value >= self.bad else "watch"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A condition that is of note only when it holds."""

    when_true: Tone

    def tone(self, value: float) -> Tone:
        """The tone of a truth value."""
        return self.when_true if value else "neutral"


RANGES: Mapping[str, Higher | Lower | Alarm] = MappingProxyType(
    {
        "invoice_success_rate": Higher(0.95, 0.80),
        "charge_success_rate": Higher(0.95, 0.80),
        "payment_success_worst": Higher(0.95, 0.80),
        "overdue_invoices": Lower(0, 1),
        "oldest_overdue_days": Lower(0, 1),
        "invoices_failed_90d": Lower(0, 1),
        "failure_streak": Lower(0, 3),
        "active_disputes": Lower(0, 1),
        "refund_rate": Lower(0.03, 1.01),
        "dispute_rate": Lower(0.005, 1.01),
        "avg_risk_score": Lower(20, 50),
        "high_risk_share": Lower(0, 0.01),
        "highest_risk_charges_90d": Lower(0, 1),
        "days_since_activity": Lower(29, 60),
        "trend_30d": Higher(0.20, -0.25, "neutral"),
        "usage_trend": Higher(0.20, -0.25, "neutral"),
        "trend_30d_seasonal": Higher(0.20, -0.25, "neutral"),
        "trend_90d": Higher(0.15, -0.15, "neutral"),
        "trend_90d_year": Higher(0.15, -0.15, "neutral"),
        "cancellation_rate": Lower(0.10, 1.01),
        "cancellation_rate_90d": Lower(0.10, 1.01),
        "collection_rate_90d": Higher(0.95, 0.80),
        "collection_rate_12m": Higher(0.95, 0.80),
        "driver_app_rate": Higher(0.50, 0.0),
        "open_tickets": Lower(1, 1000),
        "open_tickets_over_7d": Lower(0, 1000),
        "open_tickets_over_30d": Lower(0, 1),
        "high_priority_open": Lower(0, 1),
        "oldest_open_days": Lower(7, 31),
        "commitments_at_risk": Lower(0, 1),
        "setup_completion": Higher(0.83, 0.50),
        "setup_score": Higher(25, 15),
        "nps_latest": Higher(9, 7),
        "csat_latest": Higher(4, 3),
        "days_since_contact": Lower(59, 1000),
        "days_since_login": Lower(13, 1000),
        "contacts_left": Lower(0, 1000),
        "pending_cancellation": Alarm("bad"),
        "cancellation_mentioned": Alarm("bad"),
        "downgraded_180d": Alarm("watch"),
        "champion_left_noted": Alarm("watch"),
        "churn_conflict": Alarm("watch"),
        "mrr_difference": Alarm("watch"),
    }
)
"""Metric → its range. A bad bound beyond reach means that the metric alone never calls for more than watching."""


def tone_of(figure: Figure) -> Tone:
    """The tone of a metric's figure; a gap is unknown, never good."""
    if not isinstance(figure, Fact):
        return "unknown"
    bounds = RANGES.get(figure.metric)
    value: Any = figure.value
    return bounds.tone(value) if bounds and isinstance(value, int | float) else "neutral"

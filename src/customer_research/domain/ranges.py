"""The healthy range of each metric: from one entry come the words in the documentation and the tone of the figure in a report.

Each bound is where the scorecard's rules have it. A figure in its range is good, or neutral where only a part of the range
earns praise (`good`) or none does (`quiet`); outside it calls for watching, and beyond `act` for an act.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from customer_research.domain.report import Tone
from customer_research.domain.words import unit_words

_HOLDS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "=": operator.eq}
)


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit of a metric's values: the value compared with it by its sign."""

    sign: Literal[">=", ">", "<=", "<", "="]
    limit: float

    def holds(self, value: float) -> bool:
        """Whether a value keeps to it."""
        return _HOLDS[self.sign](value, self.limit)

    def words(self, unit: str) -> str:
        """The bound as people read it: `>= 95%`, `0`, `< 30`."""
        limit = unit_words(self.limit, "ratio" if unit == "ratio" else "number")
        return limit if self.sign == "=" else f"{self.sign} {limit}"


@dataclass(frozen=True, slots=True)
class Range:
    """What is healthy; `act` is the part outside that calls for an act ("else": all of it)."""

    healthy: Bound
    act: Bound | Literal["else"] | None = None
    good: Bound | None = None
    quiet: bool = False

    def tone(self, value: float) -> Tone:
        """The tone of a value."""
        if self.healthy.holds(value):
            return "good" if not self.quiet and (self.good or self.healthy).holds(value) else "neutral"
        if self.act == "else" or (isinstance(self.act, Bound) and self.act.holds(value)):
            return "bad"
        return "watch"

    def words(self, unit: str) -> str:
        """The range as people read it: `>= 95%, act < 80%`."""
        act = ", else act" if self.act == "else" else f", act {self.act.words(unit)}" if self.act else ""
        return self.healthy.words(unit) + (f" (good {self.good.words(unit)})" if self.good else "") + act


@dataclass(frozen=True, slots=True)
class Flag:
    """A condition that is healthy when it does not hold, and of note only when it does."""

    when_true: Tone

    def tone(self, value: float) -> Tone:
        """The tone of a truth value."""
        return self.when_true if value else "neutral"

    def words(self, unit: str) -> str:  # noqa: ARG002 - as a range's
        """What is healthy."""
        return "no"


@dataclass(frozen=True, slots=True)
class Relative:
    """A range that another figure sets; alone the value has no tone."""

    text: str

    def tone(self, value: float) -> Tone:  # noqa: ARG002 - as a range's
        """The tone of a value: none."""
        return "neutral"

    def words(self, unit: str) -> str:  # noqa: ARG002 - as a range's
        """What is healthy."""
        return self.text


_PAID = Range(Bound(">=", 0.95), Bound("<", 0.80))
_COLLECTED = Range(Bound(">", 0.95), Bound("<", 0.80))
_NONE = Range(Bound("=", 0), "else")
_NONE_WATCHED = Range(Bound("=", 0))
_NONE_QUIETLY = Range(Bound("=", 0), quiet=True)
_MONTHLY = Range(Bound(">", -0.25), "else", good=Bound(">=", 0.20))
_QUARTERLY = Range(Bound(">", -0.15), "else", good=Bound(">=", 0.15))
_SOME = Range(Bound(">=", 1), quiet=True)
_SEVERAL = Range(Bound(">", 1), quiet=True)
_FEW_CANCELLED = Range(Bound("<", 0.10))

RANGES: Mapping[str, Range | Flag | Relative] = MappingProxyType(
    {
        "pending_cancellation": Flag("bad"),
        "downgraded_180d": Flag("watch"),
        "invoices_failed": _NONE_QUIETLY,
        "invoices_failed_90d": _NONE,
        "overdue_invoices": _NONE,
        "overdue_not_failed": _NONE_QUIETLY,
        "oldest_overdue_days": _NONE,
        "invoice_success_rate": _PAID,
        "avg_days_to_pay": Relative("within the term"),
        "outstanding": _NONE_QUIETLY,
        "overdue_amount": _NONE_QUIETLY,
        "failed_amount": _NONE_QUIETLY,
        "given_back_amount": _NONE_QUIETLY,
        "csm_churned": Flag("watch"),
        "setup_score": Range(Bound(">=", 25), Bound("<", 15)),
        "setup_completion": Range(Bound(">=", 0.83), Bound("<", 0.50)),
        "reservations_30d": _SOME,
        "reservations_60d": _SOME,
        "days_since_activity": Range(Bound("<", 30), Bound(">=", 60)),
        "trend_30d": _MONTHLY,
        "trend_90d": _QUARTERLY,
        "trend_90d_year": _QUARTERLY,
        "trend_30d_seasonal": _MONTHLY,
        "cancellation_rate": _FEW_CANCELLED,
        "cancellation_rate_90d": _FEW_CANCELLED,
        "collection_rate_90d": _COLLECTED,
        "collection_rate_12m": _COLLECTED,
        "driver_app_rate": Range(Bound(">", 0.50)),
        "charge_success_rate": _PAID,
        "failure_streak": Range(Bound("<", 3), "else", good=Bound("=", 0)),
        "refund_rate": Range(Bound("<", 0.03)),
        "active_disputes": _NONE,
        "dispute_rate": Range(Bound("<", 0.005)),
        "avg_risk_score": Range(Bound("<", 20), Bound(">", 50)),
        "highest_risk_charges_90d": _NONE,
        "high_risk_share": Range(Bound("<", 0.01), "else"),
        "disputed_amount": _NONE_QUIETLY,
        "days_since_login": Range(Bound("<", 14)),
        "nps_latest": Range(Bound(">=", 9), Bound("<=", 6)),
        "csat_latest": Range(Bound(">=", 4), Bound("<", 3)),
        "open_tickets": Range(Bound("<=", 1)),
        "open_tickets_over_7d": _NONE_WATCHED,
        "open_tickets_over_30d": _NONE,
        "high_priority_open": _NONE,
        "oldest_open_days": Range(Bound("<", 7), Bound(">=", 30)),
        "median_resolution_days": Range(Bound("<=", 7), quiet=True),
        "commitments_at_risk": _NONE,
        "contacts": _SEVERAL,
        "contacts_left": _NONE_WATCHED,
        "contacts_active": _SEVERAL,
        "champion_left_noted": Flag("watch"),
        "days_since_contact": Range(Bound("<", 60)),
        "cancellation_mentioned": Flag("bad"),
        "payment_success_worst": _PAID,
        "usage_trend": _MONTHLY,
        "mrr_difference": _NONE_QUIETLY,
        "churn_conflict": Flag("watch"),
    }
)
"""Metric → its range. A metric without an entry is context: it has no tone. Amounts have none either: their count beside them has."""


def healthy_words(metric: str, unit: str) -> str:
    """A metric's range as people read it; empty without one."""
    found = RANGES.get(metric)
    return found.words(unit) if found else ""


def goal(metric: str) -> float:
    """The limit of a metric's healthy range.

    Raises:
        KeyError: the metric has no such range.
    """
    found = RANGES[metric]
    if not isinstance(found, Range):
        raise KeyError(metric)
    return found.healthy.limit


def is_healthy(metric: str, value: float) -> bool:
    """Whether a value lies in its metric's healthy range.

    Raises:
        KeyError: the metric has no such range.
    """
    found = RANGES[metric]
    if not isinstance(found, Range):
        raise KeyError(metric)
    return found.healthy.holds(value)

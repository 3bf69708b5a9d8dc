"""Failures of a source as stated gaps: the reason and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customer_research.domain.catalogue import Metric
from customer_research.domain.evidence import Gap, GapReason
from customer_research.errors import (
    BadAnswer,
    ConfigError,
    CustomerResearchError,
    Denied,
    NotThere,
    RateLimited,
    SchemaChanged,
    SourceError,
    Truncated,
    Unavailable,
)

NOT_IN_USD = (
    "Not all active subscriptions are billed in USD, and no exchange rate is assumed: see the MRR per currency."
)

REASONS: dict[type[SourceError], tuple[GapReason, str]] = {
    Denied: ("denied", "Check the credential and its scopes: `customer-research doctor --online`."),
    NotThere: ("none_found", "Check the id: `customer-research lookup` shows the identifiers that are known."),
    RateLimited: ("unavailable", "Wait a minute and run the same command again."),
    Unavailable: (
        "unavailable",
        "Run the same command again later; `customer-research doctor --online` tests the connection.",
    ),
    BadAnswer: ("unavailable", "`customer-research doctor --online` shows what the source answers."),
    SchemaChanged: ("unavailable", "A field is gone at the source: `customer-research doctor --online` names it."),
    Truncated: ("truncated", "Ask for less at once, or raise the source's limit."),
}
"""Every kind of source failure → the gap's reason and next step (a test holds this table complete)."""


def gap_of(error: CustomerResearchError, source: str) -> Gap:
    """The gap that a failed fetch leaves, with the error's own hint when it has one."""
    if isinstance(error, ConfigError):
        return Gap(source=source, reason="not_configured", detail=error.message, next_step=error.hint)
    reason, step = (
        REASONS.get(type(error), ("unavailable", "Run the same command again later."))
        if isinstance(error, SourceError)
        else ("unavailable", "Run the same command again; if it persists, report it.")
    )
    return Gap(source=source, reason=reason, detail=error.message, next_step=error.hint or step)


def nothing_of(metric: Metric, source: str, row: Mapping[str, Any]) -> Gap:
    """The gap of a metric without a value although all its tables are known; `row` has the operator's metrics beside it.

    Mostly there is nothing to compute it from. The MRR in USD of who is billed in another currency makes no sense, and a count
    of records whose states are not known is unknown, not none.
    """
    if metric.unknown_state:
        return Gap(source, "unavailable", metric.unknown_state, metric.next_step, metric.name)
    if metric.name == "mrr_usd" and (row.get("active_subscriptions") or 0) > 0:
        return Gap(source, "not_applicable", NOT_IN_USD, "", metric.name)
    return Gap(source, "none_found", "There is no record to compute it from.", "", metric.name)

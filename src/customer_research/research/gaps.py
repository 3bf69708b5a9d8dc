"""The gap of a metric without a value although its sources answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customer_research.domain.catalogue import METRICS, Metric
from customer_research.domain.evidence import Gap

NOT_IN_USD = (
    "Not all active subscriptions are billed in USD, and no exchange rate is assumed: see the MRR per currency."
)


def nothing_of(metric: Metric, source: str, row: Mapping[str, Any]) -> Gap:
    """The gap of a metric without a value although all its tables are known; `row` has the operator's metrics beside it.

    Mostly there is nothing to compute it from. The MRR in USD of who is billed in another currency makes no sense, and a count
    of records whose states are not known is unknown, not none; so is what is computed from such a count.
    """
    of = METRICS.get(metric.evidence, metric)
    unknown = metric if metric.unknown_state else of if row.get(of.name, 0) is None else None
    if unknown is not None and unknown.unknown_state:
        return Gap(source, "unavailable", unknown.unknown_state, unknown.next_step, metric.name)
    if metric.name == "mrr_usd" and (row.get("active_subscriptions") or 0) > 0:
        return Gap(source, "not_applicable", NOT_IN_USD, "", metric.name)
    return Gap(source, "none_found", metric.none or "There is no record to compute it from.", "", metric.name)

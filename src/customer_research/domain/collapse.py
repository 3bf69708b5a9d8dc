"""Which of an operator's rows in the CSM view stands for it, and which is asked next for what that row lacks: one order.

The running subscription first, then the one to come, then what ended: by a change of plan (it has a successor) before all
other ends, by churn or untold. Of equals the latest start, then the higher MRR, then the subscription's id; the unknown is last.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_RANKS = (("active", ""), ("pending", ""), ("terminated", "plan_change"), ("terminated", ""), ("canceled", ""))
"""Statuses in order, with the event where it decides."""


def rank(status: str | None, event: str | None) -> int:
    """The place of a status and its event in the order, 0 first; an unknown status is last."""
    return next((at for at, (one, by) in enumerate(_RANKS) if one == status and by in {"", event}), len(_RANKS))


def preference(row: Mapping[str, Any]) -> tuple[int, float, float, bool, str]:
    """The sort key of a canonical `csm` row: who is first stands for the operator."""
    started: datetime | None = row.get("started_at")
    mrr, subscription = row.get("mrr_minor"), row.get("subscription_id")
    return (
        rank(row.get("status"), row.get("waterfall_event")),
        float("inf") if started is None else -started.timestamp(),
        float("inf") if mrr is None else -mrr,
        subscription is None,
        subscription or "",
    )


def preference_sql(status: str = "status", event: str = "waterfall_event") -> str:
    """The same order as a list of SQL expressions, over the columns of `csm`."""
    cases = [
        f"WHEN {status} = '{one}'" + (f" AND {event} = '{by}'" if by else "") + f" THEN {at}"
        for at, (one, by) in enumerate(_RANKS)
    ]
    ranked = " ".join(("CASE", *cases, f"ELSE {len(_RANKS)} END"))
    return f"{ranked}, started_at DESC NULLS LAST, mrr_minor DESC NULLS LAST, subscription_id"

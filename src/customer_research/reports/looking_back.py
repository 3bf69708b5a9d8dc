"""Since when a report looks back: the last review that was recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from customer_research.reports.record_rows import day_of, known_rows

if TYPE_CHECKING:
    from customer_research.domain.account import Account
    from customer_research.domain.occasion import Occasion

_REVIEW = re.compile(r"\b(?:qbr|business review|account review|quarterly review)\b", re.IGNORECASE)
"""What names a review in the title of a meeting, call or note."""

USUALLY = timedelta(days=90)


def last_review(account: Account) -> Mapping[str, Any] | None:
    """The latest engagement before the report's day that names a review."""
    today = account.as_of.date()
    held = [
        row
        for row in known_rows(account, "engagement")
        if row.get("occurred_at") and day_of(row["occurred_at"]) < today and _REVIEW.search(str(row.get("title") or ""))
    ]
    return max(held, key=lambda row: (row["occurred_at"], str(row["engagement_id"])), default=None)


def since_of(account: Account, occasion: Occasion) -> date:
    """Since when a report looks back: as asked, else since the last recorded review, else 90 days."""
    if occasion.since is not None:
        return occasion.since
    review = last_review(account)
    return day_of(review["occurred_at"]) if review else (account.as_of - USUALLY).date()

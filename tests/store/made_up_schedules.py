"""Schedules for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from customer_research.domain.schedule import Schedule

SINCE = datetime(2026, 11, 1, 8, tzinfo=UTC)


def made_schedule(name: str = "weekly", **changes: Any) -> Schedule:
    """The week's digest to a channel and the owners, Mondays at 8 in London; `changes` are fields of it."""
    since = changes.get("since", SINCE)
    made: dict[str, Any] = {
        "use_case": "digest",
        "request": {},
        "cron": "0 8 * * 1",
        "zone": "Europe/London",
        "after": "",
        "lateness": timedelta(hours=12),
        "recipients": ("slack:C0123", "owners"),
        "failures_to": "",
        "since": since,
        "paused": False,
        "created_at": since,
        "created_by": "ada",
        "rights": ("read", "finance"),
    }
    return Schedule(name=name, **{**made, **changes})

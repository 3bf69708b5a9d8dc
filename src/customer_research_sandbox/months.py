"""The world's calendar: month windows that end at the as-of, and billing periods."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

KNOWN_BEFORE = timedelta(minutes=1)
"""How long before the as-of a record that begins later was made at the latest: what is made at the as-of is not known yet."""


def add_months(instant: datetime, months: int) -> datetime:
    """The same day and time `months` later (earlier when negative), on the month's last day when it is shorter."""
    year, month0 = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    day = min(instant.day, monthrange(year, month0 + 1)[1])
    return instant.replace(year=year, month=month0 + 1, day=day)


def month_edges(as_of: datetime, months: int) -> list[datetime]:
    """`months` + 1 edges of consecutive month windows, oldest first; the last edge is the as-of."""
    return [add_months(as_of, back - months) for back in range(months + 1)]


def midnight(day: date) -> datetime:
    """The first UTC instant of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def months_between(start: datetime, end: datetime) -> float:
    """Elapsed months, a month being 365.25 / 12 days."""
    return (end - start).total_seconds() / 86_400 / (365.25 / 12)


def period_starts(anchor: datetime, months: int, until: datetime, since: datetime | None = None) -> list[datetime]:
    """Starts of the billing periods of `months` months from the anchor on, up to `until` and not before `since`."""
    first = since if since is not None else anchor
    elapsed = (first.year - anchor.year) * 12 + first.month - anchor.month
    starts, count = [], max(0, elapsed // months - 1)
    while (start := add_months(anchor, count * months)) <= until:
        if start >= first:
            starts.append(start)
        count += 1
    return starts

"""A customer's zone: the calendar in which its bills have their days.

Billing names days (of issue, due, the last of a period) in the customer's zone, while everything else is instants. Here
alone is decided what a zone's name means; an unknown or missing one means UTC, and `known` says so.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_MONTHS = 12
_YEAR = 2026
"""The year whose months tell a zone's standard time."""


@lru_cache(maxsize=1024)
def zone(name: str | None) -> tzinfo:
    """The zone of an IANA name; UTC where there is no name or no such zone."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):  # a name of another form, or of a folder
        return UTC


def known(name: str | None) -> bool:
    """Whether a name is that of a zone; without, days are UTC's."""
    return bool(name) and isinstance(zone(name), ZoneInfo)


@lru_cache(maxsize=1024)
def standard_minutes(name: str | None) -> int | None:
    """Minutes by which a zone's standard time is ahead of UTC (summer time is ahead by more); None for an unknown zone."""
    if not known(name):
        return None
    months = (datetime(_YEAR, month, 1, tzinfo=zone(name)) for month in range(1, _MONTHS + 1))
    return min(int((moment.utcoffset() or timedelta()).total_seconds() // 60) for moment in months)


def begins(day: date, name: str | None) -> datetime:
    """The instant (UTC) at which a day begins in a zone."""
    return datetime.combine(day, time(), zone(name)).astimezone(UTC)


def is_over(day: date, name: str | None) -> datetime:
    """The instant (UTC) at which a day is over in a zone: that at which the next one begins."""
    return begins(day + timedelta(days=1), name)


def day_in(moment: datetime, name: str | None) -> date:
    """The day of an instant in a zone's calendar."""
    return moment.astimezone(zone(name)).date()

"""The times of a cron line in a zone, as instants.

Clocks that change: a time that the spring leaves out (02:30) comes when the clock has gone on, and one that the autumn has twice
comes once; a line that says every hour or minute goes by hours and minutes as they pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from customer_research.domain.zones import zone
from customer_research.errors import ExtraMissing, UsageError
from customer_research.research.options import zone_of

if TYPE_CHECKING:
    from cronsim import CronSim

FIELDS = 5
AT_ONCE = 1_000
"""So many times that are too late are told in one answer; of more the next answer tells."""

_NEVER_WITHIN = timedelta(days=366 * 8)
"""Between two leap days there may be eight years; a line without a time in them never has one."""


@dataclass(frozen=True, slots=True)
class Due:
    """A planned time that has come.

    Args:
        planned_at: the instant.
        too_late: whether it may no longer begin.
        passed_over: so many planned times before it have come as well, and are not to be used by themselves.
    """

    planned_at: datetime
    too_late: bool
    passed_over: int


def checked(cron: str, zone_name: str, now: datetime) -> str:
    """A cron line as it is kept.

    Raises:
        UsageError: it is none, has no time to come, or there is no such zone.
        ExtraMissing: the package that reads it is not installed.
    """
    line = " ".join(cron.split())
    zone_of(zone_name)
    hint = "Five fields: minute, hour, day of the month, month, day of the week; `0 8 * * 1` is Mondays at 8:00."
    if len(line.split()) != FIELDS:
        raise UsageError(f"{line[:60]!r} is no cron line.", hint=hint)
    from cronsim import CronSimError  # noqa: PLC0415 - start-up time

    try:
        first = next(times(line, zone_name, now), None)
    except CronSimError as error:
        raise UsageError(f"{line[:60]!r} is no cron line: {error}.", hint=hint) from None
    if first is None or first - now > _NEVER_WITHIN:
        raise UsageError(f"{line[:60]!r} has no time to come.", hint=hint)
    return line


def times(cron: str, zone_name: str, after: datetime) -> Iterator[datetime]:
    """The planned instants (UTC) after an instant, without an end.

    Raises:
        ExtraMissing: the package that reads cron lines is not installed.
    """
    local = after.astimezone(zone(zone_name))
    for moment in _simulated(cron, local):
        instant = moment.astimezone(UTC)
        if instant > after:  # of an hour that comes twice the first is meant, which may have gone by
            yield instant


def _simulated(cron: str, local: datetime) -> CronSim:
    try:
        from cronsim import CronSim  # noqa: PLC0415 - start-up time
    except ImportError:
        raise ExtraMissing("Schedules need cronsim", "delivery") from None
    return CronSim(cron, local)


@lru_cache(maxsize=4096)
def coming(cron: str, zone_name: str, after: datetime) -> datetime:
    """The next planned instant after an instant: what each look at the clock asks first."""
    return next(times(cron, zone_name, after))


def due(cron: str, zone_name: str, since: datetime, now: datetime, lateness: timedelta) -> tuple[Due, ...]:
    """Which planned instants after *since* have come: of those that are too late the newest, and of the others the newest.

    Where very many are too late, it is the newest of the first of them: asked again from there on, it tells of the next.
    """
    if coming(cron, zone_name, since) > now:
        return ()
    edge = now - lateness
    gone = tuple(islice(takewhile(lambda one: one < edge, times(cron, zone_name, since)), AT_ONCE))
    found = (Due(gone[-1], True, len(gone) - 1),) if gone else ()
    if len(gone) == AT_ONCE:
        return found
    usable = tuple(takewhile(lambda one: one <= now, times(cron, zone_name, gone[-1] if gone else since)))
    return (*found, Due(usable[-1], False, len(usable) - 1)) if usable else found

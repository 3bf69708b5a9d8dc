"""`doctor`'s look at the calendars: whether each can be read. HubSpot's meetings are looked at with HubSpot; what is not set up has no row."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import groupby

from customer_research.calendars.calendar import Calendar
from customer_research.calendars.opened import names, opened
from customer_research.connect.source import Clock
from customer_research.domain.check import CheckResult, not_tried
from customer_research.domain.meeting import Window
from customer_research.domain.words import counted
from customer_research.errors import CustomerResearchError
from customer_research.settings import Settings

_DAYS = 7
_NEEDED = {
    "ics": "Feeds that give the calendars of the people named.",
    "google": "A service account that may read the calendars named (calendar.events.readonly).",
    "microsoft": "An application that may read the calendars named (Calendars.Read).",
}


async def calendars(settings: Settings, clock: Clock, *, online: bool) -> tuple[CheckResult, ...]:
    """A row for each kind of calendars that is set up; they are read only when `online`."""
    named = [one for one in names(settings) if one != "hubspot"]
    kinds = list(dict.fromkeys(one.partition(":")[0] for one in named))
    if not online:
        return tuple(not_tried(f"calendar.{kind}", _NEEDED[kind]) for kind in kinds)
    found = opened(settings, clock, None)
    rows = {
        gap.source: CheckResult(f"calendar.{gap.source}", "fail", gap.detail, _NEEDED[gap.source], gap.next_step)
        for gap in found.gaps
    }
    try:
        for kind, each in groupby(found.calendars, key=lambda one: one.name.partition(":")[0]):
            rows[kind] = await _read(kind, list(each), clock)
    finally:
        for one in found.calendars:
            await one.close()
    return tuple(rows[kind] for kind in kinds)


async def _read(kind: str, some: list[Calendar], clock: Clock) -> CheckResult:
    """The coming week of all calendars of a kind; the first that fails tells why."""
    now = clock()
    window = Window(now, now + timedelta(days=_DAYS))
    told = await asyncio.gather(*(one.read(window) for one in some), return_exceptions=True)
    failed = [one for one in told if isinstance(one, BaseException)]
    for one in failed:
        if not isinstance(one, CustomerResearchError):
            raise one
    check, of = f"calendar.{kind}", counted(len(some), "calendar")
    if failed:
        first = failed[0]
        assert isinstance(first, CustomerResearchError)
        found = f"{len(failed)} of {of} cannot be read: {first.message}"
        return CheckResult(check, "fail", found, _NEEDED[kind], first.hint)
    entries = sum(len(one.occurrences) for one in told if not isinstance(one, BaseException))
    return CheckResult(check, "ok", f"{of} can be read: {entries} entries in {_DAYS} days.", _NEEDED[kind])

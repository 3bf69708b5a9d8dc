"""Calendars read and what they have kept: which meetings there are, with whom, and which calendar did not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Unpack

from customer_research.calendars import opened as opening
from customer_research.calendars.calendar import Calendar
from customer_research.calendars.opened import names
from customer_research.connect.failures import gap_of
from customer_research.connect.http import Doubles
from customer_research.connect.source import Clock
from customer_research.domain.evidence import Gap
from customer_research.domain.meeting import CalendarReading, KnownPeople, Window
from customer_research.errors import CustomerResearchError
from customer_research.identity.meetings import Matcher
from customer_research.research.connections import Connections, OutOfReach, Shared
from customer_research.research.meetings.known import known_people, people_gaps, reasons_untold
from customer_research.settings import Settings
from customer_research.store.database import Store, open_store
from customer_research.store.meetings import Meetings

AT_ONCE = 4
"""Calendars that are read at the same time."""

BACK = timedelta(hours=24)
"""So far back calendars are read: what was moved to an hour that has passed is no longer to come."""

KEPT_DAYS = 90
"""Days after which meetings are forgotten."""

_HUBSPOT = "hubspot"


@dataclass(frozen=True, slots=True)
class Poll:
    """What came of reading the calendars: how many there are, and why some did not answer; `people`: why who is met may not be known."""

    calendars: int
    gaps: tuple[Gap, ...]
    people: tuple[Gap, ...] = ()


async def poll(
    settings: Settings,
    store: Store,
    clock: Clock,
    *,
    days: int = 0,
    shared: Shared | None = None,
    **doubles: Unpack[Doubles],
) -> Poll:
    """Read every calendar of the settings, and keep what is there. One that does not answer keeps the meetings that it had.

    Args:
        settings: say which calendars, and who is ours.
        store: where it is kept.
        clock: the present instant.
        days: so many days ahead, where these are more than the settings say.
        shared: the connections of the process; None: its own.
        doubles: what tests put in the place of the network and of time.

    Raises:
        UsageError: the lake has no operators.
        StoreError: the store cannot be read or written to.
    """
    now = clock()
    window = Window(now - BACK, now + timedelta(days=max(days, settings.meetings.days_ahead)))
    known = await asyncio.to_thread(known_people, settings)
    wanted = await asyncio.to_thread(_wanted, settings, store)
    readings, gaps = await _read(settings, wanted, window, clock, shared, doubles)
    await asyncio.to_thread(_keep, settings, store, known, wanted, readings, gaps, window, clock)
    told = (*gaps.values(), *(gap for one in readings for gap in one.gaps))
    return Poll(len(wanted), tuple(told), people_gaps(settings, known))


async def poll_now(settings: Settings, clock: Clock, shared: Shared | None = None, *, days: int = 0) -> Poll:
    """As `poll`, into the store of the settings."""
    with await asyncio.to_thread(open_store, settings.store_url) as store:
        return await poll(settings, store, clock, days=days, shared=shared)


def _wanted(settings: Settings, store: Store) -> tuple[str, ...]:
    """The calendars to read: those of the settings, and HubSpot where only its credential is missing since it was read."""
    named = names(settings)
    if _HUBSPOT in named or not settings.meetings.hubspot:
        return named
    was_read = any(one.calendar == _HUBSPOT for one in Meetings(store).asked())
    return (_HUBSPOT, *named) if was_read else named


async def _read(  # noqa: PLR0917 - what is read, and how
    settings: Settings, wanted: Sequence[str], window: Window, clock: Clock, shared: Shared | None, doubles: Doubles
) -> tuple[list[CalendarReading], dict[str, Gap]]:
    """What the calendars tell, and by name why others do not."""
    connections = Connections(settings, clock, shared)
    gaps: dict[str, Gap] = {}
    session = None
    if _HUBSPOT in wanted:
        try:
            session = connections.session(_HUBSPOT)
        except OutOfReach as error:
            gaps[_HUBSPOT] = error.gap
    found = opening.opened(settings, clock, session, **doubles)
    for gap in found.gaps:
        gaps |= {name: gap for name in wanted if name.partition(":")[0] == gap.source}
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(calendar: Calendar) -> CalendarReading | None:
        async with turns:
            try:
                return await calendar.read(window)
            except CustomerResearchError as error:
                gaps[calendar.name] = gap_of(error, calendar.name.partition(":")[0])
                return None

    try:
        readings = await asyncio.gather(*map(one, found.calendars))
    finally:
        for calendar in found.calendars:
            await calendar.close()
        await connections.close()
    return [each for each in readings if each is not None], gaps


def _keep(  # noqa: PLR0917 - what was read, and where it goes
    settings: Settings,
    store: Store,
    known: KnownPeople,
    wanted: Sequence[str],
    readings: list[CalendarReading],
    gaps: dict[str, Gap],
    window: Window,
    clock: Clock,
) -> None:
    meetings, now = Meetings(store), clock()
    matcher = Matcher(known, settings.meetings.own_domains, _ours(settings, readings))
    untold, people = reasons_untold(settings, known), people_gaps(settings, known)
    meetings.keep_calendars(wanted, now)
    for reading in sorted(readings, key=lambda one: one.calendar):
        matched = {one.id: matcher.match(one) for one in reading.occurrences}
        meetings.record(reading, matched, window, now, untold=untold, people=people)
    for name, gap in gaps.items():
        meetings.not_read(name, gap, now)
    meetings.forget(now - timedelta(days=KEPT_DAYS))


def _ours(settings: Settings, readings: Iterable[CalendarReading]) -> set[str]:
    """The addresses of our own people: whose calendars are read, and HubSpot's users."""
    owners = {name.partition(":")[2] for name in names(settings)} - {""}
    for reading in readings:
        for one in reading.occurrences:
            owners |= set(one.people) if reading.calendar == _HUBSPOT else {one.owner}
    return owners - {""}

"""What people do about schedules: add, list, see what comes next, pause, remove."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice

from customer_research.domain.schedule import OWNERS, Run, Schedule
from customer_research.errors import UsageError
from customer_research.research.options import address_of
from customer_research.research.scheduling.declared import shipped
from customer_research.research.scheduling.times import checked, times
from customer_research.settings import Settings
from customer_research.store.database import open_store, open_to_read
from customer_research.store.schedules import ScheduleBook, unknown

LONGEST_NOTE = 300
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


def with_shipped(wish: Schedule) -> Schedule:
    """A schedule as somebody wants it, with what the shipped one of its name says where they say nothing.

    Raises:
        UsageError: it does not say what is to be done, and no such schedule is shipped.
    """
    known = shipped().get(wish.name)
    if known is None:
        if not wish.use_case:
            hint = f"Say what is to be done, or name one of: {', '.join(shipped())}."
            raise UsageError(f"No schedule {wish.name[:60]!r} is shipped.", hint=hint)
        return wish
    made = wish if wish.cron or wish.after else replace(wish, cron=known.cron, after=known.after)
    if wish.use_case not in {"", known.use_case}:
        return made
    return replace(
        made,
        use_case=known.use_case,
        request={**known.request, **wish.request},
        recipients=wish.recipients or known.recipients,
        note=wish.note or known.note,
    )


def add(settings: Settings, wish: Schedule) -> Schedule:
    """Keep a schedule whose use case and request have been found good; as it is kept.

    Raises:
        UsageError: its name, times, or an address cannot be used; or there is one of that name.
        StoreError: the store cannot be written to.
    """
    if not _NAME.fullmatch(wish.name):
        raise UsageError(
            f"{wish.name[:70]!r} is no name of a schedule.",
            hint="Up to 60 small letters, digits and hyphens: weekly-digest.",
        )
    if len(wish.note) > LONGEST_NOTE:
        raise UsageError(f"A note has at most {LONGEST_NOTE} characters.", hint="Say it shorter.")
    if bool(wish.cron) == bool(wish.after):
        raise UsageError(
            "A schedule has times of its own, or comes after another.", hint="Give one of --cron and --after."
        )
    made = replace(
        wish,
        cron=wish.cron and checked(wish.cron, wish.zone, wish.since),
        recipients=tuple(dict.fromkeys(one if one == OWNERS else str(address_of(one)) for one in wish.recipients)),
        failures_to=wish.failures_to and str(address_of(wish.failures_to)),
        note=" ".join(wish.note.split()),
    )
    with open_store(settings.store_url) as store:
        schedules = ScheduleBook(store)
        if made.after:
            _check_chain(made, {one.name: one for one in schedules.all()})
        schedules.add(made)
    return made


def _check_chain(made: Schedule, others: Mapping[str, Schedule]) -> None:
    """What it comes after is there, and does not come after it.

    Raises:
        UsageError: not so.
    """
    before = made.after
    while before:
        if before == made.name:
            raise UsageError(
                f"{made.after} comes after {made.name} already.", hint="Give one of them times of its own."
            )
        if before not in others:
            raise unknown(before)
        before = others[before].after


@contextmanager
def schedules_of(settings: Settings) -> Iterator[ScheduleBook]:
    """The schedules, to read them.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_to_read(settings.store_url) as store:
        yield ScheduleBook(store)


def listed(settings: Settings) -> tuple[tuple[Schedule, ...], Mapping[str, Run]]:
    """Every schedule, and the newest run of each that has one.

    Raises:
        StoreError: the store cannot be read.
    """
    with schedules_of(settings) as book:
        return book.all(), book.newest()


def found(settings: Settings, name: str) -> Schedule:
    """A schedule.

    Raises:
        UsageError: there is none of that name.
        StoreError: the store cannot be read.
    """
    with schedules_of(settings) as book:
        one = book.find(name)
    if one is None:
        raise unknown(name)
    return one


def runs(settings: Settings, name: str, most: int | None) -> tuple[Run, ...]:
    """The runs of a schedule (empty: of all), the newest first.

    Raises:
        UsageError: there is no such schedule.
        StoreError: the store cannot be read.
    """
    with schedules_of(settings) as book:
        if name and book.find(name) is None:
            raise unknown(name)
        return book.runs(name, most)


def pause(settings: Settings, name: str, *, paused: bool, now: datetime) -> Schedule:
    """Pause a schedule, or let it go on.

    Raises:
        UsageError: there is none of that name.
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        return ScheduleBook(store).pause(name, paused=paused, now=now)


def remove(settings: Settings, name: str) -> None:
    """Remove a schedule and what is known of its runs.

    Raises:
        UsageError: there is none of that name, or others come after it.
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        book = ScheduleBook(store)
        behind = [one.name for one in book.all() if one.after == name]
        if behind:
            raise UsageError(f"{', '.join(behind)} comes after {name}.", hint="Remove that first.")
        book.remove(name)


def next_times(schedule: Schedule, now: datetime, count: int) -> tuple[datetime, ...]:
    """The next planned instants of a schedule that has times of its own."""
    return tuple(islice(times(schedule.cron, schedule.zone, max(now, schedule.since)), count))

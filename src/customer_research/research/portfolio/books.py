"""Looking at a book: what an owner sees of the newest snapshot first, read from the store without computing anything."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from customer_research.domain.book import (
    BILLING_DAYS,
    OTHER_WINDOW,
    RENEWAL_WINDOWS,
    Book,
    Owner,
    PlannedMeeting,
    Renewals,
)
from customer_research.domain.evidence import Gap
from customer_research.domain.line import DAYS, READY_MOST, Line
from customer_research.domain.meeting import Asked, Meeting, Window
from customer_research.domain.portfolio import Moves
from customer_research.domain.snapshot import Snapshot
from customer_research.errors import NothingYet, UsageError
from customer_research.health.history import SLACK, SOURCE
from customer_research.research.portfolio.moves import BACKFILL, between, history_receipt
from customer_research.research.portfolio.owners import fitting_owners
from customer_research.research.portfolio.ready import ready_of
from customer_research.settings import Settings
from customer_research.store.books import Books, Ready
from customer_research.store.database import Store, open_to_read
from customer_research.store.history import History
from customer_research.store.meetings import CRM, Meetings

MEETING_DAYS, RENEWAL_DAYS, WEEK = 7, 30, 7
"""How many days a book looks ahead, and back where nobody has looked at it before."""

LINES, RENEWALS = 10, 5
"""How many operators and how many coming ends and renewals a book shows."""

_MONTHS = 3
"""Months of a quarter."""

_EVER = 36_500
"""Days within which every planned end lies."""

EVERYBODY = "everybody"
"""Who looked at a book, where it is nobody's own."""


def every_line(settings: Settings, owner: str | None, *, now: datetime) -> tuple[Line, ...]:
    """The lines of all operators of an owner, the most urgent first (as `book`)."""
    with looking(settings, now) as (store, ready):
        books = Books(store)
        ids = None if owner is None else {one.owner_id for one in owners_called(owner, books.owners(ready))}
        return books.lines(ready, ids)


def book(settings: Settings, owner: str | None, *, now: datetime, most: int | None = LINES, noted: bool = True) -> Book:
    """What the owner (a name, a part of one, or HubSpot's id; None: everybody) sees of the newest snapshot first.

    Whoever looks is noted (unless `noted` says otherwise), so that the next look at a newer snapshot can tell what moved.

    Raises:
        UsageError: there is no snapshot yet, or no such owner.
        StoreError: the store cannot be read or written to.
    """
    with looking(settings, now) as (store, ready):
        books = Books(store)
        owners = books.owners(ready)
        chosen = owners if owner is None else owners_called(owner, owners)
        ids = None if owner is None else frozenset(one.owner_id for one in chosen)
        operators, needed = books.counts(ready, ids)
        day = ready.snapshot.as_of.date()
        coming = books.dated(ready, ids, ("ends_on", "renews_on"), day, day + timedelta(days=RENEWAL_DAYS))
        who = EVERYBODY if owner is None else " ".join(sorted(ids or ()))
        before = books.looked(who, ready.snapshot.id, now if noted else None)
        mine = None if ids is None else books.ids(ready, ids)
        lines = books.lines(ready, ids, needed=True, most=most)
        met = _met(store, ready, mine, now)
        return Book(
            snapshot=ready.snapshot,
            generated_at=now,
            owners=chosen,
            named=owner is not None,
            lines=lines,
            of=needed,
            operators=operators,
            meetings=met[0],
            calendars=met[1],
            meetings_until=now + timedelta(days=MEETING_DAYS),
            renewals=tuple(sorted(coming, key=_by_date))[:RENEWALS],
            renewals_of=len(coming),
            renewals_unknown=sum(one.days_unknown["next"] for one in chosen),
            moves=_moves(History(store), ready.snapshot, before, mine, store.place),
            receipt=ready.snapshot.scoring,
            freshness=ready.freshness,
            left_out=max(0, ready.present - READY_MOST),
            history=history_receipt(ready.snapshot, lines, store.place),
        )


def quarter_end(day: date) -> date:
    """The last day of the calendar quarter that a day lies in."""
    last = -(-day.month // _MONTHS) * _MONTHS
    return date(day.year, last, monthrange(day.year, last)[1])


def renewals(
    settings: Settings, owner: str | None, *, now: datetime, days: int | None = None, until: date | None = None
) -> Renewals:
    """What ends, renews or bills next with the operators of an owner (as `book`).

    Args:
        settings: say where the store is.
        owner: whose book; None: everybody's.
        now: the present.
        days: within how many days; None: the window of each operator's segment.
        until: up to this day, instead of so many days.

    Raises:
        UsageError, StoreError: as `book`.
    """
    with looking(settings, now) as (store, ready):
        books = Books(store)
        owners = books.owners(ready)
        chosen = owners if owner is None else owners_called(owner, owners)
        ids = None if owner is None else frozenset(one.owner_id for one in chosen)
        day = ready.snapshot.as_of.date()
        if until is not None:
            days = max((until - day).days, 0)
        last = max(RENEWAL_WINDOWS.values()) if days is None else days

        def within(name: str, ahead: int) -> tuple[Line, ...]:
            found = books.dated(ready, ids, (name,), day, day + timedelta(days=ahead + 1))
            return tuple(sorted(found, key=lambda line: (getattr(line, name), *_by_worth(line))))

        return Renewals(
            snapshot=ready.snapshot,
            generated_at=now,
            owners=chosen,
            named=owner is not None,
            days=days,
            until=until,
            ends=within("ends_on", _EVER if days is None else days),
            renews=tuple(
                line
                for line in within("renews_on", last)
                if line.ends_on is None and (days is not None or _opens(line, day))
            ),
            unknown={day: sum(one.days_unknown[day] for one in chosen) for day in DAYS},
            bills=within("bills_on", BILLING_DAYS if days is None else days),
            operators=books.counts(ready, ids)[0],
            receipt=ready.snapshot.scoring,
            freshness=ready.freshness,
            left_out=max(0, ready.present - READY_MOST),
        )


def _opens(line: Line, day: date) -> bool:
    """Whether the operator's renewal lies within the window of its segment."""
    assert line.renews_on is not None, "it was asked for"
    return (line.renews_on - day).days <= RENEWAL_WINDOWS.get(line.segment, OTHER_WINDOW)


@contextmanager
def looking(settings: Settings, now: datetime) -> Iterator[tuple[Store, Ready]]:
    """The store, and its newest snapshot with its lines; they are made where an older version left them out."""
    with open_to_read(settings.store_url) as store:
        history = History(store)
        snapshot = history.latest(scorecard=settings.scorecard) or history.latest()
        if snapshot is None:
            raise NothingYet(
                "There is no snapshot of the portfolio yet.",
                hint="Run `customer-research sync` and `customer-research portfolio score` first.",
            )
        ready = ready_of(store, settings, snapshot, now)
        if ready is None:
            raise UsageError(
                f"The newest snapshot, of {snapshot.as_of:%Y-%m-%d}, is in the score history only.",
                hint="Run `customer-research portfolio score`.",
            )
        yield store, ready


def owners_called(asked: str, owners: Sequence[Owner]) -> tuple[Owner, ...]:
    """The owners that an id, a name or a part of one means.

    Raises:
        UsageError: none is; it lists those that there are.
    """
    by_id = tuple(one for one in owners if one.owner_id and one.owner_id == asked)
    if by_id:
        return by_id
    named = [one for one in owners if one.owner_id]
    names = fitting_owners(asked, [one.name for one in named])
    return tuple(one for one in named if one.name in names)


def _by_date(line: Line) -> tuple[Any, ...]:
    return min(day for day in (line.ends_on, line.renews_on) if day is not None), *_by_worth(line)


def _by_worth(line: Line) -> tuple[Any, ...]:
    return line.worth is None, -(line.worth or 0), line.operator_id


def _met(
    store: Store, ready: Ready, mine: Collection[str] | None, now: datetime
) -> tuple[tuple[PlannedMeeting, ...] | None, tuple[Asked, ...]]:
    """The meetings of the coming days, and how the calendars that are read answered.

    Calendars say more than HubSpot at the snapshot, and what is cancelled since. Where HubSpot's own calendar was not read lately, what
    the snapshot has stands beside them.
    """
    kept = Meetings(store)
    asked, found = kept.asked(), kept.coming(now, MEETING_DAYS)
    told = [
        PlannedMeeting(
            operator.operator_id, operator.name, one.title, one.starts_at, one.receipt, one.all_day, _note(one)
        )
        for one in found
        if one.is_on or one.is_unknown
        for operator in one.operators
        if mine is None or operator.operator_id in mine
    ]
    if all(one.is_stale(now) for one in asked if one.calendar == CRM):
        of_hubspot = _meetings(ready, mine, now)
        if of_hubspot is None and not told and not any(one.answered_at for one in asked):
            return None, asked
        known = {(operator.operator_id, one.starts_at) for one in found for operator in one.operators}
        told += [one for one in of_hubspot or () if (one.operator_id, one.starts_at) not in known]
    return tuple(sorted(told, key=lambda one: (one.starts_at, one.name))), asked


def _note(one: Meeting) -> str:
    """What is to be known of a meeting beside its time."""
    notes = (
        one.span,
        "the calendar names a time zone that nobody knows" if one.zone_unknown else "",
        f"its calendar was last read {one.seen_at:%Y-%m-%d %H:%M} UTC, and is no longer" if one.is_unknown else "",
    )
    return "; ".join(filter(None, notes))


def _meetings(ready: Ready, mine: Collection[str] | None, now: datetime) -> tuple[PlannedMeeting, ...] | None:
    """The meetings of the coming days that HubSpot had at the snapshot."""
    if ready.meetings is None:
        return None
    days = Window(now, now + timedelta(days=MEETING_DAYS))
    return tuple(
        one for one in ready.meetings if days.holds(one.starts_at) and (mine is None or one.operator_id in mine)
    )


def _moves(history: History, now: Snapshot, before: str, mine: Collection[str] | None, place: str) -> Moves | Gap:
    """What moved since the snapshot looked at before; of who never looked, since a week ago."""
    then = history.snapshot(before) if before else None
    if then is None or then.digest != now.digest:
        back = now.as_of - timedelta(days=WEEK)
        found = history.snapshots(since=back - SLACK, until=back + timedelta(microseconds=1), digest=now.digest)
        then = found[-1] if found else None
    if then is None:
        return Gap(SOURCE, "none_found", "there is no earlier snapshot to compare with", BACKFILL)
    return between(history, then, now, place, mine)

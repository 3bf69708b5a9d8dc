"""What comes of a run as messages: to the addresses that a schedule names, or to each account owner as they want to be told.

A message's key has the period that it is about: the same period again, by hand or by a run that was begun anew, is the same message,
and the outbox has it already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile

from customer_research.domain.delivery import Address, Envelope, Message, message_key
from customer_research.domain.person import Person
from customer_research.domain.report import Prose, Report
from customer_research.domain.schedule import OWNERS, Run, Schedule
from customer_research.domain.words import counted, instant_words
from customer_research.domain.zones import zone
from customer_research.research.delivering.composing import message_of, plain_message
from customer_research.research.delivering.readers import Reader
from customer_research.research.portfolio.books import looking
from customer_research.research.scheduling.times import times
from customer_research.settings import Settings
from customer_research.store.books import Books
from customer_research.store.database import Store
from customer_research.store.outbox import Outbox
from customer_research.store.people import People
from customer_research.store.schedules import ScheduleBook

TEAM = "team"
"""Whom a message is about that is about everybody."""

DIGEST, REMINDER, REPORT, NOTICE = "digest", "reminder", "report", "notice"
LATE = timedelta(minutes=5)
"""A message that comes so much later than it was planned says so."""

_HOUR_SECONDS, _MINUTE_SECONDS = 3600, 60


@dataclass(frozen=True, slots=True)
class Owner:
    """An account owner who has operators: id and name, and how they want to be told; None: nobody knows."""

    owner_id: str
    name: str
    person: Person | None


@dataclass(slots=True)
class Sent:
    """How many messages were put into the outbox, how many were there already or muted, and who could not be told.

    `ownerless` are the operators whose account owner is not known, where owners alone are told: nobody hears of them.
    """

    new: int = 0
    there: int = 0
    muted: int = 0
    nowhere: tuple[str, ...] = ()
    ownerless: int = 0

    def words(self) -> str:
        """What was done, in a sentence or two; empty: nothing."""
        said = []
        if self.new:
            said.append(counted(self.new, "message"))
        if self.there:
            said.append(f"{self.there:,} for the same period {'was' if self.there == 1 else 'were'} there already")
        if self.muted:
            said.append(f"{self.muted:,} muted")
        told = f"{', '.join(said)}." if said else ""
        if self.nowhere:
            told += f" Nobody knows where {', '.join(self.nowhere)} {'wants' if len(self.nowhere) == 1 else 'want'} to be told (`me set`)."
        if self.ownerless:
            told += f" {counted(self.ownerless, 'operator')} without a known account owner: nobody is told of them."
        return told.strip()


class Sending:
    """Makes messages of what a run gives, and puts them into the outbox.

    Args:
        store: has the outbox and the people.
        schedule: what the run is of.
        run: the run.
        now: the present instant.
    """

    def __init__(self, store: Store, schedule: Schedule, run: Run, now: datetime) -> None:
        self._outbox, self._people = Outbox(store), People(store)
        self._schedule, self._run, self._now = schedule, run, now
        self.sent = Sent()

    def addresses(self) -> tuple[Address, ...]:
        """The addresses that the schedule names itself."""
        return tuple(Address.read(one) for one in self._schedule.recipients if one != OWNERS)

    def owners(self, settings: Settings) -> tuple[Owner, ...]:
        """Every account owner who has operators in the newest snapshot.

        Raises:
            UsageError: there is no snapshot yet.
        """
        if OWNERS not in self._schedule.recipients:
            return ()
        with looking(settings, self._now) as (store, ready):
            owners = Books(store).owners(ready)
        if not (self._schedule.book or self.addresses()):  # who is named is told of everybody
            self.sent.ownerless = sum(one.operators for one in owners if not one.owner_id)
        return tuple(
            Owner(one.owner_id, one.name, person)
            for one in owners
            if one.owner_id and self._schedule.book in {"", one.owner_id}  # who made it may see one book alone
            for person in self._people.owning(one.owner_id) or (None,)
        )

    def of_everybody(self, said: Report | Sequence[str], title: str) -> None:
        """Send what is about everybody to the addresses that are named."""
        failures = Address.read(self._schedule.failures_to) if self._schedule.failures_to else None
        for address in self.addresses():
            self._put(said, title, TEAM, Reader(address, failures if failures != address else None))

    def of_owner(self, said: Report | Sequence[str], title: str, owner: Owner, person: Person) -> None:
        """Send an account owner what is about their own operators, as they want it."""
        self._put(said, title, owner.owner_id, Reader.of(person))

    def nowhere(self, owner: Owner) -> None:
        """Note that nobody knows where an account owner wants to be told."""
        self.sent.nowhere += (owner.name or owner.owner_id,)

    def _put(self, said: Report | Sequence[str], title: str, subject: str, reader: Reader) -> None:
        kind, occasion = _about(self._schedule, self._run)
        message = self._message(said, title, Envelope(kind, subject, occasion, reader.address, reader.elsewhere))
        dropped = reader.dropped(kind, self._now)
        if not self._outbox.put(message, now=self._now, due=reader.due(self._now), dropped=dropped):
            self.sent.there += 1
        elif dropped:
            self.sent.muted += 1
        else:
            self.sent.new += 1

    def _message(self, said: Report | Sequence[str], title: str, envelope: Envelope) -> Message:
        heading = (*((self._schedule.note,) if self._schedule.note else ()), *self._late())
        if isinstance(said, Report):
            noted = replace(said, warnings=(*(Prose(one) for one in heading), *said.warnings)) if heading else said
            return message_of(noted, envelope)
        return plain_message(title, (*heading, *said), envelope)

    def _late(self) -> Iterator[str]:
        """That it comes late, where it does."""
        run = self._run
        if not run.asked and run.late >= LATE:
            yield f"Planned for {_planned(self._schedule, run)}; made {_span(run.late)} later."
        if run.passed_over:
            yield f"{counted(run.passed_over, 'earlier time')} went by without one."


def told_of(store: Store, schedule: Schedule, run: Run, now: datetime) -> int:
    """Tell of a run that failed or was skipped those who wait for it; how many messages that makes.

    It goes to the address that the schedule names for failures, else to those that it sends to. Account owners hear of it who got
    nothing of the run, where it is known where they want to be told and they have not muted it; why it failed, which may name
    others' operators, they are not told. Nobody hears of a skipped run that a later one is done in place of.
    """
    if run.state not in {"failed", "skipped"} or (run.state == "skipped" and _made_up_for(store, run)):
        return 0
    what = "failed" if run.state == "failed" else "was skipped"
    title, exact = f"{schedule.name} {what}", f"{run.planned_at:%Y-%m-%dT%H:%M:%S.%fZ}/{run.state}"
    happened = f"{schedule.name} ({schedule.use_case}), planned for {_planned(schedule, run)}, {what}."
    passed = (f"{counted(run.passed_over, 'earlier time')} went by unused as well.",) if run.passed_over else ()
    step = f"`customer-research schedule run {schedule.name}` does it now."
    named = (schedule.failures_to,) if schedule.failures_to else schedule.recipients
    told = [(Address.read(one), (f"{happened} {run.said}", *passed, step), now) for one in named if one != OWNERS]
    if OWNERS in named:
        said = (happened, *passed, "Ask whoever runs customer-research to do it again.")
        told += [(address, said, due) for address, due in _without(store, schedule, run, now)]
    new = 0
    for address, lines, due in told:
        envelope = Envelope(NOTICE, f"schedule {schedule.name}", exact, address)
        new += Outbox(store).put(plain_message(title, lines, envelope), now=now, due=due)
    return new


def _made_up_for(store: Store, run: Run) -> bool:
    """Whether a later run of the schedule has begun."""
    newest = ScheduleBook(store).newest().get(run.schedule)
    return newest is not None and newest.planned_at > run.planned_at and newest.state in {"running", "done", "partial"}


def _without(store: Store, schedule: Schedule, run: Run, now: datetime) -> Iterator[tuple[Address, datetime]]:
    """The account owners who got nothing of a run: where they are told so, and from when."""
    kind, occasion = _about(schedule, run)
    for one in People(store).all():
        reader = Reader.of(one)
        waits = bool(one.owner_id) and schedule.book in {"", one.owner_id} and not reader.dropped(kind, now)
        if waits and not Outbox(store).has(message_key(kind, one.owner_id, occasion, reader.address)):
            yield reader.address, reader.due(now)


def _about(schedule: Schedule, run: Run) -> tuple[str, str]:
    """Kind and period of a run's messages; what else was asked for is another message of the same period."""
    kind = DIGEST if schedule.use_case == DIGEST else REMINDER if schedule.note else REPORT
    asked = ", ".join(f"{name}={value}" for name, value in sorted(schedule.request.items()))
    if kind == DIGEST:
        return kind, f"{_period(schedule, run)} {asked}".strip()
    return kind, f"{schedule.name} {run.planned_at:%Y-%m-%dT%H:%M:%SZ}"


def _period(schedule: Schedule, run: Run) -> str:
    """The week of a digest; the day where it comes more than once a week, and the minute where more than once a day."""
    planned = run.planned_at.astimezone(zone(schedule.zone))
    day = planned.replace(hour=0, minute=0, second=0, microsecond=0)
    if schedule.cron and not _several(schedule, day - timedelta(days=day.weekday()), days=7):
        return f"{planned:%G-W%V}"
    return f"{planned:%Y-%m-%dT%H:%M}" if schedule.cron and _several(schedule, day, days=1) else f"{planned:%Y-%m-%d}"


def _several(schedule: Schedule, since: datetime, *, days: int) -> bool:
    """Whether more than one planned time lies within so many days from a midnight of the schedule's own clock on."""
    until = since + timedelta(days=days)
    after = times(schedule.cron, schedule.zone, since - timedelta.resolution)
    return len(tuple(islice(takewhile(lambda one: one < until, after), 2))) > 1


def _planned(schedule: Schedule, run: Run) -> str:
    local = run.planned_at.astimezone(zone(schedule.zone))
    return f"{local:%a %Y-%m-%d %H:%M} {schedule.zone} ({instant_words(run.planned_at)})"


def _span(late: timedelta) -> str:
    hours, rest = divmod(int(late.total_seconds()), _HOUR_SECONDS)
    minutes = rest // _MINUTE_SECONDS
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"

"""What comes of a run as messages: to the addresses that a schedule names, or to each account owner as they want to be told.

A message's key has the period that it is about: the same period again, by hand or by a run that was begun anew, is the same message,
and the outbox has it already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from customer_research.domain.delivery import MUTED, Address, Envelope, Message
from customer_research.domain.person import Person
from customer_research.domain.report import Prose, Report
from customer_research.domain.schedule import OWNERS, Run, Schedule
from customer_research.domain.words import counted, instant_words
from customer_research.domain.zones import zone
from customer_research.research.delivering.composing import message_of, plain_message
from customer_research.research.portfolio.books import looking
from customer_research.settings import Settings
from customer_research.store.books import Books
from customer_research.store.database import Store
from customer_research.store.outbox import Outbox
from customer_research.store.people import People

TEAM = "team"
"""Whom a message is about that is about everybody."""

DIGEST, REMINDER, REPORT, NOTICE = "digest", "reminder", "report", "notice"
LATE = timedelta(minutes=5)
"""A message that comes so much later than it was planned says so."""

_HOUR_SECONDS, _MINUTE_SECONDS = 3600, 60


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told: an account owner's id and name (empty: nobody's), and how they want it; None: nobody knows."""

    owner_id: str
    name: str
    person: Person | None


@dataclass(slots=True)
class Sent:
    """How many messages were put into the outbox, how many were there already or muted, and who could not be told."""

    new: int = 0
    there: int = 0
    muted: int = 0
    nowhere: tuple[str, ...] = ()

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

    def readers(self, settings: Settings) -> tuple[Reader, ...]:
        """Every account owner who has operators in the newest snapshot.

        Raises:
            UsageError: there is no snapshot yet.
        """
        if OWNERS not in self._schedule.recipients:
            return ()
        with looking(settings, self._now) as (store, ready):
            owners = Books(store).owners(ready)
        return tuple(
            Reader(one.owner_id, one.name, self._people.owning(one.owner_id)) for one in owners if one.owner_id
        )

    def of_everybody(self, said: Report | Sequence[str], title: str) -> None:
        """Send what is about everybody to the addresses that are named."""
        elsewhere = _address(self._schedule.failures_to)
        for address in self.addresses():
            self._put(said, title, Envelope(*self._kind(), address, elsewhere if elsewhere != address else None))

    def of_reader(self, said: Report | Sequence[str], title: str, reader: Reader, person: Person) -> None:
        """Send an account owner what is about their own operators, as they want it."""
        kind, _, occasion = self._kind()
        address = Address.read(person.place)
        envelope = Envelope(kind, reader.owner_id, occasion, address, _address(person.second_place))
        self._put(said, title, envelope, person)

    def nowhere(self, reader: Reader) -> None:
        """Note that nobody knows where an account owner wants to be told."""
        self.sent.nowhere += (reader.name or reader.owner_id,)

    def _kind(self) -> tuple[str, str, str]:
        """Kind, subject and period of a message about everybody."""
        planned = self._run.planned_at.astimezone(zone(self._schedule.zone))
        kind = _kind_of(self._schedule)
        exact = f"{self._schedule.name} {self._run.planned_at:%Y-%m-%dT%H:%M:%SZ}"
        return kind, TEAM, f"{planned:%G-W%V}" if kind == DIGEST else exact

    def _put(self, said: Report | Sequence[str], title: str, envelope: Envelope, person: Person | None = None) -> None:
        due = self._now if person is None else person.sent_at(self._now)
        muted = person is not None and person.mutes(envelope.kind, self._now)
        message = self._message(said, title, envelope)
        if not self._outbox.put(message, now=self._now, due=due, dropped=MUTED if muted else ""):
            self.sent.there += 1
        elif muted:
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
            yield f"Planned for {_planned(self._schedule, run)}; made {_span(run.late)} later, since nothing ran then."
        if run.passed_over:
            yield f"{counted(run.passed_over, 'earlier time')} went by without one."


def told_of(store: Store, schedule: Schedule, run: Run, now: datetime) -> int:
    """Tell of a run that failed or was skipped those who wait for it; how many messages that makes.

    It goes to the address that the schedule names for failures, else to those that it sends to: of the account owners to all of
    whom it is known where they want to be told, unless they have muted what it sends.
    """
    if run.state not in {"failed", "skipped"}:
        return 0
    what = "failed" if run.state == "failed" else "was skipped"
    lines = [f"{schedule.name} ({schedule.use_case}), planned for {_planned(schedule, run)}, {what}. {run.said}"]
    if run.passed_over:
        lines.append(f"{counted(run.passed_over, 'earlier time')} went by unused as well.")
    lines.append("`customer-research schedule run` does it now.")
    exact = f"{run.planned_at:%Y-%m-%dT%H:%M:%S.%fZ}/{run.state}"
    new = 0
    for address, due in dict(_waiting(store, schedule, now)).items():
        envelope = Envelope(NOTICE, f"schedule {schedule.name}", exact, address)
        new += Outbox(store).put(plain_message(f"{schedule.name} {what}", lines, envelope), now=now, due=due)
    return new


def _waiting(store: Store, schedule: Schedule, now: datetime) -> Iterator[tuple[Address, datetime]]:
    """Where a failed or skipped run is told, and from when."""
    named = (schedule.failures_to,) if schedule.failures_to else schedule.recipients
    if OWNERS in named:
        kind = _kind_of(schedule)
        yield from (
            (Address.read(one.place), one.sent_at(now))
            for one in People(store).all()
            if one.owner_id and not one.mutes(kind, now)
        )
    yield from ((Address.read(one), now) for one in named if one != OWNERS)


def _kind_of(schedule: Schedule) -> str:
    """The kind of the messages that a schedule sends."""
    if schedule.use_case == DIGEST:
        return DIGEST
    return REMINDER if schedule.note else REPORT


def _planned(schedule: Schedule, run: Run) -> str:
    local = run.planned_at.astimezone(zone(schedule.zone))
    return f"{local:%a %Y-%m-%d %H:%M} {schedule.zone} ({instant_words(run.planned_at)})"


def _span(late: timedelta) -> str:
    hours, rest = divmod(int(late.total_seconds()), _HOUR_SECONDS)
    minutes = rest // _MINUTE_SECONDS
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _address(written: str) -> Address | None:
    return Address.read(written) if written else None

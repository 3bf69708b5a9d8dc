"""Meetings: what calendars tell of them, and with which operators they are.

An occurrence is one entry of one calendar at one time; a meeting is what takes place, whichever calendars have it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from customer_research.domain.evidence import Gap, Receipt

OccurrenceState = Literal["planned", "cancelled", "declined", "over"]
"""`planned`; `cancelled` for everybody; `declined` by the calendar's owner; `over` (held, or nobody came), as its calendar says."""

MatchReason = Literal["association", "contact", "domain"]
"""Why a meeting is taken to be with an operator, the surest first: the CRM associates them; somebody invited is a known
contact; somebody invited has the operator's mail domain."""

CALENDARS_SET = "Set hubspot.token, ics.feeds, google.calendars or microsoft.calendars."
"""How calendars come to be read."""

LAST = timedelta(days=1)
"""How long what a calendar told is taken for what it has now, where nothing is asked anew; older, it says so."""

NEARLY = timedelta(hours=1)
"""What is read up to so little before an instant is read up to it: calendars are read a while before they are listed."""

LOOK_AGAIN = "Run `customer-research meetings list`."
"""What to do about a calendar that was not read lately."""

LAKE = "lake"
"""The source of gaps that say why it is not known who is met."""

ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Window:
    """From an instant (UTC) on, and before another."""

    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it."""
        return self.since <= at < self.until

    def meets(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether some of what lasts from one instant to another lies in it; of what has no length, its instant."""
        return starts_at < self.until and (ends_at > self.since or starts_at >= self.since)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One entry of a calendar at one time.

    Args:
        calendar: the calendar's name, which no other has: `hubspot`, `ics:anna@example.com`.
        uid: what the calendar calls the entry, or the series that it belongs to.
        original: of a series, the instant that it had before anybody moved it (UTC); None: it stands alone.
        owner: the e-mail address of our person whose calendar it is, in lower case; empty: not known.
        starts_at: when it begins (UTC).
        ends_at: when it ends (UTC).
        title: what it is called; somebody else wrote it.
        state: whether it takes place.
        people: e-mail addresses of all who are invited or invite, in lower case, the owner too.
        companies: the CRM's companies that are associated with it.
        contacts: the CRM's contacts that are associated with it.
        all_day: it has days and no hours.
        private: its owner has marked it so.
        zone_unknown: the calendar names a time zone that nobody knows: its hours are taken to be the calendar's own.
        receipt: proves it.
    """

    calendar: str
    uid: str
    original: datetime | None
    owner: str
    starts_at: datetime
    ends_at: datetime
    title: str
    state: OccurrenceState
    people: tuple[str, ...]
    receipt: Receipt
    companies: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    all_day: bool = False
    private: bool = False
    zone_unknown: bool = False

    @property
    def id(self) -> str:
        """The same for the same entry, wherever it is moved; it tells nothing of it to who reads it."""
        original = self.original.isoformat() if self.original is not None else ""
        told = "".join(f"{len(part)}:{part}" for part in (self.calendar, self.uid, original))
        return hashlib.sha256(told.encode()).hexdigest()[:ID_DIGITS]


@dataclass(frozen=True, slots=True)
class CalendarReading:
    """What a calendar has in a window; `gaps` say what could not be read of it.

    `whole` says that it has nothing else there: an entry that it had before is there no more. `under_way`: what began before the window
    and lasts into it is there, too.
    """

    calendar: str
    occurrences: tuple[Occurrence, ...]
    gaps: tuple[Gap, ...] = ()
    whole: bool = True
    under_way: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """How a calendar answered when it was last asked.

    Args:
        calendar: its name.
        read_at: when it was asked.
        until: up to when it was read when it last answered; where it never did, when it was first asked.
        entries: how many entries it had there when it last answered; `internal` of them are among our own people, `private` are
            marked so.
        gaps: what it did not tell.
        answered_at: when it last answered at all; None: never.
        people: why it was not known of all who were met, when it last answered.
    """

    calendar: str
    read_at: datetime
    until: datetime
    entries: int = 0
    internal: int = 0
    private: int = 0
    gaps: tuple[Gap, ...] = field(default=())
    answered_at: datetime | None = None
    people: tuple[Gap, ...] = ()

    @property
    def source(self) -> str:
        """What kind of calendar it is."""
        return self.calendar.partition(":")[0]

    @property
    def owner(self) -> str:
        """Whose it is, an e-mail address; empty: everybody's."""
        return self.calendar.partition(":")[2]

    @property
    def is_silent(self) -> bool:
        """Whether it did not answer when it was last asked."""
        return any(gap.reason != "truncated" for gap in self.gaps)

    def is_stale(self, now: datetime) -> bool:
        """Whether what it has now is not known: it did not answer last, or was not asked for long."""
        return self.is_silent or self.answered_at is None or now - self.answered_at > LAST

    def is_short(self, until: datetime) -> bool:
        """Whether it answered, and was not asked for all that is before an instant."""
        return self.answered_at is not None and until - self.until > NEARLY

    def open(self, now: datetime, until: datetime) -> tuple[Gap, ...]:
        """What is not known of its entries before an instant, and why."""
        found = [*self.gaps]
        if self.is_stale(now):
            last = f"last read at {self.answered_at:%Y-%m-%d %H:%M} UTC" if self.answered_at else "never read"
            found.append(Gap(self.source, "stale", f"The calendar was {last}.", "" if self.gaps else LOOK_AGAIN))
        if self.is_short(until):
            detail = f"The calendar was read up to {self.until:%Y-%m-%d} alone: of later days nothing is known."
            found.append(Gap(self.source, "truncated", detail, "Ask without --kept, or raise meetings.days_ahead."))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class MetOperator:
    """An operator that a meeting is with, and why that is so: in a word for programs, in a sentence for readers."""

    operator_id: str
    name: str
    reason: MatchReason
    because: str


Kind = Literal["operator", "internal", "unknown", "none"]
"""With operators; among our own people; with people of whom nobody knows an operator; with nobody else."""


@dataclass(frozen=True, slots=True)
class Matching:
    """With whom a meeting is: the operators that it is with (two are both named), or why it is with none.

    `domains` are the mail domains, of the people invited who are not ours, of which no operator is known.
    """

    kind: Kind
    operators: tuple[MetOperator, ...] = ()
    domains: tuple[str, ...] = ()


MeetingState = Literal["planned", "cancelled", "declined", "over", "gone", "private", "unread", "unmatched"]
"""As `OccurrenceState`; and what is known of a meeting that calendars do not tell of as they did.

`gone`: its calendar was read and has it no more; `private`: its owner has marked it so since; `unread`: its calendar is no longer
among those that are read, so that it is not known whether it takes place; `unmatched`: it is there as it was, and nothing tells any
more that it is with an operator.
"""


@dataclass(frozen=True, slots=True)
class Meeting:
    """What takes place, of all calendars that have it.

    Args:
        id: 16 hexadecimal digits; it stays the same when the meeting is moved.
        owner: the e-mail address of our person who meets; empty: not known.
        starts_at: when it begins (UTC), as the calendar says that changed last.
        ends_at: when it ends (UTC).
        title: what it is called; somebody else wrote it.
        state: whether it takes place.
        operators: with whom, and why; of an `unmatched` one, with whom it was taken to be.
        calendars: the calendars that have it, as far as they are read.
        all_day: it has days and no hours.
        zone_unknown: see `Occurrence`.
        receipt: proves it.
        seen_at: when the calendar that tells of it last answered.
    """

    id: str
    owner: str
    starts_at: datetime
    ends_at: datetime
    title: str
    state: MeetingState
    operators: tuple[MetOperator, ...]
    calendars: tuple[str, ...]
    all_day: bool
    zone_unknown: bool
    receipt: Receipt
    seen_at: datetime

    @property
    def is_on(self) -> bool:
        """Whether it takes place, as far as is known."""
        return self.state == "planned"

    @property
    def is_unknown(self) -> bool:
        """Whether it is not known if it takes place: its calendar is no longer read."""
        return self.state == "unread"

    @property
    def span(self) -> str:
        """Of what lasts longer than a day, until when; else empty."""
        if self.ends_at - self.starts_at <= timedelta(days=1):
            return ""
        if self.all_day:
            return f"until {self.ends_at - timedelta(days=1):%Y-%m-%d}"
        return f"until {self.ends_at:%Y-%m-%d %H:%M} UTC"

    @property
    def names(self) -> str:
        """The operators' names, or ids where they have none."""
        return " and ".join(one.name or one.operator_id for one in self.operators)


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """What tells whom a meeting is with: the operators by CRM company, by contact (id and e-mail), by mail domain; ids by sets.

    `names` are the operators' names by id.
    """

    companies: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    contact_ids: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    emails: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    domains: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    names: Mapping[str, str] = field(default_factory=dict, hash=False)

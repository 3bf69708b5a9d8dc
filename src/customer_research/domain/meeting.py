"""Meetings: what calendars tell of them, and with which operators they are.

An occurrence is one entry of one calendar at one time; a meeting is what takes place, whichever calendars have it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from customer_research.domain.evidence import Gap, Receipt

OccurrenceState = Literal["planned", "cancelled", "declined", "over"]
"""`planned`; `cancelled` for everybody; `declined` by the calendar's owner; `over` (held, or nobody came), as its calendar says."""

MatchReason = Literal["association", "contact", "domain"]
"""Why a meeting is taken to be with an operator, the surest first: the CRM associates them; somebody invited is a known
contact; somebody invited has the operator's mail domain."""

ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Window:
    """From an instant (UTC) on, and before another."""

    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it."""
        return self.since <= at < self.until


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

    `whole` says that it has nothing else there: an entry that it had before is there no more.
    """

    calendar: str
    occurrences: tuple[Occurrence, ...]
    gaps: tuple[Gap, ...] = ()
    whole: bool = True


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


MeetingState = Literal["planned", "cancelled", "declined", "gone", "over"]
"""As `OccurrenceState`; `gone`: no calendar has it any more."""


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
        operators: with whom, and why.
        calendars: the calendars that have it.
        all_day: it has days and no hours.
        zone_unknown: see `Occurrence`.
        receipt: proves it.
        seen_at: when a calendar was last asked.
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

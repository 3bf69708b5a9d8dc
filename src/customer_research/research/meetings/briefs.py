"""Briefs before meetings: planned onto the outbox, and changed with their meetings.

A meeting has one brief for each of `meetings.brief_hours`, to our person who meets. One that is booked late has the brief of the hours
that are nearest to what is left. When the meeting is moved, cancelled or declined, a brief that is not sent yet is withdrawn and made
anew for the new time; one that is sent is rewritten where it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from customer_research.connect.source import Clock
from customer_research.domain.advice import Meeting as Talk
from customer_research.domain.delivery import Envelope, Message
from customer_research.domain.meeting import Meeting, MeetingState, MetOperator, Window
from customer_research.domain.person import Person
from customer_research.domain.report import Report
from customer_research.domain.words import clean
from customer_research.domain.zones import zone
from customer_research.errors import CustomerResearchError
from customer_research.reports.blocks import proven_prose
from customer_research.research.delivering.composing import message_of, plain_message
from customer_research.research.delivering.readers import Reader
from customer_research.store.briefs import Brief, Briefs, Posting, Told
from customer_research.store.database import Store
from customer_research.store.meetings import CRM, Meetings
from customer_research.store.people import People

KIND = "brief"
FRESH = timedelta(hours=1)
"""What a calendar told so long ago at most is taken to be as it is now; a brief says when what it tells is older."""

OPERATORS_MOST = 3
"""Of a meeting with more operators than these the first are told of; all are named."""

KEPT_DAYS = 90
"""Days after which it is forgotten of which meetings was told."""

BriefOf = Callable[[str, Talk], Awaitable[Report]]
"""Makes the brief of an operator, by id, for a kind of talk."""

_TALKS: Mapping[Talk, str] = {
    "qbr": r"qbr|ebr|(?:quarterly|executive|account) business review|(?:quarterly|account) review",
    "renewal": r"renewals?|renew",
    "escalation": r"escalations?|escalated",
    "expansion": r"expansion|upsell|upgrade",
}
"""Words in a meeting's title that say which kind of talk it is; without any it is a check-in."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What came of planning: how many briefs were put, and how many told anew (moved, off, withdrawn); why others could not be made.

    `nobody` counts meetings that are due and of which nobody knows whose they are.
    """

    put: int = 0
    changed: Mapping[Told, int] = field(default_factory=dict, hash=False)
    failed: tuple[str, ...] = ()
    nobody: int = 0


def is_due(starts_at: datetime, lead: int, now: datetime, leads: Sequence[int]) -> bool:
    """Whether the brief of so many minutes before is to be put now.

    Args:
        starts_at: when the meeting begins.
        lead: how many minutes before.
        now: the present instant.
        leads: all leads that there are. One of which less is left than half the way to the next shorter one is passed over: that one
            comes soon.
    """
    left = starts_at - now
    if not timedelta(0) < left <= timedelta(minutes=lead):
        return False
    shorter = max((one for one in leads if one < lead), default=None)
    return shorter is None or left >= timedelta(minutes=(lead + shorter) / 2)


def talk_of(title: str) -> Talk:
    """Which kind of talk a meeting is, by what it is called."""
    found = (talk for talk, words in _TALKS.items() if re.search(rf"\b(?:{words})\b", title, re.IGNORECASE))
    return next(found, "check-in")


class Planner:
    """Plans the briefs of a store's meetings.

    Args:
        store: where meetings, people, briefs and the outbox are.
        clock: the present instant.
        hours: how many hours before a meeting its briefs come.
        brief_of: makes the brief of an operator.
        zone_name: the clock of people who have not said by which they go.
    """

    def __init__(
        self, store: Store, clock: Clock, hours: Iterable[float], brief_of: BriefOf, zone_name: str = "UTC"
    ) -> None:
        self._meetings, self._briefs, self._people = Meetings(store), Briefs(store), People(store)
        self._clock = clock
        self._leads = sorted({max(1, round(one * 60)) for one in hours}, reverse=True)
        self._brief_of = brief_of
        self._zone = zone_name
        self._made: dict[tuple[str, Talk], Report] = {}
        self._failed: dict[tuple[str, Talk], str] = {}

    async def plan(self) -> Planned:
        """Tell of what has changed, then put the briefs that are due.

        Raises:
            StoreError: the store cannot be read or written to.
        """
        self._made.clear()
        self._failed.clear()
        now = self._clock()
        changed = await self._change(now)
        put, nobody = await self._put(now)
        self._briefs.forget(now - timedelta(days=KEPT_DAYS))
        return Planned(put, changed, tuple(self._failed.values()), nobody)

    # -- what has changed ------------------------------------------------------------------------------------------------

    async def _change(self, now: datetime) -> Mapping[Told, int]:
        standing = self._briefs.standing(now)
        ids = sorted({one.meeting for one in standing})
        found = {one.id: one for one in self._meetings.between(Window(now, now), ids=ids)}
        told: Counter[Told] = Counter()
        for brief in standing:
            said = await self._changed(brief, found.get(brief.meeting), now)
            if said is not None:
                told[said] += 1
        return told

    async def _changed(self, brief: Brief, meeting: Meeting | None, now: datetime) -> Told | None:
        """What is told of a brief now; None: as before, or another program was first."""
        words = _off_words(brief, meeting)
        if meeting is None or words:
            return self._tell(brief, replace(brief, told="off"), self._notes(brief, meeting, words, now), now)
        moved = replace(brief, starts_at=meeting.starts_at)
        if meeting.is_unknown:
            updates = await self._anew(brief, meeting, now)
            return None if updates is None else self._tell(brief, replace(moved, told="unread"), updates, now)
        if meeting.starts_at == brief.starts_at:
            return None
        lead = timedelta(minutes=brief.lead)
        if meeting.starts_at - lead > now:
            words = (f"Moved to {{when}}. A new brief comes {_hours(brief.lead)} before.",)
            return self._tell(brief, replace(moved, told="moved"), self._notes(brief, meeting, words, now), now)
        if meeting.starts_at <= now:
            return self._tell(
                brief, replace(moved, told="off"), self._notes(brief, meeting, ("Moved to {when}.",), now), now
            )
        updates = await self._anew(brief, meeting, now)
        return None if updates is None else self._tell(brief, moved, updates, now)

    def _tell(self, brief: Brief, changed: Brief, updates: Mapping[str, Posting], now: datetime) -> Told | None:
        return self._briefs.change(brief, changed, updates, "Its meeting has changed.", now)

    def _notes(
        self, brief: Brief, meeting: Meeting | None, words: Sequence[str], now: datetime
    ) -> Mapping[str, Posting]:
        """A few words in the place of each message of a brief."""
        reader = self._reader(brief.owner, brief.place)
        before = _local(brief.starts_at, reader.zone)
        when = _local(meeting.starts_at, reader.zone) if meeting is not None else before
        notes = {}
        for operator_id, key in brief.keys.items():
            names = clean(meeting.names) if meeting is not None else "an operator"
            title = f"Changed: meeting with {names} on {before}"
            lines = [one.replace("{when}", when) for one in words]
            message = plain_message(title, lines, self._envelope(brief, operator_id, reader, updates=key))
            notes[key] = _posting(reader, message, now, max(brief.starts_at, now + timedelta(hours=1)))
        return notes

    async def _anew(self, brief: Brief, meeting: Meeting, now: datetime) -> Mapping[str, Posting] | None:
        """A brief with what its meeting is now, in the place of each of its messages; None: it could not be made."""
        reader = self._reader(brief.owner, brief.place)
        posted = {}
        for operator_id, key in brief.keys.items():
            report = await self._report(operator_id, talk_of(meeting.title))
            if report is None:
                return None
            envelope = self._envelope(brief, operator_id, reader, updates=key)
            operator = next(one for one in meeting.operators if one.operator_id == operator_id)
            message = _message(report, meeting, operator, envelope, reader.zone, now)
            posted[key] = _posting(reader, message, now, meeting.starts_at)
        return posted

    # -- what is due -----------------------------------------------------------------------------------------------------

    async def _put(self, now: datetime) -> tuple[int, int]:
        """How many briefs were put, and of how many meetings nobody knows whose they are."""
        if not self._leads:
            return 0, 0
        window = Window(now, now + timedelta(minutes=self._leads[0]) + timedelta(seconds=1))
        coming = [one for one in self._meetings.between(window) if _is_told(one) and one.starts_at > now]
        newest = self._briefs.newest([one.id for one in coming])
        put = 0
        for meeting in coming:
            for lead in self._leads if meeting.owner else ():
                if is_due(meeting.starts_at, lead, now, self._leads):
                    put += await self._put_one(meeting, lead, newest, now)
        return put, sum(not one.owner for one in coming)

    async def _put_one(
        self, meeting: Meeting, lead: int, newest: Mapping[tuple[str, str, int], Brief], now: datetime
    ) -> bool:
        reader = self._reader(meeting.owner)
        before = newest.get((meeting.id, meeting.owner, lead))
        if before is not None and before.told == "planned":
            return False
        number = before.number + 1 if before is not None else 1
        brief = Brief(
            meeting=meeting.id,
            owner=meeting.owner,
            lead=lead,
            number=number,
            place=str(reader.address),
            keys={},
            starts_at=meeting.starts_at,
            told="planned",
            changes=0,
            put_at=now,
        )
        postings, keys = [], dict[str, str]()
        for operator in meeting.operators[:OPERATORS_MOST]:
            report = await self._report(operator.operator_id, talk_of(meeting.title))
            if report is None:
                return False
            envelope = self._envelope(brief, operator.operator_id, reader, after=next(iter(keys.values()), ""))
            keys[operator.operator_id] = envelope.key
            message = _message(report, meeting, operator, envelope, reader.zone, now)
            postings.append(_posting(reader, message, now, meeting.starts_at))
        return self._briefs.put(replace(brief, keys=keys), postings)

    async def _report(self, operator_id: str, talk: Talk) -> Report | None:
        """The brief of an operator, made once; None: it cannot be made now."""
        asked = (operator_id, talk)
        if asked not in self._made and asked not in self._failed:
            try:
                self._made[asked] = await self._brief_of(operator_id, talk)
            except CustomerResearchError as error:
                self._failed[asked] = f"No brief of {operator_id} can be made: {error.message}"
        return self._made.get(asked)

    def _reader(self, owner: str, place: str = "") -> Reader:
        """Who is told: our person who meets; where they were told before (`place`), they are told again."""
        person = self._people.find(owner) or Person(owner, zone=self._zone)
        return Reader.of(person, place)

    @staticmethod
    def _envelope(brief: Brief, operator_id: str, reader: Reader, *, after: str = "", updates: str = "") -> Envelope:
        occasion = f"{brief.meeting}/{brief.lead}/{brief.number}"
        if updates:
            occasion += f"/{brief.changes + 1}"
        return Envelope(KIND, operator_id, occasion, reader.address, reader.elsewhere, after=after, updates=updates)


def _posting(reader: Reader, message: Message, now: datetime, until: datetime) -> Posting:
    """A message as it is put: after the reader's quiet hours, and not at all where they have muted briefs."""
    return Posting(message, reader.due(now), until, reader.dropped(KIND, now))


def _is_told(meeting: Meeting) -> bool:
    """Whether there is a brief before a meeting: days without hours are no meetings."""
    return meeting.is_on and not meeting.all_day and bool(meeting.operators)


def _message(  # noqa: PLR0917 - what is told, to whom, when
    report: Report, meeting: Meeting, operator: MetOperator, envelope: Envelope, zone_name: str, now: datetime
) -> Message:
    """The brief of an operator for a meeting: when it is and why it is taken to be with them stand above all else."""
    when = _local(meeting.starts_at, zone_name)
    said = [f"You meet {clean(meeting.names)} on {when}.", clean(operator.because)]
    if len(meeting.operators) > 1:
        said.append("It may be with any of them: look at who is invited.")
    if meeting.zone_unknown:
        said.append("The calendar names a time zone that nobody knows: look at the hour there.")
    if meeting.is_unknown:
        said.append(
            f"Its calendar is no longer read; it was last, {_seen(meeting, zone_name)}: look there whether it stands."
        )
    elif now - meeting.seen_at > FRESH:
        said.append(f"Its calendar was last read {_seen(meeting, zone_name)}: look there whether it still stands.")
    first = proven_prose(" ".join(said), (meeting.receipt,), meeting.seen_at)
    told = replace(report, title=f"{report.title} on {when}", warnings=(first, *report.warnings))
    return message_of(told, envelope, title=f"Brief: meeting with {clean(meeting.names)} on {when}")


def _off_words(brief: Brief, meeting: Meeting | None) -> Sequence[str]:
    """Why a meeting that was told of does not take place as it was told, or is not known to; none: it is as it was, or only moved."""
    if meeting is None:
        return ("Nothing is kept of this meeting any more: whether it takes place is not known.",)
    if meeting.state == "gone" and CRM in meeting.calendars:
        return ("Your own calendar has this meeting no more. HubSpot still has it.",)
    if meeting.state == "unmatched" and not meeting.calendars:
        return (f"{_UNMATCHED} The calendar is no longer read: whether it takes place is not known.",)
    if meeting.state in _OFF:
        return (_OFF[meeting.state],)
    others = set(brief.keys) - {one.operator_id for one in meeting.operators}
    changed = {
        "This meeting is a whole day now, without an hour.": meeting.all_day,
        "HubSpot names nobody of ours for this meeting any more.": not meeting.owner,
        "This meeting is no longer yours.": meeting.owner != brief.owner,
        "This meeting is with another operator now. A brief about them comes.": bool(others),
    }
    return next(((words,) for words, is_so in changed.items() if is_so), ())


_UNMATCHED = "Nothing told any more, when its calendar was last read, that this meeting is with an operator."

_OFF: Mapping[MeetingState, str] = {
    "cancelled": "This meeting is cancelled.",
    "declined": "You declined this meeting.",
    "over": "HubSpot says that this meeting is over.",
    "gone": "Its calendar was read and has this meeting no more: it was removed, or put off beyond the days that are read.",
    "private": "This meeting is marked private now: nothing more is read of it, and no brief follows.",
    "unmatched": "This meeting is still in the calendar, but nothing there tells any more that it is with an operator.",
}


def _seen(meeting: Meeting, zone_name: str) -> str:
    return f"at {_local(meeting.seen_at, zone_name)}"


def _local(at: datetime, zone_name: str) -> str:
    """An instant by a person's clock."""
    return f"{at.astimezone(zone(zone_name)):%Y-%m-%d %H:%M} {zone_name}"


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if rest:
        return f"{minutes} minutes"
    return "1 hour" if hours == 1 else f"{hours} hours"

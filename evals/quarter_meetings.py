"""The meetings of a quarter: entered, moved, cancelled and declined in the sandbox's calendars and in its HubSpot, and their briefs.

What becomes of a meeting is drawn from `FATES`, and each fate says which briefs there must be: by the rules as they are written, not
by what plans them. Calendars and HubSpot are read, and HubSpot is written to, over HTTP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal, NamedTuple

import httpx2

from customer_research.domain.delivery import Delivery
from customer_research.domain.meeting import KnownPeople, Window
from customer_research.store.database import Store
from customer_research.store.meetings import Meetings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers import hubspot
from customer_research_sandbox.servers.diary import Entry

EACH_WEEK = 3
"""Meetings with operators of one account owner in a week; beside them stand one of our own, one that is private and a whole day."""

DAYS, HOURS = (1, 2, 3), (15, 16)
"""Meetings are on Tuesdays to Thursdays, at these hours (UTC)."""

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MINUTES = 30
TO_COMPANY = 188
"""HubSpot's number for the association of a meeting with a company."""

OBJECTS = "/crm/v3/objects/meetings"
SEED = 17

Place = Literal["diary", "hubspot", "both"]
"""Where a meeting is entered: in the owner's calendar, in HubSpot, or in both, and then moved and cancelled in the calendar alone."""


class Due(NamedTuple):
    """How many briefs a meeting must have: 24 hours before, 1 hour before, and how many words or new figures that follow a change."""

    day: int
    hour: int
    changes: int = 0


class Fate(NamedTuple):
    """What becomes of a meeting, how often of a hundred, and what must be told of it.

    `early`: it is changed two days before; else between its two briefs.
    """

    share: int
    due: Due
    early: bool = False
    moved: timedelta | None = None
    state: Literal["", "CANCELED", "declined", "removed"] = ""
    late: bool = False
    """Entered two hours before or less."""


FATES: Mapping[str, Fate] = {
    "kept": Fate(52, Due(1, 1)),
    "entered late": Fate(6, Due(0, 1), late=True),
    "moved to another day, before": Fate(8, Due(1, 1), early=True, moved=DAY),
    "moved by an hour, between": Fate(8, Due(1, 1, 1), moved=HOUR),
    "moved to another day, between": Fate(6, Due(2, 1, 1), moved=DAY),
    "cancelled, before": Fate(5, Due(0, 0), early=True, state="CANCELED"),
    "cancelled, between": Fate(5, Due(1, 0, 1), state="CANCELED"),
    "declined, before": Fate(3, Due(0, 0), early=True, state="declined"),
    "declined, between": Fate(3, Due(1, 0, 1), state="declined"),
    "removed, between": Fate(4, Due(1, 0, 1), state="removed"),
}


@dataclass(slots=True)
class Booked:
    """A meeting: what it is called (as no other), whose it is, with which operator, where it is entered, and what becomes of it."""

    title: str
    email: str
    operator: str
    place: Place
    starts_at: datetime
    fate: str
    entries: list[Entry] = field(default_factory=list)
    record: str = ""

    @property
    def changes_at(self) -> datetime:
        """When it is changed (or entered, if that is late)."""
        fate = FATES[self.fate]
        if fate.early:
            return self.starts_at - 2 * DAY
        day = self.starts_at.replace(minute=0)
        if fate.late or day.hour == max(HOURS):
            return day.replace(hour=min(HOURS) - 1)
        return day.replace(hour=max(HOURS)) - DAY

    def moments(self) -> Iterator[datetime]:
        """When something of it may be due or changes."""
        fate = FATES[self.fate]
        starts = [self.starts_at, *([self.starts_at + fate.moved] if fate.moved else ())]
        yield from (start - lead for start in starts for lead in (DAY, HOUR))
        if fate.late or not fate.early:
            yield self.changes_at


class Calendars:
    """The meetings of a quarter in the sandbox.

    Args:
        running: the sandbox.
        known: whom one may meet.
        owners: the account owners: HubSpot's ids by e-mail address.
        first: the first Monday; at noon.
        weeks: how many weeks.
    """

    def __init__(
        self, running: Sandbox, known: KnownPeople, owners: Mapping[str, str], first: datetime, weeks: int
    ) -> None:
        self._running, self._owners = running, owners
        self._http = httpx2.Client(
            base_url=running.addresses["hubspot"], headers={"Authorization": f"Bearer {hubspot.TOKEN}"}
        )
        self._contacts = {next(iter(of)): address for address, of in known.emails.items() if len(of) == 1}
        self._companies = {next(iter(of)): company for company, of in known.companies.items() if len(of) == 1}
        self._names: dict[str, str] = {}
        self.booked = list(self._drawn(Random(SEED), first.replace(hour=0), weeks))  # noqa: S311 - a draw that is always the same
        self._waiting: list[tuple[datetime, Callable[[], None]]] = []
        for one in self.booked:
            self._enter(one)
        for email in owners:
            running.diary.add(*self._beside(email, first.replace(hour=0), weeks))

    def _drawn(self, drawn: Random, first: datetime, weeks: int) -> Iterator[Booked]:
        both = sorted(self._contacts.keys() & self._companies.keys())
        names, shares = list(FATES), [one.share for one in FATES.values()]
        number = 0
        for email in self._owners:
            operators = drawn.sample(both, min(len(both), weeks * EACH_WEEK))
            for week in range(weeks):
                slots = drawn.sample([(day, hour) for day in DAYS for hour in HOURS], EACH_WEEK)
                for day, hour in slots:
                    number += 1
                    fate = drawn.choices(names, shares)[0]
                    places: list[Place] = ["diary", "hubspot", "both"]
                    place: Place = "diary" if FATES[fate].state == "declined" else drawn.choices(places, (5, 3, 2))[0]
                    what = ("Check-in", "QBR", "Renewal talk", "Upgrade")[number % 4]
                    starts_at = first + timedelta(days=7 * week + day, hours=hour)
                    yield Booked(f"{what} {number}", email, operators[number % len(operators)], place, starts_at, fate)

    def _beside(self, email: str, first: datetime, weeks: int) -> Iterator[Entry]:
        """What is no meeting with an operator that a brief is made of: our own, a private one, and a whole day."""
        others = {one: "accepted" for one in self._owners if one != email}
        guest = dict.fromkeys((self._contacts[min(self._contacts)],), "accepted")
        monday = first + timedelta(days=DAYS[0], hours=HOURS[0])
        yield Entry(
            "team-of-the-quarter", email, "Team meeting", monday, 60, others, next(iter(self._owners)), 7, weeks
        )
        yield Entry(f"private-{email}", email, "Private", monday, people=guest, days=7, times=weeks, private=True)
        yield Entry(
            f"day-{email}", email, "Fair", first + DAY * DAYS[1], people=guest, days=7, times=weeks, all_day=True
        )

    # -- entering and changing -----------------------------------------------------------------------------------------

    def moments(self) -> list[datetime]:
        """When something may be due or changes, in order."""
        return sorted({at for one in self.booked for at in one.moments()})

    def change(self, now: datetime) -> None:
        """Have happen what happens up to an instant."""
        happening = sorted((one for one in self._waiting if one[0] <= now), key=lambda one: one[0])
        self._waiting = [one for one in self._waiting if one[0] > now]
        for _, happens in happening:
            happens()

    def _enter(self, one: Booked) -> None:
        if FATES[one.fate].late:
            self._waiting.append((one.changes_at, lambda: self._entered(one)))
            return
        self._entered(one)
        if one.fate != "kept":
            self._waiting.append((one.changes_at, lambda: self._changed(one)))

    def _entered(self, one: Booked) -> None:
        if one.place in {"diary", "both"}:
            guest = self._contacts[one.operator]
            invites = (
                guest if FATES[one.fate].state == "declined" else one.email
            )  # nobody declines a meeting of their own
            entry = Entry(
                f"uid-{one.title}", one.email, one.title, one.starts_at, MINUTES, {guest: "accepted"}, invites
            )
            one.entries = [entry]
            self._running.diary.add(*one.entries)
        if one.place in {"hubspot", "both"}:
            company = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TO_COMPANY}
            told = {"hs_meeting_title": one.title, "hubspot_owner_id": self._owners[one.email], **_times(one.starts_at)}
            made = self._asked(
                "POST",
                OBJECTS,
                properties={**told, "hs_meeting_outcome": "SCHEDULED"},
                associations=[{"to": {"id": self._companies[one.operator]}, "types": [company]}],
            )
            one.record = str(made["id"])

    def _changed(self, one: Booked) -> None:
        fate = FATES[one.fate]
        for entry in one.entries:
            if fate.moved is not None:
                entry.starts_at += fate.moved
            elif fate.state == "CANCELED":
                entry.cancelled.add(entry.starts_at)
            elif fate.state == "declined":
                entry.answer = "declined"
            else:
                self._running.diary.entries.remove(entry)
        if one.entries:
            return  # in HubSpot it stands as it was: the person's own calendar is believed
        place = f"{OBJECTS}/{one.record}"
        if fate.moved is not None:
            times = _times(one.starts_at + fate.moved)
            self._asked("PATCH", place, properties={**times, "hs_meeting_outcome": "RESCHEDULED"})
        elif fate.state == "removed":
            self._http.delete(place).raise_for_status()
        else:
            self._asked("PATCH", place, properties={"hs_meeting_outcome": "CANCELED"})

    def _asked(self, method: str, place: str, **body: Any) -> Any:
        return self._http.request(method, place, json=body).raise_for_status().json()

    # -- judging -------------------------------------------------------------------------------------------------------

    def note(self, store: Store, now: datetime) -> None:
        """Remember which meeting of the store has which title, while it has one."""
        for one in Meetings(store).between(Window(now - 2 * DAY, now + 14 * DAY)):
            if one.title:
                self._names[one.id] = one.title

    def judged(self, briefs: Sequence[Delivery]) -> list[str]:
        """What is wrong with the briefs of a quarter: a sentence for each meeting; none: nothing is."""
        told: dict[str, Counter[str]] = {}
        wrong = [f"{one.message.title}: {one.state}, {one.reason}" for one in briefs if one.state != "sent"]
        for one in briefs:
            meeting, lead, *_ = one.message.occasion.split("/")
            kind = "changes" if one.message.updates else {"1440": "day", "60": "hour"}[lead]
            told.setdefault(self._names.get(meeting, meeting), Counter())[kind] += 1
        by_title = {one.title: one for one in self.booked}
        stray = (title for title in told if title not in by_title)
        wrong += [f"{title}: {dict(told[title])}, and nobody booked it" for title in stray]
        for title, booked in by_title.items():
            found = told.get(title, Counter())
            due = FATES[booked.fate].due
            if Due(found["day"], found["hour"], found["changes"]) != due:
                what = f"{title} ({booked.place}, {booked.fate}, {booked.starts_at:%a %F %H:%M})"
                wrong.append(f"{what}: {dict(found)}, not {due}")
        operators = {(self._names.get(one.message.occasion.split("/")[0]), one.message.subject) for one in briefs}
        wrong += [
            f"{title}: told of another operator"
            for title, subject in operators
            if title in by_title and by_title[title].operator != subject
        ]
        return wrong


def _times(starts_at: datetime) -> dict[str, str]:
    return {
        "hs_meeting_start_time": f"{starts_at:%Y-%m-%dT%H:%M:%S}Z",
        "hs_meeting_end_time": f"{starts_at + timedelta(minutes=MINUTES):%Y-%m-%dT%H:%M:%S}Z",
    }

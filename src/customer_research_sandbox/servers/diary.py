"""The diaries of our own people in the invented world: what is entered there, apart from how a vendor shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from customer_research_sandbox.dataset import HubSpotRecords, Row
from customer_research_sandbox.servers.wire import made_up_id

ZONE = "America/New_York"
"""Where our people are."""

TEAM_TALK = "Team meeting"
_WEEK = 7


@dataclass(slots=True)
class Entry:
    """An entry of one person's diary: one meeting, or a series of them.

    Args:
        uid: the same in the diaries of all who are invited.
        person: whose diary, an e-mail address.
        title: what it is called.
        starts_at: when it (the first of a series) begins, UTC.
        minutes: how long it takes.
        people: who is invited beside the person, each with the answer (`accepted`, `declined`, `tentative`, `needsAction`).
        organizer: who invites; empty: the person.
        days: of a series, how many days lie between two; 0: it stands alone.
        times: how many a series has.
        moved: of a series, the instants at which some take place instead; of one alone, put `starts_at` elsewhere.
        cancelled: the instants of those that are cancelled (of one alone, its own).
        left_out: the instants of a series that were taken out of it for good.
        answer: what the person has answered.
        private, all_day: as they say.
        zone: the time zone of its hours.
    """

    uid: str
    person: str
    title: str
    starts_at: datetime
    minutes: int = 30
    people: Mapping[str, str] = field(default_factory=dict)
    organizer: str = ""
    days: int = 0
    times: int = 1
    moved: dict[datetime, datetime] = field(default_factory=dict)
    cancelled: set[datetime] = field(default_factory=set)
    left_out: set[datetime] = field(default_factory=set)
    answer: str = "accepted"
    private: bool = False
    all_day: bool = False
    zone: str = ZONE

    @property
    def repeats(self) -> bool:
        """Whether it is a series."""
        return self.days > 0

    def each(self) -> Iterator[Instance]:
        """Every meeting of it, each with the instant that it was planned for and the one that it has now (UTC)."""
        local = self.starts_at.astimezone(ZoneInfo(self.zone))
        for number in range(self.times if self.repeats else 1):
            planned = (local + timedelta(days=self.days * number)).astimezone(UTC)
            if planned not in self.left_out:
                begins = self.moved.get(planned, planned)
                ends = begins + timedelta(days=1) if self.all_day else begins + timedelta(minutes=self.minutes)
                yield Instance(self, planned, begins, ends, planned in self.cancelled)


class Instance(NamedTuple):
    """One meeting of an entry."""

    entry: Entry
    planned: datetime
    begins: datetime
    ends: datetime
    is_cancelled: bool


class Diary:
    """All entries of all people; tests put in, move and cancel what they like."""

    def __init__(self, people: Sequence[str] = ()) -> None:
        self.people = list(people)
        self.entries: list[Entry] = []

    def add(self, *entries: Entry) -> None:
        """Enter meetings."""
        self.entries += entries
        self.people += [one.person for one in entries if one.person not in self.people]

    def of(self, person: str) -> list[Entry]:
        """One person's entries."""
        return [one for one in self.entries if one.person == person]

    def between(self, person: str, since: datetime, until: datetime) -> list[Instance]:
        """One person's meetings that overlap a time, by their beginning."""
        found = (each for one in self.of(person) for each in one.each())
        return sorted((one for one in found if one.ends > since and one.begins < until), key=lambda one: one.begins)


def diary_of(records: HubSpotRecords, as_of: datetime) -> Diary:
    """The diaries of HubSpot's owners: the meetings that HubSpot has for times to come, and a team meeting each week."""
    owners = {str(one["id"]): str(one["email"]) for one in records.owners}
    diary = Diary(sorted(owners.values()))
    addresses = {
        str(one["id"]): str(one["properties"].get("email") or "") for one in records.objects.get("contacts", ())
    }
    contacts = {
        str(one["id"]): [addresses[str(each)] for each in one.get("associations", {}).get("contacts", ())]
        for one in records.objects.get("companies", ())
    }
    now = as_of.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for row in records.objects.get("meetings", ()):
        start, owner = (
            row["properties"].get("hs_meeting_start_time"),
            owners.get(str(row["properties"].get("hubspot_owner_id"))),
        )
        if owner is not None and start is not None and start > now:
            diary.add(_entered(row, owner, contacts))
    diary.add(*_team_meetings(diary.people, as_of))
    return diary


def _entered(row: Row, owner: str, contacts: Mapping[str, Sequence[str]]) -> Entry:
    """A meeting of HubSpot as its owner's diary has it: with the contacts of the company that it is with."""
    companies: Iterable[str] = map(str, row.get("associations", {}).get("companies", ()))
    people = [one for company in companies for one in contacts.get(company, ()) if one]
    told = row["properties"]
    return Entry(
        uid=made_up_id("diary", row["id"]),
        person=owner,
        title=str(told.get("hs_meeting_title") or ""),
        starts_at=datetime.fromisoformat(str(told["hs_meeting_start_time"])),
        people=dict.fromkeys(people[:2], "accepted"),
    )


def _team_meetings(people: Sequence[str], as_of: datetime) -> Iterator[Entry]:
    monday = as_of - timedelta(days=as_of.weekday())
    first = monday.replace(hour=15, minute=0, second=0, microsecond=0)
    for person in people:
        others = {one: "accepted" for one in people if one != person}
        yield Entry(made_up_id("diary", "team"), person, TEAM_TALK, first, 60, others, people[0], _WEEK, 52)

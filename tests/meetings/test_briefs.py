"""Briefs before meetings: once each whatever happens, at the right times, withdrawn or rewritten when the meeting changes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from made_up_readings import DATABASES, new_url, server
from meeting_cases import ANNA, BERT, HARBOUR, MATCHER, SILVERMEAD, matched, occurrence, reading

from customer_research.domain.advice import Meeting as Talk
from customer_research.domain.delivery import Delivery
from customer_research.domain.meeting import CalendarReading, MetOperator, Occurrence, Window
from customer_research.domain.person import Person
from customer_research.domain.report import Prose, Report, Section
from customer_research.errors import OperatorNotFound
from customer_research.research.meetings.briefs import Planned, Planner, is_due, talk_of
from customer_research.store.briefs import Briefs, meeting_brief
from customer_research.store.database import Store, open_store
from customer_research.store.meetings import Meetings, calendar_reading, meeting_entry
from customer_research.store.outbox import Outbox, outbox
from customer_research.store.people import People, person

pytestmark = pytest.mark.xdist_group("engines")
START = datetime(2026, 11, 10, 15, tzinfo=UTC)
HOURS = (24.0, 1.0)
HOUR = timedelta(hours=1)


class World:
    """A store, a clock that is set by hand, and calendars that have what a test says."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = START - timedelta(days=3)
        self.made: Counter[str] = Counter()
        self.unknown: set[str] = set()

    def read(self, *occurrences: Occurrence, calendar: str = f"ics:{ANNA}") -> None:
        found = CalendarReading(calendar, occurrences)
        window = Window(self.now - timedelta(hours=24), self.now + timedelta(days=14))
        Meetings(self.store).record(found, matched(found), window, self.now)

    async def _brief_of(self, operator_id: str, talk: Talk) -> Report:
        self.made[operator_id] += 1
        if operator_id in self.unknown:
            raise OperatorNotFound(f"No operator answers to {operator_id}.")
        section = Section("Facts", (Prose("Something to know."),))
        return Report("brief", f"Brief for a {talk}", operator_id, "", self.now, self.now, (section,), ())

    def planner(self, hours: Sequence[float] = HOURS) -> Planner:
        return Planner(self.store, lambda: self.now, hours, self._brief_of)

    def plan(self, now: datetime, hours: Sequence[float] = HOURS) -> Planned:
        self.now = now
        return asyncio.run(self.planner(hours).plan())

    def outbox(self) -> list[Delivery]:
        found, _ = Outbox(self.store).list(kind="brief")
        return sorted(found, key=lambda one: (one.put_at, one.message.occasion))

    def send(self) -> list[Delivery]:
        """All that is due is sent, as a worker does it."""
        box, sent = Outbox(self.store), []
        while (one := box.claim("w", now=self.now, lease=HOUR)) is not None:
            held = box.begin(one, now=self.now, lease=HOUR)
            sent.append(box.mark(held, "sent", now=self.now, remote=one.key))
        return sent


@pytest.fixture(scope="module", params=DATABASES)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(new_url(server(request.param, tmp_path_factory.mktemp("stores")))) as store:
        yield store


@pytest.fixture
def world(opened: Store) -> World:
    with opened.begin() as connection:
        for table in (meeting_brief, meeting_entry, calendar_reading, outbox, person):
            connection.execute(table.delete())
    return World(opened)


def words(one: Delivery) -> str:
    """What an e-mail says, without its lines and frames."""
    return " ".join(one.message.content["text"].replace("│", " ").split())


def talk(**more: Any) -> Occurrence:
    return occurrence(**{"starts_at": START, **more})


# -- when --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "lead", "due"),
    [
        (timedelta(hours=24, seconds=1), 1440, False),
        (timedelta(hours=24), 1440, True),
        (timedelta(hours=12, minutes=30), 1440, True),
        (timedelta(hours=12, minutes=29), 1440, False),
        (timedelta(hours=12), 60, False),
        (HOUR, 60, True),
        (timedelta(seconds=1), 60, True),
        (timedelta(0), 60, False),
        (-HOUR, 60, False),
    ],
)
def test_a_brief_is_due_from_its_hours_on_unless_the_next_comes_soon(left: timedelta, lead: int, due: bool) -> None:
    assert is_due(START, lead, START - left, [1440, 60]) is due


def test_a_meeting_has_one_brief_for_each_lead_however_often_it_is_planned(world: World) -> None:
    world.read(talk())
    assert world.plan(START - timedelta(hours=25)).put == 0
    moment = START - timedelta(hours=24)
    put = []
    while moment < START:
        put.append(world.plan(moment).put)
        moment += timedelta(minutes=30)
    assert sum(put) == 2
    day, hour = world.outbox()
    assert [one.put_at for one in (day, hour)] == [START - timedelta(hours=24), START - HOUR]
    assert {one.until for one in (day, hour)} == {START}, "of no use once it has begun"
    assert day.message.subject == SILVERMEAD
    assert str(day.message.address) == f"email:{ANNA}"
    assert "Silvermead Livery" in day.message.title
    assert "A contact of Silvermead Livery is invited." in words(day)


def test_a_meeting_booked_late_has_the_brief_that_is_nearest(world: World) -> None:
    world.read(talk())
    assert world.plan(START - timedelta(hours=5)).put == 0
    assert world.plan(START - HOUR).put == 1
    assert world.plan(START - timedelta(minutes=5)).put == 0


def test_a_meeting_booked_the_evening_before_has_both(world: World) -> None:
    world.read(talk())
    assert world.plan(START - timedelta(hours=18)).put == 1
    assert world.plan(START - timedelta(minutes=20)).put == 1


def test_without_hours_there_are_no_briefs(world: World) -> None:
    world.read(talk())
    assert world.plan(START - HOUR, ()).put == 0


def test_two_programs_that_plan_at_once_put_one_brief(world: World) -> None:
    world.read(talk())
    world.now = START - timedelta(hours=24)

    async def both() -> list[Planned]:
        return await asyncio.gather(*(world.planner().plan() for _ in range(4)))

    assert sum(one.put for one in asyncio.run(both())) == 1
    assert len(world.outbox()) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"state": "cancelled"},
        {"state": "declined"},
        {"state": "over"},
        {"all_day": True},
        {"private": True},
        {"people": (ANNA, BERT)},
    ],
    ids=["cancelled", "declined", "over", "all day", "private", "internal"],
)
def test_what_is_no_meeting_with_an_operator_has_no_brief(world: World, more: Any) -> None:
    world.read(talk(**more))
    assert world.plan(START - HOUR) == Planned()
    assert world.outbox() == []


def test_a_meeting_of_nobody_known_is_counted(world: World) -> None:
    world.read(talk(owner="", people=(), companies=("900",)), calendar="hubspot")
    assert world.plan(START - HOUR).nobody == 1


@pytest.mark.parametrize(
    ("title", "talk"),
    [
        ("Weekly with Silvermead", "check-in"),
        ("", "check-in"),
        ("Q4 QBR", "qbr"),
        ("Quarterly business review", "qbr"),
        ("Renewal talk", "renewal"),
        ("ESCALATION: driver app", "escalation"),
        ("Upgrade to Enterprise", "expansion"),
        ("Unrenewable Energy", "check-in"),
    ],
)
def test_the_title_tells_which_kind_of_talk_it_is(title: str, talk: str) -> None:
    assert talk_of(title) == talk


# -- to whom -----------------------------------------------------------------------------------------------------------


def test_it_goes_where_the_person_wants_it_by_their_clock_after_their_quiet_hours(world: World) -> None:
    def wants(one: Person) -> Person:
        return replace(one, address="slack:U1", zone="America/New_York", quiet_from=time(20), quiet_until=time(11))

    People(world.store).change(ANNA, wants)
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    (one,) = world.outbox()
    assert (str(one.message.address), str(one.message.elsewhere)) == ("slack:U1", f"email:{ANNA}")
    assert one.due == datetime(2026, 11, 9, 16, tzinfo=UTC), "11:00 in New York"
    assert "2026-11-10 10:00 America/New_York" in one.message.title


def test_who_has_muted_briefs_has_none_and_hears_of_no_change(world: World) -> None:
    People(world.store).change(ANNA, lambda one: replace(one, muted={"brief": None}))
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    assert [one.state for one in world.outbox()] == ["dropped"]
    world.read(talk(state="cancelled"))
    world.plan(START - timedelta(hours=20))
    assert len(world.outbox()) == 1


def test_a_change_of_address_makes_no_second_brief(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    People(world.store).change(ANNA, lambda one: replace(one, address="slack:U1"))
    assert world.plan(START - timedelta(hours=23)).put == 0


def test_each_of_our_people_who_meets_has_their_own(world: World) -> None:
    world.read(talk())
    world.read(talk(calendar=f"ics:{BERT}", owner=BERT), calendar=f"ics:{BERT}")
    assert world.plan(START - timedelta(hours=24)).put == 2
    assert {one.message.address.place for one in world.outbox()} == {ANNA, BERT}
    assert world.made == {SILVERMEAD: 1}, "made once"


def test_of_two_operators_both_are_named_and_told_of_in_one_thread(world: World) -> None:
    world.read(talk(people=(ANNA, "ben@silvermead.example", "x@harbour.example")))
    assert world.plan(START - timedelta(hours=24)).put == 1
    first, second = sorted(world.outbox(), key=lambda one: one.message.after)
    assert (first.message.subject, second.message.subject) == (SILVERMEAD, HARBOUR)
    assert second.message.after == first.key
    assert all("Silvermead Livery and Harbour Cars" in one.message.title for one in (first, second))
    assert "It may be with any of them" in words(first)


def test_a_brief_that_cannot_be_made_is_told_and_tried_again(world: World) -> None:
    world.read(talk())
    world.unknown.add(SILVERMEAD)
    found = world.plan(START - timedelta(hours=24))
    assert (found.put, len(found.failed)) == (0, 1)
    world.unknown.clear()
    assert world.plan(START - timedelta(hours=23)).put == 1


# -- changes -----------------------------------------------------------------------------------------------------------

OFF = {"cancelled": "is cancelled", "declined": "You declined", "over": "is over"}


@pytest.mark.parametrize("state", OFF)
def test_a_meeting_that_does_not_take_place_withdraws_what_is_not_sent(world: World, state: str) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    world.read(talk(state=state))
    assert world.plan(START - timedelta(hours=23)).changed == {"withdrawn": 1}
    (one,) = world.outbox()
    assert (one.state, one.reason) == ("dropped", "Its meeting has changed.")


@pytest.mark.parametrize("state", OFF)
def test_a_meeting_that_does_not_take_place_is_told_where_its_brief_was_sent(world: World, state: str) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    (sent,) = world.send()
    world.read(talk(state=state))
    assert world.plan(START - timedelta(hours=23)).changed == {"off": 1}
    assert world.plan(START - timedelta(hours=22)).changed == {}, "once"
    assert world.plan(START - timedelta(minutes=30)).put == 0
    (update,) = world.send()
    assert update.message.updates == sent.key
    assert OFF[state] in words(update)


def test_a_meeting_that_no_calendar_has_any_more_is_told(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    world.send()
    world.read()
    world.plan(START - timedelta(hours=23))
    (update,) = world.send()
    assert "Its calendar was read and has this meeting no more: it was removed, or put off beyond the days" in words(
        update
    )
    assert "Silvermead Livery" in update.message.title


LOST = {
    "taken out": (
        (talk(people=(ANNA, BERT)),),
        "still in the calendar, but nothing there tells any more that it is with",
    ),
    "unknown": ((talk(people=(ANNA, "x@stranger.example")),), "still in the calendar, but nothing there tells"),
    "private": ((talk(private=True),), "marked private now"),
    "a day": ((talk(all_day=True),), "a whole day now"),
    "removed": ((), "was read and has this meeting no more"),
}


@pytest.mark.parametrize("how", LOST)
def test_what_becomes_of_a_meeting_is_told_as_far_as_it_is_known(world: World, how: str) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    world.send()
    left, said = LOST[how]
    world.read(*left)
    assert world.plan(START - timedelta(hours=23)).changed == {"off": 1}
    (update,) = world.send()
    assert said in words(update)
    assert "Silvermead Livery" in update.message.title
    assert "cancel" not in words(update)
    assert world.plan(START - timedelta(minutes=30)) == Planned()


def test_a_meeting_that_is_gone_from_ones_own_calendar_and_not_from_hubspot_is_told_so(world: World) -> None:
    world.read(talk(calendar="hubspot", uid="1", people=(), companies=("900",)), calendar="hubspot")
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    world.send()
    world.read()
    world.plan(START - timedelta(hours=23))
    (update,) = world.send()
    assert "Your own calendar has this meeting no more. HubSpot still has it." in words(update)


@pytest.mark.parametrize(
    ("state", "said"),
    [("cancelled", "This meeting is cancelled."), ("over", "HubSpot says that this meeting is over.")],
)
def test_hubspot_still_has_a_meeting_only_while_it_is_planned_there(world: World, state: str, said: str) -> None:
    crm = {"calendar": "hubspot", "uid": "1", "people": (), "companies": ("900",)}
    world.read(talk(**crm), calendar="hubspot")
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    world.send()
    world.read(talk(**crm, state=state), calendar="hubspot")
    assert world.plan(START - timedelta(hours=23)).changed == {}, "one's own calendar has it"
    world.read()
    assert world.plan(START - timedelta(hours=22)).changed == {"off": 1}
    (update,) = world.send()
    assert said in words(update)
    assert "still has it" not in words(update)


def test_hubspot_is_not_said_to_have_what_another_calendar_of_ones_own_hides(world: World) -> None:
    other = f"google:{ANNA}"
    world.read(talk())
    world.read(talk(calendar=other), calendar=other)
    world.plan(START - timedelta(hours=24))
    world.send()
    world.read(talk(calendar=other, private=True), calendar=other)
    world.read()
    world.plan(START - timedelta(hours=23))
    (update,) = world.send()
    assert "marked private now" in words(update)
    assert "HubSpot" not in words(update)


def test_what_is_with_nobody_known_and_whose_calendar_is_dropped_is_not_said_to_be_there(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    world.send()
    world.read(talk(people=(ANNA, BERT)))
    Meetings(world.store).keep_calendars((), world.now)
    assert world.plan(START - timedelta(hours=23)).changed == {"off": 1}
    (update,) = world.send()
    assert "The calendar is no longer read: whether it takes place is not known." in words(update)
    assert "still in the calendar" not in words(update)


def test_a_meeting_that_nobody_of_us_has_any_more_is_told_so(world: World) -> None:
    crm = {"calendar": "hubspot", "uid": "1", "people": (), "companies": ("900",)}
    world.read(talk(**crm), calendar="hubspot")
    world.plan(START - timedelta(hours=24))
    world.send()
    world.read(talk(**crm, owner=""), calendar="hubspot")
    found = world.plan(START - timedelta(hours=23))
    assert (found.changed, found.nobody) == ({"off": 1}, 1)
    assert "HubSpot names nobody of ours for this meeting any more." in words(world.send()[0])


def test_a_brief_whose_calendar_is_no_longer_read_says_so_and_stays_a_brief(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    (sent,) = world.send()
    Meetings(world.store).keep_calendars((), START - timedelta(hours=23))
    assert world.plan(START - timedelta(hours=22)).changed == {"unread": 1}
    (update,) = world.send()
    assert update.message.updates == sent.key
    assert "Its calendar is no longer read; it was last, at 2026-11-07 15:00 UTC: look there" in words(update)
    assert "Something to know." in words(update), "what is known of the operator is still of use"
    assert world.plan(START - timedelta(minutes=30)) == Planned(), "once, and no further brief"
    world.read(talk())
    assert world.plan(START - timedelta(minutes=20)).put == 1, "it is known again"


def test_a_brief_that_is_not_sent_is_withdrawn_when_its_calendar_is_no_longer_read(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    Meetings(world.store).keep_calendars((), START - timedelta(hours=23))
    assert world.plan(START - timedelta(hours=22)).changed == {"withdrawn": 1}


@pytest.mark.parametrize(("read_before", "said"), [(timedelta(minutes=10), False), (timedelta(hours=5), True)])
def test_a_brief_says_when_its_calendar_was_not_read_lately(world: World, read_before: timedelta, said: bool) -> None:
    world.now = START - timedelta(hours=24) - read_before
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    (one,) = world.outbox()
    assert (
        "Its calendar was last read at 2026-11-09 10:00 UTC: look there whether it still stands." in words(one)
    ) is said


def test_a_meeting_that_is_planned_again_has_a_new_brief(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    world.send()
    world.read(talk(state="cancelled"))
    world.plan(START - timedelta(hours=23))
    world.read(talk())
    assert world.plan(START - timedelta(hours=22)).put == 1
    assert len({one.key for one in world.outbox()}) == 3


def test_a_meeting_moved_before_its_brief_is_sent_has_it_at_the_new_time(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    later = START + timedelta(days=2)
    world.read(talk(starts_at=later))
    found = world.plan(START - timedelta(hours=23))
    assert (found.changed, found.put) == ({"withdrawn": 1}, 0)
    assert world.plan(later - timedelta(hours=24)).put == 1
    assert [one.state for one in world.outbox()] == ["dropped", "ready"]


def test_a_meeting_moved_to_another_day_is_told_where_its_brief_was_and_has_a_new_one(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    (sent,) = world.send()
    later = START + timedelta(days=2)
    world.read(talk(starts_at=later))
    found = world.plan(START - timedelta(hours=23))
    assert (found.changed, found.put) == ({"moved": 1}, 0)
    (update,) = world.send()
    assert update.message.updates == sent.key
    assert "Moved to 2026-11-12 15:00 UTC. A new brief comes 24 hours before." in words(update)
    assert world.plan(later - timedelta(hours=24)).put == 1


def test_a_meeting_moved_by_an_hour_has_the_same_brief_rewritten(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    (sent,) = world.send()
    world.read(talk(starts_at=START - HOUR))
    found = world.plan(START - timedelta(hours=23))
    assert (found.changed, found.put) == ({"planned": 1}, 0)
    (update,) = world.send()
    assert update.message.updates == sent.key
    assert "2026-11-10 14:00 UTC" in update.message.title
    assert "Something to know." in words(update)
    assert world.plan(START - timedelta(hours=22)) == Planned()


def test_a_meeting_moved_again_drops_the_update_that_nobody_has_sent(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    (sent,) = world.send()
    for minutes in (10, 20, 30):
        world.read(talk(starts_at=START - timedelta(minutes=minutes)))
        world.plan(START - timedelta(hours=23) + timedelta(minutes=minutes))
    (update,) = world.send()
    assert update.message.updates == sent.key
    assert "14:30 UTC" in update.message.title
    assert Counter(one.state for one in world.outbox()) == {"sent": 2, "dropped": 2}


def test_a_meeting_that_turns_out_to_be_with_another_operator_is_told_so(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    world.send()
    world.read(talk(people=(ANNA, "x@harbour.example")))
    found = world.plan(START - timedelta(hours=23))
    assert (found.changed, found.put) == ({"off": 1}, 1)
    assert {one.message.subject for one in world.send()} == {SILVERMEAD, HARBOUR}


def test_a_meeting_given_to_a_colleague_is_told_to_both(world: World) -> None:
    crm = {"calendar": "hubspot", "uid": "1", "people": (), "companies": ("900",)}
    world.read(talk(**crm), calendar="hubspot")
    world.plan(START - timedelta(hours=24))
    world.send()
    world.read(talk(**crm, owner=BERT), calendar="hubspot")
    found = world.plan(START - timedelta(hours=23))
    assert (found.changed, found.put) == ({"off": 1}, 1)
    assert {(one.message.address.place, bool(one.message.updates)) for one in world.send()} == {
        (ANNA, True),
        (BERT, False),
    }


def test_a_calendar_that_is_silent_changes_nothing(world: World) -> None:
    from customer_research.domain.evidence import Gap

    world.read(talk())
    world.plan(START - timedelta(hours=24))
    Meetings(world.store).not_read(f"ics:{ANNA}", Gap("ics", "unavailable", "x"), world.now)
    assert world.plan(START - timedelta(hours=23)) == Planned()


def test_words_of_a_calendar_cannot_command_the_channel(opened: Store, world: World) -> None:
    People(world.store).change(ANNA, lambda one: replace(one, address="slack:U1"))
    hostile = "<!channel> <script> *bold*"
    world.read(talk(title=hostile))
    meetings = Meetings(world.store)
    (one,) = meetings.between(Window(START - HOUR, START + HOUR))
    named = MetOperator(SILVERMEAD, hostile, "contact", f"A contact of {hostile} is invited.")
    told = replace(MATCHER.match(talk()), operators=(named,))
    found = reading(talk(title=hostile))
    meetings.record(found, {one.id: told}, Window(START - HOUR, START + HOUR), world.now)
    world.plan(START - timedelta(hours=24))
    world.read(talk(state="cancelled"))
    (brief,) = world.outbox()
    assert "<!channel>" not in str(brief.message.content)


def test_what_was_told_is_forgotten_after_a_time_and_never_told_twice(world: World) -> None:
    world.read(talk())
    world.plan(START - timedelta(hours=24))
    assert Briefs(world.store).forget(START + timedelta(seconds=1)) == 1
    assert world.plan(START - timedelta(hours=23)).put == 1
    assert len(world.outbox()) == 1, "the outbox knows the key"


# -- a quarter ---------------------------------------------------------------------------------------------------------


def test_each_meeting_of_five_people_is_briefed_once_for_each_lead(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with open_store(new_url(server("sqlite", tmp_path_factory.mktemp("weeks")))) as store:
        told, wanted = simulated(World(store), 5)
    assert len(wanted) > 20
    assert told == Counter(wanted)


def simulated(world: World, days: int) -> tuple[Counter[tuple[str, str]], set[tuple[str, str]]]:
    """The briefs that were put in so many days, by meeting and lead, and those that had to be.

    Calendars are read each hour in which something may be due; one meeting in ten is moved by a day 36 hours before, and one is
    cancelled.
    """
    drawn, first = random.Random(5), datetime(2026, 10, 5, tzinfo=UTC)
    people = [f"p{number}@ours.example.com" for number in range(5)]
    booked = [
        talk(
            calendar=f"ics:{owner}",
            owner=owner,
            uid=str(day),
            starts_at=first + timedelta(days=day, hours=14 + drawn.randrange(8)),
            people=(owner, "ben@silvermead.example"),
        )
        for day in range(2, days)
        for owner in people
        if (first + timedelta(days=day)).weekday() < 5 and drawn.random() < 0.9
    ]
    for owner in people:  # a file is drawn in a hundredth of the time that a letter takes
        People(world.store).change(owner, lambda one: replace(one, address=f"file:{one.email}.md"))
    fates = {one.id: drawn.choice(("kept",) * 8 + ("moved", "cancelled")) for one in booked}
    for day in range(days + 1):
        for hour in range(13, 22):
            world.now = first + timedelta(days=day, hours=hour)
            near = [
                _as_now(one, fates, world.now) for one in booked if abs(one.starts_at - world.now) <= timedelta(days=3)
            ]
            for owner in people:
                world.read(*(one for one in near if one.owner == owner), calendar=f"ics:{owner}")
            world.plan(world.now)
            world.send()
    parts = (one.message.occasion.split("/") for one in world.outbox() if not one.message.updates)
    told = Counter((meeting, lead) for meeting, lead, *_ in parts)
    return told, {(one.id, lead) for one in booked if fates[one.id] != "cancelled" for lead in ("1440", "60")}


def _as_now(one: Occurrence, fates: dict[str, str], now: datetime) -> Occurrence:
    """An entry as its calendar has it now: it is moved or cancelled 36 hours before."""
    if one.starts_at - now > timedelta(hours=36) or fates[one.id] == "kept":
        return one
    if fates[one.id] == "cancelled":
        return replace(one, state="cancelled")
    return replace(one, starts_at=one.starts_at + timedelta(days=1), ends_at=one.ends_at + timedelta(days=1))

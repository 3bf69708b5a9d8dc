"""What a run gives as messages: to addresses and to account owners as they want it, once for each period; who hears of failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from made_up_schedules import made_schedule

from customer_research.domain.delivery import Delivery
from customer_research.domain.person import Person
from customer_research.domain.schedule import Run, RunState, Schedule
from customer_research.errors import Busy, NotAllowed, UsageError
from customer_research.research.portfolio.books import looking
from customer_research.research.scheduling.declared import shipped
from customer_research.research.scheduling.scheduler import Outcome, Scheduler
from customer_research.research.scheduling.sending import told_of
from customer_research.research.usecases import Actor, Answer, Runner, Table, Text, finished
from customer_research.research.usecases.scheduled import Performing, sendable
from customer_research.settings import Settings
from customer_research.store import outbox, people
from customer_research.store.books import Books
from customer_research.store.database import Store, open_store
from customer_research.store.outbox import Outbox
from customer_research.store.people import People
from customer_research.store.schedules import ScheduleBook

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEKLY = made_schedule(since=MONDAY - 24 * HOUR, created_at=MONDAY)
RUN = Run("weekly", MONDAY, "running", False, 0, MONDAY, "one", MONDAY + HOUR, 1, None, "", 0)


@pytest.fixture(scope="module")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('scheduled')}/store.db") as opened:
        yield opened


@pytest.fixture
def store(own_store: Store) -> Store:
    with own_store.begin() as connection:
        for table in (outbox.outbox, people.person):
            connection.execute(sa.delete(table))
    return own_store


@pytest.fixture(scope="module")
def owners(portfolio_settings: Settings) -> Mapping[str, str]:
    """Account owners of the demo: id → name."""
    assert portfolio_settings.clock is not None
    with looking(portfolio_settings, portfolio_settings.clock) as (opened, ready):
        found = {one.owner_id: one.name for one in Books(opened).owners(ready) if one.owner_id}
    assert len(found) >= 5
    return found


def performed(
    settings: Settings, store: Store, schedule: Schedule, run: Run = RUN, now: datetime | None = None
) -> Outcome:
    """What comes of a run whose use cases are really used."""

    async def once() -> Outcome:
        async with Runner(settings) as runner:
            performing = Performing(settings, store, runner.use, lambda: now or run.begun_at)
            return await performing(schedule, run)

    return finished(once())


def put(store: Store) -> list[Delivery]:
    found, _ = Outbox(store).list()
    return sorted(found, key=lambda one: str(one.message.address))


def everybody(store: Store, owners: Mapping[str, str], **more: Any) -> None:
    for number, (owner_id, name) in enumerate(owners.items()):
        made = Person("", name, owner_id, f"slack:U{number:02}", **more)
        People(store).change(f"owner{number}@example.com", lambda one, made=made: replace(made, email=one.email))  # type: ignore[misc]


def test_the_week_comes_to_the_team_and_to_each_owner_once(
    portfolio_settings: Settings, store: Store, owners: Mapping[str, str]
) -> None:
    everybody(store, owners)
    done = performed(portfolio_settings, store, WEEKLY)
    assert (done.state, done.sent) == ("done", len(owners) + 1), done.said
    found = put(store)
    assert [(one.message.kind, one.message.occasion) for one in found] == [("digest", "2026-W45")] * len(found)
    assert {one.message.subject: str(one.message.address) for one in found} == {
        "team": "slack:C0123",
        **{owner_id: f"slack:U{number:02}" for number, owner_id in enumerate(owners)},
    }
    second = performed(portfolio_settings, store, WEEKLY, replace(RUN, planned_at=MONDAY + 26 * HOUR, asked=True))
    assert (second.sent, second.said) == (0, f"{len(owners) + 1} for the same period were there already.")
    assert len(put(store)) == len(found)
    later = performed(portfolio_settings, store, WEEKLY, replace(RUN, planned_at=MONDAY + timedelta(days=7)))
    assert later.sent == len(found)


def test_an_owner_is_told_of_their_own_operators_alone(
    portfolio_settings: Settings, store: Store, owners: Mapping[str, str]
) -> None:
    everybody(store, owners)
    performed(
        portfolio_settings,
        store,
        replace(WEEKLY, use_case="today", request={"unnoted": "true"}, recipients=("owners",)),
    )
    told = {one.message.subject: json.dumps(one.message.content) for one in put(store)}
    assert told.keys() == owners.keys()
    for owner_id, said in told.items():
        assert owners[owner_id] in said
        assert not any(name in said for other, name in owners.items() if other != owner_id)


def test_a_reminder_lists_each_owner_s_operators_of_a_segment_under_its_note(
    portfolio_settings: Settings, store: Store, owners: Mapping[str, str]
) -> None:
    """The shipped one; lists that go by a name of an owner are narrowed as well."""
    everybody(store, owners)
    one = shipped()["reviews-enterprise"]
    schedule = replace(WEEKLY, use_case=one.use_case, request=one.request, note=one.note, recipients=one.recipients)
    done = performed(portfolio_settings, store, schedule)
    assert (done.state, done.sent) == ("done", len(owners)), done.said
    assert "operators without a known account owner: nobody is told of them." in done.said
    for delivery in put(store):
        said = json.dumps(delivery.message.content, ensure_ascii=False)
        assert delivery.message.kind == "reminder"
        assert "Quarterly account reviews: one with each of these operators this quarter." in said
        assert owners[delivery.message.subject] in said
        assert not any(name in said for owner, name in owners.items() if owner != delivery.message.subject)


def test_who_may_see_one_book_sends_no_other_s(
    portfolio_settings: Settings, store: Store, owners: Mapping[str, str]
) -> None:
    everybody(store, owners)
    first = next(iter(owners))
    done = performed(portfolio_settings, store, replace(WEEKLY, recipients=("owners",), book=first))
    assert [one.message.subject for one in put(store)] == [first], done.said


def test_muted_messages_are_dropped_and_quiet_hours_waited_for(
    portfolio_settings: Settings, store: Store, owners: Mapping[str, str]
) -> None:
    first, second, *_ = owners
    only = {one: owners[one] for one in (first, second)}
    everybody(store, only, zone="America/New_York", quiet_from=time(18), quiet_until=time(7, 30))
    People(store).change("owner1@example.com", lambda one: replace(one, muted={"digest": MONDAY + HOUR}))
    done = performed(portfolio_settings, store, replace(WEEKLY, recipients=("owners",)))
    quiet, muted = put(store)
    assert (quiet.state, quiet.due) == ("ready", datetime(2026, 11, 2, 12, 30, tzinfo=UTC)), "it is 3:00 in New York"
    assert (muted.state, muted.reason) == ("dropped", "Muted by its reader.")
    others = [name for one, name in owners.items() if one not in only]
    assert done.said.startswith("1 message, 1 muted. Nobody knows where ")
    assert all(name in done.said for name in others)
    assert str(quiet.message.elsewhere) == "email:owner0@example.com"


def test_what_comes_late_says_so(portfolio_settings: Settings, store: Store) -> None:
    late = replace(RUN, begun_at=MONDAY + 3 * HOUR + timedelta(minutes=20), passed_over=2)
    performed(portfolio_settings, store, replace(WEEKLY, recipients=("slack:C0123",)), late)
    (one,) = put(store)
    said = json.dumps(one.message.content, ensure_ascii=False)
    assert "Planned for Mon 2026-11-02 08:00 Europe/London (2026-11-02 08:00 UTC); made 3 h 20 min later" in said
    assert "2 earlier times went by without one." in said
    performed(portfolio_settings, store, replace(WEEKLY, recipients=("slack:C0456",)))
    assert "Planned for" not in json.dumps(put(store)[1].message.content), "what is in time says nothing"


@pytest.mark.parametrize(
    ("recipients", "failures_to", "told"),
    [
        (("slack:C0123", "owners"), "", ["slack:C0123", "slack:U0123", "email:bob@example.com"]),
        (("slack:C0123",), "email:ada@example.com", ["email:ada@example.com"]),
        (("owners",), "", ["slack:U0123", "email:bob@example.com"]),
        (("owners",), "slack:C0123", ["slack:C0123"]),
        ((), "", []),
    ],
)
def test_who_waits_hears_of_a_failure_once(
    portfolio_settings: Settings, store: Store, recipients: tuple[str, ...], failures_to: str, told: list[str]
) -> None:
    schedule = replace(WEEKLY, recipients=recipients, failures_to=failures_to)
    for person in (
        Person("ada@example.com", owner_id="1", address="slack:U0123"),
        Person("bob@example.com", owner_id="2"),
        Person("eve@example.com"),
        Person("muted@example.com", owner_id="3", muted={"digest": None}),
    ):
        People(store).change(person.email, lambda _one, person=person: person)  # type: ignore[misc]
    failed = replace(RUN, state="failed", said="The store is <!channel> busy.", passed_over=1)

    async def use(_name: str, _request: Any, _actor: Actor) -> Answer:
        raise AssertionError

    performing = Performing(portfolio_settings, store, use, lambda: MONDAY)
    for _ in range(2):
        asyncio.run(performing.heard(schedule, failed))
        asyncio.run(performing.heard(schedule, replace(failed, state="done")))
    found = put(store)
    assert sorted(str(one.message.address) for one in found) == sorted(told)
    for one in found:
        assert one.message.title == "weekly failed"
        said = json.dumps(one.message.content, ensure_ascii=False)
        assert "planned for Mon 2026-11-02 08:00 Europe/London (2026-11-02 08:00 UTC), failed." in said
        assert "1 earlier time went by unused as well." in said
        if one.message.address.channel == "slack":
            assert "<!channel>" not in said


def test_who_got_the_message_does_not_hear_that_the_run_failed(
    portfolio_settings: Settings, store: Store, owners: Mapping[str, str]
) -> None:
    """A run that failed for one account owner has reached the others."""
    everybody(store, owners)
    schedule = replace(WEEKLY, recipients=("owners",))
    performed(portfolio_settings, store, schedule)
    without = put(store)[0]
    with store.begin() as connection:
        connection.execute(sa.delete(outbox.outbox).where(outbox.outbox.c.key == without.key))
    failed = replace(RUN, state="failed", said="Others' operators.")
    assert told_of(store, schedule, failed, MONDAY) == 1
    (notice,) = (one for one in put(store) if one.message.kind == "notice")
    assert notice.message.address == without.message.address
    assert "Others" not in json.dumps(notice.message.content), "what failed may name what they may not see"
    narrow = replace(schedule, name="narrow", book=next(iter(owners)), request={"short": "true"})
    assert told_of(store, narrow, replace(failed, schedule="narrow"), MONDAY) == 1, "the others' books are not in it"


@pytest.mark.parametrize("state", get_args(RunState))
def test_nobody_hears_of_a_skipped_run_that_a_later_one_makes_up_for(store: Store, state: RunState) -> None:
    schedule, book = replace(WEEKLY, name=f"made-up-{state}", recipients=("slack:C0123",)), ScheduleBook(store)
    book.add(schedule)
    skipped = replace(RUN, schedule=schedule.name, state="skipped")
    later = replace(skipped, planned_at=MONDAY + 24 * HOUR, state="running", lease_until=MONDAY + 25 * HOUR)
    assert book.put(skipped)
    assert book.put(later)
    assert state == "running" or book.end(later, state, "", MONDAY)
    nothing_done = state in {"failed", "skipped"}
    assert told_of(store, schedule, skipped, MONDAY) == nothing_done, "nothing was done in its place"
    assert told_of(store, schedule, replace(skipped, state="failed"), MONDAY) == 1, (
        "a failure is told whatever comes later"
    )


def test_two_digests_of_a_week_are_two_messages(portfolio_settings: Settings, store: Store) -> None:
    team = replace(WEEKLY, recipients=("slack:C0123",))
    daily = replace(team, cron="0 8 * * *")
    short = replace(team, request={"short": "true"})
    tuesday = replace(RUN, planned_at=MONDAY + 24 * HOUR)
    often, noon = replace(team, cron="0 8,12 * * 1"), replace(RUN, planned_at=MONDAY + 4 * HOUR)
    news = [
        performed(portfolio_settings, store, schedule, run).sent
        for schedule, run in (
            (team, RUN),
            (team, RUN),
            (short, RUN),
            (daily, RUN),
            (daily, tuesday),
            (daily, tuesday),
            (often, RUN),
            (often, noon),
            (often, noon),
        )
    ]
    assert news == [1, 0, 1, 1, 1, 0, 1, 1, 0]


def test_one_owner_s_fault_keeps_nobody_else_waiting(
    portfolio_settings: Settings, store: Store, owners: Mapping[str, str]
) -> None:
    everybody(store, owners)
    first = next(iter(owners))

    async def once() -> Outcome:
        async with Runner(portfolio_settings) as runner:

            async def use(name: str, request: Mapping[str, Any], actor: Actor) -> Answer:
                if actor.book == first:
                    raise Busy("40 requests are being worked on.", retry_after=1.0)
                return await runner.use(name, request, actor)

            return await Performing(portfolio_settings, store, use, lambda: MONDAY)(
                replace(WEEKLY, recipients=("owners",)), RUN
            )

    done = finished(once())
    assert (done.state, done.sent) == ("failed", len(owners) - 1)
    assert done.said.startswith(f"{owners[first]}: 40 requests are being worked on.")
    again = performed(portfolio_settings, store, replace(WEEKLY, recipients=("owners",)), replace(RUN, asked=True))
    assert again.sent == 1, "by hand the missing one is made, and no other"


def test_a_run_may_do_no_more_than_who_made_its_schedule(portfolio_settings: Settings, store: Store) -> None:
    with pytest.raises(NotAllowed, match="ada may not use digest"):
        performed(portfolio_settings, store, replace(WEEKLY, rights=("read",)))
    assert put(store) == []


def test_a_request_that_is_no_longer_understood_fails_with_a_sentence(
    portfolio_settings: Settings, store: Store
) -> None:
    book = ScheduleBook(store)
    schedule = replace(WEEKLY, name="older", request={"colour": "red"}, recipients=("slack:C0123",))
    book.add(schedule)

    async def once() -> Run:
        async with Runner(portfolio_settings) as runner:
            performing = Performing(portfolio_settings, store, runner.use, lambda: MONDAY)
            scheduler = Scheduler(book, performing, lambda: MONDAY, "one", heard=performing.heard)
            return await scheduler.begin_asked(schedule)

    run = finished(once())
    assert (run.state, run.said.startswith("colour: ")) == ("failed", True)
    assert [one.message.kind for one in put(store)] == ["notice"]


def test_tables_and_lines_are_sent_as_lines_and_texts_are_not() -> None:
    table = Table(("a", "b"), (("1", "2"), ("3", "")), before=("Above.",), after=("Below.",), last="End.")
    assert sendable(Answer(table)) == ("Above.", "1; 2", "3", "Below.", "End.")
    assert sendable(Answer(("one", ("two: ", "three")))) == ("one", "two: three")
    with pytest.raises(UsageError, match="cannot be sent"):
        sendable(Answer(Text(("a,b",))))


# -- hours of one's own ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "quiet", "now", "sent"),
    [
        ("UTC", (None, None), "2026-11-02T03:00", "2026-11-02T03:00"),
        ("UTC", ("19:00", "07:30"), "2026-11-02T18:59", "2026-11-02T18:59"),
        ("UTC", ("19:00", "07:30"), "2026-11-02T19:00", "2026-11-03T07:30"),
        ("UTC", ("19:00", "07:30"), "2026-11-02T07:29", "2026-11-02T07:30"),
        ("UTC", ("19:00", "07:30"), "2026-11-02T07:30", "2026-11-02T07:30"),
        ("UTC", ("12:00", "13:00"), "2026-11-02T12:30", "2026-11-02T13:00"),
        ("Australia/Sydney", ("19:00", "07:30"), "2026-11-02T12:00", "2026-11-02T20:30"),
        (
            "America/New_York",
            ("22:00", "07:00"),
            "2026-11-01T05:30",
            "2026-11-01T12:00",
        ),  # 1:30, which comes twice there
        ("America/New_York", ("22:00", "02:30"), "2026-03-08T06:00", "2026-03-08T07:30"),  # there is no 2:30 that night
    ],
)
def test_quiet_hours_are_those_of_ones_own_clock(zone: str, quiet: tuple[Any, Any], now: str, sent: str) -> None:
    begins, ends = (one and time.fromisoformat(one) for one in quiet)
    person = Person("ada@example.com", zone=zone, quiet_from=begins, quiet_until=ends)
    assert person.sent_at(datetime.fromisoformat(now).replace(tzinfo=UTC)) == datetime.fromisoformat(sent).replace(
        tzinfo=UTC
    )


def test_muting_ends_on_its_day_and_everything_is_every_kind() -> None:
    person = Person("ada@example.com", muted={"digest": MONDAY})
    assert person.mutes("digest", MONDAY - HOUR)
    assert not person.mutes("digest", MONDAY)
    assert not person.mutes("alert", MONDAY - HOUR)
    assert Person("ada@example.com", muted={"everything": None}).mutes("alert", MONDAY)


def test_a_failure_is_told_at_another_place_or_nowhere() -> None:
    assert Person("a@example.com").second_place == ""
    assert Person("a@example.com", address="slack:U1").second_place == "email:a@example.com"
    assert Person("a@example.com", second="slack:U1").second_place == "slack:U1"

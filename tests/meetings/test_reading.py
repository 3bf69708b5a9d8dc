"""All calendars of the settings read at once against the sandbox, and kept; who is known comes from the lake."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from customer_research.calendars.opened import names
from customer_research.calendars.settings import MicrosoftSettings
from customer_research.domain.check import CheckResult
from customer_research.domain.meeting import KnownPeople, Meeting, Window
from customer_research.research.doctor_calendars import calendars
from customer_research.research.meetings import reading
from customer_research.research.meetings.known import people_gaps
from customer_research.settings import Settings, StoreSettings, load_settings
from customer_research.sources.hubspot.settings import HubSpotSettings
from customer_research.store.database import Store, open_store
from customer_research.store.meetings import Meetings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.calendar import FEED_SECRET
from customer_research_sandbox.servers.diary import Entry

pytestmark = pytest.mark.usefixtures("known", "no_waiting")


@pytest.fixture(scope="module")
def sandbox(small_sandbox: Sandbox) -> Sandbox:
    return small_sandbox


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Iterator[Settings]:
    found = load_settings(sandbox.config_path)
    store = StoreSettings(url=SecretStr(f"sqlite:///{tmp_path / 'store.db'}"))
    yield found.model_copy(update={"store": store})
    sandbox.set_faults()


@pytest.fixture
def known(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every company of the sandbox's HubSpot is an operator."""
    companies = sandbox.dataset.hubspot.objects["companies"]
    ids = {str(one["id"]): frozenset({f"operator-{one['id']}"}) for one in companies}
    names = {f"operator-{one['id']}": str(one["properties"]["name"]) for one in companies}
    found = KnownPeople(companies=ids, names=names)
    monkeypatch.setattr(reading, "known_people", lambda _settings: found)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.store_url) as opened:
        yield opened


def polled(settings: Settings, store: Store) -> reading.Poll:
    clock = settings.clock
    assert clock is not None
    return asyncio.run(reading.poll(settings, store, lambda: clock))


def coming(settings: Settings, store: Store) -> tuple[Meeting, ...]:
    assert settings.clock is not None
    return Meetings(store).between(Window(settings.clock, settings.clock + timedelta(days=14)))


def test_hubspots_meetings_and_those_of_the_diaries_are_one_each(settings: Settings, store: Store) -> None:
    poll = polled(settings, store)
    assert (poll.calendars, poll.gaps) == (6, ())
    found = coming(settings, store)
    assert found
    assert all(len(one.calendars) == 2 and one.calendars[0] == "hubspot" for one in found)
    assert {each.reason for one in found for each in one.operators} == {"association"}
    assert all(one.owner.endswith("@moovs-team.example.com") for one in found)
    assert {one.internal for one in Meetings(store).asked() if one.calendar != "hubspot"} == {2}, "team meetings"


def test_reading_twice_changes_nothing(settings: Settings, store: Store) -> None:
    polled(settings, store)
    first = coming(settings, store)
    polled(settings, store)
    assert coming(settings, store) == first


@pytest.mark.parametrize(("fault", "silent"), [("hubspot:http500", 1), ("calendar:http500", 5)])
def test_who_does_not_answer_is_told_and_keeps_what_it_had(
    fault: str, silent: int, settings: Settings, store: Store, sandbox: Sandbox
) -> None:
    polled(settings, store)
    before = coming(settings, store)
    sandbox.set_faults(fault)
    assert len(polled(settings, store).gaps) == silent
    assert coming(settings, store) == before
    assert sum(bool(one.gaps) for one in Meetings(store).asked()) == silent


def without_token(settings: Settings) -> Settings:
    section = settings.of(HubSpotSettings).model_copy(update={"token": None})
    return settings.model_copy(update={"hubspot": section})


def test_hubspot_without_its_token_is_a_calendar_that_does_not_answer(settings: Settings, store: Store) -> None:
    polled(settings, store)
    before = coming(settings, store)
    found = polled(without_token(settings), store)
    assert [(gap.source, gap.reason) for gap in found.gaps] == [("hubspot", "not_configured")]
    assert coming(settings, store) == before
    (crm,) = [one for one in Meetings(store).asked() if one.calendar == "hubspot"]
    assert crm.is_silent
    assert crm.answered_at == settings.clock


def test_hubspot_that_never_had_a_token_is_no_calendar(settings: Settings, store: Store) -> None:
    found = polled(without_token(settings), store)
    assert (found.calendars, found.gaps) == (5, ())


def test_a_calendar_that_the_settings_name_no_more_leaves_what_it_had_unknown(settings: Settings, store: Store) -> None:
    polled(settings, store)
    own = {"ics": "feeds", "google": "calendars", "microsoft": "calendars"}
    told: dict[str, object] = {
        name: getattr(settings, name).model_copy(update={key: {} if name == "ics" else ()}) for name, key in own.items()
    }
    told["meetings"] = settings.meetings.model_copy(update={"hubspot": False})
    polled(settings.model_copy(update=told), store)
    assert {one.state for one in coming(settings, store)} == {"unread"}
    polled(settings, store)
    assert {one.state for one in coming(settings, store)} == {"planned"}


def test_calendars_are_read_as_far_as_is_asked(settings: Settings, store: Store) -> None:
    clock = settings.clock
    assert clock is not None
    asyncio.run(reading.poll(settings, store, lambda: clock, days=60))
    assert {one.until for one in Meetings(store).asked()} == {clock + timedelta(days=60)}
    polled(settings, store)
    assert {one.until for one in Meetings(store).asked()} == {clock + timedelta(days=settings.meetings.days_ahead)}


@pytest.mark.parametrize(
    ("known_people", "said"),
    [
        (KnownPeople(), "nobody knows whom a meeting is with"),
        (KnownPeople(companies={"1": frozenset({"a"})}), "by its company and mail domains alone"),
        (KnownPeople(contact_ids={"1": frozenset({"a"})}), "by its contacts and mail domains alone"),
        (KnownPeople(domains={"a.example": frozenset({"a"})}), "by mail addresses and domains alone"),
        (KnownPeople(companies={"1": frozenset({"a"})}, contact_ids={"1": frozenset({"a"})}), ""),
    ],
    ids=["nothing", "no contacts", "no companies", "domains alone", "both"],
)
def test_whom_the_lake_does_not_know_is_a_gap(settings: Settings, known_people: KnownPeople, said: str) -> None:
    gaps = people_gaps(settings, known_people)
    assert [said in one.detail for one in gaps] == ([True] if said else [])
    assert [one for one in people_gaps(without_token(settings), known_people) if "alone" in one.detail] == []


def test_a_lake_that_lost_whom_one_meets_takes_no_meeting_away(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    polled(settings, store)
    before = coming(settings, store)
    assert before
    monkeypatch.setattr(reading, "known_people", lambda _settings: KnownPeople())
    gaps = polled(settings, store).people
    assert "nobody knows whom a meeting is with" in gaps[0].detail
    assert coming(settings, store) == before
    assert {one.people for one in Meetings(store).asked()} == {gaps}


def test_what_is_not_configured_is_not_asked(settings: Settings, store: Store, sandbox: Sandbox) -> None:
    sandbox.clear_request_log()
    told = {"meetings": settings.meetings.model_copy(update={"hubspot": False})}
    alone = settings.model_copy(update=told)
    assert "hubspot" not in names(alone)
    polled(alone, store)
    assert {one.source for one in sandbox.request_log} == {"calendar"}


def test_a_meeting_moved_in_the_diary_is_moved_here(settings: Settings, store: Store, sandbox: Sandbox) -> None:
    polled(settings, store)
    first = coming(settings, store)[0]
    (entry,) = [one for one in _entries(sandbox, first.owner) if one.starts_at == first.starts_at]
    entry.starts_at += timedelta(hours=2)
    try:
        polled(settings, store)
        (moved,) = [one for one in coming(settings, store) if one.id == first.id]
    finally:
        entry.starts_at -= timedelta(hours=2)
    assert moved.starts_at == first.starts_at + timedelta(hours=2)


def _entries(sandbox: Sandbox, person: str) -> list[Entry]:
    return [one for one in sandbox.diary.of(person) if not one.repeats]


# -- doctor ------------------------------------------------------------------------------------------------------------


def checked(settings: Settings, *, online: bool = True) -> dict[str, CheckResult]:
    clock = settings.clock
    assert clock is not None
    found = asyncio.run(calendars(settings, lambda: clock, online=online))
    return {one.check: one for one in found}


def test_doctor_reads_the_calendars_that_are_set_up_when_it_may_ask(settings: Settings) -> None:
    assert {one.status for one in checked(settings, online=False).values()} == {"skipped"}
    found = checked(settings)
    assert list(found) == ["calendar.ics", "calendar.microsoft"]
    assert {one.status for one in found.values()} == {"ok"}
    assert found["calendar.ics"].found.startswith("2 calendars can be read: ")
    nothing = Settings.model_validate({"clock": settings.clock})
    assert checked(nothing) == {}


def test_doctor_says_which_calendars_cannot_be_read_and_why(settings: Settings, sandbox: Sandbox) -> None:
    wrong = settings.of(MicrosoftSettings).model_copy(update={"client_secret": None})
    missing = checked(settings.model_copy(update={"microsoft": wrong}))["calendar.microsoft"]
    assert (missing.status, missing.found) == ("fail", "The setting microsoft.client_secret is missing.")
    sandbox.diary.people.remove(next(iter(settings.ics.feeds)))
    try:
        feed = checked(settings)["calendar.ics"]
    finally:
        sandbox.diary.people.insert(0, next(iter(settings.ics.feeds)))
    assert feed.status == "fail"
    assert feed.found.startswith("1 of 2 calendars cannot be read: The calendar feed has no record at")
    assert FEED_SECRET not in f"{feed.found}{feed.fix}"

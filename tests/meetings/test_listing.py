"""`meetings list` and `today` on the sandbox's calendars, and on meetings that were made up."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from meeting_cases import ANNA, BERT, HARBOUR, NOW, WINDOW, matched, occurrence, reading
from pydantic import SecretStr

from customer_research.documents import formats
from customer_research.domain.evidence import Gap
from customer_research.domain.meeting import CalendarReading, Window
from customer_research.domain.report import Report
from customer_research.reports.calendars_heard import unheard
from customer_research.research.meetings.listing import meetings_report
from customer_research.research.usecases import Actor, use_alone, use_case
from customer_research.settings import Settings, StoreSettings
from customer_research.store.database import open_store
from customer_research.store.meetings import Meetings, calendar_reading, meeting_entry
from customer_research.store.outbox import Outbox

ACTOR = Actor("ada", "test")


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    """Settings whose store is the test's own."""
    url = SecretStr(f"sqlite:///{tmp_path / 'store.db'}")
    return Settings(store=StoreSettings.model_validate({"url": url}))  # type: ignore[call-arg]


def markdown(report: Report) -> str:
    return formats.render(report, "markdown").decode()


def keep(settings: Settings, *found: CalendarReading) -> None:
    with open_store(settings.store_url) as store:
        for one in found:
            Meetings(store).record(one, matched(one), WINDOW, NOW)


def listed(settings: Settings, days: int = 7) -> str:
    return markdown(meetings_report(settings, None, days=days, now=NOW))


def test_a_meeting_is_listed_with_operator_reason_and_standing(empty: Settings) -> None:
    keep(empty, reading(occurrence(), occurrence(uid="u2", state="declined", title="Other")))
    page = listed(empty)
    assert "1 meeting with operators in 7 days; the next is with Silvermead Livery at 2026-11-03 15:00 UTC." in page
    assert "A contact of Silvermead Livery is invited." in page
    assert "declined by its owner" in page


def test_two_operators_are_both_named(empty: Settings) -> None:
    keep(empty, reading(occurrence(people=(ANNA, "ben@silvermead.example", "x@harbour.example"))))
    assert "Silvermead Livery and Harbour Cars" in listed(empty)


def test_addresses_are_masked_and_titles_cannot_command_the_page(empty: Settings) -> None:
    keep(empty, reading(occurrence(title="<script>alert(1)</script> | **bold** [x](javascript:1)")))
    page = listed(empty)
    assert ANNA not in page
    assert "<script>" not in page
    assert r"\[x\](javascript\:1)" in page


def test_people_of_whom_nobody_knows_an_operator_are_counted_with_their_domain(empty: Settings) -> None:
    keep(empty, reading(occurrence(people=(ANNA, "x@stranger.example"), title="Between us")))
    page = listed(empty)
    assert "1 meeting with people of whom no operator is known (stranger.example)." in page
    assert "Between us" not in page


def test_a_zone_that_nobody_knows_is_flagged(empty: Settings) -> None:
    keep(empty, reading(occurrence(zone_unknown=True)))
    assert "time zone that nobody knows" in listed(empty)


def test_an_all_day_entry_has_no_hour(empty: Settings) -> None:
    keep(empty, reading(occurrence(all_day=True)))
    table = listed(empty).partition("## Coming meetings")[2].partition("## Calendars")[0]
    assert "2026-11-03" in table
    assert "15:00" not in table


def test_an_all_day_entry_is_listed_until_its_day_is_over(empty: Settings) -> None:
    midnight = NOW.replace(hour=0)
    keep(empty, reading(occurrence(all_day=True, starts_at=midnight, ends_at=midnight + timedelta(days=1))))
    for hour, is_listed in ((23, True), (24, False)):
        page = markdown(meetings_report(empty, None, days=7, now=midnight + timedelta(hours=hour)))
        assert ("| Silvermead Livery" in page) is is_listed


def test_a_calendar_that_did_not_answer_makes_it_partial_and_nothing_is_taken_for_none(empty: Settings) -> None:
    gap = Gap("ics", "unavailable", "The calendar feed failed to answer.", "Try again later.")
    with open_store(empty.store_url) as store:
        Meetings(store).not_read(f"ics:{ANNA}", gap, NOW)
    report = meetings_report(empty, None, days=7, now=NOW)
    assert report.partial
    page = markdown(report)
    assert "No meeting with operators in 7 days is known: 1 calendar did not answer in full." in page
    keep(empty, reading(occurrence(f"ics:{BERT}", owner=BERT), calendar=f"ics:{BERT}"))
    assert "There may be more: 1 calendar did not answer in full." in listed(empty)


def test_it_says_up_to_which_day_calendars_were_read(empty: Settings) -> None:
    keep(empty, reading(occurrence()))
    assert "There may be more" not in listed(empty, 14)
    report = meetings_report(empty, None, days=60, now=NOW)
    assert report.partial
    page = markdown(report)
    assert "There may be more: 1 calendar was read up to 2026-11-16 alone." in page
    assert "| 2026-11-16 " in page.partition("## Calendars")[2]
    keep(empty, reading())
    nothing = markdown(meetings_report(empty, None, days=60, now=NOW))
    assert "No meeting with operators in 60 days is known: 1 calendar was read up to 2026-11-16 alone." in nothing


def test_what_was_kept_long_ago_is_not_taken_for_the_present(empty: Settings) -> None:
    keep(empty, reading())
    report = meetings_report(empty, None, days=7, now=NOW + timedelta(hours=25))
    assert report.partial
    page = markdown(report)
    assert "No meeting with operators in 7 days is known: 1 calendar was last read at 2026-11-02 09:00 UTC." in page


def test_a_meeting_whose_calendar_is_no_longer_read_is_listed_as_not_known(empty: Settings) -> None:
    keep(empty, reading(occurrence()))
    with open_store(empty.store_url) as store:
        Meetings(store).keep_calendars((), NOW)
    page = listed(empty)
    assert "not known: its calendar was last read at 2026-11-02 09:00 UTC, and is no longer" in page


@pytest.mark.parametrize("others", [(), (f"google:{ANNA}",)], ids=["none is read", "another is read"])
def test_a_meeting_whose_calendar_is_no_longer_read_is_not_taken_for_none(
    empty: Settings, others: tuple[str, ...]
) -> None:
    keep(empty, reading(occurrence()), *(reading(calendar=one) for one in others))
    with open_store(empty.store_url) as store:
        Meetings(store).keep_calendars(others, NOW)
    report = meetings_report(empty, None, days=7, now=NOW)
    assert report.partial
    page = markdown(report)
    unsure = "of 1 meeting it is not known whether it takes place, since its calendar is no longer read"
    assert f"No meeting with operators in 7 days is known: {unsure}." in page
    assert "Name that calendar in the settings again, or look there." in page
    keep(empty, *(reading(occurrence(one, "u2", starts_at=NOW + timedelta(days=2)), calendar=one) for one in others))
    assert (f"There may be more: {unsure}." in listed(empty)) is bool(others)


def test_what_lasts_for_days_says_until_when_and_is_not_the_next(empty: Settings) -> None:
    midnight = NOW.replace(hour=0)
    fair = occurrence(all_day=True, starts_at=midnight, ends_at=midnight + timedelta(days=3), title="Fair")
    later = replace(fair, uid="u2", starts_at=midnight + timedelta(days=5), ends_at=midnight + timedelta(days=6))
    keep(empty, reading(fair))
    page = listed(empty)
    assert "1 meeting with operators in 7 days; under way since 2026-11-02 is that with Silvermead Livery." in page
    assert "all day; until 2026-11-04" in page
    keep(empty, reading(fair, later))
    assert "the next is with Silvermead Livery on 2026-11-07." in listed(empty)


def test_whom_the_lake_does_not_know_is_said(empty: Settings) -> None:
    keep(empty, reading())
    gap = Gap("lake", "unavailable", "The lake has no contact of any operator.", "Run `customer-research sync`.")
    report = meetings_report(empty, None, days=7, now=NOW, people=(gap,))
    assert report.partial
    assert "is known: the lake does not know all whom one may meet." in markdown(report)


def test_that_not_all_were_known_when_calendars_were_read_is_said_of_what_is_kept(empty: Settings) -> None:
    gap = Gap("lake", "unavailable", "The lake has no contact of any operator.", "Run `customer-research sync`.")
    silent = Gap("ics", "unavailable", "The calendar feed failed to answer.")
    with open_store(empty.store_url) as store:
        kept = Meetings(store)
        kept.record(reading(), {}, WINDOW, NOW, people=(gap,))
        for _ in range(2):
            (asked,) = kept.asked()
            assert asked.people == (gap,)
            kept.not_read(f"ics:{ANNA}", silent, NOW)
        kept.record(reading(), {}, WINDOW, NOW, people=(gap,))
    report = meetings_report(empty, None, days=7, now=NOW)
    assert report.partial
    page = markdown(report)
    assert "No meeting with operators in 7 days is known: the lake does not know all whom one may meet." in page
    assert next(one.text for one in unheard([asked], NOW, NOW)) == gap.detail
    keep(empty, reading())
    assert "The calendars have no meetings with operators in 7 days." in listed(empty), "all are known again"


def test_without_calendars_it_says_which_settings_name_them(empty: Settings) -> None:
    page = listed(empty)
    assert "No calendar has been read." in page
    assert "ics.feeds" in page


def test_without_calendars_that_is_the_reason_whatever_else_is_not_known(empty: Settings) -> None:
    gap = Gap("hubspot", "unavailable", "HubSpot was never read.")
    report = meetings_report(empty, None, days=7, now=NOW, people=(gap,))
    assert report.headline is not None
    assert report.headline.text == "No calendar has been read."


def test_what_is_over_is_not_listed(empty: Settings) -> None:
    keep(
        empty,
        reading(
            occurrence(starts_at=NOW - timedelta(minutes=31)),
            occurrence(uid="u2", starts_at=NOW - timedelta(minutes=29)),
        ),
    )
    assert "1 meeting with operators" in listed(empty)


# -- on the whole sandbox ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own(portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The sandbox's lake and its newest snapshot, with a store of this file's own."""
    file = tmp_path_factory.mktemp("meetings") / "store.db"
    shutil.copy(portfolio_settings.store_url.removeprefix("sqlite:///"), file)
    store = StoreSettings.model_validate({"url": f"sqlite:///{file}"})
    return portfolio_settings.model_copy(update={"store": store})


def asked(own: Settings, name: str, **given: object) -> Report:
    answer = use_alone(name, use_case(name).request()(**given), ACTOR, lambda: own)
    assert isinstance(answer.body, Report)
    return answer.body


def test_the_calendars_are_read_and_today_tells_of_them(own: Settings) -> None:
    before = markdown(asked(own, "today", unnoted=True))
    page = markdown(asked(own, "meetings list", days=14))
    assert "HubSpot associates it with" in page
    assert page.count("Microsoft Graph") >= 3
    kept = asked(own, "meetings list", days=14, kept=True)
    assert markdown(kept).partition("## Sources")[0] == page.partition("## Sources")[0]
    today = markdown(asked(own, "today", unnoted=True))
    section = today.partition("## Meetings in 7 days")[2].partition("\n## ")[0]
    assert section.count("UTC") == before.partition("## Meetings in 7 days")[2].partition("\n## ")[0].count("UTC") > 0


def test_a_meeting_that_is_cancelled_since_the_snapshot_is_not_shown_today(own: Settings) -> None:
    clock = own.clock
    assert isinstance(clock, datetime)
    with open_store(own.store_url) as store:
        known = Meetings(store)
        first = known.between(replace(WINDOW, since=clock, until=clock + timedelta(days=7)))[0]
        for one in known.asked():
            known.record(reading(calendar=one.calendar), {}, replace(WINDOW, until=one.until), clock)
    today = markdown(asked(own, "today", unnoted=True))
    assert "The calendars have none with these operators." in today
    assert first.names not in today.partition("## Meetings in 7 days")[2].partition("\n## ")[0]


def told_today(settings: Settings, *, at: datetime) -> str:
    page = markdown(asked(settings.model_copy(update={"clock": at}), "today", unnoted=True))
    return page.partition("## Meetings in 7 days")[2].partition("\n## ")[0]


def with_calendars(own: Settings, folder: Path) -> tuple[Settings, datetime]:
    """A copy of the store in which no calendar was ever read, and the present."""
    file = folder / "own.db"
    shutil.copy(own.store_url.removeprefix("sqlite:///"), file)
    found = own.model_copy(update={"store": StoreSettings.model_validate({"url": f"sqlite:///{file}"})})
    with open_store(found.store_url) as store, store.begin() as connection:
        for table in (meeting_entry, calendar_reading):
            connection.execute(table.delete())
    assert isinstance(own.clock, datetime)
    return found, own.clock


def test_today_says_since_when_a_calendar_is_silent_and_takes_nothing_for_none(own: Settings, tmp_path: Path) -> None:
    mine, clock = with_calendars(own, tmp_path)
    ahead = Window(clock - timedelta(days=1), clock + timedelta(days=14))
    both = {name: reading(calendar=name) for name in ("hubspot", f"ics:{ANNA}", f"ics:{BERT}")}
    with open_store(mine.store_url) as store:
        for one in both.values():
            Meetings(store).record(one, {}, ahead, clock)
    assert "The calendars have none with these operators." in told_today(mine, at=clock)
    later = clock + timedelta(hours=3)
    with open_store(mine.store_url) as store:
        Meetings(store).not_read(f"ics:{ANNA}", Gap("ics", "unavailable", "x"), later)
        Meetings(store).not_read("google:cara@example.com", Gap("google", "denied", "x"), later)
    page = told_today(mine, at=later)
    since = f"{clock:%Y-%m-%d %H:%M} UTC"
    assert "have none" not in page
    assert "None with these operators is known." in page
    assert f"Calendar feed (1 of 2 calendars): not read since {since}." in page
    assert "Google Calendar: never read, so that nothing of it is known." in page
    assert ANNA not in page


def test_today_says_that_calendars_are_old_and_up_to_which_day_they_were_read(own: Settings, tmp_path: Path) -> None:
    mine, clock = with_calendars(own, tmp_path)
    with open_store(mine.store_url) as store:
        found = reading(calendar="hubspot")
        Meetings(store).record(found, {}, Window(clock, clock + timedelta(days=2)), clock)
    page = told_today(mine, at=clock)
    assert f"HubSpot: read up to {clock + timedelta(days=2):%Y-%m-%d} alone; of later days nothing is known." in page
    assert "have none" not in page
    page = told_today(mine, at=clock + timedelta(days=2))
    assert f"HubSpot: not read since {clock:%Y-%m-%d %H:%M} UTC." in page
    assert "have none" not in page


def test_today_without_calendars_says_when_hubspot_had_what_it_tells(own: Settings, tmp_path: Path) -> None:
    mine, clock = with_calendars(own, tmp_path)
    assert "UTC" in told_today(mine, at=clock)
    later = told_today(mine, at=clock + timedelta(days=60))
    assert f"HubSpot had none with these operators at {clock:%Y-%m-%d %H:%M} UTC." in later


def test_today_knows_days_without_hours_and_hours_that_are_not_sure(own: Settings, tmp_path: Path) -> None:
    mine, clock = with_calendars(own, tmp_path)
    midnight = clock.replace(hour=0, minute=0, second=0, microsecond=0)
    found = reading(
        occurrence(uid="day", all_day=True, starts_at=midnight, ends_at=midnight + timedelta(days=1), title="Fair"),
        occurrence(uid="zone", zone_unknown=True, starts_at=clock + timedelta(hours=2), title="Talk"),
        occurrence(uid="lost", starts_at=clock + timedelta(hours=3), title="Left", calendar="hubspot"),
    )
    with open_store(mine.store_url) as store:
        Meetings(store).record(found, matched(found), Window(midnight, clock + timedelta(days=14)), clock)
    (day, hour, *_) = [line for line in told_today(mine, at=clock).splitlines() if line.startswith("| Silvermead")]
    assert f"{midnight:%Y-%m-%d} (all day)" in day
    assert "00:00" not in day
    assert "the calendar names a time zone that nobody knows" in hour
    with open_store(mine.store_url) as store:
        Meetings(store).keep_calendars(["hubspot"], clock)
    told = f"its calendar was last read {clock:%Y-%m-%d %H:%M} UTC, and is no longer"
    assert told in told_today(mine, at=clock), "though no calendar is read any more"


def test_only_the_meetings_of_one_book_are_told(own: Settings) -> None:
    from customer_research.research.portfolio.books import looking
    from customer_research.research.usecases.books import Whose
    from customer_research.store.books import Books

    clock = own.clock
    assert isinstance(clock, datetime)
    with looking(own, clock) as (store, ready):
        owner = next(one for one in Books(store).owners(ready) if one.owner_id)
        theirs = Books(store).ids(ready, {owner.owner_id})
    mine = min(theirs)
    starts = clock + timedelta(days=2)
    found = reading(occurrence(uid="a", starts_at=starts), occurrence(uid="b", starts_at=starts + timedelta(hours=1)))
    told = matched(found)
    (first, second) = found.occurrences
    changed = {
        first.id: replace(
            told[first.id],
            operators=(
                replace(told[first.id].operators[0], operator_id=mine, name="Mine"),
                replace(told[first.id].operators[0], operator_id=HARBOUR, name="Theirs as well"),
            ),
        ),
        second.id: replace(
            told[second.id], operators=(replace(told[second.id].operators[0], operator_id=HARBOUR, name="Theirs"),)
        ),
    }
    with open_store(own.store_url) as opened:
        Meetings(opened).record(found, changed, WINDOW, clock)
    page = markdown(asked(own, "meetings list", kept=True, whose=Whose(owner=owner.owner_id)))
    assert "Mine" in page
    assert "Theirs" not in page


def test_briefs_of_the_sandboxes_meetings_are_put_into_the_outbox_once(own: Settings, tmp_path: Path) -> None:
    store = StoreSettings.model_validate({"url": f"sqlite:///{tmp_path / 'briefs.db'}"})
    mine = own.model_copy(update={"store": store})
    clock = own.clock
    assert isinstance(clock, datetime)
    asked(mine, "meetings list", days=14)
    with open_store(mine.store_url) as opened:
        first = Meetings(opened).between(replace(WINDOW, since=clock, until=clock + timedelta(days=14)))[0]
    before = mine.model_copy(update={"clock": first.starts_at - timedelta(hours=23)})
    said = [use_alone("meetings plan", use_case("meetings plan").request()(), ACTOR, lambda: before) for _ in range(2)]
    assert [one.document["put"] for one in said if isinstance(one.document, dict)] == [1, 0]
    with open_store(mine.store_url) as opened:
        ((brief,), _) = Outbox(opened).list(kind="brief")
    assert brief.message.subject == first.operators[0].operator_id
    assert brief.message.address.place == first.owner
    assert brief.until == first.starts_at
    text = " ".join(brief.message.content["text"].replace("│", " ").split())
    assert (
        f"You meet {first.names} on {first.starts_at.astimezone(ZoneInfo('America/New_York')):%Y-%m-%d %H:%M} America/New_York."
        in text
    )
    assert "HubSpot associates it with" in text

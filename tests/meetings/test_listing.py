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
from customer_research.domain.meeting import CalendarReading
from customer_research.domain.report import Report
from customer_research.research.meetings.listing import meetings_report
from customer_research.research.usecases import Actor, use_alone, use_case
from customer_research.settings import Settings, StoreSettings
from customer_research.store.database import open_store
from customer_research.store.meetings import Meetings
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
        Meetings(store).not_read(f"ics:{ANNA}", gap, WINDOW, NOW)
    report = meetings_report(empty, None, days=7, now=NOW)
    assert report.partial
    page = markdown(report)
    assert "No meeting with operators in 7 days is known: 1 calendar did not answer in full." in page
    keep(empty, reading(occurrence(f"ics:{BERT}", owner=BERT), calendar=f"ics:{BERT}"))
    assert "There may be more: 1 calendar did not answer in full." in listed(empty)


def test_without_calendars_it_says_which_settings_name_them(empty: Settings) -> None:
    page = listed(empty)
    assert "No calendar has been read." in page
    assert "ics.feeds" in page


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
        known.keep_calendars([f"ics:{ANNA}"])
        known.record(reading(), {}, WINDOW, clock)
        known.record(reading(calendar="hubspot"), {}, WINDOW, clock)
    today = markdown(asked(own, "today", unnoted=True))
    assert "The calendars have none with these operators." in today
    assert first.names not in today.partition("## Meetings in 7 days")[2].partition("\n## ")[0]


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

"""Meetings in the store, on SQLite and Postgres: moved, cancelled, gone, in several calendars, and calendars that do not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from made_up_readings import DATABASES, new_url, server
from meeting_cases import ANNA, BERT, HARBOUR, KNOWN, NOW, SILVERMEAD, WINDOW, matched, occurrence, reading

from customer_research.domain.evidence import Gap
from customer_research.domain.meeting import CalendarReading, KnownPeople, MatchReason, Meeting, Occurrence, Window
from customer_research.identity.meetings import Matcher
from customer_research.store.database import open_store
from customer_research.store.meetings import Meetings, calendar_reading, meeting_entry

pytestmark = pytest.mark.xdist_group("engines")
LATER = NOW + timedelta(minutes=10)
DAY = timedelta(days=1)
CRM = "hubspot"


@pytest.fixture(scope="module", params=DATABASES)
def meetings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meetings]:
    with open_store(new_url(server(request.param, tmp_path_factory.mktemp("stores")))) as store:
        yield Meetings(store)


@pytest.fixture(autouse=True)
def _empty(meetings: Meetings) -> None:
    with meetings._store.begin() as connection:
        for table in (meeting_entry, calendar_reading):
            connection.execute(table.delete())


def keep(meetings: Meetings, found: CalendarReading, now: datetime = NOW) -> tuple[Meeting, ...]:
    meetings.record(found, matched(found), WINDOW, now)
    return meetings.between(WINDOW)


def of_crm(**more: object) -> Occurrence:
    return occurrence(CRM, "1", people=(ANNA,), companies=("900",), **more)


def test_a_meeting_is_kept_with_operator_reason_and_receipt(meetings: Meetings) -> None:
    mine = occurrence()
    (one,) = keep(meetings, reading(mine))
    assert (one.id, one.owner, one.starts_at, one.ends_at, one.title) == (
        mine.id,
        ANNA,
        mine.starts_at,
        mine.ends_at,
        "Talk",
    )
    assert [(each.operator_id, each.reason) for each in one.operators] == [(SILVERMEAD, "contact")]
    assert one.receipt == mine.receipt
    assert one.is_on


def test_the_same_reading_again_changes_nothing(meetings: Meetings) -> None:
    first = keep(meetings, reading(occurrence()))
    again = keep(meetings, reading(occurrence()), LATER)
    assert [replace(one, seen_at=NOW) for one in again] == list(first)


def test_a_moved_meeting_is_the_same_one_at_its_new_time(meetings: Meetings) -> None:
    (before,) = keep(meetings, reading(occurrence()))
    (after,) = keep(meetings, reading(occurrence(starts_at=datetime(2026, 11, 5, 8, tzinfo=UTC))), LATER)
    assert (after.id, after.starts_at) == (before.id, datetime(2026, 11, 5, 8, tzinfo=UTC))


@pytest.mark.parametrize("state", ["cancelled", "declined", "over"])
def test_what_a_calendar_says_of_it_is_kept(meetings: Meetings, state: str) -> None:
    keep(meetings, reading(occurrence()))
    (one,) = keep(meetings, reading(occurrence(state=state)), LATER)
    assert (one.state, one.is_on) == (state, False)


def test_a_meeting_that_no_calendar_has_any_more_is_gone_and_may_come_back(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence()))
    assert [one.state for one in keep(meetings, reading(), LATER)] == ["gone"]
    assert [one.state for one in keep(meetings, reading(occurrence()), LATER)] == ["planned"]


def test_a_calendar_that_came_in_part_takes_nothing_away(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence()))
    assert [one.state for one in keep(meetings, reading(whole=False), LATER)] == ["planned"]


def test_a_calendar_that_does_not_answer_keeps_what_it_had_and_says_so(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence()))
    silent = Gap("ics", "unavailable", "The calendar feed failed to answer.")
    meetings.not_read(f"ics:{ANNA}", silent, LATER)
    (asked,) = meetings.asked()
    assert (asked.gaps, asked.read_at, asked.answered_at) == ((silent,), LATER, NOW)
    assert [one.state for one in meetings.between(WINDOW)] == ["planned"]


def test_a_whole_series_that_is_moved_stays_the_same_meetings(meetings: Meetings) -> None:
    def each(hour: int) -> list[Occurrence]:
        starts = [datetime(2026, 11, day, hour, tzinfo=UTC) for day in (3, 10)]
        return [occurrence(original=start, starts_at=start) for start in starts]

    before = keep(meetings, reading(*each(15)))
    after = keep(meetings, reading(*each(16)), LATER)
    assert [one.id for one in after] == [one.id for one in before]
    assert [one.starts_at.hour for one in after] == [16, 16]
    assert all(one.is_on for one in after)


def test_a_new_one_of_a_series_far_from_one_that_is_gone_is_another(meetings: Meetings) -> None:
    first, second = (datetime(2026, 11, day, 15, tzinfo=UTC) for day in (3, 10))
    keep(meetings, reading(occurrence(original=first, starts_at=first)))
    found = keep(meetings, reading(occurrence(original=second, starts_at=second)), LATER)
    assert [(one.starts_at, one.state) for one in found] == [(first, "gone"), (second, "planned")]


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_the_same_meeting_in_two_calendars_is_one(meetings: Meetings, minutes: int) -> None:
    keep(meetings, reading(of_crm(), calendar=CRM))
    (one,) = keep(meetings, reading(occurrence(starts_at=of_crm().starts_at + timedelta(minutes=minutes))))
    assert one.calendars == (CRM, f"ics:{ANNA}")
    assert [each.reason for each in one.operators] == ["association"], "the surest reason tells"


@pytest.mark.parametrize(
    "other",
    [
        occurrence(starts_at=occurrence().starts_at + timedelta(minutes=6)),
        occurrence(owner=BERT, calendar=f"ics:{BERT}"),
        occurrence(people=(ANNA, "x@harbour.example")),
        occurrence(uid="u2", calendar=CRM, all_day=True),
    ],
    ids=["later", "another person's", "another operator", "all day"],
)
def test_other_meetings_are_not_the_same(meetings: Meetings, other: Occurrence) -> None:
    keep(meetings, reading(of_crm(), calendar=CRM))
    keep(meetings, reading(other, calendar=other.calendar, whole=False))
    assert len(meetings.between(WINDOW)) == 2


def test_an_entry_of_which_nobody_knows_an_operator_is_that_of_the_crm_at_the_same_time(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence(people=(ANNA, "stranger@gmail.com"), title="Between us")))
    (one,) = keep(meetings, reading(of_crm(), calendar=CRM))
    assert (one.operators[0].operator_id, one.calendars, one.title) == (SILVERMEAD, (CRM, f"ics:{ANNA}"), "Talk")
    assert meetings.unknown(WINDOW) == ((), 0)


def test_two_calendars_stay_one_meeting_when_one_of_them_moves_it(meetings: Meetings) -> None:
    keep(meetings, reading(of_crm(), calendar=CRM))
    keep(meetings, reading(occurrence()))
    moved = datetime(2026, 11, 4, 11, tzinfo=UTC)
    (one,) = keep(meetings, reading(occurrence(starts_at=moved)), LATER)
    assert one.starts_at == moved, "the person's own calendar is believed before the CRM"
    (one,) = keep(meetings, reading(of_crm(starts_at=moved), calendar=CRM), LATER)
    assert (one.starts_at, len(one.calendars)) == (moved, 2)


def test_a_meeting_that_one_calendar_cancels_and_the_crm_still_has_is_cancelled(meetings: Meetings) -> None:
    keep(meetings, reading(of_crm(), calendar=CRM))
    keep(meetings, reading(occurrence()))
    (one,) = keep(meetings, reading(occurrence(state="cancelled")), LATER)
    assert one.state == "cancelled"


@pytest.mark.parametrize("first", ["hubspot", "own"])
@pytest.mark.parametrize("state", ["cancelled", "over"])
def test_where_ones_own_calendar_has_a_meeting_no_more_the_crm_tells_why(
    meetings: Meetings, state: str, first: str
) -> None:
    keep(meetings, reading(of_crm(), calendar=CRM))
    keep(meetings, reading(occurrence()))
    ends, goes = reading(of_crm(state=state), calendar=CRM), reading()
    for found in (ends, goes) if first == "hubspot" else (goes, ends):
        keep(meetings, found, LATER)
    (one,) = meetings.between(WINDOW)
    assert (one.state, one.seen_at) == (state, LATER)


def test_a_meeting_that_the_crm_alone_still_has_is_gone_from_ones_own_calendar(meetings: Meetings) -> None:
    keep(meetings, reading(of_crm(), calendar=CRM))
    keep(meetings, reading(occurrence()))
    assert [(one.state, one.calendars) for one in keep(meetings, reading(), LATER)] == [("gone", (CRM,))]
    assert [(one.state, one.calendars) for one in keep(meetings, reading(calendar=CRM), LATER)] == [("gone", ())]


def test_a_meeting_that_one_of_ones_own_calendars_hides_is_private_though_another_has_it_no_more(
    meetings: Meetings,
) -> None:
    (one,) = keep(meetings, reading(occurrence()))
    other = f"google:{ANNA}"
    keep(meetings, reading(occurrence(other), calendar=other))
    keep(meetings, reading(occurrence(other, private=True), calendar=other), LATER)
    assert keep(meetings, reading(), LATER + timedelta(minutes=10)) == ()
    assert still_known(meetings, one).state == "private"


def test_a_meeting_stays_on_while_one_of_two_own_calendars_has_it(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence()))
    keep(meetings, reading(occurrence(f"google:{ANNA}"), calendar=f"google:{ANNA}"))
    (one,) = keep(meetings, reading(), LATER)
    assert (one.state, one.calendars) == ("planned", (f"google:{ANNA}",))


def test_of_other_entries_no_title_is_kept_and_of_private_and_internal_ones_nothing(meetings: Meetings) -> None:
    found = (
        occurrence(uid="unknown", people=(ANNA, "x@stranger.example"), title="Secret talk"),
        occurrence(uid="private", private=True, title="Doctor"),
        occurrence(uid="internal", people=(ANNA, BERT), title="Salaries"),
    )
    assert keep(meetings, reading(*found)) == ()
    assert meetings.unknown(WINDOW) == (("stranger.example",), 1)
    (asked,) = meetings.asked()
    assert (asked.entries, asked.internal, asked.private) == (3, 1, 1)
    with meetings._store.read() as connection:
        kept = repr(connection.exec_driver_sql("SELECT title, operators, domains FROM meeting_entry").all())
    assert not {"Secret", "Doctor", "Salaries"} & set(kept.replace("'", " ").split())


def still_known(meetings: Meetings, one: Meeting) -> Meeting:
    """What is kept of a meeting, shown in lists or not."""
    (found,) = meetings.between(Window(NOW, NOW), ids=[one.id])
    return found


def test_a_meeting_that_becomes_private_is_listed_no_more_and_known_to_be_private(meetings: Meetings) -> None:
    (one,) = keep(meetings, reading(occurrence(title="Salaries")))
    assert keep(meetings, reading(occurrence(title="Salaries", private=True)), LATER) == ()
    found = still_known(meetings, one)
    assert (found.state, found.title, found.calendars) == ("private", "", one.calendars)
    assert [each.state for each in keep(meetings, reading(occurrence()), LATER)] == ["planned"]


def test_a_meeting_that_becomes_private_is_told_by_the_crm_where_that_has_it(meetings: Meetings) -> None:
    keep(meetings, reading(of_crm(), calendar=CRM))
    keep(meetings, reading(occurrence()))
    (one,) = keep(meetings, reading(occurrence(private=True)), LATER)
    assert (one.state, one.receipt) == ("planned", of_crm().receipt)


@pytest.mark.parametrize(
    "people", [(ANNA, BERT), (ANNA, "x@stranger.example"), (ANNA,)], ids=["us", "stranger", "alone"]
)
def test_a_meeting_that_is_with_no_operator_any_more_is_still_there(
    meetings: Meetings, people: tuple[str, ...]
) -> None:
    (one,) = keep(meetings, reading(occurrence()))
    assert keep(meetings, reading(occurrence(people=people)), LATER) == ()
    found = still_known(meetings, one)
    assert (found.state, found.title, found.operators) == ("unmatched", "", one.operators)
    assert [each.state for each in keep(meetings, reading(occurrence()), LATER)] == ["planned"]


def test_what_is_cancelled_is_told_so_whoever_it_was_with(meetings: Meetings) -> None:
    (one,) = keep(meetings, reading(occurrence()))
    keep(meetings, reading(occurrence(people=(ANNA,), state="cancelled")), LATER)
    assert still_known(meetings, one).state == "cancelled"


@pytest.mark.parametrize(
    ("people", "state", "listed"),
    [
        ((ANNA,), "cancelled", ["cancelled"]),
        ((ANNA, "x@stranger.example"), "declined", ["declined"]),
        ((ANNA, "x@harbour.example"), "cancelled", ["cancelled"]),
    ],
)
def test_what_ends_and_loses_its_people_at_once_is_listed_as_what_it_was(
    meetings: Meetings, people: tuple[str, ...], state: str, listed: list[str]
) -> None:
    keep(meetings, reading(occurrence()))
    assert [one.state for one in keep(meetings, reading(occurrence(people=people, state=state)), LATER)] == listed


def removed(meetings: Meetings) -> None:
    keep(meetings, reading(), LATER)


def cancelled(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence(people=(ANNA, BERT), state="cancelled")), LATER)


def dropped(meetings: Meetings) -> None:
    meetings.keep_calendars((CRM,), LATER)


@pytest.mark.parametrize(
    ("ends", "state"),
    [(removed, "gone"), (cancelled, "cancelled"), (dropped, "unmatched")],
    ids=["removed", "cancelled", "dropped"],
)
def test_what_was_with_no_operator_any_more_does_not_come_back_as_an_operators(
    meetings: Meetings, ends: Callable[[Meetings], None], state: str
) -> None:
    (one,) = keep(meetings, reading(occurrence()))
    keep(meetings, reading(occurrence(people=(ANNA, BERT))))
    ends(meetings)
    assert meetings.between(WINDOW) == meetings.coming(NOW, 7) == ()
    assert still_known(meetings, one).state == state


# -- whom the lake does not know for a while -----------------------------------------------------------------------------

BY_DOMAIN = (ANNA, "x@silvermead.example")


def again(
    meetings: Meetings, found: Occurrence, known: KnownPeople, *untold: MatchReason
) -> list[tuple[str, str, list[str]]]:
    """What is kept of an entry that is read again while these are the people who are known."""
    matcher = Matcher(known, ("ours.example.com",))
    meetings.record(reading(found), {found.id: matcher.match(found)}, WINDOW, LATER, untold=untold)
    (one,) = meetings.between(Window(NOW, NOW), ids=[found.id])
    return [(one.state, one.title, [each.operator_id for each in one.operators])]


def test_who_was_known_stays_while_nobody_is_known(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence()))
    same = [("planned", "Talk", [SILVERMEAD])]
    assert again(meetings, occurrence(), KnownPeople(), "association", "contact", "domain") == same
    assert again(meetings, occurrence(), KNOWN) == same
    assert again(meetings, occurrence(), KnownPeople()) == [("unmatched", "", [SILVERMEAD])], (
        "all are known, and not he"
    )


def test_who_is_found_meanwhile_stands_beside_who_was_known(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence(people=(ANNA, "cleo@gmail.com", "x@silvermead.example"))))
    without = replace(KNOWN, contact_ids={}, emails={})
    both = occurrence(people=(ANNA, "cleo@gmail.com", "x@silvermead.example"))
    assert again(meetings, both, without, "contact") == [("planned", "Talk", [HARBOUR, SILVERMEAD])]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (occurrence(people=BY_DOMAIN), occurrence(people=(ANNA, "x@stranger.example"))),
        (occurrence(), occurrence(people=(ANNA, BERT))),
        (occurrence(), occurrence(people=(ANNA,))),
    ],
    ids=["another domain", "us", "alone"],
)
def test_what_is_sure_without_contacts_is_told(meetings: Meetings, before: Occurrence, now: Occurrence) -> None:
    keep(meetings, reading(before))
    without = replace(KNOWN, contact_ids={}, emails={})
    assert [each[0] for each in again(meetings, now, without, "contact")] == ["unmatched"]


def test_who_was_not_known_is_not_known_while_the_lake_is_empty(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence()))
    keep(meetings, reading(occurrence(people=(ANNA, BERT))))
    found = again(meetings, occurrence(), KnownPeople(), "association", "contact", "domain")
    assert [each[0] for each in found] == ["unmatched"]


def test_of_a_calendar_that_is_no_longer_read_nothing_is_known_any_more(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence(), occurrence(uid="u2", state="cancelled")))
    meetings.keep_calendars((CRM,), LATER)
    assert meetings.asked() == ()
    found = {(one.state, one.is_on, one.seen_at) for one in meetings.between(WINDOW)}
    assert found == {("unread", False, NOW), ("cancelled", False, NOW)}
    again = keep(meetings, reading(occurrence()), LATER)
    assert {one.state for one in again} == {"planned", "gone"}, "read again, it is known again"


def test_a_meeting_of_two_calendars_is_told_by_the_one_that_is_read(meetings: Meetings) -> None:
    keep(meetings, reading(of_crm(), calendar=CRM))
    keep(meetings, reading(occurrence()))
    meetings.keep_calendars((CRM,), LATER)
    (one,) = meetings.between(WINDOW)
    assert (one.state, one.calendars) == ("planned", (CRM,))


def test_a_calendar_that_does_not_answer_was_read_up_to_the_day_that_it_was(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence()))
    meetings.not_read(f"ics:{ANNA}", Gap("ics", "unavailable", "x"), LATER)
    meetings.not_read(CRM, Gap(CRM, "unavailable", "x"), LATER)
    crm, own = meetings.asked()
    assert (own.until, own.answered_at) == (WINDOW.until, NOW)
    assert (crm.until, crm.answered_at) == (LATER, None)


def test_what_is_under_way_and_todays_days_are_to_come_and_what_is_over_is_not(meetings: Meetings) -> None:
    midnight = NOW.replace(hour=0)
    found = (
        occurrence(uid="over", starts_at=NOW - timedelta(minutes=31)),
        occurrence(uid="on", starts_at=NOW - timedelta(minutes=29)),
        occurrence(uid="day", all_day=True, starts_at=midnight, ends_at=midnight + timedelta(days=1)),
        occurrence(uid="late", starts_at=NOW + timedelta(days=7)),
    )
    keep(meetings, reading(*found))
    assert [one.id for one in meetings.coming(NOW, 7)] == [found[2].id, found[1].id]


def test_what_lasts_for_days_is_to_come_until_it_is_over(meetings: Meetings) -> None:
    monday = NOW.replace(hour=0)
    days: dict[str, Any] = {"all_day": True, "ends_at": monday + timedelta(days=3)}
    fair = occurrence(uid="fair", starts_at=monday - timedelta(days=4), **days)
    hours = occurrence(uid="hours", starts_at=NOW - timedelta(hours=30), ends_at=NOW + timedelta(seconds=1))
    ended = occurrence(uid="ended", starts_at=NOW - timedelta(hours=30), ends_at=NOW)
    strange = occurrence(uid="strange", people=(ANNA, "x@stranger.example"), starts_at=monday - DAY, **days)
    found = reading(fair, hours, ended, strange)
    meetings.record(found, matched(found), Window(NOW - 7 * DAY, WINDOW.until), NOW)
    assert [one.id for one in meetings.coming(NOW, 7)] == [fair.id, hours.id]
    assert meetings.unknown(Window(NOW, NOW + 7 * DAY)) == (("stranger.example",), 1)
    assert meetings.coming(fair.ends_at - timedelta(seconds=1), 7)
    assert meetings.coming(fair.ends_at, 7) == ()


@pytest.mark.parametrize(("begun", "found"), [(True, "gone"), (False, "planned")])
def test_what_is_under_way_and_there_no_more_is_gone_where_the_calendar_tells_what_began_before(
    meetings: Meetings, begun: bool, found: str
) -> None:
    start, until = WINDOW.since - 40 * DAY, NOW + DAY
    fair = occurrence(all_day=True, starts_at=start, ends_at=until)
    meetings.record(reading(fair), matched(reading(fair)), Window(start, until), start)
    keep(meetings, reading(under_way=begun), LATER)
    assert [one.state for one in meetings.coming(LATER, 7)] == [found]
    keep(meetings, reading(fair), LATER)
    assert [(one.id, one.state) for one in meetings.coming(LATER, 7)] == [(fair.id, "planned")]


def test_what_begins_when_the_days_are_over_is_not_to_come(meetings: Meetings) -> None:
    keep(meetings, reading(occurrence(starts_at=NOW + 2 * DAY)))
    assert meetings.coming(NOW, 2) == ()
    assert len(meetings.coming(NOW + timedelta(seconds=1), 2)) == 1


def test_meetings_are_found_by_id_wherever_they_are_and_forgotten_after_a_time(meetings: Meetings) -> None:
    (one,) = keep(meetings, reading(occurrence()))
    assert meetings.between(Window(NOW, NOW), ids=[one.id]) == (one,)
    assert meetings.forget(one.ends_at) == 0
    assert meetings.forget(one.ends_at + timedelta(seconds=1)) == 1


def test_signs_that_a_database_cannot_hold_are_replaced(meetings: Meetings) -> None:
    (one,) = keep(meetings, reading(occurrence(uid="a\0b", title="Talk\0 of \N{SNOWMAN}")))
    assert one.title == "Talk\N{REPLACEMENT CHARACTER} of \N{SNOWMAN}"
    (again,) = keep(meetings, reading(occurrence(uid="a\0b", title="Talk\0 of \N{SNOWMAN}")), LATER)
    assert again.id == one.id

"""Calendar feeds as programs publish them: moved, cancelled, left out, declined, all-day, unknown zones, and bombs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from customer_research.calendars.feed import Entries, Entry, FeedRefusedError, heard, told, worked_out

CORPUS = Path(__file__).parent / "corpus"
SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC)
ANNA = "anna@ours.example.com"


def of_file(name: str, zone: str = "UTC") -> Entries:
    return worked_out((CORPUS / name).read_text(encoding="utf-8"), SINCE, UNTIL, zone=zone, most=100)


def of_events(*events: str, head: str = "") -> Entries:
    lines = "".join(f"BEGIN:VEVENT\nDTSTAMP:20261101T000000Z\n{event}\nEND:VEVENT\n" for event in events)
    return worked_out(
        f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{head}{lines}END:VCALENDAR\n", SINCE, UNTIL, zone="UTC", most=9
    )


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def by_uid(found: Entries, uid: str) -> list[Entry]:
    return sorted((one for one in found.entries if one.uid.startswith(uid)), key=lambda one: one.starts_at)


def test_a_moved_one_of_a_series_has_its_new_time_and_is_known_by_its_old_one() -> None:
    (moved,) = by_uid(of_file("google.ics"), "weekly")
    assert (moved.original, moved.starts_at) == (at(3, 15), at(4, 19)), "the 10th is an EXDATE"
    assert moved.title == "Weekly with Silvermead, moved"


def test_a_series_is_known_by_each_planned_instant_in_its_own_zone() -> None:
    text = (CORPUS / "google.ics").read_text(encoding="utf-8")
    found = worked_out(text, datetime(2026, 10, 1, tzinfo=UTC), UNTIL, zone="UTC", most=100)
    times = [one.starts_at for one in by_uid(found, "weekly")]
    october = [datetime(2026, 10, day, 14, tzinfo=UTC) for day in (13, 20, 27)]
    assert times == [*october, at(4, 19)], "10:00 in New York is 14:00 UTC before 1 November"
    first = by_uid(found, "weekly")[0]
    assert first.people == (ANNA, "ben@silvermead.example"), "folded lines, quoted names and capitals are read"


def test_who_declined_is_told() -> None:
    (entry,) = by_uid(of_file("google.ics"), "declined")
    assert entry.declined == (ANNA,)


def test_an_all_day_entry_and_a_private_one_are_known_as_such() -> None:
    found = of_file("google.ics")
    (fair,), (private,) = by_uid(found, "allday"), by_uid(found, "private")
    assert (fair.all_day, fair.starts_at, fair.ends_at) == (True, at(6, 0), at(7, 0)), "the day that is written"
    assert private.private


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/London", "America/New_York", "Australia/Sydney", ""])
@pytest.mark.parametrize("day", [date(2026, 7, 10), date(2026, 12, 10)])
def test_an_all_day_entry_stands_on_the_day_that_is_written_wherever_its_calendar_is(zone: str, day: date) -> None:
    head = f"X-WR-TIMEZONE:{zone}\n" if zone else ""
    written, following = (f"{day + timedelta(days=ahead):%Y%m%d}" for ahead in (0, 1))
    days = f"DTSTART;VALUE=DATE:{written}\nDTEND;VALUE=DATE:{following}"
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    text = (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{head}"
        f"BEGIN:VEVENT\nUID:alone\n{days}\nEND:VEVENT\n"
        f"BEGIN:VEVENT\nUID:weekly\n{days}\nRRULE:FREQ=WEEKLY;COUNT=3\nEND:VEVENT\n"
        f"BEGIN:VEVENT\nUID:weekly\nRECURRENCE-ID;VALUE=DATE:{day + timedelta(days=7):%Y%m%d}\n"
        f"DTSTART;VALUE=DATE:{day + timedelta(days=8):%Y%m%d}\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    found = worked_out(text, midnight, midnight + timedelta(days=10), zone=zone or "Asia/Tokyo", most=9)
    (alone,) = by_uid(found, "alone")
    assert (alone.all_day, alone.starts_at, alone.ends_at) == (True, midnight, midnight + timedelta(days=1))
    offsets = [((one.original or SINCE) - midnight, one.starts_at - midnight) for one in by_uid(found, "weekly")]
    assert offsets == [(timedelta(0), timedelta(0)), (timedelta(days=7), timedelta(days=8))]


def test_a_cancelled_one_of_a_series_is_told_as_cancelled_and_the_others_stand() -> None:
    found = by_uid(of_file("outlook.ics"), "0400")
    assert [(one.starts_at, one.cancelled) for one in found] == [
        (at(2, 14), False),
        (at(3, 14), True),
        (at(4, 14), False),
        (at(5, 14), False),
    ], "Windows' Eastern Standard Time is New York's"


def test_an_unknown_zone_is_the_calendars_own_and_is_flagged() -> None:
    (custom,) = by_uid(of_file("outlook.ics", zone="Europe/London"), "custom")
    assert (custom.zone_unknown, custom.starts_at) == (True, at(5, 9))
    (named,) = of_events("UID:a\nDTSTART;TZID=Mars/Base:20261105T090000", head="X-WR-TIMEZONE:Asia/Tokyo\n").entries
    assert (named.zone_unknown, named.starts_at) == (True, at(5, 0))


def test_a_zone_that_the_feed_describes_itself_is_known() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Of our own\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\n"
        "END:STANDARD\nEND:VTIMEZONE\n"
    )
    (entry,) = of_events("UID:a\nDTSTART;TZID=Of our own:20261105T090000", head=zone).entries
    assert (entry.zone_unknown, entry.starts_at) == (False, at(5, 6))


def test_a_calendar_may_name_its_zone_as_windows_does() -> None:
    (entry,) = of_events("UID:a\nDTSTART:20261105T090000", head="X-WR-TIMEZONE:Tokyo Standard Time\n").entries
    assert entry.starts_at == at(5, 0)


def test_a_calendar_whose_own_zone_nobody_knows_is_read_in_ours() -> None:
    (entry,) = of_events("UID:a\nDTSTART:20261105T090000", head="X-WR-TIMEZONE:Mars/Base\n").entries
    assert entry.starts_at == at(5, 9)


def test_hours_without_a_zone_are_the_calendars_and_are_not_flagged() -> None:
    (floating,) = by_uid(of_file("outlook.ics", zone="America/New_York"), "floating")
    assert (floating.zone_unknown, floating.starts_at) == (False, at(5, 17))


def test_an_entry_without_an_id_is_passed_over() -> None:
    assert all(one.title != "Without an id" for one in of_file("outlook.ics").entries)


def test_an_entry_alone_is_known_by_its_id_whatever_its_time() -> None:
    (before,) = of_events("UID:a\nDTSTART:20261105T090000Z").entries
    (after,) = of_events("UID:a\nDTSTART:20261106T090000Z").entries
    assert before.original is after.original is None


def test_a_series_whose_recurrence_id_is_in_utc_is_moved_as_well() -> None:
    found = of_events(
        "UID:a\nDTSTART;TZID=Europe/Paris:20261102T100000\nRRULE:FREQ=DAILY;COUNT=2",
        "UID:a\nRECURRENCE-ID:20261103T090000Z\nDTSTART;TZID=Europe/Paris:20261103T150000",
    )
    assert [(one.original, one.starts_at) for one in by_uid(found, "a")] == [
        (at(2, 9), at(2, 9)),
        (at(3, 9), at(3, 14)),
    ]


@pytest.mark.parametrize("often", ["SECONDLY", "MINUTELY"])
def test_what_repeats_by_the_minute_is_left_out_and_the_rest_is_read(often: str) -> None:
    found = of_events(f"UID:wild\nDTSTART:20200101T000000Z\nRRULE:FREQ={often}", "UID:tame\nDTSTART:20261105T090000Z")
    assert ([one.uid for one in found.entries], found.refused) == (["tame"], 1)


@pytest.mark.parametrize(
    "bad",
    [
        "DTSTART:2026",
        "DTSTART;TZID=Europe/Paris:2026",
        "DTSTART:20261105T000000Z\nRRULE:FREQ=DAILY;BYDAY=XX",
        "DTSTART:20261105T000000Z\nRRULE:FREQ=FORTNIGHTLY",
        "DTSTART:20261105T000000Z\nRRULE:COUNT=3",
        "DTSTART:20261105T000000Z\nRDATE:xx",
    ],
)
def test_a_series_that_cannot_be_worked_out_is_counted_and_takes_no_other_with_it(bad: str) -> None:
    found = of_events(f"UID:bad\n{bad}", "UID:good\nDTSTART:20261105T090000Z")
    assert ([one.uid for one in found.entries], found.refused) == (["good"], 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<html>Sign in</html>", "is no calendar"),
        ("", "is no calendar"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID", "is no calendar"),
        ("BEGIN:VEVENT\n" * 10, "has more than 9 entries"),
    ],
)
def test_what_is_no_calendar_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(FeedRefusedError, match=why):
        worked_out(text, SINCE, UNTIL, zone="UTC", most=9)


def test_a_cut_off_feed_gives_no_empty_calendar() -> None:
    text = (CORPUS / "google.ics").read_text(encoding="utf-8")
    for kept in (text[: len(text) // 2], text.partition("BEGIN:VEVENT")[0], text.rpartition("END:VCALENDAR")[0]):
        with pytest.raises(FeedRefusedError, match="cut off"):
            worked_out(kept, SINCE, UNTIL, zone="UTC", most=100)


def test_entries_come_through_the_line_of_json_unchanged() -> None:
    found = of_file("google.ics")
    assert heard(told(found)) == found
    with pytest.raises(FeedRefusedError, match="has more"):
        heard('{"why": "has more than 9 entries"}')


def test_what_ends_before_it_begins_ends_when_it_begins() -> None:
    (entry,) = of_events("UID:a\nDTSTART:20261105T090000Z\nDTEND:20261105T080000Z").entries
    assert entry.ends_at - entry.starts_at in {timedelta(0), timedelta(hours=1)}

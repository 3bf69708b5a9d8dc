"""The times of cron lines where clocks change, and which of those that have come are used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from customer_research.errors import UsageError
from customer_research.research.scheduling import times as scheduling_times
from customer_research.research.scheduling.times import Due, checked, coming, due, times

HOURS = timedelta(hours=1)
HALF_DAY = 12 * HOURS
NEW_YORK, LONDON, SYDNEY = "America/New_York", "Europe/London", "Australia/Sydney"
NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "found"),
    [
        (
            "30 1 * * *",
            NEW_YORK,
            "2026-10-31T12:00",
            ["2026-11-01T05:30", "2026-11-02T06:30"],
        ),  # 1:30 comes twice: once
        (
            "30 2 * * *",
            NEW_YORK,
            "2026-03-07T12:00",
            ["2026-03-08T07:00", "2026-03-09T06:30"],
        ),  # no 2:30: when it is 3:00
        ("30 1 * * *", LONDON, "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("30 2 * * *", SYDNEY, "2026-10-03T02:00", ["2026-10-03T16:00", "2026-10-04T15:30"]),
        ("0 8 * * 1", SYDNEY, "2026-09-27T22:00", ["2026-10-04T21:00", "2026-10-11T21:00"]),
        ("0 * * * *", NEW_YORK, "2026-11-01T04:30", ["2026-11-01T05:00", "2026-11-01T06:00", "2026-11-01T07:00"]),
        ("0 8 * * 7", LONDON, "2026-11-01T09:00", ["2026-11-08T08:00"]),
        ("0 8 L * *", LONDON, "2026-11-01T09:00", ["2026-11-30T08:00", "2026-12-31T08:00"]),
        ("0 9 29 2 *", LONDON, "2026-11-01T09:00", ["2028-02-29T09:00"]),
    ],
)
def test_times_are_as_the_clock_there_has_them(cron: str, zone: str, after: str, found: list[str]) -> None:
    assert list(islice(times(cron, zone, utc(after)), len(found))) == [utc(one) for one in found]


def test_no_time_is_before_what_it_is_asked_after() -> None:
    """In the hour that comes twice, its first time may have gone by."""
    moment, end = utc("2026-11-01T03:00"), utc("2026-11-01T09:00")
    while moment < end:
        assert coming("30 1 * * *", NEW_YORK, moment) > moment
        moment += timedelta(minutes=7, microseconds=1)


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("0 8 * * 1", "Europe/Londn", "no time zone 'Europe/Londn'"),
        ("0 8 * * 1", "", "no time zone"),
        ("0 8 * *", LONDON, "'0 8 \\* \\*' is no cron line"),
        ("0 0 8 * * 1", LONDON, "is no cron line"),
        ("60 8 * * 1", LONDON, "is no cron line: Bad minute"),
        ("0 8 * 2 1#5", LONDON, "has no time to come"),  # the next is in 2044
        ("0 8 30 2 *", LONDON, "is no cron line: Bad day-of-month"),
        ("", LONDON, "is no cron line"),
    ],
)
def test_what_is_no_cron_line_or_zone_is_refused(cron: str, zone: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        checked(cron, zone, NOW)


def test_a_line_is_kept_with_single_blanks() -> None:
    assert checked("  0  8 * *\tMON ", LONDON, NOW) == "0 8 * * MON"


def test_nothing_is_due_before_its_time() -> None:
    since = utc("2026-11-02T08:00")
    assert due("0 8 * * *", LONDON, since, utc("2026-11-03T07:59"), HALF_DAY) == ()
    assert due("0 8 * * *", LONDON, since, utc("2026-11-03T08:00"), HALF_DAY) == (
        Due(utc("2026-11-03T08:00"), False, 0),
    )


def test_late_the_newest_is_used_once_and_what_is_too_late_is_told() -> None:
    since, now = utc("2026-11-02T08:00"), utc("2026-11-05T19:59")
    late = due("0 8 * * *", LONDON, since, now, HALF_DAY)
    assert late == (Due(utc("2026-11-04T08:00"), True, 1), Due(utc("2026-11-05T08:00"), False, 0))
    assert due("0 8 * * *", LONDON, since, now + timedelta(minutes=1), HALF_DAY)[-1].too_late is False, (
        "12 h are not too late"
    )
    assert due("0 8 * * *", LONDON, since, now + timedelta(minutes=2), HALF_DAY) == (
        Due(utc("2026-11-05T08:00"), True, 2),
    )
    assert due("0 * * * *", LONDON, since, utc("2026-11-02T11:30"), HALF_DAY) == (
        Due(utc("2026-11-02T11:00"), False, 2),
    )


def test_each_of_very_many_that_went_by_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling_times, "AT_ONCE", 50)
    since, now = utc("2026-11-02T00:00"), utc("2026-11-02T06:00")
    told, used = 0, 0
    while found := due("* * * * *", LONDON, since, now, HOURS):
        for one in found:
            told += one.passed_over + 1
            used += not one.too_late
            since = one.planned_at
    assert (told, used) == (360, 1)

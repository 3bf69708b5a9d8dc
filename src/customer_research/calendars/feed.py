"""A calendar feed (iCalendar) worked out: its entries in a window, repetitions and exceptions with them.

A feed is somebody else's text: it may repeat each second for ever, or be larger than anybody's calendar. It is worked out in
a process of its own (`python -m customer_research.calendars.feed`), which has so much memory and so much time and is ended
after that; what is refused is said.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import icalendar
import recurring_ical_events
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from customer_research.domain import zones
from customer_research.domain.meeting import Window

MEMORY_BYTES = 1 << 30
"""Address space of the process that works a feed out."""

SLOWEST = frozenset({"HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
"""What may repeat how often: by the minute or second nobody meets, and nothing brakes its repetitions."""

_OVER = frozenset({"CANCELLED"})
_PRIVATE = frozenset({"PRIVATE", "CONFIDENTIAL"})


class FeedRefusedError(Exception):
    """The feed is not worked out; the text says why, to stand behind "The feed"."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed at one time; instants are UTC. `declined`: those invited who declined.

    An `all_day` entry begins at midnight UTC of the day that is written, wherever its calendar is: a day has no zone.
    """

    uid: str
    original: datetime | None
    starts_at: datetime
    ends_at: datetime
    title: str
    cancelled: bool
    people: tuple[str, ...]
    declined: tuple[str, ...]
    all_day: bool
    private: bool
    zone_unknown: bool


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a feed in a window; `refused` counts the series that are left out, since they cannot be worked out."""

    entries: tuple[Entry, ...]
    refused: int = 0


def worked_out(text: str, since: datetime, until: datetime, *, zone: str, most: int) -> Entries:
    """What lies in [since, until), wholly or in part.

    Args:
        text: the feed.
        since: an instant.
        until: a later one.
        zone: the time zone of hours without one, where the calendar names none.
        most: how many entries the feed may have, before any is repeated.

    Raises:
        FeedRefusedError: it is no calendar, or has too many entries.
    """
    if text.count("BEGIN:VEVENT") > most:
        raise FeedRefusedError(f"has more than {most:,} entries")
    if text.count("BEGIN:VCALENDAR") != text.count("END:VCALENDAR"):
        raise FeedRefusedError("is no calendar, or was cut off")
    try:
        parsed = icalendar.Calendar.from_ical(text, multiple=True)
    except (ValueError, IndexError, KeyError, AttributeError):
        raise FeedRefusedError("is no calendar that can be read") from None
    calendars = [one for one in parsed if one.name == "VCALENDAR"]
    if not calendars:
        raise FeedRefusedError("is no calendar")
    found = [_of_calendar(one, since, until, zone) for one in calendars]
    return Entries(tuple(entry for one in found for entry in one.entries), sum(one.refused for one in found))


def _of_calendar(calendar: icalendar.Calendar, since: datetime, until: datetime, zone: str) -> Entries:
    own = _zone(str(calendar.get("X-WR-TIMEZONE") or "")) or zones.zone(zone)
    events = [one for one in calendar.walk("VEVENT") if "UID" in one and "DTSTART" in one]
    wild = {str(one["UID"]) for one in events if not _bearable(one)}
    kept = icalendar.Calendar()
    kept.subcomponents = [
        one for one in calendar.subcomponents if one.name != "VEVENT" or (one in events and str(one["UID"]) not in wild)
    ]
    series = _Series((one for one in events if str(one["UID"]) not in wild), own)
    days = timedelta(days=1)  # all-day entries and hours without a zone lie up to a day off
    window, entries = Window(since, until), list[Entry]()
    bad = 0
    for group in _alone(kept):
        try:
            found = recurring_ical_events.of(group).between(since - days, until + days)
            told = [series.entry(one) for one in found]
        except (ValueError, OverflowError, TypeError, AttributeError):
            bad += 1
            continue
        entries += [one for one in told if window.meets(one.starts_at, one.ends_at)]
    return Entries(tuple(entries), bad + len(wild))


def _alone(calendar: icalendar.Calendar) -> Iterator[icalendar.Calendar]:
    """A calendar of each series: one that cannot be worked out takes no other with it."""
    by_uid: dict[str, list[Any]] = {}
    rest = [one for one in calendar.subcomponents if one.name == "VTIMEZONE"]
    for event in calendar.walk("VEVENT"):
        by_uid.setdefault(str(event["UID"]), []).append(event)
    for events in by_uid.values():
        one = icalendar.Calendar()
        one.subcomponents = [*rest, *events]
        yield one


def _bearable(event: Any) -> bool:
    """Whether what an entry says of its time and its repetitions can be worked out."""
    try:
        rules = _listed(event.get("RRULE"))
        often = {str(one).upper() for rule in rules for one in rule.get("FREQ", ())}
        return isinstance(event["DTSTART"].dt, date) and len(rules) <= len(often) and often <= SLOWEST
    except (AttributeError, ValueError):  # what the library could not read is there as a text
        return False


def _zone(name: str) -> tzinfo | None:
    """The time zone of a name, Windows' names too; None: nobody knows it."""
    known = WINDOWS_TO_OLSON.get(name, name)
    return zones.zone(known) if zones.known(known) else None


class _Series:
    """What the entries of a feed say of their series: whether it repeats, and whether its zone is known."""

    def __init__(self, events: Iterable[Any], zone: tzinfo) -> None:
        self._zone = zone
        listed = list(events)
        often = Counter(str(one["UID"]) for one in listed)
        repeated = {str(one["UID"]) for one in listed if {"RRULE", "RDATE", "RECURRENCE-ID"} & set(one)}
        self._repeated = repeated | {uid for uid, count in often.items() if count > 1}
        self._zoneless = {str(one["UID"]) for one in listed if _names_no_known_zone(one)}

    def entry(self, event: Any) -> Entry:
        """An entry as it stands at its time."""
        uid, start = str(event["UID"]), event["DTSTART"].dt
        all_day = not isinstance(start, datetime)
        starts_at = self._instant(start)
        ends_at = self._instant(event.end)
        original = event.get("RECURRENCE-ID")
        invited = _listed(event.get("ATTENDEE"))
        people = [_address(one) for one in (*_listed(event.get("ORGANIZER")), *invited)]
        return Entry(
            uid=uid,
            original=self._instant(original.dt) if original is not None and uid in self._repeated else None,
            starts_at=starts_at,
            ends_at=max(ends_at, starts_at),
            title=str(event.get("SUMMARY") or ""),
            cancelled=str(event.get("STATUS") or "").upper() in _OVER,
            people=tuple(dict.fromkeys(one for one in people if "@" in one)),
            declined=tuple(_address(one) for one in invited if _said(one) == "DECLINED"),
            all_day=all_day,
            private=str(event.get("CLASS") or "").upper() in _PRIVATE,
            zone_unknown=uid in self._zoneless,
        )

    def _instant(self, at: date) -> datetime:
        if not isinstance(at, datetime):  # midnight of the calendar's zone would be the day before, east of Greenwich
            return datetime(at.year, at.month, at.day, tzinfo=UTC)
        return (at if at.tzinfo is not None else at.replace(tzinfo=self._zone)).astimezone(UTC)


def _names_no_known_zone(event: Any) -> bool:
    """Whether an entry names a time zone of which nothing is known: the library leaves its hours without one."""
    start = event["DTSTART"]
    return "TZID" in start.params and isinstance(start.dt, datetime) and start.dt.tzinfo is None


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _address(value: Any) -> str:
    return str(value).strip().casefold().removeprefix("mailto:").strip()


def _said(value: Any) -> str:
    return str(getattr(value, "params", {}).get("PARTSTAT", "")).upper()


# -- a process of its own ----------------------------------------------------------------------------------------------


def told(found: Entries) -> str:
    """Entries as a line of JSON."""
    return json.dumps({"entries": [asdict(one) for one in found.entries], "refused": found.refused}, default=_iso)


def _iso(value: datetime) -> str:
    return value.isoformat()


def heard(text: str) -> Entries:
    """Entries that `told` wrote.

    Raises:
        FeedRefusedError: the line says why there are none.
        ValueError: it is no such line.
    """
    found = json.loads(text)
    if "why" in found:
        raise FeedRefusedError(str(found["why"]))
    return Entries(tuple(_entry(one) for one in found["entries"]), int(found["refused"]))


def _entry(one: Mapping[str, Any]) -> Entry:
    original = one["original"]
    times = {name: datetime.fromisoformat(one[name]) for name in ("starts_at", "ends_at")}
    lists = {name: tuple(one[name]) for name in ("people", "declined")}
    return Entry(**{**one, **times, **lists, "original": original and datetime.fromisoformat(original)})


def _confined(seconds: float) -> None:
    """Bound what this process may take, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        most = int(seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))


def main() -> None:
    """Read a line of JSON that says what is wanted, and behind it a feed; write its entries."""
    asked = json.loads(sys.stdin.readline())
    _confined(asked["seconds"])
    since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
    try:
        answer = told(worked_out(sys.stdin.read(), since, until, zone=asked["zone"], most=asked["most"]))
    except FeedRefusedError as error:
        answer = json.dumps({"why": str(error)})
    except (MemoryError, RecursionError):
        answer = json.dumps({"why": "takes more memory than a calendar may"})
    sys.stdout.write(answer)


if __name__ == "__main__":
    main()

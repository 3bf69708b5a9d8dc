"""Made-up entries of calendars, and what is known of the operators that they are with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from customer_research.domain.evidence import Receipt
from customer_research.domain.meeting import CalendarReading, KnownPeople, Matching, Occurrence, Window
from customer_research.identity.meetings import Matcher

ANNA, BERT = "anna@ours.example.com", "bert@ours.example.com"
SILVERMEAD, HARBOUR = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=24), NOW + timedelta(days=14))

KNOWN = KnownPeople(
    companies={"900": frozenset({SILVERMEAD}), "901": frozenset({HARBOUR})},
    contact_ids={"700": frozenset({SILVERMEAD})},
    emails={"ben@silvermead.example": frozenset({SILVERMEAD}), "cleo@gmail.com": frozenset({HARBOUR})},
    domains={
        "silvermead.example": frozenset({SILVERMEAD}),
        "harbour.example": frozenset({HARBOUR}),
        "agency.example": frozenset(f"op-{number}" for number in range(4)),
        "gmail.com": frozenset({SILVERMEAD}),
        "ours.example.com": frozenset({SILVERMEAD}),
    },
    names={SILVERMEAD: "Silvermead Livery", HARBOUR: "Harbour Cars"},
)
MATCHER = Matcher(KNOWN, ("ours.example.com",))


def receipt(calendar: str) -> Receipt:
    return Receipt(
        "0123456789abcdef", calendar.partition(":")[0], "meetings", "GET /a", NOW, 1, "00", place="https://a"
    )


def occurrence(calendar: str = f"ics:{ANNA}", uid: str = "u1", **more: Any) -> Occurrence:
    """An entry for the next day, 15:00 UTC, with somebody at Silvermead."""
    start = more.pop("starts_at", datetime(2026, 11, 3, 15, tzinfo=UTC))
    made = Occurrence(
        calendar=calendar,
        uid=uid,
        original=None,
        owner=ANNA,
        starts_at=start,
        ends_at=start + timedelta(minutes=30),
        title="Talk",
        state="planned",
        people=(ANNA, "ben@silvermead.example"),
        receipt=receipt(calendar),
    )
    return replace(made, **more)


def reading(*occurrences: Occurrence, calendar: str = f"ics:{ANNA}", **more: Any) -> CalendarReading:
    return CalendarReading(calendar, occurrences, **more)


def matched(found: CalendarReading) -> Mapping[str, Matching]:
    return {one.id: MATCHER.match(one) for one in found.occurrences}

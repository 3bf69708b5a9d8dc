"""The meetings of the quarter that is lived through: what becomes of them happens when its fate says, and a wrong brief is noticed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from evals import quarter
from evals.quarter_meetings import DAY, DAYS, FATES, HOUR, HOURS, Booked, Calendars

from customer_research.domain.delivery import Address, Delivery, Envelope, State
from customer_research.research.delivering.alert_messages import OVER_BUDGET
from customer_research.research.delivering.composing import plain_message

MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
STARTS = [MONDAY + timedelta(days=day, hours=hour) for day in DAYS for hour in HOURS]


def booked(starts_at: datetime = STARTS[0], fate: str = "kept") -> Booked:
    return Booked("Check-in 1", "anna@ours.example.com", "operator", "diary", starts_at, fate)


@pytest.mark.parametrize("starts_at", STARTS, ids=lambda at: f"{at:%a %H}")
@pytest.mark.parametrize("fate", FATES)
def test_what_becomes_of_a_meeting_happens_before_between_or_after_its_briefs(starts_at: datetime, fate: str) -> None:
    one, told = booked(starts_at, fate), FATES[fate]
    left = starts_at - one.changes_at
    if told.early:
        assert left > DAY
    elif told.late:
        assert HOUR <= left <= 2 * HOUR
    else:
        assert HOUR < left < DAY
    assert {starts_at - DAY, starts_at - HOUR} <= set(one.moments())
    assert all(at.minute % 10 == 0 for at in one.moments()), "the shipped schedule looks each ten minutes"


def test_of_a_hundred_meetings_each_fate_has_its_share() -> None:
    assert sum(one.share for one in FATES.values()) == 100


def delivery(lead: str, *, number: int = 1, updates: str = "", title: str = "m1") -> Delivery:
    address = Address("email", "anna@ours.example.com")
    envelope = Envelope("brief", "operator", f"{title}/{lead}/{number}", address, None, updates=updates)
    return Delivery(plain_message("Brief", ["x"], envelope), "sent", MONDAY, MONDAY, None, MONDAY)


DAY_BEFORE, HOUR_BEFORE = delivery("1440"), delivery("60")


@pytest.mark.parametrize(
    ("state", "reason", "wrong"),
    [("sent", "", 0), ("dropped", OVER_BUDGET, 0), ("dropped", "It was too late to be of use.", 1), ("ready", "", 1)],
)
def test_what_the_budget_holds_back_is_neither_sent_nor_missing(state: State, reason: str, wrong: int) -> None:
    alert = replace(HOUR_BEFORE, state=state, reason=reason)
    there = {"email": 2 if state == "sent" else 1}
    assert quarter.delivered([DAY_BEFORE, alert], there) == wrong


@pytest.mark.parametrize(
    ("fate", "briefs", "wrong"),
    [
        ("kept", [DAY_BEFORE, HOUR_BEFORE], 0),
        ("kept", [DAY_BEFORE], 1),
        ("kept", [DAY_BEFORE, DAY_BEFORE, HOUR_BEFORE], 1),
        ("kept", [DAY_BEFORE, HOUR_BEFORE, delivery("1440", updates="k")], 1),
        ("cancelled, between", [DAY_BEFORE, delivery("1440", updates="k")], 0),
        ("cancelled, between", [DAY_BEFORE], 1),
        ("cancelled, before", [], 0),
        ("cancelled, before", [DAY_BEFORE], 1),
        ("cancelled, before", [delivery("60", title="another")], 1),
        ("kept", [DAY_BEFORE, replace(HOUR_BEFORE, state="unknown")], 1),
    ],
)
def test_a_brief_that_is_missing_doubled_or_not_to_be_is_noticed(fate: str, briefs: list[Delivery], wrong: int) -> None:
    judge = Calendars.__new__(Calendars)
    judge.booked, judge._names = [booked(fate=fate)], {"m1": "Check-in 1"}
    assert len(judge.judged(briefs)) == wrong

"""Support chat, computed by hand: windows, the two clocks, who waits, and what is only probable."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from measuring import INSTANT, T, ago, derive, measure, numbered, rows_of

SURE = {
    "is_certain": True,
    "state": "closed",
    "is_open": False,
    "begun_by": "contact",
    "company_since": ago(400),
    "reopens": 0,
}
OPEN = {**SURE, "state": "open", "is_open": True}
OURS = {**SURE, "begun_by": "us", "asked_at": None}
HOUR = timedelta(hours=1)


def chat(*conversations: dict[str, Any]) -> dict[str, Any]:
    told = [{"asked_at": one["created_at"], **one} for one in conversations]
    return measure("chat", T, conversation=numbered("conversation_id", told))


def test_windows_are_half_open() -> None:
    begun = (
        ago(0),
        ago(0) - INSTANT,
        ago(30),
        ago(30) - INSTANT,
        ago(60),
        ago(60) - INSTANT,
        ago(90),
        ago(90) - INSTANT,
    )
    row = chat(*({**SURE, "created_at": at} for at in (*begun, ago(180), ago(180) - INSTANT)))
    assert (row["conversations_30d"], row["conversations_prev_30d"]) == (2, 2)
    assert (row["conversations_90d"], row["conversations_prev_90d"]) == (6, 2)


def test_the_two_clocks_are_apart_and_a_later_reply_is_none_yet() -> None:
    row = chat(
        {
            **SURE,
            "created_at": ago(10),
            "first_reply_at": ago(10) + 20 * HOUR,
            "first_reply_s": 7_200,
            "median_reply_s": 3_600,
        },
        {
            **SURE,
            "created_at": ago(20),
            "first_reply_at": ago(20) + 2 * HOUR,
            "first_reply_s": 1_800,
            "median_reply_s": None,
        },
        {**SURE, "created_at": ago(1), "first_reply_at": T, "first_reply_s": 60},
        {**SURE, "created_at": ago(91), "first_reply_at": ago(90), "first_reply_s": 60},
        {**SURE, "created_at": ago(30)},
    )
    assert row["chat_first_reply_hours"] == 11
    assert row["chat_first_reply_office_hours"] == 1.25
    assert row["chat_reply_office_hours"] == 1


def test_what_we_begin_is_not_theirs_and_our_reply_counts_from_when_they_wrote() -> None:
    row = chat(
        {
            **OURS,
            "created_at": ago(10),
            "asked_at": ago(9),
            "first_reply_at": ago(9) + 3 * HOUR,
            "rating": 1,
            "reopens": 4,
        },
        {**OURS, "created_at": ago(10), "first_reply_at": ago(10) + HOUR},
        {**OURS, "created_at": ago(10), "asked_at": ago(9), "first_reply_at": ago(10)},
        {
            **OURS,
            "created_at": ago(100),
            "asked_at": ago(50),
            "first_reply_at": ago(50) + 5 * HOUR,
            "ai_participated": True,
        },
        {**OURS, "created_at": ago(10), "state": "open", "is_open": True},
        {**OURS, "created_at": ago(10), "asked_at": T, "state": "open", "is_open": True},
        {**OURS, "created_at": ago(10), "asked_at": ago(9), "state": "open", "is_open": True},
    )
    names = ("30d", "prev_30d", "90d", "prev_90d", "reopened_90d")
    assert [row[f"conversations_{name}"] for name in names] == [0] * 5
    assert (row["chat_ratings_90d"], row["chat_low_ratings_90d"], row["chat_ai_share_90d"]) == (0, 0, None)
    assert (row["conversations_open"], row["chat_first_reply_hours"]) == (1, 4)


COUNTS = (
    *(f"conversations_{name}" for name in ("30d", "prev_30d", "90d", "prev_90d", "reopened_90d")),
    "chat_ratings_90d",
    "chat_low_ratings_90d",
)


@pytest.mark.parametrize(("begun", "unknown"), [(ago(1), True), (ago(179), True), (ago(181), False)])
def test_who_began_one_must_be_told(*, begun: Any, unknown: bool) -> None:
    row = chat({**SURE, "created_at": ago(9)}, {**SURE, "created_at": begun, "begun_by": None})
    assert [row[name] is None for name in COUNTS] == [unknown] * len(COUNTS)
    assert chat({**SURE, "created_at": begun, "begun_by": None, "is_certain": False})["conversations_30d"] == 0


@pytest.mark.parametrize(
    ("begun_by", "asked_at", "waiting_since", "is_open"),
    [
        ("contact", ago(9), None, 1),
        ("us", ago(8), None, 1),
        ("us", None, None, 0),
        ("us", T, None, 0),
        ("us", None, ago(3), 1),
        (None, None, ago(3), 1),
        (None, None, None, None),
        (None, None, T, None),
    ],
)
def test_an_open_conversation_of_which_it_is_not_told_whether_they_wrote_is_not_none(
    begun_by: str | None, asked_at: Any, waiting_since: Any, is_open: int | None
) -> None:
    told = {"begun_by": begun_by, "asked_at": asked_at, "waiting_since": waiting_since}
    row = chat({**OPEN, "created_at": ago(9), **told})
    assert row["conversations_open"] == is_open
    assert row["conversations_waiting"] == (waiting_since == ago(3)) <= (is_open or 0)
    other = chat({**OPEN, "created_at": ago(9), **told}, {**OPEN, "created_at": ago(9)})
    assert other["conversations_open"] == (None if is_open is None else is_open + 1)


@pytest.mark.parametrize(
    ("since", "found"),
    [
        (ago(180), (1, 1)),
        (ago(180) + INSTANT, (1, None)),
        (ago(60), (1, None)),
        (ago(60) + INSTANT, (None, None)),
        (None, (None, None)),
    ],
)
def test_before_their_company_came_nothing_is_known(since: Any, found: tuple[int | None, int | None]) -> None:
    row = chat(*({**SURE, "created_at": ago(days), "company_since": since} for days in (9, 40, 100)))
    assert (row["conversations_prev_30d"], row["conversations_prev_90d"]) == found
    assert (row["conversations_30d"], row["conversations_90d"]) == (1, 2)


def test_who_waits_for_us() -> None:
    row = chat(
        {**OPEN, "created_at": ago(9), "waiting_since": ago(3)},
        {**OPEN, "created_at": ago(9), "waiting_since": ago(1)},
        {**OPEN, "created_at": ago(9), "waiting_since": T},
        {**OPEN, "created_at": ago(9), "waiting_since": None},
        {**OPEN, "created_at": ago(9), "waiting_since": ago(8), "state": "snoozed"},
        {**SURE, "created_at": ago(9), "waiting_since": ago(8)},
    )
    assert (row["conversations_open"], row["conversations_waiting"]) == (5, 2)
    assert row["chat_longest_wait_hours"] == 72


def test_opinions_reopenings_and_agents() -> None:
    row = chat(
        {**SURE, "created_at": ago(9), "rating": 1, "rated_at": None, "reopens": 2, "ai_participated": True},
        {**SURE, "created_at": ago(9), "rating": 2, "rated_at": ago(8), "reopens": 0, "ai_participated": False},
        {**SURE, "created_at": ago(9), "rating": 5, "rated_at": T, "ai_participated": None},
        {**SURE, "created_at": ago(9), "ai_participated": False},
    )
    assert (row["chat_ratings_90d"], row["chat_rating_90d"], row["chat_low_ratings_90d"]) == (2, 1.5, 2)
    assert row["conversations_reopened_90d"] == 1
    assert row["chat_ai_share_90d"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("reopens", "found"), [((0, 0), 0), ((0, None), None), ((None, None), None), ((3, None), 1), ((3, 1), 2)]
)
def test_none_was_opened_again_only_where_all_tell(reopens: tuple[int | None, ...], found: int | None) -> None:
    row = chat(*({**SURE, "created_at": ago(9), "reopens": one} for one in reopens))
    assert row["conversations_reopened_90d"] == found


def test_what_is_only_probable_counts_nowhere_else() -> None:
    row = chat(
        {**OPEN, "is_certain": False, "created_at": ago(9), "waiting_since": ago(3), "rating": 1, "rated_at": ago(8)}
    )
    assert row["conversations_probable"] == 1
    others = ("conversations_30d", "conversations_open", "conversations_waiting", "chat_ratings_90d")
    assert [row[name] for name in others] == [0, 0, 0, 0]
    assert row["chat_longest_wait_hours"] is None


def test_nobody_who_has_not_written_by_then() -> None:
    assert rows_of("chat", T, conversation=[{**OPEN, "conversation_id": "a", "created_at": T}]) == []


def test_conversations_per_100_trips() -> None:
    row = derive(conversations_90d=6, reservations_90d=150, conversations_prev_90d=3, reservations_prev_90d=0)
    assert (row["conversations_per_100_trips"], row["conversations_per_100_trips_prev"]) == (4, None)

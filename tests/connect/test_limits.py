"""Waiting as the vendors tell it, and our own token bucket."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_research.connect.limits import Convention, bucket, told_wait

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def wait(headers: dict[str, str], convention: Convention = "retry_after") -> float | None:
    return told_wait(httpx2.Headers(headers), convention=convention, reset_header="X-RateLimit-Reset", now=NOW)


@pytest.mark.parametrize(
    ("headers", "convention", "seconds"),
    [
        ({"Retry-After": "7"}, "retry_after", 7),
        ({"retry-after": " 0.5 "}, "retry_after", 0.5),
        ({"Retry-After": "Sun, 01 Nov 2026 12:00:09 GMT"}, "retry_after", 9),
        ({"Retry-After": "Sun, 01 Nov 2026 11:59:00 GMT"}, "retry_after", 0),
        ({"Retry-After": "-3"}, "retry_after", 0),
        ({"Retry-After": "soon"}, "retry_after", None),
        ({"Retry-After": "inf"}, "retry_after", None),
        ({"Retry-After": "nan"}, "retry_after", None),
        ({}, "retry_after", None),
        ({"X-RateLimit-Reset": "3"}, "reset_seconds", 3),
        ({"X-RateLimit-Reset": "3"}, "retry_after", None),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 4)}, "reset_epoch", 4),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) - 4)}, "reset_epoch", 0),
        ({"X-RateLimit-Reset": "x"}, "reset_epoch", None),
        ({}, "reset_seconds", None),
        ({"Retry-After": "2", "X-RateLimit-Reset": "9"}, "reset_seconds", 2),
        ({"Retry-After": "nonsense", "X-RateLimit-Reset": "9"}, "reset_seconds", 9),
    ],
)
def test_wait_is_read_from_the_headers(headers: dict[str, str], convention: Convention, seconds: float | None) -> None:
    assert wait(headers, convention) == seconds


def test_instants_are_measured_from_the_answers_own_date() -> None:
    real = datetime(2031, 1, 1, tzinfo=UTC)
    date = format_datetime(real, usegmt=True)

    assert wait({"Date": date, "X-RateLimit-Reset": str(int(real.timestamp()) + 5)}, "reset_epoch") == 5
    assert wait({"Date": date, "Retry-After": "Wed, 01 Jan 2031 00:00:06 GMT"}) == 6


@given(st.text(max_size=40))
def test_no_header_text_breaks_the_reading(text: str) -> None:
    header = {"retry-after": text, "x": text, "date": text}
    for convention in ("retry_after", "reset_seconds", "reset_epoch"):
        seconds = told_wait(header, convention=convention, reset_header="x", now=NOW)
        assert seconds is None or seconds >= 0


@pytest.mark.parametrize("rate", [0.2, 1, 3, 20])
def test_the_bucket_lets_one_seconds_requests_through_and_refills_at_the_rate(rate: float) -> None:
    made = bucket(rate)
    assert made.max_rate == max(1, rate)
    assert made.max_rate / made.time_period == pytest.approx(rate)


def test_one_request_fits_even_into_a_slow_bucket() -> None:
    async def take() -> bool:
        made = bucket(0.001)
        await made.acquire()
        return made.has_capacity()

    assert not asyncio.run(take())

"""Rate limits: our own share of a vendor's allowance, and reading how long a vendor tells us to wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter

Convention = Literal["retry_after", "reset_seconds", "reset_epoch"]
"""How a vendor says when to come back (besides `Retry-After`, which every vendor may send).

retry_after: `Retry-After` only; reset_seconds: the reset header holds the seconds left (Lago); reset_epoch: it holds the
Unix time of the reset (Intercom).
"""


def bucket(requests_per_second: float) -> AsyncLimiter:
    """A token bucket that lets one second's requests through at once and then holds the rate (also below 1 a second)."""
    from aiolimiter import AsyncLimiter  # noqa: PLC0415 - start-up time

    burst = max(1.0, requests_per_second)
    return AsyncLimiter(burst, burst / requests_per_second)


def told_wait(headers: Mapping[str, str], *, convention: Convention, reset_header: str, now: datetime) -> float | None:
    """Seconds to wait as the answer's headers say, never negative; None when they say nothing that can be read.

    `headers` must look names up without regard to case. `Retry-After` (seconds or an HTTP date) goes before the vendor's
    own reset header. Instants are taken from the answer's own `Date`, where it has one: `now` may be a fixed clock.
    """
    present = _http_date(headers.get("date")) or now
    told = _retry_after(headers.get("retry-after"), present)
    if told is None and convention != "retry_after":
        told = _reset(headers.get(reset_header), convention, present)
    return None if told is None else max(told, 0.0)


def _retry_after(text: str | None, now: datetime) -> float | None:
    if text is None:
        return None
    seconds = _number(text)
    if seconds is not None:
        return seconds
    moment = _http_date(text)
    return None if moment is None else (moment - now).total_seconds()


def _http_date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _reset(text: str | None, convention: Convention, now: datetime) -> float | None:
    number = _number(text) if text is not None else None
    if number is None or convention == "reset_seconds":
        return number
    return number - now.timestamp()


def _number(text: str) -> float | None:
    try:
        number = float(text.strip())
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None

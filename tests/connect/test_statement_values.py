"""Values of Snowflake's SQL API: what each type's text becomes, what is bound, and that nothing is guessed."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_research.connect.statement_values import bound, reader
from customer_research.errors import EngineError

NOON = datetime(2026, 1, 15, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("fixed", "38", 38),
        ("FIXED", "-12.50", -12.5),
        ("FIXED", "12.00", 12),
        ("FIXED", "12345678901234567890123456789012345678", 12345678901234567890123456789012345678),
        ("REAL", "1e-05", 0.00001),
        ("BOOLEAN", "true", True),
        ("BOOLEAN", "0", False),
        ("DATE", "20468", date(2026, 1, 15)),
        ("DATE", "-1", date(1969, 12, 31)),
        ("DATE", "2026-01-15", date(2026, 1, 15)),
        ("TIME", "43200.500000000", "12:00:00.500000"),
        ("TIMESTAMP_NTZ", "1768478400.123456789", NOON),
        ("TIMESTAMP_LTZ", "1768478400.123456000", NOON),
        ("TIMESTAMP_TZ", "1768478400.123456000 960", NOON),
        ("TIMESTAMP_NTZ", "-0.500000000", datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)),
        ("TIMESTAMP_NTZ", "2026-01-15 12:00:00.123456", NOON),
        ("TIMESTAMP_TZ", "2026-01-15T04:00:00.123456-08:00", NOON),
        ("TEXT", "12", "12"),
        ("VARIANT", '{"a":1}', '{"a":1}'),
    ],
)
def test_a_cell_is_read_by_its_columns_type(kind: str, text: str, value: Any) -> None:
    found = reader(kind)(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("FIXED", "12 USD"), ("BOOLEAN", "yes"), ("DATE", "today"), ("TIMESTAMP_NTZ", "soon"), ("TIME", "noon")],
)
def test_what_is_no_such_value_is_not_guessed(kind: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each library's own words
        reader(kind)(text)


def test_what_is_not_a_number_stays_that() -> None:
    assert math.isnan(reader("REAL")("NaN"))
    assert reader("REAL")("-inf") == -math.inf


@given(st.datetimes(datetime(1600, 1, 1), datetime(2400, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001 - wall times
def test_an_instant_is_bound_as_nanoseconds_of_its_wall_time_in_utc(wall: datetime, minutes: int) -> None:
    moment = wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    sent = bound(moment)
    assert sent["type"] == "TIMESTAMP_NTZ"
    whole, rest = divmod(int(sent["value"]), 10**9)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=whole, microseconds=rest // 1000) == moment


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(EngineError):
        bound(datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_bound_as_it_is(value: float) -> None:
    assert float(bound(value)["value"]) == value

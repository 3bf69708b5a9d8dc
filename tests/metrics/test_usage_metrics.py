"""Usage metrics, computed by hand: half-open windows, trends with their season, rides, revenue and rates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from measuring import INSTANT, OP, T, ago, measure, numbered, rows_of


def trip(created_at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "status": "completed",
        "created_at": created_at,
        "pickup_at": created_at,
        "total_minor": 10_000,
        "paid_minor": 10_000,
        "due_minor": 0,
        "currency": "USD",
        **more,
    }


def ride(days: float, **more: Any) -> dict[str, Any]:
    """A trip booked long ago whose ride was (or will be) so many days before T."""
    return trip(ago(600), pickup_at=ago(days), **more)


def usage(*trips: dict[str, Any], as_of: datetime = T) -> dict[str, Any]:
    return measure("usage", as_of, reservation=numbered("trip_id", trips))


def booked(counts: dict[float, int]) -> list[dict[str, Any]]:
    """So many trips booked so many days ago."""
    return [trip(ago(days)) for days, count in counts.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("created_at", "windows"),
    [
        (T - INSTANT, {"reservations_30d", "reservations_60d", "reservations_90d", "reservations_12m"}),
        (ago(30), {"reservations_30d", "reservations_60d", "reservations_90d", "reservations_12m"}),
        (ago(30) - INSTANT, {"reservations_prev_30d", "reservations_60d", "reservations_90d", "reservations_12m"}),
        (ago(60), {"reservations_prev_30d", "reservations_60d", "reservations_90d", "reservations_12m"}),
        (ago(60) - INSTANT, {"reservations_90d", "reservations_12m"}),
        (ago(90), {"reservations_90d", "reservations_12m"}),
        (ago(90) - INSTANT, {"reservations_prev_90d", "reservations_12m"}),
        (ago(180), {"reservations_prev_90d", "reservations_12m"}),
        (ago(180) - INSTANT, {"reservations_12m"}),
        (ago(365), {"reservations_12m"}),
        (ago(365) - INSTANT, {"reservations_30d_year_ago", "reservations_90d_year_ago"}),
        (ago(395), {"reservations_30d_year_ago", "reservations_90d_year_ago"}),
        (ago(395) - INSTANT, {"reservations_prev_30d_year_ago", "reservations_90d_year_ago"}),
        (ago(425), {"reservations_prev_30d_year_ago", "reservations_90d_year_ago"}),
        (ago(425) - INSTANT, {"reservations_90d_year_ago"}),
        (ago(455), {"reservations_90d_year_ago"}),
        (ago(455) - INSTANT, set()),
    ],
)
def test_windows_of_bookings_are_half_open(created_at: datetime, windows: set[str]) -> None:
    row = usage(trip(created_at))
    counted = {name for name, value in row.items() if name.startswith("reservations_") and value == 1}
    assert counted == windows | {"reservations_ever"}


def test_rows_created_at_t_or_later_do_not_exist_yet() -> None:
    future = numbered("trip_id", [trip(T), trip(ago(-1))])
    assert rows_of("usage", reservation=future) == []
    row = usage(trip(ago(3)), trip(T), trip(ago(-400), pickup_at=ago(10)))
    assert (row["reservations_ever"], row["trips_12m"], row["last_activity_at"]) == (1, 1, ago(3))


def test_last_activity_is_a_booking_never_a_future_pickup() -> None:
    row = usage(trip(ago(40), pickup_at=ago(-20)))
    assert (row["last_activity_at"], row["days_since_activity"]) == (ago(40), 40)
    assert (row["reservations_30d"], row["future_trips"], row["future_trips_30d"]) == (0, 1, 1)
    assert (row["trips_12m"], row["revenue_12m"], row["avg_trip_value"]) == (0, 0, None)


@pytest.mark.parametrize(
    ("age", "days"),
    [
        (timedelta(days=1), 1),
        (timedelta(days=1) - INSTANT, 0),
        (timedelta(days=1, hours=23, minutes=59, seconds=59), 1),
        (timedelta(days=366), 366),
        (timedelta(days=4000) - INSTANT, 3999),
        (INSTANT, 0),
    ],
)
def test_whole_days_are_elapsed_days(age: timedelta, days: int) -> None:
    assert usage(trip(T - age))["days_since_activity"] == days


def test_whole_days_do_not_count_midnights() -> None:
    noon = datetime(2024, 3, 1, 0, 0, 1, tzinfo=UTC)
    row = usage(trip(datetime(2024, 2, 28, 23, 59, 59, tzinfo=UTC)), as_of=noon)
    assert row["days_since_activity"] == 1  # over the leap day: two midnights, one whole day


def test_months_of_history_and_reservations_a_month() -> None:
    new = usage(*booked({10: 5}))
    assert (new["history_months"], new["trips_per_month"]) == (0, 5.0)
    two = usage(*booked({60.875: 1, 5: 9}))
    assert (two["history_months"], two["trips_per_month"]) == (2, 5.0)
    old = usage(*booked({1000: 1, 100: 24}))
    assert (old["history_months"], old["trips_per_month"]) == (32, 2.0)


def test_active_months_are_windows_of_30_days() -> None:
    assert usage(*booked({0.1: 3, 30: 1}))["active_months_12m"] == 1
    assert usage(trip(ago(30)), trip(ago(30) - INSTANT))["active_months_12m"] == 2
    assert usage(*booked({15 + 30 * n: 1 for n in range(14)}))["active_months_12m"] == 12
    assert usage(trip(ago(360)))["active_months_12m"] == 1
    assert usage(trip(ago(360) - INSTANT))["active_months_12m"] == 0


def test_trends_need_ten_in_the_base() -> None:
    assert usage(*booked({10: 5, 40: 9}))["trend_30d"] is None
    assert usage(*booked({10: 5, 40: 10}))["trend_30d"] == -0.5
    assert usage(*booked({40: 20}))["trend_30d"] == -1.0
    assert usage(*booked({10: 12, 40: 10}))["trend_30d"] == pytest.approx(0.2)
    assert usage(*booked({10: 15, 100: 10}))["trend_90d"] == 0.5
    assert usage(*booked({10: 15, 100: 9}))["trend_90d"] is None


def test_season_needs_fifteen_months_and_windows_of_twenty() -> None:
    months = 15 * 30.4375
    counts = {10.0: 15, 40.0: 50, 380.0: 30, 410.0: 100}
    young = usage(*booked({**counts, months - 0.001: 1}))
    assert (young["seasonal_factor_30d"], young["trend_30d_seasonal"]) == (None, None)
    old = usage(*booked({**counts, months: 1}))
    assert old["seasonal_factor_30d"] == pytest.approx(0.3)
    assert old["trend_30d"] == pytest.approx(-0.7)
    assert old["trend_30d_seasonal"] == pytest.approx(0.0)
    for few in ({410.0: 19}, {380.0: 19}, {40.0: 19}):
        assert usage(*booked({**counts, **few, months: 1}))["seasonal_factor_30d"] is None


def test_a_season_of_zero_gives_no_seasonal_trend() -> None:
    row = usage(*booked({10: 6, 40: 20, 410: 20, 500: 1}))
    assert (row["seasonal_factor_30d"], row["trend_30d_seasonal"]) == (None, None)


def test_year_on_year() -> None:
    assert usage(*booked({10: 30, 400: 20, 460: 1}))["trend_90d_year"] == 0.5
    assert usage(*booked({10: 30, 400: 20}))["trend_90d_year"] is None
    assert usage(*booked({10: 30, 400: 9, 460: 1}))["trend_90d_year"] is None


def test_rides_by_status_in_twelve_months() -> None:
    row = usage(
        ride(0.01),
        ride(365, status="cancelled"),
        ride(100, status="pending"),
        ride(100, status="confirmed"),
        ride(100, status="in_progress"),
        ride(100, status="other"),
        trip(ago(600), pickup_at=ago(365) - INSTANT),
        ride(0),
        ride(-3, status="cancelled"),
    )
    assert (row["trips_12m"], row["completed_12m"], row["cancelled_12m"], row["pending_12m"]) == (6, 1, 1, 3)
    assert row["cancellation_rate"] == 1 / 6
    assert row["future_trips"] == 1


def test_a_cancellation_later_than_t_has_not_happened() -> None:
    later = usage(
        ride(5, status="cancelled", cancelled_at=T + INSTANT), ride(-5, status="cancelled", cancelled_at=ago(-1))
    )
    assert (later["cancelled_12m"], later["pending_12m"], later["future_trips"]) == (0, 1, 1)
    before = usage(ride(5, status="cancelled", cancelled_at=T), ride(-5, status="cancelled"))
    assert (before["cancelled_12m"], before["pending_12m"], before["future_trips"]) == (1, 0, 0)


def test_quarters_by_pickup() -> None:
    row = usage(
        ride(90),
        ride(90, status="cancelled"),
        ride(90.001, total_minor=700),
        ride(180, total_minor=900, status="cancelled"),
        ride(180, farmee_name="Partner"),
        ride(180.001),
        ride(1, farmee_name="Partner"),
    )
    assert (row["completed_90d"], row["completed_prev_90d"]) == (2, 2)
    assert (row["revenue_90d"], row["revenue_prev_90d"]) == (20_000, 10_700)
    assert row["cancellation_rate_90d"] == 1 / 3
    assert row["cancellation_rate_prev_90d"] == 1 / 3
    assert row["farm_out_rate_90d"] == 1 / 3
    assert row["farm_out_rate_prev_90d"] == 1 / 3
    assert (row["own_completed_90d"], row["own_completed_prev_90d"]) == (1, 1)


def test_revenue_is_of_completed_rides_only() -> None:
    row = usage(
        ride(10, total_minor=10_001, paid_minor=0, due_minor=10_001),
        ride(10, total_minor=20_000, paid_minor=5_000, due_minor=15_000),
        ride(10, total_minor=None, paid_minor=None, due_minor=None),
        ride(10, status="cancelled", total_minor=99_999, due_minor=99_999),
        ride(500, total_minor=1, due_minor=7),
        ride(-2, total_minor=40_000, status="confirmed", due_minor=40_000),
        ride(-2, total_minor=50_000, status="cancelled"),
    )
    assert row["revenue_12m"] == 30_001
    assert row["collected_12m"] == 5_000
    assert row["avg_trip_value"] == 10_000  # 30,001 / 3 = 10,000.33
    assert row["outstanding_trips"] == 25_008
    assert row["booked_value_future"] == 40_000


def test_collection_rate_leaves_out_trips_whose_payment_is_unknown() -> None:
    row = usage(ride(10, total_minor=300, paid_minor=150), ride(10, total_minor=700, paid_minor=None))
    assert row["collection_rate_90d"] == 0.5
    assert row["collection_rate_12m"] == 0.5
    assert usage(ride(10, paid_minor=0))["collection_rate_90d"] == 0.0
    assert usage(ride(10, paid_minor=None))["collection_rate_90d"] is None
    assert usage(ride(10, total_minor=0, paid_minor=0))["collection_rate_90d"] is None


@pytest.mark.parametrize(
    ("totals", "average"), [((2, 3), 2), ((3, 4), 4), ((1, 1, 3), 2), ((-3, -4), -4), ((-2, -3), -2)]
)
def test_average_trip_value_rounds_half_to_even(totals: tuple[int, ...], average: int) -> None:
    assert usage(*(ride(5, total_minor=total) for total in totals))["avg_trip_value"] == average


def test_driver_app_rate_is_over_trips_with_a_driver() -> None:
    row = usage(
        ride(5, driver_name="A", driver_app_used=True),
        ride(5, driver_name="A", driver_app_used=False),
        ride(5, driver_name="B", driver_app_used=None),
        ride(5, driver_app_used=True),
        ride(91, driver_name="A", driver_app_used=True),
    )
    assert (row["driver_trips_90d"], row["driver_app_rate"]) == (3, 1 / 3)
    assert usage(ride(5))["driver_app_rate"] is None


def test_means_over_what_is_known() -> None:
    row = usage(
        ride(5, rating=4.0, distance_miles=10.0, duration_minutes=30.0),
        ride(5, rating=5.0, distance_miles=None, duration_minutes=60.0),
        ride(5, status="cancelled", rating=None, distance_miles=99.0),
    )
    assert (row["average_rating"], row["average_distance_miles"], row["average_duration_minutes"]) == (4.5, 10.0, 45.0)


def test_the_end_of_a_month_and_the_leap_day_are_days_like_others() -> None:
    leap = datetime(2024, 3, 30, tzinfo=UTC)
    row = usage(trip(datetime(2024, 2, 29, tzinfo=UTC)), trip(datetime(2024, 2, 28, 23, tzinfo=UTC)), as_of=leap)
    assert (row["reservations_30d"], row["reservations_prev_30d"]) == (1, 1)
    year = datetime(2025, 2, 28, tzinfo=UTC)
    assert usage(trip(datetime(2024, 2, 28, tzinfo=UTC)), as_of=year)["reservations_12m"] == 0
    assert usage(trip(datetime(2024, 2, 29, tzinfo=UTC)), as_of=year)["reservations_12m"] == 1


def test_operators_do_not_mix() -> None:
    mine = booked({10: 12, 40: 10})
    theirs = [{**row, "operator_id": "op-2"} for row in booked({10: 5, 40: 10})]
    found = {
        row["operator_id"]: row["trend_30d"] for row in rows_of("usage", reservation=numbered("trip_id", mine + theirs))
    }
    assert found == {OP: pytest.approx(0.2), "op-2": -0.5}

"""The listings of reports about one operator, computed by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from measuring import INSTANT, OP, Row, T, ago

from customer_research.engines.duckdb import Memory
from customer_research.metrics.queries import LISTINGS


def trips(*rows: Row) -> list[Row]:
    return [{"trip_id": f"t{n}", "status": "completed", "created_at": ago(900), **row} for n, row in enumerate(rows)]


def listed(name: str, *rows: Row) -> list[dict[str, Any]]:
    (table,) = LISTINGS[name].tables
    with Memory() as memory:
        memory.load(table, [{"operator_id": OP, "currency": "USD", **row} for row in rows])
        return memory.run(LISTINGS[name].sql, {"as_of": T})


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def test_twelve_months_by_pickup_up_to_t_with_zeros_between() -> None:
    rows = listed(
        "usage_monthly",
        *trips(
            {"pickup_at": at(2025, 4, 1), "total_minor": 100},
            {"pickup_at": at(2025, 4, 1) - INSTANT, "total_minor": 999},
            {"pickup_at": at(2026, 3, 1) - INSTANT, "total_minor": 300},
            {"pickup_at": at(2026, 3, 1), "total_minor": 50, "status": "cancelled"},
            {"pickup_at": T - INSTANT, "total_minor": None},
            {"pickup_at": T, "total_minor": 7},
            {"pickup_at": ago(1), "created_at": T},
        ),
    )
    assert [row["month"] for row in rows] == [date(2025, n, 1) for n in range(4, 13)] + [
        date(2026, n, 1) for n in (1, 2, 3)
    ]
    assert [row["trips"] for row in rows] == [1] + [0] * 9 + [1, 2]
    assert rows[-1] == {
        "month": date(2026, 3, 1),
        "trips": 2,
        "completed": 1,
        "cancelled": 1,
        "revenue_minor": 0,
        "currency": "USD",
    }
    assert (rows[0]["revenue_minor"], rows[-2]["revenue_minor"]) == (100, 300)


def test_months_begin_with_the_first_booking() -> None:
    rows = listed("usage_monthly", *trips({"created_at": at(2026, 1, 31), "pickup_at": at(2026, 3, 2)}))
    assert [(row["month"].month, row["trips"]) for row in rows] == [(1, 0), (2, 0), (3, 1)]
    assert listed("usage_monthly") == []


def test_kinds_and_statuses_of_twelve_months_most_frequent_first() -> None:
    rows = trips(
        {"pickup_at": ago(5), "trip_type": "hourly", "order_type": "wedding", "total_minor": 400},
        {"pickup_at": ago(5), "trip_type": "one-way", "order_type": None, "total_minor": 100, "status": "cancelled"},
        {"pickup_at": ago(365), "trip_type": "one-way", "order_type": None, "total_minor": 200},
        {"pickup_at": ago(365) - INSTANT, "trip_type": "hourly", "order_type": "wedding"},
        {"pickup_at": ago(-2), "trip_type": "hourly", "order_type": "wedding"},
    )
    assert [tuple(row.values()) for row in listed("usage_types", *rows)] == [
        ("one-way", "not told", 2, 200, "USD"),
        ("hourly", "wedding", 1, 400, "USD"),
    ]
    assert [tuple(row.values()) for row in listed("usage_statuses", *rows)] == [
        ("completed", 2, 600, "USD"),
        ("cancelled", 1, 100, "USD"),
    ]


def test_the_five_latest_bookings() -> None:
    rows = trips(*({"confirmation_number": f"C{n}", "created_at": ago(n)} for n in range(8)))
    assert [row["confirmation_number"] for row in listed("usage_recent", *rows)] == ["C1", "C2", "C3", "C4", "C5"]


def test_the_five_most_frequent_companies_drivers_and_partners() -> None:
    many = [
        {
            "pickup_at": ago(10),
            "company_name": f"Co {n}",
            "driver_name": f"Dr {n}",
            "farmee_name": f"Pa {n}",
            "total_minor": 10,
        }
        for n in range(6)
        for _ in range(6 - n)
    ]
    old = [{"pickup_at": ago(91), "driver_name": "Dr old", "company_name": None} for _ in range(9)]
    rows = trips(*many, *old, {"pickup_at": ago(1), "driver_name": "Dr 4", "driver_app_used": True})
    companies = listed("usage_companies", *rows)
    assert [(row["company_name"], row["trips"], row["revenue_minor"]) for row in companies] == [
        ("Co 0", 6, 60),
        ("Co 1", 5, 50),
        ("Co 2", 4, 40),
        ("Co 3", 3, 30),
        ("Co 4", 2, 20),
    ]
    drivers = listed("usage_drivers", *rows)
    assert [(row["driver_name"], row["trips"], row["app_trips"]) for row in drivers][3:] == [
        ("Dr 3", 3, 0),
        ("Dr 4", 3, 1),
    ]
    assert [row["farmee_name"] for row in listed("usage_farmouts", *rows)] == ["Pa 0", "Pa 1", "Pa 2", "Pa 3", "Pa 4"]


def test_six_months_of_charges_per_currency() -> None:
    rows = listed(
        "card_monthly",
        {"charge_id": "a", "status": "succeeded", "created_at": at(2025, 9, 30), "amount_minor": 5},
        {
            "charge_id": "b",
            "status": "succeeded",
            "created_at": at(2025, 10, 1),
            "amount_minor": 70,
            "refunded_minor": 20,
        },
        {"charge_id": "c", "status": "failed", "created_at": at(2026, 3, 2), "amount_minor": 900},
        {"charge_id": "d", "status": "pending", "created_at": at(2026, 3, 2), "amount_minor": 900},
        {"charge_id": "e", "status": "succeeded", "created_at": at(2026, 2, 1), "amount_minor": 40, "currency": "JPY"},
        {"charge_id": "f", "status": "succeeded", "created_at": T, "amount_minor": 1},
    )
    usd = [row for row in rows if row["currency"] == "USD"]
    assert [row["month"] for row in usd] == [date(2025, n, 1) for n in (10, 11, 12)] + [
        date(2026, n, 1) for n in (1, 2, 3)
    ]
    assert (usd[0]["succeeded"], usd[0]["charged_minor"], usd[0]["refunded_minor"]) == (1, 70, 20)
    assert (usd[-1]["attempts"], usd[-1]["succeeded"], usd[-1]["failed"], usd[-1]["charged_minor"]) == (1, 0, 1, 0)
    assert [(row["month"].month, row["charged_minor"]) for row in rows if row["currency"] == "JPY"] == [(2, 40), (3, 0)]


def test_the_ten_latest_failures_and_all_disputes_active_first() -> None:
    failures = [{"charge_id": f"f{n:02}", "status": "failed", "created_at": ago(n)} for n in range(15)]
    rows = listed("card_failures", *failures, {"charge_id": "ok", "status": "succeeded", "created_at": ago(1)})
    assert [row["charge_id"] for row in rows] == [f"f{n:02}" for n in range(1, 11)]
    disputes = listed(
        "card_disputes",
        {"dispute_id": "old", "is_active": False, "created_at": ago(3)},
        {"dispute_id": "open", "is_active": True, "created_at": ago(300)},
        {"dispute_id": "new", "is_active": True, "created_at": ago(1)},
        {"dispute_id": "later", "is_active": True, "created_at": T},
    )
    assert [(row["dispute_id"], row["is_active"]) for row in disputes] == [
        ("new", True),
        ("open", True),
        ("old", False),
    ]


def test_days_count_bookings_by_the_day_made_and_rides_by_pickup() -> None:
    first = at(2024, 4, 1)
    rows = listed(
        "usage_daily",
        *trips(
            {"created_at": T - INSTANT, "pickup_at": T},
            {"created_at": first, "pickup_at": first, "total_minor": 700, "driver_name": "A", "driver_app_used": True},
            {"created_at": first - INSTANT, "pickup_at": first - INSTANT, "total_minor": 900},
            {"created_at": first, "pickup_at": at(2026, 1, 2), "status": "cancelled", "total_minor": 50},
            {"created_at": at(2026, 1, 2), "pickup_at": at(2026, 1, 2), "driver_name": "B", "driver_app_used": None},
            {"created_at": T, "pickup_at": at(2026, 1, 3)},
        ),
    )
    assert [tuple(row.values()) for row in rows] == [
        (date(2024, 4, 1), 2, 1, 1, 0, 700, 1, 1, "USD"),
        (date(2026, 1, 2), 1, 2, 1, 1, 0, 1, 0, "USD"),
        ((T - INSTANT).date(), 1, 0, 0, 0, 0, 0, 0, "USD"),
    ]
    assert listed("usage_daily") == []

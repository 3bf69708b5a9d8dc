"""A customer's calendar: the instants at which its days begin and are over, and what an unknown zone means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from customer_research.domain import zones
from customer_research.sources.lago import normalise

ID = "0f5f7c1c-2f0e-4a53-9d6b-1d1d7ad6c001"


@pytest.mark.parametrize(
    ("name", "day", "begins"),
    [
        ("Pacific/Auckland", date(2026, 11, 2), datetime(2026, 11, 1, 11, tzinfo=UTC)),  # summer time: 13 hours ahead
        ("Pacific/Auckland", date(2026, 7, 1), datetime(2026, 6, 30, 12, tzinfo=UTC)),
        ("America/Los_Angeles", date(2026, 11, 1), datetime(2026, 11, 1, 7, tzinfo=UTC)),  # the day summer time ends
        ("America/Los_Angeles", date(2026, 11, 2), datetime(2026, 11, 2, 8, tzinfo=UTC)),
        ("Pacific/Nowhere", date(2026, 11, 2), datetime(2026, 11, 2, tzinfo=UTC)),
        (None, date(2026, 11, 2), datetime(2026, 11, 2, tzinfo=UTC)),
    ],
)
def test_a_day_begins_and_is_over_in_the_customers_zone(name: str | None, day: date, begins: datetime) -> None:
    assert zones.begins(day, name) == begins
    assert zones.is_over(day - timedelta(days=1), name) == begins
    assert zones.day_in(begins, name) == day
    assert zones.day_in(begins - timedelta(microseconds=1), name) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        ("UTC", 0),
        ("Pacific/Auckland", 720),
        ("America/New_York", -300),
        ("Europe/Dublin", 0),
        ("Asia/Kolkata", 330),
        ("America", None),  # a folder of zones is none
        ("../etc", None),
        ("", None),
        (None, None),
    ],
)
def test_standard_time_and_unknown_zones(name: str | None, minutes: int | None) -> None:
    assert zones.standard_minutes(name) == minutes
    assert zones.known(name) == (minutes is not None)


def test_an_invoices_days_are_instants_in_its_customers_zone() -> None:
    invoice = {
        "lago_id": ID,
        "invoice_type": "subscription",
        "status": "finalized",
        "payment_status": "failed",
        "currency": "NZD",
        "total_amount_cents": 5000,
        "issuing_date": "2026-11-02",
        "payment_due_date": "2026-11-02",
        "created_at": "2026-11-01T11:30:00Z",
        "customer": {"applicable_timezone": "Pacific/Auckland"},
    }
    row = normalise.invoice(invoice, "op")
    assert (row["issued_at"], row["overdue_at"]) == (
        datetime(2026, 11, 1, 11, tzinfo=UTC),
        datetime(2026, 11, 2, 11, tzinfo=UTC),
    )
    elsewhere = normalise.invoice({**invoice, "customer": {}, "payment_due_date": None}, "op")
    assert (elsewhere["issued_at"], elsewhere["overdue_at"]) == (datetime(2026, 11, 2, tzinfo=UTC), None)

"""The meetings that a book keeps: those to come with customers, as HubSpot told them, each proven."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from customer_research.domain.evidence import Receipt
from customer_research.domain.health import PRESENT, Status
from customer_research.domain.records import SQL_TYPES
from customer_research.engines.duckdb import Memory
from customer_research.record_tables import LAKE_TABLES
from customer_research.research.portfolio.book_lines import PLANNED_DAYS, FileListing

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
PROOF = Receipt("proof", "hubspot", "engagements", "POST /meetings", AS_OF, 1, "d" * 64)
MEETING = {"operator_id": "op", "engagement_id": "m", "type": "meeting", "title": "Plan", "fetch_id": "proof"}


def kept(monkeypatch: pytest.MonkeyPatch, *rows: dict[str, Any], status: str = "active") -> list[tuple[str, datetime]]:
    """Title and instant of each meeting that is kept of these engagements, with one operator of that status."""
    memory = Memory()
    columns = {column.name: SQL_TYPES[column.type] for column in LAKE_TABLES["engagement"].columns}
    memory.create("engagement", columns, [{**MEETING, "occurred_at": AS_OF + DAY, **row} for row in rows])
    monkeypatch.setattr(FileListing, "_put", lambda _listing, table: table == "engagement")
    listing: Any = FileListing.__new__(FileListing)
    listing.snapshot = SimpleNamespace(as_of=AS_OF, receipts=(PROOF,))
    listing.view = SimpleNamespace(engine=memory)
    listing.__dict__["_standings"] = {"op": SimpleNamespace(operator_id="op", name="Silver", status=status)}
    found = listing.meetings()
    assert all((one.operator_id, one.name, one.receipt) == ("op", "Silver", PROOF) for one in found)
    return [(one.title, one.starts_at) for one in found]


@pytest.mark.parametrize("status", get_args(Status))
def test_a_meeting_is_kept_with_those_alone_who_are_customers(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bool(kept(monkeypatch, {}, status=status)) == (status in PRESENT)


@pytest.mark.parametrize(
    ("row", "there"),
    [
        ({}, True),
        ({"occurred_at": AS_OF - MOMENT}, False),
        ({"occurred_at": AS_OF}, True),
        ({"occurred_at": AS_OF + PLANNED_DAYS * DAY - MOMENT}, True),
        ({"occurred_at": AS_OF + PLANNED_DAYS * DAY}, False),
        ({"type": "call"}, False),
        ({"operator_id": "another"}, False),
        ({"fetch_id": "of another run"}, False),
        ({"title": None}, True),
    ],
)
def test_a_meeting_lies_ahead_within_the_time_kept_and_has_its_proof(
    row: dict[str, Any], there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bool(kept(monkeypatch, row)) == there


def test_meetings_stand_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"title": name, "engagement_id": name, "occurred_at": AS_OF + days * DAY}
        for name, days in zip("cbad", (3, 2, 2, 1), strict=True)
    ]
    assert [title for title, _ in kept(monkeypatch, *rows)] == ["d", "a", "b", "c"]

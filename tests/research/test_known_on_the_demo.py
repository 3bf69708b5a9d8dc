"""The demo on a past date, against what really was: cancellations announced by then, invoices that were overdue."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from worlds import DEMO, Worlds

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.tables import TableSet
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.lake import Lake, StoredTable
from customer_research.research.portfolio.measurement import measure
from customer_research.research.sync.versions import succeeded
from customer_research.settings import Settings
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.servers.hubspot_schema import history

T = datetime(2026, 8, 3, tzinfo=UTC)
SYNCED = T - timedelta(hours=6)
PATIENCE = timedelta(days=2)
BILLING = ("operator", "customer", "subscription", "invoice", "payment", "credit_note", "coupon")


@pytest.fixture(scope="module")
def world(worlds: Worlds) -> Dataset:
    return worlds.dataset(DEMO)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDB]:
    with DuckDB() as opened:
        yield opened


def told(engine: DuckDB, tables: TableSet) -> Mapping[str, dict[str, Any]]:
    measure(engine, tables.at(T, PATIENCE), T)
    columns = "operator_id, pending_cancellation, overdue_invoices, active_subscriptions, deals_open, deals_won, contacts_left"
    return {row["operator_id"]: row for row in engine.run(f"SELECT {columns} FROM {ACCOUNT_TABLE}")}


def announced(world: Dataset) -> Mapping[str, datetime]:
    """Who had said by the date that they leave, and had not left yet → when they do; of the simulated operators."""
    return {
        row["operator_id"]: row["churn_effective_at"]
        for row in world.truth
        if row["churned"] and row["scenario"] is None and row["month_end"] <= T < (row["churn_effective_at"] or T)
    }


def overdue(world: Dataset) -> Counter[str]:
    """How many invoices of each operator were overdue at the date."""
    zones = {one["external_id"]: one["applicable_timezone"] for one in world.lago.customers}
    paid = {
        i for one in world.lago.payments if one["status"] == "succeeded" and _at(one) < T for i in one["invoice_ids"]
    }
    credited: defaultdict[str, int] = defaultdict(int)
    for note in world.lago.credit_notes:
        credited[note["lago_invoice_id"]] += note["total_amount_cents"] if _at(note) < T else 0
    found: Counter[str] = Counter()
    for one in world.lago.invoices:
        owner = one["external_customer_id"]
        due = datetime.fromisoformat(one["payment_due_date"]) + timedelta(days=1)
        over = due.replace(tzinfo=ZoneInfo(zones[owner])).astimezone(UTC)
        stood = one["status"] == "finalized" or (one["status"] == "voided" and _at(one, "updated_at") >= T)
        asked = one["total_amount_cents"] > credited[one["lago_id"]] and one["total_amount_cents"] > 0
        if _at(one) < T and over <= T and stood and asked and one["lago_id"] not in paid:
            found[owner] += 1
    return found


def in_hubspot(world: Dataset, tables: TableSet, engine: DuckDB) -> Mapping[str, tuple[int, int, int]]:
    """Deals open and won and contacts that had left at the date, by operator, as the portal's own histories have it."""
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for kind, key in (("deals", "deal_id"), ("contacts", "contact_id")):
        (path,) = tables.files[kind.removesuffix("s")].paths
        rows = {row["id"]: row for row in world.hubspot.objects[kind]}
        for whose in engine.run(f"SELECT operator_id, {key} AS record FROM '{path}'"):
            row = rows[whose["record"]]
            if datetime.fromisoformat(row["properties"]["createdate"]) < T:
                closed, won, status = (
                    _then(row, name) for name in ("hs_is_closed", "hs_is_closed_won", "contact_status")
                )
                for place, counts in enumerate((closed == "false", won == "true", status == "left")):
                    found[whose["operator_id"]][place] += counts
    return {operator: (one[0], one[1], one[2]) for operator, one in found.items()}


def _then(row: dict[str, Any], name: str) -> str | None:
    versions = history(row, [name])[name]
    return next((one["value"] for one in versions if datetime.fromisoformat(one["timestamp"]) < T), None)


def _at(record: Mapping[str, Any], name: str = "created_at") -> datetime:
    return datetime.fromisoformat(record[name])


def _related(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("deals_open", "deals_won", "contacts_left"))


def test_before_the_first_sync_no_cancellation_is_told_and_invoices_deals_and_contacts_are_those_of_the_date(
    engine: DuckDB, world: Dataset, portfolio_settings: Settings
) -> None:
    found = told(engine, Lake(portfolio_settings.lake_folder).tables())
    assert {row["pending_cancellation"] for row in found.values()} == {None}
    related = in_hubspot(world, Lake(portfolio_settings.lake_folder).tables(), engine)
    assert {operator: _related(found[operator]) for operator in related} == related
    assert [sum(one[place] > 0 for one in related.values()) > 5 for place in range(3)] == [True] * 3
    true = {operator.lower(): count for operator, count in overdue(world).items()}
    mine = {operator: row["overdue_invoices"] for operator, row in found.items() if row["overdue_invoices"]}
    assert sum(true.values()) > 20
    assert mine == true


def test_after_a_sync_the_pending_cancellations_are_those_announced_by_then(
    engine: DuckDB, world: Dataset, portfolio_settings: Settings, tmp_path: Path
) -> None:
    """As if the lake had been pulled six hours before the date, and again today."""
    known = Lake(portfolio_settings.lake_folder)
    leaving = announced(world)
    assert len(leaving) > 3
    with Lake(tmp_path / "lake").writing() as lake, DuckDB(Room(reach=(tmp_path, known.folder))) as own:
        made = {}
        for name in BILLING:
            file, _ = lake.fresh("tables", name)
            (path,) = known.tables().files[name].paths
            shutil.copyfile(path, lake.path(file))
            one = known.state().tables[name]
            made[name] = StoredTable((file,), one.rows, one.digest, one.receipts, since=SYNCED, until=SYNCED)
        before, _ = lake.fresh("tables", "subscription")
        own.attach("now", [lake.path(made["subscription"].files[0])], _columns())
        own.create(
            "leaving",
            {"operator_id": "VARCHAR", "ends_at": "TIMESTAMP"},
            [{"operator_id": o, "ends_at": e} for o, e in leaving.items()],
        )
        own.export(_AS_OF_THEN, lake.path(before), {"t": T})
        old = StoredTable((before,), 1, "before", (), since=SYNCED, until=SYNCED)
        now = replace(made["subscription"], since=datetime(2026, 11, 1, tzinfo=UTC))
        made["subscription"] = succeeded(lake, own, "subscription", old, now)
        lake.put_tables(made, {})
    tables = Lake(tmp_path / "lake").tables()
    assert "subscription" not in tables.at(T, PATIENCE).rewound
    simulated = {row["operator_id"] for row in world.truth if row["scenario"] is None}
    found = {o for o, row in told(engine, tables).items() if row["pending_cancellation"] and o in simulated}
    assert found == set(leaving)


def _columns() -> Mapping[str, str]:
    from customer_research.engines.rows import canonical_columns

    return canonical_columns("subscription")


_AS_OF_THEN = """
SELECT s.* REPLACE (
    CASE WHEN s.terminated_at > $t THEN 'active' ELSE s.status END AS status,
    CASE WHEN s.terminated_at > $t THEN NULL ELSE s.terminated_at END AS terminated_at,
    CASE WHEN s.started_at <= $t AND (s.terminated_at IS NULL OR s.terminated_at > $t) THEN l.ends_at END AS ending_at
)
FROM now AS s
LEFT JOIN leaving AS l ON l.operator_id = s.operator_id
WHERE s.created_at < $t
"""

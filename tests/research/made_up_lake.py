"""A small lake whose operators have stories that a score can tell, and settings that name nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from portfolio_cases import Gaps, Row, Tables, written

from customer_research.lake import Lake, StoredTable
from customer_research.settings import Settings, load_settings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
STEADY, STOPPED, LATE = "op-steady", "op-stopped", "op-late"
_EXTRA = {STOPPED: (10,), LATE: (8, 12)}
"""Days ago of invoices beside the monthly ones."""
NAMES = {STEADY: "Steady Limo", STOPPED: "Stopped Limo", LATE: "Late Livery"}


def settings_in(folder: Path) -> Settings:
    """Settings of a lake and a store below a folder, with a fixed clock and no source."""
    return load_settings(settings_file(folder))


def settings_file(folder: Path) -> Path:
    """The same as a file, for programs of their own."""
    path = folder / "settings.toml"
    lines = (
        f'clock = "{NOW.isoformat()}"',
        f"[lake]\nfolder = '{folder / 'lake'}'",
        f"[store]\nurl = 'sqlite:///{folder / 'store.db'}'",
        "[engine]\nmemory_mb = 300\nthreads = 1",
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def fill(lake: Path, tables: Tables, gaps: Gaps | None = None) -> None:
    """Make these tables what the lake has, with what is unknown of whom."""
    aside = lake.with_name(f"{lake.name}-aside")
    found = written(aside, tables, gaps or {})
    with Lake(lake).writing() as writer:
        made = {}
        for name, file in found.files.items():
            there, _ = writer.fresh("tables", name)
            shutil.copyfile(file.paths[0], writer.path(there))
            made[name] = StoredTable((there,), file.rows, file.digest, file.receipts)
        writer.put_tables(made, {})


def stories() -> dict[str, list[Row]]:
    """One who books as ever, one who stopped 33 days ago and whose payments fail since, one with unpaid invoices of the last weeks."""
    return {
        "operator": [
            {"operator_id": operator, "name": name, "created_at": NOW - timedelta(days=700)}
            for operator, name in NAMES.items()
        ],
        "subscription": [_subscription(operator) for operator in NAMES],
        "reservation": [row for operator in NAMES for row in _reservations(operator)],
        "invoice": [row for operator in NAMES for row in _invoices(operator)],
    }


def _subscription(operator: str) -> Row:
    began = NOW - timedelta(days=690)
    return {
        "operator_id": operator,
        "subscription_id": f"subscription-{operator}",
        "plan_code": "pro-monthly",
        "plan_name": "Pro",
        "interval": "monthly",
        "status": "active",
        "amount_minor": 19900,
        "monthly_minor": 19900,
        "currency": "USD",
        "is_base": True,
        "created_at": began,
        "subscription_at": began,
        "started_at": began,
    }


def _reservations(operator: str) -> Iterator[Row]:
    for number in range(300):
        ago = 2 * number + 1
        if operator == STOPPED and ago < 33:
            continue
        yield {
            "operator_id": operator,
            "trip_id": f"{operator}-{number}",
            "status": "completed",
            "created_at": NOW - timedelta(days=ago + 1),
            "pickup_at": NOW - timedelta(days=ago),
            "total_minor": 12_000,
            "paid_minor": 12_000,
            "due_minor": 0,
            "currency": "USD",
        }


def _invoices(operator: str) -> Iterator[Row]:
    for days in (*range(20, 600, 30), *_EXTRA.get(operator, ())):
        issued, new = NOW - timedelta(days=days), days <= 20
        yield {
            "operator_id": operator,
            "invoice_id": f"{operator}-{days}",
            "number": f"{operator}-{days}",
            "invoice_type": "subscription",
            "status": "finalized",
            "payment_status": {STOPPED: "failed", LATE: "pending"}.get(operator, "succeeded") if new else "succeeded",
            "payment_overdue": new and operator == LATE,
            "currency": "USD",
            "total_minor": 19_900,
            "due_minor": 19_900 if new and operator != STEADY else 0,
            "issuing_date": issued.date(),
            "payment_due_date": (issued + timedelta(days=5)).date(),
            "created_at": issued,
            "updated_at": issued,
        }

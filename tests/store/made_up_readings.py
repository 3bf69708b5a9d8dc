"""Made-up snapshots and readings, and the databases that the store's tests run on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import psycopg
from places import place

from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.snapshot import Reading, Snapshot

Database = Literal["sqlite", "postgres"]
DATABASES: tuple[Database, ...] = ("sqlite", "postgres")
NOW = datetime(2026, 11, 1, 6, 30, 0, 125, tzinfo=UTC)
DIGEST = "c" * 64
BANDS = ("healthy", "monitor", "at_risk", "critical")


def server(database: Database, folder: Path) -> str:
    """Where stores can be made: a folder, or a Postgres server."""
    return f"sqlite:///{folder}" if database == "sqlite" else place("postgres")


def new_url(server_url: str) -> str:
    """The URL of a store that is not there yet, on that server."""
    name = f"store_{uuid4().hex[:12]}"
    if server_url.startswith("sqlite"):
        return f"{server_url}/{name}/of/ours.db"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server_url.rpartition('/')[0]}/{name}"


def receipt(name: str, **changes: Any) -> Receipt:
    values: dict[str, Any] = {
        "id": name,
        "source": "lago",
        "stream": "invoices",
        "query": "GET /invoices?page=1\nGET /invoices?page=2",
        "fetched_at": NOW,
        "rows": 12,
        "digest": hashlib.sha256(name.encode()).hexdigest(),
        "requests": 2,
        "place": "https://api.example.com",
        "parameters": (("as_of", "2026-11-01"), ("operator", "é")),
    }
    return Receipt(**{**values, **changes})


def snapshot(as_of: datetime = NOW, **changes: Any) -> Snapshot:
    digest = changes.get("digest", DIGEST)
    values: dict[str, Any] = {
        "id": hashlib.sha256(f"{as_of}|{digest}|{changes.get('tables', '')}".encode()).hexdigest()[:16],
        "kind": "scored",
        "as_of": as_of,
        "taken_at": as_of + timedelta(minutes=5),
        "scorecard": "canonical",
        "version": "1",
        "digest": digest,
        "tables": "d" * 64,
        "engine": "duckdb",
        "operators": 3,
        "place": "snapshots/x",
        "receipts": (receipt("tables"), receipt(f"scoring {as_of}", source="portfolio")),
        "gaps": (Gap("notion", "denied", "The token was refused.", "Share the database.", ""),),
    }
    return Snapshot(**{**values, **changes})


def reading(of: Snapshot, operator: int = 1, **changes: Any) -> Reading:
    values: dict[str, Any] = {
        "snapshot": of.id,
        "operator_id": f"operator-{operator:05}",
        "name": f"Limo {operator}",
        "as_of": of.as_of,
        "status": "active",
        "score": 60 + operator % 40,
        "band": BANDS[operator % 4],
        "band_before_gates": "monitor",
        "coverage": 0.85,
        "dimensions": {"payment": 85, "engagement": None, "support": 100},
        "contributions": {"P2": -15, "S1": None, "S4": 0},
        "gates": ("overdue_invoice",),
        "findings": ("R1", "R12"),
        "unknown": ("ticket",),
    }
    return Reading(**{**values, **changes})


def many(of: Snapshot, **changes: Mapping[str, Any]) -> list[Reading]:
    """As many readings as the snapshot says."""
    return [reading(of, number, **changes) for number in range(of.operators)]

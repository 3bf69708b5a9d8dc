"""Small tables and the metrics they give: what the tests of the metric queries share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from customer_research.domain.catalogue import ACCOUNT_TABLE, SUBJECTS
from customer_research.engines.duckdb import Memory
from customer_research.metrics.queries import account_columns, subject_sql

T = datetime(2026, 3, 15, 12, tzinfo=UTC)
OP = "op-1"
INSTANT = timedelta(microseconds=1)

Row = Mapping[str, Any]


def ago(days: float = 0, **more: float) -> datetime:
    """The instant so many days (hours, …) before T."""
    return T - timedelta(days=days, **more)


def rows_of(subject: str, as_of: datetime = T, **tables: Sequence[Row]) -> list[dict[str, Any]]:
    """A subject's rows over these tables (others empty); rows without an operator are those of `OP`."""
    with Memory() as memory:
        for name in SUBJECTS[subject].tables:
            memory.load(name, [{"operator_id": OP, **row} for row in tables.pop(name, ())])
        assert not tables, f"{subject} does not read {', '.join(tables)}"
        return memory.run(subject_sql(subject), {"as_of": as_of})


def measure(subject: str, as_of: datetime = T, **tables: Sequence[Row]) -> dict[str, Any]:
    """The one row a subject gives for `OP`."""
    (row,) = rows_of(subject, as_of, **tables)
    assert row["operator_id"] == OP
    return row


def amounts(subject: str, as_of: datetime = T, **tables: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """A subject's rows by currency."""
    return {row["currency"]: row for row in rows_of(subject, as_of, **tables)}


def derive(as_of: datetime = T, **metrics: Any) -> dict[str, Any]:
    """The derived metrics of an operator with these metrics; all others are unknown."""
    with Memory() as memory:
        memory.create(ACCOUNT_TABLE, account_columns(), [{"operator_id": OP, **metrics}])
        (row,) = memory.run(subject_sql("derived"), {"as_of": as_of})
    return row


def numbered(key: str, rows: Sequence[Row]) -> list[Row]:
    """The rows with a running id where they have none."""
    return [{key: f"{key}-{index:03}", **row} for index, row in enumerate(rows)]

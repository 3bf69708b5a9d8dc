"""The store's tables as SQLAlchemy knows them; `migrations/versions` make them, and a test compares the two.

Readings are many (operators x snapshots), so that a row holds numbers of snapshot and operator instead of their ids, lists
and mappings as compact JSON, and `band_count` has each snapshot's sums ready: no average over time reads all readings.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


def storable(text: str) -> str:
    """Text that any database holds: Postgres has no place for the sign of number 0."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


class Instant(TypeDecorator[datetime]):
    """An instant: UTC-aware on this side; SQLite, which knows no time zones, keeps UTC as it stands."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database.

        Raises:
            ValueError: an instant without a time zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant needs a time zone.")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Compact(TypeDecorator[Any]):
    """Plain values as JSON without blanks, in the order given."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """To the database."""
        del dialect
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("\0", "\\u0000")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """From the database."""
        del dialect
        return None if value is None else json.loads(value)


METADATA = MetaData()

scorecard = Table(
    "scorecard",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    comment="Scorecards as they were when something was scored under them (TOML).",
)

receipt = Table(
    "receipt",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("content", Compact, nullable=False),
    comment="Receipts by the digest of what they say: snapshots of the same tables share them.",
)

snapshot = Table(
    "snapshot",
    METADATA,
    Column("no", Integer, primary_key=True, autoincrement=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("scorecard", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("tables", String(64), nullable=False),
    Column("engine", Text, nullable=False),
    Column("operators", Integer, nullable=False),
    Column("place", Text, nullable=False),
    Column("receipts", Compact, nullable=False),
    Column("gaps", Compact, nullable=False),
    Index("snapshot_by_time", "as_of", "taken_at"),
    comment="Portfolios scored at one instant under one scorecard.",
)

operator = Table(
    "operator",
    METADATA,
    Column("no", Integer, primary_key=True, autoincrement=True),
    Column("operator_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("operator_id", "name", name="operator_by_id"),
    comment="Operators under the names they had; one that was renamed has several.",
)

reading = Table(
    "reading",
    METADATA,
    Column("snapshot_no", ForeignKey("snapshot.no", ondelete="CASCADE"), primary_key=True),
    Column("operator_no", ForeignKey("operator.no"), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("score", SmallInteger),
    Column("band", String(16), nullable=False),
    Column("band_before_gates", String(16), nullable=False),
    Column("coverage", Double, nullable=False),
    Column("dimensions", Compact, nullable=False),
    Column("contributions", Compact, nullable=False),
    Column("gates", Compact, nullable=False),
    Column("findings", Compact, nullable=False),
    Column("unknown", Compact, nullable=False),
    Column("highest", SmallInteger),
    # numbers of snapshots stand for their instants: a series joins the few snapshots there are
    Index("reading_by_operator", "operator_no", "snapshot_no"),
    Index("reading_by_band", "snapshot_no", "band"),
    comment="One operator's line in a snapshot.",
    sqlite_with_rowid=False,
)

band_count = Table(
    "band_count",
    METADATA,
    Column("snapshot_no", ForeignKey("snapshot.no", ondelete="CASCADE"), primary_key=True),
    Column("status", String(16), primary_key=True),
    Column("band", String(16), primary_key=True),
    Column("operators", Integer, nullable=False),
    Column("scored", Integer, nullable=False),
    Column("score_sum", Integer, nullable=False),
    comment="How many readings of a snapshot stand where, how many have a score, and the sum of these.",
    sqlite_with_rowid=False,
)

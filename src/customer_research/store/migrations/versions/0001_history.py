"""Score history: scorecards, snapshots, readings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of score history."""
    op.create_table(
        "scorecard",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        comment="Scorecards as they were when something was scored under them (TOML).",
    )
    op.create_table(
        "receipt",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        comment="Receipts by the digest of what they say: snapshots of the same tables share them.",
    )
    op.create_table(
        "snapshot",
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(16), nullable=False, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scorecard", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("tables", sa.String(64), nullable=False),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("operators", sa.Integer, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("receipts", sa.Text, nullable=False),
        sa.Column("gaps", sa.Text, nullable=False),
        comment="Portfolios scored at one instant under one scorecard.",
    )
    op.create_index("snapshot_by_time", "snapshot", ["as_of", "taken_at"])
    op.create_table(
        "operator",
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("operator_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.UniqueConstraint("operator_id", "name", name="operator_by_id"),
        comment="Operators under the names they had; one that was renamed has several.",
    )
    _create_readings()


def _create_readings() -> None:
    op.create_table(
        "reading",
        sa.Column("snapshot_no", sa.Integer, sa.ForeignKey("snapshot.no", ondelete="CASCADE"), primary_key=True),
        sa.Column("operator_no", sa.Integer, sa.ForeignKey("operator.no"), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("score", sa.SmallInteger),
        sa.Column("band", sa.String(16), nullable=False),
        sa.Column("band_before_gates", sa.String(16), nullable=False),
        sa.Column("coverage", sa.Double, nullable=False),
        sa.Column("dimensions", sa.Text, nullable=False),
        sa.Column("contributions", sa.Text, nullable=False),
        sa.Column("gates", sa.Text, nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
        sa.Column("unknown", sa.Text, nullable=False),
        comment="One operator's line in a snapshot.",
        sqlite_with_rowid=False,
    )
    op.create_index("reading_by_operator", "reading", ["operator_no", "snapshot_no"])
    op.create_index("reading_by_band", "reading", ["snapshot_no", "band"])
    op.create_table(
        "band_count",
        sa.Column("snapshot_no", sa.Integer, sa.ForeignKey("snapshot.no", ondelete="CASCADE"), primary_key=True),
        sa.Column("status", sa.String(16), primary_key=True),
        sa.Column("band", sa.String(16), primary_key=True),
        sa.Column("operators", sa.Integer, nullable=False),
        sa.Column("scored", sa.Integer, nullable=False),
        sa.Column("score_sum", sa.Integer, nullable=False),
        comment="How many readings of a snapshot stand where, how many have a score, and the sum of these.",
        sqlite_with_rowid=False,
    )

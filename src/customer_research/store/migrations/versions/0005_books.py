"""Books: each operator's line in the lists of a snapshot, and which snapshot somebody looked at last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables of books."""
    op.create_table(
        "book",
        sa.Column("snapshot_no", sa.Integer, sa.ForeignKey("snapshot.no", ondelete="CASCADE"), primary_key=True),
        sa.Column("present", sa.Integer, nullable=False),
        sa.Column("meetings", sa.Text, nullable=False),
        sa.Column("freshness", sa.Text, nullable=False),
        comment="Snapshots whose lines are kept ready: how many operators are present, planned meetings, how sources answered.",
    )
    op.create_table(
        "book_line",
        sa.Column("snapshot_no", sa.Integer, sa.ForeignKey("book.snapshot_no", ondelete="CASCADE"), primary_key=True),
        sa.Column("operator_id", sa.Text, primary_key=True),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("urgency", sa.SmallInteger, nullable=False),
        sa.Column("worth", sa.Double),
        sa.Column("ends_on", sa.Date),
        sa.Column("renews_on", sa.Date),
        sa.Column("bills_on", sa.Date),
        sa.Column("line", sa.Text, nullable=False),
        comment="One operator as lists show it; the rest of the line is JSON, its receipts by their place in the snapshot's.",
        sqlite_with_rowid=False,
    )
    op.create_index("book_line_by_owner", "book_line", ["snapshot_no", "owner_id"])
    op.create_table(
        "look",
        sa.Column("who", sa.Text, primary_key=True),
        sa.Column("snapshot", sa.String(16), nullable=False),
        sa.Column("before", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        comment="Whose book was looked at last in which snapshot, and in which before that (empty: in none).",
    )

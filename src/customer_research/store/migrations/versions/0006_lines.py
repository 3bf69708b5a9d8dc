"""Lines that lists choose and order by, and the sums of each owner; what was kept ready is made anew when it is asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables of books anew."""
    op.drop_table("book_line")
    op.drop_table("book")
    op.create_table(
        "book",
        sa.Column("snapshot_no", sa.Integer, sa.ForeignKey("snapshot.no", ondelete="CASCADE"), primary_key=True),
        sa.Column("made_with", sa.String(64), nullable=False),
        sa.Column("present", sa.Integer, nullable=False),
        sa.Column("meetings", sa.Text, nullable=False),
        sa.Column("freshness", sa.Text, nullable=False),
        comment="Snapshots whose lines are kept ready: what they were made with (digest), how many operators are present, "
        "planned meetings, how sources answered.",
    )
    op.create_table(
        "book_owner",
        sa.Column("snapshot_no", sa.Integer, sa.ForeignKey("book.snapshot_no", ondelete="CASCADE"), primary_key=True),
        sa.Column("owner_id", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        comment="The sums over an account owner's operators that are present; an empty id: nobody's.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "book_line",
        sa.Column("snapshot_no", sa.Integer, sa.ForeignKey("book.snapshot_no", ondelete="CASCADE"), primary_key=True),
        sa.Column("operator_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("segment", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("band", sa.String(16), nullable=False),
        sa.Column("score", sa.SmallInteger),
        sa.Column("urgency", sa.SmallInteger, nullable=False),
        sa.Column("attention", sa.SmallInteger, nullable=False),
        sa.Column("mrr", sa.Text, nullable=False),
        sa.Column("worth", sa.BigInteger),
        sa.Column("usd", sa.BigInteger),
        sa.Column("trend", sa.Double),
        sa.Column("findings", sa.Text, nullable=False),
        sa.Column("ends_on", sa.Date),
        sa.Column("renews_on", sa.Date),
        sa.Column("bills_on", sa.Date),
        sa.Column("line", sa.Text, nullable=False),
        comment="One operator as lists show it; the rest of the line is JSON, its receipts by their place in the snapshot's.",
        sqlite_with_rowid=False,
    )
    op.create_index("book_line_by_owner", "book_line", ["snapshot_no", "owner_id"])
    op.create_table(
        "alert_rules",
        sa.Column("made_with", sa.String(64), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        comment="The alert rules in words, by a digest of what they were made with.",
    )

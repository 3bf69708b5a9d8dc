"""The outbox: messages to people and programs, each delivered once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table of deliveries."""
    op.create_table(
        "outbox",
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("content", sa.Text),
        sa.Column("elsewhere", sa.Text, nullable=False),
        sa.Column("after", sa.String(32), nullable=False),
        sa.Column("updates", sa.String(32), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("put_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("begun_at", sa.DateTime(timezone=True)),
        sa.Column("insisted", sa.Boolean, nullable=False),
        sa.Column("remote", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.UniqueConstraint("key", name="outbox_by_key"),
        comment="Messages to people and programs: what is sent, where it goes, how far it has come. Content: what is sent, "
        "until it is forgotten.",
    )
    op.create_index("outbox_by_time", "outbox", ["state", "due"])
    op.create_index("outbox_by_change", "outbox", ["changed_at"])
    op.create_index("outbox_by_thread", "outbox", ["after"])
    op.create_index("outbox_by_original", "outbox", ["updates"])

"""What people decided of matches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the table; nothing has been decided yet."""
    op.create_table(
        "match_decision",
        sa.Column("table", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("operator_id", sa.Text, primary_key=True),
        sa.Column("ruling", sa.String(10), nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        comment="Whether a vendor's record is an operator's, where somebody decided it; open: it was taken back.",
    )

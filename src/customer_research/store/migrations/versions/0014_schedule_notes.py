"""A sentence at the head of a schedule's messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column; schedules that are there have none."""
    op.add_column("schedule", sa.Column("note", sa.Text, nullable=False, server_default=""))

"""Exports: which page of which place holds which report, so that the next export finds it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of exports."""
    op.create_table(
        "export_page",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("page", sa.Text, nullable=False),
        sa.Column("report", sa.String(64), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        comment="Reports that were written to pages outside: place and key, the page, and what it held after our last write.",
    )

"""Company facts: what others say of operators' firms, what was asked in vain, what was spent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the tables; nothing has been fetched yet."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "firm_fact",
        sa.Column("operator_id", sa.Text, primary_key=True),
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("field", sa.String(40), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("unit", sa.String(20), nullable=False),
        sa.Column("provider_id", sa.Text, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("likelihood", sa.Double),
        sa.Column("matched_by", sa.String(30), nullable=False),
        sa.Column("observed_at", instant),
        sa.Column("fetched_at", instant, nullable=False),
        sa.Column("expires_at", instant),
        sa.Column("is_erased", sa.Boolean, nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
        comment="What others say of operators' firms; a value that was deleted on its day is null.",
    )
    op.create_index("firm_fact_by_record", "firm_fact", ["provider", "provider_id"])
    op.create_table(
        "firm_miss",
        sa.Column("operator_id", sa.Text, primary_key=True),
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("asked", sa.String(64), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("until", instant, nullable=False),
        comment="Firms that a provider did not know, and until when it is not asked again by what was known of them (its digest).",
    )
    op.create_table(
        "firm_budget",
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("spent", sa.Integer, nullable=False),
        sa.Column("reserved", sa.Integer, nullable=False),
        comment="Credits of a calendar month (UTC): spent, and reserved by calls whose end is not known.",
    )

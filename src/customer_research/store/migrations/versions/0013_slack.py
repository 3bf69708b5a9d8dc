"""Slack: who may ask there, and which of its requests have been taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables of people and requests."""
    op.create_table(
        "slack_person",
        sa.Column("email", sa.Text, primary_key=True),
        sa.Column("permissions", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("alone", sa.Boolean, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        comment="Who may ask in Slack, by e-mail address: what they may, whose operators they see, who they are there.",
    )
    op.create_table(
        "slack_request",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        comment="Requests of Slack's that were taken (SHA-256 of what names them): each is done once. Kept for a day.",
    )
    op.create_index("ix_slack_request_at", "slack_request", ["at"])

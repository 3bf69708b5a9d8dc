"""Schedules with their runs, and how people want to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables of schedules, runs and people."""
    op.create_table(
        "schedule",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("use_case", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("cron", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("after", sa.String(60), nullable=False),
        sa.Column("late_seconds", sa.Integer, nullable=False),
        sa.Column("recipients", sa.Text, nullable=False),
        sa.Column("failures_to", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("rights", sa.Text, nullable=False),
        sa.Column("book", sa.Text, nullable=False),
        comment="What is done at which local times, for whom, and with whose rights.",
    )
    op.create_table(
        "schedule_run",
        sa.Column("schedule", sa.String(60), sa.ForeignKey("schedule.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("asked", sa.Boolean, nullable=False),
        sa.Column("passed_over", sa.Integer, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        comment="Runs: one for each schedule and planned instant, whichever process does it.",
        sqlite_with_rowid=False,
    )
    op.create_index("schedule_run_by_state", "schedule_run", ["state", "lease_until"])
    op.create_table(
        "person",
        sa.Column("email", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("second", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("quiet_from", sa.String(5), nullable=False),
        sa.Column("quiet_until", sa.String(5), nullable=False),
        sa.Column("muted", sa.Text, nullable=False),
        comment="Our own people whom messages come to: where, by which clock, and when not.",
    )
    op.create_index("ix_person_owner_id", "person", ["owner_id"])

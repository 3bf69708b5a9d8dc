"""Meetings: entries of calendars, how each calendar answered, and what was told of meetings beforehand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "meeting_entry",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("meeting", sa.String(16), nullable=False),
        sa.Column("calendar", sa.Text, nullable=False),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("original", sa.DateTime(timezone=True)),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("operators", sa.Text, nullable=False),
        sa.Column("domains", sa.Text, nullable=False),
        sa.Column("all_day", sa.Boolean, nullable=False),
        sa.Column("zone_unknown", sa.Boolean, nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        comment="Entries of calendars that may be meetings with operators, and the meeting that each is of. Titles only where "
        "an operator is known.",
    )
    op.create_index("meeting_entry_by_time", "meeting_entry", ["starts_at"])
    op.create_index("meeting_entry_by_meeting", "meeting_entry", ["meeting"])
    op.create_index("meeting_entry_by_calendar", "meeting_entry", ["calendar"])
    op.create_table(
        "calendar_reading",
        sa.Column("calendar", sa.Text, primary_key=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("internal", sa.Integer, nullable=False),
        sa.Column("private", sa.Integer, nullable=False),
        sa.Column("gaps", sa.Text, nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        comment="How each calendar answered when it was last asked, and when it last answered.",
    )
    op.create_table(
        "meeting_brief",
        sa.Column("meeting", sa.String(16), primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("lead", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("keys", sa.Text, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.String(16), nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("put_at", sa.DateTime(timezone=True), nullable=False),
        comment="Briefs before meetings: which messages of the outbox (by operator), to whom, how many minutes before, of which "
        "time, and how often they were changed.",
    )

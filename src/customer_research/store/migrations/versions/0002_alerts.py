"""Alerts: snapshots that were judged, episodes, and their append-only audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEPT = "what happened to alerts is kept for ever"


def upgrade() -> None:
    """Make the tables of alerts."""
    op.create_table(
        "alert_evaluation",
        sa.Column("snapshot", sa.String(16), primary_key=True),
        sa.Column("rules", sa.String(64), primary_key=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=False),
        comment="Snapshots that were judged, and under which rules (digest).",
    )
    op.create_index("ix_alert_evaluation_as_of", "alert_evaluation", ["as_of"])
    _create_episodes()
    _create_events()


def _create_episodes() -> None:
    op.create_table(
        "alert_episode",
        sa.Column("id", sa.String(12), primary_key=True),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_in", sa.String(16), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_in", sa.String(16), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True)),
        sa.Column("cleared_in", sa.String(16)),
        sa.Column("cleared_because", sa.Text, nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
        sa.Column("acknowledged_by", sa.Text, nullable=False),
        sa.Column("snoozed_until", sa.DateTime(timezone=True)),
        sa.Column("assignee", sa.Text, nullable=False),
        sa.CheckConstraint("(cleared_at IS NULL) = (cleared_in IS NULL)", name="alert_episode_cleared_somewhere"),
        sa.UniqueConstraint("rule", "subject", "number", name="alert_episode_once"),
        comment="Alerts: one rule's about one operator or source, from raising to clearing.",
    )
    op.create_index(
        "alert_episode_one_open",
        "alert_episode",
        ["rule", "subject"],
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )


def _create_events() -> None:
    op.create_table(
        "alert_event",
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("episode", sa.String(12), sa.ForeignKey("alert_episode.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True)),
        sa.Column("snapshot", sa.String(16)),
        comment="What happened to alerts, and who did it: rows are added, never changed or removed.",
    )
    op.create_index("ix_alert_event_episode", "alert_event", ["episode"])
    for statement in _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


_SQLITE = tuple(
    f"CREATE TRIGGER alert_event_no_{verb.lower()} BEFORE {verb} ON alert_event "
    f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
    for verb in ("UPDATE", "DELETE")
)
_FUNCTION = (
    f"CREATE FUNCTION alert_event_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{KEPT}'; END $$"
)
_TRIGGER = (
    "CREATE TRIGGER alert_event_kept BEFORE UPDATE OR DELETE ON alert_event "
    "FOR EACH ROW EXECUTE FUNCTION alert_event_kept()"
)
_POSTGRES = (_FUNCTION, _TRIGGER)

"""Outcomes: what people record of accounts (interventions, churn and its reason), append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEPT = "what was recorded of an account is kept for ever"


def upgrade() -> None:
    """Make the table of outcomes."""
    op.create_table(
        "outcome",
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(12), nullable=False, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("operator_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("happened_on", sa.Date, nullable=False),
        sa.Column("what", sa.String(24), nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("secondary", sa.String(24), nullable=False),
        sa.Column("churn_kind", sa.String(16), nullable=False),
        sa.Column("competitor", sa.Text, nullable=False),
        sa.Column("lost_minor", sa.BigInteger),
        sa.Column("returns", sa.Boolean),
        sa.Column("retracts", sa.String(12), nullable=False),
        comment="What people recorded of accounts: interventions and churn. Rows are added, never changed or removed.",
    )
    op.create_index("ix_outcome_operator_id", "outcome", ["operator_id"])
    for statement in _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


_SQLITE = tuple(
    f"CREATE TRIGGER outcome_no_{verb.lower()} BEFORE {verb} ON outcome BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
    for verb in ("UPDATE", "DELETE")
)
_POSTGRES = (
    f"CREATE FUNCTION outcome_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{KEPT}'; END $$",
    "CREATE TRIGGER outcome_kept BEFORE UPDATE OR DELETE ON outcome FOR EACH ROW EXECUTE FUNCTION outcome_kept()",
)

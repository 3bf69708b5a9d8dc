"""Who may ask from outside (API tokens), and the audit of what was asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

KEPT = "what was noted of a call is never changed"


def upgrade() -> None:
    """Make the tables of tokens and calls."""
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(10), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("permissions", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        comment="API tokens: what each grants, and the SHA-256 of its secret.",
    )
    op.create_table(
        "noted_call",
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("surface", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("operator_id", sa.Text, nullable=False),
        sa.Column("receipts", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        comment="Who asked for what of whom, and what came of it; nothing of what was typed. Rows are added, and removed when old.",
    )
    op.create_index("ix_noted_call_at", "noted_call", ["at"])
    op.create_index("noted_call_by_operator", "noted_call", ["operator_id", "at"])
    op.create_index("noted_call_by_actor", "noted_call", ["actor", "at"])
    for statement in _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


_SQLITE = (f"CREATE TRIGGER noted_call_kept BEFORE UPDATE ON noted_call BEGIN SELECT RAISE(ABORT, '{KEPT}'); END",)
_POSTGRES = (
    f"CREATE FUNCTION noted_call_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{KEPT}'; END $$",
    "CREATE TRIGGER noted_call_kept BEFORE UPDATE ON noted_call FOR EACH ROW EXECUTE FUNCTION noted_call_kept()",
)

"""Who signed in by the company's identity provider, which sign-ins have begun, and which account owner is who."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the tables; those who are signed in stay so."""
    for name in ("issuer", "subject"):
        op.add_column("web_session", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("web_session", sa.Column("groups", sa.Text, nullable=False, server_default="[]"))
    op.create_table(
        "web_entering",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        sa.Column("verifier", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        comment="Sign-ins that have begun at the identity provider; of the cookie only the SHA-256. Each is good once.",
    )
    op.create_table(
        "web_identity",
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        comment="Which account owner somebody is: found once by their address, and theirs from then on.",
    )

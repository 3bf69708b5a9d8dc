"""Reviews, the receipts that brought them, how far places were read, and operators' places at Google."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the tables; nothing is kept yet."""
    op.create_table(
        "review",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("about", sa.String(8), nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("operator_id", sa.Text, nullable=False),
        sa.Column("matched_by", sa.String(24), nullable=False),
        sa.Column("firm", sa.Text, nullable=False),
        sa.Column("rating", sa.Double),
        sa.Column("best", sa.Double, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("written_on", sa.Date, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt", sa.String(64), nullable=False),
        comment="What somebody wrote in public: about us, or about an operator; empty operator_id: nobody knows whose it is.",
    )
    op.create_index("ix_review_operator_id", "review", ["operator_id"])
    op.create_table(
        "review_receipt",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("about", sa.String(8), primary_key=True),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        comment="The requests and files that brought reviews.",
    )
    op.create_table(
        "review_pull",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("product", sa.Text, primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("whole_at", sa.DateTime(timezone=True), nullable=False),
        comment="When reviews of a product were last asked for, and when all of them.",
    )
    op.create_table(
        "operator_place",
        sa.Column("operator_id", sa.Text, primary_key=True),
        sa.Column("place_id", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        comment="An operator's place at Google, as somebody confirmed it.",
    )

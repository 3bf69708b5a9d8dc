"""Weekly scores on the lines of lists; lines that were kept ready without them are made anew when they are asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column, and forget what is kept ready."""
    for table in ("book_line", "book_owner", "book"):
        op.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
    op.add_column("book_line", sa.Column("weeks", sa.Text))

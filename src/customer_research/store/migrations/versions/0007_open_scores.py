"""The highest that a score can be, where a silent source leaves it open: such a score is no fall or rise beside another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; of what was kept before it is not known, and reads as settled."""
    op.add_column("reading", sa.Column("highest", sa.SmallInteger))

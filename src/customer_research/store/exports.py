"""Exports in the store: which page holds an operator's report, and what it held when we last wrote it.

The row is written before the call that makes a page and again after it, so that a crash between the two is seen: the state is
still `sending`, and the page is looked for by its key before another one is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from sqlalchemy import Column, String, Table, Text

from customer_research.store.schema import METADATA, Instant

if TYPE_CHECKING:
    from customer_research.store.database import Store

State = Literal["sending", "sent"]

export_page = Table(
    "export_page",
    METADATA,
    Column("place", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("state", String(8), nullable=False),
    Column("page", Text, nullable=False),
    Column("report", String(64), nullable=False),
    Column("content", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    comment="Reports that were written to pages outside: place and key, the page, and what it held after our last write.",
)


@dataclass(frozen=True, slots=True)
class Export:
    """One report's page: `place` (a data source) and `key` (operator and kind) name it; `page` is empty until it is known.

    `report` is the digest of what we wrote last, `content` that of what the page held right after (the vendor's own text of
    it), both empty before the first write was done.
    """

    place: str
    key: str
    state: State
    page: str
    report: str
    content: str
    at: datetime


class Exports:
    """The exports of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, place: str, key: str) -> Export | None:
        """The export of that key, or None when there was none."""
        query = sa.select(export_page).where(export_page.c.place == place, export_page.c.key == key)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return Export(**row) if row is not None else None

    def put(self, export: Export) -> None:
        """Write the row of a key, over the one before."""
        names = {column.name: getattr(export, column.name) for column in export_page.columns}
        own = sa.and_(export_page.c.place == export.place, export_page.c.key == export.key)
        with self._store.begin() as connection:
            connection.execute(sa.delete(export_page).where(own))
            connection.execute(sa.insert(export_page).values(**names))

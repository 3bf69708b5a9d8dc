"""What people decided of matches, in the store: one decision a record and operator, the last one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Column, String, Table, Text

from customer_research.domain.match import MatchDecision
from customer_research.store.database import insert_new
from customer_research.store.schema import METADATA, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

match_decision = Table(
    "match_decision",
    METADATA,
    Column("table", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("operator_id", Text, primary_key=True),
    Column("ruling", String(10), nullable=False),
    Column("who", Text, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("note", Text, nullable=False),
    comment="Whether a vendor's record is an operator's, where somebody decided it; open: it was taken back.",
)


class MatchBook:
    """The decisions in a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def decide(self, decision: MatchDecision) -> None:
        """Keep a decision, in the place of an earlier one about the same match."""
        values = {
            name: storable(value) if isinstance(value, str) else value for name, value in asdict(decision).items()
        }
        with self._store.begin() as connection:
            connection.execute(insert_new(connection, match_decision, values))

    def decisions(self, operator_id: str | None = None) -> tuple[MatchDecision, ...]:
        """All decisions, or those about one operator, the newest first; those that were taken back are open."""
        of = match_decision.c
        query = sa.select(match_decision).order_by(of.decided_at.desc(), of.table, of.record_id, of.operator_id)
        if operator_id is not None:
            query = query.where(of.operator_id == operator_id)
        with self._store.read() as connection:
            return tuple(MatchDecision(**row) for row in connection.execute(query).mappings())

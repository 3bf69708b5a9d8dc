"""Stripe fills no table of its own: it is the second source of the card tables, whose home is the warehouse."""

from __future__ import annotations

from customer_research.domain.records import SourceRecords

RECORDS = SourceRecords(
    source="stripe",
    title="Stripe",
    customer_title="Card payments",
    place=8,
    tables={},
    optional=True,
    instead_of=("charge", "dispute"),
)

TABLES = RECORDS.tables

"""The canonical tables of all sources, collected from what each declares (`sources/<name>/records.py`), and those made of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from customer_research.domain.evidence import Gap
from customer_research.domain.records import CanonicalTable, SourceRecords, state_name, tables
from customer_research.sources import records

SOURCES: Mapping[str, SourceRecords] = records()
"""What every source brings, by its name."""

TABLES: Mapping[str, CanonicalTable] = MappingProxyType(
    {name: table for source in SOURCES.values() for name, table in source.tables.items()}
)
"""The canonical tables about an operator's records, by name; metrics read these."""

MATCHED: Mapping[str, str] = MappingProxyType(
    {name: table.key[0] for name, table in TABLES.items() if {"matched_by", "is_certain"} <= set(table.column_names)}
)
"""Tables whose records are an operator's by what they say, with the column that names a record: people may decide whose one is."""

STATES: Mapping[str, str] = MappingProxyType(
    {of: state_name(of) for source in SOURCES.values() for of in source.states}
)
"""Table → the table that tells what its records have been at past instants. Nothing lacks where there is none, but the past."""

SECOND: Mapping[str, str] = MappingProxyType(
    {table: name for name, source in SOURCES.items() for table in source.instead_of}
)
"""Bound table → its second source, which can give its rows in the place of its home."""


def is_off(gap: Gap) -> bool:
    """Whether a gap says no more than that an optional source is not set up: then nothing is lacking."""
    source = SOURCES.get(gap.source)
    return source is not None and source.optional and gap.reason == "not_configured"


LAKE_TABLES: Mapping[str, CanonicalTable] = MappingProxyType(
    {
        **TABLES,
        **tables(
            "warehouse",
            """
            operator [operator_id] one row per operator of the portfolio
                operator_id text the operator
                name text company name: the CSM view's, else the app's, else billing's
                stripe_account text the account whose charges are the operator's; null: it takes no cards
                hubspot_company_id text the HubSpot company that the CSM view names
                known_by texts the systems that know it: csm, app, lago
                created_at timestamp when it became known (earliest of sign-up and billing); null: not told
                fetch_id text receipt
            gap [operator_id table_name] one row per operator and table whose rows are unknown (not: absent)
                operator_id text the operator; null: every operator
                table_name text the canonical table that is unknown
                source text the source that should have told
                reason text unavailable, denied, not_configured, not_applicable, stale, truncated
                detail text why
                next_step text what to do
            """,
        ),
        **{name: table for source in SOURCES.values() for name, table in source.state_tables.items()},
    }
)
"""All canonical tables of a portfolio: `TABLES`, the list of operators, what is unknown of whom, and what records have been."""

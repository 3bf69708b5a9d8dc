"""The columns of the canonical tables that the figures are made of, found in the product's own queries."""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from benchmarks.portfolio_tables import AS_OF
from customer_research.metrics.pinned import pinned
from customer_research.metrics.wide import stages
from customer_research.record_tables import LAKE_TABLES

_SCHEMA: dict[str, object] = {name: dict.fromkeys(table.column_names, "text") for name, table in LAKE_TABLES.items()}


def needed_columns() -> Mapping[str, tuple[str, ...]]:
    """Table → the columns that some figure of the wide table needs; no other column, and no table that only tells gaps."""
    found: dict[str, set[str]] = {}
    for stage in stages()[:-1]:  # the last one puts the others side by side
        query = sqlglot.parse_one(pinned(stage.sql, AS_OF), read="duckdb")
        spelt = pushdown_projections(qualify(query, schema=_SCHEMA, dialect="duckdb", validate_qualify_columns=False))
        for scope in traverse_scope(spelt):
            for alias, source in scope.sources.items():
                if isinstance(source, exp.Table) and source.name in _SCHEMA:
                    named = (column.name for column in scope.columns if column.table == alias)
                    found.setdefault(source.name, set()).update(named)
    return {name: tuple(c for c in LAKE_TABLES[name].column_names if c in columns) for name, columns in found.items()}

"""The canonical tables as anybody may give them: what each column means, and which ones cannot be done without."""

from __future__ import annotations

from functools import cache
from typing import Any

from customer_research.domain.catalogue import SUBJECTS
from customer_research.domain.evidence import Gap
from customer_research.domain.records import CanonicalTable
from customer_research.domain.vocabularies import VOCABULARIES
from customer_research.engines.dialect import names_in
from customer_research.errors import UsageError
from customer_research.metrics.queries import subject_sql
from customer_research.record_tables import LAKE_TABLES


def identity(table: CanonicalTable) -> tuple[str, ...]:
    """The columns that tell a table's rows apart: the operator, where it has one, and the key."""
    owner = ("operator_id",) if "operator_id" in table.column_names else ()
    return tuple(dict.fromkeys((*owner, *table.key)))


@cache
def needed_columns(table: str) -> frozenset[str]:
    """The columns that a table must have: those that tell its rows apart, and those that metrics read.

    A figure made without one of them would be wrong rather than unknown; a column that is there may be empty. One that came
    later (`Column.later`) may be absent, since tables of an earlier version do not have it.
    """
    canonical = LAKE_TABLES[table]
    needed = set(identity(canonical))
    known = {column.name for column in canonical.columns if not column.later}
    for tables, columns in _read():
        if table in tables:
            needed |= columns & known
    return frozenset(needed)


@cache
def _read() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """Tables and columns that each subject's metrics name."""
    return tuple(names_in(subject_sql(name)) for name in SUBJECTS if name != "derived")


def described(table: str = "") -> list[dict[str, Any]]:
    """The canonical tables, or one: name, home, grain, key, columns.

    Each column has its name, type, meaning, whether it is `needed` and `personal`, and the `words` of a closed vocabulary.

    Raises:
        UsageError: for an unknown table.
    """
    if table and table not in LAKE_TABLES:
        raise UsageError(f"There is no canonical table {table[:60]!r}.", hint=f"Known: {', '.join(LAKE_TABLES)}.")
    return [_described(LAKE_TABLES[name]) for name in ([table] if table else LAKE_TABLES)]


def _described(table: CanonicalTable) -> dict[str, Any]:
    needed = needed_columns(table.name)
    return {
        "name": table.name,
        "home": table.home,
        "grain": table.grain,
        "key": list(identity(table)),
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "meaning": column.meaning,
                "needed": column.name in needed,
                "personal": column.personal,
                "words": list(VOCABULARIES.get(f"{table.name}.{column.name}", ())),
            }
            for column in table.columns
        ],
    }


def gap_row(table: str, gap: Gap, operator_id: str | None = None) -> dict[str, str | None]:
    """The row of `gap` that says that a table is unknown of an operator (None: of everybody)."""
    told = {"source": gap.source, "reason": gap.reason, "detail": gap.detail, "next_step": gap.next_step}
    return {"operator_id": operator_id, "table_name": table, **told}

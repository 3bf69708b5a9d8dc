"""What all engines share about rows and values: the canonical columns' SQL types, UTC in and out, needed parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from customer_research.domain.records import SQL_TYPES
from customer_research.errors import EngineError
from customer_research.record_tables import LAKE_TABLES


def canonical_columns(table: str) -> dict[str, str]:
    """The columns of a canonical table: name → SQL type.

    Raises:
        EngineError: for an unknown table.
    """
    canonical = LAKE_TABLES.get(table)
    if canonical is None:
        raise EngineError(f"There is no canonical table {table!r}.", hint=f"Known: {', '.join(LAKE_TABLES)}.")
    return {column.name: SQL_TYPES[column.type] for column in canonical.columns}


def check_columns(table: str, columns: Collection[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse rows with columns that the table does not have.

    Raises:
        EngineError: it names them.
    """
    unknown = sorted({name for row in rows for name in row} - set(columns))
    if unknown:
        raise EngineError(f"The table {table!r} has no column {', '.join(unknown)}.")


def needed(names: Collection[str], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values of a query's parameters, as databases take them; others are left out.

    Raises:
        EngineError: when one is missing.
    """
    values = given if given is not None else {}
    missing = sorted(set(names) - values.keys())
    if missing:
        raise EngineError(f"The query needs a value for ${missing[0]}.")
    return {name: inward(values[name]) for name in names}


def inward(value: Any) -> Any:
    """Aware datetimes as naive UTC; a naive one is refused, since nobody knows what it means."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise EngineError(f"The timestamp {value.isoformat()} has no time zone; give it in UTC.")
        return (value if value.tzinfo is UTC else value.astimezone(UTC)).replace(tzinfo=None)
    return value


def outward(value: Any) -> Any:
    """Timestamps as aware UTC (naive ones are UTC); exact decimals without a fraction as integers, others as floats."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    return value


def named_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as the engines give them: column names in lower case, values `outward`."""
    lower = [name.lower() for name in names]
    return [{name: outward(value) for name, value in zip(lower, row, strict=True)} for row in rows]


def first_line(error: BaseException) -> str:
    """The first line of what a driver says (and the next, where that one ends with a colon), without its final stop.

    The error's type, when it says nothing.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = " ".join(lines[:2] if lines and lines[0].endswith(":") else lines[:1])
    return line.rstrip(".") or type(error).__name__

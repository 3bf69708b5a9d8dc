"""SQL in memory: canonical rows in, metric rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

from customer_research.domain.records import TABLES, ColumnType
from customer_research.errors import EngineError

SQL_TYPES: Mapping[ColumnType, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "texts": "VARCHAR",
}
"""The SQL type of each column type of `domain.records`."""

_OFFLINE = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class Memory:
    """A private in-memory DuckDB without access to files or the network; closed once, or used as a context manager.

    Timestamps go in and come out UTC-aware; inside they are naive UTC. One `Memory` serves one thread at a time.
    """

    def __init__(self) -> None:
        import duckdb  # noqa: PLC0415 - slow to import

        self._failure = duckdb.Error
        self._connection = duckdb.connect(config=dict(_OFFLINE))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop all tables."""
        self._connection.close()

    def load(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Create a canonical table (or create it anew) with these rows; a column absent from a row is null.

        Raises:
            EngineError: for an unknown table, a column the table does not have, or a value of the wrong type.
        """
        canonical = TABLES.get(table)
        if canonical is None:
            raise EngineError(f"There is no canonical table {table!r}.", hint=f"Known: {', '.join(TABLES)}.")
        self.create(table, {column.name: SQL_TYPES[column.type] for column in canonical.columns}, rows)

    def create(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Create a table of these columns (name → SQL type) anew, with these rows; an absent column is null."""
        unknown = sorted({name for row in rows for name in row} - columns.keys())
        if unknown:
            raise EngineError(f"The table {table!r} has no column {', '.join(unknown)}.")
        definition = ", ".join(f"{_quote(name)} {kind}" for name, kind in columns.items())
        self._execute(f"CREATE OR REPLACE TABLE {_quote(table)} ({definition})", {})
        if rows:
            lists = [f"unnest(CAST($c{index} AS {kind}[]))" for index, kind in enumerate(columns.values())]
            values = {f"c{index}": [_inward(row.get(name)) for row in rows] for index, name in enumerate(columns)}
            self._execute(f"INSERT INTO {_quote(table)} SELECT {', '.join(lists)}", values)

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query, column names in lower case; parameters the query does not name are ignored.

        Raises:
            EngineError: when the query does not parse, lacks a parameter, or fails.
        """
        given = parameters if parameters is not None else {}
        needed = self._parameters(sql)
        missing = sorted(needed - given.keys())
        if missing:
            raise EngineError(f"The query needs a value for ${missing[0]}.")
        cursor = self._execute(sql, {name: _inward(given[name]) for name in needed})
        names = [column[0].lower() for column in cursor.description or ()]
        return [{name: _outward(value) for name, value in zip(names, row, strict=True)} for row in cursor.fetchall()]

    def _parameters(self, sql: str) -> set[str]:
        """The names of the parameters of exactly one statement."""
        try:
            statements = self._connection.extract_statements(sql)
        except self._failure as error:
            raise EngineError(f"The query does not parse: {_first_line(error)}") from error
        if len(statements) != 1:
            raise EngineError(f"Expected one query, got {len(statements)} statements.")
        return set(statements[0].named_parameters)

    def _execute(self, sql: str, parameters: Mapping[str, Any]) -> Any:
        try:
            return self._connection.execute(sql, dict(parameters))
        except self._failure as error:
            raise EngineError(f"The query failed in memory: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _inward(value: Any) -> Any:
    """Aware datetimes as naive UTC; a naive one is refused, since nobody knows what it means."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise EngineError(f"The timestamp {value.isoformat()} has no time zone; give it in UTC.")
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _outward(value: Any) -> Any:
    """Naive timestamps as aware UTC; exact decimals without a fraction as integers, others as floats."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value

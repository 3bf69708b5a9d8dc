"""SQL in Postgres: the same queries over temporary tables, or over the tables of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from customer_research.engines.dialect import bindable, column_type, quoted
from customer_research.engines.engine import Engine
from customer_research.engines.rows import (
    check_columns,
    first_line,
    inward,
    missing_driver,
    named_rows,
    needed,
)
from customer_research.errors import EngineError

DIALECT = "postgres"

CONNECT_SECONDS = 20
"""How long a connection may take to come about."""


class Postgres(Engine):
    """One session of a Postgres database (14 or later); see `engines.engine.Engine`.

    Tables given here are temporary: no other session sees them. Their texts are compared by code point (collation `C`), as
    the other engines do; tables of the database keep their own collation. Parameters are bound by the server (`$1`).
    """

    def __init__(self, url: str) -> None:
        try:
            import psycopg  # noqa: PLC0415 - the driver is an extra, and slow to import
        except ImportError as error:
            raise missing_driver(DIALECT, "postgres") from error
        self._failure = psycopg.Error
        try:
            self._connection = psycopg.connect(
                url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                cursor_factory=psycopg.RawCursor,
                options="-c TimeZone=UTC",
            )
        except psycopg.Error as error:
            raise EngineError(f"Postgres cannot be reached: {first_line(error)}.", hint="Check the URL.") from error

    def close(self) -> None:
        """End the session; its tables go with it."""
        self._connection.close()

    def create(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a table of these columns these rows and no others (see `Engine.create`)."""
        check_columns(table, columns, rows)
        name = f"pg_temp.{quoted(table, DIALECT)}"
        listed = ", ".join(quoted(column, DIALECT) for column in columns)
        definition = ", ".join(f"{quoted(column, DIALECT)} {_type(kind)}" for column, kind in columns.items())
        values = [[inward(row.get(column)) for column in columns] for row in rows]
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute(_text(f"DROP TABLE IF EXISTS {name}"))
                cursor.execute(_text(f"CREATE TEMPORARY TABLE {quoted(table, DIALECT)} ({definition})"))
                with cursor.copy(_text(f"COPY {name} ({listed}) FROM STDIN")) as copy:
                    for row in values:
                        copy.write_row(row)
        except self._failure as error:
            raise EngineError(f"The table {table!r} cannot be filled in Postgres: {first_line(error)}.") from error

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query (see `Engine.run`)."""
        text, names = bindable(sql, DIALECT)
        values = needed(names, parameters)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_text(text), [values[name] for name in names])
                columns = [column.name for column in cursor.description or ()]
                return named_rows(columns, cursor.fetchall())
        except self._failure as error:
            raise EngineError(f"The query failed in Postgres: {first_line(error)}.") from error


def _type(kind: str) -> str:
    """A column's type; texts are compared by code point."""
    written = column_type(kind, DIALECT)
    return f'{written} COLLATE "C"' if kind == "VARCHAR" else written


def _text(sql: str) -> bytes:
    """The statement as psycopg takes it: bytes, since its `str` is reserved for literals of the program."""
    return sql.encode()

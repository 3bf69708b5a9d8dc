"""SQL in Postgres: the same queries over temporary tables, or over the tables of the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from customer_research.connect.postgres import FORM, UNREACHABLE, is_postgres, read_address, refused
from customer_research.engines.dialect import column_type, quoted
from customer_research.engines.engine import Room
from customer_research.engines.remote import Answer, Kind, Remote
from customer_research.engines.rows import check_columns, inward, named_rows
from customer_research.errors import ConfigError, EngineError, ExtraMissing

if TYPE_CHECKING:
    from psycopg import Cursor

DIALECT = "postgres"

SETTING = "engine.url"
CONNECT_SECONDS = 20
"""How long a connection may take to come about."""


BLOCK_BYTES = 1 << 20
"""How much of a file is sent at once."""


class Postgres(Remote):
    """One session of a Postgres database (14 or later); see `engines.engine.Engine`.

    Tables given here are temporary: no other session sees them. Their texts are compared by code point (collation `C`), as
    the other engines do; tables of the database keep their own collation. Parameters are bound by the server (`$1`).
    """

    _title, _dialect = "Postgres", DIALECT
    _kinds: ClassVar[Mapping[str, Kind]] = {
        **dict.fromkeys(("int2", "int4", "int8"), "BIGINT"),
        **dict.fromkeys(("float4", "float8"), "DOUBLE"),
        **dict.fromkeys(("text", "varchar", "bpchar", "name"), "VARCHAR"),
        **dict.fromkeys(("timestamp", "timestamptz"), "TIMESTAMP"),
        "numeric": "NUMERIC",
        "bool": "BOOLEAN",
        "date": "DATE",
    }

    def __init__(self, url: str, room: Room | None = None) -> None:
        super().__init__(room or Room())
        try:
            import psycopg  # noqa: PLC0415 - the driver is an extra, and slow to import
            from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415
        except ImportError as error:
            raise ExtraMissing("The engine postgres needs its driver", "postgres") from error
        self._failures = (psycopg.Error,)
        self._asked_before = 0
        try:
            given = read_address(url, SETTING).libpq if is_postgres(url) else conninfo_to_dict(url)
            self._connection = psycopg.connect(
                make_conninfo("", **{"connect_timeout": CONNECT_SECONDS, **given}),
                autocommit=True,
                cursor_factory=psycopg.RawCursor,
                options="-c TimeZone=UTC",
                prepare_threshold=None,  # tables get other columns under their names: a kept plan would fail on them
            )
        except psycopg.ProgrammingError:  # the driver repeats what it cannot read, and that may be the password
            raise ConfigError("The URL of Postgres has another form.", setting=SETTING, hint=FORM) from None
        except psycopg.Error as error:
            does, advice = refused(error, SETTING) or UNREACHABLE
            raise EngineError(f"The engine {DIALECT!r} ({_place(url)}) {does}.", hint=advice) from None

    def close(self) -> None:
        """End the session; its tables go with it."""
        self._connection.close()
        super().close()

    def create(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a table of these columns these rows and no others (see `Engine.create`)."""
        check_columns(table, columns, rows)
        values = [[inward(row.get(column)) for column in columns] for row in rows]
        with self._filling(table) as cursor:
            self._made(cursor, table, {column: _type(kind) for column, kind in columns.items()})
            with cursor.copy(_text(f"COPY {_own(table)} FROM STDIN")) as copy:
                for row in values:
                    copy.write_row(row)

    def _attach(self, table: str, paths: Sequence[Path], columns: Mapping[str, str]) -> None:
        """A table filled from the files, which DuckDB writes as CSV, the form that both know."""
        self._files.attach(table, paths, columns)
        written = self._files.scratch / "attached.csv"
        try:
            self._files.write_csv(table, written)
            with self._filling(table) as cursor:
                self._made(cursor, table, {column: _type(kind) for column, kind in columns.items()})
                copying = _text(f"COPY {_own(table)} FROM STDIN (FORMAT csv, ENCODING 'UTF8')")
                with cursor.copy(copying) as copy, written.open("rb") as file:
                    while block := file.read(BLOCK_BYTES):
                        copy.write(block)
                cursor.execute(_text(f"ANALYZE {_own(table)}"))  # nobody else does it for temporary tables
        finally:
            written.unlink(missing_ok=True)
            self._files.drop(table)

    def keep(self, table: str, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a query once and keep its rows (see `Engine.keep`)."""
        text, given = self._bindable(sql, parameters)
        values = list(given.values())
        with self._filling(table) as cursor:
            cursor.execute(_text(f"SELECT * FROM ({text}) AS kept LIMIT 0"), values)  # noqa: S608 - a query
            columns = {column.name: column.type_display for column in cursor.description or ()}
            collated = {name: f'{kind} COLLATE "C"' if kind in _TEXTS else kind for name, kind in columns.items()}
            self._made(cursor, _KEPT, collated)
            cursor.execute(_text(f"INSERT INTO {_own(_KEPT)} {text}"), values)
            cursor.execute(_text(f"DROP TABLE IF EXISTS {_own(table)}"))
            cursor.execute(_text(f"ALTER TABLE {_own(_KEPT)} RENAME TO {quoted(table, DIALECT)}"))
            cursor.execute(_text(f"ANALYZE {_own(table)}"))

    @contextmanager
    def _filling(self, table: str) -> Iterator[Cursor[Any]]:
        """A transaction that gives a table its rows, or leaves all as it was."""
        with self._giving(table), self._connection.transaction(), self._connection.cursor() as cursor:
            yield cursor
        self._bound.pop(table.lower(), None)

    @staticmethod
    def _made(cursor: Cursor[Any], table: str, types: Mapping[str, str]) -> None:
        """An empty temporary table of these columns (name → type, as Postgres says it)."""
        definition = ", ".join(f"{quoted(column, DIALECT)} {kind}" for column, kind in types.items())
        cursor.execute(_text(f"DROP TABLE IF EXISTS {_own(table)}"))
        cursor.execute(_text(f"CREATE TEMPORARY TABLE {quoted(table, DIALECT)} ({definition})"))

    def _forget(self, table: str) -> None:
        self._connection.execute(_text(f"DROP TABLE IF EXISTS {_own(table)}"))

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query (see `Engine.run`)."""
        text, values = self._bindable(sql, parameters)
        with self._asking(), self._connection.cursor() as cursor:
            cursor.execute(_text(text), list(values.values()))
            return named_rows([column.name for column in cursor.description or ()], cursor.fetchall())

    @contextmanager
    def _asked(self, sql: str, parameters: Mapping[str, Any] | None, size: int) -> Iterator[Answer]:
        """A cursor that the server holds beyond its statement: other statements may come between two batches."""
        from psycopg import RawServerCursor  # noqa: PLC0415 - the driver is an extra, and slow to import

        text, values = self._bindable(sql, parameters)
        self._asked_before += 1
        named = f"asked_{self._asked_before}"
        with self._asking(), RawServerCursor(self._connection, named, withhold=True) as cursor:
            cursor.itersize = size
            cursor.execute(_text(text), list(values.values()))
            yield Answer({column.name: column.type_display for column in cursor.description or ()}, iter(cursor))


def _place(url: str) -> str:
    return read_address(url, SETTING).place if is_postgres(url) else "Postgres"


_KEPT = "kept~"
"""What a kept query's table is called until it is whole."""

_TEXTS = frozenset({"text", "varchar", "bpchar", "name"})


def _own(table: str) -> str:
    """A table of this session, whatever the database has under that name."""
    return f"pg_temp.{quoted(table, DIALECT)}"


def _type(kind: str) -> str:
    """A column's type; texts are compared by code point."""
    written = column_type(kind, DIALECT)
    return f'{written} COLLATE "C"' if kind == "VARCHAR" else written


def _text(sql: str) -> bytes:
    """The statement as psycopg takes it: bytes, since its `str` is reserved for literals of the program."""
    return sql.encode()

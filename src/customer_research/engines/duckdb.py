"""DuckDB: SQL over rows in memory (one operator, answered in milliseconds) and over Parquet files (all of them)."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from customer_research import private
from customer_research.domain.records import literal, quoted
from customer_research.engines.dialect import check_binding
from customer_research.engines.engine import BATCH_ROWS, Engine, Room, beside
from customer_research.engines.rows import check_columns, first_line, inward, named_rows, needed
from customer_research.errors import EngineError, OutOfMemoryError

if TYPE_CHECKING:
    import duckdb

_SHUT_OFF = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
"""Without extensions there is no network."""

_SLOW_RULE = "projection_placement"

PATIENCE_SECONDS = 0.01
"""How long a query that is broken off is waited for before it is told again."""

_WHOLE_NUMBERS = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "UHUGEINT"]
)


@dataclass(slots=True)
class _Table:
    """A table that exists: its columns (name → SQL type), how one row and how many come in, and whether it has any."""

    columns: Mapping[str, str]
    one: duckdb.Statement
    many: duckdb.Statement
    filled: bool = False


class _Instance(Engine):
    """A DuckDB of its own, in memory; timestamps go in and come out UTC-aware, inside they are naive UTC.

    `config` is DuckDB's configuration, `settings` statements that are run first. All tables lie in the main schema, not
    the temporary one, since another connection (a batch that is being read) must see them.
    """

    _place = "DuckDB"

    def __init__(self, config: Mapping[str, str], settings: Sequence[str]) -> None:
        import duckdb  # noqa: PLC0415 - slow to import

        self._failure = duckdb.Error
        self._refusal = duckdb.PermissionException
        self._busy = duckdb.ResourceInUseException
        self._full = duckdb.OutOfMemoryException
        try:
            self._connection = duckdb.connect(config={**_SHUT_OFF, **config})
        except duckdb.Error as error:
            raise EngineError(f"DuckDB cannot be opened: {first_line(error)}.") from error
        self._names: dict[str, Literal["TABLE", "VIEW"]] = {}
        self._tables: dict[str, _Table] = {}
        self._coded = 0
        self._execute("SET enable_progress_bar = false")  # drawn on stdout in notebooks and `python -c`
        for setting in settings:
            self._execute(setting)

    def close(self) -> None:
        """Drop all tables; a query that another thread still runs (its work was cancelled) is broken off first."""
        while True:
            try:
                self._connection.close()
            except self._busy:
                self._connection.interrupt()
                time.sleep(PATIENCE_SECONDS)
            else:
                return

    # -- tables -------------------------------------------------------------------------------------------------------

    def create(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a table of these columns these rows and no others (see `Engine.create`)."""
        check_columns(table, columns, rows)
        values = _by_column(columns, rows)
        self._fill(self._emptied(table, columns), values, len(rows))

    def extend(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a table that was made by `create` more rows.

        Raises:
            EngineError: as `create`, or when there is no such table.
        """
        made = self._tables.get(table)
        if made is None:
            raise EngineError(f"There is no table {table!r} to add rows to.")
        check_columns(table, made.columns, rows)
        self._fill(made, _by_column(made.columns, rows), len(rows))

    def _fill(self, table: _Table, values: Mapping[str, list[Any]], count: int) -> None:
        table.filled = table.filled or count > 0
        if count == 1:
            self._execute(table.one, {name: value for name, (value,) in values.items()})
        elif count:
            self._execute(table.many, values)

    def _emptied(self, table: str, columns: Mapping[str, str]) -> _Table:
        """The table without rows; made anew only when its columns change, so that prepared queries stay valid."""
        known = self._tables.get(table)
        if known is not None and dict(known.columns) == dict(columns):
            if known.filled:
                self._execute(f"TRUNCATE {quoted(table)}")
            known.filled = False
            return known
        definition = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        self._named(table, "TABLE", f"({definition})")
        kinds = list(enumerate(columns.values()))
        one = ", ".join(f"$c{index}" for index, _ in kinds)
        many = ", ".join(f"unnest(CAST($c{index} AS {kind}[]))" for index, kind in kinds)
        into = f"INSERT INTO {quoted(table)}"
        made = _Table(columns, self._parsed(f"{into} VALUES ({one})"), self._parsed(f"{into} SELECT {many}"))
        self._tables[table] = made
        return made

    def _attach(self, table: str, paths: Sequence[Path], columns: Mapping[str, str]) -> None:
        """A view over the files."""
        absent = [path for path in paths if not path.is_file()]  # such a name would be read as a pattern
        if absent:
            raise EngineError(f"The table {table!r} has no file {absent[0]}.")
        listed = ", ".join(literal(str(path)) for path in paths)
        by_name = ", union_by_name = true" if len(paths) > 1 else ""
        files = f"read_parquet([{listed}], hive_partitioning = false{by_name})"
        try:
            there = {name.lower(): kind for name, kind in self.kinds(f"FROM {files}").items()}
        except EngineError as error:
            raise EngineError(
                f"The files of the table {table!r} cannot be read: {first_line(error)}.", hint=error.hint
            ) from error
        taken = ", ".join(f"{_taken(name, there, kind)} AS {quoted(name)}" for name, kind in columns.items())
        self._named(table, "VIEW", f"AS SELECT {taken} FROM {files}")  # noqa: S608 - quoted

    def bind(self, table: str, sql: str) -> None:
        """Give a name to a query: a view (see `Engine.bind`)."""
        check_binding(table, sql)
        self._named(table, "VIEW", f"AS {sql}")

    def keep(self, table: str, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a query once and keep its rows (see `Engine.keep`)."""
        self._execute(f"CREATE OR REPLACE TABLE {_KEPT} AS {sql}", self._needed(sql, parameters))
        self.drop(table)
        self._execute(f"ALTER TABLE {_KEPT} RENAME TO {quoted(table)}")
        self._names[table.lower()] = "TABLE"

    def at_hand(self, tables: Mapping[str, Mapping[str, str]], key: str) -> None:
        """Copies in memory, in the order of the key, whose texts are numbers inside (see `Engine.at_hand`)."""
        self._coded += 1
        kind, column = quoted(f"{key}_code_{self._coded}"), quoted(key)
        keys = " UNION ".join(f"SELECT {column} FROM {quoted(table)} WHERE NOT {column} IS NULL" for table in tables)  # noqa: S608 - quoted
        self._execute(f"CREATE TYPE {kind} AS ENUM (SELECT {column} FROM ({keys}) ORDER BY 1)")  # noqa: S608 - quoted
        for table, columns in tables.items():
            others = "".join(f", {sql} AS {quoted(name)}" for name, sql in columns.items() if name != key)
            coded = f"CAST({column} AS {kind}) AS {column}"
            self.keep(table, f"SELECT {coded}{others} FROM {quoted(table)} ORDER BY {column}")  # noqa: S608 - quoted

    def drop(self, *tables: str) -> None:
        """Forget tables and names given here."""
        for table in tables:
            kind = self._names.pop(table.lower(), None)
            self._tables.pop(table, None)
            if kind is not None:
                self._execute(f"DROP {kind} {quoted(table)}")

    def _named(self, table: str, kind: Literal["TABLE", "VIEW"], definition: str) -> None:
        """Make a table or a view, whatever had the name before."""
        if self._names.get(table.lower(), kind) != kind:
            self.drop(table)
        self._tables.pop(table, None)
        self._execute(f"CREATE OR REPLACE {kind} {quoted(table)} {definition}")
        self._names[table.lower()] = kind

    # -- queries ------------------------------------------------------------------------------------------------------

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query (see `Engine.run`)."""
        cursor = self._cursor(sql, parameters if parameters is not None else {})
        return named_rows([column[0] for column in cursor.description or ()], cursor.fetchall())

    def _cursor(self, sql: str, given: Mapping[str, Any]) -> Any:
        statement = self._parsed(sql)
        return self._execute(statement, needed(statement.named_parameters, given))

    def batches(
        self, sql: str, parameters: Mapping[str, Any] | None = None, size: int = BATCH_ROWS
    ) -> Generator[list[dict[str, Any]], None, None]:
        """The rows of one query, `size` at a time (see `Engine.batches`); other queries may run meanwhile."""
        statement = self._parsed(sql)
        values = needed(statement.named_parameters, parameters)
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement, values)
            names = [column[0] for column in cursor.description or ()]
            while rows := cursor.fetchmany(size):
                yield named_rows(names, rows)
        except self._failure as error:
            raise self._failed(error) from error
        finally:
            cursor.close()

    def export(self, sql: str, path: Path, parameters: Mapping[str, Any] | None = None) -> int:
        """Write the rows of one query to one Parquet file (see `Engine.export`)."""
        values = self._needed(sql, parameters)
        written = {name: _in_file(name, kind) for name, kind in self._kinds(sql, values).items()}
        if any(text != quoted(name.lower()) for name, text in written.items()):
            listed = ", ".join(f"{text} AS {quoted(name.lower())}" for name, text in written.items())
            sql = f"SELECT {listed} FROM ({sql})"  # noqa: S608 - quoted names
        part = beside(path)
        try:
            private.make_file(part)  # DuckDB keeps its permissions
            answer = self._execute(
                f"COPY ({sql}) TO {literal(str(part))} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)", values
            )
            (count,) = answer.fetchone()
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return int(count)

    def kinds(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, str]:
        """The columns that a query gives: name → DuckDB type.

        Raises:
            EngineError: as `run`.
        """
        return self._kinds(sql, self._needed(sql, parameters))

    def _kinds(self, sql: str, values: Mapping[str, Any]) -> dict[str, str]:
        return {str(row[0]): str(row[1]) for row in self._execute(f"DESCRIBE {sql}", values).fetchall()}

    def _needed(self, sql: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        """The parameters of one statement; a text without a mark of a parameter or of a second one is not parsed for it."""
        return needed(self._parsed(sql).named_parameters, parameters) if any(c in sql for c in ";$?") else {}

    def _parsed(self, sql: str) -> duckdb.Statement:
        """Exactly one statement."""
        try:
            statements = self._connection.extract_statements(sql)
        except self._failure as error:
            raise EngineError(f"The query does not parse: {first_line(error)}.") from error
        if len(statements) != 1:
            raise EngineError(f"Expected one query, got {len(statements)} statements.")
        return statements[0]

    def _execute(self, query: str | duckdb.Statement, parameters: Mapping[str, Any] | None = None) -> Any:
        try:
            return self._connection.execute(query, dict(parameters)) if parameters else self._connection.execute(query)
        except self._failure as error:
            raise self._failed(error) from error

    def _failed(self, error: BaseException) -> EngineError:
        if isinstance(error, self._full):
            hint = "Let it use more memory (the setting `engine.memory_mb`)."
            return OutOfMemoryError(f"The query failed in {self._place}: {first_line(error)}.", hint=hint)
        hint = "Name the file's folder when the engine is opened (`reach`)." if isinstance(error, self._refusal) else ""
        return EngineError(f"The query failed in {self._place}: {first_line(error)}.", hint=hint)


class DuckDB(_Instance):
    """DuckDB over the Parquet files of a portfolio: all processors, bounded memory, the rest spilled to disk.

    Files are read and written as `Room.reach` says; nothing else outside is reached. `scratch` is a folder of the
    engine's own, gone when it closes.
    """

    def __init__(self, room: Room | None = None) -> None:
        room = room or Room()
        self._folder = ExitStack()
        self.scratch = self._folder.enter_context(private.scratch_folder(room.folder))
        config = {
            "memory_limit": f"{room.memory_mb}MB",
            "temp_directory": str(self.scratch),
            "preserve_insertion_order": "false",  # queries that need an order say so; the others need less memory
        }
        if room.threads:
            config["threads"] = str(room.threads)
        try:
            super().__init__(config, ["SET GLOBAL TimeZone = 'UTC'", *_reaching(room, self.scratch)])
            self._plan_quickly()
        except BaseException:
            self._folder.close()
            raise

    def _plan_quickly(self) -> None:
        """Without the rule that places projections, where there is one: over a wide table's joins it takes longer than they do."""
        if self.run(f"SELECT name FROM duckdb_optimizers() WHERE name = '{_SLOW_RULE}'"):  # noqa: S608 - ours
            self._execute(f"SET disabled_optimizers = '{_SLOW_RULE}'")

    def write_csv(self, table: str, path: Path) -> None:
        """Write a table's rows as CSV, without a header: every value in quotes, nothing for null.

        Raises:
            EngineError: when the table is not there, or the file cannot be written.
        """
        self._execute(f"COPY {quoted(table)} TO {literal(str(path))} (FORMAT csv, HEADER false, FORCE_QUOTE *)")

    def close(self) -> None:
        """Drop all tables and what was spilled."""
        super().close()
        self._folder.close()


def _reaching(room: Room, scratch: Path) -> Sequence[str]:
    """The settings that lock file access; DuckDB takes none back."""
    if room.reach is None:
        return ()
    folders = [scratch, *([room.folder] if room.folder else []), *(path for path in room.reach if not path.is_file())]
    files = [path for path in room.reach if path.is_file()]
    return (
        f"SET allowed_directories = [{', '.join(literal(str(path.resolve())) for path in folders)}]",
        f"SET allowed_paths = [{', '.join(literal(str(path.resolve())) for path in files)}]",
        "SET enable_external_access = false",
    )


@dataclass(frozen=True, slots=True)
class _Statement:
    """A query that is planned already: its name in the database and the parameters it takes."""

    name: str
    parameters: frozenset[str]


class Memory(_Instance):
    """A private in-memory DuckDB without access to files or the network, for the tables of one operator.

    Parsing and planning a metric query takes ten times as long as running it over one operator's rows. So the optimizer
    is off (plans then depend on the text alone), there is one thread, and queries that come again can be prepared once.
    """

    _place = "memory"

    def __init__(self) -> None:
        self._prepared: dict[str, _Statement] = {}
        self._numbers = count()
        self._outdated: set[str] = set()
        super().__init__({"enable_external_access": "false", "threads": "1"}, ["PRAGMA disable_optimizer"])

    def prepare(self, sql: str) -> None:
        """Plan a query that will be run again and again; its tables must exist. Its parameters can only be instants.

        Raises:
            EngineError: when it does not parse, or names what is not there.
        """
        if sql not in self._prepared:
            prepared = _Statement(f"query_{next(self._numbers)}", frozenset(self._parsed(sql).named_parameters))
            self._execute(f"PREPARE {prepared.name} AS {sql}")
            self._prepared[sql] = prepared

    def _named(self, table: str, kind: Literal["TABLE", "VIEW"], definition: str) -> None:
        """Make a table or a view: from then on DuckDB would plan a prepared query anew each time that it is run."""
        super()._named(table, kind, definition)
        self._outdated.update(self._prepared)

    def drop(self, *tables: str) -> None:
        """Forget tables and names given here."""
        super().drop(*tables)
        self._outdated.update(self._prepared)

    def _cursor(self, sql: str, given: Mapping[str, Any]) -> Any:
        if sql in self._outdated:
            self._outdated.remove(sql)
            self._execute(f"DEALLOCATE {self._prepared.pop(sql).name}")
            self.prepare(sql)
        prepared = self._prepared.get(sql)
        if prepared is not None:
            return self._execute(_execution(prepared, needed(prepared.parameters, given)))
        return super()._cursor(sql, given)


def _by_column(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {f"c{index}": [inward(row.get(name)) for row in rows] for index, name in enumerate(columns)}


def _taken(name: str, there: Mapping[str, str], kind: str) -> str:
    """A column of files as the table has it."""
    found = there.get(name.lower())
    if found is None:
        return f"CAST(NULL AS {kind})"
    value = f"{quoted(name)} AT TIME ZONE 'UTC'" if found == "TIMESTAMP WITH TIME ZONE" else quoted(name)
    return f"CAST({value} AS {kind})"


def _in_file(name: str, kind: str) -> str:
    """A column of an answer as files have it (`Engine.export`)."""
    if kind in _WHOLE_NUMBERS or (kind.startswith("DECIMAL(") and kind.endswith(",0)")):
        return f"CAST({quoted(name)} AS BIGINT)"
    if kind == "FLOAT" or kind.startswith("DECIMAL("):
        return f"CAST({quoted(name)} AS DOUBLE)"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"({quoted(name)} AT TIME ZONE 'UTC')"
    return quoted(name)


def _execution(prepared: _Statement, values: Mapping[str, Any]) -> str:
    """The call of a prepared query; DuckDB takes literals there, no parameters."""
    listed = ", ".join(f"{quoted(name)} := {_literal(value)}" for name, value in values.items())
    return f"EXECUTE {prepared.name}({listed})" if listed else f"EXECUTE {prepared.name}"


def _literal(value: Any) -> str:
    if not isinstance(value, datetime):
        raise EngineError(f"A prepared query takes instants, not a {type(value).__name__}.")
    return f"TIMESTAMP '{value.isoformat(sep=' ')}'"


_KEPT = quoted("kept~")
"""What a kept query's table is called until it is whole."""

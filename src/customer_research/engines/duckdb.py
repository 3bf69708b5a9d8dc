"""SQL in memory: canonical rows in, metric rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from customer_research.engines.engine import Engine
from customer_research.engines.rows import check_columns, first_line, inward, named_rows, needed
from customer_research.errors import EngineError

if TYPE_CHECKING:
    import duckdb

_PRIVATE = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}
"""No files, no network; one thread, since tables of thousands of rows gain nothing from more."""


@dataclass(slots=True)
class _Table:
    """A table that exists: its columns (name → SQL type), how one row and how many come in, and whether it has any."""

    columns: Mapping[str, str]
    one: duckdb.Statement
    many: duckdb.Statement
    filled: bool = False


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A query that is planned already: its name in the database and the parameters it takes."""

    name: str
    parameters: frozenset[str]


class Memory(Engine):
    """A private in-memory DuckDB without access to files or the network; closed once, or used as a context manager.

    Timestamps go in and come out UTC-aware; inside they are naive UTC. One `Memory` serves one thread at a time.

    Parsing and planning a metric query takes ten times as long as running it over one operator's rows. So the optimizer
    is off (plans then depend on the text alone), and queries that come again can be prepared once.
    """

    def __init__(self) -> None:
        import duckdb  # noqa: PLC0415 - slow to import

        self._failure = duckdb.Error
        self._connection = duckdb.connect(config=dict(_PRIVATE))
        self._connection.execute("PRAGMA disable_optimizer")
        self._connection.execute("SET enable_progress_bar = false")  # drawn on stdout in notebooks and `python -c`
        self._tables: dict[str, _Table] = {}
        self._prepared: dict[str, _Prepared] = {}

    def close(self) -> None:
        """Drop all tables."""
        self._connection.close()

    def create(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a table of these columns (name → SQL type) these rows and no others; an absent column is null."""
        check_columns(table, columns, rows)
        values = {f"c{index}": [inward(row.get(name)) for row in rows] for index, name in enumerate(columns)}
        made = self._emptied(table, columns)
        made.filled = bool(rows)
        if len(rows) == 1:
            self._execute(made.one, {name: value for name, (value,) in values.items()})
        elif rows:
            self._execute(made.many, values)

    def _emptied(self, table: str, columns: Mapping[str, str]) -> _Table:
        """The table without rows; made anew only when its columns change, so that prepared queries stay valid."""
        known = self._tables.get(table)
        if known is not None and dict(known.columns) == dict(columns):
            if known.filled:
                self._execute(f"TRUNCATE {_quote(table)}")
            return known
        definition = ", ".join(f"{_quote(name)} {kind}" for name, kind in columns.items())
        self._execute(f"CREATE OR REPLACE TABLE {_quote(table)} ({definition})")
        kinds = list(enumerate(columns.values()))
        one = ", ".join(f"$c{index}" for index, _ in kinds)
        many = ", ".join(f"unnest(CAST($c{index} AS {kind}[]))" for index, kind in kinds)
        into = f"INSERT INTO {_quote(table)}"
        made = _Table(columns, self._parsed(f"{into} VALUES ({one})"), self._parsed(f"{into} SELECT {many}"))
        self._tables[table] = made
        return made

    def prepare(self, sql: str) -> None:
        """Plan a query that will be run again and again; its tables must exist. Its parameters can only be instants.

        Raises:
            EngineError: when it does not parse, or names what is not there.
        """
        if sql not in self._prepared:
            prepared = _Prepared(f"query_{len(self._prepared)}", frozenset(self._parsed(sql).named_parameters))
            self._execute(f"PREPARE {prepared.name} AS {sql}")
            self._prepared[sql] = prepared

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query, column names in lower case; parameters the query does not name are ignored.

        Raises:
            EngineError: when the query does not parse, lacks a parameter, or fails.
        """
        given = parameters if parameters is not None else {}
        cursor = self._cursor(sql, given)
        return named_rows([column[0] for column in cursor.description or ()], cursor.fetchall())

    def _cursor(self, sql: str, given: Mapping[str, Any]) -> Any:
        prepared = self._prepared.get(sql)
        if prepared is not None:
            return self._execute(_execution(prepared, needed(prepared.parameters, given)))
        statement = self._parsed(sql)
        return self._execute(statement, needed(statement.named_parameters, given))

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
            return self._connection.execute(query, dict(parameters or {}))
        except self._failure as error:
            raise EngineError(f"The query failed in memory: {first_line(error)}.") from error


def _execution(prepared: _Prepared, values: Mapping[str, Any]) -> str:
    """The call of a prepared query; DuckDB takes literals there, no parameters."""
    listed = ", ".join(f"{_quote(name)} := {_literal(value)}" for name, value in values.items())
    return f"EXECUTE {prepared.name}({listed})" if listed else f"EXECUTE {prepared.name}"


def _literal(value: Any) -> str:
    if not isinstance(value, datetime):
        raise EngineError(f"A prepared query takes instants, not a {type(value).__name__}.")
    return f"TIMESTAMP '{value.isoformat(sep=' ')}'"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

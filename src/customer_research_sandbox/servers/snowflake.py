"""The sandbox's Snowflake: the world's relations in an in-memory DuckDB, asked in Snowflake's SQL."""

from __future__ import annotations

import json
import math
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
from pydantic import TypeAdapter

from customer_research_sandbox.dataset import Relation, Row
from customer_research_sandbox.servers.snowflake_functions import MACROS
from customer_research_sandbox.servers.snowflake_sql import (
    Names,
    SnowflakeError,
    Statement,
    compiled,
    invalid_identifier,
    missing_object,
)

MODEL_NAME = "MODEL - Moovs Operator Reservations"
"""The quoted name under which the reservations model is seen in the schema MOZART."""

VIEWS = {
    ("MOZART", MODEL_NAME): "FACT.MOOVS_OPERATOR_RESERVATIONS",
    ("MOZART_NEW", "RESERVATIONS"): "FACT.MOOVS_OPERATOR_RESERVATIONS",
}
"""Relations that show another relation."""

_ROW = TypeAdapter(dict[str, Any])
_AS_THEY_ARE: frozenset[type[Any]] = frozenset({type(None), bool, int, str})
_STATEMENTS = 512
"""Statements kept compiled: their values are bound, so the same text comes again for every operator."""

_ANSWERS, _ROWS_KEPT = 512, 2_000
"""Answers that are kept, and the rows that one of them has at most: the tables never change, and what looks at one operator asks
the same again and again."""

_ROWS_A_FILE = 60_000
"""Rows that are read while as many are made: files of a third of it took a quarter more of the processor."""

_PATIENCE_SECONDS = 0.01
"""How long a query that is broken off is waited for before it is told again."""

_TYPES = {"NUMBER(38,0)": "BIGINT", "NUMBER": "BIGINT", "FLOAT": "DOUBLE", "TIMESTAMP_NTZ": "TIMESTAMP"}
_BASE_TYPES = (
    ("DECIMAL", "type/Decimal"),
    ("HUGEINT", "type/Integer"),
    ("UBIGINT", "type/Integer"),
    ("BIGINT", "type/Integer"),
    ("INTEGER", "type/Integer"),
    ("SMALLINT", "type/Integer"),
    ("TINYINT", "type/Integer"),
    ("DOUBLE", "type/Float"),
    ("FLOAT", "type/Float"),
    ("BOOLEAN", "type/Boolean"),
    ("DATE", "type/Date"),
    ("TIMESTAMP", "type/DateTime"),
    ("TIME", "type/Time"),
    ("VARCHAR", "type/Text"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, at most as many as were asked for: columns with Metabase base types, JSON-ready values."""

    columns: tuple[tuple[str, str], ...]
    rows: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query as they are: columns with DuckDB's types, Python's values."""

    columns: tuple[tuple[str, str], ...]
    rows: list[tuple[Any, ...]]


class Warehouse:
    """Runs Snowflake SQL over the world's relations. Safe to use from several threads.

    Filling the tables row by row is most of what a large world costs. With *kept*, a file of DuckDB, they are copied from
    it where it exists, and written to it where it does not.
    """

    def __init__(self, relations: Mapping[str, Relation], as_of: datetime, kept: Path | None = None) -> None:
        self.as_of = as_of
        self.relations = _described(relations.values())
        self._lock = threading.Lock()
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._connection = duckdb.connect(":memory:", config={"threads": 2, "allow_community_extensions": "false"})
        self._connection.execute("SET enable_progress_bar = false")  # DuckDB draws it on stdout under `python -c`
        if kept is not None and kept.exists():
            self._copied(kept, "kept", "memory")
        else:
            self._load(relations.values())
            if kept is not None:
                self._keep(kept)
        for macro in MACROS:
            self._connection.execute(macro)
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        tables = {f"{schema}.{name}": frozenset(columns) for (schema, name), columns in self.relations.items()}
        kinds = [column for columns in self.relations.values() for column in columns.items()]
        booleans = {name for name, kind in kinds if kind == "BOOLEAN"} - {
            name for name, kind in kinds if kind != "BOOLEAN"
        }
        self._names = Names(tables, frozenset(booleans))
        self._compiled = lru_cache(_STATEMENTS)(self._compile)
        self._answers: dict[Hashable, Answer] = {}

    def close(self) -> None:
        """Give the memory back; queries that still run (nobody waits for them any more) are broken off first."""
        while True:
            with self._lock:
                if not self._running:
                    self._connection.close()
                    return
                for cursor in self._running:
                    cursor.interrupt()
            time.sleep(_PATIENCE_SECONDS)

    def run(self, sql: str, binds: Mapping[str, Any], limit: int, hidden: Iterable[str] = ()) -> Answer:
        """Run one query; at most *limit* rows come back, and columns named in *hidden* are as good as dropped.

        Raises:
            SnowflakeError: with the message that Snowflake would give.
        """
        asked = sql, repr(binds), limit, frozenset(hidden)
        answer = self._answers.get(asked)
        if answer is None:
            answer = self._answered(sql, binds, limit, frozenset(hidden))
            if len(answer.rows) <= _ROWS_KEPT:
                self._keep_answer(asked, answer)
        return answer

    def _keep_answer(self, asked: Hashable, answer: Answer) -> None:
        with self._lock:
            if len(self._answers) == _ANSWERS:
                self._answers.pop(next(iter(self._answers)))
            self._answers[asked] = answer

    def _answered(self, sql: str, binds: Mapping[str, Any], limit: int, hidden: frozenset[str]) -> Answer:
        found = self.ask(sql, binds, limit, hidden)
        shown = by_column(found.rows, _AS_THEY_ARE, _shown)
        return Answer(tuple((name, base_type(kind)) for name, kind in found.columns), shown)

    def ask(self, sql: str, binds: Mapping[str, Any], limit: int, hidden: Iterable[str] = ()) -> Result:
        """As `run`, but for how columns and values are shown.

        Raises:
            SnowflakeError: with the message that Snowflake would give.
        """
        gone = frozenset(hidden)
        statement = self._compiled(sql, gone)
        with self._lock:
            cursor = self._connection.cursor()
            self._running.add(cursor)
        try:
            cursor.execute(statement.sql, dict(binds) or None)
            described = cursor.description or []
            rows = cursor.fetchmany(limit)
        except duckdb.Error as error:
            raise SnowflakeError(_message(error)) from error
        finally:
            with self._lock:
                self._running.remove(cursor)
                cursor.close()
        names = _column_names(statement.names, [str(column[0]) for column in described])
        kept = [index for index, name in enumerate(names) if name not in gone]
        if len(kept) < len(names):
            rows = [tuple(row[index] for index in kept) for row in rows]
        return Result(tuple((names[index], str(described[index][1])) for index in kept), rows)

    def _compile(self, sql: str, hidden: frozenset[str]) -> Statement:
        return compiled(sql, self.as_of, self._names, hidden)

    def _load(self, relations: Iterable[Relation]) -> None:
        found = list(relations)
        for relation in found:
            self._connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{relation.schema}"')
            self._create(relation)
        # One thread reads what stands in a file while this one makes the rows of the next; from here on the connection is its own.
        with (
            tempfile.TemporaryDirectory(prefix="customer-research-sandbox-") as folder,
            ThreadPoolExecutor(1) as reader,
        ):
            places = (Path(folder) / f"{number}.json" for number in count())
            reads = [
                reader.submit(self._read, relation, _written(part, place))
                for relation in found
                for part, place in zip(_parts(relation.rows), places)  # noqa: B905 - places never end
            ]
            for read in reads:
                read.result()
        for schema, name in self.relations.keys() & VIEWS.keys():
            shown = '"."'.join(VIEWS[schema, name].split("."))
            self._connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            self._connection.execute(f'CREATE VIEW "{schema}"."{name}" AS SELECT * FROM "{shown}"')
        self._describe()

    def _keep(self, kept: Path) -> None:
        """Write the tables to a file that is there whole or not at all."""
        with tempfile.TemporaryDirectory(prefix=f"{kept.name}-", dir=kept.parent) as folder:
            written = Path(folder) / kept.name
            self._copied(written, "memory", "kept")
            written.replace(kept)

    def _copied(self, file: Path, origin: str, goal: str) -> None:
        self._connection.execute(f"ATTACH '{file}' AS kept{' (READ_ONLY)' if origin == 'kept' else ''}")
        self._connection.execute(f"COPY FROM DATABASE {origin} TO {goal}")
        self._connection.execute("DETACH kept")

    def _create(self, relation: Relation) -> None:
        columns = ", ".join(f'"{name}" {_stored(kind)}' for name, kind in relation.columns.items())
        self._connection.execute(f'CREATE TABLE "{relation.schema}"."{relation.name}" ({columns})')

    def _read(self, relation: Relation, file: Path) -> None:
        kinds = {name: _stored(kind) for name, kind in relation.columns.items()}
        listed = ", ".join(f"'{name}': '{kind}'" for name, kind in kinds.items())
        self._connection.execute(
            f'INSERT INTO "{relation.schema}"."{relation.name}" SELECT * FROM read_json(?, format = \'newline_delimited\', columns = {{{listed}}})',
            [str(file)],
        )
        file.unlink()

    def _describe(self) -> None:
        """The information schema, as tables that `INFORMATION_SCHEMA.COLUMNS` and `.TABLES` are read from."""
        self._connection.execute(
            "CREATE TABLE main.SANDBOX_TABLES (TABLE_CATALOG VARCHAR, TABLE_SCHEMA VARCHAR, TABLE_NAME VARCHAR, TABLE_TYPE VARCHAR)"
        )
        self._connection.execute(
            "CREATE TABLE main.SANDBOX_COLUMNS (TABLE_CATALOG VARCHAR, TABLE_SCHEMA VARCHAR, TABLE_NAME VARCHAR, COLUMN_NAME VARCHAR,"
            " ORDINAL_POSITION BIGINT, DATA_TYPE VARCHAR, IS_NULLABLE VARCHAR)"
        )
        tables = [["SNOWFLAKE", *key, "VIEW" if key in VIEWS else "BASE TABLE"] for key in self.relations]
        columns = [
            ["SNOWFLAKE", *key, name, position, kind.split("(", maxsplit=1)[0].replace("VARCHAR", "TEXT"), "YES"]
            for key, described in self.relations.items()
            for position, (name, kind) in enumerate(described.items(), start=1)
        ]
        for name, described in (("SANDBOX_TABLES", tables), ("SANDBOX_COLUMNS", columns)):
            if described:
                by_column = [list(values) for values in zip(*described, strict=True)]
                spread = ", ".join(["unnest(?)"] * len(by_column))
                self._connection.execute(f"INSERT INTO main.{name} SELECT {spread}", by_column)


def _described(relations: Iterable[Relation]) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """(Schema, name) → columns, of the relations and of the views of them."""
    tables = {(relation.schema, relation.name): relation.columns for relation in relations}
    origins = {
        view: (schema, name)
        for view, (schema, _, name) in ((view, shown.partition(".")) for view, shown in VIEWS.items())
    }
    return tables | {view: tables[origin] for view, origin in origins.items() if origin in tables}


def base_type(kind: str) -> str:
    """Metabase's base type for a DuckDB or Snowflake type."""
    upper = kind.upper().replace("NUMBER(38,0)", "BIGINT").replace("NUMBER", "DECIMAL")
    return next((base for prefix, base in _BASE_TYPES if upper.startswith(prefix)), "type/*")


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[at : at + _ROWS_A_FILE] for at in range(0, len(rows), _ROWS_A_FILE))


def _written(rows: Iterable[Row], file: Path) -> Path:
    """The file, with the rows as lines of JSON; what a row lacks is null."""
    with file.open("wb") as lines:
        for row in rows:
            lines.write(_ROW.dump_json({name: value for name, value in row.items() if value is not None}) + b"\n")
    return file


def _stored(kind: str) -> str:
    """DuckDB's type for a Snowflake type."""
    exact = kind.replace(" ", "")
    return _TYPES.get(exact, exact.replace("NUMBER", "DECIMAL"))


def by_column(
    rows: Iterable[Sequence[Any]], unchanged: frozenset[type[Any]], change: Callable[[Any], Any]
) -> list[list[Any]]:
    """The rows with every value changed but for columns whose values are all of kinds that stay unchanged."""
    whole = list(rows)
    columns = [
        values if unchanged.issuperset(map(type, values)) else list(map(change, values))
        for values in zip(*whole, strict=True)
    ]
    return list(map(list, zip(*columns, strict=True))) if columns else [[] for _ in whole]


def _shown(value: Any) -> Any:
    """A value as Metabase sends it: dates and times ISO with the UTC zone, decimals as numbers."""
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return json.dumps(value, default=str) if isinstance(value, list | dict) else str(value)


def _column_names(named: Sequence[str | None], described: Sequence[str]) -> list[str]:
    """Snowflake's column names; a star's are those of the relation. Repeats get a number, as Metabase gives them."""
    stars = named.count(None)
    wide = (len(described) - (len(named) - stars)) // stars if stars else 0
    names: list[str] = []
    for name in named:
        names += described[len(names) : len(names) + wide] if name is None else [name]
    if len(names) != len(described):
        names = [name.upper() for name in described]
    return [
        name if names[:index].count(name) == 0 else f"{name}_{names[:index].count(name) + 1}"
        for index, name in enumerate(names)
    ]


def _message(error: duckdb.Error) -> str:
    """DuckDB's complaint in Snowflake's words."""
    text = str(error)
    first = text.splitlines()[0]
    quoted = [part for index, part in enumerate(first.replace("!", "").split('"')) if index % 2]
    if isinstance(error, duckdb.BinderException) and "column" in first and quoted:
        return invalid_identifier(quoted[0].upper())
    if isinstance(error, duckdb.CatalogException) and "Table" in first:
        return missing_object(first.split("Table with name ", 1)[-1].split(" ", 1)[0])
    if "Division by zero" in text:
        return "Division by zero"
    if isinstance(error, duckdb.ConversionException):
        return f"{first.removeprefix('Conversion Error: ')}: value is not recognized"
    return f"SQL compilation error:\n{first}"

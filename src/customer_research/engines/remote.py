"""What engines outside this process share: names that are spelled out in each query, and files that go through DuckDB."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from customer_research.domain.records import DIALECT
from customer_research.engines.dialect import bindable, check_binding, quoted, with_bindings
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import BATCH_ROWS, Engine, Room
from customer_research.engines.rows import first_line, named_rows, needed
from customer_research.errors import EngineError

Kind = Literal["VARCHAR", "BIGINT", "DOUBLE", "NUMERIC", "BOOLEAN", "DATE", "TIMESTAMP"]
"""A column's type in DuckDB's words; NUMERIC: an exact number, of which the values say whether all are whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A query's answer that is being read: its columns with what the place calls their types, and its rows."""

    columns: Mapping[str, str]
    rows: Iterator[Sequence[Any]]

    def batches(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """The rows as engines give them, `size` at a time."""
        while taken := list(islice(self.rows, size)):
            yield named_rows(list(self.columns), taken)


class Remote(Engine):
    """An engine outside this process.

    `bind` keeps the query's text and defines the name in front of each query that uses it. Parquet files are read and
    written by a DuckDB beside the engine, within the engine's room.
    """

    _kinds: ClassVar[Mapping[str, Kind]]
    """The place's names of types, without length or scale, in small letters."""
    _title: ClassVar[str]
    """What the place is called in sentences."""
    _dialect: ClassVar[str]
    _failures: tuple[type[BaseException], ...] = ()
    """What its driver raises; they become `EngineError`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._bound: dict[str, str] = {}

    @cached_property
    def _files(self) -> DuckDB:
        """What reads and writes Parquet files; opened when first needed."""
        return DuckDB(self._room)

    def close(self) -> None:
        """Let go of what was needed for files."""
        if "_files" in self.__dict__:
            self._files.close()

    def bind(self, table: str, sql: str) -> None:
        """Give a name to a query (see `Engine.bind`)."""
        check_binding(table, sql)
        self._bound[table.lower()] = sql

    def drop(self, *tables: str) -> None:
        """Forget tables and names given here."""
        for table in tables:
            self._bound.pop(table.lower(), None)
            self._forget(table)

    @abstractmethod
    def _forget(self, table: str) -> None:
        """Drop a table given here; another is left alone."""

    def _spelled(self, sql: str) -> str:
        """The query with the names it uses defined in it."""
        return with_bindings(sql, self._bound) if self._bound else sql

    def _bindable(self, sql: str, parameters: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
        """The query as the driver takes it, and the values of its parameters in their order."""
        text, names = bindable(self._spelled(sql), self._dialect)
        return text, needed(names, parameters)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """A query: the driver's failures become `EngineError`."""
        try:
            yield
        except self._failures as error:
            raise EngineError(f"The query failed in {self._title}: {first_line(error)}.") from error

    @contextmanager
    def _giving(self, table: str, *also: type[BaseException]) -> Iterator[None]:
        """Rows for a table: the failures of the driver, and others of that work, become `EngineError`."""
        try:
            yield
        except (*self._failures, *also) as error:
            raise EngineError(f"The table {table!r} cannot be filled in {self._title}: {first_line(error)}.") from error

    @abstractmethod
    def _asked(self, sql: str, parameters: Mapping[str, Any] | None, size: int) -> AbstractContextManager[Answer]:
        """Ask a query and read its answer while the context is open; the place's failures become `EngineError`."""

    def batches(
        self, sql: str, parameters: Mapping[str, Any] | None = None, size: int = BATCH_ROWS
    ) -> Generator[list[dict[str, Any]], None, None]:
        """The rows of one query, `size` at a time (see `Engine.batches`)."""
        with self._asked(sql, parameters, size) as answer:
            yield from answer.batches(size)

    def export(self, sql: str, path: Path, parameters: Mapping[str, Any] | None = None) -> int:
        """Write the rows of one query to one Parquet file (see `Engine.export`)."""
        with self._asked(sql, parameters, BATCH_ROWS) as answer:
            kinds = {name.lower(): self._kind(name, type_name) for name, type_name in answer.columns.items()}
            collected = _collected(self._files, kinds, answer.batches(BATCH_ROWS))
        return self._files.export(collected, path)

    def _kind(self, column: str, type_name: str) -> Kind:
        kind = self._kinds.get(type_name.partition("(")[0].strip().lower())
        if kind is None:
            raise EngineError(f"The column {column!r} has the type {type_name}, which files do not have here; cast it.")
        return kind


def _collected(files: DuckDB, kinds: Mapping[str, Kind], batches: Iterator[list[dict[str, Any]]]) -> str:
    """Put batches into one table of DuckDB; gives the query of its rows, in their order."""
    exact = [name for name, kind in kinds.items() if kind == "NUMERIC"]
    broken: set[str] = set()
    files.create(_COLLECTED, {name: "VARCHAR" if kind == "NUMERIC" else kind for name, kind in kinds.items()}, ())
    for batch in batches:
        for name in exact:
            for row in batch:
                value = row[name]
                if isinstance(value, float):
                    broken.add(name)
                row[name] = None if value is None else repr(value)
        files.extend(_COLLECTED, batch)
    whole = {name: "DOUBLE" if name in broken else "BIGINT" for name in exact}
    listed = ", ".join(
        f"CAST({quoted(name, DIALECT)} AS {whole[name]}) AS {quoted(name, DIALECT)}"
        if name in whole
        else quoted(name, DIALECT)
        for name in kinds
    )
    return f"SELECT {listed} FROM {quoted(_COLLECTED, DIALECT)} ORDER BY rowid"  # noqa: S608 - quoted names


_COLLECTED = "collected~"
"""The table that an answer is collected in on its way to a file."""

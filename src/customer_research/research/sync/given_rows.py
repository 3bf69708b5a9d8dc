"""One file of rows that somebody gives (CSV or Parquet), for a table that is none of the lake's: all that is wrong in it, or its rows.

What a file must be is declared as canonical tables are (`domain.records.tables`): the columns of the key have to be there and
filled, others may be absent or empty, and a column that is not declared is refused, so that nothing is lost unseen. CSV is UTF-8, separated by commas, with the columns' names in its first line.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from customer_research.domain.evidence import Receipt
from customer_research.domain.faults import TableFault
from customer_research.domain.records import CanonicalTable, quoted
from customer_research.domain.words import counted
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.errors import EngineError, TablesRefused, UsageError
from customer_research.research.receipts import file_receipt, text_digest
from customer_research.research.sync.cells import Cells
from customer_research.research.sync.given_cells import (
    NO_WORDS,
    Words,
    checks,
    csv_texts,
    faulty_rows,
    header,
    parquet_rows,
    readable,
    repeated_keys,
    unknown_columns,
    unread,
)
from customer_research.settings import Settings

KINDS = (".csv", ".parquet")
"""How the names of such files end."""


@dataclass(frozen=True, slots=True)
class GivenRows:
    """The rows of a file, in its order, and what proves them.

    Each row has every declared column, None where the file says nothing; texts have no blanks around them, instants are UTC-aware.
    `columns` are those that the file has.
    """

    rows: tuple[Mapping[str, Any], ...]
    columns: frozenset[str]
    receipt: Receipt


def read_rows(
    path: Path, table: CanonicalTable, settings: Settings, now: datetime, words: Words = NO_WORDS
) -> GivenRows:
    """The rows of a file, every cell of it checked.

    Args:
        path: a CSV or Parquet file.
        table: its columns, and its key: no two rows have the same.
        settings: `engine` says what DuckDB may use.
        now: when it is read, for the receipt.
        words: columns that hold one of some words → the words.

    Raises:
        TablesRefused: everything that is wrong in it; nothing of it is to be taken then.
        UsageError: there is no such file, or it is neither CSV nor Parquet.
    """
    if not path.is_file() or path.suffix not in KINDS:
        told = "is neither a CSV nor a Parquet file" if path.exists() else "does not exist"
        raise UsageError(f"{path} {told}.", hint="Give a file whose name ends in .csv or .parquet.")
    with tempfile.TemporaryDirectory(prefix="given-") as scratch:
        room = Room(settings.engine.memory_mb, settings.engine.threads, Path(scratch), (path.resolve().parent,))
        with DuckDB(room) as engine:
            engine.run("SET preserve_insertion_order = true")  # the number of a CSV file's row
            return _FileCheck(engine, path.resolve(), table, Path(scratch), words).rows(now)


class _FileCheck:
    """One file's check: faults are gathered, and only without any are there rows."""

    def __init__(self, engine: DuckDB, path: Path, table: CanonicalTable, scratch: Path, words: Words) -> None:
        self._engine, self._path, self._table = engine, path, table
        self._scratch, self._words = scratch, words
        self._faults: list[TableFault] = []

    def rows(self, now: datetime) -> GivenRows:
        try:
            parquet = self._as_parquet()
            rows = parquet_rows([parquet])
            columns = self._columns(self._engine.kinds(f'SELECT * EXCLUDE ("file~", file_row_number) FROM {rows}'))  # noqa: S608 - quoted
            if not self._faults:
                looked_for = list(checks(self._table, columns, self._table.key, self._words))
                name, files = self._table.name, {str(parquet): self._path.name}
                self._faults += faulty_rows(self._engine, name, looked_for, rows, files)
                self._faults += repeated_keys(self._engine, name, self._table.key, columns, rows)
            self._refuse()
            found = self._engine.run(f"SELECT {', '.join(self._listed(columns))} FROM {rows} ORDER BY file_row_number")  # noqa: S608 - quoted
        except EngineError as error:
            self._faults.append(TableFault(self._table.name, unread(error.message)))
            self._refuse()
            raise
        digest = text_digest("\n".join(repr(sorted(row.items())) for row in found))
        return GivenRows(tuple(found), frozenset(columns), file_receipt(self._path, len(found), digest, now))

    def _as_parquet(self) -> Path:
        if self._path.suffix == ".parquet":
            return self._path
        names = header(self._path, self._table.name)
        if isinstance(names, TableFault):
            self._faults.append(names)
            self._refuse()
        assert isinstance(names, list)
        raw = self._scratch / "raw.parquet"
        self._engine.export(csv_texts(self._path, names), raw)
        return raw

    def _columns(self, kinds: Mapping[str, str]) -> dict[str, Cells]:
        there = {name.lower() for name in kinds}
        self._faults += unknown_columns(self._table, kinds)
        self._faults += [
            TableFault(self._table.name, "is missing", column=name) for name in self._table.key if name not in there
        ]
        return readable(self._table, kinds, self._faults, self._words)

    def _listed(self, columns: Mapping[str, Cells]) -> list[str]:
        """Each declared column in SQL: a blank text says nothing, as an absent column does."""
        told = []
        for column in self._table.columns:
            value = columns[column.name].value if column.name in columns else "NULL"
            read = f"NULLIF(TRIM({value}), '')" if column.type == "text" and column.name in columns else value
            told.append(f"{read} AS {quoted(column.name)}")
        return told

    def _refuse(self) -> None:
        """Raise what is wrong, if anything is."""
        if self._faults:
            lines = "".join(f"\n  {fault}" for fault in self._faults)
            raise TablesRefused(
                f"The file {self._path.name} has {counted(len(self._faults), 'fault')}; nothing was taken.",
                faults=tuple(self._faults),
                hint=f"Correct it and try again.{lines}",
            )

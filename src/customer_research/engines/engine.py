"""What every engine can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from customer_research.engines.rows import canonical_columns
from customer_research.errors import EngineError

BATCH_ROWS = 10_000
"""How many rows a batch has unless told."""


@dataclass(frozen=True, slots=True)
class Room:
    """What an engine may use of this machine.

    `memory_mb` and `threads` (0: as many as there are) bound DuckDB, which also reads and writes the other engines' files;
    what does not fit is spilled below `folder` (None: the system's folder for temporary files). With `reach`, files are
    read and written below these folders (or at these paths) and `folder` only; None: wherever the user may. No engine
    reaches the network for files.
    """

    memory_mb: int = 2000
    threads: int = 0
    folder: Path | None = None
    reach: tuple[Path, ...] | None = None


class Engine(ABC):
    """A place where SQL in DuckDB's dialect runs: over rows and Parquet files given to it, and over tables there already.

    Tables given here are private to the engine and gone when it closes; they hide the place's own tables of the same name.
    Timestamps go in and come out UTC-aware, whole numbers come out as integers, others as floats, texts and dates as such.
    In files timestamps are naive UTC. One engine serves one thread at a time, is closed once, or is used as a context
    manager.
    """

    recursion: ClassVar[bool] = True
    """Whether it runs recursive queries as deep as a calendar has instants."""

    def load(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a canonical table these rows and no others; a column absent from a row is null.

        Raises:
            EngineError: for an unknown table, a column the table does not have, or a value of the wrong type.
        """
        self.create(table, canonical_columns(table), rows)

    @abstractmethod
    def create(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a table of these columns (name → DuckDB type) these rows and no others; an absent column is null."""

    def attach(self, table: str, paths: Sequence[Path], columns: Mapping[str, str] | None = None) -> None:
        """Give a table the rows of these Parquet files together, and no others; without a path it has no rows.

        Columns are found by name: one that a file lacks is null there, one that the table lacks is left out. An instant
        with a time zone becomes UTC.

        Args:
            table: its name.
            paths: its files; they must stay as they are until the engine closes.
            columns: name → DuckDB type; None: those of the canonical table of this name.

        Raises:
            EngineError: for an unknown table, or a file that is not there, out of reach, no Parquet file, or of other types.
        """
        kinds = canonical_columns(table) if columns is None else columns
        if paths:
            self._attach(table, paths, kinds)
        else:
            self.create(table, kinds, ())

    @abstractmethod
    def _attach(self, table: str, paths: Sequence[Path], columns: Mapping[str, str]) -> None:
        """`attach` with at least one path and the columns known."""

    @abstractmethod
    def bind(self, table: str, sql: str) -> None:
        """Give a name to a query without parameters; wherever the name is used, the query runs over what there is then.

        Raises:
            EngineError: when it does not parse or names itself; other mistakes may show only when the name is used.
        """

    @abstractmethod
    def keep(self, table: str, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a query once and give a table its rows; the query may read what had the name before.

        Raises:
            EngineError: as `run`; what had the name then has it still.
        """

    def at_hand(self, tables: Mapping[str, Mapping[str, str]], key: str) -> None:  # noqa: B027 - most have nothing to do
        """Get tables ready for many queries that group and join them by one column of texts; answers stay the same.

        Args:
            tables: their names, and what the queries need of each: column → SQL over the table of what may stand for it
                from now on. Other columns may be gone.
            key: the column of texts; each of the tables has it.

        Raises:
            EngineError: as `keep`.
        """

    @abstractmethod
    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query, column names in lower case; parameters the query does not name are ignored.

        Raises:
            EngineError: when the query does not parse, cannot be said there, lacks a parameter, or fails.
        """

    @abstractmethod
    def batches(
        self, sql: str, parameters: Mapping[str, Any] | None = None, size: int = BATCH_ROWS
    ) -> Generator[list[dict[str, Any]], None, None]:
        """The rows of one query as `run` gives them, `size` at a time, none held longer than needed.

        Close it, or read it to its end: until then the place holds the answer. Other queries may run meanwhile.

        Raises:
            EngineError: as `run`, when the first batch is asked for.
        """

    @abstractmethod
    def export(self, sql: str, path: Path, parameters: Mapping[str, Any] | None = None) -> int:
        """Write the rows of one query to one Parquet file, in the query's order, and give their number.

        Whole numbers are BIGINT there, others DOUBLE, instants TIMESTAMP (naive UTC). The file appears whole or not at all.

        Raises:
            EngineError: as `run`, or when the file cannot be written.
        """

    @abstractmethod
    def drop(self, *tables: str) -> None:
        """Forget tables and names given here; others are left alone."""

    @abstractmethod
    def close(self) -> None:
        """Drop the tables given here and let go of the place."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def beside(path: Path) -> Path:
    """Where a file is written before it takes its name.

    Raises:
        EngineError: when its folder is not there.
    """
    if not path.parent.is_dir():
        raise EngineError(f"The folder {path.parent} does not exist.", hint="Make it first.")
    return path.with_name(f".{path.name}.part")

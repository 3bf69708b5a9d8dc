"""What every engine can do, and opening one by its name: DuckDB in memory, Postgres, Spark, Snowflake."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

from customer_research.engines.rows import canonical_columns
from customer_research.errors import ConfigError


class Engine(ABC):
    """A place where SQL in DuckDB's dialect runs over tables given as rows, and over tables that are there already.

    Tables given here are private to the engine and gone when it closes; they hide the place's own tables of the same name.
    Timestamps go in and come out UTC-aware, whole numbers come out as integers, others as floats, texts and dates as such.
    One engine serves one thread at a time, is closed once, or is used as a context manager.
    """

    def load(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a canonical table these rows and no others; a column absent from a row is null.

        Raises:
            EngineError: for an unknown table, a column the table does not have, or a value of the wrong type.
        """
        self.create(table, canonical_columns(table), rows)

    @abstractmethod
    def create(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a table of these columns (name → DuckDB type) these rows and no others; an absent column is null."""

    @abstractmethod
    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query, column names in lower case; parameters the query does not name are ignored.

        Raises:
            EngineError: when the query does not parse, cannot be said there, lacks a parameter, or fails.
        """

    @abstractmethod
    def close(self) -> None:
        """Drop the tables given here and let go of the place."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_engine(name: str, url: str = "") -> Engine:
    """The engine of this name, connected; drivers other than DuckDB's come with the extra of the same name.

    Args:
        name: `duckdb`, `postgres`, `spark` or `snowflake`.
        url: where it is: `postgresql://…` (or a libpq connection string), a Spark master such as `local[2]`,
            `snowflake://user:password@account/database/schema?warehouse=…`; nothing for DuckDB.

    Raises:
        ConfigError: no such engine, or a URL that it cannot use.
        EngineError: the driver is not installed, or the place cannot be reached.
    """
    opener = ENGINES.get(name)
    if opener is None:
        raise ConfigError(f"There is no engine {name!r}.", setting="engine", hint=f"Known: {', '.join(ENGINES)}.")
    return opener(url)


def _duckdb(url: str) -> Engine:
    from customer_research.engines.duckdb import Memory  # noqa: PLC0415 - only the chosen engine is loaded

    if url:
        raise ConfigError("The engine 'duckdb' works in memory and takes no URL.", setting="engine_url")
    return Memory()


def _postgres(url: str) -> Engine:
    from customer_research.engines.postgres import Postgres  # noqa: PLC0415 - only the chosen engine is loaded

    return Postgres(url)


def _spark(url: str) -> Engine:
    from customer_research.engines.spark import Spark  # noqa: PLC0415 - only the chosen engine is loaded

    return Spark(url)


def _snowflake(url: str) -> Engine:
    from customer_research.engines.snowflake import Snowflake  # noqa: PLC0415 - only the chosen engine is loaded

    return Snowflake(url)


ENGINES: Mapping[str, Callable[[str], Engine]] = MappingProxyType(
    {"duckdb": _duckdb, "postgres": _postgres, "spark": _spark, "snowflake": _snowflake}
)
"""Name → how to open it, given its URL."""

"""SQL in Spark: the same queries over temporary views, or over the tables of the session's catalogue."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from customer_research.engines.dialect import column_type, quoted
from customer_research.engines.engine import Room
from customer_research.engines.remote import Answer, Kind, Remote
from customer_research.engines.rows import check_columns, first_line, inward, named_rows
from customer_research.errors import ConfigError, EngineError, ExtraMissing

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

DIALECT = "spark"

_SESSION: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""Settings that the meaning of the queries rests on; others (shuffle partitions, memory) are the cluster's."""


class Spark(Remote):
    """A session of its own on a Spark master; see `engines.engine.Engine`.

    A running Spark of this process is shared (with its own views and settings) and left running; otherwise one is started
    and stopped again. Parameters are bound by Spark (`:name`). Spark 4 or later, and Java 17 or later.
    """

    recursion = False  # not before Spark 4.1, and there no deeper than 100

    _title, _dialect = "Spark", DIALECT
    _kinds: ClassVar[Mapping[str, Kind]] = {
        **dict.fromkeys(("tinyint", "smallint", "int", "bigint", "void"), "BIGINT"),
        **dict.fromkeys(("float", "double"), "DOUBLE"),
        **dict.fromkeys(("timestamp", "timestamp_ntz"), "TIMESTAMP"),
        "decimal": "NUMERIC",
        "string": "VARCHAR",
        "boolean": "BOOLEAN",
        "date": "DATE",
    }

    def __init__(self, master: str, room: Room | None = None) -> None:
        super().__init__(room or Room())
        try:
            import pyarrow as pa  # noqa: PLC0415 - comes with the driver, and slow to import
            from py4j.protocol import Py4JError  # noqa: PLC0415 - the driver is an extra
            from pyspark.errors import PySparkException  # noqa: PLC0415 - the driver is an extra, and slow to import
        except ImportError as error:
            raise ExtraMissing("The engine spark needs its driver", "spark") from error
        self._failures = (PySparkException, Py4JError, pa.ArrowException)
        # Spark's Python side logs each failed query with its Java stack; here it becomes an EngineError instead
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        self._session, self._started = self._opened(master)
        self._views: set[str] = set()

    def _opened(self, master: str) -> tuple[SparkSession, bool]:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - the driver is an extra, and slow to import

        running = SparkSession.getActiveSession()
        if running is None and not _java_is_there():
            raise ConfigError(
                "The engine 'spark' needs Java 17 or later, which is not found.",
                setting="engine.name",
                hint="Install it (Debian and Ubuntu: apt install default-jre-headless), or set JAVA_HOME.",
            )
        unreachable: tuple[type[BaseException], ...] = (*self._failures, RuntimeError, OSError)
        try:
            builder = SparkSession.builder.appName("customer-research").config("spark.ui.showConsoleProgress", "false")
            base = running or (builder.master(master) if master else builder).getOrCreate()
            session = base.newSession()
            for key, value in _SESSION.items():
                session.conf.set(key, value)
        except unreachable as error:
            raise EngineError(f"Spark cannot be reached: {first_line(error)}.", hint="Check the master.") from error
        return session, running is None

    def close(self) -> None:
        """Drop the views; stop Spark when this engine started it."""
        for name in self._views:
            self._session.catalog.dropTempView(name)
        self._views.clear()
        if self._started:
            self._session.stop()
        super().close()

    def create(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a table of these columns these rows and no others (see `Engine.create`)."""
        import pyarrow as pa  # noqa: PLC0415 - comes with the driver, and slow to import

        check_columns(table, columns, rows)
        with self._giving(table, TypeError, ValueError, OverflowError):
            filled = pa.table(
                {
                    name: pa.array([inward(row.get(name)) for row in rows], _arrow(kind))
                    for name, kind in columns.items()
                }
            )
            schema = ", ".join(
                f"{quoted(name, DIALECT)} {column_type(kind, DIALECT)}" for name, kind in columns.items()
            )
            self._named(table, self._session.createDataFrame(filled, schema))

    def _attach(self, table: str, paths: Sequence[Path], columns: Mapping[str, str]) -> None:
        """A view over the files, each read with its own columns (a cluster must see them under the same paths)."""
        with self._giving(table):
            parts = [_taken(self._session.read.parquet(_address(path)), columns) for path in paths]
            self._named(table, reduce(lambda one, other: one.union(other), parts))

    def keep(self, table: str, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a query once and keep its rows with the executors (see `Engine.keep`).

        A local checkpoint, not a cache: queries over kept tables would else be planned with all that led to them.
        """
        with self._asking():
            self._named(table, self._answer(sql, parameters).localCheckpoint())

    def _named(self, table: str, frame: DataFrame) -> None:
        frame.createOrReplaceTempView(quoted(table, DIALECT))
        self._views.add(table.lower())
        self._bound.pop(table.lower(), None)

    def _forget(self, table: str) -> None:
        if table.lower() in self._views:
            self._views.discard(table.lower())
            self._session.catalog.dropTempView(table)

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query (see `Engine.run`)."""
        with self._asking():
            answer = self._answer(sql, parameters)
            return named_rows(answer.columns, [tuple(row) for row in answer.collect()])

    @contextmanager
    def _asked(self, sql: str, parameters: Mapping[str, Any] | None, size: int) -> Iterator[Answer]:
        """The answer's partitions one after the other, whatever `size` is."""
        del size
        with self._asking():
            answer = self._answer(sql, parameters)
            yield Answer(dict(answer.dtypes), (tuple(row) for row in answer.toLocalIterator()))

    def _answer(self, sql: str, parameters: Mapping[str, Any] | None) -> DataFrame:
        text, values = self._bindable(sql, parameters)
        bound = {name: _bound(value) for name, value in values.items()}
        return _without_zones(self._session.sql(text, args=bound))


def _address(path: Path) -> str:
    """A file of this machine as Spark names it, its signs without meaning to globbing."""
    return "file://" + "".join(f"\\{sign}" if sign in "*?[]{}\\" else sign for sign in str(path.resolve()))


def _taken(frame: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """A file's columns as a table has them."""
    from pyspark.sql import functions  # noqa: PLC0415 - the driver is an extra, and slow to import

    there = {name.lower(): name for name in frame.columns}
    return frame.select(
        [
            (frame[there[name.lower()]] if name.lower() in there else functions.lit(None))
            .cast(_plain(kind))
            .alias(name)
            for name, kind in columns.items()
        ]
    )


def _plain(kind: str) -> str:
    """A DuckDB type as Spark's casts name it."""
    return "timestamp_ntz" if kind == "TIMESTAMP" else column_type(kind, DIALECT)


def _bound(value: Any) -> Any:
    """Instants with their zone: Spark reads a naive one in the zone of the process."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _without_zones(answer: DataFrame) -> DataFrame:
    """Timestamps as UTC wall time: those with a zone would come back in the zone of the process."""
    columns = {name: answer[name].cast("timestamp_ntz") for name, kind in answer.dtypes if kind == "timestamp"}
    return answer.withColumns(columns) if columns else answer


def _arrow(kind: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - comes with the driver, and slow to import

    types = {
        "VARCHAR": pa.string(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"),
    }
    if kind not in types:
        raise EngineError(f"A column cannot have the type {kind!r}.", hint=f"Known: {', '.join(types)}.")
    return types[kind]


def _java_is_there() -> bool:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin") if home else None) is not None

"""Tables that somebody gives with their versions: rows that stood from one instant until another.

`observed_at` says when a row was read; `valid_from` (empty: ever) and `valid_to` (empty: still) between which instants it stood.
"""

# ruff: noqa: S608 - names in these texts are the tables' own
from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from customer_research.domain.faults import TableFault
from customer_research.domain.records import CanonicalTable, Column, quoted
from customer_research.domain.tables import KNOWN_FROM, KNOWN_TO, TableFile
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.rows import canonical_columns
from customer_research.metrics.pinned import instant_sql
from customer_research.research.sync.canonical import identity
from customer_research.research.sync.versions import key_alone

OBSERVED, FROM, TO = "observed_at", "valid_from", "valid_to"
TIMES = (
    Column(OBSERVED, "timestamp", "when the row was read; empty: not told"),
    Column(FROM, "timestamp", "since when the row stands so; empty: ever"),
    Column(TO, "timestamp", "until when it stood so; empty: still"),
)
"""The columns that any given table may have besides its own."""


def with_times(table: CanonicalTable, names: Collection[str]) -> CanonicalTable:
    """The table with those of these columns that a file has; of versions the beginning is part of what tells rows apart."""
    lower = {name.lower() for name in names}
    times = tuple(column for column in TIMES if column.name in lower)
    key = (*table.key, FROM) if FROM in lower else table.key
    return replace(table, columns=(*table.columns, *times), key=key)


def faults_of(engine: DuckDB, table: CanonicalTable) -> Iterator[TableFault]:
    """What is wrong with the times of the rows that the engine has under the table's name."""
    there = set(table.column_names)
    if (FROM in there) != (TO in there):
        lacking = TO if FROM in there else FROM
        yield TableFault(table.name, f"is missing beside {FROM if FROM in there else TO}; add it", column=lacking)
    elif FROM in there:
        key = ", ".join(quoted(name) for name in identity(table) if name != FROM)
        after = f"LEAD(COALESCE({FROM}, TIMESTAMP '0001-01-01')) OVER (PARTITION BY {key} ORDER BY {FROM} NULLS FIRST)"
        (row,) = engine.run(
            f"SELECT COUNT(*) FILTER (WHERE {TO} <= {FROM}) AS backward, COUNT(*) FILTER (WHERE {TO} IS NULL AND "
            f"NOT later IS NULL OR later < {TO}) AS over FROM (SELECT *, {after} AS later FROM {_timed(table)})"
        )
        if row["backward"]:
            yield TableFault(table.name, f"is not after {FROM}", column=TO, rows=row["backward"])
        if row["over"]:
            what = "lies after the next version of the same record begins; of each instant there is one"
            yield TableFault(table.name, what, column=TO, rows=row["over"])


def _timed(table: CanonicalTable) -> str:
    return quoted(f"timed~{table.name}")


def attach_timed(engine: DuckDB, table: CanonicalTable, paths: tuple[Path, ...]) -> None:
    """Have the engine know the rows with their times."""
    kinds = canonical_columns(table.name) | {one.name: "TIMESTAMP" for one in TIMES if one.name in table.column_names}
    engine.attach(f"timed~{table.name}", paths, kinds)


def parted(engine: DuckDB, table: CanonicalTable, file: TableFile, own: Path, now: datetime) -> TableFile:
    """A table of versions as its newest rows, with the others beside it (`domain.tables`); an end to come is none yet."""
    if FROM not in table.column_names:
        return file
    columns = canonical_columns(table.name)
    listed = ", ".join(map(quoted, columns))
    still = f"({TO} IS NULL OR {TO} > {instant_sql(now)})"
    newest, past = own / f"{table.name}.newest.parquet", own / f"{table.name}.past.parquet"
    rows = engine.export(f"SELECT {listed} FROM {_timed(table)} WHERE {still}", newest)
    engine.export(
        f"SELECT {listed}, {FROM} AS {KNOWN_FROM}, {TO} AS {KNOWN_TO} FROM {_timed(table)} WHERE NOT {still} "
        f"UNION ALL SELECT {key_alone(table.name, 't')}, {FROM} AS {KNOWN_FROM}, CAST(NULL AS TIMESTAMP) AS {KNOWN_TO} "
        f"FROM {_timed(table)} AS t WHERE {still} AND NOT {FROM} IS NULL",
        past,
    )
    return replace(file, paths=(newest,), rows=rows, versions=(past,), at_any_instant=True)

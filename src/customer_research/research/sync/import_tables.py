"""Anybody's canonical tables into the lake: checked whole, then each in place of the lake's table of its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from customer_research.domain.records import quoted
from customer_research.domain.tables import TableFile
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.lake import Lake, LakeWriter, StoredTable
from customer_research.record_tables import LAKE_TABLES
from customer_research.research.sync.canonical import identity
from customer_research.research.sync.given_tables import check_tables
from customer_research.research.sync.landing import sorting
from customer_research.research.sync.versions import succeeded
from customer_research.settings import Settings

ImportState = Literal["new", "replaced", "unchanged"]
"""new: the lake had no such table; replaced: it had other rows; unchanged: it had these very rows, and was left alone."""


@dataclass(frozen=True, slots=True)
class TableImport:
    """One table that was given: what became of it in the lake, its rows now, and those it had before (None: no table)."""

    table: str
    state: ImportState
    rows: int
    before: int | None
    digest: str


def import_tables(folder: Path, settings: Settings, clock: Callable[[], datetime]) -> tuple[TableImport, ...]:
    """Put the canonical tables of a folder into the lake, all together or none.

    Each replaces the lake's table of its name whole; the lake's other tables stay. In the lake a row's `fetch_id` names the
    import. A later sync of the source that a table comes from replaces it again.

    Args:
        folder: where the tables lie (`research.sync.given_tables`).
        settings: where the lake is, and what DuckDB may use.
        clock: gives the instant for the receipts.

    Raises:
        TablesRefused: everything that is wrong in the tables; the lake is then as it was.
        UsageError: there is no such folder, or the lake cannot be written to.
    """
    with Lake(settings.lake_folder).writing() as lake:
        tables = check_tables(folder, lake.scratch, settings, clock)
        room = Room(settings.engine.memory_mb, settings.engine.threads, lake.scratch, (lake.folder, folder.resolve()))
        before = lake.state.tables
        with DuckDB(room) as engine:
            made = {
                name: before[name]
                if _same(before.get(name), file)
                else _replacing(lake, engine, before.get(name), file)
                for name, file in tables.files.items()
            }
        if any(before.get(name) is not table for name, table in made.items()):
            lake.put_tables(made)
    return tuple(_imported(name, table, before.get(name)) for name, table in made.items())


def _same(old: StoredTable | None, given: TableFile) -> bool:
    return old is not None and (old.rows, old.digest) == (given.rows, given.digest)


def _replacing(lake: LakeWriter, engine: DuckDB, old: StoredTable | None, given: TableFile) -> StoredTable:
    """The given table, with what the lake's table of its name was."""
    made = _written(lake, engine, given)
    engine.drop(given.table)
    return succeeded(lake, engine, given.table, old, made)


def _written(lake: LakeWriter, engine: DuckDB, given: TableFile) -> StoredTable:
    """The table as one file of the lake, sorted."""
    table = LAKE_TABLES[given.table]
    engine.attach(table.name, given.paths)
    receipt = given.receipts[0].id
    listed = ", ".join("$receipt AS fetch_id" if name == "fetch_id" else quoted(name) for name in table.column_names)
    order = sorting(table.column_names, identity(table))
    file, _ = lake.fresh("tables", table.name)
    sql = f"SELECT {listed} FROM {quoted(table.name)} ORDER BY {order}"  # noqa: S608 - quoted names
    rows = engine.export(sql, lake.path(file), {"receipt": receipt})
    return StoredTable((file,), rows, given.digest, given.receipts, since=given.since, until=given.since)


def _imported(name: str, made: StoredTable, old: StoredTable | None) -> TableImport:
    state: ImportState = "new" if old is None else "unchanged" if made is old else "replaced"
    return TableImport(name, state, made.rows, None if old is None else old.rows, made.digest)

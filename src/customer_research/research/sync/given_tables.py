"""Canonical tables that anybody gives as files: everything that is wrong in them in one report, or a `TableSet`.

A folder holds `TABLE.parquet`, `TABLE.csv` or `TABLE/*.parquet` for some of the canonical tables. Names that begin with a
dot or an underscore, and texts (`*.md`, `*.txt`), are passed over; anything else must be a table. CSV is UTF-8, separated
by commas, with the columns' names in its first line; nothing between two commas is null, `""` is the empty text.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.faults import TableFault
from customer_research.domain.records import CanonicalTable, literal, quoted
from customer_research.domain.tables import TableFile, TableSet
from customer_research.engines.content import content_digest
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.errors import EngineError, TablesRefused, UsageError
from customer_research.record_tables import LAKE_TABLES, STATES
from customer_research.research.receipts import text_digest
from customer_research.research.sync.canonical import identity, needed_columns
from customer_research.research.sync.cells import Cells
from customer_research.research.sync.given_cells import (
    checks,
    csv_texts,
    faulty_rows,
    header,
    near,
    parquet_rows,
    readable,
    repeated_keys,
    unknown_columns,
    unread,
)
from customer_research.research.sync.given_versions import (
    FROM,
    OBSERVED,
    TO,
    attach_timed,
    faults_of,
    parted,
    with_times,
)
from customer_research.settings import Settings

PASSED_OVER = frozenset((".md", ".txt"))
_DATED = ("created_at", "paid_at", "updated_at", "modified_at", "edited_at", "last_login_at")
"""Columns whose instants have passed when a table is read."""
_NO_OPERATOR_NEEDED = frozenset(("gap",))
"""Tables whose rows may be about every operator."""


@dataclass(frozen=True, slots=True)
class _TableFiles:
    """What somebody gave of one table: the files, and how they are read in SQL once they are Parquet."""

    table: CanonicalTable
    files: tuple[Path, ...]
    parquet: tuple[Path, ...]

    @property
    def rows(self) -> str:
        """All rows, with each one's file and number in it."""
        return parquet_rows(self.parquet)


def check_tables(folder: Path, scratch: Path, settings: Settings, clock: Callable[[], datetime]) -> TableSet:
    """The canonical tables in a folder, every row of them checked.

    Files that need no change are used where they lie; of the others (CSV, instants or numbers as text) there are Parquet
    files below `scratch`, which must last as long as the tables are used. A table that is not there is a gap.

    Args:
        folder: where the tables lie (see the module).
        scratch: a folder of the caller's.
        settings: `engine` says what DuckDB, which does the checking whatever engine is chosen, may use.
        clock: gives the instant for the receipts.

    Raises:
        TablesRefused: everything that is wrong in the tables; nothing is left in `scratch`.
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", hint="Give the folder that the tables' files lie in.")
    folder = folder.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    own = Path(tempfile.mkdtemp(prefix="checked-", dir=scratch))
    room = Room(settings.engine.memory_mb, settings.engine.threads, own, (folder,))
    try:
        with DuckDB(room) as engine:
            engine.run("SET preserve_insertion_order = true")  # the number of a CSV file's row
            return _FolderCheck(engine, folder, own, clock()).tables()
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        raise


class _FolderCheck:
    """One folder's check: faults are gathered, and only without any are there tables."""

    def __init__(self, engine: DuckDB, folder: Path, own: Path, now: datetime) -> None:
        self._engine, self._folder, self._own, self._now = engine, folder, own, now
        self._faults: list[TableFault] = []
        self._latest: dict[str, datetime | None] = {}
        self._observed: set[str] = set()

    def tables(self) -> TableSet:
        found = self._located()
        files = {name: self._checked(LAKE_TABLES[name], paths) for name, paths in found.items()}
        if not found and not self._faults:
            self._faults.append(TableFault(str(self._folder), "has no file of a canonical table"))
        if self._faults:
            raise _refusal(self._folder, tuple(self._faults))
        gaps = {name: self._gap(name) for name in LAKE_TABLES if name not in {*files, *STATES.values(), "gap"}}
        given = {name: replace(file, since=self._read_at(name)) for name, file in files.items() if file is not None}
        return TableSet(str(self._folder), given, gaps)

    def _read_at(self, table: str) -> datetime | None:
        """When a table was read: as it says itself, else when all of them tell of their last record."""
        own = self._latest[table]
        if table in self._observed and own is not None:
            return min(own, self._now)
        told = [latest for name, latest in self._latest.items() if latest is not None and name not in self._observed]
        return min(max(told), self._now) if told else None

    # -- files ----------------------------------------------------------------------------------------------------------

    def _located(self) -> dict[str, tuple[Path, ...]]:
        """The files of each table, in the tables' order."""
        found: dict[str, list[tuple[Path, ...]]] = {}
        for path in sorted(self._folder.iterdir()):
            if path.name.startswith((".", "_")) or (path.suffix in PASSED_OVER and path.is_file()):
                continue
            name = path.name if path.is_dir() else path.stem
            parts = _parts(path)
            if name not in LAKE_TABLES or not parts:
                self._faults.append(TableFault(path.name, _no_table(name, path)))
            else:
                found.setdefault(name, []).append(parts)
        for name, several in found.items():
            if len(several) > 1:
                given = ", ".join(str(parts[0].relative_to(self._folder)) for parts in several)
                self._faults.append(TableFault(name, f"is there more than once ({given}); leave one of them"))
        return {name: found[name][0] for name in LAKE_TABLES if len(found.get(name, ())) == 1}

    def _checked(self, table: CanonicalTable, files: tuple[Path, ...]) -> TableFile | None:
        """The table, or None when something is wrong with it."""
        before = len(self._faults)
        try:
            given = self._as_parquet(table, files)
            if given is None:
                return None
            kinds = self._engine.kinds(f'SELECT * EXCLUDE ("file~", file_row_number) FROM {given.rows}')  # noqa: S608 - quoted
            given = replace(given, table=with_times(table, kinds))
            columns = self._readable(given, kinds)
            self._check_cells(given, columns)
            self._check_keys(given, columns)
            if len(self._faults) > before:
                return None
            return self._accepted(given, columns)
        except EngineError as error:
            self._faults.append(TableFault(table.name, unread(error.message)))
            return None
        finally:
            self._engine.drop(table.name)

    def _as_parquet(self, table: CanonicalTable, files: tuple[Path, ...]) -> _TableFiles | None:
        """The files as they are, or a CSV file as a Parquet file of texts."""
        if files[0].suffix != ".csv":
            return _TableFiles(table, files, files)
        names = header(files[0], table.name)
        if isinstance(names, TableFault):
            self._faults.append(names)
            return None
        raw = self._own / f"{table.name}.raw.parquet"
        self._engine.export(csv_texts(files[0], names), raw)
        return _TableFiles(table, files, (raw,))

    # -- columns and cells ----------------------------------------------------------------------------------------------

    def _readable(self, given: _TableFiles, kinds: Mapping[str, str]) -> dict[str, Cells]:
        """How each canonical column that is there is read; what is wrong with the columns becomes faults."""
        table = given.table
        lower = {name.lower() for name in kinds}
        self._faults += unknown_columns(table, kinds)
        partly = self._in_some_files_only(given)
        for name in table.column_names:
            if name in needed_columns(table.name) and (name not in lower or name in partly):
                where = "is missing" if name not in lower else "is missing in some of the files"
                self._faults.append(
                    TableFault(table.name, f"{where}; add it, empty where nothing is known", column=name)
                )
        return readable(table, kinds, self._faults)

    def _in_some_files_only(self, given: _TableFiles) -> frozenset[str]:
        if len(given.parquet) == 1:
            return frozenset()
        listed = ", ".join(literal(str(path)) for path in given.parquet)
        rows = self._engine.run(
            f"SELECT LOWER(name) AS name, COUNT(DISTINCT file_name) AS files FROM parquet_schema([{listed}]) GROUP BY ALL"  # noqa: S608 - quoted
        )
        return frozenset(row["name"] for row in rows if row["files"] < len(given.parquet))

    def _check_cells(self, given: _TableFiles, columns: Mapping[str, Cells]) -> None:
        """What is wrong with cells becomes faults."""
        table = given.table
        keys = set(identity(table)) - ({"operator_id"} if table.name in _NO_OPERATOR_NEEDED else set()) - {FROM}
        names = {str(path): given.files[place].name for place, path in enumerate(given.parquet)}
        self._faults += faulty_rows(self._engine, table.name, list(checks(table, columns, keys)), given.rows, names)

    def _check_keys(self, given: _TableFiles, columns: Mapping[str, Cells]) -> None:
        """No two rows may have the same key."""
        table = given.table
        self._faults += repeated_keys(self._engine, table.name, identity(table), columns, given.rows)

    # -- what comes of it -----------------------------------------------------------------------------------------------

    def _accepted(self, given: _TableFiles, columns: Mapping[str, Cells]) -> TableFile:
        table = given.table
        paths = given.parquet
        if given.files != given.parquet or not self._as_they_are(given, columns):
            listed = ", ".join(f"{read.value} AS {quoted(name)}" for name, read in columns.items())
            paths = (self._own / f"{table.name}.parquet",)
            self._engine.export(f"SELECT {listed} FROM {given.rows}", paths[0])  # noqa: S608 - quoted names
            for path in set(given.parquet) - set(given.files):
                path.unlink()
        self._engine.attach(table.name, paths)
        attach_timed(self._engine, table, paths)
        self._faults += faults_of(self._engine, table)
        counting = [name for name in LAKE_TABLES[table.name].column_names if name != "fetch_id"]
        digest = content_digest(self._engine, table.name, counting)
        times = [name for name in (OBSERVED, FROM, TO) if name in columns]
        if times:
            self._observed.add(table.name)
        told = times or _DATED
        dated = [f"MAX({name})" for name in told if name in columns]
        latest = f"GREATEST({', '.join(dated)})" if dated else "CAST(NULL AS TIMESTAMP)"
        rows = f'"timed~{table.name}"'
        (count,) = self._engine.run(f"SELECT COUNT(*) AS rows, {latest} AS latest FROM {rows}")  # noqa: S608 - quoted name
        self._latest[table.name] = count["latest"]
        found = TableFile(table.name, paths, count["rows"], digest, (self._receipt(given, count["rows"], digest),))
        return parted(self._engine, table, found, self._own, self._now)

    def _as_they_are(self, given: _TableFiles, columns: Mapping[str, Cells]) -> bool:
        """Whether a cast reads every cell as the canonical table has it."""
        if not all(read.plain for read in columns.values()):
            return False
        changed = [f"{read.value} IS DISTINCT FROM {read.source}" for read in columns.values() if read.respelt]
        if not changed:
            return True
        (row,) = self._engine.run(f"SELECT COUNT(*) AS rows FROM {given.rows} WHERE {' OR '.join(changed)}")  # noqa: S608 - quoted
        return not row["rows"]

    def _receipt(self, given: _TableFiles, rows: int, digest: str) -> Receipt:
        query = "\n".join(str(path.relative_to(self._folder)) for path in given.files)
        return Receipt(
            id=text_digest(f"import\x1f{given.table.name}\x1f{query}\x1f{digest}")[:16],
            source="import",
            stream=given.table.name,
            query=query,
            fetched_at=self._now,
            rows=rows,
            digest=digest,
            place=str(self._folder),
        )

    def _gap(self, table: str) -> Gap:
        return Gap(
            source=LAKE_TABLES[table].home,
            reason="not_configured",
            detail=f"The table {table} is not among the tables given in {self._folder}.",
            next_step=f"Add {table}.parquet or {table}.csv.",
        )


def _refusal(folder: Path, faults: tuple[TableFault, ...]) -> TablesRefused:
    order = {name: place for place, name in enumerate(LAKE_TABLES)}
    faults = tuple(sorted(faults, key=lambda fault: order.get(fault.table, -1)))
    many = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = "".join(f"\n  {fault}" for fault in faults)
    return TablesRefused(
        f"The tables in {folder} have {many}; nothing was taken.",
        faults=faults,
        hint=f"Correct them and try again; `customer-research tables NAME` shows what a table must be.{lines}",
    )


def _parts(path: Path) -> tuple[Path, ...]:
    """The files of a table that a folder's entry is; none when it is something else."""
    if path.is_dir():
        return tuple(sorted(part for part in path.glob("*.parquet") if not part.name.startswith((".", "_"))))
    return (path,) if path.suffix in {".parquet", ".csv"} else ()


def _no_table(name: str, path: Path) -> str:
    if name in LAKE_TABLES:
        return "holds no Parquet file" if path.is_dir() else "is neither a Parquet nor a CSV file"
    return f"is not the file of a canonical table{near(name, LAKE_TABLES)}"

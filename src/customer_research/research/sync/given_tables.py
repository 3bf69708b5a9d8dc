"""Canonical tables that anybody gives as files: everything that is wrong in them in one report, or a `TableSet`.

A folder holds `TABLE.parquet`, `TABLE.csv` or `TABLE/*.parquet` for some of the canonical tables. Names that begin with a
dot or an underscore, and texts (`*.md`, `*.txt`), are passed over; anything else must be a table. CSV is UTF-8, separated
by commas, with the columns' names in its first line; nothing between two commas is null, `""` is the empty text.
"""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.faults import TableFault
from customer_research.domain.records import CanonicalTable, Column, literal, quoted
from customer_research.domain.tables import TableFile, TableSet
from customer_research.domain.values import LEGACY
from customer_research.domain.vocabularies import SPELLINGS, VOCABULARIES
from customer_research.domain.words import nearest, shortened
from customer_research.engines.content import content_digest
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.errors import EngineError, TablesRefused, UsageError
from customer_research.record_tables import LAKE_TABLES, STATES
from customer_research.research.receipts import text_digest
from customer_research.research.sync.canonical import identity, needed_columns
from customer_research.research.sync.cells import Cells, cells
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

EXAMPLE_LENGTH = 40
"""Characters of a wrong value that a fault shows."""

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
        listed = ", ".join(literal(str(path)) for path in self.parquet)
        return (
            f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false, "
            "filename = 'file~', file_row_number = true)"
        )


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
            self._faults.append(TableFault(table.name, _unread(error.message)))
            return None
        finally:
            self._engine.drop(table.name)

    def _as_parquet(self, table: CanonicalTable, files: tuple[Path, ...]) -> _TableFiles | None:
        """The files as they are, or a CSV file as a Parquet file of texts."""
        if files[0].suffix != ".csv":
            return _TableFiles(table, files, files)
        names = self._header(table, files[0])
        if names is None:
            return None
        columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(names)))
        listed = ", ".join(f"c{place} AS {quoted(name)}" for place, name in enumerate(names))
        raw = self._own / f"{table.name}.raw.parquet"
        self._engine.export(
            f"SELECT {listed} FROM read_csv({literal(str(files[0]))}, auto_detect = false, columns = {{{columns}}}, "  # noqa: S608 - quoted
            "header = true, delim = ',', quote = '\"', escape = '\"', comment = '', nullstr = '', "
            "allow_quoted_nulls = false, null_padding = false, strict_mode = true)",
            raw,
        )
        return _TableFiles(table, files, (raw,))

    def _header(self, table: CanonicalTable, path: Path) -> list[str] | None:
        """The names in a CSV file's first line: DuckDB would guess them, and more."""
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                names = [name.strip() for name in next(csv.reader(file), [])]
        except (UnicodeDecodeError, csv.Error):
            names = []
        twice = sorted({name for name in names if [other.lower() for other in names].count(name.lower()) > 1})
        if not any(names):
            self._faults.append(TableFault(table.name, "has no first line with the columns' names (CSV in UTF-8)"))
        elif twice:
            self._faults.append(TableFault(table.name, "has the column twice", column=twice[0]))
        else:
            return names
        return None

    # -- columns and cells ----------------------------------------------------------------------------------------------

    def _readable(self, given: _TableFiles, kinds: Mapping[str, str]) -> dict[str, Cells]:
        """How each canonical column that is there is read; what is wrong with the columns becomes faults."""
        table = given.table
        lower = {name.lower(): name for name in kinds}
        known = {column.name: column for column in table.columns}
        for name in kinds:
            if name.lower() not in known:
                self._faults.append(
                    TableFault(table.name, f"has a column {name[:60]!r} that is not known{_near(name, known)}")
                )
        partly = self._in_some_files_only(given)
        for name in table.column_names:
            if name in needed_columns(table.name) and (name not in lower or name in partly):
                where = "is missing" if name not in lower else "is missing in some of the files"
                self._faults.append(
                    TableFault(table.name, f"{where}; add it, empty where nothing is known", column=name)
                )
        found: dict[str, Cells] = {}
        for name, column in known.items():
            if name in lower:
                read = cells(column, quoted(lower[name]), kinds[lower[name]])
                if read is None:
                    told = f"is of type {kinds[lower[name]]}, not {column.type}"
                    self._faults.append(TableFault(table.name, told, column=name))
                else:
                    found[name] = _spelt(table, column, read)
        return found

    def _in_some_files_only(self, given: _TableFiles) -> frozenset[str]:
        if len(given.parquet) == 1:
            return frozenset()
        listed = ", ".join(literal(str(path)) for path in given.parquet)
        rows = self._engine.run(
            f"SELECT LOWER(name) AS name, COUNT(DISTINCT file_name) AS files FROM parquet_schema([{listed}]) GROUP BY ALL"  # noqa: S608 - quoted
        )
        return frozenset(row["name"] for row in rows if row["files"] < len(given.parquet))

    def _check_cells(self, given: _TableFiles, columns: Mapping[str, Cells]) -> None:
        """One scan: of each check how many rows show it, and the first of them."""
        checks = list(_checks(given.table, columns))
        counted = []
        for place, check in enumerate(checks):
            shown = "''" if check.column.personal else f"LEFT(CAST({check.value} AS VARCHAR), {EXAMPLE_LENGTH})"
            first = f"MIN(ROW(\"file~\", file_row_number, COALESCE({shown}, '')))"
            counted += [
                f"COUNT(*) FILTER (WHERE {check.wrong}) AS n{place}",
                f"{first} FILTER (WHERE {check.wrong}) AS f{place}",
                f"COUNT(*) FILTER (WHERE {check.only_beside or 'TRUE'}) AS b{place}",
            ]
        (row,) = self._engine.run(f"SELECT {', '.join(counted)} FROM {given.rows}") if counted else ({},)  # noqa: S608 - quoted
        for place, check in enumerate(checks):
            if row[f"n{place}"] and row[f"b{place}"]:
                told = row[f"f{place}"]
                file, number, example = told.values() if isinstance(told, Mapping) else told
                name = given.files[given.parquet.index(Path(file))].name
                self._faults.append(
                    TableFault(
                        given.table.name, check.what, check.column.name, row[f"n{place}"], number + 1, name, example
                    )
                )

    def _check_keys(self, given: _TableFiles, columns: Mapping[str, Cells]) -> None:
        """No two rows may have the same key."""
        names = identity(given.table)
        if not columns.keys() >= set(names):
            return
        listed = ", ".join(f"{columns[name].value} AS {quoted(name)}" for name in names)
        key = " || ', ' || ".join(f"COALESCE(CAST({quoted(name)} AS VARCHAR), 'null')" for name in names)
        (row,) = self._engine.run(
            f"SELECT SUM(n) - COUNT(*) AS rows, MIN({key}) AS example FROM "  # noqa: S608 - quoted names
            f"(SELECT {', '.join(map(quoted, names))}, COUNT(*) AS n FROM (SELECT {listed} FROM {given.rows}) "
            "GROUP BY ALL HAVING COUNT(*) > 1)"
        )
        if row["rows"]:
            what = f"the key ({', '.join(names)}) is that of another row"
            self._faults.append(
                TableFault(given.table.name, what, rows=row["rows"], example=shortened(row["example"], EXAMPLE_LENGTH))
            )

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


@dataclass(frozen=True, slots=True)
class _CellCheck:
    """One thing that may be wrong with a column's cells.

    `wrong` is the condition (SQL) of a row that shows it, `value` what the row shows; with `only_beside` it is wrong only
    if some row meets that condition.
    """

    column: Column
    what: str
    wrong: str
    value: str
    only_beside: str = ""


def _checks(table: CanonicalTable, columns: Mapping[str, Cells]) -> Iterator[_CellCheck]:
    keys = set(identity(table)) - ({"operator_id"} if table.name in _NO_OPERATOR_NEEDED else set()) - {FROM}
    for column in table.columns:
        read = columns.get(column.name)
        if read is None:
            continue
        if column.name in keys:
            yield _CellCheck(column, "is empty", f"COALESCE(CAST({read.value} AS VARCHAR), '') = ''", "''")
        yield from (_CellCheck(column, what, wrong, read.source) for what, wrong in read.checks)
        if read.mixed is not None:
            zoned, bare = read.mixed
            what = "has no time zone, while other rows have one"
            yield _CellCheck(column, what, bare, read.source, only_beside=zoned)
        words = _words(table, column)
        if words is not None:
            what = "no currency's code (ISO 4217)" if column.name == "currency" else f"none of {', '.join(words)}"
            listed = ", ".join(map(literal, words))
            yield _CellCheck(column, what, f"{read.value} NOT IN ({listed})", read.source)


def _words(table: CanonicalTable, column: Column) -> tuple[str, ...] | None:
    """The words of a column's closed vocabulary, if it has one."""
    return _currencies() if column.name == "currency" else VOCABULARIES.get(f"{table.name}.{column.name}")


def _spelt(table: CanonicalTable, column: Column, read: Cells) -> Cells:
    """A column of words read in their own spelling, whatever the case and the blanks around; ids of operators likewise."""
    words = _words(table, column) or SPELLINGS.get(f"{table.name}.{column.name}")
    if column.name == "operator_id":
        return replace(read, value=_operator(read.value), respelt=True)
    if words is None:
        return read
    given = f"TRIM(CAST({read.value} AS VARCHAR))"
    cases = " ".join(f"WHEN {literal(word.lower())} THEN {literal(word)}" for word in words)
    value = f"CASE LOWER({given}) {cases} ELSE {given} END"
    return replace(read, value=value, respelt=True)


def _operator(value: str) -> str:
    """`domain.values.operator_key` as SQL, for the spellings that files have: case, blanks, no dashes, a float's form."""
    word = f"LOWER(TRIM(CAST({value} AS VARCHAR)))"
    digits = f"REPLACE({word}, '-', '')"
    dashed = r"REGEXP_REPLACE(" + digits + r", '^(.{8})(.{4})(.{4})(.{4})(.{12})$', '\1-\2-\3-\4-\5')"
    number = f"TRY_CAST(TRY_CAST({word} AS DOUBLE) AS BIGINT)"
    return (
        f"CASE WHEN REGEXP_FULL_MATCH({digits}, '[0-9a-f]{{32}}') THEN {dashed} "
        f"WHEN REGEXP_FULL_MATCH({word}, '[0-9]+') THEN '{LEGACY}' || {word} "
        rf"WHEN REGEXP_FULL_MATCH({word}, '[0-9]+(\.[0-9]*)?(e\+?[0-9]+)?') AND {number} <= {2**53} "
        f"AND {number} = TRY_CAST({word} AS DOUBLE) THEN '{LEGACY}' || {number} ELSE NULLIF({word}, '') END"
    )


@cache
def _currencies() -> tuple[str, ...]:
    from babel.numbers import list_currencies  # noqa: PLC0415 - slow to import

    return tuple(sorted(list_currencies()))


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
    return f"is not the file of a canonical table{_near(name, LAKE_TABLES)}"


def _near(name: str, known: Iterable[str]) -> str:
    close = nearest(name, known)
    return f" (did you mean {close[0]}?)" if close else ""


def _unread(message: str) -> str:
    """What to say of a file that DuckDB cannot read."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    if line is not None:
        return f"cannot be read at line {line[1]}: as many values as columns, closed quotes and UTF-8 are expected"
    return f"cannot be read: {re.sub('^.*? Error: ', '', message).rstrip('.')}"

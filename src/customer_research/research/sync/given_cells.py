"""The files that somebody gives, cell by cell: what CSV and Parquet are read as, and what is wrong in them.

Whoever takes files reads them by this: canonical tables (`given_tables`) and single files of rows (`given_rows`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from customer_research.domain.faults import TableFault
from customer_research.domain.records import CanonicalTable, Column, literal, quoted
from customer_research.domain.values import LEGACY
from customer_research.domain.vocabularies import SPELLINGS, VOCABULARIES
from customer_research.domain.words import nearest, shortened
from customer_research.engines.duckdb import DuckDB
from customer_research.research.sync.cells import Cells, cells

EXAMPLE_LENGTH = 40
"""Characters of a wrong value that a fault shows."""

Words = Mapping[str, tuple[str, ...]]
"""Columns that hold one of some words, beside those of the canonical tables → the words."""

NO_WORDS: Words = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CellCheck:
    """One thing that may be wrong with a column's cells.

    `wrong` is the condition (SQL) of a row that shows it, `value` what the row shows; with `only_beside` it is wrong only
    if some row meets that condition.
    """

    column: Column
    what: str
    wrong: str
    value: str
    only_beside: str = ""


def checks(
    table: CanonicalTable, columns: Mapping[str, Cells], keys: Collection[str], own: Words = NO_WORDS
) -> Iterator[CellCheck]:
    """What is looked for in the cells of a table's columns; those of `keys` may not be empty."""
    for column in table.columns:
        read = columns.get(column.name)
        if read is None:
            continue
        if column.name in keys:
            yield CellCheck(column, "is empty", f"COALESCE(CAST({read.value} AS VARCHAR), '') = ''", "''")
        yield from (CellCheck(column, what, wrong, read.source) for what, wrong in read.checks)
        if read.mixed is not None:
            zoned, bare = read.mixed
            what = "has no time zone, while other rows have one"
            yield CellCheck(column, what, bare, read.source, only_beside=zoned)
        words = _words(table, column, own)
        if words is not None:
            what = "no currency's code (ISO 4217)" if column.name == "currency" else f"none of {', '.join(words)}"
            listed = ", ".join(map(literal, words))
            yield CellCheck(column, what, f"{read.value} NOT IN ({listed})", read.source)


def faulty_rows(
    engine: DuckDB, table: str, looked_for: Sequence[CellCheck], rows: str, files: Mapping[str, str]
) -> Iterator[TableFault]:
    """One scan: of each check how many rows show it, and the first of them.

    Args:
        engine: where the rows are read.
        table: what the faults call the table.
        looked_for: the checks.
        rows: SQL that reads the rows, with `file~` and `file_row_number`.
        files: what each file that is read is called.
    """
    counted = []
    for place, check in enumerate(looked_for):
        shown = "''" if check.column.personal else f"LEFT(CAST({check.value} AS VARCHAR), {EXAMPLE_LENGTH})"
        first = f"MIN(ROW(\"file~\", file_row_number, COALESCE({shown}, '')))"
        counted += [
            f"COUNT(*) FILTER (WHERE {check.wrong}) AS n{place}",
            f"{first} FILTER (WHERE {check.wrong}) AS f{place}",
            f"COUNT(*) FILTER (WHERE {check.only_beside or 'TRUE'}) AS b{place}",
        ]
    (row,) = engine.run(f"SELECT {', '.join(counted)} FROM {rows}") if counted else ({},)  # noqa: S608 - quoted
    for place, check in enumerate(looked_for):
        if row[f"n{place}"] and row[f"b{place}"]:
            told = row[f"f{place}"]
            file, number, example = told.values() if isinstance(told, Mapping) else told
            yield TableFault(table, check.what, check.column.name, row[f"n{place}"], number + 1, files[file], example)


def repeated_keys(
    engine: DuckDB, table: str, names: Sequence[str], columns: Mapping[str, Cells], rows: str
) -> Iterator[TableFault]:
    """No two rows may have the same key, which the columns `names` are; it is not looked for where one of them is missing."""
    if not columns.keys() >= set(names):
        return
    listed = ", ".join(f"{columns[name].value} AS {quoted(name)}" for name in names)
    key = " || ', ' || ".join(f"COALESCE(CAST({quoted(name)} AS VARCHAR), 'null')" for name in names)
    (row,) = engine.run(
        f"SELECT SUM(n) - COUNT(*) AS rows, MIN({key}) AS example FROM "  # noqa: S608 - quoted names
        f"(SELECT {', '.join(map(quoted, names))}, COUNT(*) AS n FROM (SELECT {listed} FROM {rows}) "
        "GROUP BY ALL HAVING COUNT(*) > 1)"
    )
    if row["rows"]:
        what = f"the key ({', '.join(names)}) is that of another row"
        yield TableFault(table, what, rows=row["rows"], example=shortened(row["example"], EXAMPLE_LENGTH))


def parquet_rows(paths: Iterable[Path]) -> str:
    """SQL that reads all rows of Parquet files, with each one's file and number in it."""
    listed = ", ".join(literal(str(path)) for path in paths)
    return (
        f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false, "
        "filename = 'file~', file_row_number = true)"
    )


def header(path: Path, table: str) -> list[str] | TableFault:
    """The names in a CSV file's first line: DuckDB would guess them, and more."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = [name.strip() for name in next(csv.reader(file), [])]
    except (UnicodeDecodeError, csv.Error):
        names = []
    twice = sorted({name for name in names if [other.lower() for other in names].count(name.lower()) > 1})
    if not any(names):
        return TableFault(table, "has no first line with the columns' names (CSV in UTF-8)")
    return TableFault(table, "has the column twice", column=twice[0]) if twice else names


def csv_texts(path: Path, names: Sequence[str]) -> str:
    """SQL that reads a CSV file's cells as they stand, as texts."""
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(names)))
    listed = ", ".join(f"c{place} AS {quoted(name)}" for place, name in enumerate(names))
    return (
        f"SELECT {listed} FROM read_csv({literal(str(path))}, auto_detect = false, columns = {{{columns}}}, "  # noqa: S608 - quoted
        "header = true, delim = ',', quote = '\"', escape = '\"', comment = '', nullstr = '', "
        "allow_quoted_nulls = false, null_padding = false, strict_mode = true)"
    )


def unknown_columns(table: CanonicalTable, given: Iterable[str]) -> Iterator[TableFault]:
    """A fault for each column that the table does not have."""
    known = table.column_names
    for name in given:
        if name.lower() not in known:
            yield TableFault(table.name, f"has a column {name[:60]!r} that is not known{near(name, known)}")


def readable(
    table: CanonicalTable, kinds: Mapping[str, str], faults: list[TableFault], own: Words = NO_WORDS
) -> dict[str, Cells]:
    """How each of the table's columns that is there is read; one of a type that cannot be read becomes a fault."""
    lower = {name.lower(): name for name in kinds}
    found: dict[str, Cells] = {}
    for column in table.columns:
        if column.name in lower:
            kind = kinds[lower[column.name]]
            read = cells(column, quoted(lower[column.name]), kind)
            if read is None:
                faults.append(TableFault(table.name, f"is of type {kind}, not {column.type}", column=column.name))
            else:
                found[column.name] = _spelt(table, column, read, own)
    return found


def _words(table: CanonicalTable, column: Column, own: Words) -> tuple[str, ...] | None:
    """The words of a column's closed vocabulary, if it has one."""
    if column.name == "currency":
        return _currencies()
    return own.get(column.name) or VOCABULARIES.get(f"{table.name}.{column.name}")


def _spelt(table: CanonicalTable, column: Column, read: Cells, own: Words) -> Cells:
    """A column of words read in their own spelling, whatever the case and the blanks around; ids of operators likewise."""
    words = _words(table, column, own) or SPELLINGS.get(f"{table.name}.{column.name}")
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


def near(name: str, known: Iterable[str]) -> str:
    """The known names that are spelt most alike, as a remark; empty where none is."""
    close = nearest(name, known)
    return f" (did you mean {close[0]}?)" if close else ""


def unread(message: str) -> str:
    """What to say of a file that DuckDB cannot read."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    if line is not None:
        return f"cannot be read at line {line[1]}: as many values as columns, closed quotes and UTF-8 are expected"
    return f"cannot be read: {re.sub('^.*? Error: ', '', message).rstrip('.')}"

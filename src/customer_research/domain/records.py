"""What a canonical table is, and the text that declares one: every column that metrics and reports may name, documented once.

Sources normalise vendors' records into these tables (live: rows in memory; warehouse: a binding that renames the vendor's
columns and stays where the data is). Each source declares its own (`sources/<name>/records.py`); `record_tables` collects them.
Timestamps are UTC; `*_minor` are integer minor units of the row's `currency`; `fetch_id` is the id of the receipt that
brought the row (memory tables only; bindings have none).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

ColumnType = Literal["text", "integer", "number", "boolean", "date", "timestamp", "texts"]

DIALECT = "duckdb"
"""The dialect of SQL in which metrics and rules are written; engines say it in their own."""

SQL_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {
        "text": "VARCHAR",
        "integer": "BIGINT",
        "number": "DOUBLE",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "texts": "VARCHAR",
    }
)
"""In that dialect; timestamps are naive UTC, texts a `|`-delimited list (`|a|b|`)."""

_BEGIN = re.compile(r"\n(?=\s*\w+ \[)")
_MARKS = "*+@"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table; `shown` says that a customer may see its own values."""

    name: str
    type: ColumnType
    meaning: str
    personal: bool = False
    later: bool = False
    """Added after the table was first described: tables without it are read as if it were empty."""
    shown: bool = False


@dataclass(frozen=True, slots=True)
class CanonicalTable:
    """One canonical table: where its rows come from (`home`, a source), what one row is, its key and its columns.

    `bound` tables live in the warehouse and are reached by a binding, unless a second source gives their rows; the others
    are rows in memory.
    """

    name: str
    home: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    bound: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    def types(self, *but: str) -> dict[str, ColumnType]:
        """The columns' types by name, in order, without those named."""
        return {column.name: column.type for column in self.columns if column.name not in but}


@dataclass(frozen=True, slots=True)
class SourceRecords:
    """What a source brings: how it is called, and the canonical tables that it fills.

    `title` is read by people of ours, `customer_title` stands for it in reports for customers; `place` is where the tables
    stand among those of the other sources. `states` names tables of which the source keeps what records have been, and the
    columns that it keeps. Not everybody has an `optional` one: where it is not set up, nothing is lacking, and reports read as
    if there were none. `instead_of` names bound tables of another source whose rows this one can give in its place: it is
    their *second source* (`research.second_sources`).
    """

    source: str
    title: str
    customer_title: str
    place: int
    tables: Mapping[str, CanonicalTable]
    states: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False
    instead_of: tuple[str, ...] = ()

    @property
    def state_tables(self) -> Mapping[str, CanonicalTable]:
        """The tables of what records have been, by name."""
        made = (_state_table(self.tables[of], columns.split()) for of, columns in self.states.items())
        return {table.name: table for table in made}


def literal(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def names(listed: str) -> tuple[str, ...]:
    """The names of a list written with blanks."""
    return tuple(listed.split())


def tables(home: str, text: str, *, bound: bool = False) -> dict[str, CanonicalTable]:
    """The tables that a text declares: a line `name [key columns] what one row is`, and below it one line for each column.

    A column's line is `name type meaning`, with marks before the meaning: `*` personal data, `+` added later, `@` a customer
    may see it.
    """
    found: dict[str, CanonicalTable] = {}
    for block in _BEGIN.split(text.strip()):
        head, *lines = block.splitlines()
        name, _, rest = head.strip().partition(" [")
        key, _, grain = rest.partition("] ")
        found[name] = CanonicalTable(name, home, grain, tuple(key.split()), tuple(_columns(lines)), bound)
    return found


def _columns(lines: list[str]) -> Iterator[Column]:
    for line in lines:
        name, kind, text = line.split(maxsplit=2)
        meaning = text.lstrip(_MARKS).lstrip()
        marks = text[: len(text) - len(text.lstrip(_MARKS))]
        yield Column(name, kind, meaning, *(mark in marks for mark in _MARKS))  # type: ignore[arg-type]


def state_name(table: str) -> str:
    """The name of the table that tells what the records of a table have been."""
    return f"{table}_state"


def _state_table(table: CanonicalTable, columns: list[str]) -> CanonicalTable:
    known = {column.name: column for column in table.columns}
    known["since"] = Column("since", "timestamp", "when it came to be so; it stood until the record's next row")
    listed = ("operator_id", *table.key, "since", *columns, "fetch_id")
    grain = f"one row per state that a record of {table.name} has been in"
    return CanonicalTable(
        state_name(table.name), table.home, grain, (*table.key, "since"), tuple(known[name] for name in listed)
    )

"""A lake in memory for tests of bulk streams: keeps slices as the lake does, and runs links."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from customer_research.connect.source import DECIDED, Ask, BulkStream, LandingTable, Link, Pull, Row, Slice, Source
from customer_research.domain.records import SQL_TYPES
from customer_research.engines.duckdb import Memory
from customer_research.record_tables import LAKE_TABLES
from customer_research.settings import Settings

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
Key = tuple[Any, ...]


@dataclass
class Kept:
    """What has landed, by table and key; the marks of complete pulls and the cursors of those that were cut off."""

    tables: dict[str, dict[Key, Row]] = field(default_factory=dict)
    kinds: dict[str, LandingTable] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    brought: dict[str, dict[str, set[Key]]] = field(default_factory=dict)
    slices: list[Slice] = field(default_factory=list)

    async def pull(
        self,
        session: Any,
        stream: BulkStream,
        *,
        full: bool = False,
        until: datetime = UNTIL,
        overlap: timedelta = timedelta(days=35),
        most: int | None = None,
    ) -> list[Slice]:
        """Pull a stream to its end, from where it was cut off; an error leaves the slices before it, as does *most*."""
        self.kinds |= {table.name: table for table in stream.tables}
        for table in stream.tables:
            self.tables.setdefault(table.name, {})
        since = None if full else self.marks.get(stream.name)
        asked = Pull(until, since, self.cursors.pop(stream.name, None), overlap, self.ask)
        if asked.resume is None:
            self.brought[stream.name] = {table.name: set() for table in stream.tables}
        found = []
        async for piece in stream.pull(session, asked):
            found.append(piece)
            self._keep(stream.name, piece)
            if len(found) == most:
                return found
        last = found[-1]
        assert last.mark is not None
        assert all(piece.mark is None and not piece.whole for piece in found[:-1])
        self.marks[stream.name] = last.mark
        self.cursors.pop(stream.name)
        for name in last.whole:
            self.tables[name] = {key: self.tables[name][key] for key in self.brought[stream.name][name]}
        return found

    def _keep(self, stream: str, piece: Slice) -> None:
        self.slices.append(piece)
        self.cursors[stream] = piece.cursor
        receipts = {receipt.id for receipt in piece.receipts}
        for name, rows in piece.rows.items():
            kind = self.kinds[name]
            for row in rows:
                assert set(row) == set(kind.columns)
                assert "fetch_id" not in row or row["fetch_id"] in receipts
                key = tuple(row[column] for column in kind.key)
                self.tables[name][key] = row
                self.brought[stream][name].add(key)
        for name, keys in piece.gone.items():
            for key in keys:
                self.tables[name].pop(tuple(key), None)
                self.brought[stream][name].discard(tuple(key))

    def rows(self, table: str) -> list[Row]:
        """The rows of a landing table, in no order."""
        return list(self.tables[table].values())

    def ask(self, sql: str) -> list[Row]:
        """Run SQL over what has landed."""
        return self._asking()(sql)

    def _asking(self, made: Mapping[str, list[Row]] | None = None) -> Ask:
        memory = Memory()
        for name, rows in self.tables.items():
            memory.create(
                name,
                {column: SQL_TYPES[kind] for column, kind in self.kinds[name].columns.items()},
                list(rows.values()),
            )
        rulings = dict.fromkeys(("record_id", "operator_id", "ruling"), "VARCHAR")
        memory.create(f"{DECIDED}company", rulings, [])
        for name, given in (made or {}).items():
            columns = {column.name: SQL_TYPES[column.type] for column in LAKE_TABLES[name].columns}
            memory.create(name, columns, given)
        return memory.run

    def linked(self, link: Link, made: Mapping[str, list[Row]] | None = None) -> list[Row]:
        """The rows that a link makes of what has landed, and of canonical tables that others made."""
        asking = self._asking(made)
        return list(link.rows(asking)) if link.rows is not None else asking(link.sql)


def in_session(source: Source, settings: Settings, work: Callable[[Any], Any], clock: datetime = UNTIL) -> Any:
    """The result of asynchronous work with an open session of a source."""

    async def run() -> Any:
        session = source.open(settings, lambda: clock)
        try:
            return await work(session)
        finally:
            await session.close()

    return asyncio.run(run())


def unstamped(rows: list[Row]) -> set[tuple[tuple[str, Any], ...]]:
    """Rows without their receipts, in no order, to be compared."""
    return {tuple(sorted((name, value) for name, value in row.items() if name != "fetch_id")) for row in rows}

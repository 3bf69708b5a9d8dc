"""A vendor made up for tests of the sync: records that change, slices, failures, and links to canonical tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import (
    Ask,
    Batch,
    BulkStream,
    LandingTable,
    Link,
    Pull,
    Row,
    Slice,
    Source,
    Stream,
    Subject,
)
from customer_research.domain.evidence import Gap
from customer_research.errors import Unavailable
from customer_research.record_tables import LAKE_TABLES
from customer_research.sources.warehouse.settings import MetabaseSettings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def canonical(name: str) -> LandingTable:
    """A landing table that is a canonical one."""
    table = LAKE_TABLES[name]
    key = tuple(dict.fromkeys(["operator_id", *table.key])) if "operator_id" in table.column_names else table.key
    return LandingTable(name, key, {column.name: column.type for column in table.columns})


@dataclass
class Shelf:
    """One stream's records at the vendor: by key, each with a version that grows with every change."""

    table: LandingTable
    records: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    changed: dict[tuple[Any, ...], int] = field(default_factory=dict)
    removed: dict[tuple[Any, ...], int] = field(default_factory=dict)
    version: int = 0

    def put(self, *rows: Row) -> None:
        """Add or change records."""
        for row in rows:
            key = tuple(row[name] for name in self.table.key)
            self.version += 1
            self.records[key], self.changed[key] = row, self.version

    def remove(self, *key: Any) -> None:
        """A record is no more."""
        self.version += 1
        del self.records[key]
        self.removed[key] = self.version


@dataclass
class Vendor:
    """A source of shelves. `per_slice` records come in a slice; what a test sets says what goes wrong."""

    name: str
    shelves: tuple[Shelf, ...]
    links: tuple[Link, ...] = ()
    per_slice: int = 2
    tells_deletions: bool = True
    configured: bool = True
    place: str = "https://vendor.example"
    fail_after: int | None = None
    """Slices that come, over all streams, before the vendor is out of reach."""
    partial: dict[str, Gap] = field(default_factory=dict)
    asked: list[tuple[str, Pull]] = field(default_factory=list)
    held: list[Row] = field(default_factory=list)
    ask: str = ""
    """Asked of what has landed, after each slice."""
    live: tuple[tuple[str, ...], ...] = ()
    """The tables of each stream of one operator; a sync asks none of them."""

    @property
    def source(self) -> Source:
        """What the sync sees."""
        streams = (
            BulkStream(f"{one.table.name}s", one.table.name, (one.table,), self._pull(one)) for one in self.shelves
        )
        return Source(
            self.name,
            self.name.title(),
            tuple(Stream("-".join(tables), "Of one operator", tables, _unasked) for tables in self.live),
            open=lambda _settings, _clock: _Session(),
            missing=lambda _settings: (
                None if self.configured else Gap(self.name, "not_configured", "No key.", "Set one.")
            ),
            bulk=tuple(streams),
            links=self.links,
        )

    def _pull(self, shelf: Shelf) -> Callable[[Any, Pull], AsyncIterator[Slice]]:
        async def pull(_session: Any, asked: Pull) -> AsyncIterator[Slice]:
            self.asked.append((shelf.table.name, asked))
            since = int(asked.since or 0) if (asked.since or "0").isdigit() else 0
            keys = sorted(key for key in shelf.records if shelf.changed[key] > since)
            begin = int(asked.resume or 0)
            steps = range(begin, len(keys), self.per_slice) or [len(keys)]
            for step in steps:
                self._strike(shelf)
                some = keys[step : step + self.per_slice]
                last = step + self.per_slice >= len(keys)
                yield self._slice(shelf, some, step, last=last, since=since, whole=asked.since is None)
                if self.ask:
                    self.held = asked.held(self.ask)

        return pull

    def _strike(self, shelf: Shelf) -> None:
        if self.fail_after is None:
            return
        if self.fail_after == 0:
            raise Unavailable("The vendor cannot be reached.", source=self.name, stream=shelf.table.name)
        self.fail_after -= 1

    def _slice(
        self, shelf: Shelf, keys: Iterable[tuple[Any, ...]], step: int, *, last: bool, since: int, whole: bool
    ) -> Slice:
        log = RequestLog(self.name, shelf.table.name, self.place, lambda: NOW)
        log.sent("GET", f"/{shelf.table.name}?from={step}")
        rows = [shelf.records[key] for key in keys]
        receipt = log.receipt(rows)
        name = shelf.table.name
        gone = [key for key, version in shelf.removed.items() if version > since and key not in shelf.records]
        stamped = stamp(rows, receipt) if "fetch_id" in shelf.table.columns else rows
        return Slice(
            rows={name: stamped},
            receipts=(receipt,),
            cursor=str(step + self.per_slice),
            gone={name: gone} if last and self.tells_deletions and since else {},
            done=step + len(rows),
            total=len(shelf.records),
            mark=str(shelf.version) if last else None,
            whole=(name,) if last and whole and name not in self.partial else (),
            gaps=self.partial if last else {},
        )


async def _unasked(_session: Any, _subject: Subject) -> Batch:
    raise AssertionError("a sync asks of no one operator")


class _Session:
    """An open connection; of the warehouse's, what its runner takes."""

    http = None
    clock = None
    statements = None
    own = MetabaseSettings.model_validate({})

    def attach(self, *_: Any) -> None:
        """As the warehouse's session; nothing is attached."""

    async def close(self) -> None:
        """Nothing is open."""


def rows_of(ask: Ask, table: str) -> list[Row]:
    """All rows of a table."""
    return ask(f"SELECT * FROM {table}")

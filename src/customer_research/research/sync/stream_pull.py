"""One bulk stream pulled: slice by slice into parts, each kept before the next is asked for, then one file a table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from customer_research.connect.source import BulkStream, Clock, LandingTable, Pull, Row, Slice, Source
from customer_research.domain.evidence import ANSWERS, Gap, Receipt
from customer_research.domain.pull import Progress, PullResult, PullState
from customer_research.domain.words import instant_text
from customer_research.engines.duckdb import DuckDB
from customer_research.errors import CustomerResearchError
from customer_research.lake import LakeWriter, LandingFile, OpenPull, StreamState, fold
from customer_research.research.sync import landing

RESUME_WITHIN = timedelta(days=1)
"""How old a pull that was cut off may be to be taken up: a vendor's cursors and pages do not stand for ever."""

PARTS_AT_MOST = 256
"""Parts of a landing table, and receipts of a pull, before they are made into one: the manifest stays small."""

RECEIPTS_AT_MOST = 20
"""Receipts of a landing table; of more the oldest are folded into one."""

Listener = Callable[[Progress], None]
"""Hears how far a stream has come."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a sync is asked for: everything anew (`full`), or what changed `since` an instant (None: since the last pull).

    `full_days` is the age at which a complete pull no longer does for the incremental ones behind it.
    """

    full: bool
    since: datetime | None
    overlap: timedelta
    full_days: timedelta


def begun(state: StreamState, order: Order, shape: str, now: datetime) -> OpenPull:
    """The pull to make: the one that was cut off, where it serves what is asked for, else a new one."""
    since = None if _everything(state, order, shape, now) else _since(state, order)
    left = state.unfinished
    if (
        left is not None
        and state.shape == shape
        and abs(now - left.until) < RESUME_WITHIN
        and (left.since is None or left.since == since)
    ):
        return left
    return OpenPull(since=since, until=now)


def _everything(state: StreamState, order: Order, shape: str, now: datetime) -> bool:
    return (
        order.full
        or state.shape != shape
        or not state.mark
        or state.full_at is None
        or (order.since is None and now - state.full_at >= order.full_days)
    )


def _since(state: StreamState, order: Order) -> str | None:
    """Where to begin: not behind the mark, where that is an instant, or what changed in between would be missing."""
    if order.since is None or state.mark is None:
        return state.mark
    marked = _instant(state.mark)
    if marked is not None and marked < order.since:
        return state.mark
    return instant_text(order.since)


def _instant(mark: str) -> datetime | None:
    """The instant that a mark names; None for one of another kind."""
    try:
        found = datetime.fromisoformat(mark)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class _Job:
    """What one slice says of one table, to be written.

    `fresh` names and numbers its part; `earlier` are the parts before it, `merged` the one that they become when they are
    many.
    """

    table: LandingTable
    rows: Sequence[Row]
    gone: Sequence[tuple[Any, ...]]
    earlier: tuple[str, ...]
    merged: str | None
    fresh: tuple[str, int]


@dataclass(frozen=True, slots=True)
class _SliceWrite:
    """A slice that is being written: gives the parts of its tables."""

    piece: Slice
    future: Future[Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class PullRoom:
    """What the pulls of one source share.

    `lake` is open for writing; `engine` a DuckDB that reaches the lake's folder, used by one pull at a time; `order` what is
    asked for; `progress` hears how far each has come; `threads` is where slices are written; `heavy` is held while much is computed
    at once, so that only one stream does.
    """

    lake: LakeWriter
    engine: DuckDB
    source: Source
    order: Order
    clock: Clock
    progress: Listener
    threads: Executor
    heavy: asyncio.Semaphore


class StreamPull:
    """One stream of one sync. Everything it learns is in the lake before it goes on."""

    def __init__(self, room: PullRoom, stream: BulkStream) -> None:
        self._room = room
        self._lake, self._engine, self._source = room.lake, room.engine, room.source
        self._stream = stream
        self._tables = {table.name: table for table in stream.tables}
        self._shape = landing.shape(stream.tables)
        self._started = room.clock()
        self._timer = time.monotonic()
        self._pull = begun(self._state, room.order, self._shape, self._started)
        self._rows = self._requests = self._gone = 0
        self._writing: _SliceWrite | None = None
        self.answered = False
        """Whether the source gave anything in this sync."""

    @property
    def _name(self) -> str:
        return f"{self._source.name}.{self._stream.name}"

    @property
    def _state(self) -> StreamState:
        return self._lake.state.streams.get(self._name) or StreamState(shape=self._shape)

    async def run(self, session: Any) -> PullResult:
        """Pull, keep and compact.

        Raises:
            CustomerResearchError: the source failed, or broke its contract; what came before is kept.
        """
        self._tell(0, None)
        last = await self._slices(session)
        if last is None:  # of another place than what has landed: everything again
            last = await self._slices(session)
        assert last is not None
        async with self._room.heavy:
            changed = await self._finish(last)
        gap = _first(self._state.partial) or last.unread
        return self.result("partial" if gap is not None else "done" if changed else "unchanged", gap)

    def failed(self, gap: Gap) -> PullResult:
        """Note that the pull failed, and why; what has landed stands."""
        self._lake.put_stream(self._name, replace(self._state, tried_at=self._started, failure=gap))
        return self.result("failed", gap)

    def result(self, state: PullState, gap: Gap | None = None) -> PullResult:
        """What became of the stream, told to whoever listens."""
        found = PullResult(
            source=self._source.name,
            stream=self._stream.name,
            title=self._stream.title,
            state=state,
            started=self._started,
            ended=self._room.clock(),
            rows=self._rows,
            gone=self._gone,
            held=sum(landed.rows for landed in self._state.landed.values()),
            as_of=self._state.succeeded_at,
            requests=self._requests,
            seconds=round(time.monotonic() - self._timer, 3),
            full=self._pull.since is None,
            gap=gap,
        )
        self._room.progress(Progress(found.source, found.stream, found.title, self._rows, self._rows, found))
        return found

    # -- slices -------------------------------------------------------------------------------------------------------

    async def _slices(self, session: Any) -> Slice | None:
        """Keep every slice and give the last; None when the records come from another place than those that landed.

        While one is written the next is asked for; it is noted behind the other all the same.
        """
        pull = Pull(
            until=self._pull.until,
            since=self._pull.since,
            resume=self._pull.cursor,
            overlap=self._room.order.overlap,
            held=self._ask,
        )
        last = None
        slices = self._stream.pull(session, pull)
        try:
            async for last in slices:
                if self._moved(last):
                    return None
                if self._writing is not None:
                    await asyncio.wrap_future(self._writing.future)
                self._settle()
                self._begin(last)
        finally:
            await _close(slices)
            self._settle()
        if last is None or last.mark is None:
            raise CustomerResearchError(
                f"The stream {self._name} ended before it said that it was complete.", hint="Please report it."
            )
        return last

    def _moved(self, piece: Slice) -> bool:
        """Whether the source is another one than the rows came from; these are then no longer its rows."""
        place, known = _place(piece), self._state.place
        if not place or not known or place == known or self.answered:
            return False
        self._lake.put_stream(self._name, StreamState(shape=self._shape))
        self._pull = OpenPull(since=None, until=self._started)
        return True

    def _begin(self, piece: Slice) -> None:
        """Have a slice written in a thread; nothing else uses the engine until it is settled."""
        self.answered = True
        jobs = []
        for name in dict.fromkeys([*piece.rows, *piece.gone]):
            rows, gone = piece.rows.get(name, []), piece.gone.get(name, ())
            if rows or gone:
                earlier = self._pull.parts.get(name, ())
                merged = self._fresh(name)[0] if len(earlier) >= PARTS_AT_MOST else None
                jobs.append(_Job(self._table(name), rows, gone, earlier, merged, self._fresh(name)))
        self._writing = _SliceWrite(piece, self._room.threads.submit(self._write, jobs))

    def _write(self, jobs: Sequence[_Job]) -> Mapping[str, tuple[str, ...]]:
        """Write the parts of a slice; gives all parts of its tables."""
        parts = {}
        for job in jobs:
            earlier = job.earlier
            if job.merged is not None:
                paths = [self._lake.path(file) for file in earlier]
                landing.merge_parts(self._engine, job.table, paths, self._lake.path(job.merged))
                earlier = (job.merged,)
            file, number = job.fresh
            path = self._lake.path(file)
            landing.write_part(self._engine, job.table, job.rows, job.gone, path=path, number=number)
            parts[job.table.name] = (*earlier, file)
        return parts

    def _settle(self) -> None:
        """Note the slice that was being written, when it is on the disk."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        written, piece = writing.future.result(), writing.piece
        rows = sum(map(len, piece.rows.values()))
        receipts = (*self._pull.receipts, *piece.receipts)
        if len(receipts) >= PARTS_AT_MOST:
            receipts = tuple(filter(None, [fold(receipts, self._stream.name)]))
        self._rows += rows
        self._requests += sum(receipt.requests for receipt in piece.receipts)
        self._pull = replace(
            self._pull,
            cursor=piece.cursor,
            parts={**self._pull.parts, **written},
            receipts=receipts,
            rows=self._pull.rows + rows,
        )
        place = self._state.place or _place(piece)
        self._lake.put_stream(self._name, replace(self._state, unfinished=self._pull, place=place))
        self._tell(piece.done or self._pull.rows, piece.total)

    def _fresh(self, name: str) -> tuple[str, int]:
        return self._lake.fresh("landing", f"{self._source.name}.{name}")

    def _table(self, name: str) -> LandingTable:
        table = self._tables.get(name)
        if table is None:
            raise CustomerResearchError(f"The stream {self._name} has no table {name!r}.", hint="Please report it.")
        return table

    def _tell(self, done: int, total: int | None) -> None:
        self._room.progress(Progress(self._source.name, self._stream.name, self._stream.title, done, total))

    def _ask(self, sql: str) -> list[Row]:
        """What has landed so far, of this stream with the parts of this pull; see `Pull.held`."""
        self._settle()
        bind_landed(self._lake, self._engine, self._source)
        for name, table in self._tables.items():
            landed = self._state.landed.get(name)
            parts = [self._lake.path(part) for part in self._pull.parts.get(name, ())]
            landing.expose(self._engine, table, self._lake.path(landed.file) if landed else None, parts)
        return self._engine.run(sql)

    # -- the end ------------------------------------------------------------------------------------------------------

    async def _finish(self, last: Slice) -> bool:
        """Make one file of each table and note the mark; whether anything changed."""
        before = self._state
        receipt = fold(self._pull.receipts, self._stream.name)
        landed = {
            name: await self._compacted(table, before.landed.get(name), last, receipt)
            for name, table in self._tables.items()
        }
        self._lake.put_stream(
            self._name,
            StreamState(
                shape=self._shape,
                place=before.place,
                mark=last.mark,
                succeeded_at=self._pull.until,
                full_at=self._full_at(before, last),
                tried_at=self._started,
                landed=landed,
                partial=dict(last.gaps),
            ),
        )
        return {name: found.digest for name, found in landed.items()} != {
            name: found.digest for name, found in before.landed.items()
        }

    def _full_at(self, before: StreamState, last: Slice) -> datetime | None:
        """When everything was last pulled; a full pull that lacked records is to be done again."""
        if self._pull.since is not None:
            return before.full_at
        return None if last.gaps else self._pull.until

    async def _compacted(
        self, table: LandingTable, stood: LandingFile | None, last: Slice, receipt: Receipt | None
    ) -> LandingFile:
        """The table as one file; the one that stood, where its content is the same."""
        parts = [self._lake.path(part) for part in self._pull.parts.get(table.name, ())]
        whole = table.name in last.whole
        if stood is not None and not parts and not whole:
            return stood
        file, _ = self._fresh(table.name)
        path = self._lake.path(file)
        base = self._lake.path(stood.file) if stood is not None else None
        made = await asyncio.to_thread(
            landing.compact,
            self._engine,
            table,
            base,
            parts,
            path,
            whole=whole,
            fetch_id=receipt.id if receipt is not None else None,
        )
        self._gone += made.gone
        if stood is not None and (made.rows, made.digest) == (stood.rows, stood.digest):
            path.unlink()
            return stood
        own = () if receipt is None else (receipt,)
        earlier = () if whole or stood is None else stood.receipts
        return LandingFile(file, made.rows, made.digest, _few((*earlier, *own), self._stream.name))


def bind_landed(lake: LakeWriter, engine: DuckDB, *sources: Source) -> None:
    """Have the engine know the landing tables of these sources as their last complete pulls left them."""
    for source in sources:
        for stream in source.bulk:
            state = lake.state.streams.get(f"{source.name}.{stream.name}")
            for table in stream.tables:
                landed = state.landed.get(table.name) if state is not None else None
                landing.expose(engine, table, lake.path(landed.file) if landed is not None else None)


def _few(receipts: tuple[Receipt, ...], stream: str) -> tuple[Receipt, ...]:
    """At most `RECEIPTS_AT_MOST`, the oldest folded into one."""
    if len(receipts) <= RECEIPTS_AT_MOST:
        return receipts
    oldest = fold(receipts[: 1 - RECEIPTS_AT_MOST], stream)
    assert oldest is not None
    return (oldest, *receipts[1 - RECEIPTS_AT_MOST :])


def _place(piece: Slice) -> str:
    return next((receipt.place for receipt in piece.receipts), "")


def _first(gaps: Mapping[str, Gap]) -> Gap | None:
    """The first hole; a table that the settings leave out, or leave where it is, is none."""
    return next((gap for gap in gaps.values() if gap.reason not in ANSWERS | {"not_configured"}), None)


async def _close(slices: AsyncIterator[Slice]) -> None:
    """End a pull that was left early, so that it sends no more requests."""
    close = getattr(slices, "aclose", None)
    if close is not None:
        await close()

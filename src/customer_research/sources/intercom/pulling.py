"""What the bulk pulls of conversations and of tickets share: what changed, what is open, what is no longer among it.

Intercom compares instants of a search by the calendar day of the workspace in some places and to the second in others. So what
changed is asked for from two days before the mark on, which holds either way, and the records' own instants say how far it came.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from customer_research.connect.concurrent import chunks, together
from customer_research.connect.paging import Bookmark, Stretch, followed, ids_of
from customer_research.connect.reading import SURELY, Readout, each
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import LandingTable, Pull, Row, Slice
from customer_research.domain import values
from customer_research.sources.intercom import live
from customer_research.sources.intercom.session import IntercomSession, Query, Record, condition

LOOK_BACK = timedelta(days=2)
"""How far a pull of changes reaches back: `>` may begin only with the day after the one that it names, in the workspace's zone."""

NAMELESS = "without id: "
"""What the name of a record without an id begins with; it cannot be asked for."""

REQUESTS = 5
"""Pages of one slice, one after the other under one deadline."""

AT_ONCE = 50
"""Records that are read one by one within one slice."""

Step = Callable[[], AsyncIterator[Slice]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a pull is about: how Intercom lists it, and where it lands.

    `listed` is the stream's name and Intercom's own (`conversations`), `what` one of them in a sentence. `row` makes the landed row of
    a record, `whose` those columns of it that tell whose it is. A whole pull brings `everything` to the last record, one of changes
    `always`.
    """

    listed: str
    what: str
    landed: LandingTable
    unread: LandingTable
    row: Callable[[Record, str], Row]
    whose: Callable[[Record], Row]
    everything: tuple[LandingTable, ...]
    always: tuple[LandingTable, ...] = ()

    @property
    def key(self) -> str:
        """The column of its id."""
        return self.landed.key[0]


@dataclass(frozen=True, slots=True)
class _Position(Bookmark):
    """Where a pull is: its step and the page in it, the last change seen of a record, whether nothing was left out.

    `before` counts the records of this step that came, `announced` the fewest that an answer of it told. `unread` are the
    records that cannot be read, `fault` says what is wrong with the first.
    """

    step: int = 0
    page: str | None = None
    before: int = 0
    announced: int | None = None
    latest: int = 0
    whole: bool = True
    unread: Sequence[str] = ()
    fault: str = ""

    def enter(self, step: int) -> _Position:
        """At the beginning of a step."""
        return replace(self, step=step, page=None, before=0, announced=None)


class Run:
    """One pull of one kind of records of one workspace."""

    def __init__(self, kind: Kind, session: IntercomSession, asked: Pull) -> None:
        self.kind = kind
        self.session = session
        self.since = values.instant(asked.since) if asked.since else None
        self._asked = asked
        self._at = _Position.of(asked.resume)
        self._done = 0
        self._held_unread = frozenset(self._ids(kind.unread)) if asked.since else frozenset[str]()
        self._read: set[str] = set()
        """Records that this pull has read since it was cut off last; what came before then is read once more."""

    def steps(self) -> tuple[Step, ...]:
        """What is asked, one after the other."""
        return self.changed, self.opened, self.no_longer_open

    async def slices(self) -> AsyncIterator[Slice]:
        """The whole pull.

        Raises:
            SourceError: Intercom failed; the slices before stand.
        """
        for number, step in enumerate(self.steps()):
            if number < self._at.step:
                continue
            async for piece in step():
                yield piece
            self._at = self._at.enter(number + 1)
        yield self._last()

    def _ids(self, table: LandingTable, where: str = "TRUE") -> list[str]:
        """Ids of records that have landed."""
        rows = self._asked.held(f"SELECT {self.kind.key} FROM {table.name} WHERE {where} ORDER BY 1")  # noqa: S608
        return [str(row[self.kind.key]) for row in rows]

    def begin(self) -> int:
        """From when on changes are asked for, Unix seconds; 0: from the beginning."""
        return 0 if self.since is None else int((self.since - LOOK_BACK).timestamp())

    # -- the steps ----------------------------------------------------------------------------------------------------

    async def changed(self) -> AsyncIterator[Slice]:
        """What changed since the mark; all there is where there is none."""
        async for stretch in self.searched(self.kind.listed, condition("updated_at", ">", self.begin())):
            yield self._record_slice(stretch.records, stretch.log)

    async def opened(self) -> AsyncIterator[Slice]:
        """What is open now, whenever it changed: a search by change is known to miss closures."""
        if self.since is not None:
            async for stretch in self.searched(self.kind.listed, condition("open", "=", True)):
                yield self._record_slice(stretch.records, stretch.log)

    async def no_longer_open(self) -> AsyncIterator[Slice]:
        """What is held as open, or could not be read, and did not come, one by one."""
        if self.since is None:
            return
        held = {*self._ids(self.kind.landed, "is_open"), *self._held_unread} - self._read
        for ids in chunks(sorted(one for one in held if not one.startswith(NAMELESS)), AT_ONCE):
            log = self.session.log(self.kind.listed)
            found = await together(*(self.session.one(self.kind.listed, one, log) for one in ids))
            gone = [one for one, record in zip(ids, found, strict=True) if record is None]
            there = [record for record in found if record is not None]
            # Those that could not be read before prove nothing of the contract, however many are still so.
            yield self._record_slice(there, log, gone, surely=sys.maxsize)

    # -- what they share ----------------------------------------------------------------------------------------------

    def left_out(self, is_so: bool) -> None:  # noqa: FBT001 - what is told, as it is
        """Note that something was left out: then this pull is not whole."""
        self._at = replace(self._at, whole=self._at.whole and not is_so)

    def entered(self) -> None:
        """Note that this step has ended, before its last slice is kept."""
        self._at = self._at.enter(self._at.step + 1)

    async def searched(self, listed: str, query: Query) -> AsyncIterator[Stretch]:
        """A search from where the pull is; what came is held against the fewest that any of its answers announced."""
        announced, seen, begin = list[int](), set[str](), self._at
        ask = self.session.asking(listed, query, announced)
        async for stretch in followed(self.session.http, self.kind.listed, ask, start=begin.page, pages=REQUESTS):
            seen |= set(ids_of(stretch.records))
            ended, came = stretch.cursor is None, begin.before + len(seen)
            fewest = min([*announced, *([] if begin.announced is None else [begin.announced])])
            self.left_out(not stretch.whole or (ended and came < fewest))
            self._at = replace(self._at, page=stretch.cursor, before=came, announced=fewest)
            if ended:
                self.entered()
            yield stretch

    def _record_slice(
        self, records: Sequence[Record], log: RequestLog, gone: Sequence[str] = (), *, surely: int = SURELY
    ) -> Slice:
        workspace = self.session.workspace
        told = each(records, lambda one: [self.kind.row(one, workspace)], surely=surely)
        came = set(map(_name, records))
        self._read |= came
        latest = max((int(row["updated_at"].timestamp()) for row in told.rows), default=0)
        self._at = replace(self._at, latest=max(self._at.latest, latest))
        unread = self._unread(told)
        readable = sorted(came & self._held_unread - {row[self.kind.key] for row in unread})
        lost = self.gone(gone)
        lost[self.kind.unread.name] += [(one,) for one in readable]
        return self.slice({self.kind.landed.name: told.rows, self.kind.unread.name: unread}, log, told.rows, lost)

    def _unread(self, told: Readout[Record, Row]) -> list[Row]:
        """The rows that say whose the records are that cannot be read.

        Raises:
            SchemaChanged: they are too many to be single records.
        """
        rows = [
            {**self.kind.whose(one), self.kind.key: _name(one), "detail": error.message} for one, error in told.unread
        ]
        if rows:
            names = sorted({*self._at.unread, *(row[self.kind.key] for row in rows)})
            self._at = replace(self._at, unread=names, fault=self._at.fault or rows[0]["detail"])
            if len(names) > self.session.http.bounds.bad_records:
                raise told.unread[0][1]
        return rows

    def gone(self, ids: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
        """Records that are no more, by the tables that may hold them."""
        return {table.name: [(one,) for one in ids] for table in (self.kind.landed, self.kind.unread)}

    def slice(
        self,
        tables: Mapping[str, list[Row]],
        log: RequestLog,
        rows: Sequence[Row],
        gone: Mapping[str, list[tuple[Any, ...]]] | None = None,
    ) -> Slice:
        """What came, where the pull is, and its receipt."""
        self._done += len(rows)
        receipt = log.receipt(rows, truncated=not self._at.whole)
        landed = self.kind.landed.name
        kept = {name: stamp(found, receipt) if name == landed else found for name, found in tables.items()}
        return Slice(kept, (receipt,), self._at.cursor, gone or {}, self._done)

    def _last(self) -> Slice:
        """The end: the next pull asks from the last change seen, by Intercom's own time; not from behind this one's begin."""
        latest = int(self._asked.until.timestamp())
        if self._at.latest:
            latest = min(self._at.latest, latest)
        if self.since is not None:
            latest = max(latest, int(self.since.timestamp()))
        mark = datetime.fromtimestamp(latest, UTC).isoformat()
        whole = self._at.whole
        everything = () if not whole else self.kind.always if self.since is not None else self.kind.everything
        return Slice(
            {},
            (),
            self._at.cursor,
            done=self._done,
            mark=mark if whole else self._asked.since or "",
            whole=tuple(table.name for table in everything),
            gaps={} if whole else {self.kind.landed.name: live.TRUNCATED},
            unread=live.unread(self._at.fault, len(self._at.unread), self.kind.what),
        )


def pulls(kind: Kind) -> Callable[[IntercomSession, Pull], AsyncIterator[Slice]]:
    """How a kind is pulled that has no steps of its own."""
    return lambda session, asked: Run(kind, session, asked).slices()


def _name(record: Record) -> str:
    """A record's own id; of one that has none a name that only the same one has."""
    return values.text(record.get("id")) or NAMELESS + sha256(repr(record).encode()).hexdigest()

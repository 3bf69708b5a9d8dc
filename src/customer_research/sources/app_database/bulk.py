"""Everybody's trips, members and drivers: slices by key, and what changed since by instant and key.

A slice is a transaction of its own, short enough for a standby. What changed comes from the mark less the overlap on; what was deleted is
told by its flag, and else found by the next pull of everything (`lake.full_days`), which brings each key there is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from customer_research.connect.paging import Bookmark
from customer_research.connect.request_log import stamp
from customer_research.connect.source import BulkStream, LandingTable, Link, Pull, Slice
from customer_research.domain import values
from customer_research.errors import Unavailable
from customer_research.sources.app_database import statements
from customer_research.sources.app_database.normalise import SOURCE_NAME, Reader
from customer_research.sources.app_database.records import LOGICAL, Logical
from customer_research.sources.app_database.session import AppDatabaseSession, Ask, Unmapped

SLICE_ROWS = 10_000
"""Records of one slice."""


def landing_of(kind: str) -> LandingTable:
    """Where a kind of records lands: by the app's own key, under a name that the warehouse's tables do not have."""
    own = LOGICAL[kind]
    return LandingTable(f"app_database_{kind}", (own.key,), {**own.columns, "fetch_id": "text"})


@dataclass(frozen=True, slots=True)
class _Position(Bookmark):
    """Where a pull is: the key behind which it goes on and, of what changed, the change; `newest` is the last change seen."""

    key: str | None = None
    at: str | None = None
    newest: str | None = None
    done: int = 0


class _Run:
    """One pull of one kind of records."""

    def __init__(self, session: AppDatabaseSession, asked: Pull, kind: str) -> None:
        self._session, self._asked, self._kind = session, asked, kind
        self._own: Logical = LOGICAL[kind]
        self._landing = landing_of(kind)
        self._mapping = session.mapping(kind)
        self._reader = Reader(kind, session.own)
        self._since = values.instant(asked.since) if asked.since and "updated_at" in self._mapping else None
        self._at = _Position.of(asked.resume)

    async def slices(self) -> AsyncIterator[Slice]:
        """The whole pull."""
        while True:
            log = self._session.log(self._landing.name)
            sql, records = await self._session.run(log, self._session.own.bulk_seconds, self._work)
            last = len(records) < SLICE_ROWS
            yield self._slice(log.receipt, sql, records, last=last)
            if last:
                return

    async def _work(self, ask: Ask) -> tuple[str, list[dict[str, Any]]]:
        types = await self._session.types(ask, self._kind)
        gap = self._session.stale(await ask.standing(), self._kind)
        if gap is not None:  # what has landed is not replaced by older records, and the mark stays
            raise Unavailable(gap.detail, source=SOURCE_NAME, stream=self._landing.name, hint=gap.next_step)
        begun = self._at.key is not None
        if self._since is None:
            sql = statements.every(self._own, self._mapping, types, begun=begun)
            return sql, await ask(sql, SLICE_ROWS, *([self._at.key] if begun else []))
        stored = types[self._mapping["updated_at"]]
        sql = statements.changed(self._own, self._mapping, types, begun=begun)
        begin = datetime.fromisoformat(self._at.at) if self._at.at is not None else self._since - self._asked.overlap
        given = self._reader.as_stored(begin, stored)
        return sql, await ask(sql, SLICE_ROWS, given, *([self._at.key] if begun else []))

    def _slice(
        self, receipt_of: Callable[..., Any], sql: str, records: Sequence[dict[str, Any]], *, last: bool
    ) -> Slice:
        rows = self._reader.rows(records)
        stands = [
            row
            for row, record in zip(rows, records, strict=True)
            if row["operator_id"] is not None and not record.get("is_gone")
        ]
        kept = {row[self._own.key] for row in stands}
        gone = [(row[self._own.key],) for row in rows if row[self._own.key] not in kept] if self._since else []
        receipt = receipt_of(stands, query=sql)
        self._at = self._behind(records)
        name = self._landing.name
        return Slice(
            rows={name: stamp(stands, receipt)},
            receipts=(receipt,),
            cursor=self._at.cursor,
            gone={name: gone},
            done=self._at.done,
            mark=self._mark() if last else None,
            whole=(name,) if last and self._since is None else (),
        )

    def _mark(self) -> str:
        """The last change seen, never later than the pull's beginning; empty where no column tells changes: then all comes again."""
        if "updated_at" not in self._mapping:
            return ""
        newest = self._at.newest or self._asked.since or self._asked.until.isoformat()
        return min(datetime.fromisoformat(newest), self._asked.until).isoformat()

    def _behind(self, records: Sequence[dict[str, Any]]) -> _Position:
        """The position behind these records."""
        if not records:
            return self._at
        changes = [self._reader.instant(record["changed"]) for record in records]
        before = [datetime.fromisoformat(self._at.newest)] if self._at.newest else []
        newest = max([*before, *(change for change in changes if change is not None)], default=None)
        at = changes[-1]
        return _Position(
            key=str(records[-1]["key_text"]),
            at=at.isoformat() if self._since is not None and at is not None else None,
            newest=newest.isoformat() if newest is not None else None,
            done=self._at.done + len(records),
        )


def _pulling(kind: str) -> Callable[[AppDatabaseSession, Pull], AsyncIterator[Slice]]:
    async def pull(session: AppDatabaseSession, asked: Pull) -> AsyncIterator[Slice]:
        try:
            run = _Run(session, asked, kind)
        except Unmapped as error:
            name = landing_of(kind).name
            yield Slice({}, (), "", mark="", whole=(name,), gaps={name: error.gap})
            return
        async for piece in run.slices():
            yield piece

    return pull


def _link(kind: str) -> Link:
    landing = landing_of(kind).name
    listed = ", ".join(LOGICAL[kind].columns)
    return Link(LOGICAL[kind].table, (landing,), f"SELECT {listed} FROM {landing}")  # noqa: S608 - names of ours


TITLES = {"trip": "Trips of the app", "member": "Members in the app", "driver": "Drivers in the app"}
BULK = tuple(BulkStream(f"{kind}s", TITLES[kind], (landing_of(kind),), _pulling(kind)) for kind in LOGICAL)
LINKS = tuple(_link(kind) for kind in LOGICAL)

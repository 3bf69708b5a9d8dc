"""One operator's trips, members or drivers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from customer_research.connect.source import Batch, Subject
from customer_research.domain.evidence import Gap
from customer_research.domain.values import LEGACY
from customer_research.errors import Truncated
from customer_research.sources.app_database import statements
from customer_research.sources.app_database.normalise import SOURCE_NAME, Reader
from customer_research.sources.app_database.records import LOGICAL
from customer_research.sources.app_database.session import AppDatabaseSession, Ask, Standing, Unmapped, limit_of

_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1, "numeric": 10**100}
"""The largest number that a column of each type can have, or an operator's id is."""

Found = tuple[Standing, str, list[dict[str, object]]]


def of(kind: str) -> Callable[[AppDatabaseSession, Subject], Awaitable[Batch]]:
    """What fetches one operator's records of a kind."""
    table = LOGICAL[kind].table

    async def fetch(session: AppDatabaseSession, subject: Subject) -> Batch:
        try:
            return await _fetched(session, kind, subject)
        except Unmapped as error:
            return Batch({}, (), {table: error.gap})

    return fetch


async def _fetched(session: AppDatabaseSession, kind: str, subject: Subject) -> Batch:
    own, mapping = LOGICAL[kind], session.mapping(kind)
    log, limit = session.log(own.table), limit_of(session.bounds.values, [*own.columns])
    if (kind, subject.operator_id) in session.too_many:
        raise _too_many(own.table, limit)

    async def work(ask: Ask) -> Found:
        types = await session.types(ask, kind)
        standing = await ask.standing()
        sql = statements.of_one(own, mapping, types)
        wanted = _as_stored(subject.operator_id, types[mapping["operator_id"]])
        return standing, sql, [] if wanted is None else await ask(sql, wanted, limit + 1)

    standing, sql, records = await session.run(log, session.own.live_seconds, work)
    if len(records) > limit:
        session.too_many.add((kind, subject.operator_id))
        raise _too_many(own.table, limit)
    rows = [{**row, "operator_id": subject.operator_id} for row in Reader(kind, session.own).rows(records)]
    receipt = log.receipt(rows, query=sql, parameters={"operator_id": subject.operator_id})
    gap: Gap | None = session.stale(standing, kind)
    return Batch({own.table: rows}, (receipt,), {} if gap is None else {own.table: gap})


def _too_many(table: str, limit: int) -> Truncated:
    detail = f"The operator has more than {limit:,} {table} records, more than are taken at once (bounds.values)."
    hint = "Raise bounds.values; the warehouse, which counts where they lie, is used instead."
    return Truncated(detail, source=SOURCE_NAME, stream=table, hint=hint)


def _as_stored(operator_id: str, stored: str) -> str | None:
    """An operator's id as a column of this type has it; None: it can have no such one."""
    plain = operator_id.removeprefix(LEGACY)
    if stored == "uuid":
        try:
            return str(UUID(plain))
        except ValueError:
            return None
    if stored in _LARGEST:
        return plain if plain.isascii() and plain.isdecimal() and int(plain) <= _LARGEST[stored] else None
    return plain

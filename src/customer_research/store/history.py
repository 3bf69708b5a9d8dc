"""Score history: snapshots with their readings, the scorecards they were made under, and sums over each snapshot."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_research.connect.concurrent import chunks
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.health import Band, Status
from customer_research.domain.history import BandCount, Past
from customer_research.domain.snapshot import Reading, Snapshot
from customer_research.errors import StoreError
from customer_research.store import schema
from customer_research.store.database import Store, insert_new

Also = Callable[[sa.Connection, int], None]
"""Writes more to a snapshot: it is given the open transaction and the snapshot's number."""

BATCH = 2_000
"""Readings that are in memory at once, and values that one statement asks for."""

_SCALARS = (
    "id",
    "kind",
    "as_of",
    "taken_at",
    "scorecard",
    "version",
    "digest",
    "tables",
    "engine",
    "operators",
    "place",
)
_READ = ("status", "score", "band", "band_before_gates", "coverage", "dimensions", "contributions", "highest")
_LISTS = ("gates", "findings", "unknown")


class Standing(NamedTuple):
    """How an operator stands in a snapshot; `dimensions` is what is kept of them, to be compared, `highest` as of a reading."""

    name: str
    status: Status
    band: Band
    score: int | None
    highest: int | None
    dimensions: str

    @property
    def known(self) -> frozenset[str]:
        """The dimensions that are known."""
        return frozenset(name for name, score in json.loads(self.dimensions).items() if score is not None)


class History:
    """The score history in a store. Windows of time are half-open: from `since`, before `until`; None leaves them open."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- keeping ---------------------------------------------------------------------------------------------------------

    def save(self, snapshot: Snapshot, readings: Iterable[Reading], also: Also | None = None) -> bool:
        """Keep a snapshot with all its readings, in one transaction; one that is kept already stays as it is.

        The readings are read in batches; they are not read at all when the snapshot is kept already. `also` writes what
        else belongs to the snapshot, in the same transaction. Returns whether the snapshot is new.

        Raises:
            StoreError: the readings are not the snapshot's, or not as many as it says; nothing is kept then.
        """
        with self._store.begin(alone=True) as connection:
            number = self._save_snapshot(connection, snapshot)
            if number is None:
                return False
            counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
            for batch in chunks(readings, BATCH):
                _save_readings(connection, snapshot, number, batch)
                _count(counts, batch)
            found = sum(line[0] for line in counts.values())
            if found != snapshot.operators:
                raise StoreError(
                    f"Snapshot {snapshot.id} speaks of {snapshot.operators} operators, but {found} readings came.",
                    hint="Score again: its files are not complete.",
                )
            _save_counts(connection, number, counts)
            if also is not None:
                also(connection, number)
        return True

    def add(self, snapshot: Snapshot, also: Also) -> None:
        """Write what else belongs to a snapshot that is kept already, in one transaction."""
        query = sa.select(schema.snapshot.c.no).where(schema.snapshot.c.id == snapshot.id)
        with self._store.begin(alone=True) as connection:
            also(connection, int(connection.execute(query).scalar_one()))

    def _save_snapshot(self, connection: sa.Connection, snapshot: Snapshot) -> int | None:
        """The number of the new snapshot; None when it is there."""
        values = {name: getattr(snapshot, name) for name in _SCALARS}
        values["receipts"] = [_save_receipt(connection, receipt) for receipt in snapshot.receipts]
        values["gaps"] = [asdict(gap) for gap in snapshot.gaps]
        made = insert_new(connection, schema.snapshot).values(values).returning(schema.snapshot.c.no)
        number = connection.execute(made).scalar()
        return None if number is None else int(number)

    def save_scorecard(self, digest: str, name: str, text: str) -> None:
        """Keep a scorecard's declaration (TOML) under its digest; one that is kept already stays as it is."""
        with self._store.begin() as connection:
            connection.execute(
                insert_new(connection, schema.scorecard).values(digest=digest, name=name, text=schema.storable(text))
            )

    def scorecard(self, digest: str) -> str:
        """The declaration (TOML) of a scorecard, as it was when something was scored under it.

        Raises:
            StoreError: none of this digest is kept.
        """
        query = sa.select(schema.scorecard.c.text).where(schema.scorecard.c.digest == digest)
        with self._store.read() as connection:
            text = connection.execute(query).scalar()
        if text is None:
            raise StoreError(f"The store has no scorecard with the digest {digest[:16]}.", hint="Score again under it.")
        return str(text)

    def forget(self, snapshot_ids: Collection[str]) -> int:
        """Remove snapshots with their readings, and receipts and operators that no other speaks of; how many they were."""
        table = schema.snapshot
        with self._store.begin(alone=True) as connection:
            gone = 0
            for chosen in chunks(snapshot_ids, BATCH):
                gone += connection.execute(sa.delete(table).where(table.c.id.in_(chosen))).rowcount
            used = {digest for row in connection.execute(sa.select(table.c.receipts)) for digest in row.receipts}
            kept = {row.digest for row in connection.execute(sa.select(schema.receipt.c.digest))}
            for orphans in chunks(kept - used, BATCH):
                connection.execute(sa.delete(schema.receipt).where(schema.receipt.c.digest.in_(orphans)))
            read = sa.exists().where(schema.reading.c.operator_no == schema.operator.c.no)
            connection.execute(sa.delete(schema.operator).where(~read))
        return gone

    # -- finding ---------------------------------------------------------------------------------------------------------

    def snapshots(
        self, *, since: datetime | None = None, until: datetime | None = None, digest: str | None = None
    ) -> tuple[Snapshot, ...]:
        """Snapshots by their instant, oldest first; `digest` leaves only those of one scorecard."""
        return self._found(_when(sa.select(schema.snapshot), since, until, digest).order_by(*_IN_TIME))

    def latest(self, *, digest: str | None = None, scorecard: str | None = None) -> Snapshot | None:
        """The snapshot of the newest instant (of several, the one taken last); None when there is none.

        `digest` leaves only those of one scorecard, `scorecard` those for which a scorecard of this name or file was asked.
        """
        query = _when(sa.select(schema.snapshot), None, None, digest)
        query = query if scorecard is None else query.where(schema.snapshot.c.scorecard == scorecard)
        return next(iter(self._found(query.order_by(*(column.desc() for column in _IN_TIME)).limit(1))), None)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot of this id; None when it is not kept."""
        return next(iter(self._found(sa.select(schema.snapshot).where(schema.snapshot.c.id == snapshot_id))), None)

    def _found(self, query: sa.Select[Any]) -> tuple[Snapshot, ...]:
        """The snapshots of a query over their table, in its order."""
        with self._store.read() as connection:
            return tuple(read_snapshots(connection, connection.execute(query).mappings().all()).values())

    def ids(self) -> frozenset[str]:
        """The ids of all snapshots."""
        with self._store.read() as connection:
            return frozenset(connection.execute(sa.select(schema.snapshot.c.id)).scalars())

    def scored_since(self, as_of: datetime, scorecard: str) -> int:
        """How many snapshots of a later instant were scored (not backfilled) under the scorecard of this name."""
        of = schema.snapshot.c
        query = sa.select(sa.func.count()).where(of.as_of > as_of, of.scorecard == scorecard, of.kind == "scored")
        with self._store.read() as connection:
            return int(connection.execute(query.select_from(schema.snapshot)).scalar_one())

    def standings(self, snapshot_id: str, operator_ids: Collection[str] | None = None) -> dict[str, Standing]:
        """How each operator of a snapshot stands (None: all of them), without what it came from."""
        wanted = None if operator_ids is None else frozenset(operator_ids)
        with self._store.read() as connection:
            rows = connection.execute(_standing(snapshot_id)).all()
        return {row[0]: Standing(*row[1:]) for row in rows if wanted is None or row[0] in wanted}

    def readings(
        self, snapshot_id: str, *, band: str | None = None, operator_ids: Collection[str] | None = None
    ) -> Iterator[Reading]:
        """A snapshot's readings, or those of one band, in batches; each operator once, in the order they were first seen.

        With `operator_ids` those of these operators alone, in no order.
        """
        if operator_ids is not None:
            for chosen in chunks(sorted(operator_ids), BATCH):
                query = _readings().where(
                    schema.snapshot.c.id == snapshot_id, schema.operator.c.operator_id.in_(chosen)
                )
                with self._store.read() as connection:
                    yield from map(_reading, connection.execute(query).mappings().all())
            return
        last = 0
        while True:
            query = _readings().where(schema.snapshot.c.id == snapshot_id, schema.reading.c.operator_no > last)
            if band is not None:
                query = query.where(schema.reading.c.band == band)
            with self._store.read() as connection:
                rows = connection.execute(query.order_by(schema.reading.c.operator_no).limit(BATCH)).mappings().all()
            yield from map(_reading, rows)
            if len(rows) < BATCH:
                return
            last = rows[-1]["operator_no"]

    def operators(self, snapshot_id: str) -> dict[str, str]:
        """The operators of a snapshot: id → name."""
        table = schema.operator
        query = (
            sa.select(table.c.operator_id, table.c.name)
            .select_from(schema.reading.join(schema.snapshot).join(table))
            .where(schema.snapshot.c.id == snapshot_id)
        )
        with self._store.read() as connection:
            return {row.operator_id: row.name for row in connection.execute(query)}

    def series(
        self,
        operator_id: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        digest: str | None = None,
    ) -> tuple[Past, ...]:
        """One operator's readings with their snapshots, oldest first; `digest` leaves only those of one scorecard."""
        query = _readings().where(schema.operator.c.operator_id == operator_id)
        with self._store.read() as connection:
            rows = connection.execute(_when(query, since, until, digest).order_by(*_IN_TIME)).mappings().all()
            numbers = {row["snapshot_no"] for row in rows}
            found: dict[int, Snapshot] = {}
            for chosen in chunks(numbers, BATCH):
                one = sa.select(schema.snapshot).where(schema.snapshot.c.no.in_(chosen))
                found |= read_snapshots(connection, connection.execute(one).mappings().all())
        return tuple(Past(found[row["snapshot_no"]], _reading(row)) for row in rows)

    def counts(
        self, *, since: datetime | None = None, until: datetime | None = None, digest: str | None = None
    ) -> dict[str, tuple[BandCount, ...]]:
        """Where the operators of each snapshot stand, by snapshot id, oldest first: sums kept ready, no reading is read."""
        table = schema.band_count
        columns = (table.c.status, table.c.band, table.c.operators, table.c.scored, table.c.score_sum)
        query = sa.select(schema.snapshot.c.id, *columns).select_from(table.join(schema.snapshot))
        query = _when(query, since, until, digest).order_by(*_IN_TIME, table.c.status, table.c.band)
        found: dict[str, list[BandCount]] = defaultdict(list)
        with self._store.read() as connection:
            for row in connection.execute(query).mappings():
                found[row["id"]].append(BandCount(**{column.name: row[column.name] for column in columns}))
        return {snapshot_id: tuple(lines) for snapshot_id, lines in found.items()}


_IN_TIME = (schema.snapshot.c.as_of, schema.snapshot.c.taken_at, schema.snapshot.c.no)


def average(counts: Iterable[BandCount]) -> float | None:
    """The mean score of those who have one and stand in the bands; None when nobody does."""
    lines = [line for line in counts if line.band != "outside"]
    scored = sum(line.scored for line in lines)
    return sum(line.score_sum for line in lines) / scored if scored else None


def _when(query: sa.Select[Any], since: datetime | None, until: datetime | None, digest: str | None) -> sa.Select[Any]:
    if since is not None:
        query = query.where(schema.snapshot.c.as_of >= since)
    if until is not None:
        query = query.where(schema.snapshot.c.as_of < until)
    return query if digest is None else query.where(schema.snapshot.c.digest == digest)


# -- receipts ----------------------------------------------------------------------------------------------------------


def _save_receipt(connection: sa.Connection, receipt: Receipt) -> str:
    """Keep what a receipt says, once for all snapshots that it proves; gives its digest."""
    content = {**asdict(receipt), "fetched_at": receipt.fetched_at.astimezone(UTC).isoformat()}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    connection.execute(insert_new(connection, schema.receipt).values(digest=digest, content=content))
    return digest


def _receipt(content: Mapping[str, Any]) -> Receipt:
    parameters = tuple((name, value) for name, value in content["parameters"])
    return Receipt(**{**content, "fetched_at": datetime.fromisoformat(content["fetched_at"]), "parameters": parameters})


def read_snapshots(connection: sa.Connection, rows: Iterable[Mapping[Any, Any]]) -> dict[int, Snapshot]:
    """Snapshots by their number, in the order of the rows, with their receipts."""
    listed = list(rows)
    wanted = {digest for row in listed for digest in row["receipts"]}
    receipts: dict[str, Receipt] = {}
    for chosen in chunks(wanted, BATCH):
        query = sa.select(schema.receipt).where(schema.receipt.c.digest.in_(chosen))
        receipts |= {row.digest: _receipt(row.content) for row in connection.execute(query)}
    return {
        row["no"]: Snapshot(
            **{name: row[name] for name in _SCALARS},
            receipts=tuple(receipts[digest] for digest in row["receipts"]),
            gaps=tuple(Gap(**gap) for gap in row["gaps"]),
        )
        for row in listed
    }


# -- readings ----------------------------------------------------------------------------------------------------------


def _readings() -> sa.Select[Any]:
    joined = schema.reading.join(schema.snapshot).join(schema.operator)
    identity = (schema.operator.c.operator_id, schema.operator.c.name, schema.snapshot.c.id, schema.snapshot.c.as_of)
    return sa.select(schema.reading, *identity).select_from(joined)


def _standing(snapshot_id: str) -> sa.Select[Any]:
    """Each operator's id and what `Standing` has of it in a snapshot."""
    of = schema.reading.c
    dimensions = sa.type_coerce(of.dimensions, sa.Text)
    joined = schema.reading.join(schema.snapshot).join(schema.operator)
    who = schema.operator.c
    query = sa.select(who.operator_id, who.name, of.status, of.band, of.score, of.highest, dimensions).select_from(
        joined
    )
    return query.where(schema.snapshot.c.id == snapshot_id)


def _reading(row: Mapping[Any, Any]) -> Reading:
    values: dict[str, Any] = {column: row[column] for column in ("operator_id", "name", "as_of", *_READ)}
    values |= {column: tuple(row[column]) for column in _LISTS}
    return Reading(snapshot=row["id"], **values)


def _save_readings(connection: sa.Connection, snapshot: Snapshot, number: int, readings: list[Reading]) -> None:
    numbers = _operator_numbers(connection, readings)
    rows = [
        {
            "snapshot_no": number,
            "operator_no": numbers[_identity(reading)],
            **{column: getattr(reading, column) for column in _READ},
            **{column: list(getattr(reading, column)) for column in _LISTS},
            "dimensions": dict(reading.dimensions),
            "contributions": dict(reading.contributions),
        }
        for reading in readings
        if _belongs(reading, snapshot)
    ]
    connection.execute(sa.insert(schema.reading), rows)


def _belongs(reading: Reading, snapshot: Snapshot) -> bool:
    if reading.snapshot != snapshot.id or reading.as_of != snapshot.as_of:
        raise StoreError(
            f"A reading of snapshot {reading.snapshot} came with snapshot {snapshot.id}.", hint="Score again."
        )
    return True


def _identity(reading: Reading) -> tuple[str, str]:
    return schema.storable(reading.operator_id), schema.storable(reading.name)


def _operator_numbers(connection: sa.Connection, readings: Iterable[Reading]) -> dict[tuple[str, str], int]:
    """The numbers of the readings' operators by id and name; new ones are given theirs, in the order of the readings."""
    wanted = dict.fromkeys(map(_identity, readings))
    table = schema.operator
    known = sa.select(table).where(table.c.operator_id.in_({operator_id for operator_id, _ in wanted}))

    def numbers() -> dict[tuple[str, str], int]:
        return {(row.operator_id, row.name): row.no for row in connection.execute(known)}

    found = numbers()
    new = [
        {"operator_id": operator_id, "name": name} for operator_id, name in wanted if (operator_id, name) not in found
    ]
    if not new:
        return found
    connection.execute(insert_new(connection, table), new)
    return numbers()


def _count(counts: dict[tuple[str, str], list[int]], readings: Iterable[Reading]) -> None:
    for reading in readings:
        line = counts[reading.status, reading.band]
        line[0] += 1
        if reading.score is not None:
            line[1] += 1
            line[2] += reading.score


def _save_counts(connection: sa.Connection, number: int, counts: Mapping[tuple[str, str], list[int]]) -> None:
    rows = [
        {"snapshot_no": number, "status": status, "band": band, "operators": n, "scored": scored, "score_sum": total}
        for (status, band), (n, scored, total) in counts.items()
    ]
    if rows:
        connection.execute(sa.insert(schema.band_count), rows)

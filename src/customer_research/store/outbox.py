"""The outbox in the store: messages that are to be sent, each under a key of its own, and how far each has come.

Whoever makes a message puts it here, in the transaction that knows why; workers take what is due. A worker holds a delivery
for a time (its lease) and notes before it sends (`begin`): after a crash it is known whether the message may be over there.
Postgres gives each of several workers another row (SKIP LOCKED); SQLite has one writer at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from customer_research.domain.delivery import (
    KEY_DIGITS,
    OVER,
    Address,
    Delivery,
    Message,
    State,
    Waiting,
)
from customer_research.errors import StoreError, UsageError
from customer_research.store.beginnings import Beginnings
from customer_research.store.database import insert_new
from customer_research.store.schema import METADATA, Compact, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

SHORTEST_KEY = 6
"""The fewest digits of a key that may stand for it."""

NEAREST = 50
"""How many of those that are due first are looked at before all are: whether one is free takes a look at others."""

_BEGINNINGS = Beginnings("delivery", SHORTEST_KEY, "`customer-research outbox list` shows the keys.", "key")

outbox = Table(
    "outbox",
    METADATA,
    Column("no", Integer, primary_key=True, autoincrement=True),
    Column("key", String(KEY_DIGITS), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("place", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("content", Compact),
    Column("elsewhere", Text, nullable=False),
    Column("after", String(KEY_DIGITS), nullable=False),
    Column("updates", String(KEY_DIGITS), nullable=False),
    Column("state", String(8), nullable=False),
    Column("put_at", Instant, nullable=False),
    Column("due", Instant, nullable=False),
    Column("until", Instant),
    Column("changed_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("lease_until", Instant),
    Column("begun_at", Instant),
    Column("insisted", Boolean, nullable=False),
    Column("remote", Text, nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("key", name="outbox_by_key"),
    Index("outbox_by_time", "state", "due"),
    Index("outbox_by_change", "changed_at"),
    Index("outbox_by_thread", "after"),
    Index("outbox_by_original", "updates"),
    comment="Messages to people and programs: what is sent, where it goes, how far it has come. Content: what is sent, until "
    "it is forgotten.",
)


class LeaseLost(StoreError):  # noqa: N818 - read as a statement
    """The delivery is no longer this worker's: its lease ended and another took it, or somebody dropped it."""


def put(
    connection: sa.Connection,
    message: Message,
    *,
    now: datetime,
    due: datetime | None = None,
    until: datetime | None = None,
    dropped: str = "",
) -> bool:
    """Put a message into the outbox, in the transaction that is open; one whose key is there already stays as it is.

    Args:
        connection: the transaction.
        message: what is to be sent.
        now: the present instant.
        due: not sent before; None: at once.
        until: of no use from then on; None: always of use.
        dropped: why it is not to be sent ("muted by its reader"): it is noted and dropped at once; empty: it is to be sent.

    Returns:
        Whether it is new.
    """
    values = {
        **_columns(message),
        "state": "dropped" if dropped else "ready",
        "put_at": now,
        "due": due or now,
        "until": until,
        "changed_at": now,
        "attempts": 0,
        "worker": "",
        "insisted": False,
        "remote": "",
        "reason": storable(dropped),
    }
    made = insert_new(connection, outbox).values(**values).returning(outbox.c.key)
    return connection.execute(made).first() is not None


class Outbox:
    """The outbox of a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(
        self,
        message: Message,
        *,
        now: datetime,
        due: datetime | None = None,
        until: datetime | None = None,
        dropped: str = "",
    ) -> bool:
        """Put a message into the outbox; one whose key is there already stays as it is. As the function of this name."""
        with self._store.begin() as connection:
            return put(connection, message, now=now, due=due, until=until, dropped=dropped)

    # -- workers -------------------------------------------------------------------------------------------------------

    def claim(self, worker: str, *, now: datetime, lease: timedelta) -> Delivery | None:
        """Take the delivery that is due first, for the time of a lease; None when there is none.

        One whose worker let its lease end is taken as well. One that continues a thread, or goes in another's place, waits
        until nobody has anything of that thread or place to send before it.

        Args:
            worker: who takes it; no two programs have the same name.
            now: the present instant.
            lease: for how long it is this worker's.
        """
        due = _due(now)
        order = (outbox.c.due, outbox.c.no)
        nearest = sa.select(outbox.c.no).where(due).order_by(*order).limit(NEAREST).scalar_subquery()
        with self._store.begin() as connection:
            for where in ((outbox.c.no.in_(nearest), due), (due,)):  # rarely is one of the nearest not free
                found = sa.select(outbox).where(*where, _free()).order_by(*order).limit(1)
                row = connection.execute(found.with_for_update(skip_locked=True, of=outbox)).mappings().first()
                if row is not None:
                    break
            else:
                return None
            values = {
                "state": "sending",
                "worker": storable(worker),
                "lease_until": now + lease,
                "attempts": row["attempts"] + 1,
                "changed_at": now,
            }
            connection.execute(sa.update(outbox).where(outbox.c.no == row["no"]).values(**values))
        return _delivery({**row, **values})

    def begin(self, claimed: Delivery, *, now: datetime, lease: timedelta) -> Delivery:
        """Note that it is sent from now on, and begin the lease anew: what is sent is sent after this.

        Returns:
            The delivery with `begun_at`, since when it may be over there: of several times the first. What somebody insisted
            on is done by that, and not done again.

        Raises:
            LeaseLost: it is another worker's, or nobody's: it must not be sent.
        """
        begun = replace(claimed, begun_at=claimed.begun_at or now, lease_until=now + lease, insisted=False)
        self._write(claimed, {name: getattr(begun, name) for name in ("begun_at", "lease_until", "insisted")})
        return begun

    def mark(
        self,
        held: Delivery,
        state: State,
        *,
        now: datetime,
        remote: str = "",
        reason: str = "",
        due: datetime | None = None,
        told: Sequence[Message] = (),
    ) -> Delivery:
        """Say what became of a delivery that one holds, and give it back.

        Args:
            held: as `claim` or `begin` gave it. With the state `ready` this decides: as `claim` gave it, nothing was sent
                this time; as `begin` gave it, it may be over there.
            state: how far it has come.
            now: the present instant.
            remote: what it is called over there.
            reason: why, in a sentence.
            due: with the state `ready`, when it is tried again.
            told: messages about what became of it, put in the same transaction.

        Raises:
            LeaseLost: it is another worker's, or nobody's; nothing is changed.
        """
        marked = replace(
            held,
            state=state,
            changed_at=now,
            remote=remote or held.remote,
            reason=reason,
            due=due or held.due,
            lease_until=None,
            begun_at=None if state in {"sent", "failed", "dropped"} else held.begun_at,
        )
        values = {
            name: getattr(marked, name)
            for name in ("state", "changed_at", "remote", "reason", "due", "lease_until", "begun_at", "insisted")
        }
        self._write(held, values, told=told, now=now)
        return marked

    def _write(
        self, held: Delivery, values: Mapping[str, Any], *, told: Sequence[Message] = (), now: datetime | None = None
    ) -> None:
        """Change the row of a delivery, if it is still that worker's from that attempt."""
        row = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
        own = (outbox.c.key == held.key, outbox.c.state == "sending")
        holder = (outbox.c.worker == storable(held.worker), outbox.c.attempts == held.attempts)
        with self._store.begin() as connection:
            if not connection.execute(sa.update(outbox).where(*own, *holder).values(**row)).rowcount:
                raise LeaseLost(f"Delivery {held.key[:SHORTEST_KEY]} is no longer this worker's.")
            for message in told:
                assert now is not None
                put(connection, message, now=now)

    # -- people --------------------------------------------------------------------------------------------------------

    def remote_of(self, key: str) -> str:
        """What a message is called over there, or the last that went in its place; empty: none is there."""
        own = sa.or_(outbox.c.key == key, outbox.c.updates == key)
        query = sa.select(outbox.c.remote).where(own, outbox.c.state == "sent").order_by(outbox.c.changed_at.desc())
        with self._store.read() as connection:
            return str(connection.execute(query.order_by(outbox.c.no.desc()).limit(1)).scalar() or "")

    def has(self, key: str) -> bool:
        """Whether there is a delivery with a key."""
        with self._store.read() as connection:
            return connection.execute(sa.select(outbox.c.no).where(outbox.c.key == key)).first() is not None

    def named(self, key_or_beginning: str) -> Delivery:
        """The delivery whose key begins so.

        Raises:
            UsageError: none, or several.
        """
        with self._store.read() as connection:
            return _delivery(_named(connection, key_or_beginning))

    def list(
        self,
        *,
        states: Collection[State] = (),
        kind: str = "",
        channel: str = "",
        subject: str = "",
        most: int | None = None,
    ) -> tuple[tuple[Delivery, ...], int]:
        """The deliveries that fit, those first that changed last, at most so many; and how many there are.

        Args:
            states: only in these; none: in any.
            kind: only of this kind; empty: any.
            channel: only by this channel; empty: any.
            subject: only about this subject; empty: any.
            most: how many at most; None: all.
        """
        query = sa.select(outbox)
        if states:
            query = query.where(outbox.c.state.in_(sorted(states)))
        for column, wanted in ((outbox.c.kind, kind), (outbox.c.channel, channel), (outbox.c.subject, subject)):
            if wanted:
                query = query.where(column == wanted)
        ordered = query.order_by(outbox.c.changed_at.desc(), outbox.c.no.desc()).limit(most)
        with self._store.read() as connection:
            every = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
            return tuple(map(_delivery, connection.execute(ordered).mappings())), int(every)

    def last_about(self, kinds: Collection[str], address: Address | None = None) -> Mapping[str, Delivery]:
        """The last message of these kinds that was made for an address (None: for any), by whom it is about."""
        own = (outbox.c.kind.in_(sorted(kinds)), *(_of(address) if address is not None else ()))
        last = sa.select(sa.func.max(outbox.c.no)).where(*own).group_by(outbox.c.subject)
        with self._store.read() as connection:
            found = connection.execute(sa.select(outbox).where(outbox.c.no.in_(last))).mappings()
            return {one.message.subject: one for one in map(_delivery, found)}

    def put_since(self, kinds: Collection[str], address: Address, since: datetime) -> int:
        """How many messages of these kinds an address was to get since an instant, those that were dropped not counted."""
        own = (outbox.c.kind.in_(sorted(kinds)), *_of(address), outbox.c.put_at >= since, outbox.c.state != "dropped")
        with self._store.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(*own)).scalar_one())

    def waiting(self) -> Waiting:
        """How many deliveries there are of each state, and since when the oldest is due that is not yet over."""
        counts = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
        oldest = sa.select(sa.func.min(outbox.c.due)).where(outbox.c.state.in_(_OPEN))
        with self._store.read() as connection:
            found = {cast("State", state): int(count) for state, count in connection.execute(counts)}
            return Waiting(found, connection.execute(oldest).scalar())

    def retry(self, key_or_beginning: str, *, now: datetime) -> Delivery:
        """Have a delivery sent again that is unknown, failed or dropped; the others are refused.

        Where it can be looked up it still is, before it is sent; where it cannot, it is sent nevertheless.

        Raises:
            UsageError: there is none, several, it is not over, it was sent, or its content is forgotten.
        """
        with self._store.begin() as connection:
            found = _delivery(_named(connection, key_or_beginning))
            short = found.key[:SHORTEST_KEY]
            if found.state not in OVER - {"sent"}:
                raise UsageError(
                    f"Delivery {short} is {found.state}: only what is unknown, failed or dropped can be retried."
                )
            if not found.message.content:
                raise UsageError(f"What delivery {short} said is no longer kept.", hint="Have it made again.")
            again = replace(
                found, state="ready", due=now, until=None, changed_at=now, attempts=0, insisted=True, reason=""
            )
            names = ("state", "due", "until", "changed_at", "attempts", "insisted", "reason")
            values = {name: getattr(again, name) for name in names}
            connection.execute(sa.update(outbox).where(outbox.c.key == found.key).values(**values))
        return again

    def drop(self, key_or_beginning: str, reason: str, *, now: datetime) -> Delivery:
        """Have a delivery not sent (again).

        Raises:
            UsageError: there is none, several, it was sent, or a worker is sending it.
        """
        with self._store.begin() as connection:
            found = _delivery(_named(connection, key_or_beginning))
            if found.state in {"sent", "sending"}:
                hint = "Try again in a few minutes." if found.state == "sending" else ""
                raise UsageError(f"Delivery {found.key[:SHORTEST_KEY]} is {found.state}.", hint=hint)
            gone = replace(found, state="dropped", changed_at=now, reason=storable(reason), begun_at=None)
            values = {name: getattr(gone, name) for name in ("state", "changed_at", "reason", "begun_at")}
            connection.execute(sa.update(outbox).where(outbox.c.key == found.key).values(**values))
        return gone

    def forget(self, before: datetime) -> int:
        """Forget what deliveries said that are over since before an instant; how many. Their keys stay: none is sent anew."""
        old = (outbox.c.state.in_(sorted(OVER)), outbox.c.changed_at < before, outbox.c.content.is_not(None))
        with self._store.begin() as connection:
            return connection.execute(sa.update(outbox).where(*old).values(content=sa.null())).rowcount


# -- conditions --------------------------------------------------------------------------------------------------------

_OPEN = ("ready", "sending")
"""The states in which something is to be done yet."""


def _due(now: datetime) -> sa.ColumnElement[bool]:
    """Ready and due, or left by a worker whose lease is over."""
    ready = sa.and_(outbox.c.state == "ready", outbox.c.due <= now)
    return sa.or_(ready, sa.and_(outbox.c.state == "sending", outbox.c.lease_until <= now))


def _free() -> sa.ColumnElement[bool]:
    """No other message has to go first: the beginning of the thread, the original, or what came before in either.

    Each is looked for by an index of its own, and only for what continues or replaces something.
    """
    other = outbox.alias("other")
    earlier = sa.and_(other.c.no < outbox.c.no, other.c.due <= outbox.c.due)
    firsts = (
        other.c.key == outbox.c.after,
        other.c.key == outbox.c.updates,
        sa.and_(outbox.c.after != "", other.c.after == outbox.c.after, earlier),
        sa.and_(outbox.c.updates != "", other.c.updates == outbox.c.updates, earlier),
    )
    still = other.c.state.in_(_OPEN)
    none = sa.and_(*(~sa.exists(sa.select(other.c.no).where(first, still)) for first in firsts))
    return sa.or_(sa.and_(outbox.c.after == "", outbox.c.updates == ""), none)


def _of(address: Address) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return outbox.c.channel == address.channel, outbox.c.place == storable(address.place)


def drop_unsent(connection: sa.Connection, keys: Collection[str], reason: str, now: datetime) -> tuple[str, ...]:
    """Drop those of these messages that nobody has and that are certainly not over there, in the open transaction; their keys."""
    unsent = (outbox.c.state == "ready", outbox.c.begun_at.is_(None))
    wanted = sa.update(outbox).where(outbox.c.key.in_(sorted(keys)), *unsent)
    dropped = wanted.values(state="dropped", reason=storable(reason), changed_at=now).returning(outbox.c.key)
    return tuple(row.key for row in connection.execute(dropped))


def _named(connection: sa.Connection, key_or_beginning: str) -> Mapping[Any, Any]:
    text = _BEGINNINGS.read(key_or_beginning)
    query = sa.select(outbox).where(outbox.c.key.startswith(text)).order_by(outbox.c.key).limit(2)
    return _BEGINNINGS.only(connection.execute(query).mappings().all(), text)


# -- rows --------------------------------------------------------------------------------------------------------------


def _columns(message: Message) -> dict[str, Any]:
    """What of the row is the message."""
    texts = {name: getattr(message, name) for name in ("kind", "subject", "occasion", "title", "after", "updates")}
    return {
        "key": message.key,
        "channel": message.address.channel,
        "place": storable(message.address.place),
        "content": dict(message.content),
        "elsewhere": storable(str(message.elsewhere)) if message.elsewhere else "",
        **{name: storable(value) for name, value in texts.items()},
    }


def _delivery(row: Mapping[Any, Any]) -> Delivery:
    return Delivery(
        message=Message(
            kind=row["kind"],
            subject=row["subject"],
            occasion=row["occasion"],
            address=Address(row["channel"], row["place"]),
            title=row["title"],
            content=row["content"] or {},
            elsewhere=Address.read(row["elsewhere"]) if row["elsewhere"] else None,
            after=row["after"],
            updates=row["updates"],
        ),
        state=cast("State", row["state"]),
        put_at=row["put_at"],
        due=row["due"],
        until=row["until"],
        changed_at=row["changed_at"],
        attempts=row["attempts"],
        worker=row["worker"],
        lease_until=row["lease_until"],
        begun_at=row["begun_at"],
        insisted=row["insisted"],
        remote=row["remote"],
        reason=row["reason"],
    )

"""Briefs before meetings in the store: which messages tell of which meeting to whom, how long before, and of which time.

A brief and its messages are put, changed and withdrawn in one transaction with the outbox: two programs that plan at once make one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy import Column, Integer, String, Table, Text

from customer_research.domain.delivery import Message
from customer_research.domain.meeting import ID_DIGITS
from customer_research.store.database import insert_new
from customer_research.store.outbox import drop_unsent, outbox, put
from customer_research.store.schema import METADATA, Compact, Instant

if TYPE_CHECKING:
    from customer_research.store.database import Store

Told = Literal["planned", "moved", "off", "unread", "withdrawn"]
"""What readers were told last: that it is planned; that it is moved, and a new brief comes; that nothing more comes of it, since it
does not take place or is not theirs; that its calendar is no longer read; `withdrawn`: nothing, since nobody had begun to send it."""

meeting_brief = Table(
    "meeting_brief",
    METADATA,
    Column("meeting", String(ID_DIGITS), primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("lead", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("place", Text, nullable=False),
    Column("keys", Compact, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("told", String(16), nullable=False),
    Column("changes", Integer, nullable=False),
    Column("put_at", Instant, nullable=False),
    comment="Briefs before meetings: which messages of the outbox (by operator), to whom, how many minutes before, of which time, and "
    "how often they were changed.",
)

_REACHED = ("ready", "sending", "sent", "unknown")
"""States of a message that its reader has, or may yet get."""


@dataclass(frozen=True, slots=True)
class Brief:
    """A brief before a meeting.

    Args:
        meeting: the meeting's id.
        owner: who of us is told, by e-mail address.
        lead: how many minutes before.
        number: of several for the same meeting, person and lead, which.
        place: where it goes, as addresses are written.
        keys: the messages' keys by operator, in their order.
        starts_at: when the meeting was to begin, as was told last.
        told: what was told last.
        changes: how often the messages were changed.
        put_at: when it was put into the outbox.
    """

    meeting: str
    owner: str
    lead: int
    number: int
    place: str
    keys: Mapping[str, str] = field(hash=False)
    starts_at: datetime
    told: Told
    changes: int
    put_at: datetime


@dataclass(frozen=True, slots=True)
class Posting:
    """A message, when it may be sent, until when it is of use, and why it is not sent at all (empty: it is)."""

    message: Message
    due: datetime
    until: datetime
    dropped: str = ""


class Briefs:
    """The briefs in a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def standing(self, now: datetime) -> tuple[Brief, ...]:
        """The briefs of meetings that are planned and to come, as far as readers know; by the meetings' beginning."""
        table = meeting_brief.c
        query = sa.select(meeting_brief).where(table.told == "planned", table.starts_at > now)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(table.starts_at, table.meeting, table.lead)).mappings()
            return tuple(Brief(**row) for row in rows)

    def newest(self, meetings: Sequence[str]) -> Mapping[tuple[str, str, int], Brief]:
        """The newest brief of each of these meetings, by meeting, person and lead."""
        table = meeting_brief.c
        query = sa.select(meeting_brief).where(table.meeting.in_(meetings)).order_by(table.number)
        with self._store.read() as connection:
            found = (Brief(**row) for row in connection.execute(query).mappings())
            return {(one.meeting, one.owner, one.lead): one for one in found}

    def put(self, brief: Brief, postings: Sequence[Posting]) -> bool:
        """Put a brief into the outbox; whether it is new: another program may have been first, and then nothing is put."""
        with self._store.begin() as connection:
            made = insert_new(connection, meeting_brief).values(**asdict(brief)).returning(meeting_brief.c.meeting)
            if connection.execute(made).first() is None:
                return False
            for one in postings:
                _post(connection, one, brief.put_at)
        return True

    def change(
        self, brief: Brief, changed: Brief, updates: Mapping[str, Posting], reason: str, now: datetime
    ) -> Told | None:
        """Tell of a change: what nobody has begun to send is dropped, what may be with its reader is followed by its update.

        Args:
            brief: as it was read.
            changed: as it is then.
            updates: by key of a message that may be with its reader the one that goes in its place.
            reason: why a message that was not sent yet is dropped.
            now: the present instant.

        Returns:
            What is told now (`withdrawn`: nobody knew of it); None: another program was first, and nothing is changed.
        """
        table = meeting_brief.c
        same = [
            table[name] == getattr(brief, name) for name in ("meeting", "owner", "lead", "number", "changes", "told")
        ]
        keys = list(brief.keys.values())
        with self._store.begin() as connection:
            locked = sa.update(meeting_brief).where(*same).values(changes=brief.changes + 1)
            if not connection.execute(locked).rowcount:
                return None
            earlier = sa.select(outbox.c.key).where(outbox.c.updates.in_(keys))
            drop_unsent(connection, [*keys, *connection.execute(earlier).scalars()], reason, now)
            reached = _reached(connection, keys)
            told: Told = changed.told if reached else "withdrawn"
            row = {"starts_at": changed.starts_at, "told": told}
            connection.execute(sa.update(meeting_brief).where(*same[:4]).values(**row))
            for key in reached:
                _post(connection, updates[key], now)
        return told

    def forget(self, before: datetime) -> int:
        """Forget the briefs of meetings that were before an instant; how many. The outbox keeps their messages' keys."""
        with self._store.begin() as connection:
            return connection.execute(sa.delete(meeting_brief).where(meeting_brief.c.starts_at < before)).rowcount


def _post(connection: sa.Connection, one: Posting, now: datetime) -> None:
    put(connection, one.message, now=now, due=one.due, until=one.until, dropped=one.dropped)


def _reached(connection: sa.Connection, keys: Sequence[str]) -> list[str]:
    """Of these messages those that their reader has, or may yet get, in their order."""
    query = sa.select(outbox.c.key).where(outbox.c.key.in_(keys), outbox.c.state.in_(_REACHED))
    found: set[Any] = set(connection.execute(query).scalars())
    return [key for key in keys if key in found]

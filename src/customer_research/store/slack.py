"""Slack in the store: who may ask there, and which of its requests have been taken, so that none is done twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, String, Table, Text

from customer_research.domain.access import SlackPerson
from customer_research.errors import UsageError
from customer_research.store.database import insert_new
from customer_research.store.schema import METADATA, Compact, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

REMEMBERED = timedelta(hours=24)
"""How long a request is known as taken: Slack tells an event again for about an hour."""

SEEN_EVERY = timedelta(hours=1)
"""That somebody asked is noted once in this time."""

slack_person = Table(
    "slack_person",
    METADATA,
    Column("email", Text, primary_key=True),
    Column("permissions", Compact, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("alone", Boolean, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("seen_at", Instant),
    comment="Who may ask in Slack, by e-mail address: what they may, whose operators they see, who they are there.",
)

slack_request = Table(
    "slack_request",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    comment="Requests of Slack's that were taken (SHA-256 of what names them): each is done once. Kept for a day.",
)


class SlackBook:
    """What a store knows of Slack. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, name: str, now: datetime) -> bool:
        """Take a request of Slack's; False: it was taken before, by whichever process. `name` is what Slack calls it."""
        key = hashlib.sha256(name.encode()).hexdigest()
        with self._store.begin() as connection:
            row = insert_new(connection, slack_request).values(key=key, at=now).returning(slack_request.c.key)
            return connection.execute(row).first() is not None

    def forget(self, now: datetime) -> int:
        """Remove the requests that were taken more than a day ago; how many those were."""
        with self._store.begin() as connection:
            gone = sa.delete(slack_request).where(slack_request.c.at < now - REMEMBERED)
            return connection.execute(gone).rowcount

    def allow(self, person: SlackPerson) -> SlackPerson:
        """Let somebody in, or change what they may; who they are in Slack stays known."""
        email = person.email.lower()
        row = {**asdict(person), "email": email, "added_by": storable(person.added_by)}
        known = ("user_id", "seen_at")
        changed = {name: value for name, value in row.items() if name not in {"email", *known}}
        with self._store.begin() as connection:
            made = insert_new(connection, slack_person).values(**row).returning(slack_person.c.email)
            if connection.execute(made).first() is None:
                wanted = slack_person.c.email == email
                connection.execute(sa.update(slack_person).where(wanted).values(**changed))
            return _person(connection.execute(_one(email)).mappings().one())

    def remove(self, email: str) -> None:
        """Let somebody in no longer.

        Raises:
            UsageError: nobody is let in under that address.
        """
        with self._store.begin() as connection:
            gone = sa.delete(slack_person).where(slack_person.c.email == email.strip().lower())
            if not connection.execute(gone).rowcount:
                raise UsageError(
                    f"Nobody is let in as {email[:80]!r}.", hint="`customer-research slack people` lists them."
                )

    def people(self) -> tuple[SlackPerson, ...]:
        """Everybody who may ask, by address."""
        query = sa.select(slack_person).order_by(slack_person.c.email)
        with self._store.read() as connection:
            return tuple(map(_person, connection.execute(query).mappings()))

    def person(self, email: str, user_id: str, now: datetime) -> SlackPerson | None:
        """Who may ask under a confirmed address, noted as seen; None: nobody."""
        address = email.strip().lower()
        with self._store.read() as connection:
            row = connection.execute(_one(address)).mappings().first()
        if row is None:
            return None
        found = _person(row)
        if found.user_id != user_id or found.seen_at is None or now - found.seen_at >= SEEN_EVERY:
            seen = sa.update(slack_person).where(slack_person.c.email == address).values(user_id=user_id, seen_at=now)
            with self._store.begin() as connection:
                connection.execute(seen)
        return found


def _one(email: str) -> sa.Select[Any]:
    return sa.select(slack_person).where(slack_person.c.email == email)


def _person(row: Mapping[Any, Any]) -> SlackPerson:
    return SlackPerson(**{**row, "permissions": tuple(row["permissions"])})

"""Who is signed in on the web pages, in the store; and the keys of forms that were sent.

A cookie's secret is 256 random bits, and only its SHA-256 is kept, as of API tokens (`store.access`).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Column, String, Table, Text

from customer_research.domain.access import LASTING, Session
from customer_research.store.access import SECRET_BYTES
from customer_research.store.schema import METADATA, Compact, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

SEEN_EVERY = timedelta(minutes=1)
"""That somebody is there is noted once in this time."""

FORM_KEPT = timedelta(days=1)
"""How long a form that was sent is known by its key."""

web_session = Table(
    "web_session",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("email", Text, nullable=False),
    Column("permissions", Compact, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("way", String(10), nullable=False),
    Column("token_id", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("issuer", Text, nullable=False, server_default=""),
    Column("subject", Text, nullable=False, server_default=""),
    Column("groups", Compact, nullable=False, server_default="[]"),
    comment="Who is signed in on the web pages; of the cookie only the SHA-256.",
)

sent_form = Table(
    "sent_form",
    METADATA,
    Column("once", String(64), primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    comment="The keys of forms that were sent, for a day: sent twice, a form is one act.",
)


class SessionBook:
    """The sessions in a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, session: Session) -> str:
        """Keep a new session; the secret of its cookie, which nobody can read again. What is long over is removed."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row = {name: storable(value) if isinstance(value, str) else value for name, value in asdict(session).items()}
        over = web_session.c.began_at < session.began_at - LASTING
        with self._store.begin() as connection:
            connection.execute(sa.delete(web_session).where(over))
            connection.execute(sa.insert(web_session).values(**row, digest=_digest(secret)))
        return secret

    def of(self, secret: str, now: datetime) -> Session | None:
        """The session of a cookie, where it counts; that somebody is there is noted. None: there is none, or it is over."""
        here = web_session.c.digest == _digest(secret)
        with self._store.read() as connection:
            row = connection.execute(sa.select(web_session).where(here)).mappings().first()
        if row is None:
            return None
        found = _session(row)
        if not found.counts(now):
            return None
        if now - found.seen_at >= SEEN_EVERY:
            with self._store.begin() as connection:
                connection.execute(sa.update(web_session).where(here).values(seen_at=now))
        return found

    def end(self, secret: str, now: datetime) -> None:
        """End the session of a cookie; one that is over or unknown stays so."""
        here = (web_session.c.digest == _digest(secret)) & web_session.c.ended_at.is_(None)
        with self._store.begin() as connection:
            connection.execute(sa.update(web_session).where(here).values(ended_at=now))

    def all(self, now: datetime) -> tuple[Session, ...]:
        """Every session that counts, whoever was there last first."""
        newest = sa.select(web_session).where(web_session.c.ended_at.is_(None)).order_by(web_session.c.seen_at.desc())
        with self._store.read() as connection:
            found = map(_session, connection.execute(newest).mappings())
            return tuple(one for one in found if one.counts(now))

    def end_all(self, email: str, now: datetime) -> int:
        """End every session of somebody, however their address is written; how many of them still counted."""
        theirs = (sa.func.lower(web_session.c.email) == email.strip().lower()) & web_session.c.ended_at.is_(None)
        with self._store.begin() as connection:
            there = [_session(row) for row in connection.execute(sa.select(web_session).where(theirs)).mappings()]
            connection.execute(sa.update(web_session).where(theirs).values(ended_at=now))
        return sum(one.counts(now) for one in there)

    def first(self, once: str, now: datetime) -> bool:
        """Whether a form with this key is sent for the first time."""
        key = _digest(once)
        with self._store.begin(alone=True) as connection:
            connection.execute(sa.delete(sent_form).where(sent_form.c.at < now - FORM_KEPT))
            if connection.execute(sa.select(sent_form.c.once).where(sent_form.c.once == key)).first() is not None:
                return False
            connection.execute(sa.insert(sent_form).values(once=key, at=now))
            return True

    def unsent(self, once: str) -> None:
        """Forget a form by its key: what it asked for was not done, and may be asked for again."""
        with self._store.begin() as connection:
            connection.execute(sa.delete(sent_form).where(sent_form.c.once == _digest(once)))


def _session(row: Any) -> Session:
    told: dict[str, Any] = {str(name): value for name, value in row.items() if name != "digest"}
    return Session(**{**told, "permissions": tuple(told["permissions"]), "groups": tuple(told["groups"])})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

"""API tokens and the audit of calls, in the store.

A token's secret is 256 random bits, and only its SHA-256 is kept: nobody can try so many, so that neither salt nor a slow hash
would make a stolen table worth more. Rows of the audit are added, and removed when they are old; nothing changes them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Column, Double, Index, Integer, String, Table, Text

from customer_research.domain.access import NotedCall, Token
from customer_research.errors import UsageError
from customer_research.store.schema import METADATA, Compact, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

MARK = "crt"
"""What every token begins with, so that scanners for leaked secrets can find one."""

SECRET_BYTES = 32
ID_BYTES = 5
USED_EVERY = timedelta(minutes=1)
"""A use is noted once in this time: a token that is used often costs no writing each time."""

_HINT = "`customer-research tokens list` shows the ids."

api_token = Table(
    "api_token",
    METADATA,
    Column("id", String(10), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("permissions", Compact, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("used_at", Instant),
    comment="API tokens: what each grants, and the SHA-256 of its secret.",
)

noted_call = Table(
    "noted_call",
    METADATA,
    Column("no", Integer, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("surface", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("operator_id", Text, nullable=False),
    Column("receipts", Compact, nullable=False),
    Column("size", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("seconds", Double, nullable=False),
    Index("noted_call_by_operator", "operator_id", "at"),
    Index("noted_call_by_actor", "actor", "at"),
    comment="Who asked for what of whom, and what came of it; nothing of what was typed. Rows are added, and removed when old.",
)

_TOKEN = tuple(column for column in api_token.c if column.name != "digest")
_CALL = tuple(column for column in noted_call.c if column.name != "no")


class TokenBook:
    """The tokens in a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, token: Token) -> tuple[Token, str]:
        """Keep a new token; it comes back with its id, beside the text that lets in, which nobody can read again."""
        kept = Token(**{**_values(token), "id": secrets.token_hex(ID_BYTES)})
        secret = secrets.token_urlsafe(SECRET_BYTES)
        with self._store.begin() as connection:
            row = {name: storable(value) if isinstance(value, str) else value for name, value in _values(kept).items()}
            connection.execute(sa.insert(api_token).values(**row, digest=_digest(secret)))
        return kept, f"{MARK}_{kept.id}_{secret}"

    def all(self) -> tuple[Token, ...]:
        """Every token, the newest first."""
        query = sa.select(*_TOKEN).order_by(api_token.c.created_at.desc(), api_token.c.id)
        with self._store.read() as connection:
            return tuple(_token(row) for row in connection.execute(query).mappings())

    def revoke(self, token_id: str, now: datetime) -> Token:
        """Take a token back; one that is taken back already stays so.

        Raises:
            UsageError: there is no such token.
        """
        wanted = token_id.strip().lower()
        query = sa.select(*_TOKEN).where(api_token.c.id == wanted)
        with self._store.begin() as connection:
            row = connection.execute(query).mappings().first()
            if row is None:
                raise UsageError(f"There is no token {token_id[:40]!r}.", hint=_HINT)
            if row["revoked_at"] is None:
                connection.execute(sa.update(api_token).where(api_token.c.id == wanted).values(revoked_at=now))
            return _token(connection.execute(query).mappings().one())

    def admitted(self, text: str, now: datetime) -> Token | None:
        """The token that somebody shows, where it counts; its use is noted. None: unknown, wrong, expired or revoked."""
        parts = _parts(text)
        return None if parts is None else self._valid(parts[0], now, parts[1])

    def of(self, token_id: str, now: datetime) -> Token | None:
        """The token of somebody who showed it when they signed in, where it still counts; its use is noted."""
        return self._valid(token_id, now)

    def _valid(self, token_id: str, now: datetime, secret: str | None = None) -> Token | None:
        with self._store.read() as connection:
            row = connection.execute(sa.select(api_token).where(api_token.c.id == token_id)).mappings().first()
        if row is None or (secret is not None and not hmac.compare_digest(row["digest"], _digest(secret))):
            return None
        found = _token({name: value for name, value in row.items() if name != "digest"})
        if not found.counts(now):
            return None
        if found.used_at is None or now - found.used_at >= USED_EVERY:
            with self._store.begin() as connection:
                connection.execute(sa.update(api_token).where(api_token.c.id == token_id).values(used_at=now))
        return found


class CallBook:
    """The audit in a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, call: NotedCall) -> None:
        """Note a call."""
        row = {name: storable(value) if isinstance(value, str) else value for name, value in asdict(call).items()}
        with self._store.begin() as connection:
            connection.execute(sa.insert(noted_call).values(**row))

    def newest(
        self,
        *,
        operator_id: str = "",
        actor: str = "",
        since: datetime | None = None,
        refused: bool = False,
        most: int | None = None,
    ) -> tuple[tuple[NotedCall, ...], int]:
        """The calls that fit, the newest first, at most so many; and how many there are.

        Args:
            operator_id: only about this operator; empty: about anybody.
            actor: only of those whose name has this in it.
            since: only from this instant on.
            refused: only those that were refused.
            most: how many at most; None: all.
        """
        query = sa.select(*_CALL)
        if operator_id:
            query = query.where(noted_call.c.operator_id == operator_id)
        if actor:
            query = query.where(noted_call.c.actor.icontains(actor, autoescape=True))
        if since is not None:
            query = query.where(noted_call.c.at >= since)
        if refused:
            query = query.where(noted_call.c.outcome == REFUSED)
        ordered = query.order_by(noted_call.c.at.desc(), noted_call.c.no.desc()).limit(most)
        with self._store.read() as connection:
            every = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
            return tuple(_call(row) for row in connection.execute(ordered).mappings()), int(every)

    def prune(self, before: datetime) -> int:
        """Remove what is older; how many calls that were."""
        with self._store.begin() as connection:
            return connection.execute(sa.delete(noted_call).where(noted_call.c.at < before)).rowcount


REFUSED = "NotAllowed"
"""The outcome of a call that was refused since its actor may not have what it asked for."""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _parts(text: str) -> tuple[str, str] | None:
    """Id and secret of a token's text; None where it is no token of ours."""
    mark, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    ours = mark == MARK and len(token_id) == 2 * ID_BYTES and set(token_id) <= set("0123456789abcdef")
    return (token_id, secret) if ours and secret else None


def is_token(text: str) -> bool:
    """Whether a text looks like one of our tokens."""
    return _parts(text) is not None


def _values(token: Token) -> dict[str, Any]:
    return asdict(token)


def _token(row: Mapping[Any, Any]) -> Token:
    return Token(**{**row, "permissions": tuple(row["permissions"])})


def _call(row: Mapping[Any, Any]) -> NotedCall:
    return NotedCall(**{**row, "receipts": tuple(row["receipts"])})

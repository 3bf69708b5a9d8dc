"""Sign-ins that have begun, and which account owner is who, in the store."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Column, String, Table, Text

from customer_research.domain.access import ENTERING, Begun, Identity
from customer_research.store.access import SECRET_BYTES
from customer_research.store.people import folded, person
from customer_research.store.schema import METADATA, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

web_entering = Table(
    "web_entering",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("state", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    comment="Sign-ins that have begun at the identity provider; of the cookie only the SHA-256. Each is good once.",
)

web_identity = Table(
    "web_identity",
    METADATA,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("linked_at", Instant, nullable=False),
    comment="Which account owner somebody is: found once by their address, and theirs from then on.",
)


class Identities:
    """Who somebody is, in a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, begun: Begun) -> str:
        """Keep a sign-in that begins; the secret of its cookie. Those that nobody ended in time are removed."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row = {name: storable(value) if isinstance(value, str) else value for name, value in asdict(begun).items()}
        with self._store.begin() as connection:
            connection.execute(sa.delete(web_entering).where(web_entering.c.at <= begun.at - ENTERING))
            connection.execute(sa.insert(web_entering).values(**row, digest=_digest(secret)))
        return secret

    def take(self, secret: str, now: datetime) -> Begun | None:
        """The sign-in of a cookie, which is gone from then on; None: there is none, it was used, or it took too long."""
        here = web_entering.c.digest == _digest(secret)
        with self._store.begin(alone=True) as connection:
            row = connection.execute(sa.select(web_entering).where(here)).mappings().first()
            connection.execute(sa.delete(web_entering).where(here))
        if row is None or row["at"] + ENTERING <= now:
            return None
        return Begun(row["state"], row["nonce"], row["verifier"], row["place"], row["at"])

    def owner(self, who: Identity, now: datetime) -> str:
        """The account owner who somebody is; empty: it is not known.

        It is found by their address where that is said to be theirs, once: whoever is given the address later is not them.
        """
        here = (web_identity.c.issuer == who.issuer) & (web_identity.c.subject == who.subject)
        linked = sa.select(web_identity.c.owner_id).where(here)
        with self._store.read() as connection:
            found = connection.execute(linked).scalar()
        if found is not None or not who.verified or not who.email:
            return str(found or "")
        known = sa.select(person.c.owner_id).where(person.c.email == folded(who.email))
        with self._store.begin(alone=True) as connection:
            owner = str(connection.execute(linked).scalar() or connection.execute(known).scalar() or "")
            if owner and connection.execute(linked).scalar() is None:
                row = {"issuer": who.issuer, "subject": who.subject, "email": who.email, "owner_id": owner}
                connection.execute(sa.insert(web_identity).values(**row, linked_at=now))
        return owner

    def forget(self, email: str) -> int:
        """Forget which account owner was found by an address; how many people that was."""
        theirs = sa.func.lower(web_identity.c.email) == email.strip().lower()
        with self._store.begin() as connection:
            return connection.execute(sa.delete(web_identity).where(theirs)).rowcount


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

"""Who is let in over HTTP: an API token or an access token of the identity provider makes an actor; and the audit of all uses."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from customer_research.domain.access import NotedCall, Session, Visitor
from customer_research.research.oidc import Issuer
from customer_research.research.usecases.access import Actor
from customer_research.research.usecases.entrance import Entrance, by_roles
from customer_research.research.usecases.runner import Audit, Use, unheard
from customer_research.settings import Settings
from customer_research.store.access import CallBook, TokenBook, is_token
from customer_research.store.database import Store, open_store
from customer_research.store.sessions import SessionBook


class Gate:
    """Lets in, and notes. Use it in one event loop, and close it.

    Args:
        settings: say where tokens are kept, and which identity provider counts.
        url: the server's address, which tokens of the identity provider are for unless the settings say otherwise.
        heard: hears of each use once it is noted.

    Raises:
        StoreError: the store cannot be opened.
        ExtraMissing: an identity provider is set, and the package that reads its tokens is not installed.
    """

    def __init__(self, settings: Settings, url: str, heard: Audit = unheard) -> None:
        self._settings, self._clock = settings, clock_of(settings)
        self._issuer = Issuer(settings, url, self._clock) if settings.oidc.issuer else None
        self._store = open_store(settings.store_url)
        self._tokens, self._sessions = TokenBook(self._store), SessionBook(self._store)
        self.note: Audit = noting(self._store, heard)

    def close(self) -> None:
        """Give the store back."""
        self._store.close()

    def is_open(self) -> bool:
        """Whether anybody could be let in: there is an identity provider, or a token that counts."""
        now = self._clock()
        return self._issuer is not None or any(token.counts(now) for token in self._tokens.all())

    async def actor(self, bearer: str, surface: str) -> Actor | None:
        """Who shows a token; None where it is unknown, wrong, expired, revoked or for another server.

        Raises:
            SourceError: the identity provider's keys cannot be had.
            StoreError: the store cannot be read.
        """
        visitor = await self._visitor(bearer)
        if visitor is None:
            return None
        return Actor(visitor.email, surface, frozenset(visitor.permissions), visitor.owner_id)

    # -- signed in on the web pages ----------------------------------------------------------------------------------------

    async def sign_in(self, bearer: str) -> str | None:
        """Begin a session of somebody who shows an API token: the secret of their cookie. It counts as long as the token does.

        Raises:
            StoreError: the store cannot be used.
        """
        found = await asyncio.to_thread(self._tokens.admitted, bearer, self._clock())
        if found is None:
            return None
        now = self._clock()
        session = Session(found.email, found.permissions, found.owner_id, "token", found.id, now, now)
        return await asyncio.to_thread(self._sessions.begin, session)

    def entrance(self, origin: str) -> Entrance:
        """The company's door to the pages at an address.

        Raises:
            ConfigError: a setting of it is missing.
            ExtraMissing: a package is.
        """
        return Entrance(self._settings, self._store, origin, self._clock, self.note)

    async def signed_in(self, secret: str, surface: str) -> Actor | None:
        """Who has the cookie of a session; None where it is over, or the token that it came by no longer counts.

        Raises:
            StoreError: the store cannot be read.
        """
        return await asyncio.to_thread(self._signed_in, secret, surface)

    def _signed_in(self, secret: str, surface: str) -> Actor | None:
        now = self._clock()
        found = self._sessions.of(secret, now)
        if found is None:
            return None
        if not found.token_id:
            return by_roles(self._settings.web, found.email, found.groups, found.owner_id, surface)
        token = self._tokens.of(found.token_id, now)
        if token is None:
            return None
        return Actor(token.email, surface, frozenset(token.permissions), token.owner_id)

    async def sign_out(self, secret: str) -> None:
        """End a session.

        Raises:
            StoreError: the store cannot be written.
        """
        await asyncio.to_thread(self._sessions.end, secret, self._clock())

    async def first(self, once: str) -> bool:
        """Whether a form with this key is sent for the first time: sent twice it is one act.

        Raises:
            StoreError: the store cannot be used.
        """
        return await asyncio.to_thread(self._sessions.first, once, self._clock())

    async def unsent(self, once: str) -> None:
        """Forget a form by its key, since what it asked for was not done.

        Raises:
            StoreError: the store cannot be used.
        """
        await asyncio.to_thread(self._sessions.unsent, once)

    # -- within ------------------------------------------------------------------------------------------------------------

    async def _visitor(self, bearer: str) -> Visitor | None:
        if is_token(bearer):
            found = await asyncio.to_thread(self._tokens.admitted, bearer, self._clock())
            return None if found is None else Visitor(found.email, frozenset(found.permissions), found.owner_id)
        return None if self._issuer is None else await self._issuer.visitor(bearer)


@contextlib.contextmanager
def audited(settings: Settings) -> Iterator[Audit]:
    """The audit in the store, for a surface that serves one user of this machine; the store is opened by the first use."""
    opened: list[Store] = []
    lock = threading.Lock()

    def note(use: Use) -> None:
        with lock:
            if not opened:
                opened.append(open_store(settings.store_url))
        CallBook(opened[0]).add(_noted(use))

    try:
        yield note
    finally:
        for store in opened:
            store.close()


def noting(store: Store, heard: Audit = unheard) -> Audit:
    """The audit in an open store; `heard` hears of each use once it is noted."""
    book = CallBook(store)

    def note(use: Use) -> None:
        book.add(_noted(use))
        heard(use)

    return note


def _noted(use: Use) -> NotedCall:
    """A use as it is kept."""
    return NotedCall(
        at=use.began,
        actor=use.actor.name,
        surface=use.actor.surface,
        name=use.name,
        operator_id=use.operator,
        receipts=use.receipts,
        size=use.size,
        outcome=use.outcome,
        seconds=round(use.seconds, 3),
    )


def clock_of(settings: Settings) -> Callable[[], datetime]:
    """The present instant: the settings' fixed one, else the system's."""
    return lambda: settings.clock or datetime.now(UTC)

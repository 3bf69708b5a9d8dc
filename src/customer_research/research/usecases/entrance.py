"""Who is let in by the company: by its identity provider, or by the header of its proxy; and what their groups may.

What somebody may is asked of the settings' roles each time that they ask: a session remembers groups, and no permission.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from customer_research.domain.access import Identity, Session
from customer_research.errors import CustomerResearchError, NotAllowed
from customer_research.research.sign_in import SignIn, refused
from customer_research.research.usecases.access import Actor
from customer_research.research.usecases.runner import Audit, Use
from customer_research.settings import Settings
from customer_research.store.identities import Identities
from customer_research.store.sessions import SessionBook
from customer_research.web_settings import WebSettings

if TYPE_CHECKING:
    from customer_research.store.database import Store

BACK = "/sign-in/back"
"""Where the identity provider sends people back to."""

PROXY = "proxy"
"""What stands for the issuer of whom a proxy names."""

SIGNING_IN = "sign-in"
"""What a sign-in is noted as."""


def by_roles(web: WebSettings, name: str, groups: Collection[str], owner_id: str, surface: str) -> Actor:
    """Somebody with what the roles of their groups grant now; who is to see their own book, and has none, may nothing."""
    permissions, own = web.granted(groups)
    if own and not owner_id:
        permissions = frozenset()
    return Actor(name, surface, frozenset(permissions), owner_id if own else "")


class Entrance:
    """The company's door to the web pages. Use it in one event loop.

    Args:
        settings: name the identity provider, and the roles.
        store: where sessions are kept.
        origin: the pages' address as browsers know it.
        clock: the present instant.
        note: the audit.

    Raises:
        ConfigError: a setting is missing.
        ExtraMissing: a package is.
    """

    def __init__(
        self, settings: Settings, store: Store, origin: str, clock: Callable[[], datetime], note: Audit
    ) -> None:
        self._web, self._clock, self._note = settings.web, clock, note
        self._sessions, self._identities = SessionBook(store), Identities(store)
        self._sign_in = SignIn(settings, f"{origin}{BACK}") if settings.web.client_id else None

    @property
    def is_open(self) -> bool:
        """Whether people sign in at an identity provider."""
        return self._sign_in is not None

    async def begin(self, place: str) -> tuple[str, str]:
        """Where somebody signs in who wants a page, and the secret of the cookie by which they are known when they come back.

        Raises:
            SourceError: the provider does not answer.
            StoreError: the store cannot be used.
        """
        url, begun = await self._provider().begin(place, self._clock())
        return url, await asyncio.to_thread(self._identities.begin, begun)

    async def finish(self, secret: str, state: str, code: str, surface: str) -> tuple[str, str]:
        """Who comes back: the secret of their session's cookie, and the page that they wanted. It is noted, refused or not.

        Raises:
            NotAllowed: they did not begin here, took too long, come a second time, or have no role.
            SourceError: the provider does not answer.
            StoreError: the store cannot be used.
        """
        began, actor, outcome = self._clock(), Actor("", surface, frozenset()), "failed"
        try:
            begun = await asyncio.to_thread(self._identities.take, secret, began) if secret and state and code else None
            if begun is None or not hmac.compare_digest(begun.state.encode(), state.encode()):
                raise refused("a state that is unknown, used, or of another browser")
            who = await self._provider().finish(code, begun)
            owner = await self._owner(who)
            actor = by_roles(self._web, who.name, who.groups, owner, surface)
            session = await self._begin(who, owner, actor)
            outcome = "done"
        except CustomerResearchError as error:
            outcome = type(error).__name__
            raise
        finally:
            seconds = (self._clock() - began).total_seconds()
            await asyncio.to_thread(self._note, Use(actor, SIGNING_IN, began, seconds, outcome))
        return session, begun.place

    async def of_proxy(self, name: str, groups: tuple[str, ...], surface: str) -> Actor:
        """Whom the company's proxy names; it answers for their address.

        Raises:
            StoreError: the store cannot be read.
        """
        who = Identity(PROXY, name.lower(), name, verified=True, groups=groups)
        return by_roles(self._web, name, groups, await self._owner(who), surface)

    async def sessions(self, name: str) -> tuple[Session, ...]:
        """Where somebody is signed in, the newest first.

        Raises:
            StoreError: the store cannot be read.
        """
        found = await asyncio.to_thread(self._sessions.all, self._clock())
        return tuple(one for one in found if one.email.lower() == name.lower())

    async def leave_everywhere(self, name: str) -> int:
        """End every session of somebody; how many there were.

        Raises:
            StoreError: the store cannot be written.
        """
        return await asyncio.to_thread(self._sessions.end_all, name, self._clock())

    # -- within ------------------------------------------------------------------------------------------------------------

    def _provider(self) -> SignIn:
        if self._sign_in is None:
            raise NotAllowed("Nobody signs in by the company here.", hint="Set web.client_id, or use an API token.")
        return self._sign_in

    async def _owner(self, who: Identity) -> str:
        return who.owner_id or await asyncio.to_thread(self._identities.owner, who, self._clock())

    async def _begin(self, who: Identity, owner: str, actor: Actor) -> str:
        """Begin the session of somebody who may see anything.

        Raises:
            NotAllowed: they may not.
        """
        if not self._web.granted(who.groups)[0]:
            raise NotAllowed(f"{who.name} may see nothing here.", hint="Ask whoever runs customer-research for a role.")
        if not actor.rights:
            raise NotAllowed(
                f"{who.name} may see their own book, and which account owner they are is not known.",
                hint="Whoever runs customer-research says it: `me set --email ADDRESS --owner ID`.",
            )
        now = self._clock()
        session = Session(
            who.name, (), owner, "oidc", "", now, now, issuer=who.issuer, subject=who.subject, groups=who.groups
        )
        return await asyncio.to_thread(self._sessions.begin, session)

"""Who asks: by a token in a header, as the company's proxy says, by the cookie of a session, or as the user of this machine."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from customer_research.domain.access import ENTERING
from customer_research.research.usecases import Actor, Entrance, Gate
from customer_research.surfaces.web.proxies import Proxy

SURFACE = "web"
"""What pages are noted under."""

BEARER = "bearer "


@dataclass(slots=True)
class Doors:
    """Lets in.

    Args:
        gate: knows tokens, sessions, and the identity provider.
        entrance: knows whom the company lets in.
        proxy: reads whom its proxy names.
        origin: the address as browsers know it: over https its cookie is for that host and for https alone.
        own: the user of this machine, who may do everything; empty: nobody is let in without a token.
        key: what the address has that the program prints for that user; it lets in once.
    """

    gate: Gate
    entrance: Entrance
    proxy: Proxy
    origin: str
    own: str = ""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    _mine: set[str] = field(default_factory=set)

    @property
    def cookie(self) -> str:
        """What the cookie is called: browsers keep `__Host-` to what it promises."""
        return self._named("customer-research")

    @property
    def entering(self) -> str:
        """What the cookie of a sign-in is called, by which somebody is known when the identity provider sends them back."""
        return self._named("customer-research-sign-in")

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self.safe else name

    @property
    def safe(self) -> bool:
        """Whether pages come over https."""
        return self.origin.startswith("https:")

    async def actor(self, request: Request, surface: str = SURFACE) -> Actor | None:
        """Who asks; None: nobody who is let in.

        Beside a token in the header neither proxy nor cookie say anything, and beside what the proxy says no cookie does.

        Args:
            request: what was sent.
            surface: what it is noted under.

        Raises:
            CustomerResearchError: it cannot be told, since the store or the identity provider does not answer.
        """
        told = request.headers.get("authorization", "")
        if told:
            bearer = told[len(BEARER) :].strip() if told.lower().startswith(BEARER) else ""
            return await self.gate.actor(bearer, surface) if bearer else None
        if (told_by := self.proxy.told(request)) is not None:
            return await self.entrance.of_proxy(*told_by, surface)
        secret = request.cookies.get(self.cookie, "")
        if not secret:
            return None
        if _digest(secret) in self._mine:
            return Actor(self.own, surface)
        return await self.gate.signed_in(secret, surface)

    def is_own(self, request: Request) -> bool:
        """Whether it is the user of this machine."""
        return _digest(request.cookies.get(self.cookie, "")) in self._mine

    def can_leave(self, request: Request) -> bool:
        """Whether they can sign out here: not who ends the program for it, nor whom the proxy names each time."""
        return not self.is_own(request) and self.proxy.told(request) is None

    def open_own(self, key: str) -> str | None:
        """Let the user of this machine in, once, by the printed address: the secret of their cookie."""
        if not self.own or not hmac.compare_digest(key.encode(), self.key.encode()):
            return None
        self.key = secrets.token_urlsafe(24)
        secret = secrets.token_urlsafe(32)
        self._mine.add(_digest(secret))
        return secret

    def keep(self, response: Response, secret: str) -> None:
        """Give somebody the cookie of their session."""
        response.set_cookie(self.cookie, secret, path="/", secure=self.safe, httponly=True, samesite="lax")
        self._forget(response, self.entering)

    def keep_entering(self, response: Response, secret: str) -> None:
        """Give somebody the cookie of a sign-in that begins."""
        lasts = int(ENTERING.total_seconds())
        response.set_cookie(self.entering, secret, lasts, path="/", secure=self.safe, httponly=True, samesite="lax")

    async def leave(self, request: Request, response: Response) -> None:
        """Sign somebody out."""
        secret = request.cookies.get(self.cookie, "")
        self._mine.discard(_digest(secret))
        await self.gate.sign_out(secret)
        self._forget(response, self.cookie)

    def _forget(self, response: Response, cookie: str) -> None:
        response.delete_cookie(cookie, path="/", secure=self.safe, httponly=True, samesite="lax")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

"""What holds of every request: the host that it names, where a change comes from, and what browsers may do with the answer.

A change (POST) is taken from pages of our own alone, as browsers say by `Sec-Fetch-Site` or `Origin`; no token in a form is needed.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No nonce: an answer that a browser kept (304) would meet another one, and no script would run."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

READING = frozenset({"GET", "HEAD", "OPTIONS"})
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


class Safety:
    """An application behind these checks.

    Args:
        app: what answers.
        origin: the address as browsers know it.
        hosts: names that requests may name beside its own and this machine's.
    """

    def __init__(self, app: ASGIApp, origin: str, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._origin = origin
        self._hosts = {urlsplit(origin).hostname, *THIS_MACHINE, *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    told.setdefault(name, value)
                told.setdefault("cache-control", "no-store")
                if self._origin.startswith("https:"):
                    told["strict-transport-security"] = "max-age=31536000"
            await send(message)

        refused = self._refused(scope["method"], Headers(scope=scope))
        if refused:
            await PlainTextResponse(refused, 403)(scope, receive, sent)
            return
        await self._app(scope, receive, sent)

    def _refused(self, method: str, headers: Headers) -> str:
        """Why a request is not taken; empty: it is."""
        named = headers.get("host", "")
        parts = urlsplit(f"//{named}")
        if parts.hostname not in self._hosts and named.lower() not in self._hosts:
            return "This is not the address of these pages."
        if method in READING or headers.get("authorization", "").lower().startswith("bearer "):
            return ""  # a token in the header is none that a browser sends by itself, as it does a password
        site = headers.get("sec-fetch-site")
        ours = site in {"same-origin", "none"} if site is not None else headers.get("origin") in self._origins(named)
        return "" if ours else "A change is taken from these pages alone: open the page, and press the button there."

    def _origins(self, named: str) -> set[str]:
        """Origins of pages of ours; on this machine also as it is named there."""
        here = urlsplit(f"//{named}").hostname in THIS_MACHINE and urlsplit(self._origin).hostname in THIS_MACHINE
        return {self._origin, *((f"http://{named}",) if here else ())}

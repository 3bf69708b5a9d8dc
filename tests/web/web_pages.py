"""The web pages over real HTTP, in a thread of this process, and somebody who reads them."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape

import httpx2
import uvicorn

from customer_research.domain.access import NotedCall, Permission, Token
from customer_research.settings import Settings
from customer_research.store.access import CallBook, TokenBook
from customer_research.store.database import open_store
from customer_research.surfaces.web.application import application
from customer_research.surfaces.web.serving import server_of

WHOLE: tuple[Permission, ...] = ("read", "act", "finance")
OURS = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form that a page of ours sent."""


@dataclass
class Pages:
    """Pages that run, and their settings."""

    url: str
    settings: Settings
    key: str = ""
    _clients: list[httpx2.Client] = field(default_factory=list)

    def token(self, *permissions: Permission, owner: str = "", days: int = 90, email: str = "ada@example.com") -> str:
        """A new API token; read, act and finance where nothing is said."""
        now = self.settings.clock
        assert now is not None
        made = Token("", "test", email, permissions or WHOLE, owner, now, "tests", now + timedelta(days=days))
        with open_store(self.settings.store_url) as store:
            return TokenBook(store).add(made)[1]

    def revoke(self, token: str) -> None:
        """Take a token back."""
        assert self.settings.clock is not None
        with open_store(self.settings.store_url) as store:
            TokenBook(store).revoke(token.split("_")[1], self.settings.clock)

    def calls(self) -> tuple[NotedCall, ...]:
        """What has been noted, the newest first."""
        with open_store(self.settings.store_url) as store:
            return CallBook(store).newest()[0]

    def stranger(self, **headers: str) -> httpx2.Client:
        """Somebody who is not signed in."""
        client = httpx2.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)
        self._clients.append(client)
        return client

    def reader(self, *permissions: Permission, owner: str = "", email: str = "ada@example.com") -> httpx2.Client:
        """Somebody who signed in with a new token."""
        client = self.stranger()
        shown = self.token(*permissions, owner=owner, email=email)
        answer = client.post("/sign-in", data={"token": shown}, headers=OURS)
        assert answer.status_code == 303, answer.text
        return client

    def close(self) -> None:
        """End the clients."""
        for client in self._clients:
            client.close()


@contextmanager
def served(settings: Settings, *, own: str = "") -> Iterator[Pages]:
    """The pages on a free port; `own`: the user of this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        here = f"http://127.0.0.1:{listening.getsockname()[1]}"
        keys: list[str] = []
        app = application(settings, None, here, own=own, told=keys.append)
        server = uvicorn.Server(server_of(app, "127.0.0.1", 0))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "it ended before it began"
            thread.join(0.02)
        pages = Pages(here, settings, keys[0])
        try:
            yield pages
        finally:
            pages.close()
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


def words(html: str) -> str:
    """What a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def form(html: str, action: str) -> dict[str, str]:
    """The hidden fields of a form of a page."""
    found = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', html, re.DOTALL)
    assert found, f"no form for {action}"
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', found[1])
    return {name: unescape(value) for name, value in hidden}

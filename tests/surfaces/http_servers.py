"""The MCP server over real HTTP, in a thread of this process, and clients of it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import uvicorn
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from customer_research.domain.access import NotedCall, Permission, Token
from customer_research.settings import Settings
from customer_research.store.access import CallBook, TokenBook
from customer_research.store.database import open_store
from customer_research.surfaces.mcp.http import PATH, application

MODERN = "2026-07-28"
KEY = b"k" * 32
WHOLE: tuple[Permission, ...] = ("read", "finance")


@dataclass(frozen=True)
class Served:
    """A server that runs, and its settings."""

    url: str
    settings: Settings

    def token(self, *permissions: Permission, owner: str = "", days: int = 90, email: str = "ada@example.com") -> str:
        """A new token; read and finance where nothing is said."""
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

    @asynccontextmanager
    async def client(self, token: str, *, era: str = "auto", seconds: float = 120.0) -> AsyncIterator[Client]:
        """A client that shows a token."""
        headers = {"Authorization": f"Bearer {token}"}
        timeout = httpx2.Timeout(seconds)
        async with (
            httpx2.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as http,
            Client(streamable_http_client(self.url, http_client=http), mode=era) as client,
        ):
            yield client

    def post(self, token: str | None, *, host: str = "", **headers: str) -> httpx2.Response:
        """A bare request for the list of tools."""
        own = headers_of("tools/list", token)
        if host:
            own["Host"] = host
        return httpx2.post(
            self.url, json=request("tools/list"), headers={**own, **headers}, timeout=30, trust_env=False
        )


def headers_of(method: str, token: str | None, name: str = "") -> dict[str, str]:
    """The headers of a request of the protocol as it is today."""
    told = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    named = {"Mcp-Name": name} if name else {}
    return {**told, **named, **({"Authorization": f"Bearer {token}"} if token is not None else {})}


def request(method: str, **params: Any) -> dict[str, Any]:
    """A request of the protocol as it is today."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}


@contextmanager
def served(settings: Settings, *, url: str = "") -> Iterator[Served]:
    """A server on a free port; `url`: its address as clients write it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        here = f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}"
        app = application(settings, None, url or here, KEY)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "it ended before it began"
            thread.join(0.02)
        try:
            yield Served(here, settings)
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


def said(response: httpx2.Response) -> Any:
    """The JSON of an answer, which may come as an event."""
    text = response.text
    data = next((line.removeprefix("data:") for line in text.splitlines() if line.startswith("data:")), text)
    return json.loads(data)


def with_settings(settings: Settings, **parts: dict[str, Any]) -> Settings:
    """Settings with some parts changed."""
    changed = {name: getattr(settings, name).model_copy(update=values) for name, values in parts.items()}
    return settings.model_copy(update=changed)

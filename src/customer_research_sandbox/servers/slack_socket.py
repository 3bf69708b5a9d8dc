"""Slack's socket mode: the app connects, is sent what people do, and acknowledges each by its envelope."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from customer_research_sandbox.servers.port import HOST
from customer_research_sandbox.servers.slack_acts import Sent
from customer_research_sandbox.servers.slack_space import APP_ID


@dataclass(eq=False)
class SlackSocket:
    """Listens on a free port of this machine for one app at a time; runs in the loop that opened it."""

    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None
    _app: web.WebSocketResponse | None = None
    _there: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: int = 0
    _loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> str:
        """Listen; the address as `apps.connections.open` gives it."""
        application = web.Application()
        application.router.add_get("/link", self._connected)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self._loop = asyncio.get_running_loop()
        self.url = f"ws://{HOST}:{port}/link?ticket=sandbox&app_id={APP_ID}"
        return self.url

    async def close(self) -> None:
        """Cut the connection, and listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def cut(self) -> None:
        """Cut the connection; the app connects anew."""
        self._there.clear()
        if self._app is not None:
            await self._app.close()

    def send(self, sent: Sent) -> Future[Any]:
        """Send what somebody did, from any thread, as soon as an app is connected."""
        assert self._loop is not None, "opened"
        return asyncio.run_coroutine_threadsafe(self._send(sent), self._loop)

    async def _send(self, sent: Sent) -> None:
        await self._there.wait()
        assert self._app is not None
        self._numbers += 1
        envelope = {
            "envelope_id": f"envelope-{self._numbers}",
            "type": sent.kind,
            "payload": sent.payload,
            "accepts_response_payload": sent.kind != "events_api",
        }
        await self._app.send_str(json.dumps(envelope))

    async def _connected(self, request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        self._app = answer
        await answer.send_str(
            json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": APP_ID}})
        )
        self._there.set()
        async for message in answer:
            if message.type == WSMsgType.TEXT and message.data.startswith("{"):
                self.acknowledged.append(json.loads(message.data))
        return answer

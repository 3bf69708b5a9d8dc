"""Talking with the Slack app as Slack does: signed requests over ASGI, answers in the sandbox's workspace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from customer_research.research.usecases import Runner, SlackDesk, finished
from customer_research.settings import Settings
from customer_research.surfaces.slack.app import PATH, SlackApp, slack_app
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.slack_acts import Acts, Sent
from customer_research_sandbox.servers.slack_blocks import texts
from customer_research_sandbox.servers.slack_space import Private, Workspace

T = TypeVar("T")

TEUN, IDA, WANDA = "U0MEMBER3", "U0MEMBER0", "U0MEMBER4"
CHANNEL = "C0SUCCESS"


@dataclass
class Talk:
    """A running app, and those who act in its workspace."""

    app: SlackApp
    acts: Acts
    space: Workspace

    async def send(self, sent: Sent, headers: Mapping[str, str] | None = None) -> tuple[int, str, float]:
        """Status, body and seconds of the acknowledgement."""
        began = time.perf_counter()
        status, body = await asked(self.app, sent.body, {**sent.headers, **(headers or {})})
        return status, body, time.perf_counter() - began

    async def done(self, sent: Sent) -> list[Private]:
        """What was told privately, once the request is worked on."""
        before = len(self.space.private)
        status, _body, _seconds = await self.send(sent)
        assert status == 200
        await self.idle()
        return self.space.private[before:]

    async def opened(self, sent: Sent) -> dict[str, Any]:
        """The modal that a press or a shortcut opens; the app opens it behind its acknowledgement."""
        before = len(self.space.modals)
        await self.done(sent)
        async with asyncio.timeout(10):
            while len(self.space.modals) == before:  # noqa: ASYNC110 - another thread's list
                await asyncio.sleep(0.01)
        return self.space.modals[-1]

    async def idle(self) -> None:
        """Wait until what was sent is worked on; events are acknowledged before the app hears of them."""
        for _ in range(20):
            await asyncio.sleep(0)
        await self.app.idle()

    async def typed(self, text: str, user: str = TEUN, channel: str = CHANNEL) -> dict[str, Any]:
        """The one answer to `/customer`."""
        (answer,) = await self.done(self.acts.command(user, text, channel))
        assert (answer.user, answer.channel) == (user, channel)
        return answer.message


async def asked(app: SlackApp, body: bytes, headers: Mapping[str, str], method: str = "POST") -> tuple[int, str]:
    """One request over ASGI."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": PATH,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        told.append(message)

    await app.over_http(scope, receive, send)
    return told[0]["status"], told[1]["body"].decode()


def talk(settings: Settings, sandbox: Sandbox, work: Callable[[Talk], Awaitable[T]]) -> T:
    """A piece of work with an app of one's own; its uses are noted in the store."""

    async def session() -> T:
        desk = SlackDesk(settings)
        async with Runner(settings, audit=desk.note) as runner, slack_app(settings, runner, desk) as app:
            acts = Acts(sandbox.slack, sandbox.addresses["slack"].removesuffix("/api/"))
            found = await work(Talk(app, acts, sandbox.slack))
        desk.close()
        return found

    return finished(session())


def shown(message: Mapping[str, Any]) -> str:
    """Everything that a message says."""
    return "\n".join((str(message.get("text", "")), *texts(message.get("blocks", []))))


def pressable(message: Mapping[str, Any]) -> dict[str, Any]:
    """What can be pressed, by what it says."""
    found = {}
    for block in message.get("blocks", []):
        if block["type"] == "actions":
            for element in block["elements"]:
                said = element.get("text") or element["placeholder"]
                found[said["text"]] = {**element, "block_id": block.get("block_id", "b")}
    return found

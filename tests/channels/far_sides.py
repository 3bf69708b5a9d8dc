"""The far side of each channel: a server or a folder that counts what has arrived, and the channel that sends there."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx2
from pydantic import SecretStr
from standardwebhooks import Webhook

from customer_research.channels.channel import Channel, Outgoing
from customer_research.channels.email_ import EmailChannel
from customer_research.channels.file import FileChannel
from customer_research.channels.notion import NotionChannel
from customer_research.channels.settings import EmailSettings, WebhookPlace, WebhookSettings
from customer_research.channels.slack import SlackApi, SlackChannel
from customer_research.channels.webhook import WebhookChannel
from customer_research.domain.delivery import Address, Message
from customer_research.settings import Settings
from customer_research.sources.notion.pages import KEY, PROPERTIES, NotionPages
from customer_research.sources.notion.settings import NotionSettings
from customer_research_sandbox.dataset import NotionRecords
from customer_research_sandbox.servers import notion, slack
from customer_research_sandbox.servers.faults import Controls, Fault
from customer_research_sandbox.servers.mail import Mailbox
from customer_research_sandbox.servers.mail_server import MailListener
from customer_research_sandbox.servers.notion_pages import REPORTS_DATA_SOURCE
from customer_research_sandbox.servers.port import HOST

NOW = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SENDER = "Customer research <research@example.com>"


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **how: float) -> None:
        self.now += timedelta(**how)


def message(address: Address, occasion: str = "2026-W44", **changes: Any) -> Message:
    """A message with what every channel takes of it."""
    content = {
        "text": "Two operators at risk",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Two* operators at risk"}}],
        "html": "<p>Two operators at risk</p>",
        "markdown": ["Two operators at risk"],
        "payload": {"type": "customer_research.digest", "data": {"at_risk": 2}},
    }
    values = {"kind": "digest", "subject": "team", "occasion": occasion, "address": address, "title": "The week"}
    return Message(**{**values, "content": content, **changes})


def outgoing(made: Message, **changes: Any) -> Outgoing:
    return Outgoing(made, NOW, **changes)


def through(channel: Channel, work: Callable[[Any], Any]) -> Any:
    """What comes of work with a channel, which is closed after it."""

    async def session() -> Any:
        try:
            return await work(channel)
        finally:
            await channel.close()

    return asyncio.run(session())


def run(side: FarSide, work: Callable[[Any], Any]) -> Any:
    """As `through`, with a new channel to a far side."""
    return through(side.channel(), work)


def sent(side: FarSide, leaving: Outgoing) -> str:
    """Send over a new channel: what the message is called over there."""
    return str(run(side, lambda channel: channel.send(leaving)))


class FarSide(Protocol):
    """Where messages of one channel arrive."""

    address: Address
    begun_again_is_unknown: bool
    """Whether a message that may have been sent cannot be looked up."""

    def channel(self) -> Channel:
        """A channel that sends there, of a process of its own."""

    def arrived(self, made: Message) -> int:
        """How often a reader has that message."""

    def end(self) -> None:
        """Stop."""


def plain_settings(**tables: Any) -> Settings:
    """Settings without a file."""
    return Settings(**tables)


class Line(httpx2.AsyncBaseTransport):
    """The line to a server without a port: it may be down, or cut before the answer comes through."""

    def __init__(self, app: Any, path: str = "") -> None:
        self._inner = httpx2.ASGITransport(app)
        self._path = path
        self.state = ""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.state == "down":
            raise httpx2.ConnectError("refused", request=request)
        answer = await self._inner.handle_async_request(request)
        if self.state == "cut" and self._path in request.url.path:
            raise httpx2.ReadError("reset", request=request)
        return answer


class SlackSide:
    """A workspace of the sandbox, without a port."""

    address = Address("slack", "C0SUCCESS")
    begun_again_is_unknown = False

    def __init__(self, clock: Clock) -> None:
        self.controls = Controls(rate_limits=False)
        self.server = slack.SlackServer([], NOW, self.controls, time.monotonic)
        self.space = self.server.space
        self.space.now = lambda: clock.now.timestamp()  # noqa: PLW0108 - the clock moves
        self._clock = clock
        self.line = Line(self.server.app(), "chat.")

    def channel(self) -> SlackChannel:
        api = SlackApi(url="http://slack.test/api/", token=SecretStr(slack.TOKEN), requests_per_second=1000.0)
        return SlackChannel(api, plain_settings(), self._clock, transport=self.line)

    def fault(self, kind: str = "") -> None:
        self.controls.faults.replace([Fault("slack", kind)] if kind else [])

    def arrived(self, made: Message) -> int:
        keys = [(one.get("metadata") or {}).get("event_payload", {}).get("key") for one in self.space.posted()]
        return keys.count(made.key)

    def end(self) -> None:
        """Nothing runs."""


class NotionSide:
    """A workspace of the sandbox, without a port."""

    address = Address("notion", REPORTS_DATA_SOURCE)
    begun_again_is_unknown = False

    def __init__(self, clock: Clock, records: NotionRecords) -> None:
        self.controls = Controls(rate_limits=False)
        self.server = notion.NotionServer(records, NOW, self.controls, time.monotonic)
        self._clock = clock
        self.line = Line(self.server.app(), "/pages")
        pages = self.pages()
        asyncio.run(pages.add_properties(list(PROPERTIES), pages.log()))

    def pages(self) -> NotionPages:
        given = {
            "url": "http://notion.test/v1",
            "token": notion.TOKEN,
            "reports_data_source": REPORTS_DATA_SOURCE,
            "requests_per_second": 1000.0,
        }
        own = NotionSettings.model_validate(given)
        return NotionPages(plain_settings(notion=own), self._clock, transport=self.line)

    def channel(self) -> NotionChannel:
        return NotionChannel(self.pages(), KEY, _no_wait)

    def fault(self, kind: str = "") -> None:
        self.controls.faults.replace([Fault("notion", kind)] if kind else [])

    def arrived(self, made: Message) -> int:
        pages = self.pages()
        return len(asyncio.run(pages.find(made.key, pages.log())))

    def content(self, page: str) -> str:
        pages = self.pages()
        return asyncio.run(pages.content(page, pages.log()))

    def end(self) -> None:
        """Nothing runs."""


async def _no_wait(_seconds: float) -> None:
    return None


class MailSide:
    """The sandbox's mail server on a port, in a loop of its own."""

    address = Address("email", "ada@example.com")
    begun_again_is_unknown = True

    def __init__(self, clock: Clock, **how: Any) -> None:
        del clock
        self.controls = Controls(slow_seconds=2.0)
        self.mailbox = Mailbox()
        self._loop = asyncio.new_event_loop()
        self._listener = MailListener(self.mailbox, self.controls, **how)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listener.open(), self._loop).result(10)

    def settings(self, **changes: Any) -> EmailSettings:
        values = {"host": HOST, "port": self._listener.port, "security": "none", "sender": SENDER, "seconds": 5}
        return EmailSettings.model_validate({**values, **changes})

    def channel(self, **changes: Any) -> EmailChannel:
        return EmailChannel(self.settings(**changes))

    def fault(self, kind: str = "") -> None:
        self.controls.faults.replace([Fault("email", kind)] if kind else [])

    def arrived(self, made: Message) -> int:
        ids = [one.message["Message-ID"] for one in self.mailbox.messages]
        return ids.count(f"<{made.key}@example.com>")

    def end(self) -> None:
        async def stop() -> None:
            self._listener.end()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@dataclass(frozen=True)
class Told:
    """A request that a program got."""

    headers: Mapping[str, str]
    body: bytes


class WebhookSide:
    """A program that checks signatures with the published library, and knows by its id what comes twice."""

    address = Address("webhook", "crm")
    begun_again_is_unknown = False

    def __init__(self, clock: Clock) -> None:
        del clock
        self.told: list[Told] = []
        self.answers: list[httpx2.Response | Exception] = []
        self.settings = WebhookSettings(
            places={"crm": WebhookPlace(url=SecretStr("https://crm.example.com/in?k=1"), secret=SecretStr(SECRET))}
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.answers.pop(0) if self.answers else httpx2.Response(204)
        if isinstance(answer, Exception):
            raise answer
        self.told.append(Told(dict(request.headers), request.content))
        return answer

    def channel(self) -> WebhookChannel:
        return WebhookChannel(self.settings, lambda: datetime.now(UTC), httpx2.MockTransport(self._answer))

    def verified(self) -> list[Any]:
        """What was told, each once."""
        found = {one.headers["webhook-id"]: one for one in self.told}
        return [Webhook(SECRET).verify(one.body, dict(one.headers)) for one in found.values()]

    def arrived(self, made: Message) -> int:
        return len({one.headers["webhook-id"] for one in self.told} & {made.key})

    def end(self) -> None:
        """Nothing runs."""


class FileSide:
    """A folder."""

    begun_again_is_unknown = False

    def __init__(self, clock: Clock, folder: Path) -> None:
        del clock
        self.folder = folder
        self.address = Address("file", "digests/{}.md")

    def channel(self) -> FileChannel:
        return FileChannel(self.folder)

    def arrived(self, made: Message) -> int:
        return sum(
            1 for path in self.folder.rglob("*") if path.is_file() and path.name == Path(made.address.place).name
        )

    def end(self) -> None:
        """Nothing runs."""


Sides = Mapping[str, Callable[[], FarSide]]
NAMES: Collection[str] = ("slack", "email", "notion", "webhook", "file")


def far_side(name: str, clock: Clock, folder: Path, records: Callable[[], NotionRecords]) -> Any:
    """A far side of a channel."""
    makers: Mapping[str, Callable[[], Any]] = {
        "slack": lambda: SlackSide(clock),
        "email": lambda: MailSide(clock),
        "notion": lambda: NotionSide(clock, records()),
        "webhook": lambda: WebhookSide(clock),
        "file": lambda: FileSide(clock, folder),
    }
    return makers[name]()


def decoded(body: bytes) -> Any:
    return json.loads(body)

"""The server as an ASGI application: health, readiness and metrics, with the servers for agents, Slack and browsers that were chosen behind.

What works by itself (`Background`) begins and ends with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_research.errors import CustomerResearchError
from customer_research.research.usecases import BY_ITSELF, Background
from customer_research.settings import Settings
from customer_research.surfaces.serve.command import Part
from customer_research.surfaces.serve.metrics import CONTENT_TYPE, Figures

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
"""How long the store may take to answer whether it is there."""


@dataclass(slots=True)
class Serving:
    """What one process serves.

    Args:
        settings: the settings tree.
        config: the file that they come from.
        parts: which parts.
        url: the address of the server for agents, as clients write it.
        origin: the address of the pages, as browsers know it, without a path.
        key: signs its cursors.
        hosts: names that requests to it may name beside those of the settings.
        stop_seconds: how long what is under way may go on at the end.
        ended: called with what a part ended by, where it was not told to.
        fault: why it could not begin, in a sentence of ours.
    """

    settings: Settings
    config: Path | None
    parts: tuple[Part, ...]
    url: str
    key: bytes
    hosts: tuple[str, ...] = ()
    stop_seconds: float = 30.0
    origin: str = ""
    ended: Callable[[BaseException], None] = lambda _error: None
    fault: CustomerResearchError | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)


def application(serving: Serving) -> Starlette:
    """The application; it is served by one process, once."""
    figures = Figures()
    background = Background(
        serving.settings,
        serving.config,
        parts=[part for part in BY_ITSELF if part in serving.parts],
        heard=figures.used,
        ended=figures.ran,
        stop_seconds=serving.stop_seconds,
    )
    figures.watch(background)
    behind: dict[str, ASGIApp] = {}

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(background)
                for part, open_ in _SERVERS.items():
                    if part in serving.parts:
                        behind.update(await stack.enter_async_context(open_(serving, figures)))
            except CustomerResearchError as error:
                serving.fault = error
                raise
            work = asyncio.create_task(background.run(serving.stop))
            work.add_done_callback(lambda done: _told(serving, done))
            try:
                yield
            finally:
                serving.stop.set()
                await asyncio.wait((work,))

    async def health(_request: Request) -> Response:
        return _state(background.unwell(), "ok", "unwell")

    async def ready(_request: Request) -> Response:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                unready = await asyncio.to_thread(background.unready)
        except TimeoutError:
            unready = ("store",)
        return _state(unready, "ready", "unready")

    async def metrics(_request: Request) -> Response:
        return Response(await asyncio.to_thread(figures.written), media_type=CONTENT_TYPE)

    async def server_behind(scope: Scope, receive: Receive, send: Send) -> None:
        """The server whose paths begin so; the longest beginning first."""
        beginnings = sorted(behind, key=len, reverse=True) if scope["type"] == "http" else ()
        found = next((behind[one] for one in beginnings if scope["path"].startswith(one)), _nothing)
        await found(scope, receive, send)

    watched = (("/healthz", health), ("/readyz", ready), ("/metrics", metrics))
    made = Starlette(routes=[Route(path, answer) for path, answer in watched], lifespan=lifespan)
    made.router.default = server_behind
    return made


def _state(because: tuple[str, ...], good: str, bad: str) -> Response:
    return JSONResponse({"status": bad if because else good, "because": list(because)}, 503 if because else 200)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await JSONResponse({"status": "nothing is here"}, 404)(scope, receive, send)


def _told(serving: Serving, done: asyncio.Task[None]) -> None:
    """A part that ends by a fault of ours ends the process: what watches it starts another."""
    if not done.cancelled() and (error := done.exception()) is not None:
        logger.error("A part of the server ended by a fault", exc_info=error)
        serving.ended(error)


# -- servers behind ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _mcp(serving: Serving, figures: Figures) -> AsyncIterator[Mapping[str, ASGIApp]]:
    from customer_research.surfaces.mcp.http import application as agents  # noqa: PLC0415 - an extra

    made = agents(serving.settings, serving.config, serving.url, serving.key, serving.hosts, heard=figures.used)
    async with made.router.lifespan_context(made):
        yield {"/mcp": made, "/.well-known/": made}


@asynccontextmanager
async def _web(serving: Serving, figures: Figures) -> AsyncIterator[Mapping[str, ASGIApp]]:
    """The pages, whatever has no other place; nobody is let in by a printed address."""
    from customer_research.surfaces.web.application import application as pages  # noqa: PLC0415 - start-up time

    made = pages(serving.settings, serving.config, serving.origin, heard=figures.used)
    async with made.router.lifespan_context(made):
        yield {"/": made}


@asynccontextmanager
async def _slack(serving: Serving, figures: Figures) -> AsyncIterator[Mapping[str, ASGIApp]]:
    """Over HTTP where the settings have the signing secret, else over socket mode."""
    from customer_research.surfaces.slack.serving import app_alone, socket_mode  # noqa: PLC0415 - an extra

    settings = serving.settings
    async with app_alone(settings, serving.config, heard=figures.used) as app:
        if settings.slack.signing_secret is not None:
            over_http: Any = app.over_http  # bolt spells out ASGI in its own way
            yield {"/slack/": over_http}
            return
        async with socket_mode(app, settings):
            yield {}


_SERVERS: Mapping[Part, Callable[[Serving, Figures], AbstractAsyncContextManager[Mapping[str, ASGIApp]]]] = {
    "mcp": _mcp,
    "slack": _slack,
    "web": _web,
}
"""The servers behind: each opens its application, by the beginning of its paths."""

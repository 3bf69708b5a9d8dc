"""The app served by itself: over HTTP, for Slack to reach, or over socket mode, where it reaches Slack."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from customer_research.errors import ConfigError
from customer_research.research.usecases import Runner, SlackDesk, Use
from customer_research.settings import Settings, load_settings
from customer_research.surfaces.logs import redact
from customer_research.surfaces.slack.app import LATE_SECONDS, SlackApp, slack_app


@asynccontextmanager
async def app_alone(
    settings: Settings, config: Path | None = None, *, heard: Callable[[Use], None] = lambda _use: None
) -> AsyncIterator[SlackApp]:
    """The app with a runner of its own, whose uses are noted in the store; `heard` hears of each then.

    Raises:
        ConfigError: the token is missing, or Slack does not know it.
        StoreError: the store cannot be opened.
    """
    desk = SlackDesk(settings, heard)
    try:
        async with (
            Runner(settings, config=config, audit=desk.note) as runner,
            slack_app(settings, runner, desk) as app,
        ):
            yield app
    finally:
        desk.close()


@asynccontextmanager
async def socket_mode(app: SlackApp, settings: Settings) -> AsyncIterator[None]:
    """The app's connection with Slack, which is opened anew when it breaks.

    Raises:
        ConfigError: the app-level token is missing.
        SlackApiError: Slack does not take it.
    """
    token = settings.slack.app_token
    if token is None:
        raise ConfigError.missing("slack.app_token", "Make an app-level token with the scope connections:write.")
    secret = token.get_secret_value()
    handler = AsyncSocketModeHandler(app.bolt, secret, web_client=AsyncWebClient(secret, base_url=settings.slack.url))
    try:
        await handler.connect_async()  # type: ignore[no-untyped-call]
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


def serve(config: Path | None, *, host: str, port: int, socket: bool) -> None:
    """Serve until the process is told to end.

    Raises:
        ConfigError: a setting is missing, or Slack does not take a token.
        StoreError: the store cannot be opened.
    """
    redact()
    settings = load_settings(config)
    asyncio.run(_over_socket(settings, config) if socket else _over_http(settings, config, host, port))


async def _over_socket(settings: Settings, config: Path | None) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(RuntimeError):  # an event loop that has no signals, as on Windows
            loop.add_signal_handler(number, ended.set)
    async with app_alone(settings, config) as app, socket_mode(app, settings):
        await ended.wait()


async def _over_http(settings: Settings, config: Path | None, host: str, port: int) -> None:
    async with app_alone(settings, config) as app:
        served = uvicorn.Config(
            app.over_http,
            host=host,
            port=port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(LATE_SECONDS),
        )
        await uvicorn.Server(served).serve()

"""One process that serves: its log, its signals, its end."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_research.settings import load_settings
from customer_research.surfaces.logs import log_lines
from customer_research.surfaces.serve.application import Serving, application
from customer_research.surfaces.serve.command import Part

DRAWN_SECONDS = 5
"""Beyond the time that runs have at the end, so long may calls under way go on."""


class Server(uvicorn.Server):
    """A server that tells what works by itself of a signal at once, and not when the last connection is closed."""

    def __init__(self, config: uvicorn.Config, serving: Serving) -> None:
        super().__init__(config)
        self._serving = serving
        self.failed = False
        serving.ended = self._ended

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self._serving.stop.set()
        super().handle_exit(sig, frame)

    def _ended(self, _error: BaseException) -> None:
        self.failed = True
        self.should_exit = True


def untold(made: ASGIApp) -> ASGIApp:
    """An application whose fault at its beginning or end is not told in full: its text may hold what no log should."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            failed = message["type"] in {"lifespan.startup.failed", "lifespan.shutdown.failed"}
            await send({"type": message["type"], "message": ""} if failed else message)

        await made(scope, receive, sent if scope["type"] == "lifespan" else send)

    return answered


async def served(
    config: Path | None,
    parts: tuple[Part, ...],
    *,
    host: str,
    port: int,
    stop_seconds: float,
    as_json: bool,
    key: bytes,
) -> int:
    """Serve until the process is told to end; the exit code: 1 where it could not listen, or a part ended by a fault of ours.

    Raises:
        UsageError: the address is for others, too, and nobody could be let in.
        ConfigError, StoreError: the settings or the store cannot be used.
    """
    log_lines(as_json=as_json)
    settings = load_settings(config)
    url = settings.serve.url
    hosts: tuple[str, ...] = ()
    if "mcp" in parts:
        from customer_research.surfaces.mcp.http import PATH, require_a_way_in, written_host  # noqa: PLC0415 - an extra

        url = url or f"http://{written_host(host)}:{port}{PATH}"
        require_a_way_in(settings, url, host)
        hosts = (written_host(host),)
    origin = ""
    if "web" in parts:
        from customer_research.surfaces.web.serving import origin_of  # noqa: PLC0415 - start-up time

        origin = origin_of(settings, host, port)
    serving = Serving(settings, config, parts, url, key, hosts, stop_seconds, origin)
    made = uvicorn.Config(
        untold(application(serving)),
        host=host,
        port=port,
        proxy_headers=False,  # the header by which a proxy names somebody counts of the peers that the settings list
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(stop_seconds) + DRAWN_SECONDS,
    )
    server = Server(made, serving)
    with suppress(SystemExit):  # it could not begin, and has logged why
        await server.serve()
    if serving.fault is not None:
        raise serving.fault
    return 1 if server.failed or not server.started else 0

"""One process that serves the pages: where it may listen, what it prints, how it ends."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import uvicorn

from customer_research.domain.parsing import is_this_machine
from customer_research.errors import ConfigError
from customer_research.settings import Settings, load_settings
from customer_research.surfaces.logs import redact
from customer_research.surfaces.web.application import application

STOP_SECONDS = 10


def served(config: Path | None, *, host: str, port: int, who: str, opens: bool) -> int:
    """Serve until the process is told to end; the exit code.

    Raises:
        ConfigError: others can reach the address, and it is not known by which one browsers come.
        StoreError: the store cannot be used.
    """
    redact()
    settings = load_settings(config)
    origin = origin_of(settings, host, port)
    keys: list[str] = []
    own = who if is_this_machine(host) and not settings.web.url else ""
    app = application(settings, config, origin, own=own, told=keys.append)
    address = f"{origin}/sign-in?key={keys[0]}" if own else origin
    sys.stdout.write(f"The pages are at {address}\n")
    sys.stdout.flush()
    if opens:
        webbrowser.open(address)
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return 0


def origin_of(settings: Settings, host: str, port: int) -> str:
    """The address as browsers know it.

    Raises:
        ConfigError: others can reach it, and the settings do not say.
    """
    if settings.web.url:
        return settings.web.url
    if not is_this_machine(host):
        raise ConfigError(
            f"{host} can be reached from other machines, and by which address browsers come is not set.",
            setting="web.url",
            hint="Set web.url to the https address of the proxy before it.",
        )
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

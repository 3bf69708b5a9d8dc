"""One process that serves the pages: where it may listen, what it prints, how it ends."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from customer_research.domain.parsing import is_this_machine
from customer_research.errors import ConfigError
from customer_research.settings import Settings, load_settings
from customer_research.surfaces.logs import redact
from customer_research.surfaces.web.application import application

STOP_SECONDS = 10


def served(config: Path | None, *, host: str, port: int, who: str, opens: bool, at: Path | None = None) -> int:
    """Serve until the process is told to end; the exit code.

    Args:
        config: the settings file.
        host: the address that it listens on.
        port: the port.
        who: the user of this machine.
        opens: open the pages in their browser.
        at: a Unix socket in place of host and port.

    Raises:
        ConfigError: others can reach the address, and it is not known by which one browsers come; or a setting is wrong.
        StoreError: the store cannot be used.
    """
    redact()
    settings = load_settings(config)
    origin = origin_of(settings, "unix" if at else host, port)
    keys: list[str] = []
    own = who if not at and is_this_machine(host) and not settings.web.url else ""
    app = application(settings, config, origin, own=own, told=keys.append)
    address = f"{origin}/sign-in?key={keys[0]}" if own else origin
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(listening(at))] if at else None
        sys.stdout.write(f"The pages are at {address}\n")
        sys.stdout.flush()
        if opens:
            webbrowser.open(address)
        uvicorn.Server(server_of(app, host, port)).run(sockets)
    return 0


def server_of(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """How the pages are served.

    A proxy's word for who is connected is not taken: the header that names somebody counts of some peers alone.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


@contextlib.contextmanager
def listening(at: Path) -> Iterator[socket.socket]:
    """A Unix socket for the owner and the group of its folder's files: whoever may write to it is believed, if the settings say so.

    Raises:
        ConfigError: it cannot be made.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o117)
    try:
        if at.is_socket():
            at.unlink()  # of a process that ended; another that still serves is no longer found by it
        made.bind(str(at))
    except OSError as error:
        made.close()
        raise ConfigError(f"The socket {at} cannot be made: {error.strerror}.", hint="Give another place.") from None
    finally:
        os.umask(before)
    try:
        yield made
    finally:
        made.close()
        at.unlink(missing_ok=True)


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

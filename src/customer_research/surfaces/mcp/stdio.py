"""The server on standard input and output: every line of the output is a message of the protocol, whatever is printed meanwhile."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from pathlib import Path


def claimed() -> tuple[int, int]:
    """Take descriptors 0 and 1 for the protocol alone: what prints goes to standard error, what reads finds nothing.

    It comes before anything is imported that could print.
    """
    sys.stdout.flush()
    wire_in, wire_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return wire_in, wire_out


def serve(config: Path | None, actor: str) -> None:
    """Serve one client until it closes its end.

    Args:
        config: the settings file, where one is named.
        actor: who asks: the user of the operating system.
    """
    wire_in, wire_out = claimed()
    from customer_research.surfaces.logs import redact  # noqa: PLC0415 - behind the descriptors

    redact()
    asyncio.run(_served(wire_in, wire_out, config, actor))


async def _served(wire_in: int, wire_out: int, config: Path | None, actor: str) -> None:
    import anyio  # noqa: PLC0415 - behind the descriptors
    from mcp.server.stdio import stdio_server  # noqa: PLC0415

    from customer_research.research.usecases import Actor, Runner, audited  # noqa: PLC0415
    from customer_research.settings import load_settings  # noqa: PLC0415
    from customer_research.surfaces.mcp.server import server  # noqa: PLC0415

    who = Actor(actor, "stdio")
    read = io.TextIOWrapper(os.fdopen(wire_in, "rb"), encoding="utf-8", errors="replace")
    write = io.TextIOWrapper(os.fdopen(wire_out, "wb"), encoding="utf-8")
    settings = load_settings(config)
    with audited(settings) as audit:
        async with Runner(settings, config=config, audit=audit) as runner:
            made = server(runner, lambda: who)
            async with stdio_server(anyio.wrap_file(read), anyio.wrap_file(write)) as (incoming, outgoing):
                await made.run(incoming, outgoing, made.create_initialization_options())

"""`customer-research serve`: schedules, deliveries, the server for agents and the Slack app in one process, or some of them."""

from __future__ import annotations

import asyncio
import secrets
from importlib.util import find_spec
from typing import Literal, get_args

import click

from customer_research.errors import ExtraMissing

Part = Literal["scheduler", "outbox", "mcp", "slack", "web"]
PARTS: tuple[Part, ...] = get_args(Part)

_NEEDS = {
    "scheduler": (
        ("cronsim", "prometheus_client"),
        "Serving schedules needs cronsim and prometheus-client",
        "delivery",
    ),
    "outbox": (("prometheus_client",), "Serving deliveries needs prometheus-client", "delivery"),
    "mcp": (("mcp",), "Serving agents needs the MCP SDK", "mcp"),
    "slack": (("slack_bolt", "aiohttp"), "The Slack app needs slack-bolt", "slack"),
    "web": ((), "", ""),
}
"""Part → the packages that it needs, what is said where one is missing, the extra that brings them."""


@click.command()
@click.option(
    "--only",
    type=click.Choice(PARTS),
    multiple=True,
    help="Only this part (may be given several times); default: all, slack where the settings have its token, web where they have its address.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8808, show_default=True, help="The port to listen on.")
@click.option(
    "--stop-seconds",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    help="How long what is under way may go on when the process is told to end.",
)
@click.option(
    "--log", type=click.Choice(("json", "text")), default="json", show_default=True, help="How it writes its log."
)
@click.pass_context
def serve(context: click.Context, *, only: tuple[str, ...], host: str, port: int, stop_seconds: float, log: str) -> int:
    """Do what is scheduled, deliver what is to be sent, and answer agents, Slack and browsers, until the process is told to end.

    Any number of such processes may share one store: each planned time is used once, each message sent once, and any of them answers
    any call. At /healthz, /readyz and /metrics it tells how it stands, to whoever asks: let a proxy hand on
    /mcp and /slack alone.

    Told to end (SIGTERM, Ctrl-C), it begins nothing more; a run that is not done in time is given to another process. The log is on
    standard error, without personal data.
    """
    from customer_research.settings import load_settings  # noqa: PLC0415 - start-up time

    config = context.find_root().obj
    parts = tuple(part for part in PARTS if part in only)
    if not parts:
        settings = load_settings(config)
        set_up = {"slack": settings.slack.token is not None, "web": bool(settings.web.url)}
        parts = tuple(part for part in PARTS if set_up.get(part, True))
    for part in ("scheduler", *parts):
        packages, needs, extra = _NEEDS[part]
        if any(find_spec(package) is None for package in packages):
            raise ExtraMissing(needs, extra)
    from customer_research.surfaces.serve.serving import served  # noqa: PLC0415 - start-up time

    return asyncio.run(
        served(
            config,
            parts,
            host=host,
            port=port,
            stop_seconds=stop_seconds,
            as_json=log == "json",
            key=secrets.token_bytes(32),
        )
    )

"""`customer-research mcp …`: serve agents, and tell their clients of the server."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from customer_research.errors import ExtraMissing
from customer_research.surfaces.mcp.clients import CLIENTS


@click.group()
def mcp() -> None:
    """Serve agents by the Model Context Protocol: nine tools that read, with small, cited answers."""


@mcp.command()
@click.option("--http", is_flag=True, help="Serve many over HTTP; each call needs a token (`tokens create`).")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8808, show_default=True, help="The port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer.")
@click.pass_context
def serve(context: click.Context, http: bool, host: str, port: int, workers: int) -> None:  # noqa: FBT001 - click's flag
    """Serve one client on standard input and output; clients start this themselves (`mcp install`). With --http, serve many.

    Without --http every line of the output is a message of the protocol, and whoever started it is who asks. Over HTTP a call needs
    an API token, or an access token of the identity provider that the settings name; there are no sessions, so that any worker
    answers any call. Standard error has what went wrong, without personal data. Each call is noted (`audit list`).
    """
    if find_spec("mcp") is None:
        raise ExtraMissing("Serving agents needs the MCP SDK", "mcp")
    if http:
        from customer_research.surfaces.mcp.http import serve as over_http  # noqa: PLC0415 - start-up time

        over_http(context.find_root().obj, host=host, port=port, workers=workers)
        return
    from customer_research.surfaces.cli.commands import login  # noqa: PLC0415 - start-up time
    from customer_research.surfaces.mcp.stdio import serve as on_stdio  # noqa: PLC0415

    on_stdio(context.find_root().obj, login())


@mcp.command()
@click.option("--client", type=click.Choice(tuple(CLIENTS)), required=True, help="Whose settings are written.")
@click.option("--project", is_flag=True, help="For this folder alone, where the client has such settings.")
@click.option("--dry-run", is_flag=True, help="Only show what would be written.")
@click.pass_context
def install(context: click.Context, client: str, project: bool, dry_run: bool) -> None:  # noqa: FBT001 - click's flags
    """Tell a client of the server: adds it to the client's settings, beside what is there, and keeps a copy of the file.

    --config FILE before `mcp` is handed on to the server.
    """
    from customer_research.surfaces.mcp.clients import installed  # noqa: PLC0415 - start-up time

    config: Path | None = context.find_root().obj
    for line in installed(client, config, project=project, dry=dry_run):
        click.echo(line)

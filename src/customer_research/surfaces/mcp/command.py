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
@click.pass_context
def serve(context: click.Context) -> None:
    """Serve one client on standard input and output; clients start this themselves (`mcp install`).

    Every line of the output is a message of the protocol. Standard error has what went wrong, without personal data. Whoever
    started it is who asks.
    """
    if find_spec("mcp") is None:
        raise ExtraMissing("Serving agents needs the MCP SDK", "mcp")
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

"""`customer-research web serve`: the pages in a browser."""

from __future__ import annotations

import click


@click.group()
def web() -> None:
    """The web pages: today, operators, alerts, every report and why each figure is as it is."""


@web.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8810, show_default=True, help="The port to listen on.")
@click.option("--open", "opens", is_flag=True, help="Open the pages in your browser.")
@click.pass_context
def serve(context: click.Context, host: str, port: int, opens: bool) -> int:  # noqa: FBT001 - click's flag
    """Serve the pages until the process is told to end.

    On this machine the address that is printed lets you in, once, and you may do there what you may do here. Others sign in
    with an API token (`tokens create`), and see what it grants. An address that other machines can reach needs the setting
    web.url, which begins with https: let a proxy that has the certificate hand requests on. Every use is noted (`audit list`).
    """
    from customer_research.surfaces.cli.commands import login  # noqa: PLC0415 - start-up time
    from customer_research.surfaces.web.serving import served  # noqa: PLC0415

    return served(context.find_root().obj, host=host, port=port, who=login(), opens=opens)

"""`customer-research web serve`: the pages in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from customer_research.errors import UsageError


@click.group()
def web() -> None:
    """The web pages: today, operators, alerts, every report and why each figure is as it is."""


@web.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8810, show_default=True, help="The port to listen on.")
@click.option(
    "--socket", "at", type=click.Path(path_type=Path), help="A Unix socket to listen on, in place of address and port."
)
@click.option("--open", "opens", is_flag=True, help="Open the pages in your browser.")
@click.option("--demo", is_flag=True, help="Of invented operators: starts the sandbox, and fills what the pages show.")
@click.pass_context
def serve(context: click.Context, *, host: str, port: int, at: Path | None, opens: bool, demo: bool) -> int:
    """Serve the pages until the process is told to end.

    On this machine the address that is printed lets you in, once, and you may do there what you may do here. Others sign in by
    your company's identity provider (web.client_id, oidc.issuer), as its reverse proxy says (web.user_header), or with an API token
    (`tokens create`); what they see, web.roles and the token say. An address that other machines can reach needs the setting
    web.url, which begins with https: let a proxy that has the certificate hand requests on. Every use is noted (`audit list`).

    --demo needs no settings: all vendors are invented, and end with this process.
    """
    from customer_research.surfaces.cli.commands import login  # noqa: PLC0415 - start-up time
    from customer_research.surfaces.web.serving import served  # noqa: PLC0415

    config = context.find_root().obj
    if not demo:
        return served(config, host=host, port=port, at=at, who=login(), opens=opens)
    if config is not None:
        raise UsageError("--demo and --config contradict each other.", hint="The demo has settings of its own.")
    from customer_research.surfaces import demo as invented  # noqa: PLC0415

    with invented.sandbox() as (settings, _slack):
        failed = invented.filled(settings)
        return failed or served(settings, host=host, port=port, at=at, who=login(), opens=opens)

"""`config show`: every setting, its value (secrets never) and where it comes from."""

from __future__ import annotations

import json

import click

from customer_research.surfaces.cli.hanging import hanging
from customer_research.surfaces.cli.session import settings_of


@click.group("config", help="Show settings and where each comes from.")
def config() -> None:
    """Settings commands."""


@config.command("show")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.pass_context
def show(ctx: click.Context, *, as_json: bool) -> int:
    """List every setting with its value and origin (default, file, environment)."""
    from customer_research.settings import describe  # noqa: PLC0415 - start-up time

    described = describe(settings_of(ctx), ctx.find_root().obj)
    if as_json:
        click.echo(json.dumps([{"name": d.name, "value": d.shown, "origin": d.origin} for d in described], indent=2))
    else:
        width = max(len(d.name) for d in described) + 2
        for setting in described:
            click.echo(hanging(f"{setting.name:<{width}}", f"{setting.shown:<44}  {setting.origin}"))
    return 0

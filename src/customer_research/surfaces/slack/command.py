"""`customer-research slack …`: serve the app, make its manifest, and say who may ask."""

from __future__ import annotations

import json
from importlib.util import find_spec

import click

from customer_research.errors import ExtraMissing
from customer_research.surfaces.cli.commands import command_of


def _require_bolt() -> None:
    if find_spec("slack_bolt") is None or find_spec("aiohttp") is None:
        raise ExtraMissing("The Slack app needs slack-bolt", "slack")


@click.command()
@click.option("--socket", is_flag=True, help="Over socket mode: nothing of yours has to be reachable from outside.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8809, show_default=True, help="The port to listen on.")
@click.pass_context
def serve(context: click.Context, socket: bool, host: str, port: int) -> None:  # noqa: FBT001 - click's flag
    """Serve the Slack app, over HTTP at the path /slack/events (for a proxy with https before it), or over socket mode.

    It answers members who were let in (`slack allow`), known by the e-mail address that Slack has confirmed; answers are theirs
    alone until they share them. Each use is noted (`audit list`). Standard error has what went wrong, without personal data.
    """
    _require_bolt()
    from customer_research.surfaces.slack.serving import serve as served  # noqa: PLC0415 - start-up time

    served(context.find_root().obj, host=host, port=port, socket=socket)


@click.command()
@click.option("--url", default="", metavar="ADDRESS", help="The server's https address; without: socket mode.")
@click.option(
    "--look-up",
    is_flag=True,
    help="With the scopes by which deliveries look for a message before they send it again.",
)
def manifest(url: str, look_up: bool) -> None:  # noqa: FBT001 - click's flag
    """Print the app's manifest (JSON) for api.slack.com/apps, with no more scopes than the app uses."""
    _require_bolt()
    if url and not url.startswith("https://"):
        raise click.BadParameter("Slack reaches https addresses alone.", param_hint="--url")
    from customer_research.surfaces.slack.manifest import manifest as made  # noqa: PLC0415 - start-up time

    click.echo(json.dumps(made(url, look_up=look_up), indent=2))


_group = command_of("slack")
assert isinstance(_group, click.Group)
slack = click.Group("slack", commands={"serve": serve, "manifest": manifest, **_group.commands}, help=_group.help)

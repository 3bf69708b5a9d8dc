"""Commands that list what the registries declare."""

from __future__ import annotations

import json

import click

from customer_research.errors import UsageError
from customer_research.surfaces.cli.hanging import hanging
from customer_research.surfaces.cli.session import settings_of


@click.command("metrics", help="List the metrics: name, unit, formula in words, tables, healthy range.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.argument("search", required=False, default="")
def metrics(search: str, *, as_json: bool) -> int:
    """List metrics whose name or label holds the word."""
    from customer_research.research import registry  # noqa: PLC0415 - start-up time

    found = [m for m in registry.metrics() if search.lower() in f"{m['name']} {m['label']}".lower()]
    if not found:
        raise UsageError(f"No metric's name or label holds {search[:60]!r}.", hint="Without a word all are listed.")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for metric in found:
            click.echo(hanging(f"{metric['name']:<34}{metric['unit']:<11}", metric["formula"]))
    return 0


@click.command("rules", help="List the rules of a scorecard (canonical, guide, billing_guide, or a TOML file).")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.option("--toml", "as_toml", is_flag=True, help="The scorecard's file, as a start for one's own.")
@click.argument("scorecard", default="canonical")
def rules(scorecard: str, *, as_json: bool, as_toml: bool) -> int:
    """List a scorecard's rules with points and conditions."""
    from customer_research.research import registry  # noqa: PLC0415 - start-up time

    if as_toml:
        click.echo(registry.scorecard_text(scorecard).rstrip("\n"))
        return 0
    found = registry.rules(scorecard)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for rule in found:
            unless = registry.not_counted(rule)
            when = f"{rule['when']} (not counted {unless})" if unless else rule["when"]
            click.echo(hanging(f"{rule['id']:<6}{rule['dimension']:<12}{rule['points']!s:>5}  ", when))
    return 0


PLAYBOOK_HELP = """\
List the plays of the playbook that the settings name (else the shipped one): what raises each, until when, who does what.

Reports take all their advice from it. --shipped prints the shipped declaration, to begin a file of your own with.
"""


@click.command("playbook", help=PLAYBOOK_HELP)
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.option("--shipped", is_flag=True, help="Print the shipped declaration (TOML).")
@click.pass_context
def playbook(ctx: click.Context, *, as_json: bool, shipped: bool) -> int:
    """List the plays."""
    from customer_research.research import registry  # noqa: PLC0415 - start-up time

    if shipped:
        click.echo(registry.shipped_playbook(), nl=False)
        return 0
    found = registry.plays(settings_of(ctx).playbook)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for play in found:
            only = f" [{', '.join(play['segments'])}]" if play["segments"] else ""
            click.echo(f"{play['id']:<22}{play['raised_by']}{only}")
            click.echo(f"{'':<22}{play['owner']}: {play['action']}")
    return 0

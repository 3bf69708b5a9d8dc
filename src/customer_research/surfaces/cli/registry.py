"""Commands that list what the registries declare."""

from __future__ import annotations

import json

import click

from customer_research.errors import UsageError


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
            click.echo(f"{metric['name']:<34}{metric['unit']:<11}{metric['formula']}")
    return 0


@click.command("rules", help="List the rules of a scorecard (canonical, guide, billing_guide, or a TOML file).")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.argument("scorecard", default="canonical")
def rules(scorecard: str, *, as_json: bool) -> int:
    """List a scorecard's rules with points and conditions."""
    from customer_research.research import registry  # noqa: PLC0415 - start-up time

    found = registry.rules(scorecard)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for rule in found:
            click.echo(f"{rule['id']:<6}{rule['dimension']:<12}{rule['points']!s:>5}  {rule['when']}")
    return 0

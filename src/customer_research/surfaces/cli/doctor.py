"""`doctor`: what is configured, what answers, and the open questions of the original procedure."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from customer_research.errors import UsageError
from customer_research.surfaces.cli.hanging import hanging
from customer_research.surfaces.cli.session import OutputFile, deliver, settings_of, with_research

if TYPE_CHECKING:
    from customer_research.domain.check import CheckResult
    from customer_research.research import Research

FAILED = 6
MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL", "skipped": "skip"}


@click.command(
    "doctor", help="Check settings and, with --online, the live systems; one row a check with the exact fix."
)
@click.option("--online", is_flag=True, help="Send requests; without it only the settings are looked at.")
@click.option(
    "--sample", default=20, show_default=True, type=click.IntRange(1, 200), help="Operators to compare ids on."
)
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.option(
    "--write", is_flag=True, help="Write the settings that the checks found (to --config or the user's file)."
)
@click.option(
    "--docs",
    "docs_path",
    type=OutputFile(),
    help="Write the id findings as a Markdown page.",
)
@click.pass_context
def doctor(ctx: click.Context, *, online: bool, sample: int, as_json: bool, write: bool, docs_path: Path | None) -> int:
    """Run the checks; exit code 6 when one fails."""
    from customer_research.research import doctor as checks  # noqa: PLC0415 - start-up time

    if (write or docs_path is not None) and not online:
        raise UsageError("--write and --docs tell what the live systems answered.", hint="Add --online.")
    settings = settings_of(ctx)

    async def work(research: Research) -> tuple[CheckResult, ...]:
        return await research.doctor(online=online, sample=sample)

    results = with_research(ctx, work, settings)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(result) for result in results], indent=2, ensure_ascii=False))
    else:
        for result in results:
            _row(result)
    if write:
        written = checks.write_settings(results, ctx.find_root().obj)
        click.echo(f"Written: {written}" if written else "Nothing to write: the settings are as found.", err=True)
    if docs_path is not None:
        deliver(checks.findings_page(results, settings), docs_path)
    return FAILED if any(result.status == "fail" for result in results) else 0


def _row(result: CheckResult) -> None:
    click.echo(f"{MARKS[result.status]}  {result.check}")
    click.echo(hanging("      found:  ", _plain(result.found)))
    if result.status != "ok":
        click.echo(hanging("      needed: ", _plain(result.needed)))
        if result.fix:
            click.echo(hanging("      fix:    ", _plain(result.fix)))


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)

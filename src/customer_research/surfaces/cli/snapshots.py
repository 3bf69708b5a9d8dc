"""`snapshot` keeps what an operator's reports are made of; `diff` tells two of them apart."""

from __future__ import annotations

from pathlib import Path

import click

from customer_research.errors import AmbiguousOperator, OperatorNotFound, UsageError
from customer_research.surfaces.cli.reports import SCORECARD, report_options, unresolved
from customer_research.surfaces.cli.session import PARTIAL, Delivery, OutputFile, deliver, settings_of, with_research

SNAPSHOT_HELP = """\
Read everything that any report about OPERATOR needs, and keep it.

Prints the snapshot's id. `customer-research report KIND --snapshot ID` makes the same bytes again, on another day and, with
--output FILE carried over, on another machine. The file holds personal data unmasked; only its owner may read it.
"""


@click.command("snapshot", help=SNAPSHOT_HELP)
@click.argument("operator", required=False)
@SCORECARD
@click.option(
    "--output",
    "-o",
    type=OutputFile(),
    help="Write a copy to this file, to carry it over.",
)
@click.option("--list", "listed", is_flag=True, help="List the snapshots that are kept (of OPERATOR: an operator id).")
@click.pass_context
def snapshot(
    ctx: click.Context, operator: str | None, scorecard: str | None, output: Path | None, *, listed: bool
) -> int:
    """Take a snapshot, or list those that are kept."""
    from customer_research.research.one import account_snapshots  # noqa: PLC0415 - start-up time

    if listed:
        for owner, instant, number in account_snapshots.kept(settings_of(ctx), operator or "*"):
            click.echo(f"{number}  {owner}  as of {instant}")
        return 0
    if operator is None:
        raise UsageError("No operator is named.", hint="Give one, or --list.")
    try:
        taken, path = with_research(
            ctx, lambda research: account_snapshots.take(research, operator, scorecard=scorecard)
        )
    except (AmbiguousOperator, OperatorNotFound) as error:
        return unresolved(error)
    click.echo(taken.id)
    if output is not None:
        deliver(path.read_bytes(), output)
    return PARTIAL if any(item.state != "ok" for item in taken.account.freshness) else 0


@click.command("diff", help="What differs between two account snapshots: A and B are ids, files, or days (2026-10-31).")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--operator", default="", metavar="ID", help="Whose snapshots two days mean: an operator id.")
@report_options
@click.pass_context
def diff(ctx: click.Context, before: str, after: str, operator: str, *, delivery: Delivery) -> int:
    """Compare two snapshots of one operator."""
    from customer_research.research.one import account_snapshots  # noqa: PLC0415 - start-up time

    delivery(account_snapshots.compared(settings_of(ctx), before, after, operator_id=operator))
    return 0

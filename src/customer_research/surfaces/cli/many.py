"""Commands about several operators, and about what is not (yet) so: `compare`, `batch`, `whatif`, `missing`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from customer_research.errors import AmbiguousOperator, OperatorNotFound
from customer_research.surfaces.cli.reports import report_options, unresolved
from customer_research.surfaces.cli.session import PARTIAL, delivery, with_research

if TYPE_CHECKING:
    from customer_research.domain.report import Report
    from customer_research.research import Research

SCORECARD = click.option("--scorecard", help="canonical (default), guide or billing_guide, or a TOML file.")


@click.command("compare", help="Compare 2 to 10 operators: the differences that matter, figures side by side, actions.")
@click.argument("operators", nargs=-1, required=True, metavar="OPERATOR OPERATOR...")
@SCORECARD
@report_options
@click.pass_context
def compare(
    ctx: click.Context,
    operators: tuple[str, ...],
    scorecard: str | None,
    chosen: str | None,
    *,
    as_json: bool,
    output: Path | None,
    show_personal: bool,
) -> int:
    """Compare operators; exit code 4 when one is not found or ambiguous, 3 when a source is missing for one."""
    deliver = delivery(ctx, chosen, as_json=as_json, output=output, show_personal=show_personal)

    async def work(research: Research) -> Report:
        return await research.compare(operators, scorecard=scorecard)

    try:
        report = with_research(ctx, work)
    except (AmbiguousOperator, OperatorNotFound) as error:
        return unresolved(error)
    deliver(report)
    return PARTIAL if report.partial else 0

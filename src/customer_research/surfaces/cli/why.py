"""`why OPERATOR METRIC`: one figure taken apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from customer_research.errors import UsageError
from customer_research.surfaces.cli.session import PARTIAL, with_research

if TYPE_CHECKING:
    from customer_research.domain.explanation import Explanation
    from customer_research.domain.report import Report
    from customer_research.research import Research

DIFFERENT = 1
HELP = """\
Show METRIC of OPERATOR: value, formula, request as sent, when, and the records behind it.

METRIC may be `health_score`, a dimension (`payment`) or a rule (`P1`) as well: the points, and what each rests on.
"""


@click.command("why", help=HELP)
@click.argument("operator")
@click.argument("metric")
@click.option("--replay", is_flag=True, help="Send the requests again and compare.")
@click.option("--rows", default=20, show_default=True, type=click.IntRange(1, 500), help="Records to show.")
@click.option("--sql", is_flag=True, help="Show the metric's query over the canonical tables as well.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.option("--show-personal", is_flag=True, help="Show personal data unmasked.")
@click.pass_context
def why(
    ctx: click.Context,
    operator: str,
    metric: str,
    *,
    replay: bool,
    rows: int,
    sql: bool,
    as_json: bool,
    show_personal: bool,
) -> int:
    """Explain one figure; exit code 3 when a source left it unknown, 1 when a replay differs."""
    from customer_research.documents.formats import explanation as render  # noqa: PLC0415
    from customer_research.documents.formats import render as render_report  # noqa: PLC0415
    from customer_research.domain.evidence import ANSWERS, Gap  # noqa: PLC0415
    from customer_research.domain.report import Report  # noqa: PLC0415

    async def work(research: Research) -> Explanation | Report:
        judged = await research.reason(operator, metric)
        return judged or await research.why(operator, metric, replay=replay, rows=rows)

    explained = with_research(ctx, work)
    if isinstance(explained, Report):
        if replay or sql:
            raise UsageError(f"{metric} is a judgement over several figures.", hint="Replay a figure that it reads.")
        made = render_report(explained, "json" if as_json else "terminal", show_personal=show_personal)
        click.echo(made.decode(), nl=False)
        return PARTIAL if explained.partial else 0
    if as_json:
        click.echo(json.dumps(render.as_json(explained, show_personal=show_personal), indent=2, ensure_ascii=False))
    else:
        click.echo(render.as_text(explained, show_personal=show_personal, sql=sql))
    if explained.replayed is not None and not explained.replayed.same:
        return DIFFERENT
    return PARTIAL if isinstance(explained.figure, Gap) and explained.figure.reason not in ANSWERS else 0

"""`export` writes a report to a page of Notion: the one command that writes to a vendor."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from customer_research.errors import AmbiguousOperator, OperatorNotFound
from customer_research.surfaces.cli.reports import AUDIENCE, MEETING, REPORTS, SCORECARD, SINCE, occasion_of, unresolved
from customer_research.surfaces.cli.session import PARTIAL, settings_of, with_research

if TYPE_CHECKING:
    from customer_research.domain.report import Report
    from customer_research.research import Research
    from customer_research.research.export import PageExport

EXPORT_HELP = """\
Write the report KIND about OPERATOR to its page in Notion: one page for each operator and kind.

The page lies in the data source of the setting notion.reports_data_source; a second export updates it. What a person has
written there is not overwritten without --force: the report is then added as a section, with a warning.
"""


@click.command("export", help=EXPORT_HELP)
@click.argument("kind", type=click.Choice(REPORTS))
@click.argument("operator")
@AUDIENCE
@SINCE
@MEETING
@SCORECARD
@click.option("--force", is_flag=True, help="Overwrite the page also where a person has edited it.")
@click.option("--prepare", is_flag=True, help="Add the properties that the data source lacks.")
@click.option("--show-personal", is_flag=True, help="Write e-mail addresses, phones and names unmasked.")
@click.pass_context
def export(
    ctx: click.Context,
    kind: str,
    operator: str,
    scorecard: str | None,
    *,
    audience: str,
    since: datetime | None,
    meeting: str,
    force: bool,
    prepare: bool,
    show_personal: bool,
) -> int:
    """Export one report; 3 when a source is missing in it."""
    from customer_research.reports.kinds import KINDS  # noqa: PLC0415 - start-up time
    from customer_research.research.export import to_notion  # noqa: PLC0415

    settings, chosen = settings_of(ctx), KINDS[kind]
    occasion = occasion_of(audience=audience, meeting=meeting, since=since)
    chosen.admit(occasion)

    async def work(research: Research) -> tuple[Report, PageExport]:
        account = await research.account_for(chosen, operator, scorecard=scorecard)
        report = chosen.report(account, occasion)
        done = await to_notion(
            settings,
            research.now,
            report,
            account.score,
            force=force,
            prepare=prepare,
            show_personal=show_personal or settings.show_personal,
        )
        return report, done

    try:
        report, done = with_research(ctx, work)
    except (AmbiguousOperator, OperatorNotFound) as error:
        return unresolved(error)
    click.echo(f"{done.done}: {done.url or done.page}")
    if done.warning:
        click.echo(f"Note: {done.warning}", err=True)
    return PARTIAL if report.partial else 0

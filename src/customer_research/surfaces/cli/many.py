"""Commands about several operators, and about what is not (yet) so: `compare`, `batch`, `whatif`, `missing`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from customer_research.documents.formats import FORMATS
from customer_research.surfaces.cli import screen
from customer_research.surfaces.cli.reports import (
    NOT_FOUND,
    REPORTS,
    SCORECARD,
    SOURCE_FAILED,
    TEMPLATE,
    report_of,
    report_options,
)
from customer_research.surfaces.cli.session import (
    PARTIAL,
    Delivery,
    FormatName,
    finished,
    output_format,
    refuse_template,
    rendered,
    settings_of,
)
from customer_research.surfaces.cli.summary import count_words, summary

if TYPE_CHECKING:
    from customer_research.domain.report import Report
    from customer_research.research.batch.batch import Order, Row
    from customer_research.research.batch.entries import Entry
    from customer_research.settings import Settings


@click.command("compare", help="Compare 2 to 10 operators: the differences that matter, figures side by side, actions.")
@click.argument("operators", nargs=-1, required=True, metavar="OPERATOR OPERATOR...")
@SCORECARD
@report_options
@click.pass_context
def compare(ctx: click.Context, operators: tuple[str, ...], scorecard: str | None, *, delivery: Delivery) -> int:
    """Compare operators; exit code 4 when one is not found or ambiguous, 3 when a source is missing for one."""
    return report_of(ctx, lambda research: research.compare(operators, scorecard=scorecard), delivery)


BATCH_HELP = """\
A report of each operator that FILE (- for standard input) names, and one summary of all.

FILE has an identifier a line, or in the first column of a CSV; blank lines and lines that begin with # are left out. Every
line has a row in the summary: figures, or why there are none.

With --output DIR each report is written to DIR/LINE-OPERATOR.md (or another --format) and the summary to DIR/summary.csv. A run that
was cut off continues with the same call: what DIR/journal.jsonl has is not fetched again. Three operators are fetched at a
time, within the settings' requests_per_second and concurrency of each source.

Exit code: 0 all in full; 3 some partial; 4 some not found, ambiguous or refused; 6 some failed.
"""


@click.command("batch", help=BATCH_HELP)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--kind", type=click.Choice(REPORTS), default="quick", show_default=True, help="The report of each operator."
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Folder for reports and summary."
)
@click.option("--json", "as_json", is_flag=True, help="Reports and the printed summary as JSON.")
@click.option("--format", "chosen", type=FormatName(), help="How reports are written; default: markdown.")
@click.option("--retry", is_flag=True, help="Do again the lines of an earlier run that were not done in full.")
@SCORECARD
@TEMPLATE
@click.option("--show-personal", is_flag=True, help="Show e-mail addresses, phones and names unmasked.")
@click.pass_context
def batch(
    ctx: click.Context,
    file: IO[bytes],
    kind: str,
    output: Path | None,
    *,
    as_json: bool,
    chosen: str | None,
    retry: bool,
    scorecard: str | None,
    template: Path | None,
    show_personal: bool,
) -> int:
    """Make a report of each operator in the file; see `BATCH_HELP` for exit codes."""
    from customer_research.research.batch.batch import Order  # noqa: PLC0415 - start-up time
    from customer_research.research.batch.entries import read_entries  # noqa: PLC0415

    settings = settings_of(ctx)
    personal = show_personal or settings.show_personal

    style = output_format(chosen, as_json=as_json, output=None) if chosen or as_json else "markdown"
    refuse_template(style, template)

    def render(report: Report) -> bytes:
        return rendered(report, style, show_personal=personal, to_file=True, template=template)

    suffix = FORMATS[style].suffixes[0].removeprefix(".")
    order = Order(kind, render, suffix, scorecard=scorecard, show_personal=personal, retry=retry)
    entries = read_entries(file.read(), name=str(getattr(file, "name", "")))
    rows = _batch_rows(settings, entries, order, output)
    click.echo(_summary(rows, order, as_json=as_json))
    if output is not None:
        click.echo(f"Written: {output / 'summary.csv'}", err=True)
    return _code(rows)


def _batch_rows(settings: Settings, entries: Sequence[Entry], order: Order, folder: Path | None) -> tuple[Row, ...]:
    from customer_research.research import Research  # noqa: PLC0415 - start-up time

    async def session(told: Callable[[Row], None]) -> tuple[Row, ...]:
        async with Research(settings) as research:
            return await research.batch(entries, order, folder=folder, told=told)

    with _progress_bar(len(entries)) as told:
        return finished(session(told))


@contextmanager
def _progress_bar(total: int) -> Iterator[Callable[[Row], None]]:
    """A bar with counts on stderr; nothing when it is not a terminal."""
    if not screen.lively():
        yield lambda _row: None
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from customer_research.research.batch.batch import counts  # noqa: PLC0415

    rows: list[Row] = []
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=total)

        def told(row: Row) -> None:
            rows.append(row)
            bar.update(task, completed=len(rows), description=count_words(counts(rows)))

        yield told


def _summary(rows: Sequence[Row], order: Order, *, as_json: bool) -> str:
    from customer_research.research.batch.batch import counts, summary_json  # noqa: PLC0415 - start-up time

    if as_json:
        return json.dumps(summary_json(rows, order), indent=2, ensure_ascii=False)
    return summary(rows, counts(rows))


def _code(rows: Sequence[Row]) -> int:
    """The gravest of what became of the rows."""
    outcomes = {row.outcome for row in rows}
    if "failed" in outcomes:
        return SOURCE_FAILED
    if outcomes & {"not_found", "ambiguous", "refused"}:
        return NOT_FOUND
    return PARTIAL if "partial" in outcomes else 0


WHATIF_HELP = """\
OPERATOR's health score if figures were other than they are: each METRIC=VALUE is assumed, derived figures are recomputed,
and the same scorecard judges. What comes out is labelled hypothetical and carries its assumptions as receipts.

Values: counts 12; shares 0.95 or 95%; US dollars 199.00; days 12; yes or no; dates 2026-11-30; unknown.
"""


@click.command("whatif", help=WHATIF_HELP)
@click.argument("operator")
@click.argument("assumptions", nargs=-1, required=True, metavar="METRIC=VALUE...")
@SCORECARD
@report_options
@click.pass_context
def whatif(
    ctx: click.Context, operator: str, assumptions: tuple[str, ...], scorecard: str | None, *, delivery: Delivery
) -> int:
    """Score an operator under assumptions."""
    return report_of(ctx, lambda research: research.whatif(operator, assumptions, scorecard=scorecard), delivery)


MISSING_HELP = """\
What is unknown of OPERATOR, and how far it could move the health score: for each figure that a rule needs, the score's
bounds over the rule's outcomes, the widest first, with the step that closes the gap.
"""


@click.command("missing", help=MISSING_HELP)
@click.argument("operator")
@SCORECARD
@report_options
@click.pass_context
def missing(ctx: click.Context, operator: str, scorecard: str | None, *, delivery: Delivery) -> int:
    """Rank an operator's unknown figures."""
    return report_of(ctx, lambda research: research.missing(operator, scorecard=scorecard), delivery)

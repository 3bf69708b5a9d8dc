"""The report commands: one operator in, one document out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from customer_research.errors import AmbiguousOperator, OperatorNotFound
from customer_research.surfaces.cli.group import complain
from customer_research.surfaces.cli.session import (
    FORMATS,
    PARTIAL,
    deliver,
    output_format,
    render_text,
    settings_of,
    with_research,
)

if TYPE_CHECKING:
    from customer_research.domain.report import Report
    from customer_research.research import Research

NOT_FOUND = 4


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all report commands share."""
    for option in (
        click.option("--show-personal", is_flag=True, help="Show e-mail addresses, phones and names unmasked."),
        click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file."),
        click.option("--json", "as_json", is_flag=True, help="JSON (the same as --format json)."),
        click.option("--format", "chosen", type=click.Choice(FORMATS), help="How to show it; default: terminal."),
    ):
        command = option(command)
    return command


def _emit(
    ctx: click.Context, report: Report, chosen: str | None, *, as_json: bool, output: Path | None, show_personal: bool
) -> None:
    style = output_format(chosen, as_json=as_json, output=output)
    personal = show_personal or settings_of(ctx).show_personal
    deliver(render_text(report, style, show_personal=personal, to_file=output is not None), output)


def _report_command(kind: str, text: str) -> click.Command:
    """One command that writes one kind of report."""

    @click.command(kind, help=text)
    @click.argument("operator")
    @click.option("--scorecard", help="canonical (default), guide or billing_guide, or a TOML file.")
    @report_options
    @click.pass_context
    def command(
        ctx: click.Context,
        operator: str,
        scorecard: str | None,
        chosen: str | None,
        *,
        as_json: bool,
        output: Path | None,
        show_personal: bool,
    ) -> int:
        async def work(research: Research) -> Report:
            return await research.report(kind, operator, scorecard=scorecard)

        try:
            report = with_research(ctx, work)
        except (AmbiguousOperator, OperatorNotFound) as error:
            return _unresolved(ctx, operator, error)
        _emit(ctx, report, chosen, as_json=as_json, output=output, show_personal=show_personal)
        return PARTIAL if report.partial else 0

    return command


def _unresolved(ctx: click.Context, term: str, error: AmbiguousOperator | OperatorNotFound) -> int:
    """Say why no single operator was taken, and list the candidates on stderr."""
    del ctx
    complain(error.message, error.hint)
    matches = error.candidates if isinstance(error, AmbiguousOperator) else error.nearest
    for number, match in enumerate(matches, start=1):
        candidate = match.candidate
        state = "churned" if candidate.churned else candidate.status or "no subscription"
        click.echo(
            f"  {number}. {_one_line(candidate.name)}  {candidate.operator_id}  {state}  ({match.because})", err=True
        )
    del term
    return error.exit_code


def _one_line(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:60]


quick = _report_command("quick", "One line about OPERATOR.")
profile = _report_command("profile", "Who OPERATOR is, what they pay, how they use it, what troubles them.")
billing = _report_command("billing", "OPERATOR's subscriptions, invoices and payment standing.")
reservations = _report_command("reservations", "OPERATOR's trips: volume, revenue, trends, types.")
payments = _report_command("payments", "OPERATOR's card processing: success, failures, risk, disputes.")
health = _report_command("health", "OPERATOR's health score, point by point.")


@click.command("lookup", help="Find an operator by any identifier or name; exit code 4 when none or several match.")
@click.argument("term")
@report_options
@click.pass_context
def lookup(
    ctx: click.Context, term: str, chosen: str | None, *, as_json: bool, output: Path | None, show_personal: bool
) -> int:
    """Find an operator and show the ranked matches with their reasons."""

    async def work(research: Research) -> tuple[Report, bool]:
        report, answer = await research.lookup_report(term)
        return report, answer.best is not None

    report, unambiguous = with_research(ctx, work)
    _emit(ctx, report, chosen, as_json=as_json, output=output, show_personal=show_personal)
    if not unambiguous:
        return NOT_FOUND
    return PARTIAL if report.partial else 0

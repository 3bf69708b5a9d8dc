"""The report commands: one operator in, one document out."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from customer_research.errors import AmbiguousOperator, OperatorNotFound
from customer_research.surfaces.cli.group import complain
from customer_research.surfaces.cli.session import (
    PARTIAL,
    SUFFIXES,
    Delivery,
    FormatName,
    OutputFile,
    delivery_of,
    with_research,
)

if TYPE_CHECKING:
    from customer_research.domain.identity import LookupAnswer
    from customer_research.domain.occasion import Occasion
    from customer_research.domain.report import Report
    from customer_research.research import Research

NOT_FOUND = 4
SETTING_MISSING = 5
SOURCE_FAILED = 6


REPORTS = (
    "profile",
    "account-review",
    "brief",
    "billing",
    "reservations",
    "payments",
    "health",
    "churn-risk",
    "quick",
)
"""The reports that are made of one operator's account."""

MEETINGS = ("check-in", "qbr", "renewal", "escalation", "expansion")
AUDIENCES = ("internal", "customer")

SCORECARD = click.option("--scorecard", help="canonical (default), guide or billing_guide, or a TOML file.")

TEMPLATE = click.option(
    "--template",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Your own .pptx for slides: its layouts and placeholders are used.",
)


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all report commands share; the command is called with the `delivery` that they ask for."""

    @functools.wraps(command)
    def with_delivery(
        *arguments: Any,
        chosen: str | None,
        as_json: bool,
        output: Path | None,
        show_personal: bool,
        template: Path | None,
        **options: Any,
    ) -> Any:
        asked = delivery_of(
            click.get_current_context(),
            chosen,
            as_json=as_json,
            output=output,
            show_personal=show_personal,
            template=template,
        )
        return command(*arguments, delivery=asked, **options)

    wrapped: Callable[..., Any] = with_delivery
    for option in (
        TEMPLATE,
        click.option("--show-personal", is_flag=True, help="Show e-mail addresses, phones and names unmasked."),
        click.option(
            "--output",
            "-o",
            type=OutputFile(allow_dash=True),
            help=f"Write to a file; its suffix ({', '.join(SUFFIXES)}) names the format.",
        ),
        click.option("--json", "as_json", is_flag=True, help="JSON (the same as --format json)."),
        click.option("--format", "chosen", type=FormatName(), help="How to show it; default: terminal."),
    ):
        wrapped = option(wrapped)
    return wrapped


def report_of(ctx: click.Context, work: Callable[[Research], Awaitable[Report]], delivery: Delivery) -> int:
    """Fetch one report and deliver it: the exit code, 4 with the candidates on stderr when no one operator is meant."""
    try:
        report = with_research(ctx, work)
    except (AmbiguousOperator, OperatorNotFound) as error:
        return unresolved(error)
    delivery(report)
    return PARTIAL if report.partial else 0


def occasion_of(*, audience: str = "internal", meeting: str = "check-in", since: datetime | None = None) -> Occasion:
    """The occasion that the options ask for."""
    from customer_research.domain.occasion import Occasion  # noqa: PLC0415 - start-up time

    return Occasion(audience, meeting, since.date() if since is not None else None)  # type: ignore[arg-type] # checked by click


AUDIENCE = click.option(
    "--audience",
    type=click.Choice(AUDIENCES),
    default="internal",
    show_default=True,
    help="For whom: `customer` shows nothing internal.",
)
SINCE = click.option(
    "--since",
    type=click.DateTime(("%Y-%m-%d",)),
    metavar="DATE",
    help="Look back to this day; default: the last recorded review, else 90 days.",
)
MEETING = click.option(
    "--meeting", type=click.Choice(MEETINGS), default="check-in", show_default=True, help="Before which kind of talk."
)


def _report_command(kind: str, text: str, *options: Callable[..., Any]) -> click.Command:
    """One command that writes one kind of report; `options` are those of the occasion that it takes."""

    @click.command(kind, help=text)
    @click.argument("operator")
    @SCORECARD
    @report_options
    @click.pass_context
    def command(
        ctx: click.Context, /, operator: str, scorecard: str | None, *, delivery: Delivery, **asked: Any
    ) -> int:
        occasion = occasion_of(**asked)
        return report_of(
            ctx, lambda research: research.report(kind, operator, scorecard=scorecard, occasion=occasion), delivery
        )

    made: Any = command
    for option in options:
        made = option(made)
    return cast("click.Command", made)


def unresolved(error: AmbiguousOperator | OperatorNotFound) -> int:
    """Say why no single operator was taken, and list the candidates on stderr."""
    complain(error.message, error.hint)
    matches = error.candidates if isinstance(error, AmbiguousOperator) else error.nearest
    for number, match in enumerate(matches, start=1):
        candidate = match.candidate
        state = "churned" if candidate.churned else candidate.status or "no subscription"
        click.echo(
            f"  {number}. {_one_line(candidate.name)}  {candidate.operator_id}  {state}  ({match.because})", err=True
        )
    return error.exit_code


def _one_line(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:60]


account_review = _report_command(
    "account-review",
    "What OPERATOR got since the last review, how it stands, and what comes next (QBR).",
    SINCE,
    AUDIENCE,
)
brief = _report_command("brief", "What to know, ask and have at hand before a call with OPERATOR.", MEETING)
quick = _report_command("quick", "One line about OPERATOR.")
profile = _report_command("profile", "Who OPERATOR is, what they pay, how they use it, what troubles them.")
billing = _report_command("billing", "OPERATOR's subscriptions, invoices and payment standing.", AUDIENCE)
reservations = _report_command("reservations", "OPERATOR's trips: volume, revenue, trends, types.", AUDIENCE)
payments = _report_command("payments", "OPERATOR's card processing: success, failures, risk, disputes.", AUDIENCE)
health = _report_command("health", "OPERATOR's health score, point by point.")


@click.command("lookup", help="Find an operator by any identifier or name (TERM).")
@click.argument("term")
@report_options
@click.pass_context
def lookup(ctx: click.Context, term: str, *, delivery: Delivery) -> int:
    """Find an operator and show the ranked matches with their reasons."""

    async def work(research: Research) -> tuple[Report, int]:
        report, answer = await research.lookup_report(term)
        return report, code_of(answer, report)

    report, code = with_research(ctx, work)
    delivery(report)
    return code


def code_of(answer: LookupAnswer, report: Report) -> int:
    """A lookup's exit code: as a report's that is asked for by the same term."""
    if answer.best is not None:
        return PARTIAL if report.partial else 0
    if answer.matches:
        return NOT_FOUND
    reasons = {gap.reason for item in report.freshness for gap in item.gaps}
    if not reasons:
        return NOT_FOUND
    return SETTING_MISSING if reasons == {"not_configured"} else SOURCE_FAILED

"""Commands about all operators at once: `portfolio` and `churn-risk`."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from customer_research.domain.vocabularies import SEGMENTS
from customer_research.errors import UsageError
from customer_research.surfaces.cli.reports import report_of, report_options
from customer_research.surfaces.cli.session import PARTIAL, Delivery, deliver, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from customer_research.domain.report import Report
    from customer_research.research.portfolio.selection import Selection

BANDS = ("healthy", "monitor", "at_risk", "critical", "insufficient", "unsettled", "outside")
STATUSES = ("active", "onboarding", "no_subscription", "churned", "never_started", "unknown")
RISK_SORTS = ("loss", "risk")
SORTS = ("attention", "score", "mrr", "name", "trend")
MOST = 25

PORTFOLIO_HELP = """\
Who needs attention today, and why; where money, usage and support disagree; how everybody stands.

It reads the newest snapshot of the lake (`customer-research sync`, then `customer-research portfolio score`). Operators who
have churned or never began are left out unless --status asks for them. Exit code 3: a table is unknown of every operator, or
the score history, which the change in 30 days comes from, cannot be read.
"""
RISK_HELP = """\
Who may leave: ranked by expected loss (risk x MRR), or by risk alone (--sort risk), with the signs for and against, by level,
category and segment. Those who are still subscribed and riding, and have announced nothing, stand in a ranking of their own.

Risk ranks operators by the signs of the scorecard `retention`; it is not a probability. It reads the newest snapshot of the
lake. Those who churned within 90 days stand apart.

With OPERATOR, that one operator's risk, from the sources as they are now: signs, what would be lost, what is to be done.
"""


class _WithScore(click.Group):
    """`portfolio` by itself shows the newest snapshot; `portfolio score` makes one (loaded only when it is called)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return ["score"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name != "score":
            return None
        module = importlib.import_module("customer_research.surfaces.cli.scoring")
        command: click.Command = module.portfolio_score
        return command


def choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose operators; the command is called with `wanted`."""

    @functools.wraps(command)
    def with_wanted(
        *arguments: Any,
        bands: tuple[str, ...],
        statuses: tuple[str, ...],
        segments: tuple[str, ...],
        findings: tuple[str, ...],
        owner: str,
        min_mrr: float | None,
        text: str,
        most: int,
        as_csv: bool,
        sort: str = "attention",
        risk_sort: str = "loss",
        **options: Any,
    ) -> Any:
        if as_csv or (_named_csv(options["output"]) and options["chosen"] != "csv"):
            options |= {"as_csv": True, "chosen": _no_format(options)}
        else:
            options["as_csv"] = False

        def wanted(*, everybody: bool) -> Selection:
            from customer_research.research.portfolio.selection import Selection  # noqa: PLC0415 - start-up time

            return Selection(
                bands=bands,  # type: ignore[arg-type]
                statuses=statuses,  # type: ignore[arg-type]
                segments=segments,
                findings=tuple(name.upper() for name in findings),
                owner=owner.strip(),
                min_mrr_minor=None if min_mrr is None else round(min_mrr * 100),
                text=text.strip(),
                sort=sort,  # type: ignore[arg-type]
                risk_sort=risk_sort,  # type: ignore[arg-type]
                most=None if everybody or most == 0 else most,
            )

        return command(*arguments, wanted=wanted, **options)

    wrapped: Callable[..., Any] = with_wanted
    for option in (
        click.option("--csv", "as_csv", is_flag=True, help="CSV of every operator chosen, for spreadsheets."),
        click.option(
            "--limit",
            "most",
            type=click.IntRange(min=0),
            default=MOST,
            show_default=True,
            help="How many lines; 0: all.",
        ),
        click.option("--search", "text", default="", help="Only names that contain this."),
        click.option("--min-mrr", type=click.FloatRange(min=0), help="Only an MRR of at least this many USD."),
        click.option("--owner", default="", help="Only this account owner's (HubSpot); a part of the name will do."),
        click.option(
            "--finding", "findings", multiple=True, help="Only where this finding holds (R1 to R22; repeatable)."
        ),
        click.option(
            "--segment",
            "segments",
            multiple=True,
            type=click.Choice(SEGMENTS, case_sensitive=False),
            help="Only this segment (repeatable).",
        ),
        click.option(
            "--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only this status (repeatable)."
        ),
        click.option("--band", "bands", multiple=True, type=click.Choice(BANDS), help="Only this band (repeatable)."),
    ):
        wrapped = option(wrapped)
    return wrapped


def _named_csv(output: Path | None) -> bool:
    return output is not None and output.suffix.lower() == ".csv"


def _no_format(options: dict[str, Any]) -> str:
    """What stands for a report's format where none is made: the suffix of the CSV file names none."""
    if options["as_json"] or options["chosen"] is not None:
        raise UsageError("CSV and another format contradict each other.", hint="Give one of them.")
    return "terminal"


def _told(ctx: click.Context, *, kind: str, wanted: Callable[..., Selection], as_csv: bool, delivery: Delivery) -> int:
    """Make the report (or the CSV) and hand it over."""
    from customer_research.research import system_clock  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio import newest  # noqa: PLC0415

    settings = settings_of(ctx)
    now = settings.clock or system_clock()
    if as_csv:
        csv_of = newest.portfolio_csv if kind == "portfolio" else newest.risk_csv
        text, lacking = csv_of(settings, wanted(everybody=True), now=now)
        deliver(text, delivery.output)
        if text.count("\n") == 1:
            click.echo("Nobody is in this list: no operator matches what was asked for.", err=True)
        for line in dict.fromkeys(f"Warning: {gap.detail} {gap.next_step}".rstrip() for gap in lacking):
            click.echo(line, err=True)
        return PARTIAL if lacking else 0
    report_of = newest.portfolio_report if kind == "portfolio" else newest.risk_report
    report: Report = report_of(settings, wanted(everybody=False), now=now)
    delivery(report)
    return PARTIAL if report.partial else 0


@click.command("portfolio", cls=_WithScore, invoke_without_command=True, help=PORTFOLIO_HELP)
@choosing
@click.option("--sort", type=click.Choice(SORTS), default="attention", show_default=True, help="Order of the lines.")
@report_options
@click.pass_context
def portfolio(ctx: click.Context, *, wanted: Callable[..., Selection], as_csv: bool, delivery: Delivery) -> int:
    """Show the newest snapshot, unless a sub-command does something else."""
    if ctx.invoked_subcommand is not None:
        return 0
    return _told(ctx, kind="portfolio", wanted=wanted, as_csv=as_csv, delivery=delivery)


@click.command("churn-risk", help=RISK_HELP)
@click.argument("operator", required=False)
@choosing
@click.option(
    "--sort",
    "risk_sort",
    type=click.Choice(RISK_SORTS),
    default="loss",
    show_default=True,
    help="Ranking: by expected loss, or by risk alone.",
)
@report_options
@click.pass_context
def churn_risk(
    ctx: click.Context, operator: str | None, *, wanted: Callable[..., Selection], as_csv: bool, delivery: Delivery
) -> int:
    """Show who may leave, or whether one operator may."""
    if operator is not None:
        if as_csv:
            raise UsageError("--csv lists everybody.", hint="Leave OPERATOR out, or give --format csv.")
        return report_of(ctx, lambda research: research.report("churn-risk", operator), delivery)
    return _told(ctx, kind="churn_risk", wanted=wanted, as_csv=as_csv, delivery=delivery)

"""`backtest`: scorecards on past dates, side by side, and a gate for CI."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from customer_research.surfaces.cli.reports import report_options
from customer_research.surfaces.cli.session import PARTIAL, Delivery, settings_of

if TYPE_CHECKING:
    from customer_research.connect.source import Clock
    from customer_research.research.backtest.desk import Asked
    from customer_research.settings import Settings

WORSE, TOO_LITTLE = 12, 13

HELP = """\
How well CARD (one or two scorecards; default: setting scorecard) told on past dates who would leave within 90 days: AUC, PR-AUC,
Brier, calibration, lift, churn by band, alerts by threshold, time before churn; two are compared on the same rows.

It measures every active account of the lake each month, as it was known then. Rules over values that are overwritten without a
history (a ticket's status, the CSM view's columns) are left out and named. With --signals FILE.csv --points POINTS.json it reads
a table of signals instead, and CARD is a scorecard that `calibrate` wrote, or `expert` for the points themselves.

With --gate OLD NEW: exit code 0 when NEW is no worse than OLD, 12 when it is worse, 13 when there is too little churn to tell.
"""


def ground_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say on what a scorecard is tried; the command is called with `ground` (keyword → `Asked`)."""

    @functools.wraps(command)
    def with_ground(
        *arguments: Any,
        tables: Path | None,
        signals: Path | None,
        points: Path | None,
        every: Any,
        counting: Any,
        since: str | None,
        until: str | None,
        managers: int | None,
        seed: int,
        **options: Any,
    ) -> Any:
        def ground(**more: Any) -> Asked:
            from customer_research.research.backtest.desk import Asked  # noqa: PLC0415 - start-up time
            from customer_research.research.portfolio.taking import instant  # noqa: PLC0415

            return Asked(
                tables=tables,
                signals=signals,
                points=points,
                every=every,
                counting=counting,
                since=None if since is None else instant(since),
                until=None if until is None else instant(until),
                managers=managers,
                seed=seed,
                **more,
            )

        return command(*arguments, ground=ground, **options)

    wrapped: Callable[..., Any] = with_ground
    file = click.Path(path_type=Path, dir_okay=False)
    for option in (
        click.option("--seed", type=int, default=0, show_default=True, help="Seed of folds and bootstrap."),
        click.option("--managers", type=click.IntRange(min=1), help="Account managers; default: the owners HubSpot names."),
        click.option("--until", metavar="DATE", help="Churn is told up to then; default: billing's last pull."),
        click.option("--since", metavar="DATE", help="No date before this one."),
        click.option(
            "--churn",
            "counting",
            type=click.Choice(("voluntary", "any")),
            default="voluntary",
            show_default=True,
            help="Leaving by choice alone, or for not paying, too.",
        ),
        click.option(
            "--every",
            type=click.Choice(("month", "quarter")),
            default="month",
            show_default=True,
            help="How far the dates lie apart.",
        ),
        click.option("--points", type=file, metavar="POINTS.json", help="The signals of that table, with expert points."),
        click.option("--signals", type=file, metavar="FILE.csv", help="A table of signals, instead of any tables."),
        click.option(
            "--tables",
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help="Canonical tables in a folder, instead of the lake's.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


@click.command("backtest", help=HELP)
@click.argument("cards", nargs=-1, metavar="[CARD] [CARD]")
@click.option("--gate", "gating", is_flag=True, help="Whether the second scorecard may replace the first: see exit codes.")
@click.option("--threshold", "thresholds", multiple=True, type=click.IntRange(0, 100), help="Tell of this one, too.")
@click.option(
    "--alert-at", type=click.IntRange(0, 100), help="Threshold of the time before churn; default: At Risk's highest score."
)
@ground_options
@report_options
@click.pass_context
def backtest(
    ctx: click.Context,
    cards: tuple[str, ...],
    *,
    gating: bool,
    thresholds: tuple[int, ...],
    alert_at: int | None,
    ground: Callable[..., Asked],
    delivery: Delivery,
) -> int:
    """Try scorecards on past dates."""
    from customer_research.research.backtest import desk  # noqa: PLC0415 - start-up time

    settings, clock = settings_and_clock(ctx)
    asked = ground(cards=cards, thresholds=thresholds, alert_at=alert_at)
    report, decided = desk.backtest_report(settings, asked, clock, gating=gating)
    delivery(report)
    if decided is not None and decided.verdict != "pass":
        return WORSE if decided.verdict == "worse" else TOO_LITTLE
    return PARTIAL if report.partial else 0


def settings_and_clock(ctx: click.Context) -> tuple[Settings, Clock]:
    """The settings, and the clock that they fix or the system's."""
    from customer_research.research import system_clock  # noqa: PLC0415 - start-up time

    settings = settings_of(ctx)
    return settings, lambda: settings.clock or system_clock()

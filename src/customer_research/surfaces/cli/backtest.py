"""`backtest`: scorecards on past dates; `thresholds`: where to alert; `drift`: whether a calibration still holds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from customer_research.surfaces.cli.reports import report_options
from customer_research.surfaces.cli.session import PARTIAL, Delivery, FormatName, OutputFile, delivery_of, settings_of

if TYPE_CHECKING:
    from customer_research.research.past.backtest.trials import TrialOrder
    from customer_research.settings import Settings

REFUSED, WORSE, TOO_LITTLE, DRIFTED = 11, 12, 13, 14

HELP = """\
How well CARD (one or two scorecards; default: setting scorecard) told on past dates who would leave within 90 days: AUC, PR-AUC,
Brier, calibration, lift, churn by band, alerts by threshold, time before churn; two are compared on the same rows.

It measures every active account of the lake each month, as it was known then. Rules over values that are overwritten without a
date (a ticket's status, the CSM view's columns) are left out and named, unless the lake had been synced by every date. With --signals FILE.csv --points POINTS.json it reads
a table of signals instead, and CARD is a scorecard that `calibrate` wrote, or `expert` for the points themselves.

With --gate OLD NEW: exit code 0 when NEW is no worse than OLD, 12 when it is worse, 13 when there is too little churn to tell.
"""


THRESHOLDS_HELP = """\
Where CARD (default: setting scorecard) should alert, by what happened: with --capacity, the highest score that raises at most
so many new alerts a week; with --cost and --save-rate, the highest score at which p x save rate x value > cost of a contact.

It tells churn by band, and which bands do not separate; from 300 churned accounts on the cut-offs are tied to churn, and bands
that do not separate become one. --output writes a new version of the scorecard, --alerts a file for the setting alerts.rules.

Where the score is not shown to tell who leaves (under 20 accounts left, or the interval of its AUC holds 0.5) nothing is chosen
and nothing written: exit code 11.
"""
DRIFT_HELP = """\
Whether CARD's calibration still holds: for each date after it, observed over expected churn with its Poisson interval (outside
0.7 to 1.4: refit the intercept), and how far the scores have shifted (PSI above 0.2).

--output writes a new version of the scorecard with the intercept that these dates ask for. Exit code 14: to be refitted.
"""


def ground_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say on what a scorecard is tried; the command is called with `ground` (keyword → `TrialOrder`)."""

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
        def ground(**more: Any) -> TrialOrder:
            from customer_research.research.past.backtest.trials import TrialOrder  # noqa: PLC0415 - start-up time
            from customer_research.research.portfolio.take import instant  # noqa: PLC0415

            return TrialOrder(
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
        click.option(
            "--managers", type=click.IntRange(min=1), help="Account managers; default: the owners HubSpot names."
        ),
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
        click.option(
            "--points", type=file, metavar="POINTS.json", help="The signals of that table, with expert points."
        ),
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


_FILE = OutputFile()


def report_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--report FILE` and `--format`: `--output` is the scorecard here; the command is called with the `delivery`."""

    @functools.wraps(command)
    def with_delivery(*arguments: Any, chosen: str | None, report: Path | None, **options: Any) -> Any:
        context = click.get_current_context()
        asked = delivery_of(context, chosen, as_json=False, output=report, show_personal=False)
        return command(*arguments, delivery=asked, **options)

    wrapped: Callable[..., Any] = with_delivery
    for option in (
        click.option(
            "--report", type=_FILE, help="The report in a file; its suffix names the format. Default: printed."
        ),
        click.option("--format", "chosen", type=FormatName(), help="How to print it; default: terminal."),
    ):
        wrapped = option(wrapped)
    return wrapped


@click.command("backtest", help=HELP)
@click.argument("cards", nargs=-1, metavar="[CARD] [CARD]")
@click.option(
    "--gate", "gating", is_flag=True, help="Whether the second scorecard may replace the first: see exit codes."
)
@click.option("--threshold", "thresholds", multiple=True, type=click.IntRange(0, 100), help="Tell of this one, too.")
@click.option(
    "--alert-at",
    type=click.IntRange(0, 100),
    help="Threshold of the time before churn; default: At Risk's highest score.",
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
    ground: Callable[..., TrialOrder],
    delivery: Delivery,
) -> int:
    """Try scorecards on past dates."""
    from customer_research.research.past.backtest import trials  # noqa: PLC0415 - start-up time

    settings, clock = settings_and_clock(ctx)
    asked = ground(cards=cards, thresholds=thresholds, alert_at=alert_at)
    report, decided = trials.backtest_report(settings, asked, clock, gating=gating)
    delivery(report)
    if decided is not None and decided.verdict != "pass":
        return WORSE if decided.verdict == "worse" else TOO_LITTLE
    return PARTIAL if report.partial else 0


@click.command("thresholds", help=THRESHOLDS_HELP)
@click.argument("card", required=False, default="")
@click.option("--capacity", type=click.FloatRange(min=0, min_open=True), help="New alerts a week that people can take.")
@click.option("--cost", type=click.FloatRange(min=0, min_open=True), metavar="USD", help="What a contact costs.")
@click.option(
    "--save-rate", type=click.FloatRange(0, 1, min_open=True), help="Share of contacted accounts that stay for it."
)
@click.option(
    "--value",
    type=click.FloatRange(min=0, min_open=True),
    metavar="USD",
    help="What a kept account is worth; default: its list price of a year, in the middle.",
)
@click.option("--output", "card_out", type=_FILE, metavar="CARD.toml", help="The new scorecard; must not be there yet.")
@click.option(
    "--alerts", type=_FILE, metavar="RULES.toml", help="Alert rules with the threshold; must not be there yet."
)
@ground_options
@report_file
@click.pass_context
def thresholds(
    ctx: click.Context,
    card: str,
    *,
    capacity: float | None,
    cost: float | None,
    save_rate: float | None,
    value: float | None,
    card_out: Path | None,
    alerts: Path | None,
    ground: Callable[..., TrialOrder],
    delivery: Delivery,
) -> int:
    """Choose where to alert."""
    from customer_research.research.past.calibration.thresholds import ThresholdOrder, choose_thresholds  # noqa: PLC0415 - start-up time

    settings, clock = settings_and_clock(ctx)
    wanted = ThresholdOrder(
        card=card,
        ground=ground(),
        capacity=capacity,
        cost_minor=None if cost is None else round(cost * 100),
        save_rate=save_rate,
        value_minor=None if value is None else round(value * 100),
        output=card_out,
        alerts=alerts,
    )
    done = choose_thresholds(settings, wanted, clock)
    delivery(done.report)
    for path in done.files:
        click.echo(f"Written: {path}", err=True)
    if done.refused:
        return REFUSED
    return PARTIAL if done.report.partial else 0


@click.command("drift", help=DRIFT_HELP)
@click.argument("card", required=False, default="")
@click.option("--output", "card_out", type=_FILE, metavar="CARD.toml", help="The new scorecard; must not be there yet.")
@ground_options
@report_file
@click.pass_context
def drift(
    ctx: click.Context, card: str, *, card_out: Path | None, ground: Callable[..., TrialOrder], delivery: Delivery
) -> int:
    """Check a calibration."""
    from customer_research.research.past.calibration.drift import check  # noqa: PLC0415 - start-up time

    settings, clock = settings_and_clock(ctx)
    done = check(settings, card, ground(), card_out, clock)
    delivery(done.report)
    if done.written is not None:
        click.echo(f"Written: {done.written}", err=True)
    if done.found.refit:
        return DRIFTED
    return PARTIAL if done.report.partial else 0


def settings_and_clock(ctx: click.Context) -> tuple[Settings, Callable[[], datetime]]:
    """The settings, and the clock that they fix or the system's."""
    from customer_research.research import system_clock  # noqa: PLC0415 - start-up time

    settings = settings_of(ctx)
    return settings, lambda: settings.clock or system_clock()

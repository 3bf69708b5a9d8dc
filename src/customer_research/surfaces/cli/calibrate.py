"""`calibrate`: a scorecard's points fitted to real churn, as far as there is any; `calibrate predict`: scores by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from customer_research.errors import UsageError
from customer_research.surfaces.cli import screen
from customer_research.surfaces.cli.session import (
    OutputFile,
    deliver,
    delivery_of,
    settings_of,
)

HELP = """\
Fit the points of a scorecard to real churn, no further than the churn goes; writes a new scorecard.

\b
--signals  CSV: operator_id, as_of, the signals in [0, 1], churned (1: left within 90 days after as_of).
           observed_at or SIGNAL_observed_at, where given, must not be later than as_of.
--points   JSON: a list of {"signal", "dimension", "points"}, the expert's points of 100 at severity 1.
           Dimensions: payment 40, engagement 25, support 20, growth 15; those absent get no weight.

Without --signals the rules of --base (default: setting scorecard) are the signals, on every active account of the lake (or of
--tables DIR) at past dates, and billing's subscriptions say who churned. Rules over values that are overwritten without a
date are not tried, unless the lake had been synced by every date: while the new scorecard keeps them it gives no probability; --only-tried leaves them out of it.

What distinct churned accounts allow: below 20 counts by band; from 20 the expert's points with a probability; from 65 fitted
points are proposed (--confirm adopts them); from 100 they are adopted. Fitted points must be better, out of fold, than the
base rate (95 %) and than the expert's points (90 %). Fitted points move the bands: Monitor begins where churn is as likely as in
the mean, At Risk at twice, Critical at four times that. A file that is there is never written over.

A signal that may know the churn that it should foresee raises an alarm: the report tells why, and what the score is with it and
without it. Until a person says --keep SIGNAL or --drop SIGNAL it counts, and nothing is adopted. Only one that repeats the label
(AUC alone .95 or more) is dropped unasked.

Exit code: 0 adopted; 10 proposed, for a person to decide; 11 refused, the expert's points stay; 2 the input is wrong, and nothing is written.
"""
PREDICT_HELP = """\
Score, band and probability of churn within 90 days for each row of a table: operator_id, as_of, score, band, p_churn.

The table has operator_id, as_of, and a column for each signal of the scorecard; others are left out. p_churn is empty where
the scorecard was never calibrated.
"""
DRAWS = 200

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("calibrate", invoke_without_command=True, help=HELP)
@click.option("--signals", type=_FILE, metavar="FILE.csv", help="The table of signals and churn.")
@click.option("--points", type=_FILE, metavar="POINTS.json", help="The expert's points.")
@click.option(
    "--output", "-o", type=OutputFile(), metavar="CARD.toml", help="The new scorecard; must not be there yet."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="The same seed, the same result."
)
@click.option("--result", type=OutputFile(), metavar="RESULT.json", help="Every figure as JSON.")
@click.option(
    "--report", type=OutputFile(), help="The report in a file; its suffix names the format. Default: printed."
)
@click.option("--confirm", is_flag=True, help="Adopt what would only be proposed: a person has looked at the report.")
@click.option(
    "--keep", multiple=True, metavar="SIGNAL", help="A suspected leak that is none: a person has looked. Repeatable."
)
@click.option("--drop", multiple=True, metavar="SIGNAL", help="A signal to leave out, suspected or not. Repeatable.")
@click.option("--base", default="", metavar="SCORECARD", help="The scorecard whose rules the signals are.")
@click.option(
    "--split",
    type=click.Choice(("accounts", "forward")),
    default="accounts",
    show_default=True,
    help="Judge on other accounts, or on later dates (90 days between).",
)
@click.option("--only-tried", is_flag=True, help="Leave the rules that the past cannot judge out of the new scorecard.")
@click.option(
    "--tables",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Canonical tables in a folder, instead of the lake's.",
)
@click.option(
    "--every",
    type=click.Choice(("month", "quarter")),
    default="month",
    show_default=True,
    help="How far dates lie apart.",
)
@click.option(
    "--churn",
    "counting",
    type=click.Choice(("voluntary", "any")),
    default="voluntary",
    show_default=True,
    help="Leaving by choice alone, or for not paying, too.",
)
@click.option(
    "--draws", type=click.IntRange(50, 10_000), default=DRAWS, show_default=True, help="Refits for the intervals."
)
@click.pass_context
def calibrate(
    ctx: click.Context,
    *,
    signals: Path | None,
    points: Path | None,
    output: Path | None,
    seed: int,
    result: Path | None,
    report: Path | None,
    confirm: bool,
    keep: tuple[str, ...],
    drop: tuple[str, ...],
    base: str,
    split: Literal["accounts", "forward"],
    draws: int,
    only_tried: bool,
    tables: Path | None,
    every: Literal["month", "quarter"],
    counting: Literal["voluntary", "any"],
) -> int:
    """Calibrate on files or on the lake, unless a sub-command does something else."""
    if ctx.invoked_subcommand is not None:
        return 0
    if output is None or (signals is None) != (points is None):
        raise UsageError(
            "Calibrating needs --output CARD.toml, and --signals FILE.csv with --points POINTS.json or neither.",
            hint="See `customer-research calibrate --help`.",
        )
    if signals is not None and (tables is not None or only_tried):
        raise UsageError("--tables and --only-tried are of a lake's past, and --signals is a table of its own.")
    delivery = delivery_of(ctx, None, as_json=False, output=report, show_personal=False)
    settings = settings_of(ctx)

    from customer_research.health.calibration.procedure import Terms  # noqa: PLC0415 - start-up time
    from customer_research.reports.inquiries.calibration_report import CalibrationReport, build  # noqa: PLC0415 - start-up time
    from customer_research.research import system_clock  # noqa: PLC0415
    from customer_research.research.past.calibration.on_files import CalibrationOrder, calibrate_files  # noqa: PLC0415
    from customer_research.research.past.calibration.result_json import EXIT_CODES, result_json  # noqa: PLC0415

    def clock() -> datetime:
        return settings.clock or system_clock()

    order = CalibrationOrder(output, Terms(seed, split, draws, confirm, keep=keep, drop=drop), base)
    with _progress() as progress:
        if signals is not None and points is not None:
            done = calibrate_files(signals, points, order, clock, progress)
        else:
            from customer_research.research.past.backtest.trials import TrialOrder  # noqa: PLC0415
            from customer_research.research.past.calibration.on_lake import calibrate_lake  # noqa: PLC0415

            ground = TrialOrder(tables=tables, every=every, counting=counting)
            done = calibrate_lake(settings, order, ground, clock, progress, only_tried=only_tried)
    if result is not None:
        deliver(result_json(done), result)
    delivery(build(CalibrationReport(done.told, done.receipts, done.generated_at, done.version)))
    click.echo(_outcome(done.told.outcome, done.told.reason), err=True)
    if done.written is not None:
        click.echo(f"Written: {done.written}", err=True)
        if done.told.outcome == "adopted" and done.told.base:
            click.echo(f"To make it the default: customer-research scorecard use {done.written}", err=True)
    elif done.left_alone:
        click.echo(f"{output} is as it was.", err=True)
    return EXIT_CODES[done.told.outcome]


def _outcome(outcome: str, reason: str) -> str:
    return f"{outcome.capitalize()}: {reason}."


@calibrate.command("predict", help=PREDICT_HELP)
@click.option("--scorecard", required=True, metavar="CARD.toml", help="A scorecard that `calibrate` wrote.")
@click.option("--signals", type=_FILE, metavar="FILE.csv", required=True, help="The table of signals.")
@click.option(
    "--output",
    "-o",
    type=OutputFile(allow_dash=True),
    metavar="PRED.csv",
    required=True,
    help="Where the predictions go; - is standard output.",
)
def predict(scorecard: str, signals: Path, output: Path) -> int:
    """Predict by a scorecard."""
    from customer_research.research.past.calibration.on_files import predict_file  # noqa: PLC0415 - start-up time

    found = predict_file(scorecard, signals)
    deliver(found.text, None if output == Path("-") else output)
    if found.without:
        click.echo(f"No probability: {found.without}.", err=True)
    return 0


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A line on stderr that tells how far it is; nothing when stderr is not a terminal."""
    if not screen.lively():
        yield lambda _stage, _done, _all: None
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time

    with Console(stderr=True).status("Reading") as status:
        yield lambda stage, done, every: status.update(f"{stage}: {done} of {every}")

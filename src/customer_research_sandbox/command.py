"""`customer-research sandbox …`: run the invented world behind the vendors' own HTTP."""

from __future__ import annotations

import gc
import json
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import click


@click.group()
def sandbox() -> None:
    """Serve an invented world over the vendors' own HTTP, or write its history of churn as a table."""


@sandbox.command()
@click.option(
    "--operators",
    type=click.IntRange(min=0),
    default=400,
    show_default=True,
    help="Operators in the world, scenarios apart.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Which world.")
@click.option("--as-of", metavar="DATE", help="The world's present, ISO date or time in UTC.  [default: 2026-11-01]")
@click.option(
    "--latency", type=click.FloatRange(min=0), default=0, metavar="MS", help="Milliseconds added to every answer."
)
@click.option(
    "--fault", "faults", multiple=True, metavar="SOURCE:KIND[:RATE]", help="What goes wrong; may be repeated."
)
@click.option(
    "--also",
    multiple=True,
    type=click.Choice(["intercom", "snowflake", "stripe", "app-database", "facts", "reviews"]),
    help="A vendor that not everybody has: the settings file names it, too. Snowflake is then asked itself, not Metabase; the app's"
    " database is a Postgres of this machine's programs; facts are FMCSA's census and People Data Labs;"
    " reviews are G2 and Google Places.",
)
def serve(  # noqa: PLR0917 - one a command-line option
    operators: int, seed: int, as_of: str | None, latency: float, faults: tuple[str, ...], also: tuple[str, ...]
) -> None:
    """Start all vendors of the sandbox, company facts, Slack, calendars, places of reviews and a mail server on free ports of this machine.

    Prints one line of JSON with the addresses, the path of a settings file for --config, and the world's present; then
    serves until it is told to stop (Ctrl-C or SIGTERM).

    Faults: down, slow, http500, http429, auth, truncate, badjson, drop, schema; sources: lago, hubspot, metabase
    (or warehouse), snowflake, stripe, notion, intercom, facts, slack, calendar, g2, google_places, email; the rate is the share of requests
    that meet the fault. What was posted to Slack is shown at the path /show of its address; what was mailed lies in the folder `mail`
    beside the settings file.
    """
    from customer_research_sandbox.serve import Sandbox, clock_text  # noqa: PLC0415  (`--help` must stay cheap)
    from customer_research_sandbox.servers.faults import parse_fault  # noqa: PLC0415

    try:
        wrong = [parse_fault(text) for text in faults]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from None
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        started = Sandbox.start(operators, seed, _moment(as_of), latency, wrong, also=also)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None
    gc.freeze()  # the world stays as long as this process does, and is not to be looked through for garbage while it serves
    with started as running:
        told = {
            "addresses": running.addresses,
            "config": str(running.config_path),
            "as_of": clock_text(running.dataset.as_of),
        }
        click.echo(json.dumps(told))
        stop.wait()
    gc.unfreeze()  # DuckDB's modules complain of what is left when the process ends


@sandbox.command()
@click.option(
    "--operators", type=click.IntRange(1, 100_000), default=4000, show_default=True, help="Operators in the world."
)
@click.option("--months", type=click.IntRange(8, 240), default=24, show_default=True, help="Months of its history.")
@click.option("--seed", type=int, default=7, show_default=True, help="Which world.")
@click.option("--as-of", metavar="DATE", help="The world's present, ISO date or time in UTC.  [default: 2026-11-01]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="A folder that is not there yet, or is empty.",
)
def calib(operators: int, months: int, seed: int, as_of: str | None, output: Path) -> None:
    """Write a world with a known mechanism of churn as a table of signals, to try `calibrate` and `backtest` on.

    Writes signals.csv (a row for each paying operator and month: nineteen signals, and whether it gave notice within 90
    days) and points.json (an expert's points). Thirteen signals have a true effect, six are decoys; the truth lies apart in
    truth/, and nothing of the product reads it.
    """
    from customer_research_sandbox.calib import write_calib  # noqa: PLC0415  (`--help` must stay cheap)
    from customer_research_sandbox.world import DEFAULT_AS_OF  # noqa: PLC0415

    moment = _moment(as_of) or DEFAULT_AS_OF
    try:
        written = write_calib(output, seed=seed, operators=operators, months=months, as_of=moment)
    except FileExistsError:
        raise click.BadParameter(f"{output} is there and is not empty: give another.", param_hint="--output") from None
    except OSError as error:
        raise click.BadParameter(f"{output} cannot be written: {error.strerror}.", param_hint="--output") from None
    click.echo(f"{written.rows:,} rows of {written.operators:,} operators, {written.churned:,} of whom gave notice.")
    click.echo(f"Signals: {written.signals}")
    click.echo(f"Points:  {written.points}")
    click.echo(f"Truth:   {written.truth} (for you; nothing of the product reads it)")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"Write the date as 2026-11-01 or 2026-11-01T00:00:00Z, not {text!r}.", param_hint="--as-of"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

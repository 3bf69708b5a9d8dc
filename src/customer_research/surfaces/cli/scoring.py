"""Commands that score everybody: `portfolio score` (into the lake's snapshots) and `score` (any tables, printed)."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from customer_research.surfaces.cli import screen
from customer_research.surfaces.cli.reports import SCORECARD
from customer_research.surfaces.cli.session import PARTIAL, settings_of

if TYPE_CHECKING:
    from customer_research.domain.snapshot import Snapshot
    from customer_research.research.portfolio.take import SnapshotOrder, StatusLine

ENGINES = ("duckdb", "postgres", "spark", "snowflake")
SCHEMA = "customer-research/portfolio-score/1"
WIDTH = 100
HEADERS = ("Status", "Band", "Operators", "Mean score", "Known")

PORTFOLIO_SCORE_HELP = """\
Score every operator of the lake as of one instant, and keep it: score, dimensions, contributions, coverage, gates and
findings as Parquet files in the lake's folder `snapshots`, and in the score history.

Each operator gets the very score that `health` gives. The same question is not computed twice (--again does). A past date is
scored by what the lake knew then. Of a date before its first sync only what has a date counts; what a source overwrites without
one (a ticket's status, a planned cancellation) is not judged, coverage is lower for it, and the snapshot names it.

Once a month it also works out how often the score was right on earlier dates of the lake (the backtest of the setting
`scorecard`); `portfolio`, `digest`, `health` and `profile` say it beside the band.

Exit code: 0 done; 3 done, but a source should have told more; 2 the tables are empty or wrong, or the date is; 5 the
scorecard or the engine is.
"""
SCORE_HELP = """\
Score every operator of anybody's canonical tables (`customer-research tables` describes them) and print it; nothing is
kept. DIR holds TABLE.parquet, TABLE.csv or TABLE/*.parquet; tables that are not there are unknown.

Tables that tell of something later than --as-of were read later: of the date only what they date is told, and the rest is not
judged. A column `observed_at` says when they were read; rows with `valid_from` and `valid_to` are versions, of which the date
picks those that stood then.

With --json one document: what was scored from what, and each operator's score, dimensions, contributions (null: could not be
judged), coverage, gates and findings. Without it: how many stand where.
"""


def _asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what to score; the command is called with `asked`."""

    @functools.wraps(command)
    def with_asked(
        *arguments: Any,
        as_of: str | None,
        scorecard: str | None,
        engine: str | None,
        engine_url: str | None,
        tables: Path | None,
        again: bool = False,
        **options: Any,
    ) -> Any:
        from customer_research.research.portfolio.take import SnapshotOrder, instant  # noqa: PLC0415 - start-up time

        moment = instant(as_of) if as_of is not None else None
        return command(*arguments, asked=SnapshotOrder(moment, scorecard, tables, engine, engine_url, again), **options)

    wrapped: Callable[..., Any] = with_asked
    for option in (
        click.option("--json", "as_json", is_flag=True, help="As JSON."),
        click.option("--engine-url", help="Where that engine is (a setting keeps it out of the shell's history)."),
        click.option(
            "--engine", type=click.Choice(ENGINES), help="Where it is computed; default: setting engine.name."
        ),
        SCORECARD,
        click.option("--as-of", metavar="DATE", help="A day (its midnight) or an instant, UTC; default: now."),
    ):
        wrapped = option(wrapped)
    return wrapped


_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command("score", help=PORTFOLIO_SCORE_HELP)
@_asking
@click.option("--tables", type=_FOLDER, metavar="DIR", help="Canonical tables in a folder, instead of the lake's.")
@click.option("--again", is_flag=True, help="Compute it anew even when it is there already.")
@click.option("--no-track", is_flag=True, help="Do not work out how often the score was right on earlier dates.")
@click.pass_context
def portfolio_score(ctx: click.Context, *, asked: SnapshotOrder, no_track: bool, as_json: bool) -> int:
    """Take a snapshot and keep it; see `PORTFOLIO_SCORE_HELP` for exit codes."""
    from customer_research.research import system_clock  # noqa: PLC0415
    from customer_research.research.past.monthly_trial import once_a_month  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.take import standings, summary, take  # noqa: PLC0415

    settings = settings_of(ctx)
    folder, snapshot = take(settings, lambda: settings.clock or system_clock(), asked)
    found = standings(folder)
    if as_json:
        click.echo(_summary_json(summary(snapshot, folder), snapshot, found))
    else:
        click.echo(_summary(snapshot, found))
        click.echo(f"Files: {folder}")
    if not no_track and asked.tables is None and asked.as_of is None and asked.scorecard in {None, settings.scorecard}:
        once_a_month(
            settings, snapshot, lambda: settings.clock or system_clock(), lambda line: click.echo(line, err=True)
        )
    return _code(snapshot)


@click.command("score", help=SCORE_HELP)
@_asking
@click.option("--tables", type=_FOLDER, metavar="DIR", required=True, help="Canonical tables in a folder.")
@click.pass_context
def score(ctx: click.Context, *, asked: SnapshotOrder, as_json: bool) -> int:
    """Score anybody's tables and print it."""
    from customer_research.research import system_clock  # noqa: PLC0415
    from customer_research.research.portfolio.take import document, standings, taken_aside  # noqa: PLC0415

    settings = settings_of(ctx)
    with taken_aside(settings, lambda: settings.clock or system_clock(), asked) as (folder, snapshot):
        if as_json:
            for piece in document(folder, snapshot):
                click.echo(piece, nl=False)
        else:
            click.echo(_summary(snapshot, standings(folder)))
    return _code(snapshot)


def _code(snapshot: Snapshot) -> int:
    """Partial when a source that should have told did not."""
    return (
        PARTIAL if any(gap.reason not in {"not_configured", "not_applicable", "past"} for gap in snapshot.gaps) else 0
    )


def _summary_json(told: dict[str, Any], snapshot: Snapshot, found: tuple[StatusLine, ...]) -> str:
    from dataclasses import asdict  # noqa: PLC0415 - start-up time

    standing = [asdict(one) for one in found]
    gaps = [asdict(gap) for gap in snapshot.gaps]
    document = {"schema": SCHEMA, "snapshot": told, "standing": standing, "gaps": gaps}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _summary(snapshot: Snapshot, found: tuple[StatusLine, ...]) -> str:
    """How everybody stands as text, in colours on a terminal; then what is unknown."""
    from rich import box  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from customer_research.domain.health import BAND_LABELS  # noqa: PLC0415
    from customer_research.domain.words import counted, share_words, unit_words  # noqa: PLC0415

    out = io.StringIO()
    console = screen.paper(out, WIDTH)
    card = f"scorecard {snapshot.scorecard} {snapshot.version}"
    console.print(
        Text(
            f"{counted(snapshot.operators, 'operator')} as of {snapshot.as_of:%Y-%m-%d %H:%M} UTC, {card}, on {snapshot.engine}"
        )
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1), header_style="dim")
    for position, header in enumerate(HEADERS):
        table.add_column(header, justify="left" if position < len(("Status", "Band")) else "right")
    for one in found:
        average = "not known" if one.average is None else unit_words(one.average, "number")
        cells = (one.status.replace("_", " "), BAND_LABELS.get(one.band, one.band), f"{one.operators:,}", average)
        table.add_row(*(Text(cell) for cell in (*cells, share_words(one.coverage))))
    console.print(table)
    for gap in snapshot.gaps:
        words = f"Unknown of everybody, {gap.source}, {gap.reason.replace('_', ' ')}: {gap.detail} {gap.next_step}"
        console.print(Text(" ".join("".join(c if c.isprintable() else " " for c in words).split())))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))

"""`history`: one operator's score over time; and the snapshots behind it: `backfill`, `snapshot`, `list`, `verify`, `prune`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import click

from customer_research.surfaces.cli import screen
from customer_research.surfaces.cli.reports import SCORECARD, report_of, report_options
from customer_research.surfaces.cli.session import Delivery, settings_of

if TYPE_CHECKING:
    from customer_research.research.past.history.proof import Proof
    from customer_research.research.portfolio.history import SnapshotSummary
    from customer_research.settings import Settings

DIFFERENT = 1
SHOW = "show"
WIDTH = 120
HEADERS = (
    "As of",
    "Snapshot",
    "Scorecard",
    "Taken",
    "Operators",
    "Mean score",
    "Healthy",
    "Monitor",
    "At Risk",
    "Critical",
)
YEARS_BACK = 104
DIFFERENCES_SHOWN = 20
SHORT_ID = 8
NARROW_HEADERS = {"Operators": "All", "Mean score": "Mean"}

HELP = """\
How OPERATOR's score moved: change in 30, 60 and 90 days, a line of blocks with the readings, and what moved it (rules whose
points changed, dimensions that became unknown, another scorecard).

Readings come from the score history, which `customer-research portfolio score`, `history snapshot` and `history backfill`
write. An operator whose name is that of a sub-command is asked for with `history show OPERATOR`.
"""
BACKFILL_HELP = """\
Score the portfolio at weekly instants of the past by what the lake knew then. Of weeks before its first sync only what has a date
counts (bookings, payments, ends of subscriptions); what a source overwrites without one is not judged, and coverage is lower.

The weeks are counted back from the newest snapshot (or --until). Weeks that have a snapshot are left as they are: a run that
was cut off goes on where it stopped, and a second run changes nothing.
"""
VERIFY_HELP = """\
Prove SNAPSHOT (an id of `history list`, or its beginning; default: the newest): its figures are scored again under the
scorecard as it was kept, and every reading in the history is compared with what comes out. Findings are compared, too, when
they are judged as they were then: their rules come with the program, and the receipt tells of which text.

Exit code: 0 when all are the same; 1 when one differs.
"""


class _OperatorFirst(click.Group):
    """`history OPERATOR` is `history show OPERATOR`, unless OPERATOR is the name of a sub-command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        chosen = args if args and args[0] in self.commands else [SHOW, *args]
        return super().resolve_command(ctx, chosen)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options of `show` may come before the operator, too."""
        own = {"-h", "--help"}
        if args and args[0].startswith("-") and args[0] not in own:
            args = [SHOW, *args]
        return super().parse_args(ctx, args)


@click.group("history", cls=_OperatorFirst, help=HELP, options_metavar="", subcommand_metavar="OPERATOR | COMMAND ...")
def history() -> None:
    """Score history; without a sub-command that of one operator."""


@history.command(SHOW, help="How OPERATOR's score moved, and what moved it.")
@click.argument("operator")
@click.option("--last", type=click.IntRange(min=1), default=12, show_default=True, help="How many readings to list.")
@SCORECARD
@report_options
@click.pass_context
def show(ctx: click.Context, operator: str, last: int, scorecard: str | None, *, delivery: Delivery) -> int:
    """Show one operator's history."""
    from customer_research.research.past.history.operator_history import history_report  # noqa: PLC0415 - start-up time

    return report_of(
        ctx, lambda research: history_report(research, operator, scorecard=scorecard, shown=last), delivery
    )


@history.command("backfill", help=BACKFILL_HELP)
@click.option(
    "--weeks", type=click.IntRange(1, 1040), default=YEARS_BACK, show_default=True, help="How many weeks back."
)
@click.option("--until", metavar="DATE", help="The newest instant: a day (its midnight) or an instant, UTC.")
@SCORECARD
@click.option("--json", "as_json", is_flag=True, help="What was done as JSON.")
@click.pass_context
def backfill(ctx: click.Context, weeks: int, until: str | None, scorecard: str | None, *, as_json: bool) -> int:
    """Fill the history with the weeks that it lacks."""
    from customer_research.research.past.history import backfill as filling  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.take import instant  # noqa: PLC0415

    settings, clock = _settings_and_clock(ctx)
    moment = None if until is None else instant(until)
    with _progress() as told:
        done = filling.backfill(settings, clock, weeks=weeks, scorecard=scorecard, until=moment, told=told)
    if as_json:
        scored = [_instant(one) for one in done.scored]
        counts = {"weeks_there": done.there, "weeks_before_the_data": done.before}
        click.echo(json.dumps({"until": _instant(done.until), "scored": scored, **counts}, indent=2))
        return 0
    before = f"; {_weeks(done.before)} before the data begin" if done.before else ""
    click.echo(f"{_weeks(len(done.scored))} scored, {done.there} there already{before}.")
    return 0


@history.command("snapshot", help="Score the portfolio now and keep it: once a day for the same tables and scorecard.")
@SCORECARD
@click.option("--json", "as_json", is_flag=True, help="The snapshot as JSON.")
@click.pass_context
def snapshot(ctx: click.Context, scorecard: str | None, *, as_json: bool) -> int:
    """Take today's snapshot."""
    from customer_research.research.past.history.backfill import take  # noqa: PLC0415 - start-up time

    settings, clock = _settings_and_clock(ctx)
    taken, new = take(settings, clock, scorecard=scorecard)
    if as_json:
        told = {"id": taken.id, "as_of": _instant(taken.as_of), "operators": taken.operators, "new": new}
        click.echo(json.dumps(told, indent=2))
    else:
        what = "Kept" if new else "There already"
        click.echo(
            f"{what}: snapshot {taken.id} of {taken.operators:,} operators as of {taken.as_of:%Y-%m-%d %H:%M} UTC."
        )
    return 0


@history.command("list", help="The snapshots of the history, the newest first, with how the operators stood.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> int:
    """List the snapshots."""
    from customer_research.research.portfolio.history import listed  # noqa: PLC0415 - start-up time

    found = listed(settings_of(ctx).store_url)
    click.echo(_listed_json(found) if as_json else _listed_table(found))
    return 0


@history.command("verify", help=VERIFY_HELP)
@click.argument("snapshot_id", metavar="[SNAPSHOT]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def verify(ctx: click.Context, snapshot_id: str | None, *, as_json: bool) -> int:
    """Score a snapshot again and compare."""
    from customer_research.research.past.history import proof as proving  # noqa: PLC0415 - start-up time

    proof = proving.verify(settings_of(ctx), snapshot_id)
    click.echo(_proof_json(proof) if as_json else _proof_words(proof))
    return DIFFERENT if proof.differences else 0


@history.command("prune")
@click.option(
    "--keep-daily", "days", type=click.IntRange(min=0), required=True, metavar="N", help="Days of which all is kept."
)
@click.pass_context
def prune(ctx: click.Context, days: int) -> int:
    """Thin the history out: all snapshots of the last N days stay, of earlier weeks (per scorecard) the newest one each.

    Files in the lake of snapshots that go, go too.
    """
    from customer_research.research.portfolio.history import prune as thin  # noqa: PLC0415 - start-up time

    settings, clock = _settings_and_clock(ctx)
    gone = thin(settings, clock, days)
    click.echo(f"{gone} snapshot{'' if gone == 1 else 's'} removed.")
    return 0


def _settings_and_clock(ctx: click.Context) -> tuple[Settings, Callable[[], datetime]]:
    from customer_research.research import system_clock  # noqa: PLC0415 - start-up time

    settings = settings_of(ctx)
    return settings, lambda: settings.clock or system_clock()


def _weeks(count: int) -> str:
    return f"{count} week{'' if count == 1 else 's'}"


def _instant(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar with counts on stderr; nothing when it is not a terminal."""
    if not screen.lively():
        yield lambda _done, _of: None
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("Scoring weeks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _listed_json(found: Sequence[SnapshotSummary]) -> str:
    return json.dumps(
        [
            {
                "id": one.snapshot.id,
                "as_of": _instant(one.snapshot.as_of),
                "taken_at": _instant(one.snapshot.taken_at),
                "kind": one.snapshot.kind,
                "scorecard": one.snapshot.scorecard,
                "version": one.snapshot.version,
                "digest": one.snapshot.digest,
                "tables": one.snapshot.tables,
                "engine": one.snapshot.engine,
                "operators": one.snapshot.operators,
                "average": one.average,
                "bands": dict(one.bands),
            }
            for one in found
        ],
        indent=2,
        ensure_ascii=False,
    )


def _listed_table(found: Sequence[SnapshotSummary]) -> str:
    from customer_research.domain.words import unit_words  # noqa: PLC0415 - start-up time

    rows = [
        (
            _moment(one.snapshot.as_of),
            one.snapshot.id,
            f"{one.snapshot.scorecard} {one.snapshot.version}",
            "later" if one.snapshot.kind == "backfill" else "then",
            f"{one.snapshot.operators:,}",
            "not known" if one.average is None else unit_words(one.average, "number"),
            *(f"{one.bands.get(band, 0):,}" for band in ("healthy", "monitor", "at_risk", "critical")),
        )
        for one in found
    ]
    if not rows:
        return "There is no snapshot in the score history yet."
    if not _narrow():
        return _table(HEADERS, rows, right_from=4)
    short = [(as_of, id_[:SHORT_ID], card, *rest) for as_of, id_, card, _, *rest in rows]
    headers = [NARROW_HEADERS.get(header, header) for header in HEADERS if header != "Taken"]
    return _table(headers, short, right_from=3)


def _narrow() -> bool:
    """Whether the whole table has no room; a shortened id still names its snapshot."""
    return screen.columns(WIDTH) < WIDTH


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d}" if value.time() == time.min else f"{value:%Y-%m-%d %H:%M}"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right_from: int) -> str:
    """A table as text; in colours on a terminal."""
    from rich import box  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    out = io.StringIO()
    console = screen.paper(out, WIDTH)
    narrow = _narrow()
    gap = (0, 0) if narrow else (0, 1)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=gap, header_style="dim")
    for position, (header, *cells) in enumerate(zip(headers, *rows, strict=True)):
        longest = max(len(word) for text in (header, *cells) for word in text.split())
        left = position < right_from
        table.add_column(header, justify="left" if left else "right", no_wrap=not narrow, min_width=longest)
    for row in rows:
        table.add_row(*(Text("".join(c if c.isprintable() else " " for c in cell)) for cell in row))
    console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _proof_json(proof: Proof) -> str:
    differences: list[dict[str, Any]] = [
        {"operator_id": one.operator_id, "field": one.field, "kept": one.kept, "again": one.again}
        for one in proof.differences
    ]
    told = {
        "snapshot": proof.snapshot.id,
        "as_of": _instant(proof.snapshot.as_of),
        "scorecard_digest": proof.snapshot.digest,
        "readings": proof.readings,
        "findings": proof.findings,
        "same": not differences,
        "differences": differences,
    }
    return json.dumps(told, indent=2, ensure_ascii=False, default=str)


def _proof_words(proof: Proof) -> str:
    under = f"snapshot {proof.snapshot.id} as of {proof.snapshot.as_of:%Y-%m-%d %H:%M} UTC"
    if not proof.differences:
        parts = "dimensions, contributions, gates, findings" if proof.findings else "dimensions, contributions, gates"
        left_out = (
            "" if proof.findings else " Findings were judged by another version of the program: they are not proven."
        )
        return (
            f"Same: all {proof.readings:,} readings of {under} come out again, with their {parts} and coverage, under the "
            f"scorecard {proof.snapshot.digest[:16]}.{left_out}"
        )
    lines = [f"Different: {len(proof.differences):,} values of {under}."]
    lines += [
        f"  {one.operator_id or 'snapshot'}, {one.field}: kept {one.kept!r}, again {one.again!r}"
        for one in proof.differences[:DIFFERENCES_SHOWN]
    ]
    left = len(proof.differences) - DIFFERENCES_SHOWN
    return "\n".join([*lines, f"  and {left:,} more (--json lists all)"] if left > 0 else lines)

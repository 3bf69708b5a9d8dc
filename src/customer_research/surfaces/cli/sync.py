"""`sync`: every source's records of all operators into the lake, with progress and one line a stream."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from customer_research.surfaces.cli import screen
from customer_research.surfaces.cli.session import PARTIAL, settings_of

if TYPE_CHECKING:
    from rich.progress import TaskID

    from customer_research.domain.pull import Progress, PullResult

SCHEMA = "customer-research/sync/1"
NOTHING_WORKED = 6
WIDTH = 100
HEADERS = ("Source", "Stream", "Outcome", "Rows", "Gone", "In the lake", "Requests", "Seconds")
STYLES = {"done": "", "unchanged": "dim", "partial": "yellow", "skipped": "yellow"}
"""Style of a result; all others are red. The result stands there in words, too."""

HELP = """\
Pull the records of all operators into the lake: from every configured source, or from each SOURCE (hubspot, lago, notion,
warehouse).

The first sync asks for everything, later ones for what changed; after lake.full_days everything again, since not every
vendor tells what was deleted. A sync that was cut off goes on where it was. Running it twice changes nothing. A source that
fails stops no other; what it gave before stays in the lake.

Exit code: 0 all pulled; 3 some stream failed or is partial (the source sent less than it announced, or records that cannot
be read); 5 no source is configured, or not the one that was asked for; 6 nothing could be pulled.
"""


@click.command("sync", help=HELP)
@click.argument("sources", nargs=-1, metavar="[SOURCE...]")
@click.option("--full", is_flag=True, help="Ask for everything, and find what was deleted.")
@click.option(
    "--since",
    type=click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S")),
    help="Ask for what changed since this day or instant (UTC) instead of since the last sync.",
)
@click.option("--json", "as_json", is_flag=True, help="The outcomes as JSON.")
@click.pass_context
def sync(ctx: click.Context, sources: tuple[str, ...], *, full: bool, since: datetime | None, as_json: bool) -> int:
    """Run a sync; see `HELP` for exit codes."""
    from customer_research.research import system_clock  # noqa: PLC0415 - start-up time
    from customer_research.research.sync import run  # noqa: PLC0415

    settings = settings_of(ctx)
    with progress_told() as told:
        results = run(
            settings,
            lambda: settings.clock or system_clock(),
            sources=sources,
            full=full,
            since=since.replace(tzinfo=UTC) if since is not None else None,
            told=told,
        )
    if as_json:
        click.echo(json.dumps(_document(results), indent=2, ensure_ascii=False))
    else:
        click.echo(table_of(results))
    return _code(results)


def _code(results: Sequence[PullResult]) -> int:
    states = {result.state for result in results}
    if not states & {"failed", "partial"}:
        return 0
    return PARTIAL if states & {"done", "unchanged", "partial"} else NOTHING_WORKED


def _document(results: Sequence[PullResult]) -> dict[str, object]:
    rows = [dataclasses.asdict(result) for result in results]
    for row in rows:
        for name in ("started", "ended", "as_of"):
            row[name] = _instant(row[name]) if row[name] is not None else None
    return {"schema": SCHEMA, "outcomes": rows}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# -- progress ----------------------------------------------------------------------------------------------------------


@contextmanager
def progress_told() -> Iterator[Callable[[Progress], None]]:
    """Progress on stderr: a bar a stream on a terminal, else a line when a stream ends."""
    if not screen.lively():
        yield _line
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:

        def told(progress: Progress) -> None:
            if progress.name not in tasks:
                tasks[progress.name] = bars.add_task(progress.name, total=None, counts="")
            task = tasks[progress.name]
            if progress.result is None:
                bars.update(task, total=progress.total, completed=progress.done, counts=counts_of(progress))
            else:
                bars.update(task, total=1, completed=1, counts=progress.result.state)

        yield told


def _line(progress: Progress) -> None:
    result = progress.result
    if result is not None:
        click.echo(f"{progress.name}: {result.state}, {result.rows:,} rows in {result.seconds:.1f} s", err=True)


def counts_of(progress: Progress) -> str:
    """How far a stream is: `1,200 of 4,000`, or `1,200` where the source does not tell how many there are."""
    return f"{progress.done:,}" if progress.total is None else f"{progress.done:,} of {progress.total:,}"


# -- the table ---------------------------------------------------------------------------------------------------------


def table_of(results: Sequence[PullResult]) -> str:
    """The results as text: a line a stream, then what is to be said of some; in colours on a terminal."""
    from rich import box  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    out = io.StringIO()
    console = screen.paper(out, WIDTH)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1), header_style="dim")
    for position, header in enumerate(HEADERS):
        table.add_column(header, justify="left" if position < len(("Source", "Stream", "Outcome")) else "right")
    for result in results:
        counts = (result.rows, result.gone, result.held, result.requests)
        cells = (*(f"{count:,}" for count in counts), f"{result.seconds:.1f}")
        state = Text(result.state, STYLES.get(result.state, "red"))
        table.add_row(result.source, result.stream, state, *(Text(cell) for cell in cells))
    console.print(table)
    for note in dict.fromkeys(map(_note, results)):
        if note:
            console.print(Text(note))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _note(result: PullResult) -> str:
    """What is to be said of a stream; a source that is not configured says it once."""
    gap = result.gap
    if gap is None:
        return ""
    about = result.source if result.state == "skipped" else result.name
    told = f"{about}: {gap.detail} {gap.next_step}"
    if result.state == "failed" and result.as_of is not None:
        told += f" The lake keeps its {result.held:,} rows of {_instant(result.as_of)}."
    return " ".join("".join(c if c.isprintable() else " " for c in told).split())

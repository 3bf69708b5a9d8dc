"""How far a command has come, on standard error: a line of what is fetched, a bar with counts, or a bar a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from customer_research.surfaces.cli import screen

if TYPE_CHECKING:
    from rich.progress import TaskID

    from customer_research.domain.pull import Progress
    from customer_research.research.usecases import UseCase

Heard = Callable[..., None]


@contextmanager
def progress_of(case: UseCase) -> Iterator[Heard]:
    """The display of a use case's progress; nothing when standard error is not a terminal, unless it is lines."""
    if case.name in _TOLD:
        with _TOLD[case.name]() as heard:
            yield heard
        return
    if not screen.lively():
        yield lambda *_said: None
        return
    with _STEPS[case.name]() if case.name in _STEPS else fetching("live" in case.needs) as heard:
        yield heard


@contextmanager
def fetching(live: bool) -> Iterator[Heard]:  # noqa: FBT001 - the one thing it asks
    """A line that tells what is being fetched."""
    if not live:
        yield lambda *_said: None
        return
    under_way: dict[str, str] = {}
    with _console().status("Looking the operator up") as status:

        def heard(stream: str, state: str) -> None:
            under_way[stream] = state
            status.update(progress_words(under_way))

        yield heard


def progress_words(under_way: Mapping[str, str]) -> str:
    """How far the fetching is, and which sources it waits for."""
    waiting = [name for name, state in under_way.items() if state == "started"]
    done = f"{len(under_way) - len(waiting)} of {len(under_way)} fetched"
    if not waiting:
        return f"{done}; computing"
    sources = dict.fromkeys(name.partition(".")[0] for name in waiting)
    return f"{done}; waiting for {', '.join(sources)}"


@contextmanager
def stages() -> Iterator[Heard]:
    """A line that tells how far which stage is."""
    with _console().status("Reading") as status:
        yield lambda stage, done, every: status.update(f"{stage}: {done} of {every}")


@contextmanager
def bar(words: str) -> Iterator[Heard]:
    """A bar with counts; a third thing heard takes the place of the words."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console()) as drawn:
        task = drawn.add_task(words, total=None)

        def heard(done: int, of: int, said: str = words) -> None:
            drawn.update(task, completed=done, total=of, description=said)

        yield heard


_STEPS: Mapping[str, Callable[[], Any]] = {
    "alerts simulate": lambda: bar("Judging snapshots"),
    "batch": lambda: bar("starting"),
    "calibrate": stages,
    "history backfill": lambda: bar("Scoring weeks"),
}
"""Use case → the display of its steps."""


@contextmanager
def told() -> Iterator[Heard]:
    """A line of its own for each thing heard."""
    yield lambda line: click.echo(line, err=True)


def _console() -> Any:
    from rich.console import Console  # noqa: PLC0415 - start-up time

    return Console(stderr=True)


# -- a sync ------------------------------------------------------------------------------------------------------------


@contextmanager
def pulls() -> Iterator[Callable[[Progress], None]]:
    """A bar a stream on a terminal, else a line when a stream ends."""
    if not screen.lively():
        yield _line
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=_console(), transient=True) as bars:

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


_TOLD: Mapping[str, Callable[[], Any]] = {"portfolio score": told, "sync": pulls}
"""Use case → the display of its steps that is one of lines where standard error is no terminal."""

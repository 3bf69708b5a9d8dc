"""How far a command has come, on standard error: a line of what is fetched, a bar with counts, or a bar a stream.

Where standard error is no terminal, what has bars on one says a line every ten seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import click

from customer_research.surfaces.cli import screen

if TYPE_CHECKING:
    from rich.progress import TaskID

    from customer_research.domain.pull import Progress
    from customer_research.research.usecases import UseCase

Heard = Callable[..., None]

PACE_SECONDS = 10.0
"""How often a line says how far a command has come, where no bar can be drawn."""


_MINUTE = 60


@contextmanager
def progress_of(case: UseCase) -> Iterator[Heard]:
    """The display of a use case's progress; nothing when standard error is not a terminal, unless it is lines."""
    if case.name in _TOLD:
        with _TOLD[case.name]() as heard:
            yield heard
        return
    if case.name in _BARS:
        with (bar if screen.lively() else bar_in_lines)(_BARS[case.name]) as heard:
            yield heard
        return
    if not screen.lively():
        yield lambda *_said: None
        return
    with stages() if case.name in _STAGES else fetching("live" in case.needs) as heard:
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


@contextmanager
def bar_in_lines(words: str) -> Iterator[Heard]:
    """What the bar says, as a line every ten seconds."""
    pace, said_last = _Pace(), [""]

    def heard(done: int, of: int, said: str = words) -> None:
        said_last[0] = f"{said}: {pace.words(done, of)}"

    with every(PACE_SECONDS, lambda: said_last[0]):
        yield heard


class _Pace:
    """Counts with the time that is left, if the rest goes as fast as what is done since the first count."""

    def __init__(self) -> None:
        self._began, self._first = time.monotonic(), 0
        self._heard = False

    def words(self, done: int, of: int | None) -> str:
        """`12 of 104, 3 min left`; without the time while nothing tells it."""
        if not self._heard:
            self._began, self._first, self._heard = time.monotonic(), done, True
        if of is None:
            return f"{done:,}"
        gone, passed = done - self._first, time.monotonic() - self._began
        left = f", {time_words(passed / gone * (of - done))} left" if 0 < done < of and gone else ""
        return f"{done:,} of {of:,}{left}"


def time_words(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h 5 min`; never less than a second."""
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / _MINUTE), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


@contextmanager
def every(seconds: float, words: Callable[[], str]) -> Iterator[None]:
    """Say a line (nothing, where it is empty) every so many seconds until the block ends, also while nothing is heard."""
    over = Event()

    def said() -> None:
        while not over.wait(seconds):
            line = words()
            if line:
                click.echo(line, err=True)

    teller = Thread(target=said, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


_BARS: Mapping[str, str] = {
    "alerts simulate": "Judging snapshots",
    "batch": "starting",
    "history backfill": "Scoring weeks",
    "report all": "starting",
}
"""Use case → the words of its bar."""

_STAGES = frozenset({"calibrate"})
"""Use cases that tell of stages."""


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
    """A bar a stream on a terminal, else a line when a stream ends, and one of those under way every ten seconds."""
    if not screen.lively():
        with _pulls_in_lines() as told:
            yield told
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
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


@contextmanager
def _pulls_in_lines() -> Iterator[Callable[[Progress], None]]:
    under_way: dict[str, str] = {}
    paces: dict[str, _Pace] = {}

    def told(progress: Progress) -> None:
        result = progress.result
        if result is None:
            pace = paces.setdefault(progress.name, _Pace())
            under_way[progress.name] = pace.words(progress.done, progress.total)
            return
        under_way.pop(progress.name, None)
        click.echo(f"{progress.name}: {result.state}, {result.rows:,} rows in {result.seconds:.1f} s", err=True)

    with every(PACE_SECONDS, lambda: "; ".join(f"{name}: {words}" for name, words in [*under_way.items()])):
        yield told


def counts_of(progress: Progress) -> str:
    """How far a stream is: `1,200 of 4,000`, or `1,200` where the source does not tell how many there are."""
    return f"{progress.done:,}" if progress.total is None else f"{progress.done:,} of {progress.total:,}"


_TOLD: Mapping[str, Callable[[], Any]] = {"portfolio score": told, "sync": pulls}
"""Use case → the display of its steps that is one of lines where standard error is no terminal."""

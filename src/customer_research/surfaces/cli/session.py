"""What every command shares: settings, one `Research`, progress on a terminal, and writing the result."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from customer_research import private
from customer_research.documents.formats import FORMATS, NAMES, load, render
from customer_research.errors import UsageError
from customer_research.surfaces.cli import screen

if TYPE_CHECKING:
    from customer_research.domain.report import Report
    from customer_research.research import Research
    from customer_research.settings import Settings

T = TypeVar("T")

SUFFIXES = {suffix: name for name, known in FORMATS.items() for suffix in known.suffixes}
"""File suffix → format."""


class FormatName(click.Choice[str]):
    """A format by its name, a file's suffix (`md`, `.txt`) or another usual word for it; a wrong one is told all names."""

    def __init__(self) -> None:
        super().__init__(tuple(FORMATS))

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The format's name."""
        return super().convert(NAMES.get(value.strip().lower().removeprefix("."), value), param, ctx)


PARTIAL = 3
STANDARD_OUTPUT = Path("-")
"""As `--output`: not a file of that name."""


def settings_of(ctx: click.Context) -> Settings:
    """The settings that `--config`, the environment and the user's file give."""
    from customer_research.settings import load_settings  # noqa: PLC0415 - start-up time

    return load_settings(ctx.find_root().obj)


def with_research(ctx: click.Context, work: Callable[[Research], Awaitable[T]], settings: Settings | None = None) -> T:
    """Open a `Research`, do the work with progress on a terminal, close it."""
    from customer_research.research import Research  # noqa: PLC0415 - start-up time

    chosen = settings or settings_of(ctx)

    async def session(progress: Callable[[str, str], None]) -> T:
        async with Research(chosen, progress=progress) as research:
            return await work(research)

    with progress_display() as progress:
        return finished(session(progress))


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that is run from its beginning to its end, as `asyncio.run` does.

    The task itself ends without a result: `asyncio.run` spells the task out in text twice, with all of an account in it.
    """
    results: list[T] = []

    async def kept() -> None:
        results.append(await work)

    asyncio.run(kept())
    return results[0]


@contextmanager
def progress_display() -> Iterator[Callable[[str, str], None]]:
    """A line on stderr that tells what is being fetched; nothing when stderr is not a terminal."""
    if not screen.lively():
        yield lambda _stream, _state: None
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time

    under_way: dict[str, str] = {}
    with Console(stderr=True).status("Looking the operator up") as status:

        def progress(stream: str, state: str) -> None:
            under_way[stream] = state
            status.update(progress_words(under_way))

        yield progress


def progress_words(under_way: Mapping[str, str]) -> str:
    """How far the fetching is, and which sources it waits for."""
    waiting = [name for name, state in under_way.items() if state == "started"]
    done = f"{len(under_way) - len(waiting)} of {len(under_way)} fetched"
    if not waiting:
        return f"{done}; computing"
    sources = dict.fromkeys(name.partition(".")[0] for name in waiting)
    return f"{done}; waiting for {', '.join(sources)}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the caller wants a report: its format, the file (None: standard output), personal data shown or not, slides' template."""

    format: str
    output: Path | None
    show_personal: bool
    template: Path | None = None

    def __call__(self, report: Report) -> None:
        """Render the report and hand it over."""
        to_file = self.output is not None
        made = rendered(report, self.format, show_personal=self.show_personal, to_file=to_file, template=self.template)
        deliver(made if FORMATS[self.format].binary else made.decode(), self.output)


def delivery_of(
    ctx: click.Context,
    chosen: str | None,
    *,
    as_json: bool,
    output: Path | None,
    show_personal: bool,
    template: Path | None = None,
) -> Delivery:
    """The delivery that the options ask for, refused before anything is fetched when it cannot be.

    Raises:
        UsageError: options that contradict each other, or a suffix that names no format.
    """
    target = None if output == STANDARD_OUTPUT else output
    style = output_format(chosen, as_json=as_json, output=target)
    if FORMATS[style].binary and target is None and screen.terminal():
        suffix = FORMATS[style].suffixes[0]
        raise UsageError(f"{style} is no text for a terminal.", hint=f"Give a file: --output report{suffix}")
    refuse_template(style, template)
    return Delivery(style, target, show_personal or settings_of(ctx).show_personal, template)


def refuse_template(style: str, template: Path | None) -> None:
    """Refuse a template that the format does not use, or that cannot be read, before anything is fetched.

    Raises:
        UsageError: there is a template, and the format takes none, or it is no presentation.
    """
    if template is None:
        return
    if "template" not in FORMATS[style].options:
        taking = ", ".join(name for name, known in FORMATS.items() if "template" in known.options)
        raise UsageError(f"{style} takes no template.", hint=f"Formats that take one: {taking}.")
    load("slide_layouts").opened(template)


def output_format(chosen: str | None, *, as_json: bool, output: Path | None) -> str:
    """The format that the options ask for: `--format`, `--json`, or the output file's suffix."""
    if as_json and chosen not in {None, "json"}:
        raise UsageError(f"--json and --format {chosen} contradict each other.", hint="Give one of them.")
    if as_json:
        return "json"
    if chosen is not None:
        return chosen
    if output is None or not output.suffix:
        return "terminal"
    if output.suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"The suffix {output.suffix} names no format.", hint=f"Use one of {known}, or --format.")
    return SUFFIXES[output.suffix.lower()]


def rendered(report: Report, chosen: str, *, show_personal: bool, to_file: bool, template: Path | None = None) -> bytes:
    """A report in one of the formats; in colour where it goes to a terminal that shows it."""
    color = not to_file and screen.coloured()
    made = render(report, chosen, show_personal=show_personal, color=color, template=template)
    return made if FORMATS[chosen].binary else made.rstrip(b"\n") + b"\n"


def deliver(made: str | bytes, output: Path | None) -> None:
    """Print what was made, or write it to a file in one step (an interrupted write leaves the old file).

    Raises:
        UsageError: the file cannot be written.
    """
    if output is None:
        click.echo(made, nl=False)
        return
    try:
        _write(output.resolve(), made.encode() if isinstance(made, str) else made)
    except OSError as error:
        raise UsageError(f"Cannot write {output}: {error.strerror}.", hint="Give another file.") from None
    click.echo(f"Written: {output}", err=True)


def _write(target: Path, made: bytes) -> None:
    """Put the bytes where the target is, for their owner alone; a device or pipe is written to, never replaced.

    A file that is there keeps what its owner lets others do, unless everybody could read it, as by an older version.
    """
    if target.exists() and not target.is_file():
        target.write_bytes(made)
        return
    private.clear_drafts(target.parent)
    with private.draft_of(target) as draft:
        draft.write_bytes(made)
        if target.exists() and not target.stat().st_mode & stat.S_IROTH:
            draft.chmod(stat.S_IMODE(target.stat().st_mode))


class OutputFile(click.Path):
    """A file that a command is to write: refused before any work when its folder is not there."""

    def __init__(self, *, allow_dash: bool = False) -> None:
        super().__init__(path_type=Path, dir_okay=False, allow_dash=allow_dash)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            UsageError: its folder does not exist, or nothing can be written there.
        """
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path == STANDARD_OUTPUT and self.allow_dash:
            return path
        folder = path.resolve().parent
        if not folder.is_dir():
            raise UsageError(f"The folder {path.parent} does not exist.", hint="Make it first, or give another file.")
        if not os.access(folder, os.W_OK) and not (path.exists() and os.access(path, os.W_OK)):
            raise UsageError(f"The folder {path.parent} cannot be written to.", hint="Give another file.")
        return path

"""What every command shares: settings, one `Research`, progress on a terminal, and writing the result."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from customer_research.errors import UsageError

if TYPE_CHECKING:
    from customer_research.domain.report import Report
    from customer_research.research import Research
    from customer_research.settings import Settings

T = TypeVar("T")

Format = Literal["terminal", "markdown", "json"]
FORMATS: tuple[Format, ...] = ("terminal", "markdown", "json")
SUFFIXES: dict[str, Format] = {".md": "markdown", ".json": "json", ".txt": "terminal"}
PARTIAL = 3


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
        return asyncio.run(session(progress))


@contextmanager
def progress_display() -> Iterator[Callable[[str, str], None]]:
    """A line on stderr that tells what is being fetched; nothing when stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda _stream, _state: None
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time

    console = Console(stderr=True)
    under_way: dict[str, str] = {}
    with console.status("Starting") as status:

        def progress(stream: str, state: str) -> None:
            under_way[stream] = state
            waiting = [name for name, now in under_way.items() if now == "started"]
            status.update(
                f"{len(under_way) - len(waiting)}/{len(under_way)} fetched; waiting for {', '.join(waiting[:4])}"
            )

        yield progress


def output_format(chosen: str | None, *, as_json: bool, output: Path | None) -> Format:
    """The format that the options ask for: `--format`, `--json`, or the output file's suffix."""
    if as_json:
        return "json"
    if chosen is not None:
        return next(name for name in FORMATS if name == chosen)
    if output is not None and output.suffix:
        if output.suffix not in SUFFIXES:
            known = ", ".join(SUFFIXES)
            raise UsageError(f"The suffix {output.suffix} names no format.", hint=f"Use one of {known}, or --format.")
        return SUFFIXES[output.suffix]
    return "terminal"


def render_text(report: Report, chosen: Format, *, show_personal: bool, to_file: bool) -> str:
    """A report as text in one of the formats."""
    if chosen == "markdown":
        from customer_research.reports.render import markdown  # noqa: PLC0415 - start-up time

        return markdown.render(report, show_personal=show_personal)
    if chosen == "json":
        from customer_research.reports.render import json_  # noqa: PLC0415 - start-up time

        return json_.render(report, show_personal=show_personal)
    from customer_research.reports.render import terminal  # noqa: PLC0415 - start-up time

    colour = not to_file and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return terminal.render(report, show_personal=show_personal, color=colour)


def deliver(text: str, output: Path | None) -> None:
    """Print the text, or write it to a file in one step (an interrupted write leaves the old file)."""
    if output is None:
        click.echo(text.rstrip("\n"))
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=output.parent, delete=False, encoding="utf-8") as draft:
            draft.write(text if text.endswith("\n") else text + "\n")
        Path(draft.name).replace(output)
    except OSError as error:
        raise UsageError(f"Cannot write {output}: {error.strerror}.", hint="Give another --output.") from None
    click.echo(f"Written: {output}", err=True)

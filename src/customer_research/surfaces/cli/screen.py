"""What the place is like that the command line writes to: how wide, whether in colours, whether it can be written over."""

from __future__ import annotations

import os
import shutil
import sys
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

REPORT = 45
"""How many lines a report takes on a terminal, unless all of it is asked for."""

_LINES = 24


def terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def coloured() -> bool:
    """Whether standard output is a terminal that shows colours and whose user wants them."""
    return terminal() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def lively() -> bool:
    """Whether standard error is a terminal on which progress can be drawn over what stands there."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def columns(default: int) -> int:
    """How wide standard output is: as COLUMNS says, else as the terminal is; *default* where there is neither."""
    if terminal():
        return shutil.get_terminal_size((default, _LINES)).columns
    told = os.environ.get("COLUMNS", "")
    return int(told) if told.isdecimal() and int(told) else default


def plain(text: str) -> str:
    """A line without control characters: our own, a vendor's or the user's words never command the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def paper(out: IO[str], default: int) -> Console:
    """A console that draws into *out* what standard output is then to show (`columns`, `coloured`); words stay as they are."""
    from rich.console import Console  # noqa: PLC0415 - start-up time

    colours = coloured()
    return Console(
        file=out,
        width=columns(default),
        height=_LINES,  # with both given, TERM has no say in the width
        force_terminal=colours,
        color_system="standard" if colours else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )

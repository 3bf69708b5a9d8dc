"""Lines of a name and its text: one line each where a program reads them, wrapped under the text on a terminal."""

from __future__ import annotations

import textwrap

from customer_research.surfaces.cli import screen

_NARROWEST_TEXT = 30
_INDENT = 4
_DEFAULT = 100


def hanging(lead: str, text: str) -> str:
    """*lead*, then *text*; on a terminal no line is wider than it, and the text's other lines begin under its first.

    Where the lead leaves too little room, the text begins on a line of its own.
    """
    line = f"{lead}{text}"
    if not screen.terminal():
        return line
    width = screen.columns(_DEFAULT)
    if len(line) <= width:
        return line
    text = " ".join(text.split())
    if len(lead) + len(text) <= width:
        return f"{lead}{text}"
    if width - len(lead) >= _NARROWEST_TEXT:
        return _wrapped(text, width, lead, " " * len(lead))
    indent = " " * _INDENT
    return f"{lead.rstrip()}\n{_wrapped(text, width, indent, indent)}"


def _wrapped(text: str, width: int, first: str, rest: str) -> str:
    return "\n".join(
        textwrap.wrap(
            text, max(width, 2 * _INDENT), initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        )
    )

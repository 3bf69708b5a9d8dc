"""Tables, and lines of a name and its text: no line is wider than the terminal, and no word is cut."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from customer_research.surfaces.cli import screen

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from customer_research.research.usecases import Table

_NARROWEST_TEXT = 30
_INDENT = 4
_DEFAULT = 100
_LOOSE, _TIGHT = 3, 2
"""Blanks between the columns of a table: where it has room as it stands, and else."""

_NAMED_FROM = 3
"""The column from which on a cell says its header, where there is no room for a table."""


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


def drawn(table: Table) -> str:
    """A table as text, in colours when standard output is a terminal that wants them; lines where it has no room."""
    from rich.text import Text  # noqa: PLC0415 - start-up time

    out = io.StringIO()
    console = screen.paper(out, table.width)
    for line in table.before:
        console.print(Text(screen.plain(line)))
    for shown, apart, widths in _fitting(table, console.width):
        _draw(console, shown, apart, widths)
        break
    else:
        _list(console, table.narrow or table)
    for line in table.after:
        console.print(Text(" ".join(screen.plain(line).split())))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _fitting(table: Table, width: int) -> Iterator[tuple[Table, int, list[int]]]:
    """The table in the forms that have room, the best first: its widths, and what is between them."""
    for shown in (table, *((table.narrow,) if table.narrow is not None else ())):
        for apart in (_TIGHT,) if shown.tight else (_LOOSE, _TIGHT):
            room = width - apart * (len(shown.headers) - 1)
            widths = _widths([shown.headers, *shown.rows], room, whole=apart == _LOOSE)
            if widths:
                yield shown, apart, widths


def _draw(console: Console, table: Table, apart: int, widths: Sequence[int]) -> None:
    from rich import box  # noqa: PLC0415 - start-up time
    from rich.table import Table as Drawn  # noqa: PLC0415

    tight = apart == _TIGHT
    made = Drawn(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        collapse_padding=tight,
        padding=(0, 1),
        header_style="dim",
    )
    for index, (header, width) in enumerate(zip(table.headers, widths, strict=True)):
        made.add_column(header, overflow="fold", width=width, justify="right" if index in table.right else "left")
    for cells in _styled(table):
        made.add_row(*cells)
    console.print(made)


def _styled(table: Table) -> Iterator[list[Text]]:
    """The rows' cells, the state of each in its style."""
    from rich.text import Text  # noqa: PLC0415 - start-up time

    for index, row in enumerate(table.rows):
        cells = [Text(screen.plain(cell)) for cell in row]
        if table.styles:
            cells[table.state].stylize(table.styles[index])
        yield cells


def _list(console: Console, table: Table) -> None:
    """A line a row, where not even the words have room beside each other."""
    from rich.text import Text  # noqa: PLC0415 - start-up time

    for row, cells in zip(table.rows, _styled(table), strict=True):
        named = zip(table.headers[_NAMED_FROM:], row[_NAMED_FROM:], strict=True)
        words = "; ".join((row[_NAMED_FROM - 1], *(f"{header} {cell}" for header, cell in named if cell)))
        line = Text(f"{table.headers[0]} ").append_text(cells[0]).append(", ").append_text(cells[1])
        console.print(line.append(f": {screen.plain(words)}"))


def _widths(lines: Sequence[Sequence[str]], room: int, *, whole: bool) -> list[int]:
    """Widths at which no word is cut, those that need least more for their cells to stand on one line first; none: no room.

    With *whole* there is room only where every cell stands on one line.
    """
    from rich.cells import cell_len  # noqa: PLC0415 - start-up time

    columns = list(zip(*lines, strict=True))
    widths = [max(cell_len(word) for cell in column for word in (*cell.split(), "")) for column in columns]
    needs = [max(map(cell_len, column)) - width for column, width in zip(columns, widths, strict=True)]
    spare = room - sum(widths)
    if spare < (sum(needs) if whole else 0):
        return []
    for at in sorted(range(len(widths)), key=needs.__getitem__):
        more = min(needs[at], spare)
        widths[at] += more
        spare -= more
    return widths

"""The summary of a batch on the terminal: a line an input, then why some have no figures, then the counts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from customer_research.surfaces.cli import screen

if TYPE_CHECKING:
    from customer_research.research.batch.batch import Cell, Row

WIDTH = 100
HEADERS = ("Line", "Outcome", "Operator", "MRR", "Health", "Plan", "Payment", "Tickets", "Trips", "Trend")
FIGURES = ("mrr", "health", "plan", "payment", "open_tickets", "trips_30d", "trend")
_APART = 2
STYLES = {"done": "", "partial": "yellow", "duplicate": "dim"}
"""Style of an outcome; all others are red. The outcome stands there in words, too."""


def outcome_words(outcome: str) -> str:
    """An outcome for readers."""
    return outcome.replace("_", " ")


def count_words(counts: dict[str, int]) -> str:
    """How many lines came to what: `done 3, not found 1`."""
    return ", ".join(f"{outcome_words(outcome)} {count}" for outcome, count in counts.items())


def summary(rows: Sequence[Row], counts: dict[str, int]) -> str:
    """The summary as text, in colours when standard output is a terminal that wants them."""
    from rich import box  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    out = io.StringIO()
    console = screen.paper(out, WIDTH)
    room = console.width - _APART * (len(HEADERS) - 1)
    shown = [_cells(row) for row in rows]
    widths = _widths([HEADERS, *shown], room)
    if not widths:
        brief = [_cells(row, sources=False) for row in rows]
        widths = _widths([HEADERS, *brief], room)
        shown = brief if widths else shown
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True, padding=(0, 1), header_style="dim"
    )
    for header, width in zip(HEADERS, widths, strict=False):
        table.add_column(header, overflow="fold", width=width, justify="right" if header == "Line" else "left")
    for row, (line, outcome, *cells) in zip(rows, shown, strict=True):
        styled = Text(outcome, STYLES.get(row.outcome, "red"))
        if widths:
            table.add_row(line, styled, *(Text(cell) for cell in cells))
        else:
            told = (f"{header} {cell}" for header, cell in zip(HEADERS[3:], cells[1:], strict=True) if cell)
            console.print(Text(f"Line {line}, ").append_text(styled).append(f": {'; '.join((cells[0], *told))}"))
    if widths:
        console.print(table)
    for row in rows:
        if row.detail:
            console.print(Text(f"Line {row.line}, {outcome_words(row.outcome)}: {row.term}: {row.detail.strip()}"))
    console.print(Text(f"{len(rows)} {'line' if len(rows) == 1 else 'lines'}: {count_words(counts)}."))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _cells(row: Row, *, sources: bool = True) -> tuple[str, ...]:
    """A row's cells, a header each; without its source a hole is only named."""
    figures = (_short(name, row.figures[name], sources=sources) if name in row.figures else "" for name in FIGURES)
    return (str(row.line), outcome_words(row.outcome), row.name or row.term, *figures)


def _widths(lines: Sequence[Sequence[str]], room: int) -> list[int]:
    """Widths at which no word is cut, those that need least more for their cells to stand on one line first; none: no room."""
    from rich.cells import cell_len  # noqa: PLC0415 - start-up time

    columns = list(zip(*lines, strict=True))
    widths = [max(cell_len(word) for cell in column for word in (*cell.split(), "")) for column in columns]
    needs = [max(map(cell_len, column)) - width for column, width in zip(columns, widths, strict=True)]
    spare = room - sum(widths)
    if spare < 0:
        return []
    for at in sorted(range(len(widths)), key=needs.__getitem__):
        more = min(needs[at], spare)
        widths[at] += more
        spare -= more
    return widths


def _short(name: str, cell: Cell, *, sources: bool) -> str:
    """A figure in few words: of the payment standing only its label (`Healthy, 85 of 100`)."""
    if not cell.receipts:
        return cell.text if sources else cell.text.partition(" (")[0]
    return cell.text.partition(",")[0] if name == "payment" else cell.text

"""Terminal: a report drawn with rich; tones are words as well as colours, receipts are numbered and listed at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import StringIO

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from customer_research.documents.charts import (
    FEW,
    GRAVITY,
    TOTAL,
    Sparkline,
    bars,
    label_of,
    lines_of,
    place_cell,
    told_in_full,
)
from customer_research.documents.formats.wording import note_runs
from customer_research.documents.page import (
    Footnote,
    Grid,
    Line,
    List,
    Node,
    Page,
    Pairs,
    Paragraph,
    Part,
    Pen,
    Picture,
)
from customer_research.documents.present import TONE_WORDS, Value, source_title
from customer_research.domain.report import Chart, Report, Tone
from customer_research.domain.words import counted

STYLES: dict[Tone, str] = {
    "good": "green",
    "watch": "yellow",
    "bad": "bold red",
    "neutral": "",
    "unknown": "italic magenta",
}
_TWO_COLUMNS = 110
_LONGEST_CELL = 60
_LONGEST_FIGURE = 24  # on one line of a table
_LONGEST_QUERY = 140
_SINGLES = 2
_GAP, _NARROWEST = 3, 16
"""Blanks between columns, and the least width of a first column whose names are folded."""

_UNBOUNDED = 10_000
_BAR, _LINE = 24, 52
_DEFAULT_WIDTH, _NARROWEST = 100, 40


def render(report: Report, *, show_personal: bool = False, width: int | None = None, color: bool = False) -> str:
    """A report as text for a terminal of `width` columns (None: as wide as the terminal, 100 without one), or with colours.

    Raises:
        RenderError: a figure without a receipt.
    """
    out = StringIO()
    console = Console(
        file=out,
        width=_width() if width is None else width,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        _environ={},
    )
    show(report, console, show_personal=show_personal)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def _width() -> int:
    return max(_NARROWEST, shutil.get_terminal_size((_DEFAULT_WIDTH, 24)).columns)


def show(report: Report, console: Console, *, show_personal: bool = False) -> None:
    """Print a report on a rich console, which decides on width and colour (and honours NO_COLOR).

    Raises:
        RenderError: a figure without a receipt.
    """
    page = Page(report, show_personal=show_personal, typed=True)
    if page.single is not None:
        console.print(_single(page, page.single), markup=False, highlight=False, emoji=False, soft_wrap=True)
        return
    for part in _Writer(page, console).parts():
        console.print(part, markup=False, highlight=False, emoji=False)


def _single(page: Page, pairs: Iterable[tuple[str, Value]]) -> str:
    """A report as one line, which ends in the sources that did not answer in full."""
    values = (f"{label} {value.text}".strip() for label, value in pairs)
    missing = (
        f"{source_title(item.source)} {'missing' if item.state == 'missing' else 'in part'}"
        for item in page.report.freshness
        if item.state != "ok"
    )
    return " · ".join((page.name, *values, *missing))


def marks(numbers: Iterable[int]) -> str:
    """Footnote numbers as readers see them, runs shortened: ` [1-3,7]`."""
    words = [words for _, words in note_runs(numbers)]
    return f" [{','.join(words)}]" if words else ""


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _styled(text: str, style: str = "", *, notes: str = "") -> Text:
    return Text.assemble((text, style), (notes, "dim"))


class _Writer(Pen[Iterable[RenderableType]]):
    """Draws the parts of one report."""

    def __init__(self, page: Page, console: Console) -> None:
        self._page = page
        self._console = console

    def parts(self) -> Iterator[RenderableType]:
        page = self._page
        yield self._head()
        for warning in page.warnings:
            word = TONE_WORDS[warning.tone].capitalize()
            yield self._hanging(f"{word}: " if word else "", self._line(warning))
        for part in page.parts:
            yield from self._part(part)
        for part in page.tail:
            yield from self._part(part)
        if page.footnotes:
            yield from ("", self._heading("Receipts"))
            yield from (self._hanging(f"[{note.number}] ", self._receipt(note)) for note in page.footnotes)

    def _part(self, part: Part) -> Iterator[RenderableType]:
        yield from ("", self._heading(part.heading.text))
        for before, node in zip((None, *part.nodes), part.nodes, strict=False):
            if before is not None and not _leads(before):
                yield ""
            yield from self.draw(node)

    def _heading(self, title: str) -> RenderableType:
        return Rule(_styled(title, "bold"), align="left", style="dim", characters="─")

    def _head(self) -> RenderableType:
        page = self._page
        lines = [_styled(page.name, "bold")] if page.name else []
        lines += [self._line(page.headline)] if page.headline else []
        lines.append(_styled(page.about, "dim"))
        return Panel(Group(*lines), title=_styled(page.title, "bold"), title_align="left", style="", border_style="dim")

    def _receipt(self, note: Footnote) -> Text:
        cut = ", cut short" if note.receipt.truncated else ""
        text = _styled(f"{note.subject}: {note.rows}{cut} by {note.requests}, {note.fetched}. ")
        return text.append(_shorten(note.query, _LONGEST_QUERY), "dim")

    def paragraph(self, node: Paragraph) -> Iterable[RenderableType]:
        return (self._line(node.line),)

    def list(self, node: List) -> Iterable[RenderableType]:
        if node.kind == "sources":  # those that need no look are not coloured
            return [
                self._hanging(lead, _styled(line.whole, STYLES[line.tone] if line.tone != "good" else ""))
                for lead, line in zip(node.leads, node.lines, strict=True)
            ]
        return [self._hanging(lead, self._line(line)) for lead, line in zip(node.leads, node.lines, strict=True)]

    def _line(self, line: Line) -> Text:
        text = _styled(line.lead).append(line.text, STYLES[line.tone]).append(line.beside)
        if line.step:
            text.append(f" Next: {line.step}", "bold")
        return text.append(marks(line.notes), "dim")

    def _hanging(self, lead: str, text: Text) -> RenderableType:
        grid = Table.grid(padding=0)
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(_styled(lead), text)
        return grid

    def pairs(self, node: Pairs) -> Iterable[RenderableType]:
        pairs = node.pairs
        if self._console.width < _TWO_COLUMNS or len(pairs) <= _SINGLES:
            return (self._labelled(pairs),)
        half = (len(pairs) + 1) // 2
        grid = Table.grid(expand=True, padding=(0, 2, 0, 0))
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(self._labelled(pairs[:half]), self._labelled(pairs[half:]))
        return (grid,)

    def _labelled(self, pairs: Iterable[tuple[str, Value]]) -> RenderableType:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", max_width=34)
        grid.add_column(overflow="fold")
        for label, value in pairs:
            grid.add_row(_styled(label), self._value(value, worded=True))
        return grid

    def _value(self, value: Value, *, worded: bool = False, longest: int | None = None) -> Text:
        text = value.text if longest is None else _shorten(value.text, longest)
        style = STYLES[value.tone]
        styled = _styled(text, f"{style} link {value.link}".strip() if value.link else style)
        if worded and value.tone_word:
            styled.append(f" ({value.tone_word})", style)
        if value.note:
            styled.append(f" ({value.note})", "dim")
        return styled.append(marks(value.notes), "dim")

    def grid(self, node: Grid) -> Iterable[RenderableType]:
        notes = marks(node.notes)
        caption = [_styled(node.title, "bold", notes=notes)] if node.caption or notes else []
        ruled = self._ruled(node)
        if not self._fits(ruled):
            return (*caption, self._stacked(node))
        return (*caption, ruled) if node.under is None else (*caption, *self._spread(node, node.under))

    def picture(self, node: Picture) -> Iterator[RenderableType]:
        """A chart's sentence, and its marks as bars; many of them as a line of blocks a series; of points the gravest."""
        chart = node.chart
        yield _styled(node.title, "bold")
        yield self._line(node.says)
        if told_in_full(chart):
            yield self._bars(chart)
        elif chart.form == "quadrant":
            gravest = sorted(chart.marks, key=lambda mark: GRAVITY[mark.tone])[:FEW]
            yield self._bars(replace(chart, marks=tuple(gravest)))
            if len(gravest) < len(chart.marks):
                yield _styled(f"{counted(len(chart.marks) - len(gravest), 'more operator')}, none graver", "dim")
        else:
            yield from map(self._blocks, lines_of(chart, _LINE))
        for event in node.events.lines:
            yield self._hanging(f"{event.label} ", self._line(replace(event, label="")))

    def _blocks(self, line: Sparkline) -> RenderableType:
        """A series as blocks, and between which figures they lie."""
        words, cell = "", self._page.presenter.cell
        if line.least is not None and line.most is not None:
            words = f"  {cell(line.least.figure).text} to {cell(line.most.figure).text}"
        blocks = _styled(line.blocks).append(words, "dim")
        series = self._page.presenter.text(line.series)
        return self._hanging(f"{series:<15} ", blocks) if series else blocks

    def _bars(self, chart: Chart) -> RenderableType:
        presenter = self._page.presenter
        grid = Table.grid(padding=(0, 2, 0, 0))
        for style in ("dim", "", "", ""):
            grid.add_column(style=style, overflow="fold")
        for mark, bar in zip(chart.marks, bars(chart, _BAR), strict=True):
            place = self._value(presenter.cell(place_cell(chart, mark)))
            series = "" if mark.series == TOTAL else mark.series
            name = _styled(presenter.text(" ".join(part for part in (label_of(mark), series) if part)))
            figure = presenter.cell(mark.figure)
            toned = figure if figure.tone == "unknown" else replace(figure, tone=mark.tone)
            grid.add_row(place, name, _styled(bar, STYLES[toned.tone]), self._value(toned, worded=True))
        return grid

    def _ruled(self, node: Grid) -> RenderableType:
        grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
        rows = [
            [self._value(value, longest=None if value.link else _longest(value)) for value in row] for row in node.rows
        ]
        for at, (header, right) in enumerate(zip(node.headers, node.right, strict=True)):
            column = [row[at].plain for row in rows]
            parts = right and any(len(text) > _LONGEST_FIGURE for text in column)  # none is cut
            pieces = [piece for text in (header, *column) for piece in (text.split() if parts else [text])]
            grid.add_column(
                _styled(header),
                justify="right" if right else "left",
                overflow="fold",
                no_wrap=right and not parts,
                min_width=max(map(cell_len, pieces), default=0) if right else None,
            )
        for row in rows:
            grid.add_row(*row)
        return grid

    def _spread(self, node: Grid, under: int) -> Iterator[RenderableType]:
        """A table whose column of sentences stands under its rows, for a row of many words is read across no column."""
        kept = [at for at in range(len(node.headers)) if at != under]
        rows = [[self._value(row[at]) for at in kept] for row in node.rows]
        headers = [_styled(node.headers[at], "dim") for at in kept]
        widths = [max(cell_len(cells[at].plain) for cells in (headers, *rows)) for at in range(len(kept))]
        widths[0] = max(min(widths[0], self._console.width - sum(widths[1:]) - _GAP * len(kept)), _NARROWEST)

        def line(cells: Iterable[Text]) -> RenderableType:
            grid = Table.grid(padding=(0, _GAP, 0, 0))
            for width, at in zip(widths, kept, strict=True):
                grid.add_column(width=width, justify="right" if node.right[at] else "left", overflow="fold")
            grid.add_row(*cells)
            return grid

        yield line(headers)
        yield _styled("\N{BOX DRAWINGS LIGHT HORIZONTAL}" * (sum(widths) + _GAP * (len(widths) - 1)), "dim")
        for row, cells in zip(node.rows, rows, strict=True):
            yield line(cells)
            yield Padding(self._value(row[under]), (0, 0, 0, _GAP))

    def _fits(self, grid: RenderableType) -> bool:
        options = self._console.options.update(width=_UNBOUNDED)
        return Measurement.get(self._console, options, grid).minimum <= self._console.width

    def _stacked(self, node: Grid) -> RenderableType:
        """A table too wide for the terminal, one record under the other."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for number, row in enumerate(node.rows):
            if number:
                grid.add_row("", "")
            for header, value in zip(node.headers, row, strict=True):
                grid.add_row(_styled(header), self._value(value))
        return grid


def _leads(node: Node) -> bool:
    """Whether a node is the heading of what follows it."""
    return isinstance(node, Paragraph) and node.line.text.endswith(":")


def _longest(value: Value) -> int | None:
    return None if " " in value.text[:_LONGEST_CELL] else _LONGEST_CELL

"""Terminal: a report drawn with rich; tones are words as well as colours.

The whole report, or as much of it as one screen has room for; with its receipts numbered and listed at the end, or counted.
"""

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
from customer_research.documents.first_screen import FirstScreen, Room, first_screen, leads
from customer_research.documents.formats.wording import note_runs
from customer_research.documents.page import (
    FIRST,
    Grid,
    Heading,
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
from customer_research.domain.words import counted, shortened

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
_SINGLES = 2
_GAP, _NARROWEST_NAME = 3, 16
"""Blanks between columns, and the least width of a first column whose names are folded."""

_UNBOUNDED = 10_000
_BAR, _LINE = 24, 52
_DEFAULT_WIDTH, _NARROWEST = 100, 40
_HEADED, _MORE, _LEAST = 1, 3, 4
"""Lines of a screen: of a part's heading, of what tells how much more there is, and what each part gets at first."""


def render(
    report: Report,
    *,
    show_personal: bool = False,
    width: int | None = None,
    color: bool = False,
    height: int | None = None,
    receipts: bool = True,
) -> str:
    """A report as text for a terminal, or with colours.

    Args:
        report: what to show.
        show_personal: whether personal data is shown.
        width: how many columns there are; None: as many as the terminal has, 100 without one.
        color: whether it is coloured.
        height: as many lines as there are, of which the most important make use; None: the whole report.
        receipts: whether figures have their receipts' numbers, and these are listed; else they are counted.

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
    show(report, console, show_personal=show_personal, height=height, receipts=receipts)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def _width() -> int:
    return max(_NARROWEST, shutil.get_terminal_size((_DEFAULT_WIDTH, 24)).columns)


def show(
    report: Report,
    console: Console,
    *,
    show_personal: bool = False,
    height: int | None = None,
    receipts: bool = True,
) -> None:
    """Print a report on a rich console, which decides on width and colour (and honours NO_COLOR); else as `render`.

    Raises:
        RenderError: a figure without a receipt.
    """
    page = Page(report, show_personal=show_personal, typed=True, noted=receipts)
    if page.single is not None:
        console.print(_single(page, page.single), markup=False, highlight=False, emoji=False, soft_wrap=True)
        return
    writer = _Writer(page, console, receipts=receipts)
    for part in writer.whole() if height is None else writer.screen(height):
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


def _styled(text: str, style: str = "", *, notes: str = "") -> Text:
    return Text.assemble((text, style), (notes, "dim"))


class _Writer(Pen[Iterable[RenderableType]]):
    """Draws the parts of one report."""

    def __init__(self, page: Page, console: Console, *, receipts: bool) -> None:
        self._page = page
        self._console = console
        self._receipts = receipts

    def whole(self) -> Iterator[RenderableType]:
        """Everything."""
        yield self._head()
        for part in (self._warned(), *self._page.parts, *self._page.tail):
            yield from self._part(part)
        yield from self._proofs()

    def screen(self, height: int) -> Iterator[RenderableType]:
        """What matters most, in so many lines without the receipts; and how much more there is."""
        page = self._page
        notes = (replace(part, weight=0) for part in page.tail if part.heading.id == "notes")
        unknown = (page.unknown,) if page.unknown is not None else ()
        warned = (self._warned(),) if page.warnings else ()
        parts = (*warned, *page.parts, *unknown, *notes)
        read = (_styled(page.read, "dim"),) if page.read else ()
        room = height - self._lines((self._head(), *read)) - _MORE
        paper = Room(room, self._taken, _HEADED, 1, _LEAST)
        found = first_screen(parts, paper)
        spare = room - sum(paper.taken(part.nodes) for part in found.parts)
        yield self._head()
        for part in found.parts:
            yield from self._part(self._headed(part), apart=len(found.parts) <= spare)
        yield from (*read, *self._more(found))
        yield from self._proofs()

    def _warned(self) -> Part:
        """What must be known first, as a part without a heading."""
        return Part(Heading(""), (List("warnings", self._page.warnings),), FIRST)

    def _more(self, found: FirstScreen) -> Iterator[RenderableType]:
        """How much is not on the screen, and how to see it."""
        left = ", ".join(f"{title or 'Warnings'} ({count})" for title, count in found.left_out)
        told = [f"`--full` shows the rest: {left}."] if left else []
        if self._page.footnotes and not self._receipts:
            told.append(f"`--receipts` shows the {counted(len(self._page.footnotes), 'receipt')}.")
        if told:
            yield _styled(" ".join(told), "dim")

    def _proofs(self) -> Iterator[RenderableType]:
        if self._page.footnotes and self._receipts:
            yield from ("", self._heading("Receipts"))
            yield from (self._hanging(f"[{note.number}] ", _styled(note.words)) for note in self._page.footnotes)

    def _taken(self, node: Node) -> int:
        """How many lines a node takes below its heading, beside which the number of its rows stands (see `_headed`)."""
        if isinstance(node, Grid) and not node.caption and not node.notes:
            node = replace(node, beside="")
        return self._lines(self.draw(node))

    def _lines(self, drawn: Iterable[RenderableType]) -> int:
        """How many lines these take."""
        return sum(len(self._console.render_lines(one, pad=False)) for one in drawn)

    def _part(self, part: Part, *, apart: bool = True) -> Iterator[RenderableType]:
        if part.heading.text:
            yield from (*([""] if apart else []), self._heading(part.heading.text))
        for before, node in zip((None, *part.nodes), part.nodes, strict=False):
            if before is not None and not leads(before):
                yield ""
            yield from self.draw(node)

    def _heading(self, title: str) -> RenderableType:
        return Rule(_styled(title, "bold"), align="left", style="dim", characters="─")

    def _head(self) -> RenderableType:
        page = self._page
        lines = [_styled(page.name, "bold")] if page.name else []
        lines += [self._line(page.headline)] if page.headline else []
        lines.append(_styled(page.dated, "dim"))
        return Panel(Group(*lines), title=_styled(page.title, "bold"), title_align="left", style="", border_style="dim")

    def paragraph(self, node: Paragraph) -> Iterable[RenderableType]:
        return (self._line(node.line),)

    def list(self, node: List) -> Iterable[RenderableType]:
        if node.kind == "sources":  # those that need no look are not coloured
            return [
                self._hanging(lead, _styled(line.whole, STYLES[line.tone] if line.tone != "good" else ""))
                for lead, line in zip(node.leads, node.lines, strict=True)
            ]
        if node.kind == "warnings":
            words = (TONE_WORDS[line.tone].capitalize() for line in node.lines)
            return [
                self._hanging(f"{word}: " if word else "", self._line(line))
                for word, line in zip(words, node.lines, strict=True)
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
        text = value.text if longest is None else shortened(value.text, longest)
        style = STYLES[value.tone]
        styled = _styled(text, f"{style} link {value.link}".strip() if value.link else style)
        if worded and value.tone_word:
            styled.append(f" ({value.tone_word})", style)
        if value.note:
            styled.append(f" ({value.note})", "dim")
        return styled.append(marks(value.notes), "dim")

    def grid(self, node: Grid) -> Iterable[RenderableType]:
        notes = marks(node.notes)
        caption = [_styled(node.title, "bold", notes=notes)] if node.title or notes else []
        spread = self._spread(node, node.under) if node.under is not None else None
        if spread is not None:
            return (*caption, *spread)
        ruled = self._ruled(node)
        return (*caption, ruled if self._fits(ruled) else self._stacked(node))

    def _headed(self, part: Part) -> Part:
        """A part whose table has no caption of its own, with the number of its rows beside the heading."""
        (first, *others) = part.nodes
        if not isinstance(first, Grid) or first.caption or not first.beside or first.notes:
            return part
        heading = replace(part.heading, text=f"{part.heading.text} {first.beside}")
        return replace(part, heading=heading, nodes=(replace(first, beside=""), *others))

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
            figures = [
                piece for piece in pieces if len(piece) <= _LONGEST_FIGURE
            ]  # a longer word would push columns out
            grid.add_column(
                _styled(header),
                justify="right" if right else "left",
                overflow="fold",
                no_wrap=right and not parts,
                min_width=max(map(cell_len, figures), default=0) if right else None,
            )
        for row in rows:
            grid.add_row(*row)
        return grid

    def _spread(self, node: Grid, under: int) -> Iterable[RenderableType] | None:
        """A table whose sentences stand under its rows, with what follows them, for many words are not read across columns.

        None where its columns have no room beside each other.
        """
        rows = [[self._value(value) for value in row[:under]] for row in node.rows]
        headers = [_styled(header, "dim") for header in node.headers[:under]]
        widths = [max(cell_len(cell.plain) for cell in column) for column in zip(headers, *rows, strict=True)]
        room = self._console.width - sum(widths[1:]) - _GAP * under
        widths[0] = min(widths[0], max(room, _NARROWEST_NAME))
        whole = sum(widths) + _GAP * (under - 1)
        if whole > self._console.width:
            return None

        def line(cells: Iterable[Text]) -> RenderableType:
            grid = Table.grid(padding=(0, _GAP, 0, 0))
            for at, width in enumerate(widths):
                grid.add_column(width=width, justify="right" if node.right[at] else "left", overflow="fold")
            grid.add_row(*cells)
            return grid

        drawn: list[RenderableType] = [line(headers), _styled("\N{BOX DRAWINGS LIGHT HORIZONTAL}" * whole, "dim")]
        for cells, row in zip(rows, node.rows, strict=True):
            told = Text(" · ").join(self._value(value) for value in row[under:] if value.text)
            drawn += (line(cells), Padding(told, (0, 0, 0, _GAP)))
        return drawn

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


def _longest(value: Value) -> int | None:
    return None if " " in value.text[:_LONGEST_CELL] else _LONGEST_CELL

"""Terminal: a report drawn with rich; tones are words as well as colours, receipts are numbered and listed at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, assert_never

from customer_research.documents.answering import freshness_words
from customer_research.documents.charts import FEW, GRAVITY, TOTAL, Line, bars, lines_of, place_cell, told_in_full
from customer_research.documents.present import TONE_WORDS, Hole, Presenter, Shown, gap_words, one_line, source_title
from customer_research.domain.evidence import ANSWERS, Receipt
from customer_research.domain.report import (
    Block,
    Bullets,
    Chart,
    FigureLine,
    Figures,
    Mark,
    Missing,
    Prose,
    Report,
    Table,
    Tone,
)
from customer_research.domain.words import counted, dated_words, instant_words

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text as Styled

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
_UNBOUNDED = 10_000
_BAR, _LINE = 24, 52
_DEFAULT_WIDTH, _NARROWEST = 100, 40


def render(report: Report, *, show_personal: bool = False, width: int | None = None, color: bool = False) -> str:
    """A report as text for a terminal of `width` columns (None: as wide as the terminal, 100 without one), or with colours.

    Raises:
        RenderError: a figure without a receipt.
    """
    from rich.console import Console  # noqa: PLC0415 - start-up time

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
    presenter = Presenter(report, show_personal=show_personal)
    line = one_line(presenter)
    if line is not None:
        name = presenter.text(report.operator_name)
        console.print(f"{name} · {line}", markup=False, highlight=False, emoji=False, soft_wrap=True)
        return
    for part in _Writer(presenter, console).parts():
        console.print(part, markup=False, highlight=False, emoji=False)


def marks(numbers: Iterable[int]) -> str:
    """Footnote numbers as readers see them, runs shortened: ` [1-3,7]`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [f"{run[0]}-{run[-1]}" if len(run) > _SINGLES else ",".join(map(str, run)) for run in runs]
    return f" [{','.join(words)}]" if words else ""


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _styled(text: str, style: str = "", *, notes: str = "") -> Styled:
    from rich.text import Text  # noqa: PLC0415 - start-up time

    return Text.assemble((text, style), (notes, "dim"))


class _Writer:
    """Draws the parts of one report."""

    def __init__(self, presenter: Presenter, console: Console) -> None:
        self._presenter = presenter
        self._console = console

    def parts(self) -> Iterator[RenderableType]:
        yield self._head()
        for warning in self._presenter.warnings:
            word = TONE_WORDS[warning.tone].capitalize()
            yield self._hanging(f"{word}: " if word else "", self._prose(warning))
        for section in self._presenter.sections:
            yield ""
            yield self._heading(section.title)
            for before, block in zip((None, *section.blocks), section.blocks, strict=False):
                if before is not None and not _leads(before):
                    yield ""
                yield from self._block(block)
        yield from self._tail()

    def _heading(self, title: str) -> RenderableType:
        from rich.rule import Rule  # noqa: PLC0415 - start-up time

        return Rule(_styled(self._presenter.text(title), "bold"), align="left", style="dim", characters="─")

    def _head(self) -> RenderableType:
        from rich.console import Group  # noqa: PLC0415 - start-up time
        from rich.panel import Panel  # noqa: PLC0415 - start-up time

        report = self._presenter.report
        title = self._presenter.text(report.title)
        name = self._presenter.text(report.operator_name)
        lines = [_styled(name, "bold")] if name else []
        if self._presenter.headline:
            lines.append(self._prose(self._presenter.headline))
        operator = f"Operator {self._presenter.text(report.operator_id)}. " if report.operator_id else ""
        made = f"{operator}{dated_words(report.as_of, report.generated_at)}"
        lines.append(_styled(made, "dim"))
        return Panel(Group(*lines), title=_styled(title, "bold"), title_align="left", style="", border_style="dim")

    def _tail(self) -> Iterator[RenderableType]:
        if self._presenter.notes:
            yield from ("", self._heading("Notes"))
            for note, labels in self._presenter.notes:
                yield self._hanging("- ", _styled(f"{note}: {'; '.join(labels)}."))
        holes = self._presenter.holes
        if holes:
            yield from ("", self._heading("Gaps"))
            for hole in holes:
                yield self._hanging("- ", self._hole(hole))
        sources = freshness_words(self._presenter)
        if sources:
            yield from ("", self._heading("Sources"))
            for name, words, tone in sources:
                yield self._hanging("- ", _styled(f"{name}: {words}", STYLES[tone] if tone != "good" else ""))
        if self._presenter.receipts:
            yield from ("", self._heading("Receipts"))
            for number, receipt in enumerate(self._presenter.receipts, 1):
                yield self._hanging(f"[{number}] ", self._receipt(receipt))

    def _hole(self, hole: Hole) -> Styled:
        text = _styled(self._presenter.text(gap_words(hole.gap)).rstrip(".") + ".", STYLES["unknown"])
        if hole.concerns:
            text.append(f" Missing: {'; '.join(hole.concerns)}.")
        if hole.gap.next_step:
            text.append(f" Next: {self._presenter.text(hole.gap.next_step)}", "bold")
        return text

    def _receipt(self, receipt: Receipt) -> Styled:
        cut = ", cut short" if receipt.truncated else ""
        size = f"{counted(receipt.rows, 'row')}{cut} by {counted(receipt.requests, 'request')}"
        stream = self._presenter.text(receipt.stream)
        text = _styled(f"{source_title(receipt.source)} {stream}: {size}, {instant_words(receipt.fetched_at)}. ")
        query = _shorten(self._presenter.query(receipt), _LONGEST_QUERY)
        return text.append(query, "dim")

    def _block(self, block: Block) -> Iterator[RenderableType]:
        if isinstance(block, Prose):
            yield self._prose(block)
        elif isinstance(block, Bullets):
            for number, item in enumerate(block.items, 1):
                yield self._hanging(f"{number}. " if block.ordered else "- ", self._prose(item))
        elif isinstance(block, Figures):
            yield self._figures(block)
        elif isinstance(block, Table):
            yield from self._table(block)
        elif isinstance(block, Chart):
            yield from self._chart(block)
        elif isinstance(block, Missing):
            words = self._presenter.text(gap_words(block.gap))
            text = _styled(f"{self._presenter.text(block.what)}: ").append(words, STYLES["unknown"])
            if block.gap.reason in ANSWERS and block.gap.next_step:
                text.append(f". {self._presenter.text(block.gap.next_step)}")
            yield text
        else:
            assert_never(block)

    def _hanging(self, lead: str, text: Styled) -> RenderableType:
        from rich.table import Table as Grid  # noqa: PLC0415 - start-up time

        grid = Grid.grid(padding=0)
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(_styled(lead), text)
        return grid

    def _prose(self, prose: Prose) -> Styled:
        notes = marks(self._presenter.facts(prose.facts))
        return _styled(self._presenter.text(prose.text), STYLES[prose.tone], notes=notes)

    def _figures(self, figures: Figures) -> RenderableType:
        from rich.table import Table as Grid  # noqa: PLC0415 - start-up time

        lines = figures.lines
        if self._console.width < _TWO_COLUMNS or len(lines) <= _SINGLES:
            return self._grid(lines)
        half = (len(lines) + 1) // 2
        grid = Grid.grid(expand=True, padding=(0, 2, 0, 0))
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(self._grid(lines[:half]), self._grid(lines[half:]))
        return grid

    def _grid(self, lines: tuple[FigureLine, ...]) -> RenderableType:
        from rich.table import Table as Grid  # noqa: PLC0415 - start-up time

        grid = Grid.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", max_width=34)
        grid.add_column(overflow="fold")
        for line in lines:
            grid.add_row(
                _styled(self._presenter.text(line.label)), self._shown(self._presenter.line(line), worded=True)
            )
        return grid

    def _shown(self, shown: Shown, *, worded: bool = False, longest: int | None = None) -> Styled:
        text = shown.text if longest is None else _shorten(shown.text, longest)
        style = STYLES[shown.tone]
        styled = _styled(text, f"{style} link {shown.link}".strip() if shown.link else style)
        if worded and shown.tone_word:
            styled.append(f" ({shown.tone_word})", style)
        if shown.note:
            styled.append(f" ({shown.note})", "dim")
        return styled.append(marks(shown.notes), "dim")

    def _table(self, table: Table) -> Iterator[RenderableType]:
        cut = table.total is not None and table.total > len(table.rows)
        shown = f" ({len(table.rows)} of {table.total} shown)" if cut else ""
        notes = marks(self._presenter.numbers(table.basis))
        if table.caption or notes:
            yield _styled(f"{self._presenter.text(table.caption)}{shown}".strip(), "bold", notes=notes)
        grid = self._ruled(table)
        yield grid if self._fits(grid) else self._stacked(table)

    def _chart(self, chart: Chart) -> Iterator[RenderableType]:
        """A chart's sentence, and its marks as bars; many of them as a line of blocks a series; of points the gravest."""
        yield _styled(self._presenter.text(chart.title), "bold")
        yield self._prose(chart.says)
        if told_in_full(chart):
            yield self._bars(chart)
        elif chart.form == "quadrant":
            gravest = sorted(chart.marks, key=lambda mark: GRAVITY[mark.tone])[:FEW]
            yield self._bars(replace(chart, marks=tuple(gravest)))
            if len(gravest) < len(chart.marks):
                yield _styled(f"{counted(len(chart.marks) - len(gravest), 'more operator')}, none graver", "dim")
        else:
            yield from map(self._line_of, lines_of(chart, _LINE))
        for event in chart.events:
            yield self._hanging(f"{event.on.isoformat()} ", self._prose(event.what))

    def _line_of(self, line: Line) -> RenderableType:
        """A series as blocks, and between which figures they lie."""
        words = ""
        if line.least is not None and line.most is not None:
            words = f"  {self._bare(line.least)} to {self._bare(line.most)}"
        blocks = _styled(line.blocks).append(words, "dim")
        return self._hanging(f"{self._presenter.text(line.series):<15} ", blocks) if line.series else blocks

    def _bare(self, mark: Mark) -> str:
        return self._presenter.cell(mark.figure).text

    def _bars(self, chart: Chart) -> RenderableType:
        from rich.table import Table as Grid  # noqa: PLC0415 - start-up time

        grid = Grid.grid(padding=(0, 2, 0, 0))
        for style in ("dim", "", "", ""):
            grid.add_column(style=style, overflow="fold")
        for mark, bar in zip(chart.marks, bars(chart, _BAR), strict=True):
            place = self._shown(self._presenter.cell(place_cell(chart, mark)))
            series = "" if mark.series == TOTAL else mark.series
            name = _styled(self._presenter.text(" ".join(part for part in (mark.label, series) if part)))
            figure = self._presenter.cell(mark.figure)
            toned = figure if figure.tone == "unknown" else replace(figure, tone=mark.tone)
            grid.add_row(place, name, _styled(bar, STYLES[toned.tone]), self._shown(toned, worded=True))
        return grid

    def _ruled(self, table: Table) -> RenderableType:
        from rich import box  # noqa: PLC0415 - start-up time
        from rich.cells import cell_len  # noqa: PLC0415 - start-up time
        from rich.table import Table as Grid  # noqa: PLC0415 - start-up time

        grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
        rows = [
            [
                self._shown(cell, longest=None if cell.link else _longest(cell))
                for cell in self._presenter.row(table, row)
            ]
            for row in table.rows
        ]
        for at, header in enumerate(table.headers):
            right = at < len(table.align) and table.align[at] == "right"
            column = [row[at].plain for row in rows]
            parts = right and any(len(text) > _LONGEST_FIGURE for text in column)  # none is cut
            pieces = [piece for text in (header, *column) for piece in (text.split() if parts else [text])]
            grid.add_column(
                _styled(self._presenter.text(header)),
                justify="right" if right else "left",
                overflow="fold",
                no_wrap=right and not parts,
                min_width=max(map(cell_len, pieces), default=0) if right else None,
            )
        for row in rows:
            grid.add_row(*row)
        return grid

    def _fits(self, grid: RenderableType) -> bool:
        from rich.measure import Measurement  # noqa: PLC0415 - start-up time

        options = self._console.options.update(width=_UNBOUNDED)
        return Measurement.get(self._console, options, grid).minimum <= self._console.width

    def _stacked(self, table: Table) -> RenderableType:
        """A table too wide for the terminal, one record under the other."""
        from rich.table import Table as Grid  # noqa: PLC0415 - start-up time

        grid = Grid.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for number, row in enumerate(table.rows):
            if number:
                grid.add_row("", "")
            for header, shown in zip(table.headers, self._presenter.row(table, row), strict=True):
                grid.add_row(_styled(self._presenter.text(header)), self._shown(shown))
        return grid


def _leads(block: Block) -> bool:
    """Whether a block is the heading of what follows it."""
    return isinstance(block, Prose) and block.text.endswith(":")


def _longest(shown: Shown) -> int | None:
    return None if " " in shown.text[:_LONGEST_CELL] else _LONGEST_CELL

"""PDF: a tagged document (PDF/UA-1) set by Typst in the fonts of the package; receipts are numbered notes at the end.

The report is handed to the template `typst/report.typ` as one JSON value, words as strings: a name is never read as markup.
Nothing of the machine goes into the file (no date, no system font), so that the same report gives the same bytes anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, assert_never

from customer_research.documents.answering import freshness_words
from customer_research.documents.drawing import vega
from customer_research.documents.drawing.theme import PRINT
from customer_research.documents.fonts import FALLBACKS, FAMILY, FOLDER
from customer_research.documents.fonts.measure import breakable, drawable, shortened
from customer_research.documents.formats.columns import Columns, side_by_side
from customer_research.documents.formats.wording import (
    caption_beside,
    hole_words,
    next_words,
    note_runs,
    receipt_words,
    receipts_of_chart,
    title_words,
)
from customer_research.documents.present import Presenter, Shown, gap_words
from customer_research.domain.evidence import Receipt
from customer_research.domain.report import (
    Block,
    Bullets,
    Chart,
    FigureLine,
    Figures,
    Missing,
    Prose,
    Report,
    Table,
)
from customer_research.domain.words import dated_words
from customer_research.errors import ExtraMissing, RenderError

if TYPE_CHECKING:
    import typst

TEMPLATES = Path(__file__).parent / "typst"
STANDARD: Literal["ua-1"] = "ua-1"
"""What Typst holds the document to: it refuses to write one that breaks it."""

_PAGE_WIDTH, _PAGE_HEIGHT, _MARGIN = 595.28, 841.89, 51.0  # A4, in points
_LINE = _PAGE_WIDTH - 2 * _MARGIN
_SIZE, _TABLE_SIZE, _RECEIPT_SIZE, _HEAD_SIZE = 9.5, 8.0, 7.5, 8.0
_SMALLEST = 7.0
_MANY_COLUMNS = 8
_PADDING = 3.0  # on each side of a cell, in points
_FIGURE_LABEL, _FIGURE_VALUE = 0.36, 0.60  # shares of the line
_MARK = 0.42  # em that a digit of a note's number takes
_INDENT = 24.0


def render(report: Report, *, show_personal: bool = False) -> bytes:
    """A report as a PDF.

    Raises:
        RenderError: a figure without a receipt, or Typst refuses the document.
        ExtraMissing: Typst is not installed.
    """
    made = _Writer(Presenter(report, show_personal=show_personal)).document()
    return _compiled(json.dumps(made, ensure_ascii=False))


# -- Typst -------------------------------------------------------------------------------------------------------------

_turn = Lock()


@cache
def _compiler() -> typst.Compiler:
    """The one compiler of the process, its fonts loaded once."""
    try:
        import typst  # noqa: PLC0415 - heavy, and an extra
    except ImportError:
        raise ExtraMissing("A PDF needs Typst", "documents") from None
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FOLDER)])
    return typst.Compiler(root=str(TEMPLATES), font_paths=fonts, ignore_system_fonts=True)


@cache
def _template() -> bytes:
    return (TEMPLATES / "report.typ").read_bytes()


def _compiled(report: str) -> bytes:
    compiler = _compiler()
    try:
        with _turn:
            made = compiler.compile(_template(), sys_inputs={"report": report}, format="pdf", pdf_standards=[STANDARD])
    except RuntimeError as error:
        raise RenderError(f"Typst refuses the document: {error}.", hint="Please report this.") from None
    assert isinstance(made, bytes)
    return made


# -- the JSON that the template reads ----------------------------------------------------------------------------------


class _Writer:
    """Lays one report out as plain values for the template."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def document(self) -> dict[str, Any]:
        presenter, report = self._presenter, self._presenter.report
        title = drawable(title_words(presenter))
        as_of = dated_words(report.as_of, report.as_of).removesuffix(".")
        return {
            "title": self._fit(title, _LINE, 19),
            "author": "customer-research",
            "description": f"{title}. {as_of}.",
            "fonts": [FAMILY, *FALLBACKS],
            "page": {"width": _PAGE_WIDTH, "height": _PAGE_HEIGHT, "margin": _MARGIN},
            "running": shortened(title, 0.68 * _LINE / _HEAD_SIZE),
            "as_of": as_of,
            "audience": "Internal" if report.audience == "internal" else "",
            "dated": self._fit(self._dated(), _LINE),
            "headline": self._prose(presenter.headline) if presenter.headline else None,
            "warnings": [self._prose(warning) for warning in presenter.warnings],
            "sections": [
                {"title": self._words(section.title), "blocks": [self._block(block) for block in section.blocks]}
                for section in presenter.sections
            ],
            **self._tail(),
        }

    def _dated(self) -> str:
        report = self._presenter.report
        operator = f"Operator {self._presenter.text(report.operator_id)}. " if report.operator_id else ""
        return f"{operator}{dated_words(report.as_of, report.generated_at)}"

    def _tail(self) -> dict[str, Any]:
        presenter = self._presenter
        listed = _LINE - _INDENT
        return {
            "notes": [self._fit(f"{note}: {'; '.join(labels)}.", listed) for note, labels in presenter.notes],
            "gaps": [self._fit(hole_words(presenter, hole), listed) for hole in presenter.holes],
            "sources": [
                {"name": drawable(name), "words": self._fit(words, listed), "tone": tone}
                for name, words, tone in freshness_words(presenter)
            ],
            "receipts": [self._receipt(number, one) for number, one in enumerate(presenter.receipts, 1)],
        }

    def _receipt(self, number: int, receipt: Receipt) -> dict[str, Any]:
        words, query = receipt_words(self._presenter, receipt)
        room = _LINE - _INDENT
        return {
            "number": number,
            "words": self._fit(words, room, _RECEIPT_SIZE),
            "query": self._fit(query, room, _RECEIPT_SIZE),
        }

    def _block(self, block: Block) -> dict[str, Any]:
        if isinstance(block, Prose):
            return {"type": "prose", "run": self._prose(block)}
        if isinstance(block, Bullets):
            return {"type": "bullets", "ordered": block.ordered, "items": [self._prose(item) for item in block.items]}
        if isinstance(block, Figures):
            return {"type": "figures", "lines": [self._line(line) for line in block.lines]}
        if isinstance(block, Table):
            return self._table(block)
        if isinstance(block, Chart):
            return self._chart(block)
        if isinstance(block, Missing):
            return self._missing(block)
        assert_never(block)

    def _prose(self, prose: Prose) -> dict[str, Any]:
        text = self._words(prose.text, _LINE - _INDENT)
        return {"text": text, "tone": prose.tone, "notes": note_runs(self._presenter.facts(prose.facts))}

    def _missing(self, block: Missing) -> dict[str, Any]:
        why = self._words(gap_words(block.gap), _LINE)
        told = self._words(next_words(block.gap), _LINE)
        return {"type": "missing", "what": self._words(block.what, _LINE), "why": why, "next": told}

    def _line(self, line: FigureLine) -> dict[str, Any]:
        shown = self._presenter.line(line)
        label = self._words(line.label, _FIGURE_LABEL * _LINE)
        return {"label": label, "value": self._shown(shown, _FIGURE_VALUE * _LINE, _SIZE, worded=True)}

    def _shown(self, shown: Shown, room: float, size: float, *, worded: bool = False) -> dict[str, Any]:
        beside = [shown.tone_word] if worded else []
        words = "; ".join(part for part in (*beside, shown.note) if part)
        notes = note_runs(shown.notes)
        marks = _MARK * size * sum(len(words) + 1 for _, words in notes)
        return {
            "text": self._fit(shown.text, room - marks if marks < room / 2 else room, size),
            "tone": shown.tone,
            "link": shown.link,
            "beside": self._fit(words, room, size),
            "notes": notes,
        }

    def _table(self, table: Table) -> dict[str, Any]:
        headers = [drawable(self._presenter.text(header)) for header in table.headers]
        cells = [self._presenter.row(table, row) for row in table.rows]
        texts = [headers, *([_measured(shown) for shown in row] for row in cells)]
        size = _TABLE_SIZE if len(headers) < _MANY_COLUMNS else _SMALLEST
        groups = side_by_side(texts, _LINE / size, 2 * _PADDING / size)
        return {
            "type": "table",
            "caption": self._caption(table),
            "size": size,
            "padding": _PADDING,
            "groups": [self._group(group, table, headers, cells, size) for group in groups],
        }

    def _chart(self, chart: Chart) -> dict[str, Any]:
        """The picture, whose sentence is its alternative text; below it the sentence and the events it numbers."""
        if not chart.marks:
            return {"type": "prose", "run": self._prose(chart.says)}
        notes = note_runs(self._presenter.numbers(receipts_of_chart(chart)))
        says = drawable(self._presenter.text(chart.says.text))
        return {
            "type": "chart",
            "caption": {"text": self._words(chart.title), "beside": "", "notes": notes},
            "svg": drawable(vega.svg(vega.spec(chart, self._presenter, PRINT))),
            "width": _LINE,
            "alt": says,
            "says": self._prose(chart.says),
            "events": [{"on": event.on.isoformat(), "what": self._prose(event.what)} for event in chart.events],
        }

    def _group(
        self, group: Columns, table: Table, headers: Sequence[str], cells: Sequence[Sequence[Shown]], size: float
    ) -> dict[str, Any]:
        rooms = {at: width * size - 2 * _PADDING for at, width in zip(group.chosen, group.widths, strict=True)}
        return {
            "widths": [round(width * size, 2) for width in group.widths],
            "right": [at < len(table.align) and table.align[at] == "right" for at in group.chosen],
            "headers": [self._fit(headers[at], rooms[at], size) for at in group.chosen],
            "rows": [[self._shown(row[at], rooms[at], size) for at in group.chosen] for row in cells],
        }

    def _caption(self, table: Table) -> dict[str, Any] | None:
        words, beside = self._words(table.caption, _LINE), caption_beside(table)
        notes = note_runs(self._presenter.numbers(table.basis))
        return {"text": words, "beside": beside, "notes": notes} if words or beside or notes else None

    def _words(self, text: str, room: float = _LINE) -> str:
        return self._fit(self._presenter.text(text), room)

    def _fit(self, text: str, room: float, size: float = _SIZE) -> str:
        """A text that can be drawn, and whose words fit into the room (in points) or may break."""
        return breakable(drawable(text), max(room / size, 1.0))


def _measured(shown: Shown) -> str:
    """A cell as it counts for the width of its column: its words, and room for the numbers of its notes."""
    marks = "0" * sum(len(words) + 1 for _, words in note_runs(shown.notes))
    beside = f" ({shown.note})" if shown.note else ""
    return f"{drawable(shown.text)}{beside}{marks}"

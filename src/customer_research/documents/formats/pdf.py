"""PDF: a tagged document (PDF/UA-1) set by Typst in the fonts of the package; receipts are numbered notes at the end.

The report is handed to the template `typst/report.typ` as one JSON value, words as strings: a name is never read as markup.
Nothing of the machine goes into the file (no date, no system font), so that the same report gives the same bytes anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import typst

from customer_research.documents.brand import HOUSE, Brand
from customer_research.documents.drawing import vega
from customer_research.documents.drawing.theme import PRINT
from customer_research.documents.fonts import FALLBACKS, FAMILY, FOLDER
from customer_research.documents.fonts.measure import breakable, drawable, shortened
from customer_research.documents.formats.columns import Columns, side_by_side
from customer_research.documents.formats.wording import note_runs
from customer_research.documents.page import Footnote, Grid, Line, List, Page, Pairs, Paragraph, Part, Pen, Picture
from customer_research.documents.present import Value
from customer_research.domain.report import Report, Tone
from customer_research.errors import RenderError

TEMPLATES = Path(__file__).parent / "typst"
STANDARD: Literal["ua-1"] = "ua-1"
"""What Typst holds the document to: it refuses to write one that breaks it."""

_PAGE_WIDTH, _PAGE_HEIGHT, _MARGIN = 595.28, 841.89, 51.0  # A4, in points
_LINE = _PAGE_WIDTH - 2 * _MARGIN
_SIZE, _TABLE_SIZE, _RECEIPT_SIZE, _HEAD_SIZE = 9.5, 8.0, 6.5, 8.0
_SMALLEST = 7.0
_MANY_COLUMNS = 8
_PADDING = 3.0  # on each side of a cell, in points
_FIGURE_LABEL, _FIGURE_VALUE = 0.36, 0.60  # shares of the line
_MARK = 0.42  # em that a digit of a note's number takes
_INDENT = 24.0


def render(report: Report, *, show_personal: bool = False, brand: Brand = HOUSE) -> bytes:
    """A report as a PDF; `brand` is the user's own colour, logo and account manager.

    Raises:
        RenderError: a figure without a receipt, or Typst refuses the document.
    """
    made = _Writer(Page(report, show_personal=show_personal), brand).document()
    return _compiled(json.dumps(made, ensure_ascii=False))


# -- Typst -------------------------------------------------------------------------------------------------------------

_turn = Lock()


@cache
def _compiler() -> typst.Compiler:
    """The one compiler of the process, its fonts loaded once."""
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


class _Writer(Pen[dict[str, Any]]):
    """Lays one report out as plain values for the template."""

    def __init__(self, page: Page, brand: Brand) -> None:
        self._page = page
        self._brand = brand
        self._theme = replace(
            PRINT,
            tones={**PRINT.tones, "neutral": brand.color},
            series=(brand.color, *PRINT.series[1:]),
        )

    def document(self) -> dict[str, Any]:
        page = self._page
        title = drawable(page.heading)
        as_of = page.day
        return {
            "title": self._fit(title, _LINE, 19),
            "author": "customer-research",
            "description": f"{title}. {as_of}.",
            "fonts": [FAMILY, *FALLBACKS],
            "page": {"width": _PAGE_WIDTH, "height": _PAGE_HEIGHT, "margin": _MARGIN},
            "brand": {
                "color": self._brand.color,
                "logo": list(self._brand.logo),
                "presented": self._fit(self._brand.presented, _LINE),
            },
            "running": shortened(title, 0.68 * _LINE / _HEAD_SIZE),
            "as_of": as_of,
            "audience": page.audience,
            "dated": self._fit(page.dated, _LINE),
            "headline": self._line(page.headline) if page.headline else None,
            "warnings": list(map(self._line, page.warnings)),
            "parts": list(map(self._part, (*page.parts, *page.tail))),
            "receipts": list(map(self._receipt, page.footnotes)),
        }

    def _part(self, part: Part) -> dict[str, Any]:
        return {"title": self._fit(part.heading.text, _LINE), "nodes": list(map(self.draw, part.nodes))}

    def _receipt(self, note: Footnote) -> dict[str, Any]:
        return {"number": note.number, "words": self._fit(note.words, _LINE / 2 - _INDENT, _RECEIPT_SIZE)}

    def paragraph(self, node: Paragraph) -> dict[str, Any]:
        return {"type": "paragraph", "line": self._line(node.line)}

    def list(self, node: List) -> dict[str, Any]:
        lines = node.lines
        if node.kind == "gaps":  # a gap on paper is read whole, in one colour
            lines = tuple(Line(line.whole) for line in lines)
        if node.kind == "sources":
            lines = _together(lines)
        return {
            "type": "list",
            "ordered": node.ordered,
            "bold": node.kind == "sources",
            "lines": list(map(self._line, lines)),
        }

    def _line(self, line: Line) -> dict[str, Any]:
        label, text, beside = (self._fit(words, _LINE - _INDENT) for words in (line.lead, line.text, line.beside))
        notes = note_runs(line.notes)
        return {
            "label": label,
            "text": text,
            "tone": line.tone,
            "gap": bool(line.gap),
            "beside": beside,
            "notes": notes,
        }

    def pairs(self, node: Pairs) -> dict[str, Any]:
        return {"type": "pairs", "pairs": [self._pair(*pair) for pair in node.pairs]}

    def _pair(self, label: str, value: Value) -> dict[str, Any]:
        drawn = self._value(value, _FIGURE_VALUE * _LINE, _SIZE, worded=True)
        return {"label": self._fit(label, _FIGURE_LABEL * _LINE), "value": drawn}

    def _value(self, value: Value, room: float, size: float, *, worded: bool = False) -> dict[str, Any]:
        beside = [value.tone_word] if worded else []
        words = "; ".join(part for part in (*beside, value.note) if part)
        notes = note_runs(value.notes)
        marks = _MARK * size * sum(len(words) + 1 for _, words in notes)
        return {
            "text": self._fit(value.text, room - marks if marks < room / 2 else room, size),
            "tone": value.tone,
            "link": value.link,
            "beside": self._fit(words, room, size),
            "notes": notes,
        }

    def grid(self, node: Grid) -> dict[str, Any]:
        headers = list(map(drawable, node.headers))
        texts = [headers, *(list(map(_measured, row)) for row in node.rows)]
        size = _TABLE_SIZE if len(headers) < _MANY_COLUMNS else _SMALLEST
        groups = side_by_side(texts, _LINE / size, 2 * _PADDING / size)
        return {
            "type": "grid",
            "caption": self._caption(node.caption, node.beside, node.notes),
            "size": size,
            "padding": _PADDING,
            "groups": [self._group(group, node, headers, size) for group in groups],
        }

    def picture(self, node: Picture) -> dict[str, Any]:
        """The picture, whose sentence is its alternative text; below it the sentence and the events it numbers."""
        if not node.chart.marks:
            return {"type": "paragraph", "line": self._line(node.says)}
        return {
            "type": "picture",
            "caption": self._caption(node.title, "", node.notes),
            "svg": drawable(vega.svg(vega.spec(node.chart, self._page.presenter, self._theme))),
            "width": _LINE,
            "alt": drawable(node.says.text),
            "says": self._line(node.says),
            "events": list(map(self._line, node.events.lines)),
        }

    def _group(self, group: Columns, node: Grid, headers: Sequence[str], size: float) -> dict[str, Any]:
        rooms = {at: width * size - 2 * _PADDING for at, width in zip(group.chosen, group.widths, strict=True)}
        return {
            "widths": [round(width * size, 2) for width in group.widths],
            "right": [node.right[at] for at in group.chosen],
            "headers": [self._fit(headers[at], rooms[at], size) for at in group.chosen],
            "rows": [[self._value(row[at], rooms[at], size) for at in group.chosen] for row in node.rows],
        }

    def _caption(self, text: str, beside: str, notes: tuple[int, ...]) -> dict[str, Any] | None:
        found = {"text": self._fit(text, _LINE), "beside": beside, "notes": note_runs(notes)}
        return found if any(found.values()) else None

    def _fit(self, text: str, room: float, size: float = _SIZE) -> str:
        """A text that can be drawn, and whose words fit into the room (in points) or may break."""
        return breakable(drawable(text), max(room / size, 1.0))


def _measured(value: Value) -> str:
    """A cell as it counts for the width of its column: its words, and room for the numbers of its notes."""
    marks = "0" * sum(len(words) + 1 for _, words in note_runs(value.notes))
    beside = f" ({value.note})" if value.note else ""
    return f"{drawable(value.text)}{beside}{marks}"


def _together(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Sources of which the same is to be said on one line: a page has room for what differs."""
    alike: dict[tuple[str, Tone], list[Line]] = {}
    for line in lines:
        alike.setdefault((line.text, line.tone), []).append(line)
    return tuple(replace(some[0], label=", ".join(line.label for line in some)) for some in alike.values())

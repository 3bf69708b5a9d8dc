"""Slides: measures text, splits it over slides, and fills the placeholders of a template (the one module with python-pptx).

Lengths are in points. Text is measured in the widest font that is likely (Noto Sans, bold), so that what fits here fits there.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.text import PP_ALIGN
from pptx.oxml.ns import qn
from pptx.slide import Slide, SlideLayout
from pptx.util import Pt

from customer_research.documents.drawing.theme import LIGHT
from customer_research.documents.fonts.measure import breakable, em, shortened
from customer_research.documents.formats.columns import Columns, side_by_side
from customer_research.documents.formats.slide_charts import ChartPlan, dress
from customer_research.documents.formats.slide_layouts import (
    EDGE,
    EMU,
    Box,
    box_of,
    house,
    layout,
    opened,
    placeholder,
    rgb,
    slot,
)
from customer_research.documents.present import Presenter
from customer_research.domain.evidence import Receipt
from customer_research.domain.report import Chart, Tone

_TITLE_SIZES, _TITLE_LINES = (24, 20, 17, 15), 2
_COVER_SIZES, _COVER_LINES = (36, 30, 24, 20), 4
_HEADING, _TEXT, _CAPTION, _CELL, _FOOT = 20.0, 16.0, 13.0, 12.0, 9.0
SMALL = 10.0
"""The size of letters that stand below charts and in lists of receipts, in points."""

_LEADING = 1.24
_PADDING, _CELL_TOP = 4.0, 2.5
_GAP, _BULLET = 6.0, 12.0
_LONGEST_CELL = 6
"""A cell has at most so many lines; the rest of its words stands in the slide's notes."""

_LEAST_ROWS = 3
_SHORT = 0.5
"""A table that takes less of the place for content than this is not split."""

_ROOM_FOR_ANOTHER = 0.35
"""A part begins on the open slide, under a heading, while so much of the place for content is free."""

_MOST_BELOW_CHART = 0.4
_INSET = 7.2  # what PowerPoint keeps free inside a text box at the left and right
_TONES = {**LIGHT.tones, "neutral": LIGHT.ink}
_ACCENT, _PALE = "#1f4e79", "#eef2f6"


@dataclass(frozen=True, slots=True)
class Word:
    """A run of text with one look."""

    text: str
    tone: Tone = "neutral"
    bold: bool = False
    quiet: bool = False
    raised: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, and the receipts it rests on."""

    words: tuple[Word, ...]
    bullet: bool = False
    size: float = _TEXT
    proofs: tuple[Receipt, ...] = ()

    def height(self, width: float) -> float:
        """How high it stands in a box of a width."""
        room = (width - 2 * _INSET - (_BULLET if self.bullet else 0)) / self.size
        return _lines(_plain(self.words), room) * self.size * _LEADING + _GAP


Cell = tuple[Word, ...]


def _plain(words: Iterable[Word]) -> str:
    return "".join(word.text for word in words)


def _lines(text: str, room: float) -> int:
    """How many lines a text takes in *room* em: words are put one after the other, too long ones are broken."""
    count, left = 1, room
    for word in text.split(" "):
        width = em(word) + em(" ")
        if width <= left:
            left -= width
        elif width <= room:
            count, left = count + 1, room - width
        else:
            rows = math.ceil(width / room)
            count, left = count + rows, room - (width - (rows - 1) * room)
    return count


class Deck:
    """A presentation in the making: pieces of a part are put below each other, on as many slides as they need.

    Raises:
        UsageError: the template cannot be read, or has no layout.
    """

    def __init__(self, template: Path | None) -> None:
        self._deck = house() if template is None else opened(template)
        self._own = template is None
        self._size = Box(0, 0, (self._deck.slide_width or 0) / EMU, (self._deck.slide_height or 0) / EMU)
        self._title, self._number = "", 0
        self._slide: Slide | None = None
        self._left = Box(0, 0, 0, 0)  # what is free on the open slide
        self._whole = 0.0  # and how high it was
        self._heading: Text | None = None  # of a part that begins on the open slide
        self._notes: dict[str, None] = {}
        self._layouts: dict[str, SlideLayout] = {}
        self.footer = ""

    # -- pieces --------------------------------------------------------------------------------------------------------

    def cover(self, name: str, below: Sequence[Text], notes: str) -> None:
        """The first slide: who, what, as of when."""
        slide = self._deck.slides.add_slide(self._layout("subtitle"))
        self._slide = slide
        spare = Box(EDGE, self._size.height * 0.3, self._size.width - 2 * EDGE, self._size.height * 0.28)
        cut = self._headed(slide, name, _COVER_SIZES, _COVER_LINES, spare)
        under = placeholder(slide, "subtitle")
        if under is None:
            under = slide.shapes.add_textbox(*replace(spare, top=spare.top + spare.height + _GAP).emu)
        self._written(under, _fitting(below, box_of(under)))
        for paragraph in under.text_frame.paragraphs if self._own else ():
            _house_title(paragraph, titled=False)
        self._note(f"Name: {name}" if cut else "", notes)
        self.end()

    def begin(self, title: str) -> None:
        """A new part: what follows stands under its title, on the open slide if there is room."""
        self._title, self._number = title, 0
        self._heading = Text((Word(title, bold=True),), size=_HEADING)
        if self._left.height < _ROOM_FOR_ANOTHER * self._whole:
            self.end()

    def text(self, lines: Sequence[Text], proofs: Callable[[tuple[Receipt, ...]], str]) -> None:
        """Paragraphs."""
        rest = list(lines)
        while rest:
            self._ready("body", rest[0].height(self._left.width))
            taken = _taken(rest, self._left)
            shown, rest = rest[:taken], rest[taken:]
            fitted = _fitting(shown, self._left)
            self._paragraphs(fitted)
            receipts = {one.id: one for line in shown for one in line.proofs}
            self._note(
                *(_plain(line.words) for line in shown if line not in fitted),
                proofs(tuple(receipts.values())),
            )

    def table(
        self,
        caption: str,
        headers: Sequence[Cell] | None,
        rows: Sequence[Sequence[Cell]],
        right: Sequence[bool],
        notes: str,
    ) -> None:
        """A table; without headers the first column names the rows."""
        if not rows:
            return
        texts = [[_plain(cell) for cell in row] for row in ([headers] if headers else []) + list(rows)]
        width = self._left.width if self._slide is not None else self._region_width()
        for group in side_by_side(texts, width / _CELL, 2 * _PADDING / _CELL):
            at = 0
            while at < len(rows):
                at += self._piece(
                    group,
                    caption if at == 0 else f"{caption} (continued)" if caption else "",
                    headers,
                    rows[at:],
                    right,
                )
                self._note(notes)

    def chart(self, chart: Chart, drawn: ChartPlan, lines: Sequence[Text], notes: str, presenter: Presenter) -> None:
        """A native chart on a slide of its own, and below it what it says."""
        slide = self._fresh("chart")
        box = self._left
        small = [replace(line, size=SMALL) for line in lines]
        most = box.height * _MOST_BELOW_CHART
        below = min(math.fsum(line.height(box.width) for line in small) + _GAP, most)
        place = replace(box, height=box.height - below)
        frame = slide.shapes.add_chart(getattr(XL_CHART_TYPE, drawn.kind), *place.emu, drawn.numbers)
        _described(frame, chart.title, presenter.text(chart.says.text))
        dress(frame.chart, chart, drawn, presenter)
        self._left = Box(box.left, place.top + place.height, box.width, below)
        fitted = _fitting(small, self._left)
        self._paragraphs(fitted)
        self._note(*(_plain(line.words) for line in small if line not in fitted), notes)
        self.end()

    def end(self) -> None:
        """Finish the open slide: footer, number, notes; placeholders that nothing filled are taken off."""
        slide, self._slide = self._slide, None
        self._left = Box(0, 0, 0, 0)
        if slide is None:
            return
        self._footed(slide)
        for shape in list(slide.placeholders):
            if shape.has_text_frame and not shape.text_frame.text:
                shape.element.getparent().remove(shape.element)
        notes, self._notes = [note for note in self._notes if note], {}
        frame = slide.notes_slide.notes_text_frame if notes else None
        if frame is not None:
            frame.text = "\n".join(notes)

    def saved(self, title: str, made: datetime) -> bytes:
        """The file; nothing in it tells when or where it was written."""
        self.end()
        at = made.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        about = self._deck.core_properties
        about.title, about.author, about.last_modified_by = title[:255], "customer-research", "customer-research"
        about.created, about.modified, about.revision = at, at, 1
        out = io.BytesIO()
        self._deck.save(out)
        return timeless(out.getvalue())

    # -- parts of a slide ----------------------------------------------------------------------------------------------

    def _fresh(self, kind: str) -> Slide:
        """A new slide of the part."""
        self.end()
        self._number += 1
        slide = self._slide = self._deck.slides.add_slide(self._layout(kind))
        title = self._title if self._number == 1 else f"{self._title} ({self._number})"
        if self._headed(slide, title):
            self._note(title)
        self._left = self._region(slide, kind)
        self._whole, self._heading = self._left.height, None
        if kind != "body":
            self._removed(slide, kind)
        return slide

    def _ready(self, kind: str, height: float) -> Slide:
        """The slide on which a piece so high goes: the open one if it fits there, with its part's heading if it is the first."""
        heading, self._heading = self._heading, None
        above = heading.height(self._left.width) if heading is not None and self._slide is not None else 0.0
        if self._slide is None or above + height > self._left.height:
            return self._fresh(kind)
        if heading is not None:
            self._paragraphs([heading])
            self._number = 1
        return self._slide

    def _layout(self, kind: str) -> SlideLayout:
        """The layout of a kind of slide, looked for once."""
        if kind not in self._layouts:
            self._layouts[kind] = layout(self._deck, ("title", kind))
        return self._layouts[kind]

    def _note(self, *notes: str) -> None:
        self._notes |= dict.fromkeys(notes)

    def _headed(
        self,
        slide: Slide,
        title: str,
        sizes: Sequence[int] = _TITLE_SIZES,
        most: int = _TITLE_LINES,
        spare: Box | None = None,
    ) -> bool:
        """Write the title in the largest letters that fit; whether it had to be cut."""
        placed = placeholder(slide, "title")
        if placed is None:
            placed = slide.shapes.add_textbox(*(spare or Box(EDGE, 18, self._size.width - 2 * EDGE, 60)).emu)
        box = box_of(placed)
        room = box.width - 2 * _INSET
        told, size = title, 0
        for size in sizes:
            count = _lines(title, room / size)
            if count <= most and count * size * _LEADING <= box.height + _GAP:
                break
        else:
            rows = max(1, min(most, int(box.height / size / _LEADING)))
            told = shortened(title, 0.9 * room / size * rows)
        placed.text_frame.word_wrap = True
        _write(placed.text_frame.paragraphs[0], (Word(told, bold=True),), size, plain=True)
        if self._own:
            _house_title(placed.text_frame.paragraphs[0])
        return told != title

    def _region_width(self) -> float:
        found = slot(self._layout("table"), "table")
        return box_of(found).width if found is not None else self._size.width - 2 * EDGE

    def _region(self, slide: Slide, kind: str) -> Box:
        """Where the content of a slide stands: its placeholder's place, or all below the title."""
        placed = placeholder(slide, kind)
        if placed is not None:
            return box_of(placed)
        head = placeholder(slide, "title")
        top = box_of(head).top + box_of(head).height + _GAP if head is not None else 84.0
        return Box(EDGE, top, self._size.width - 2 * EDGE, self._size.height - top - EDGE)

    def _removed(self, slide: Slide, kind: str) -> None:
        placed = placeholder(slide, kind)
        if placed is not None and not placed.text_frame.text:
            placed.element.getparent().remove(placed.element)

    def _paragraphs(self, lines: Sequence[Text]) -> None:
        """Text at the top of what is free: in the slide's placeholder, when nothing stands there yet."""
        slide = self._slide
        assert slide is not None
        height = min(math.fsum(line.height(self._left.width) for line in lines) + _GAP, self._left.height)
        place = replace(self._left, height=height)
        placed = placeholder(slide, "body")
        if placed is None or placed.text_frame.text or box_of(placed) != self._left:
            placed = slide.shapes.add_textbox(*place.emu)
        else:
            placed.left, placed.top, placed.width, placed.height = place.emu
        self._written(placed, lines)
        self._used(height)

    def _used(self, height: float) -> None:
        self._left = replace(self._left, top=self._left.top + height, height=self._left.height - height)

    def _written(self, placed: Any, lines: Sequence[Text]) -> None:
        frame = placed.text_frame
        frame.word_wrap = True
        for number, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            _write(paragraph, line.words, line.size, bullet=line.bullet)

    def _piece(
        self,
        group: Columns,
        caption: str,
        headers: Sequence[Cell] | None,
        rows: Sequence[Sequence[Cell]],
        right: Sequence[bool],
    ) -> int:
        """Draw as many rows as fit on the open slide, on a new one when hardly any would; how many they were."""
        above = _CAPTION * _LEADING + _GAP if caption else 0.0
        fitted = _rows(group, headers, rows, self._left.width if self._slide else self._region_width())
        whole = above + math.fsum(fitted.heights)
        together = (
            whole if whole < _SHORT * self._whole else above + math.fsum(fitted.heights[: fitted.lead + _LEAST_ROWS])
        )
        slide = self._ready("table", together)
        self._removed(slide, "table")
        if caption:
            self._paragraphs([Text((Word(caption, bold=True),), size=_CAPTION)])
        count, height = 0, 0.0
        for row_height in fitted.heights:
            if count > fitted.lead and height + row_height > self._left.height:
                break
            count, height = count + 1, height + row_height
        frame = slide.shapes.add_table(count, len(fitted.widths), *replace(self._left, height=height).emu)
        _described(frame, caption or self._title, caption or self._title)
        _fill_table(frame.table, fitted, count, [at < len(right) and right[at] for at in group.chosen])
        for row, cells in zip(rows, fitted.cells[fitted.lead : count], strict=False):
            told = (_plain(row[at]) for at in group.chosen)
            self._note(
                *(
                    full
                    for full, cell in zip(told, cells, strict=True)
                    if _plain(cell).endswith("…") and full[-1:] != "…"
                )
            )
        self._used(height + 2 * _GAP)
        return count - fitted.lead

    def _footed(self, slide: Slide) -> None:
        found = slot(slide.slide_layout, "footer")
        box = box_of(found) if found is not None else Box(EDGE, self._size.height - 28, self._size.width - 2 * EDGE, 20)
        number = str(len(self._deck.slides))
        text = f"{shortened(self.footer, (box.width - 2 * _INSET) / _FOOT - 4)}  ·  {number}"
        placed = slide.shapes.add_textbox(*box.emu)
        placed.name = "footer"
        placed.text_frame.word_wrap = True
        _write(placed.text_frame.paragraphs[0], (Word(text, quiet=True),), _FOOT)


def _taken(lines: Sequence[Text], box: Box) -> int:
    """How many paragraphs fit into a box, at least one."""
    height, count = 0.0, 0
    for line in lines:
        height += line.height(box.width)
        if count and height > box.height - _GAP:
            break
        count += 1
    return count


def _fitting(lines: Sequence[Text], box: Box) -> list[Text]:
    """Paragraphs cut to what a box holds; the caller tells the rest in the notes."""
    found: list[Text] = []
    left = box.height - _GAP
    for line in lines:
        height = line.height(box.width)
        if height > left:
            rows = int((left - _GAP) / (line.size * _LEADING))
            if rows > 0:
                room = (box.width - 2 * _INSET) / line.size * rows * 0.92
                found.append(replace(line, words=(replace(line.words[0], text=shortened(_plain(line.words), room)),)))
            break
        found.append(line)
        left -= height
    return found


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a table as they are drawn, `lead` of them the header; widths and heights in points."""

    widths: tuple[float, ...]
    cells: tuple[tuple[Cell, ...], ...]
    heights: tuple[float, ...]
    lead: int


def _rows(group: Columns, headers: Sequence[Cell] | None, rows: Sequence[Sequence[Cell]], width: float) -> _Rows:
    scale = width / math.fsum(group.widths)
    widths = tuple(one * scale for one in group.widths)
    cells = tuple(
        tuple(_short(row[at], (one - 2 * _PADDING) / _CELL) for at, one in zip(group.chosen, widths, strict=True))
        for row in ([headers] if headers else []) + list(rows)
    )
    heights = tuple(max(map(_cell_height, row, widths)) for row in cells)
    return _Rows(widths, cells, heights, 1 if headers else 0)


def _short(cell: Cell, room: float) -> Cell:
    """A cell cut to the lines that it may have; words wider than the column may break."""
    if _lines(_plain(cell), room) <= _LONGEST_CELL:
        return tuple(replace(word, text=breakable(word.text, room)) for word in cell)
    told = shortened(cell[0].text, room * _LONGEST_CELL * 0.85)
    return (replace(cell[0], text=breakable(told, room)),)


def _cell_height(cell: Cell, width: float) -> float:
    return _lines(_plain(cell), (width - 2 * _PADDING) / _CELL) * _CELL * _LEADING + 2 * _CELL_TOP


# -- shapes ------------------------------------------------------------------------------------------------------------


def _described(frame: Any, name: str, words: str) -> None:
    """A shape's name and alternative text."""
    about = frame._element.nvGraphicFramePr.cNvPr  # noqa: SLF001 - the library has no way to set it
    frame.name = name[:255]
    about.set("descr", words)


def _write(paragraph: Any, words: Sequence[Word], size: float, *, bullet: bool = False, plain: bool = False) -> None:
    """Fill a paragraph; *plain* leaves colour and weight to the template."""
    paragraph.space_after = Pt(0 if plain else _GAP / 2)
    told = [Word("• "), *words] if bullet else words
    _unbulleted(paragraph)
    for word in told:
        if not word.text:
            continue
        run = paragraph.add_run()
        run.text = word.text
        run.font.size = Pt(size)
        if plain:
            continue
        colour = LIGHT.quiet if word.quiet else _TONES[word.tone]
        run.font.color.rgb = rgb(colour)
        run.font.bold = word.bold or word.tone == "bad"
        run.font.italic = word.tone == "unknown"
        if word.raised:
            run._r.get_or_add_rPr().set("baseline", "30000")  # noqa: SLF001 - the library has no superscript
        if word.link:
            run.hyperlink.address = word.link


def _unbulleted(paragraph: Any) -> None:
    """Take off what a placeholder would put before a paragraph: bullets are part of the text here."""
    about = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - the library has no bullets
    about.set("marL", "0")
    about.set("indent", "0")
    if about.find(qn("a:buNone")) is None:
        about.append(about.makeelement(qn("a:buNone"), {}))


def _fill_cell(cell: Any, words: Cell, *, head: bool, right: bool) -> None:
    cell.margin_left = cell.margin_right = Pt(_PADDING)
    cell.margin_top = cell.margin_bottom = Pt(_CELL_TOP)
    cell.fill.solid()
    cell.fill.fore_color.rgb = rgb(_PALE if head else LIGHT.paper)
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
    _write(paragraph, words, _CELL)


def _house_title(paragraph: Any, *, titled: bool = True) -> None:
    paragraph.alignment = PP_ALIGN.LEFT
    for run in paragraph.runs if titled else ():
        run.font.bold = True
        run.font.color.rgb = rgb(_ACCENT)


def _fill_table(table: Any, fitted: _Rows, count: int, right: Sequence[bool]) -> None:
    table.first_row, table.first_col, table.horz_banding = bool(fitted.lead), not fitted.lead, False
    for at, width in enumerate(fitted.widths):
        table.columns[at].width = round(width * EMU)
    for number, (cells, height) in enumerate(zip(fitted.cells[:count], fitted.heights, strict=False)):
        table.rows[number].height = round(height * EMU)
        for at, cell in enumerate(cells):
            _fill_cell(table.cell(number, at), cell, head=number < fitted.lead, right=right[at])


# -- the same bytes each time ------------------------------------------------------------------------------------------

_WHEN = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def timeless(made: bytes) -> bytes:
    """A package whose parts bear no time of writing; workbooks inside it neither."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name.endswith(".xlsx"):
                part = timeless(part)
            elif name == "docProps/core.xml" and b"/ppt/" not in part and "xl/workbook.xml" in old.namelist():
                part = _WHEN.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", part)
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
    return out.getvalue()

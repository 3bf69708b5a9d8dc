"""The HTML of an e-mail: tables and inline styles only, as mail programs need it; charts are pictures by content id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from customer_research.documents.charts import as_table
from customer_research.documents.drawing import vega
from customer_research.documents.drawing.theme import LIGHT
from customer_research.documents.formats.markup import Markup, element, joined, trusted
from customer_research.documents.formats.terminal import marks
from customer_research.documents.formats.wording import left_out, rows_left_out
from customer_research.documents.page import Footnote, Grid, Line, List, Page, Pairs, Paragraph, Part, Pen, Picture
from customer_research.documents.present import TONE_WORDS, Value
from customer_research.domain.report import Tone

_FONT = f"font:14px/20px 'Noto Sans','Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:{LIGHT.ink};"
"""Said once for each table: not every mail program lets a table inherit it."""

_BODY = f"margin:0;background:{LIGHT.paper};color:{LIGHT.ink};"
_CELL = f"padding:4px 12px 4px 0;border-bottom:1px solid {LIGHT.grid};"
_HEAD = f"padding:4px 12px 4px 0;border-bottom:2px solid {LIGHT.grid};color:{LIGHT.quiet};text-align:left;"
_TEXT = "margin:6px 0;"
_SMALL = f"margin:4px 0;font-size:12px;line-height:18px;color:{LIGHT.quiet};"
_TITLE = "margin:4px 0;font-size:22px;line-height:28px;word-break:break-word;"
_LIST = "margin:0;padding-left:20px;"
_PART = f"margin:24px 0 6px;padding-top:10px;border-top:1px solid {LIGHT.grid};font-size:17px;line-height:24px;"
_MOST_ROWS = 25
_LONGEST = 88_000
"""Characters: some mail programs cut a message after 102 kB."""
_WIDTH = 640
_SCALE = 1.5
_LONGEST_WORD = 24


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture inside a message: its content id and its bytes."""

    cid: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter: its HTML, and the pictures that it shows."""

    html: str
    pictures: tuple[Attachment, ...]


class Writer(Pen[Markup]):
    """Writes the letter of one report."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._pictures: list[Attachment] = []

    def letter(self) -> Letter:
        """The letter; parts for which there is no room are told, not shown."""
        page = self._page
        head, tail = list(self._headed()), list(self._tail())
        room = _LONGEST - sum(map(len, (*head, *tail)))
        shown: list[Markup] = []
        for at, part in enumerate(page.parts):
            before = len(self._pictures)
            drawn = self._part(part)
            if len(drawn) > room:
                del self._pictures[before:]
                rest = left_out(len(page.parts) - at)
                shown.append(element("p", rest, style=f"{_TEXT}font-weight:bold;"))
                break
            room -= len(drawn)
            shown.append(drawn)
        inner = element("td", *head, *shown, *tail, style=f"{_FONT}padding:16px;word-break:break-word;")
        outer = self._frame(element("tr", inner), width=str(_WIDTH), style=f"max-width:{_WIDTH}px;width:100%;")
        document = element(
            "html",
            element(
                "head",
                element("meta", http_equiv="Content-Type", content="text/html; charset=utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light"),
                element("title", page.heading),
            ),
            element("body", outer, style=_BODY),
            lang="en",
        )
        return Letter(f"<!doctype html>\n{document}\n", tuple(self._pictures))

    def _frame(self, *rows: str, width: str | None = None, style: str = "") -> Markup:
        return element(
            "table",
            *rows,
            role="presentation",
            cellpadding="0",
            cellspacing="0",
            border="0",
            width=width,
            style=f"border-collapse:collapse;word-break:normal;{_FONT}{style}",
        )

    def _headed(self) -> Iterator[Markup]:
        page = self._page
        if page.name:
            yield element("p", page.title, style=_SMALL)
        yield element("h1", page.name or page.title, style=_TITLE)
        yield element("p", page.dated, style=_SMALL)
        if page.headline:
            colour = LIGHT.tones[page.headline.tone]
            style = f"{_TEXT}font-size:16px;font-weight:bold;border-left:4px solid {colour};padding-left:10px;"
            yield element("p", self._line(page.headline), style=style)
        if page.incomplete:
            words = f"Partial data: {page.incomplete} did not answer in full. What is missing is shown as unknown, never as zero."
            yield element("p", words, style=f"{_TEXT}border:2px solid {LIGHT.tones['watch']};padding:8px;")
        for warning in page.warnings:
            word = TONE_WORDS[warning.tone].capitalize()
            yield element("p", element("strong", f"{word}: ") if word else "", self._line(warning), style=_TEXT)

    def _part(self, part: Part) -> Markup:
        heading = element("h2", part.heading.text, style=_PART) if part.heading.text else ""
        return joined(heading, *map(self.draw, part.nodes))

    def _tail(self) -> Iterator[Markup]:
        yield from map(self._part, self._page.tail)
        if self._page.footnotes:
            yield element("h2", "Receipts", style=_PART)
            yield element("p", joined(*map(_receipt, self._page.footnotes), by=trusted("<br>")), style=_SMALL)

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def paragraph(self, node: Paragraph) -> Markup:
        """One sentence or several."""
        return element("p", self._line(node.line), style=_TEXT)

    def list(self, node: List) -> Markup:
        """Sentences under each other."""
        items = (element("li", self._line(line), style=_TEXT) for line in node.lines)
        return element("ol" if node.ordered else "ul", *items, style=_LIST)

    def _line(self, line: Line) -> Markup:
        step = f" Next: {line.step}" if line.step else ""
        return joined(line.lead, self._toned(line.text, line.tone), line.beside, step, self._marks(line.notes))

    def _toned(self, text: str, tone: Tone, *, worded: bool = False) -> Markup | str:
        """Words in a tone; markup stays markup."""
        if tone == "neutral":
            return text
        word = f" ({TONE_WORDS[tone]})" if worded and TONE_WORDS[tone] else ""
        slanted = "font-style:italic;" if tone == "unknown" else ""
        return element("span", text, word, style=f"color:{LIGHT.tones[tone]};{slanted}")

    def _marks(self, numbers: tuple[int, ...]) -> Markup | str:
        return element("span", marks(numbers), style=f"color:{LIGHT.quiet};font-size:11px;") if numbers else ""

    def _value(self, value: Value) -> Markup:
        text: Markup | str = value.text
        if value.link:
            text = element("a", text, href=value.link, style=f"color:{LIGHT.tones['neutral']};")
        if any(len(word) > _LONGEST_WORD for word in value.text.split()):
            text = element("span", text, style="word-break:break-word;")
        note = f" ({value.note})" if value.note else ""
        return joined(self._toned(text, value.tone, worded=True), note, self._marks(value.notes))

    def pairs(self, node: Pairs) -> Markup:
        """Labels with their values."""
        rows = (
            element(
                "tr",
                element("td", label, style=f"{_CELL}color:{LIGHT.quiet};width:45%;"),
                element("td", self._value(value), style=_CELL),
                valign="top",
            )
            for label, value in node.pairs
        )
        return self._frame(*rows, width="100%", style="width:100%;")

    def grid(self, node: Grid) -> Markup:
        """A table, cut where it is long."""
        aligned = ["text-align:right;" if is_right else "" for is_right in node.right]
        heads = (
            element("th", header or "\u00a0", scope="col", style=f"{_HEAD}{style}")
            for header, style in zip(node.headers, aligned, strict=True)
        )
        rows = (
            element(
                "tr",
                *(
                    element("td", self._value(value), style=f"{_CELL}{style}")
                    for value, style in zip(row, aligned, strict=True)
                ),
                valign="top",
            )
            for row in node.rows[:_MOST_ROWS]
        )
        beside = f" {node.beside}" if node.beside else ""
        caption = joined(node.caption, beside, self._marks(node.notes))
        drawn = element(
            "table",
            element("thead", element("tr", *heads)),
            element("tbody", *rows),
            cellpadding="0",
            cellspacing="0",
            border="0",
            width="100%",
            style=f"border-collapse:collapse;width:100%;word-break:normal;{_FONT}",
        )
        above = element("p", caption, style=f"{_TEXT}font-weight:bold;") if caption else ""
        left = len(node.rows) - _MOST_ROWS
        return joined(above, drawn, element("p", rows_left_out(left), style=_SMALL) if left > 0 else "")

    def picture(self, node: Picture) -> Markup:
        """A chart as a picture inside the message, and its events."""
        above = element("p", element("strong", node.title), trusted("<br>"), self._line(node.says), style=_TEXT)
        if not node.chart.marks:
            return above
        cid = f"chart-{len(self._pictures) + 1}@customer-research.invalid"
        self._pictures.append(Attachment(cid, vega.png(vega.spec(node.chart, self._page.presenter), _SCALE)))
        image = element(
            "img",
            src=f"cid:{cid}",
            alt=f"{node.says.text} {self._in_words(node)}",
            width=_WIDTH - 32,
            style="width:100%;max-width:640px;height:auto;border:0;",
        )
        return joined(above, image, self.list(node.events) if node.events.lines else "")

    def _in_words(self, node: Picture) -> str:
        """The figures of a short chart, for who sees no picture; of a long one that the text has them."""
        rows = self._page.grid(as_table(node.chart)).rows
        if len(rows) > _MOST_ROWS:
            return "All its figures stand in this message's plain text or in the whole report."
        return "; ".join(f"{row[0].text}: {row[-1].text}" for row in rows) + "."


def _receipt(note: Footnote) -> str:
    return f"[{note.number}] {note.words}"

"""Slack: a message of Block Kit blocks with a text for notifications, short enough to be read; vendor text commands nothing.

Slack takes 50 blocks; this stays under 40 blocks and 9,000 characters, and says what it leaves out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from customer_research.documents.charts import as_table, height_of, sparkline
from customer_research.documents.formats.slack_blocks import (
    Blocks,
    context,
    escape,
    header,
    sections,
    texts,
    within,
)
from customer_research.documents.formats.wording import left_out, rows_left_out
from customer_research.documents.page import Grid, Line, List, Page, Pairs, Paragraph, Part, Pen, Picture
from customer_research.documents.present import Value, source_title
from customer_research.domain.report import Report, Tone
from customer_research.domain.words import counted, shortened

MOST_BLOCKS, MOST_CHARACTERS = 40, 9_000
"""How long a message may be, in blocks and in characters of all its texts."""

_MOST_ROWS, _MOST_MARKS, _LONGEST_CELL = 8, 12, 90
_TAIL, _MARGIN, _LEAST = 1_700, 300, 700
_MORE = "_{} in the whole report_"
_SIGNS: dict[Tone, str] = {"good": "✅ ", "watch": "⚠️ ", "bad": "🔴 ", "neutral": "", "unknown": "❔ "}


def render(report: Report, *, show_personal: bool = False) -> str:
    """A report as the JSON of one message: `text` and `blocks`, ending in a newline; the same bytes for the same report.

    Raises:
        RenderError: a figure without a receipt.
    """
    message = _Message(Page(report, show_personal=show_personal)).message()
    return json.dumps(message, ensure_ascii=False, indent=2) + "\n"


class _Message(Pen[Iterable[str]]):
    """Writes the message of one report: each node as lines."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def message(self) -> dict[str, Any]:
        head, tail = self._headed(), self._tail()
        shown: Blocks = []
        parts = self._page.parts
        for at, part in enumerate(parts):
            lines = self._part(part)
            room = MOST_CHARACTERS - _MARGIN - sum(map(len, texts([*head, *shown, *tail])))
            whole = sum(len(line) + 1 for line in lines) <= room
            blocks = sections(within(lines, room, _MORE)) if whole or room >= _LEAST else []
            if len(head) + len(shown) + len(blocks) + len(tail) >= MOST_BLOCKS:
                whole, blocks = False, []
            shown += blocks
            if not whole:
                rest = len(parts) - at - bool(blocks)
                shown += [context(left_out(rest))] if rest else []
                break
        return {"text": self._fallback(), "blocks": [*head, *shown, *tail]}

    def _fallback(self) -> str:
        """What notifications show: the title and the headline."""
        page = self._page
        return escape(shortened(f"{page.heading}. {page.headline.text}" if page.headline else page.heading, 300))

    def _headed(self) -> Blocks:
        page = self._page
        lines = [f"*{self._line(page.headline)}*"] if page.headline else []
        if page.incomplete:
            lines.append(f"{_SIGNS['watch']}Partial data: {escape(page.incomplete)} did not answer in full.")
        lines += map(self._line, page.warnings)
        return [header(page.heading), context(page.dated), *sections(within(lines, _TAIL, _MORE))]

    def _tail(self) -> Blocks:
        page = self._page
        lines = [f"• {escape(line.text)}" + (f" Next: {escape(line.step)}" if line.step else "") for line in page.gaps]
        blocks = sections(within(["*Gaps*", *lines], _TAIL, _MORE)) if lines else []
        if page.footnotes and page.report.audience == "internal":
            sources = dict.fromkeys(source_title(note.receipt.source) for note in page.footnotes)
            told = f"{counted(len(page.footnotes), 'receipt')} from {', '.join(sources)}"
            blocks.append(context(f"Every figure has its receipt ({told})"))
        return [{"type": "divider"}, *blocks] if blocks else []

    def _part(self, part: Part) -> list[str]:
        lines = [line for node in part.nodes for line in self.draw(node)]
        title = f"*{escape(part.heading.text)}*"
        if not part.heading.text or (lines and lines[0].startswith(f"{title} (")):
            return lines  # what stands first is headed so, with how many there are
        return [title, *lines]

    def paragraph(self, node: Paragraph) -> Iterable[str]:
        return (self._line(node.line),)

    def list(self, node: List) -> Iterable[str]:
        leads = node.leads if node.ordered else ("• ",) * len(node.lines)
        return (f"{lead}{self._line(line)}" for lead, line in zip(leads, node.lines, strict=True))

    def pairs(self, node: Pairs) -> Iterable[str]:
        for label, value in node.pairs:
            word = f" ({value.tone_word})" if value.tone_word else ""
            yield f"{escape(label)}: {self._value(value)}{word}"

    def _line(self, line: Line) -> str:
        text = f"_{escape(line.text)}_" if line.gap else f"{_SIGNS[line.tone]}{escape(line.text)}"
        return f"{escape(line.lead)}{text}"

    def _value(self, value: Value) -> str:
        text = escape(shortened(value.text, _LONGEST_CELL))
        if value.link:
            return f"<{value.link.replace('&', '&amp;')}|{text}>"
        return f"_{text}_" if value.tone == "unknown" else text

    def grid(self, node: Grid) -> Iterable[str]:
        if node.caption:
            yield f"*{escape(node.caption)}* ({node.total})"
        leads = [f"{escape(header)}: " if header and at else "" for at, header in enumerate(node.headers)]
        for row in node.rows[:_MOST_ROWS]:
            told = ((lead, self._value(value)) for lead, value in zip(leads, _linked(row), strict=True))
            yield "• " + " · ".join(f"{lead}{words}" for lead, words in told if words)
        if len(node.rows) > _MOST_ROWS:
            yield f"_{rows_left_out(len(node.rows) - _MOST_ROWS)}_"

    def picture(self, node: Picture) -> Iterable[str]:
        """What the drawing says; a short one's figures as lines, a long one over time as a line of blocks a series."""
        chart = node.chart
        yield f"*{escape(node.title)}*: {self._line(node.says)}"
        if len(chart.marks) <= _MOST_MARKS:
            for row in self._page.grid(as_table(chart)).rows:
                yield "• " + " · ".join(filter(None, map(self._value, row)))
        elif chart.form in {"history", "months"}:
            for series in dict.fromkeys(mark.series for mark in chart.marks):
                heights = [height_of(mark.figure) for mark in chart.marks if mark.series == series]
                yield f"{escape(self._page.presenter.text(series))} {sparkline(heights)}".strip()
        else:
            yield f"_{counted(len(chart.marks), 'figure')} in the whole report_"


def _linked(row: Sequence[Value]) -> Sequence[Value]:
    """A row whose first cell leads where another only spells the address: an address is long, and nobody reads it."""
    spelt = next((at for at, value in enumerate(row) if at and value.link and value.text == value.link), None)
    if spelt is None or not row[0].text or row[0].link:
        return row
    named, empty = replace(row[0], link=row[spelt].link), replace(row[spelt], text="", link="")
    return [named, *(empty if at == spelt else value for at, value in enumerate(row) if at)]

"""Markdown (GitHub flavour): receipts are footnotes; vendor text is escaped so that it stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from customer_research.documents.charts import Sparkline, as_table, lines_of, months_table, told_in_full
from customer_research.documents.page import Footnote, Grid, Line, List, Page, Pairs, Paragraph, Pen, Picture
from customer_research.documents.present import Value
from customer_research.domain.report import Report

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~&]|!(?=\[)|\$(?!\d)")
_LEADING = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")
_SCHEME = re.compile(r"(?<=[A-Za-z]):(?=\S)")
_WWW = re.compile(r"\bwww\.", re.IGNORECASE)
_LONGEST_LINE = 52


def escape(text: str) -> str:
    """Text that Markdown shows as it is: no emphasis, link, HTML, table cell or automatic link comes of it."""
    escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}", text)
    return _WWW.sub(lambda found: f"{found[0][:-1]}\\.", _SCHEME.sub(r"\\:", escaped))


def escape_start(text: str) -> str:
    """Escaped text that begins a line: no list or heading comes of its first characters."""
    return _LEADING.sub(lambda found: f"{found[0]}\\" if found[0][0].isdigit() else f"\\{found[0]}", text)


def render(report: Report, *, show_personal: bool = False) -> str:
    """A report as Markdown text, ending in a newline.

    Raises:
        RenderError: a figure without a receipt.
    """
    return "\n\n".join(Writer(Page(report, show_personal=show_personal)).parts()) + "\n"


def _code(text: str) -> str:
    """A text as a code span, whatever backticks it holds."""
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if fence != "`" or text.startswith(" ") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


class Writer(Pen[str]):
    """Writes the parts of one report; dialects of Markdown differ in how they escape, mark and draw tables."""

    escape = staticmethod(escape)
    escape_start = staticmethod(escape_start)

    def __init__(self, page: Page) -> None:
        self._page = page

    def parts(self) -> Iterator[str]:
        """The document's parts, in order; a blank line goes between them."""
        page = self._page
        if page.single is not None:
            values = (f"{self.escape(label)} {self._value(value)}".strip() for label, value in page.single)
            yield f"**{self.escape(page.name)}** · " + " · ".join(values)
        else:
            yield from self._head()
            for part in (*page.parts, *page.tail):
                if part.heading.text:
                    yield f"## {self.escape(part.heading.text)}"
                yield from map(self.draw, part.nodes)
            if page.footnotes:
                yield "## Receipts"
        if page.footnotes:
            yield "\n".join(map(self._footnote, page.footnotes))

    def _head(self) -> Iterator[str]:
        page = self._page
        yield f"# {self.escape(page.heading)}"
        yield page.dated
        yield from self._headline()
        if page.warnings:
            yield "\n".join(f"> - {self._line(warning)}" for warning in page.warnings)

    def _headline(self) -> Iterator[str]:
        headline = self._page.headline
        if headline:
            yield f"**{self.escape(headline.text)}**{self._marks(headline.notes)}"

    def _footnote(self, note: Footnote) -> str:
        return f"[^{note.number}]: {self.escape(note.words)}"

    def paragraph(self, node: Paragraph) -> str:
        """A sentence; the reason of a gap is slanted."""
        return self._line(node.line)

    def list(self, node: List) -> str:
        """A list."""
        return "\n".join(f"{lead}{self._line(line)}" for lead, line in zip(node.leads, node.lines, strict=True))

    def pairs(self, node: Pairs) -> str:
        """A list of labels with their values."""
        return "\n".join(f"- {self.escape(label)}: {self._value(value, worded=True)}" for label, value in node.pairs)

    def grid(self, node: Grid) -> str:
        """A table under its caption."""
        headers = " | ".join(self.escape(header) or " " for header in node.headers)
        rule = " | ".join("---:" if is_right else "---" for is_right in node.right)
        rows = (" | ".join(map(self._value, row)) for row in node.rows)
        caption = self._caption(node)
        return f"{caption}\n\n" * bool(caption) + "\n".join(f"| {line} |" for line in (headers, rule, *rows))

    def picture(self, node: Picture) -> str:
        """What the picture says; few marks as a table, months as one, many as lines of blocks; its events as a list."""
        chart, title = node.chart, ""
        if told_in_full(chart):
            shown = self.grid(self._page.grid(as_table(chart)))
        elif chart.form == "months":
            shown = self.grid(self._page.grid(months_table(chart)))
        else:
            title = f"**{self.escape(node.title)}**"
            shown = "\n".join(f"- {self._blocks(line)}" for line in lines_of(chart, _LONGEST_LINE))
        events = "\n".join(f"- {self._line(event)}" for event in node.events.lines)
        return "\n\n".join(part for part in (title, self._line(node.says), shown, events) if part)

    def _line(self, line: Line) -> str:
        text = f"*{self.escape(line.text)}*" if line.gap else self.escape(line.text)
        step = f" Next: {self.escape(line.step)}" if line.step else ""
        words = f"{self.escape(line.lead)}{text}{self.escape(line.beside)}{step}"
        return f"{self.escape_start(words)}{self._marks(line.notes)}"

    def _value(self, value: Value, *, worded: bool = False) -> str:
        text = self.escape(value.text)
        text = f"[{text}]({value.link})" if value.link else text
        text = f"*{text}*" if value.tone == "unknown" and not value.link else text
        word = f" ({value.tone_word})" if worded and value.tone_word else ""
        note = f" ({self.escape(value.note)})" if value.note else ""
        return f"{text}{word}{note}{self._marks(value.notes)}"

    def _marks(self, notes: tuple[int, ...]) -> str:
        return "".join(f"[^{number}]" for number in notes)

    def _blocks(self, line: Sparkline) -> str:
        words = f"{escape(line.series)} " if line.series else ""
        if line.least is None or line.most is None:
            return f"{words}{_code(line.blocks)}"
        ends = (escape(self._page.presenter.cell(mark.figure).text) for mark in (line.least, line.most))
        return f"{words}{_code(line.blocks)} {' to '.join(ends)}"

    def _caption(self, node: Grid) -> str:
        words = f"**{self.escape(node.caption)}**" if node.caption else ""
        return (
            f"{words} {node.beside}".strip() + self._marks(node.notes)
            if words or node.beside
            else self._marks(node.notes).strip()
        )

"""Markdown (GitHub flavour): receipts are footnotes; vendor text is escaped so that it stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from customer_research.documents.answering import freshness_words
from customer_research.documents.charts import Line, as_table, lines_of, months_table, told_in_full
from customer_research.documents.present import GAP_WORDS, Hole, Presenter, Shown, gap_words, one_line, source_title
from customer_research.domain.evidence import ANSWERS, Gap, Receipt
from customer_research.domain.report import Block, Bullets, Chart, FigureLine, Figures, Missing, Prose, Report, Table
from customer_research.domain.words import counted, dated_words, instant_words

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~&]|!(?=\[)|\$(?!\d)")
_LEADING = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")
_SCHEME = re.compile(r"(?<=[A-Za-z]):(?=\S)")
_WWW = re.compile(r"\bwww\.", re.IGNORECASE)
_LONGEST_QUERY = 400
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
    writer = Writer(Presenter(report, show_personal=show_personal))
    return "\n\n".join(writer.parts()) + "\n"


def _code(text: str) -> str:
    """A text as a code span, whatever backticks it holds."""
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if fence != "`" or text.startswith(" ") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _cut(query: str) -> str:
    if len(query) <= _LONGEST_QUERY:
        return query
    return f"{query[:_LONGEST_QUERY]}… ({len(query)} characters; the JSON report has all)"


class Writer:
    """Writes the parts of one report; dialects of Markdown differ in how they escape, mark and draw tables."""

    escape = staticmethod(escape)

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def parts(self) -> Iterator[str]:
        """The document's parts, in order; a blank line goes between them."""
        line = one_line(self._presenter)
        if line is not None:
            yield self._one_line()
        else:
            yield from self._head()
            for section in self._presenter.sections:
                if section.title:
                    yield f"## {self._words(section.title)}"
                for block in section.blocks:
                    yield self._block(block)
            yield from self._tail()
        if self._presenter.receipts:
            yield "\n".join(self._footnote(n, receipt) for n, receipt in enumerate(self._presenter.receipts, 1))

    def _one_line(self) -> str:
        blocks = self._presenter.sections[0].blocks
        lines = [line for block in blocks if isinstance(block, Figures) for line in block.lines]
        parts = [f"{self._words(line.label)} {self._shown(self._presenter.line(line))}".strip() for line in lines]
        return f"**{self._words(self._presenter.report.operator_name)}** · " + " · ".join(parts)

    def _head(self) -> Iterator[str]:
        report = self._presenter.report
        name = self._words(report.operator_name)
        title = self._words(report.title)
        yield f"# {name}: {title}" if name else f"# {title}"
        operator = f"Operator {_code(self._presenter.text(report.operator_id))}. " if report.operator_id else ""
        yield f"{operator}{dated_words(report.as_of, report.generated_at)}"
        if self._presenter.headline:
            yield f"**{self._words(self._presenter.headline.text)}**{self._notes_of(self._presenter.headline)}"
        warnings = [f"> - {self._prose(warning)}" for warning in self._presenter.warnings]
        if warnings:
            yield "\n".join(warnings)

    def _tail(self) -> Iterator[str]:
        if self._presenter.notes:
            yield "## Notes"
            yield "\n".join(
                f"- {self.escape(note)}: {self.escape('; '.join(labels))}." for note, labels in self._presenter.notes
            )
        holes = self._presenter.holes
        if holes:
            yield "## Gaps"
            yield "\n".join(self._hole(hole) for hole in holes)
        sources = freshness_words(self._presenter)
        if sources:
            yield "## Sources"
            yield "\n".join(f"- {self.escape(name)}: {self.escape(words)}" for name, words, _ in sources)
        if self._presenter.receipts:
            yield "## Receipts"

    def _hole(self, hole: Hole) -> str:
        concerns = f" Missing: {'; '.join(self.escape(name) for name in hole.concerns)}." if hole.concerns else ""
        step = f" Next: {self._words(hole.gap.next_step)}" if hole.gap.next_step else ""
        return f"- {self._words(gap_words(hole.gap)).rstrip('.')}.{concerns}{step}"

    def _footnote(self, number: int, receipt: Receipt) -> str:
        query = self._presenter.query(receipt)
        parts = [
            f"{self.escape(source_title(receipt.source))} {self._words(receipt.stream)}",
            counted(receipt.rows, "row"),
            counted(receipt.requests, "request"),
            instant_words(receipt.fetched_at),
            *([f"**{GAP_WORDS['truncated']}**"] if receipt.truncated else []),
            f"receipt {self._words(receipt.id)}",
            *([_code(_cut(query))] if query else []),
        ]
        return f"[^{number}]: " + " · ".join(parts)

    def _block(self, block: Block) -> str:
        if isinstance(block, Prose):
            return self._prose(block)
        if isinstance(block, Bullets):
            marks = (f"{n}." if block.ordered else "-" for n in range(1, len(block.items) + 1))
            return "\n".join(f"{mark} {self._prose(item)}" for mark, item in zip(marks, block.items, strict=True))
        if isinstance(block, Figures):
            return "\n".join(self._line(line) for line in block.lines)
        if isinstance(block, Table):
            return self._table(block)
        if isinstance(block, Chart):
            return self._chart(block)
        if isinstance(block, Missing):
            return f"{self._words(block.what)}: *{self._words(gap_words(block.gap))}*{self._next(block.gap)}"
        assert_never(block)

    def _next(self, gap: Gap) -> str:
        told = gap.reason not in ANSWERS
        return "" if told or not gap.next_step else f". {self._words(gap.next_step)}"

    def _line(self, line: FigureLine) -> str:
        return f"- {self._words(line.label)}: {self._shown(self._presenter.line(line), worded=True)}"

    def _shown(self, shown: Shown, *, worded: bool = False) -> str:
        text = self.escape(shown.text)
        text = f"[{text}]({shown.link})" if shown.link else text
        text = f"*{text}*" if shown.tone == "unknown" and not shown.link else text
        word = f" ({shown.tone_word})" if worded and shown.tone_word else ""
        note = f" ({self.escape(shown.note)})" if shown.note else ""
        return f"{text}{word}{note}{self._marks(shown.notes)}"

    def _marks(self, notes: tuple[int, ...]) -> str:
        return "".join(f"[^{number}]" for number in notes)

    def _table(self, table: Table) -> str:
        headers = " | ".join(self._words(header) or " " for header in table.headers)
        right = [at < len(table.align) and table.align[at] == "right" for at in range(len(table.headers))]
        rule = " | ".join("---:" if is_right else "---" for is_right in right)
        rows = [" | ".join(self._shown(shown) for shown in self._presenter.row(table, row)) for row in table.rows]
        lines = [f"| {line} |" for line in (headers, rule, *rows)]
        caption = self._caption(table)
        return f"{caption}\n\n" * bool(caption) + "\n".join(lines)

    def _chart(self, chart: Chart) -> str:
        """What the picture says; few marks as a table, months as one, many as lines of blocks; its events as a list."""
        shown: list[str] = []
        if told_in_full(chart):
            shown = [self._table(as_table(chart))]
        elif chart.form == "months":
            shown = [self._table(months_table(chart))]
        else:
            shown = ["\n".join(f"- {self._line_of(line)}" for line in lines_of(chart, _LONGEST_LINE))]
        events = [f"- {event.on.isoformat()}: {self._prose(event.what)}" for event in chart.events]
        title = "" if told_in_full(chart) or chart.form == "months" else f"**{self._words(chart.title)}**"
        parts = [title, self._prose(chart.says), *shown, "\n".join(events)]
        return "\n\n".join(part for part in parts if part)

    def _line_of(self, line: Line) -> str:
        words = f"{escape(line.series)} " if line.series else ""
        if line.least is None or line.most is None:
            return f"{words}{_code(line.blocks)}"
        between = " to ".join(escape(self._presenter.cell(mark.figure).text) for mark in (line.least, line.most))
        return f"{words}{_code(line.blocks)} {between}"

    def _caption(self, table: Table) -> str:
        words = self._words(table.caption)
        marks = self._marks(self._presenter.numbers(table.basis))
        cut = table.total is not None and table.total > len(table.rows)
        shown = f" ({len(table.rows)} of {table.total} shown)" if cut else ""
        return f"**{words}**{shown}{marks}" if words else f"{shown}{marks}".strip()

    def _prose(self, prose: Prose) -> str:
        return f"{escape_start(self._words(prose.text))}{self._notes_of(prose)}"

    def _notes_of(self, prose: Prose) -> str:
        return self._marks(self._presenter.facts(prose.facts))

    def _words(self, text: str) -> str:
        return self.escape(self._presenter.text(text))

"""Slack: a message of Block Kit blocks with a text for notifications, short enough to be read; vendor text commands nothing.

Limits: https://docs.slack.dev/reference/block-kit (50 blocks, 3,000 characters a section, 150 a header); this stays under 40 blocks and
9,000 characters, and says what it leaves out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from customer_research.documents.charts import as_table, height_of, sparkline
from customer_research.documents.formats.cutting import left_out, rows_left_out, whole_report
from customer_research.documents.present import TONE_WORDS, Presenter, Shown, gap_words, source_title
from customer_research.domain.report import (
    Block,
    Bullets,
    Chart,
    FigureLine,
    Figures,
    Missing,
    Prose,
    Report,
    Section,
    Table,
    Tone,
)
from customer_research.domain.words import counted, dated_words

MOST_BLOCKS, MOST_CHARACTERS = 40, 9_000
"""How long a message may be, in blocks and in characters of all its texts."""

_SECTION, _HEADER = 2_900, 150
_MOST_ROWS, _MOST_MARKS, _LONGEST_CELL = 8, 12, 90
_TAIL, _MARGIN, _LEAST = 1_700, 300, 700
_SIGNS: dict[Tone, str] = {"good": "✅ ", "watch": "⚠️ ", "bad": "🔴 ", "neutral": "", "unknown": "❔ "}
_LOOKALIKES = {
    "*": "\N{ASTERISK OPERATOR}",
    "_": "\N{MODIFIER LETTER LOW MACRON}",
    "~": "\N{TILDE OPERATOR}",
    "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
}
_FORMATTING = re.compile(r"(?<!\w)[*_~`](?=\S)|(?<=\S)[*_~`](?!\w)|`")

Blocks = list[dict[str, Any]]


def escape(text: str) -> str:
    """Text that Slack shows as it is: no mention, link or markup comes of it (a mark that would format gives way to its like)."""
    plain = _FORMATTING.sub(lambda found: _LOOKALIKES[found[0]], text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(report: Report, *, show_personal: bool = False) -> str:
    """A report as the JSON of one message: `text` and `blocks`, ending in a newline; the same bytes for the same report.

    Raises:
        RenderError: a figure without a receipt.
    """
    message = _Message(Presenter(report, show_personal=show_personal)).message()
    return json.dumps(message, ensure_ascii=False, indent=2) + "\n"


def characters(blocks: Sequence[dict[str, Any]]) -> int:
    """How many characters the texts of blocks have."""
    texts = [part["text"] for block in blocks for part in (block.get("text"), *block.get("elements", ())) if part]
    return sum(map(len, texts))


class _Message:
    """Writes the message of one report."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def message(self) -> dict[str, Any]:
        head, tail = self._headed(), self._tail()
        shown: Blocks = []
        sections = self._presenter.sections
        for at, section in enumerate(sections):
            lines = self._section(section)
            room = MOST_CHARACTERS - _MARGIN - characters([*head, *shown, *tail])
            blocks = _sections(lines, None)
            whole = sum(len(line) + 1 for line in lines) <= room
            if not whole:
                blocks = _sections(lines, room) if room >= _LEAST else []
            if len(head) + len(shown) + len(blocks) + len(tail) >= MOST_BLOCKS:
                whole, blocks = False, []
            shown += blocks
            if not whole:
                rest = len(sections) - at - bool(blocks)
                shown += [_context(escape(left_out(self._presenter.report, rest)))] if rest else []
                break
        return {"text": self._fallback(), "blocks": [*head, *shown, *tail]}

    def _words(self, text: str) -> str:
        return escape(self._presenter.text(text))

    def _title(self) -> str:
        report = self._presenter.report
        name, title = self._presenter.text(report.operator_name), self._presenter.text(report.title)
        return f"{name}: {title}" if name else title

    def _fallback(self) -> str:
        """What notifications show: the title and the headline."""
        headline = self._presenter.headline
        words = f"{self._title()}. {self._presenter.text(headline.text)}" if headline else self._title()
        return escape(_shorten(words, 300))

    def _headed(self) -> Blocks:
        report, presenter = self._presenter.report, self._presenter
        title = {"type": "plain_text", "text": _header(self._title()), "emoji": False}
        blocks: Blocks = [{"type": "header", "text": title}, _context(dated_words(report.as_of, report.generated_at))]
        lines = [f"*{self._prose(presenter.headline)}*"] if presenter.headline else []
        missing = [source_title(item.source) for item in report.freshness if item.state != "ok"]
        if missing:
            lines.append(f"{_SIGNS['watch']}Partial data: {escape(', '.join(missing))} did not answer in full.")
        lines += [self._prose(warning) for warning in presenter.warnings]
        return blocks + _sections(lines, _TAIL)

    def _tail(self) -> Blocks:
        presenter = self._presenter
        lines = [
            f"• {self._words(gap_words(hole.gap)).rstrip('.')}."
            + (f" Next: {self._words(hole.gap.next_step)}" if hole.gap.next_step else "")
            for hole in presenter.holes
        ]
        blocks = _sections(["*Gaps*", *lines], _TAIL) if lines else []
        if presenter.receipts and presenter.report.audience == "internal":
            sources = dict.fromkeys(source_title(receipt.source) for receipt in presenter.receipts)
            told = f"{counted(len(presenter.receipts), 'receipt')} from {', '.join(sources)}"
            blocks.append(
                _context(escape(f"Every figure has its receipt ({told}): run {whole_report(presenter.report)}"))
            )
        return [{"type": "divider"}, *blocks] if blocks else []

    def _section(self, section: Section) -> list[str]:
        title = self._words(section.title)
        lines = [f"*{title}*"] if title else []
        return lines + [line for block in section.blocks for line in self._block(block)]

    def _block(self, block: Block) -> Iterator[str]:
        if isinstance(block, Prose):
            yield self._prose(block)
        elif isinstance(block, Bullets):
            for number, item in enumerate(block.items, 1):
                yield f"{number}. {self._prose(item)}" if block.ordered else f"• {self._prose(item)}"
        elif isinstance(block, Figures):
            yield from map(self._line, block.lines)
        elif isinstance(block, Table):
            yield from self._table(block)
        elif isinstance(block, Chart):
            yield from self._chart(block)
        elif isinstance(block, Missing):
            yield f"{self._words(block.what)}: _{self._words(gap_words(block.gap))}_"
        else:
            assert_never(block)

    def _prose(self, prose: Prose) -> str:
        return f"{_SIGNS[prose.tone]}{self._words(prose.text)}"

    def _line(self, line: FigureLine) -> str:
        shown = self._presenter.line(line)
        word = f" ({TONE_WORDS[shown.tone]})" if TONE_WORDS[shown.tone] else ""
        return f"{self._words(line.label)}: {self._shown(shown)}{word}"

    def _shown(self, shown: Shown) -> str:
        text = escape(_shorten(shown.text, _LONGEST_CELL))
        if shown.link:
            return f"<{shown.link.replace('&', '&amp;')}|{text}>"
        return f"_{text}_" if shown.tone == "unknown" else text

    def _table(self, table: Table) -> Iterator[str]:
        if table.caption:
            total = len(table.rows) if table.total is None else table.total
            yield f"*{self._words(table.caption)}* ({total})"
        for row in table.rows[:_MOST_ROWS]:
            cells = [self._shown(shown) for shown in self._presenter.row(table, row)]
            named = [
                f"{self._words(header)} {cell}" if header else cell
                for header, cell in zip(table.headers[1:], cells[1:], strict=True)
            ]
            yield "• " + " · ".join((cells[0], *named))
        if len(table.rows) > _MOST_ROWS:
            yield f"_{rows_left_out(len(table.rows) - _MOST_ROWS)}_"

    def _chart(self, chart: Chart) -> Iterator[str]:
        """What the drawing says; a short one's figures as lines, a long one over time as a line of blocks a series."""
        yield f"*{self._words(chart.title)}*: {self._prose(chart.says)}"
        if len(chart.marks) <= _MOST_MARKS:
            for row in as_table(chart).rows:
                yield "• " + " · ".join(self._shown(self._presenter.cell(cell)) for cell in row)
        elif chart.form in {"history", "months"}:
            for series in dict.fromkeys(mark.series for mark in chart.marks):
                heights = [height_of(mark.figure) for mark in chart.marks if mark.series == series]
                yield f"{self._words(series)} {sparkline(heights)}".strip()
        else:
            yield f"_{counted(len(chart.marks), 'figure')} in the whole report_"


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _header(text: str) -> str:
    """A title as Slack shows it, as much of it as a header holds once it is escaped."""
    longest = _HEADER
    while len(title := escape(_shorten(text, longest))) > _HEADER:
        longest -= 1
    return title


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _sections(lines: Sequence[str], longest: int | None) -> Blocks:
    """Lines as section blocks, each within Slack's length; what is beyond *longest* characters is counted."""
    blocks: Blocks = []
    current = ""
    used = 0
    for at, line in enumerate(lines):
        used += len(line) + 1
        if longest is not None and used > longest:
            current = f"{current}\n_{counted(len(lines) - at, 'more line')} in the whole report_".strip()
            break
        fitting = _whole(line)
        if len(current) + len(fitting) + 1 > _SECTION:
            blocks.append({"type": "section", "text": _mrkdwn(current)})
            current = ""
        current = f"{current}\n{fitting}" if current else fitting
    return [*blocks, {"type": "section", "text": _mrkdwn(current)}] if current else blocks


def _whole(line: str) -> str:
    """A line that fits a section; a cut never leaves half of an escape."""
    if len(line) < _SECTION:
        return line
    return re.sub(r"&[a-z]{0,3}$", "", line[: _SECTION - 2]) + "…"

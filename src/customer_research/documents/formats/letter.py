"""The HTML of an e-mail: tables and inline styles only, as mail programs need it; charts are pictures by content id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from customer_research.documents.answering import freshness_words
from customer_research.documents.charts import as_table
from customer_research.documents.drawing import vega
from customer_research.documents.drawing.theme import LIGHT
from customer_research.documents.formats.cutting import left_out, rows_left_out
from customer_research.documents.formats.markup import Markup, element, joined, trusted
from customer_research.documents.formats.terminal import marks
from customer_research.documents.present import TONE_WORDS, Hole, Presenter, Shown, gap_words, source_title
from customer_research.domain.evidence import ANSWERS, Receipt
from customer_research.domain.report import (
    Block,
    Bullets,
    Chart,
    Figures,
    Missing,
    Prose,
    Section,
    Table,
    Tone,
)
from customer_research.domain.words import counted, dated_words, instant_words

_FONT = f"font:14px/20px 'Noto Sans','Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:{LIGHT.ink};"
"""Said once for each table: not every mail program lets a table inherit it."""

_BODY = f"margin:0;background:{LIGHT.paper};color:{LIGHT.ink};"
_CELL = f"padding:4px 12px 4px 0;border-bottom:1px solid {LIGHT.grid};"
_HEAD = f"padding:4px 12px 4px 0;border-bottom:2px solid {LIGHT.grid};color:{LIGHT.quiet};text-align:left;"
_TEXT = "margin:6px 0;"
_SMALL = f"margin:4px 0;font-size:12px;line-height:18px;color:{LIGHT.quiet};"
_TITLE = "margin:4px 0;font-size:22px;line-height:28px;word-break:break-word;"
_PART = f"margin:24px 0 6px;padding-top:10px;border-top:1px solid {LIGHT.grid};font-size:17px;line-height:24px;"
_MOST_ROWS = 25
_LONGEST = 88_000
"""Characters: some mail programs cut a message after 102 kB."""
_WIDTH = 640
_SCALE = 1.5
_LONGEST_WORD = 24


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture inside a message: its content id and its bytes."""

    cid: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """A letter: its HTML, and the pictures that it shows."""

    html: str
    pictures: tuple[Picture, ...]


class Letter:
    """Writes the letter of one report."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter
        self._words = presenter.text
        self._pictures: list[Picture] = []

    def written(self) -> Written:
        """The letter; sections for which there is no room are told, not shown."""
        report = self._presenter.report
        head, tail = list(self._headed()), list(self._tail())
        room = _LONGEST - sum(map(len, (*head, *tail)))
        shown: list[Markup] = []
        sections = self._presenter.sections
        for at, section in enumerate(sections):
            drawn = len(self._pictures)
            part = self._section(section)
            if len(part) > room:
                del self._pictures[drawn:]
                shown.append(element("p", left_out(report, len(sections) - at), style=f"{_TEXT}font-weight:bold;"))
                break
            room -= len(part)
            shown.append(part)
        inner = element("td", *head, *shown, *tail, style=f"{_FONT}padding:16px;word-break:break-word;")
        outer = self._frame(element("tr", inner), width=str(_WIDTH), style=f"max-width:{_WIDTH}px;width:100%;")
        name, title = self._words(report.operator_name), self._words(report.title)
        document = element(
            "html",
            element(
                "head",
                element("meta", http_equiv="Content-Type", content="text/html; charset=utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light"),
                element("title", f"{name}: {title}" if name else title),
            ),
            element("body", outer, style=_BODY),
            lang="en",
        )
        return Written(f"<!doctype html>\n{document}\n", tuple(self._pictures))

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
        report, presenter = self._presenter.report, self._presenter
        name, title = self._words(report.operator_name), self._words(report.title)
        if name:
            yield element("p", title, style=_SMALL)
        yield element("h1", name or title, style=_TITLE)
        operator = f"Operator {self._words(report.operator_id)}. " if report.operator_id else ""
        yield element("p", f"{operator}{dated_words(report.as_of, report.generated_at)}", style=_SMALL)
        if presenter.headline:
            colour = LIGHT.tones[presenter.headline.tone]
            style = f"{_TEXT}font-size:16px;font-weight:bold;border-left:4px solid {colour};padding-left:10px;"
            yield element("p", self._prose(presenter.headline), style=style)
        missing = [source_title(item.source) for item in report.freshness if item.state != "ok"]
        if missing:
            words = f"Partial data: {', '.join(missing)} did not answer in full. What is missing is shown as unknown, never as zero."
            yield element("p", words, style=f"{_TEXT}border:2px solid {LIGHT.tones['watch']};padding:8px;")
        for warning in presenter.warnings:
            word = TONE_WORDS[warning.tone].capitalize()
            yield element("p", element("strong", f"{word}: ") if word else "", self._prose(warning), style=_TEXT)

    def _section(self, section: Section) -> Markup:
        title = self._words(section.title)
        heading = element("h2", title, style=_PART) if title else ""
        return joined(heading, *(self._block(block) for block in section.blocks))

    def _tail(self) -> Iterator[Markup]:
        presenter = self._presenter
        if presenter.notes:
            yield self._list("Notes", [f"{note}: {'; '.join(labels)}." for note, labels in presenter.notes])
        if presenter.holes:
            yield self._list("Gaps", [self._hole(hole) for hole in presenter.holes])
        sources = freshness_words(presenter)
        if sources:
            yield self._list(
                "Sources", [joined(f"{name}: ", self._toned(words, tone)) for name, words, tone in sources]
            )
        if presenter.receipts:
            told = [self._receipt(number, receipt) for number, receipt in enumerate(presenter.receipts, 1)]
            yield element("h2", "Receipts", style=_PART)
            yield element("p", joined(*told, by=trusted("<br>")), style=_SMALL)

    def _list(self, title: str, items: list[str]) -> Markup:
        told = (element("li", item, style=_TEXT) for item in items)
        return joined(element("h2", title, style=_PART), element("ul", *told, style="margin:0;padding-left:20px;"))

    def _hole(self, hole: Hole) -> Markup:
        concerns = f" Missing: {'; '.join(hole.concerns)}." if hole.concerns else ""
        step = f" Next: {self._words(hole.gap.next_step)}" if hole.gap.next_step else ""
        return joined(self._toned(self._words(gap_words(hole.gap)).rstrip(".") + ".", "unknown"), concerns, step)

    def _receipt(self, number: int, receipt: Receipt) -> Markup:
        size = f"{counted(receipt.rows, 'row')} by {counted(receipt.requests, 'request')}"
        stream = self._words(receipt.stream)
        return joined(
            f"[{number}] {source_title(receipt.source)} {stream}: {size}, {instant_words(receipt.fetched_at)}"
        )

    # -- blocks --------------------------------------------------------------------------------------------------------

    def _block(self, block: Block) -> Markup:
        if isinstance(block, Prose):
            return element("p", self._prose(block), style=_TEXT)
        if isinstance(block, Bullets):
            items = (element("li", self._prose(item), style=_TEXT) for item in block.items)
            return element("ol" if block.ordered else "ul", *items, style="margin:0;padding-left:20px;")
        if isinstance(block, Figures):
            return self._figures(block)
        if isinstance(block, Table):
            return self._table(block)
        if isinstance(block, Chart):
            return self._chart(block)
        if isinstance(block, Missing):
            gap = block.gap
            step = f". {self._words(gap.next_step)}" if gap.reason in ANSWERS and gap.next_step else ""
            words = self._toned(self._words(gap_words(gap)), "unknown")
            return element("p", f"{self._words(block.what)}: ", words, step, style=_TEXT)
        assert_never(block)

    def _prose(self, prose: Prose) -> Markup:
        marks = self._marks(self._presenter.facts(prose.facts))
        return joined(self._toned(self._words(prose.text), prose.tone), marks)

    def _toned(self, text: str, tone: Tone, *, worded: bool = False) -> Markup | str:
        """Words in a tone; markup stays markup."""
        if tone == "neutral":
            return text
        word = f" ({TONE_WORDS[tone]})" if worded and TONE_WORDS[tone] else ""
        slanted = "font-style:italic;" if tone == "unknown" else ""
        return element("span", text, word, style=f"color:{LIGHT.tones[tone]};{slanted}")

    def _marks(self, numbers: tuple[int, ...]) -> Markup | str:
        return element("span", marks(numbers), style=f"color:{LIGHT.quiet};font-size:11px;") if numbers else ""

    def _shown(self, shown: Shown) -> Markup:
        text: Markup | str = shown.text
        if shown.link:
            text = element("a", text, href=shown.link, style=f"color:{LIGHT.tones['neutral']};")
        if any(len(word) > _LONGEST_WORD for word in shown.text.split()):
            text = element("span", text, style="word-break:break-word;")
        note = f" ({shown.note})" if shown.note else ""
        return joined(self._toned(text, shown.tone, worded=True), note, self._marks(shown.notes))

    def _figures(self, figures: Figures) -> Markup:
        rows = (
            element(
                "tr",
                element("td", self._words(line.label), style=f"{_CELL}color:{LIGHT.quiet};width:45%;"),
                element("td", self._shown(self._presenter.line(line)), style=_CELL),
                valign="top",
            )
            for line in figures.lines
        )
        return self._frame(*rows, width="100%", style="width:100%;")

    def _table(self, table: Table) -> Markup:
        right = [at < len(table.align) and table.align[at] == "right" for at in range(len(table.headers))]
        aligned = ["text-align:right;" if is_right else "" for is_right in right]
        heads = (
            element("th", self._words(header) or "\u00a0", scope="col", style=f"{_HEAD}{aligned[at]}")
            for at, header in enumerate(table.headers)
        )
        rows = [
            element(
                "tr",
                *(
                    element(
                        "td",
                        self._shown(shown),
                        style=f"{_CELL}{aligned[at]}",
                    )
                    for at, shown in enumerate(self._presenter.row(table, row))
                ),
                valign="top",
            )
            for row in table.rows[:_MOST_ROWS]
        ]
        left = len(table.rows) - len(rows)
        cut = table.total is not None and table.total > len(table.rows)
        shown = f" ({len(table.rows)} of {table.total} shown)" if cut else ""
        caption = joined(self._words(table.caption), shown, self._marks(self._presenter.numbers(table.basis)))
        grid = element(
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
        below = element("p", rows_left_out(left), style=_SMALL) if left else ""
        return joined(above, grid, below)

    def _chart(self, chart: Chart) -> Markup:
        above = element(
            "p", element("strong", self._words(chart.title)), trusted("<br>"), self._prose(chart.says), style=_TEXT
        )
        if not chart.marks:
            return above
        drawn = vega.spec(chart, self._presenter)
        number = len(self._pictures) + 1
        picture = Picture(f"chart-{number}@customer-research.invalid", vega.png(drawn, _SCALE))
        self._pictures.append(picture)
        image = element(
            "img",
            src=f"cid:{picture.cid}",
            alt=f"{self._words(chart.says.text)} {self._in_words(chart)}",
            width=_WIDTH - 32,
            style="width:100%;max-width:640px;height:auto;border:0;",
        )
        events = [
            element("li", f"{event.on.isoformat()}: ", self._prose(event.what), style=_TEXT) for event in chart.events
        ]
        return joined(above, image, element("ol", *events, style="margin:0;padding-left:20px;") if events else "")

    def _in_words(self, chart: Chart) -> str:
        """The figures of a short chart, for who sees no picture; of a long one that the text has them."""
        table = as_table(chart)
        if len(table.rows) > _MOST_ROWS:
            return "All its figures stand in this message's plain text or in the whole report."
        told = (": ".join(self._presenter.cell(cell).text for cell in (row[0], row[-1])) for row in table.rows)
        return "; ".join(told) + "."

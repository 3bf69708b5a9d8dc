"""The blocks of a report as HTML: paragraphs, figures, tables in regions of their own, drawings with their figures beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import assert_never

from customer_research.documents.charts import as_table
from customer_research.documents.drawing import vega
from customer_research.documents.formats.markup import Markup, element, joined, trusted
from customer_research.documents.present import TONE_WORDS, Presenter, Shown, gap_words
from customer_research.domain.evidence import ANSWERS
from customer_research.domain.report import (
    Block,
    Bullets,
    Chart,
    FigureLine,
    Figures,
    Missing,
    Prose,
    Table,
    Tone,
)

SIGNS: Mapping[Tone, str] = {"good": "●", "watch": "▲", "bad": "■", "neutral": "", "unknown": ""}
"""A sign for each tone, so that colour is not the only carrier."""

_UNFIT = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 48
_RUN = 2


class Slugs:
    """Names of places in a document: short, of plain letters, no two alike."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, words: str) -> str:
        """A name made of words that none has yet."""
        plain = _UNFIT.sub("-", words.lower()).strip("-")[:_LONGEST_SLUG].rstrip("-") or "place"
        name, number = plain, 1
        while name in self._taken:
            number += 1
            name = f"{plain}-{number}"
        self._taken.add(name)
        return name


class Notes:
    """Footnote marks, and where each receipt is used."""

    def __init__(self, told: Mapping[int, str]) -> None:
        self._told = told
        self._uses: dict[int, list[str]] = {}
        self._count = 0

    def uses(self, number: int) -> Sequence[str]:
        """The names of the places where a receipt is used."""
        return self._uses.get(number, ())

    def marks(self, numbers: Sequence[int]) -> Markup | str:
        """Footnote numbers as links; a run of three or more is one link to its first."""
        if not numbers:
            return ""
        runs: list[list[int]] = []
        for number in numbers:
            if runs and number == runs[-1][-1] + 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        links = [link for run in runs for link in self._links(run)]
        return element("sup", joined(*links, by=" "), class_="notes")

    def _links(self, run: Sequence[int]) -> list[Markup]:
        if len(run) > _RUN:
            return [self._link(run, f"{run[0]}-{run[-1]}", f"Receipts {run[0]} to {run[-1]}", "")]
        return [self._link([number], str(number), f"Receipt {number}", f": {self._told[number]}") for number in run]

    def _link(self, numbers: Sequence[int], words: str, label: str, told: str) -> Markup:
        self._count += 1
        name = f"use-{self._count}"
        for number in numbers:
            self._uses.setdefault(number, []).append(name)
        return element("a", words, href=f"#receipt-{numbers[0]}", id=name, title=f"{label}{told}", aria_label=label)


class Blocks:
    """Writes blocks; `within` is the title of the section they stand in."""

    def __init__(self, presenter: Presenter, notes: Notes, slugs: Slugs) -> None:
        self._presenter = presenter
        self._notes = notes
        self._slugs = slugs
        self._regions: dict[str, int] = {}
        self.within = ""

    def block(self, block: Block) -> Markup:
        """One block."""
        if isinstance(block, Prose):
            return element("p", self.words(block))
        if isinstance(block, Bullets):
            return element("ol" if block.ordered else "ul", *(element("li", self.words(item)) for item in block.items))
        if isinstance(block, Figures):
            return element("dl", *(self._line(line) for line in block.lines), class_="figures")
        if isinstance(block, Table):
            return self._table(block)
        if isinstance(block, Chart):
            return self._chart(block)
        if isinstance(block, Missing):
            return self._missing(block)
        assert_never(block)

    def words(self, prose: Prose) -> Markup:
        """A sentence in its tone, with its footnotes."""
        text = self.toned(self._presenter.text(prose.text), prose.tone)
        return joined(text, self._notes.marks(self._presenter.facts(prose.facts)))

    def toned(self, text: str, tone: Tone, *, worded: bool = False) -> Markup | str:
        """Words in a tone: its colour, its sign, and its name for those who see neither."""
        if tone == "neutral":
            return text
        sign, word = SIGNS[tone], TONE_WORDS[tone]
        told = f" ({word})" if word else ""
        return element(
            "span",
            joined(element("span", sign, class_="sign", aria_hidden="true"), " ") if sign else "",
            text,
            told if worded else element("span", told, class_="hidden") if told else "",
            class_=tone,
        )

    def _missing(self, block: Missing) -> Markup:
        gap = block.gap
        next_step = f". {self._presenter.text(gap.next_step)}" if gap.reason in ANSWERS and gap.next_step else ""
        words = self._presenter.text(gap_words(gap))
        return element("p", f"{self._presenter.text(block.what)}: ", self.toned(words, "unknown"), next_step)

    def _line(self, line: FigureLine) -> Markup:
        value = self._shown(self._presenter.line(line), worded=True)
        return element("div", element("dt", self._presenter.text(line.label)), element("dd", value))

    def _shown(self, shown: Shown, *, worded: bool = False) -> Markup:
        text: Markup | str = shown.text
        if shown.link:
            text = element("a", text, href=shown.link, rel="noopener noreferrer")
        note = joined(" ", element("span", f"({shown.note})", class_="note")) if shown.note else ""
        return joined(self.toned(text, shown.tone, worded=worded), note, self._notes.marks(shown.notes))

    def _region(self, content: str, label: str, kind: str = "") -> Markup:
        """What may be wider than the page, in a region that can be focused and scrolled."""
        seen = self._regions[label] = self._regions.get(label, 0) + 1
        name = label if seen == 1 else f"{label} ({seen})"
        return element("div", content, class_=f"scroll {kind}".strip(), role="region", tabindex="0", aria_label=name)

    def _table(self, table: Table, *, called: str = "Table") -> Markup:
        caption = self._caption(table)
        right = [at < len(table.align) and table.align[at] == "right" for at in range(len(table.headers))]
        heads = [
            element(
                "th",
                self._presenter.text(header) or element("span", "Detail", class_="hidden"),
                scope="col",
                class_="right" if is_right else None,
            )
            for header, is_right in zip(table.headers, right, strict=True)
        ]
        rows = [
            element(
                "tr",
                *(
                    self._cell(shown, first=at == 0, right=right[at])
                    for at, shown in enumerate(self._presenter.row(table, row))
                ),
            )
            for row in table.rows
        ]
        drawn = element("table", caption, element("thead", element("tr", *heads)), element("tbody", *rows))
        return self._region(drawn, f"{called}: {self._presenter.text(table.caption) or self.within}")

    def _cell(self, found: Shown, *, first: bool, right: bool) -> Markup:
        shown = self._shown(found)
        alignment = "right" if right else None
        if first:
            return element("th", shown, scope="row", class_=alignment)
        return element("td", shown, class_=alignment)

    def _caption(self, table: Table) -> Markup | str:
        words = self._presenter.text(table.caption)
        marks = self._notes.marks(self._presenter.numbers(table.basis))
        cut = table.total is not None and table.total > len(table.rows)
        shown = f" ({len(table.rows)} of {table.total} shown)" if cut else ""
        return element("caption", words, shown, marks) if words or shown or marks else ""

    def _chart(self, chart: Chart) -> Markup:
        title = self._presenter.text(chart.title)
        name = self._slugs.take(f"chart-{title}")
        events = [element("li", f"{event.on.isoformat()}: ", self.words(event.what)) for event in chart.events]
        caption = element("figcaption", element("strong", title), element("p", self.words(chart.says)))
        figures = element(
            "details",
            element("summary", "The figures of this chart as a table"),
            self._table(as_table(chart), called="Figures of the chart"),
        )
        return element(
            "figure",
            caption,
            self._drawing(chart, name, title),
            element("ol", *events, class_="events", aria_label=f"Events in the chart {title}") if events else "",
            figures if chart.marks else "",
            id=name,
        )

    def _drawing(self, chart: Chart, name: str, title: str) -> Markup | str:
        if not chart.marks:
            return element("p", "There is nothing to draw.", class_="note")
        picture = vega.svg(vega.spec(chart, self._presenter), key=name)
        return self._region(trusted(picture), f"Chart: {title}", "chart")

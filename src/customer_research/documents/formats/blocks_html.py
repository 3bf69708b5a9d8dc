"""The nodes of a page as HTML: paragraphs, figures, tables in regions of their own, drawings with their figures beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from customer_research.documents.charts import as_table
from customer_research.documents.drawing import vega
from customer_research.documents.formats.markup import Markup, element, joined, trusted
from customer_research.documents.formats.wording import note_runs
from customer_research.documents.page import Grid, Line, List, Page, Pairs, Paragraph, Pen, Picture
from customer_research.documents.present import TONE_WORDS, Value
from customer_research.documents.site import ALONE, Site
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.report import Text, Tone

SIGNS: Mapping[Tone, str] = {"good": "●", "watch": "▲", "bad": "■", "neutral": "", "unknown": ""}
"""A sign for each tone, so that colour is not the only carrier."""

_UNFIT = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 48


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
        links = [self._of_run(first, words, numbers) for first, words in note_runs(numbers)]
        return element("sup", joined(*links, by=" "), class_="notes") if links else ""

    def _of_run(self, first: int, words: str, numbers: Sequence[int]) -> Markup:
        if "-" not in words:
            return self._link([first], words, f"Receipt {first}", f": {self._told[first]}")
        last = int(words.partition("-")[2])
        run = [number for number in numbers if first <= number <= last]
        return self._link(run, words, f"Receipts {first} to {last}", "")

    def _link(self, numbers: Sequence[int], words: str, label: str, told: str) -> Markup:
        self._count += 1
        name = f"use-{self._count}"
        for number in numbers:
            self._uses.setdefault(number, []).append(name)
        return element("a", words, href=f"#receipt-{numbers[0]}", id=name, title=f"{label}{told}", aria_label=label)


class Nodes(Pen[Markup]):
    """Writes nodes; `within` is the title of the part they stand in, `site` are the neighbours of their page."""

    def __init__(self, page: Page, notes: Notes, slugs: Slugs, site: Site = ALONE) -> None:
        self._page = page
        self._notes = notes
        self._slugs = slugs
        self._site = site
        self._regions: dict[str, int] = {}
        self.within = ""

    def paragraph(self, node: Paragraph) -> Markup:
        """One sentence or several."""
        return element("p", self.line(node.line))

    def list(self, node: List) -> Markup:
        """Sentences under each other."""
        return element("ol" if node.ordered else "ul", *(element("li", self.line(line)) for line in node.lines))

    def pairs(self, node: Pairs) -> Markup:
        """Labels with their values."""
        rows = (
            element("div", element("dt", label), element("dd", self._value(value, worded=True)))
            for label, value in node.pairs
        )
        return element("dl", *rows, class_="figures")

    def line(self, line: Line) -> Markup:
        """A sentence in its tone, with its footnotes."""
        step = joined(" Next: ", element("strong", line.step)) if line.step else ""
        return joined(line.lead, self.toned(line.text, line.tone), line.beside, step, self._notes.marks(line.notes))

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

    def _value(self, value: Value, *, worded: bool = False) -> Markup:
        text: Markup | str = value.text
        if value.link:
            text = element("a", text, href=value.link, rel="noopener noreferrer")
        elif isinstance(value.cell, Fact | Gap) and value.cell.metric and (why := self._site.why(value.cell.metric)):
            text = element("a", text, href=why, class_="why", title="Why this figure")
        note = joined(" ", element("span", f"({value.note})", class_="note")) if value.note else ""
        if isinstance(value.cell, Text) and value.cell.alert:
            note = joined(note, self._site.act(value.cell.alert))
        return joined(self.toned(text, value.tone, worded=worded), note, self._notes.marks(value.notes))

    def _region(self, content: str, label: str, kind: str = "") -> Markup:
        """What may be wider than the page, in a region that can be focused and scrolled."""
        seen = self._regions[label] = self._regions.get(label, 0) + 1
        name = label if seen == 1 else f"{label} ({seen})"
        return element("div", content, class_=f"scroll {kind}".strip(), role="region", tabindex="0", aria_label=name)

    def grid(self, node: Grid) -> Markup:
        """A table."""
        return self._table(node, "Table")

    def _table(self, node: Grid, called: str) -> Markup:
        beside = f" {node.beside}" if node.beside else ""
        caption = joined(node.caption, beside, self._notes.marks(node.notes))
        right = ["right" if is_right else None for is_right in node.right]
        heads = (
            element("th", header or element("span", "Detail", class_="hidden"), scope="col", class_=aligned)
            for header, aligned in zip(node.headers, right, strict=True)
        )
        rows = (
            element(
                "tr",
                *(
                    self._cell(value, header, at == 0, right[at])
                    for at, (value, header) in enumerate(zip(row, node.headers, strict=True))
                ),
            )
            for row in node.rows
        )
        drawn = element(
            "table",
            element("caption", caption) if caption else "",
            element("thead", element("tr", *heads)),
            element("tbody", *rows),
        )
        return self._region(drawn, f"{called}: {node.caption or self.within}")

    def _cell(self, value: Value, header: str, first: bool, aligned: str | None) -> Markup:  # noqa: FBT001 - its place
        """A cell; on a narrow screen, where the headers do not stand above it, it has its own before it."""
        shown = self._value(value)
        if first and value.text:
            return element("th", shown, scope="row", class_=aligned)
        return element("td", shown, class_=aligned, data_label=header or None)

    def picture(self, node: Picture) -> Markup:
        """A chart with its events and its figures."""
        chart, title = node.chart, node.title
        name = self._slugs.take(f"chart-{title}")
        events = [element("li", self.line(event)) for event in node.events.lines]
        caption = element("figcaption", element("strong", title), element("p", self.line(node.says)))
        figures = element(
            "details",
            element("summary", "The figures of this chart as a table"),
            self._table(self._page.grid(as_table(chart)), "Figures of the chart"),
        )
        return element(
            "figure",
            caption,
            self._drawing(node, name),
            element("ol", *events, class_="events", aria_label=f"Events in the chart {title}") if events else "",
            figures if chart.marks else "",
            id=name,
        )

    def _drawing(self, node: Picture, name: str) -> Markup:
        if not node.chart.marks:
            return element("p", "There is nothing to draw.", class_="note")
        picture = vega.svg(vega.spec(node.chart, self._page.presenter), key=name)
        return self._region(trusted(picture), f"Chart: {node.title}", "chart")

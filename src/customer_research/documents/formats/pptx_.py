"""PPTX: slides with native tables and charts that can be edited, in the house layout or in a template of the user's.

A template is a `.pptx` whose layouts have placeholders named `title`, `subtitle`, `body`, `table`, `chart` and `footer` (in any
case); where a name is missing, the placeholder's type decides, and the layout with the most of what a slide needs is taken. The
template's own slides are left out. Nothing overflows: text is measured, and what does not fit goes on to the next slide. The notes
of each slide have the receipts of its figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from customer_research.documents.formats.slide_charts import native, unknown_words
from customer_research.documents.formats.slides import Cell, Deck, Text, Word
from customer_research.documents.formats.wording import note_runs
from customer_research.documents.page import (
    Grid,
    Line,
    List,
    Page,
    Pairs,
    Paragraph,
    Part,
    Pen,
    Picture,
    facts_of,
    merge_receipts,
)
from customer_research.documents.present import Value
from customer_research.domain.evidence import Receipt, merge_basis
from customer_research.domain.report import Report

_TWO_COLUMNS = 9
"""From so many figures on, two stand in a row."""


def render(report: Report, *, show_personal: bool = False, template: Path | None = None) -> bytes:
    """A report as slides, the same bytes for the same report and template.

    Args:
        report: what to show.
        show_personal: whether personal data is shown.
        template: the user's own presentation whose layouts are used; None: the house layout.

    Raises:
        RenderError: a figure without a receipt.
        UsageError: the template cannot be read.
    """
    return _Writer(Page(report, show_personal=show_personal), Deck(template)).deck()


class _Writer(Pen[None]):
    """Lays one report out on slides; sentences that follow each other are gathered and share slides."""

    def __init__(self, page: Page, deck: Deck) -> None:
        self._page = page
        self._deck = deck
        self._part = ""
        self._texts: list[Text] = []

    def deck(self) -> bytes:
        page = self._page
        self._deck.footer = " · ".join(part for part in (page.heading, page.dated, page.audience) if part)
        self._first()
        for part in page.parts:
            self._of(part)
        self._last()
        return self._deck.saved(page.heading, page.report.generated_at)

    def _first(self) -> None:
        page = self._page
        below = [Text((Word(page.title, bold=True),))] * bool(page.name) + [Text((Word(page.dated, quiet=True),))]
        if page.headline:
            below.append(self._text(page.headline))
        facts = page.headline.facts if page.headline else ()
        self._deck.cover(page.name or page.title, below, self._proofs(merge_basis(facts)))
        if page.warnings:
            self._deck.begin("Warnings")
            self._texts = [self._text(warning, bullet=True) for warning in page.warnings]
            self._flush()

    def _of(self, part: Part) -> None:
        self._part = part.heading.text or self._page.title
        self._deck.begin(self._part)
        for node in part.nodes:
            self.draw(node)
        self._flush()

    def _last(self) -> None:
        """Shared notes, gaps and how the sources answered."""
        tail = self._page.tail
        self._deck.begin(list_title([part.heading.text for part in tail]))
        for part in tail:
            self._texts += [Text((Word(part.heading.text, bold=True),))] * (len(tail) > 1)
            for node in part.nodes:
                self.draw(node)
        if self._page.footnotes:
            told = "Small numbers name receipts: they stand in the notes of their slide."
            self._texts.append(Text((Word(told, quiet=True),)))
        self._flush()

    def _flush(self) -> None:
        """Put the gathered sentences on slides."""
        texts, self._texts = self._texts, []
        if texts:
            self._deck.text(texts, self._proofs)

    def paragraph(self, node: Paragraph) -> None:
        self._texts.append(self._text(node.line))

    def list(self, node: List) -> None:
        if node.kind == "gaps":  # a gap on a slide is read whole, in one colour
            self._texts += [Text((Word(line.whole),), bullet=True) for line in node.lines]
            return
        leads = node.leads if node.ordered else ("",) * len(node.lines)
        self._texts += [
            self._text(line, bullet=not node.ordered, lead=lead, bold=node.kind == "sources")
            for line, lead in zip(node.lines, leads, strict=True)
        ]

    def _text(self, line: Line, *, bullet: bool = False, lead: str = "", bold: bool = False) -> Text:
        label = (Word(f"{lead}{line.lead}", bold=bold),) if line.label else ()
        text = f"{'' if label else lead}{line.text}{line.beside}"
        return Text((*label, Word(text, line.tone), _marks(line.notes)), bullet, proofs=merge_basis(line.facts))

    def pairs(self, node: Pairs) -> None:
        """Labels and values as a table; many of them two beside each other."""
        self._flush()
        cells: list[tuple[Cell, ...]] = [
            ((Word(label, quiet=True),), self._cell(value, worded=True)) for label, value in node.pairs
        ]
        proofs = merge_basis(facts_of(value for _, value in node.pairs))
        if len(cells) >= _TWO_COLUMNS:
            half = (len(cells) + 1) // 2
            right = [*cells[half:], *[((), ())] * (2 * half - len(cells))]
            cells = [(*left, *beside) for left, beside in zip(cells[:half], right, strict=True)]
        self._deck.table("", None, cells, (), self._proofs(proofs))

    def _cell(self, value: Value, *, worded: bool = False) -> Cell:
        beside = "; ".join(part for part in (value.tone_word if worded else "", value.note) if part)
        words = [Word(value.text, value.tone, link=value.link)]
        if beside:
            words.append(Word(f" ({beside})", quiet=True))
        return *words, _marks(value.notes)

    def grid(self, node: Grid) -> None:
        self._flush()
        headers = tuple((Word(header, bold=True),) for header in node.headers)
        rows = [tuple(map(self._cell, row)) for row in node.rows]
        self._deck.table(node.title, headers, rows, node.right, self._proofs(node.proofs))

    def picture(self, node: Picture) -> None:
        self._flush()
        chart, presenter = node.chart, self._page.presenter
        says = self._text(node.says)
        unknown = unknown_words(chart, presenter)
        texts = [says, *([Text((Word(unknown, "unknown"),))] if unknown else [])]
        texts += [Text((Word(event.whole), _marks(event.notes))) for event in node.events.lines]
        proofs = self._proofs(merge_receipts((*node.basis, *says.proofs)))
        charts = list(native(chart, presenter))
        self._deck.begin(node.title)
        if not charts:
            self._deck.text(texts, self._proofs)
        for drawn in charts:
            self._deck.chart(chart, drawn, texts, proofs, presenter)
        self._deck.begin(self._part)

    def _proofs(self, receipts: tuple[Receipt, ...]) -> str:
        """The notes of a slide: the receipts of what stands on it."""
        numbers = self._page.presenter.numbers(receipts)
        notes = (self._page.footnotes[number - 1] for number in numbers)
        told = [f"[{note.number}] {note.words}" + (f" · {note.asked()}" if note.query else "") for note in notes]
        return "\n".join(("Receipts:", *told)) if told else ""


def list_title(names: Sequence[str]) -> str:
    """The title of a slide about several things: `Notes, gaps and sources`."""
    if not names:
        return "Receipts"
    first, *rest = names
    lower = [name.lower() for name in rest]
    return " and ".join([", ".join([first, *lower[:-1]]), *lower[-1:]])


def _marks(notes: tuple[int, ...]) -> Word:
    return Word(",".join(words for _, words in note_runs(notes)), raised=True)

"""PPTX: slides with native tables and charts that can be edited, in the house layout or in a template of the user's.

A template is a `.pptx` whose layouts have placeholders named `title`, `subtitle`, `body`, `table`, `chart` and `footer` (in any
case); where a name is missing, the placeholder's type decides, and the layout with the most of what a slide needs is taken. The
template's own slides are left out. Nothing overflows: text is measured, and what does not fit goes on to the next slide. The notes
of each slide have the receipts of its figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from customer_research.documents.answering import freshness_words
from customer_research.documents.formats.slide_charts import native, unknown_words
from customer_research.documents.formats.slides import Cell, Deck, Line, Word
from customer_research.documents.formats.wording import (
    caption_beside,
    hole_words,
    next_words,
    note_runs,
    receipt_words,
    receipts_of_chart,
    title_words,
)
from customer_research.documents.present import Presenter, Shown, gap_words
from customer_research.domain.evidence import Fact, Receipt, merge_basis
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
)
from customer_research.domain.words import dated_words

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
        ExtraMissing: python-pptx is not installed.
        UsageError: the template cannot be read.
    """
    presenter = Presenter(report, show_personal=show_personal)
    return _Writer(presenter, Deck(template)).made()


class _Writer:
    """Lays one report out on slides."""

    def __init__(self, presenter: Presenter, deck: Deck) -> None:
        self._presenter = presenter
        self._deck = deck
        self._part = ""
        self._lines: list[Line] = []

    def made(self) -> bytes:
        presenter, report = self._presenter, self._presenter.report
        as_of = dated_words(report.as_of, report.generated_at)
        self._deck.footer = " · ".join(
            part
            for part in (title_words(presenter), as_of, "Internal" if report.audience == "internal" else "")
            if part
        )
        self._first(as_of)
        for section in presenter.sections:
            self._of(section)
        self._last()
        return self._deck.saved(title_words(presenter), report.generated_at)

    def _first(self, as_of: str) -> None:
        presenter = self._presenter
        name, title = presenter.text(presenter.report.operator_name), presenter.text(presenter.report.title)
        below = [Line((Word(title, bold=True),))] * bool(name) + [Line((Word(as_of, quiet=True),))]
        if presenter.headline:
            below.append(self._prose(presenter.headline))
        facts = presenter.headline.facts if presenter.headline else ()
        self._deck.cover(name or title, below, self._proofs(merge_basis(facts)))
        if presenter.warnings:
            self._deck.begin("Warnings")
            self._lines = [self._prose(warning, bullet=True) for warning in presenter.warnings]
            self._told()

    def _of(self, section: Section) -> None:
        """A section's blocks; sentences that follow each other share slides."""
        self._part = self._presenter.text(section.title) or self._presenter.text(self._presenter.report.title)
        self._deck.begin(self._part)
        for block in section.blocks:
            self._block(block)
        self._told()

    def _last(self) -> None:
        """Shared notes, gaps and how the sources answered."""
        presenter = self._presenter
        notes = [Line((Word(f"{note}: {'; '.join(labels)}."),), bullet=True) for note, labels in presenter.notes]
        gaps = [Line((Word(hole_words(presenter, hole)),), bullet=True) for hole in presenter.holes]
        sources = [
            Line((Word(f"{name}: ", bold=True), Word(words, tone)), bullet=True)
            for name, words, tone in freshness_words(presenter)
        ]
        parts = {title: found for title, found in {"Notes": notes, "Gaps": gaps, "Sources": sources}.items() if found}
        self._deck.begin(list_title(tuple(parts)))
        for title, found in parts.items():
            self._lines += [Line((Word(title, bold=True),))] * (len(parts) > 1) + found
        if presenter.receipts:
            told = "Small numbers name receipts: they stand in the notes of their slide."
            self._lines.append(Line((Word(told, quiet=True),)))
        self._told()

    def _told(self) -> None:
        """Put the gathered sentences on slides."""
        lines, self._lines = self._lines, []
        if lines:
            self._deck.text(lines, self._proofs)

    def _block(self, block: Block) -> None:
        if isinstance(block, Prose):
            self._lines.append(self._prose(block))
        elif isinstance(block, Bullets):
            self._lines += [
                self._prose(item, bullet=not block.ordered, lead=f"{number}. " if block.ordered else "")
                for number, item in enumerate(block.items, 1)
            ]
        elif isinstance(block, Missing):
            why = self._presenter.text(gap_words(block.gap))
            step = self._presenter.text(next_words(block.gap))
            words = (Word(f"{self._presenter.text(block.what)}: "), Word(f"{why}{step}", "unknown"))
            self._lines.append(Line(words))
        elif isinstance(block, Figures):
            self._told()
            self._figures(block)
        elif isinstance(block, Table):
            self._told()
            self._table(block)
        elif isinstance(block, Chart):
            self._told()
            self._chart(block)
        else:
            assert_never(block)

    def _prose(self, prose: Prose, *, bullet: bool = False, lead: str = "") -> Line:
        words = (Word(f"{lead}{self._presenter.text(prose.text)}", prose.tone), self._marks_of(prose))
        return Line(words, bullet=bullet, proofs=merge_basis(prose.facts))

    def _marks_of(self, prose: Prose) -> Word:
        return _marks(self._presenter.facts(prose.facts))

    def _figures(self, block: Figures) -> None:
        """Labels and values as a table; many of them two beside each other."""
        cells: list[tuple[Cell, ...]] = [self._labelled(line) for line in block.lines]
        proofs = merge_basis([line.figure for line in block.lines if isinstance(line.figure, Fact)])
        if len(cells) >= _TWO_COLUMNS:
            half = (len(cells) + 1) // 2
            right = [*cells[half:], *[((), ())] * (2 * half - len(cells))]
            cells = [(*left, *beside) for left, beside in zip(cells[:half], right, strict=True)]
        self._deck.table("", None, cells, (), self._proofs(proofs))

    def _labelled(self, line: FigureLine) -> tuple[Cell, Cell]:
        shown = self._presenter.line(line)
        return (Word(self._presenter.text(line.label), "neutral", quiet=True),), self._shown(shown, worded=True)

    def _shown(self, shown: Shown, *, worded: bool = False) -> Cell:
        beside = "; ".join(part for part in (shown.tone_word if worded else "", shown.note) if part)
        words = [Word(shown.text, shown.tone, link=shown.link)]
        if beside:
            words.append(Word(f" ({beside})", quiet=True))
        return *words, _marks(shown.notes)

    def _table(self, table: Table) -> None:
        presenter = self._presenter
        headers = tuple((Word(presenter.text(header), bold=True),) for header in table.headers)
        shown = [presenter.row(table, row) for row in table.rows]
        rows = [tuple(self._shown(one) for one in row) for row in shown]
        caption = " ".join(part for part in (presenter.text(table.caption), caption_beside(table)) if part)
        right = tuple(at < len(table.align) and table.align[at] == "right" for at in range(len(headers)))
        facts = [cell for row in table.rows for cell in row if isinstance(cell, Fact)]
        proofs = tuple({one.id: one for one in (*table.basis, *merge_basis(facts))}.values())
        self._deck.table(caption, headers, rows, right, self._proofs(proofs))

    def _chart(self, chart: Chart) -> None:
        presenter = self._presenter
        says = self._prose(chart.says)
        lines = [says]
        unknown = unknown_words(chart, presenter)
        if unknown:
            lines.append(Line((Word(unknown, "unknown"),)))
        lines += [
            Line((Word(f"{event.on.isoformat()}: {presenter.text(event.what.text)}"), self._marks_of(event.what)))
            for event in chart.events
        ]
        proofs = {one.id: one for one in (*receipts_of_chart(chart), *says.proofs)}
        charts = list(native(chart, presenter))
        self._deck.begin(presenter.text(chart.title))
        if not charts:
            self._deck.text(lines, self._proofs)
        for drawn in charts:
            self._deck.chart(chart, drawn, lines, self._proofs(tuple(proofs.values())), presenter)
        self._deck.begin(self._part)

    def _proofs(self, receipts: tuple[Receipt, ...]) -> str:
        """The notes of a slide: the receipts of what stands on it."""
        presenter = self._presenter
        told = []
        for receipt in sorted(receipts, key=lambda one: presenter.numbers((one,))):
            words, query = receipt_words(presenter, receipt)
            told.append(f"[{presenter.numbers((receipt,))[0]}] {words}" + (f" · {query}" if query else ""))
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

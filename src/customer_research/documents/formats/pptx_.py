"""PPTX: slides to present, with native tables and charts that can be edited, in the house layout or in a template of the user's.

A slide has one message: its title, one picture, number, short table or a few sentences, and a line under it. What it has no
room for, and the receipts of what it shows, stand in its notes. A template is a `.pptx` whose layouts have placeholders named
`title`, `subtitle`, `body`, `table`, `chart` and `footer` (in any case); where a name is missing, the placeholder's type decides,
and the layout with the most of what a slide needs is taken. The template's own slides are left out.
"""

from __future__ import annotations

import re
from pathlib import Path

from customer_research.documents.brand import HOUSE, Brand
from customer_research.documents.charts import GRAVITY
from customer_research.documents.fonts.measure import em
from customer_research.documents.formats.slide_charts import native, unknown_words
from customer_research.documents.formats.slide_text import Cell, Text, Word
from customer_research.documents.formats.slides import Deck
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
from customer_research.domain.evidence import Fact, Receipt, merge_basis
from customer_research.domain.report import Report
from customer_research.domain.words import counted

_SENTENCES, _ALSO = 4, 2
"""So many sentences share a slide; so many stand below one that has its number above it."""

_SLIDES = 3
"""A list has at most so many slides: the rest of it stands in the notes of the last."""

_ROWS, _BESIDE = 6, 5
_LONGEST_NUMBER, _LONGEST_TITLE, _EVENTS = 14.0, 62.0, 2
_ORDER = {"ratio": 0, "money": 0, "usd_minor": 0, "count": 1, "points": 1, "number": 1, "days": 2}
"""Which figure of a sentence is its number: shares and amounts before counts, counts before ages."""


def render(report: Report, *, show_personal: bool = False, template: Path | None = None, brand: Brand = HOUSE) -> bytes:
    """A report as slides, the same bytes for the same report, template and brand.

    Args:
        report: what to show.
        show_personal: whether personal data is shown.
        template: the user's own presentation whose layouts are used; None: the house layout.
        brand: the user's own colour, logo and account manager.

    Raises:
        RenderError: a figure without a receipt.
        UsageError: the template cannot be read.
    """
    return _Writer(Page(report, show_personal=show_personal), Deck(template, brand), brand).deck()


class _Writer(Pen[None]):
    """Lays one report out on slides; sentences that follow each other are gathered and share them."""

    def __init__(self, page: Page, deck: Deck, brand: Brand) -> None:
        self._page = page
        self._deck = deck
        self._brand = brand
        self._part = self._title = ""
        self._lines: list[Line] = []

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
        below = [Text((Word(page.title, bold=True),), 24.0)] * bool(page.name)
        below += [Text((Word(page.headline.whole, page.headline.tone),))] if page.headline else []
        quiet = (page.dated, self._brand.presented, page.left_out)
        below += [Text((Word(words, quiet=True),), 18.0) for words in quiet if words]
        facts = page.headline.facts if page.headline else ()
        told = [] if self._gaps else self._tail()
        self._deck.cover(page.name or page.title, below, [*told, self._proofs(merge_basis(facts))])
        if page.warnings:
            self._title = "Before anything else"
            self._lines = list(page.warnings)
            self._flush()

    def _of(self, part: Part) -> None:
        self._part = self._title = part.heading.text or self._page.title
        for node in part.nodes:
            self.draw(node)
        self._flush()

    @property
    def _gaps(self) -> tuple[Line, ...]:
        """The gaps that get a slide: a customer reads of them on the first."""
        return () if self._page.left_out else self._page.gaps

    def _last(self) -> None:
        """What is not known; shared notes and how the sources answered stand in the notes."""
        if self._gaps:
            texts = [Text((Word(line.whole),)) for line in self._gaps[:_SENTENCES]]
            self._deck.sentences("What is not known", texts, self._tail())

    def _tail(self) -> list[str]:
        """Shared notes, gaps and sources in words."""
        parts = ((part.heading.text, node) for part in self._page.tail for node in part.nodes)
        return [f"{title}: {line.whole}" for title, node in parts if isinstance(node, List) for line in node.lines]

    # -- sentences -----------------------------------------------------------------------------------------------------

    def paragraph(self, node: Paragraph) -> None:
        if node.kind == "prose" and node.line.text.endswith(":") and not node.line.facts:  # the title of what follows
            self._flush()
            self._title = f"{self._part}: {node.line.text[:-1].lower()}"
            return
        self._lines.append(node.line)

    def list(self, node: List) -> None:
        if not node.ordered:
            self._lines += node.lines
            return
        self._flush()
        self._lines = list(node.lines)
        self._flush(ordered=True)

    def _flush(self, *, ordered: bool = False) -> None:
        """Put the gathered sentences on slides: under the number of the first of them, where it has one."""
        rest, self._lines = self._lines, []
        for number in range(1, _SLIDES + 1):
            if not rest:
                break
            figure = None if ordered else self._figure(rest[0])
            most = _SENTENCES if figure is None or len(rest) == _SENTENCES else 1 + _ALSO
            shown, rest = rest[:most], rest[most:]
            left = rest if number == _SLIDES else []
            title = self._title if number == 1 else f"{self._title} ({number})"
            notes = [
                *(line.whole for line in left),
                self._proofs(merge_basis(fact for line in shown for fact in line.facts)),
            ]
            first = (number - 1) * _SENTENCES + 1
            leads = [f"{first + at}." for at in range(len(shown))] if ordered else [""] * len(shown)
            texts = [_text(line, lead) for line, lead in zip(shown, leads, strict=True)]
            texts += [_small(f"{counted(len(left), 'more sentence')} in the notes.")] if left else []
            if figure is None:
                self._deck.sentences(title, texts, notes)
            else:
                self._deck.number(title, figure, texts, notes)
        self._title = self._part

    def _figure(self, line: Line) -> Word | None:
        """The number of a sentence that is shown large: one that stands in it word for word, of several the newest."""
        told = [
            (_ORDER[fact.unit], -fact.as_of.timestamp(), words)
            for fact in line.facts
            if fact.unit in _ORDER
            and _holds(line.text, words := self._page.presenter.value(fact))
            and em(words) <= _LONGEST_NUMBER
        ]
        return Word(min(told, key=lambda one: one[:2])[-1], line.tone) if told else None

    # -- figures -------------------------------------------------------------------------------------------------------

    def _taken(self) -> tuple[Text, ...]:
        """A single sentence without a number of its own goes under what follows; all else is put on slides before it."""
        if len(self._lines) == 1 and self._figure(self._lines[0]) is None:
            remark, self._lines = self._lines[0], []
            return (_small(remark.whole),)
        self._flush()
        return ()

    def pairs(self, node: Pairs) -> None:
        """The figure that matters most, large; a few others beside it, the rest in the notes."""
        remark = self._taken()
        proofs = self._proofs(merge_basis(facts_of(value for _, value in node.pairs)))
        lead = min(node.pairs, key=lambda pair: _weight(pair[1]), default=None)
        if lead is None:
            return
        others = [pair for pair in node.pairs if pair is not lead]
        told = [f"{label}: {value.text}" for label, value in others[_BESIDE:]]
        rows = [((Word(label, quiet=True),), _cell(value)) for label, value in others[:_BESIDE]]
        label, value = lead
        under = [*remark, *([_small(f"{counted(len(told), 'more figure')} in the notes.")] if told else [])]
        if not _is_number(value):
            cells = [((Word(label, quiet=True),), _cell(value)), *rows]
            self._deck.table(self._title, None, cells, (), under=under, notes=[*told, proofs])
        else:
            line = Text((Word(_label(label, value)),))
            self._deck.number(self._title, Word(value.text, value.tone), [line, *under], [*told, proofs], rows)

    def grid(self, node: Grid) -> None:
        remark = self._taken()
        headers = tuple((Word(header, bold=True),) for header in node.headers)
        rows = [tuple(map(_cell, row)) for row in node.rows[:_ROWS]]
        if not rows:
            return
        title = node.caption or self._title
        shown = f" ({len(rows)} of {node.total})" if node.total > len(rows) else ""
        left = [" | ".join(value.text for value in row) for row in node.rows[_ROWS:]]
        self._deck.table(
            f"{title}{shown}", headers, rows, node.right, under=remark, notes=[*left, self._proofs(node.proofs)]
        )

    def picture(self, node: Picture) -> None:
        remark = self._taken()
        chart, presenter = node.chart, self._page.presenter
        unknown = unknown_words(chart, presenter)
        message, reason = _parted(node.says.whole)
        is_title = em(message) <= _LONGEST_TITLE
        title, below = (message, reason or node.title) if is_title else (node.title, node.says.whole)
        events = [event.whole for event in node.events.lines]
        first = remark if remark and is_title else (Text((Word(below),)), *remark)
        under = [*first, *map(_small, filter(None, (unknown, *events[-_EVENTS:])))]
        proofs = self._proofs(merge_receipts((*node.basis, *merge_basis(node.says.facts))))
        charts = list(native(chart, presenter))
        notes = [*events[:-_EVENTS], proofs]
        if not charts:
            self._deck.sentences(title, under, notes)
        for drawn in charts:
            self._deck.picture(title, chart, drawn, presenter, under=under, notes=notes)

    def _proofs(self, receipts: tuple[Receipt, ...]) -> str:
        """The notes of a slide: the receipts of what stands on it."""
        if not self._page.footnotes:
            return ""
        numbers = self._page.presenter.numbers(receipts)
        told = [self._page.footnotes[number - 1].words for number in numbers]
        return "\n".join(("Receipts:", *told)) if told else ""


def _text(line: Line, lead: str = "") -> Text:
    label = (Word(line.lead, bold=True),) if line.label else ()
    return Text(
        (*label, Word(f"{line.text}{line.beside}", line.tone if line.tone == "unknown" else "neutral")), lead=lead
    )


def _parted(says: str) -> tuple[str, str]:
    """What a picture says as a message and the reason under it: its first clause, and the rest."""
    found = re.match(r"(.+?)(?:\.|;) (.+)", says)
    if found is None:
        return says, ""
    message, reason = found.groups()
    return f"{message}.", f"{reason[0].upper()}{reason[1:]}"


def _small(words: str) -> Text:
    return Text((Word(words, quiet=True),))


def _holds(text: str, words: str) -> bool:
    """Whether a text has a figure's words by themselves, not as part of a longer number."""
    return re.search(rf"(?<![\w.,]){re.escape(words)}(?!\w|[.,]\d)", text) is not None


def _weight(value: Value) -> tuple[int, int]:
    """What matters first: figures that call for an act, then those to be watched; numbers before words and gaps."""
    return 0 if _is_number(value) else 1, GRAVITY[value.tone]


def _is_number(value: Value) -> bool:
    return isinstance(value.cell, Fact) and value.cell.unit in _ORDER and em(value.text) <= _LONGEST_NUMBER


def _label(label: str, value: Value) -> str:
    beside = "; ".join(part for part in (value.tone_word, value.note) if part)
    return f"{label} ({beside})" if beside else label


def _cell(value: Value) -> Cell:
    return (Word(value.text, value.tone, link=value.link),)

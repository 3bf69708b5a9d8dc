"""Who may see a figure, and its footnotes: the one place for masking, audience, gaps and receipts; values read by `domain.words`.

Every renderer takes its words from here, so that a figure reads the same on all of them. A `Presenter` is made for one report
and one reader; it gives each receipt its number, refuses a figure without a receipt, masks personal data and strips from
every text what could command a terminal or turn it around. Renderers only escape for their own syntax and lay out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from customer_research.documents.audience import INTERNAL_SECTIONS
from customer_research.documents.masking import HIDDEN, People, initials, mask_numbers, mask_text, masked_word, tail
from customer_research.domain.evidence import ANSWERS, Fact, Gap, Receipt
from customer_research.domain.report import (
    Block,
    Cell,
    FigureLine,
    Figures,
    Personal,
    Prose,
    Report,
    Statement,
    Table,
    Text,
    Tone,
)
from customer_research.domain.words import clean, value_words
from customer_research.errors import RenderError
from customer_research.record_tables import SOURCES

TONE_WORDS: Mapping[str, str] = MappingProxyType(
    {"good": "good", "watch": "watch", "bad": "act", "neutral": "", "unknown": ""}
)
"""The word that carries a tone where colour cannot (an unknown figure already says so in its own words)."""

GAP_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "unavailable": "not available",
        "denied": "access refused",
        "not_permitted": "not permitted",
        "not_configured": "not configured",
        "none_found": "none found",
        "not_applicable": "does not apply",
        "stale": "too old to use",
        "truncated": "cut short",
        "past": "not known of that date",
        "not_comparable": "not comparable",
    }
)
"""Each gap reason in words."""

SOURCE_TITLES: Mapping[str, str] = MappingProxyType(
    {
        **{name: source.title for name, source in SOURCES.items()},
        "metabase": "Metabase",
        "memory": "Computed",
        "file": "File",
        "health": "Health",
        "score history": "Score history",
        "assumption": "Assumption",
        "rates": "Exchange rates",
        "calendar": "Calendars",
        "ics": "Calendar feed",
        "google": "Google Calendar",
        "microsoft": "Microsoft Graph",
        "snapshot": "Account snapshot",
        "peers": "Similar operators",
        "matches": "Decisions on matches",
        "facts": "Company facts",
        "fmcsa": "FMCSA census",
        "people_data_labs": "People Data Labs",
    }
)

WORDED = frozenset({"text", "word"})
"""Units whose values are words of somebody, in which others may be named."""

_URL_SAFE = "/:?&=%@+,;~#!"


def source_title(source: str) -> str:
    """A source's name as readers know it."""
    return SOURCE_TITLES.get(source, clean(source))


def receipts_of(fact: Fact[Any]) -> tuple[Receipt, ...]:
    """The receipts of a fact.

    Raises:
        RenderError: there is none.
    """
    if not fact.basis:
        raise RenderError(
            f"The figure {fact.metric or fact.value!r} has no receipt and is not drawn.",
            hint="Make figures from metrics or fetched rows only.",
        )
    return fact.basis


def gap_words(gap: Gap, *, detailed: bool = True) -> str:
    """Why there is no value: `not available (Lago): the connection timed out`."""
    words = f"{GAP_WORDS[gap.reason]} ({source_title(gap.source)})"
    return f"{words}: {clean(gap.detail)}" if detailed and gap.detail else words


def note_words(fact: Fact[Any]) -> str:
    """A fact's note; one that was joined from several facts (`a; b; a`) says each part once."""
    return "; ".join(dict.fromkeys(part.strip() for part in fact.note.split(";") if part.strip()))


def mask(personal: Personal) -> str:
    """Personal text as strangers may see it: enough to recognise, not to reach."""
    text = clean(personal.text)
    if personal.kind == "email":
        local, at, domain = text.partition("@")
        return f"{masked_word(local)}@{domain}" if at else HIDDEN
    if personal.kind == "phone":
        return tail(text, 2)
    if personal.kind in {"person", "contact"}:
        return initials(text)
    return "(address hidden)"


def safe_link(url: str) -> str:
    """A link fit to be followed: http or https with a host, percent-encoded; an empty string for anything else."""
    if not url or clean(url) != url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    return quote(url, safe=_URL_SAFE) if parts.scheme in {"http", "https"} and host else ""


@dataclass(frozen=True, slots=True)
class Value:
    """A cell ready to be escaped: its words, its tone (and the tone's word), its link and its footnote numbers."""

    cell: Cell
    text: str
    tone: Tone = "neutral"
    link: str = ""
    notes: tuple[int, ...] = ()
    note: str = ""

    @property
    def tone_word(self) -> str:
        """The tone in a word, empty when it says nothing."""
        return TONE_WORDS[self.tone]


_FIRST = frozenset({"basis", "figure"})
"""Fields whose receipts are numbered before those of their neighbours: the proof of a table, the figure of a mark."""


def leaves(value: Any, name: str = "") -> Iterator[Cell | Receipt]:
    """The cells of a block and the receipts that it names itself, wherever they stand in it."""
    if isinstance(value, Fact | Gap | Text | Receipt):
        yield value
    elif name == "figure":
        raise RenderError(f"{value!r} is a bare value without a receipt and is not drawn.")
    elif isinstance(value, tuple):
        yield from chain.from_iterable(map(leaves, value))
    elif is_dataclass(value):
        names = sorted((field.name for field in fields(value)), key=lambda name: name not in _FIRST)
        yield from chain.from_iterable(leaves(getattr(value, name), name) for name in names)


def _receipts(block: Block) -> Iterator[Receipt]:
    for leaf in leaves(block):
        if isinstance(leaf, Receipt):
            yield leaf
        elif isinstance(leaf, Fact):
            yield from receipts_of(leaf)


class Presenter:
    """One report for one reader.

    Args:
        report: what to show; sections that are not for its audience are left out.
        show_personal: whether personal data is shown; a report for the customer never shows it, nor a headline or warning,
            which speak of the health score.
        pages: operator id → where its report lies, of those that were written together with this one.
        noted: whether figures have the numbers of their receipts.
        cited: whether those of a customer's form have them too.

    Raises:
        RenderError: a figure without a receipt, or a bare value where a figure belongs.
    """

    def __init__(
        self,
        report: Report,
        *,
        show_personal: bool = False,
        pages: Mapping[str, str] = MappingProxyType({}),
        noted: bool = True,
        cited: bool = False,
    ) -> None:
        inside = report.audience == "internal"
        self.report = report
        self._noted = noted and (inside or cited)
        self.show_personal = show_personal and inside
        self.headline = report.headline if inside else None
        self.warnings = report.warnings if inside else ()
        self.sections = tuple(one for one in report.sections if inside or one.id not in INTERNAL_SECTIONS)
        self.receipts = tuple(
            {receipt.id: receipt for block in self._blocks() for receipt in _receipts(block)}.values()
        )
        self._pages = pages
        self._people = People(report.people, report.operator_name)
        self._texts: dict[str, str] = {}
        self._single = [section.id for section in self.sections] == ["line"]
        self._repeated = {} if self._single else self._repeated_notes()
        self._numbers = {receipt.id: number for number, receipt in enumerate(self.receipts, 1)}

    def _blocks(self) -> Iterator[Block]:
        if self.headline:
            yield self.headline
        yield from self.warnings
        for section in self.sections:
            yield from section.blocks

    def _repeated_notes(self) -> Mapping[str, tuple[str, ...]]:
        concerned: dict[str, list[str]] = {}
        for block in self._blocks():
            for line in block.lines if isinstance(block, Figures) else ():
                if isinstance(line.figure, Fact) and line.figure.note:
                    concerned.setdefault(note_words(line.figure), []).append(line.label)
                elif isinstance(line.figure, Gap) and line.figure.reason in ANSWERS:
                    concerned.setdefault(gap_words(line.figure), []).append(line.label)
        return {note: tuple(dict.fromkeys(labels)) for note, labels in concerned.items() if len(labels) > 1}

    def _told(self, note: str) -> bool:
        return any(isinstance(block, Prose) and note.rstrip(".") in block.text for block in self._blocks())

    @property
    def notes(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Notes and reasons that several figures share, each with their labels: told once instead of beside each."""
        told_once = ((note, labels) for note, labels in self._repeated.items() if not self._told(note))
        return tuple((self.text(note).rstrip("."), labels) for note, labels in told_once)

    def text(self, text: str) -> str:
        """Words, cleaned and (unless personal data is shown) with addresses, numbers and known names masked."""
        if text not in self._texts:
            plain = clean(text)
            self._texts[text] = mask_numbers(plain) if self.show_personal else mask_text(plain, self._people)
        return self._texts[text]

    def numbers(self, receipts: Iterable[Receipt]) -> tuple[int, ...]:
        """The footnote numbers of receipts, ascending; a customer's form has none unless it is cited."""
        if not self._noted:
            return ()
        return tuple(sorted({self._numbers[receipt.id] for receipt in receipts}))

    def facts(self, facts: Iterable[Fact[Any]]) -> tuple[int, ...]:
        """The footnote numbers of what a sentence rests on."""
        return self.numbers(receipt for fact in facts for receipt in receipts_of(fact))

    def personal(self, personal: Personal) -> str:
        """Personal text, masked unless it may be shown."""
        ours = (personal.kind == "contact" or personal.asked) and self.report.audience == "internal"
        return clean(personal.text) or "(blank)" if self.show_personal or ours else mask(personal)

    def value(self, fact: Fact[Any]) -> str:
        """A fact's value in words.

        Raises:
            RenderError: the fact has no receipt.
        """
        receipts_of(fact)
        if isinstance(fact.value, Personal):
            return self.personal(fact.value)
        return self.text(value_words(fact)) if fact.unit in WORDED else value_words(fact)

    def cell(self, cell: Cell) -> Value:
        """A cell in words."""
        return self._value(cell, self.numbers(receipts_of(cell)) if isinstance(cell, Fact) else ())

    def _value(self, cell: Cell, notes: tuple[int, ...]) -> Value:
        if isinstance(cell, Gap):
            return Value(cell, self.text(gap_words(cell, detailed=False)), "unknown")
        if isinstance(cell, Text):
            return Value(cell, self.text(cell.text), cell.tone, self._page_of(cell) or safe_link(cell.link))
        words = note_words(cell)
        note = "" if not words or words in self._repeated else self.text(words)
        tone, link = (cell.tone, safe_link(cell.link)) if isinstance(cell, Statement) else ("neutral", "")
        return Value(cell, self.value(cell), tone, link, notes, note)

    def _page_of(self, words: Text) -> str:
        """Where what they name has its page; empty: nowhere."""
        return self._pages.get(f"alert {words.alert}" if words.alert else words.operator, "")

    def row(self, table: Table, row: Sequence[Cell]) -> tuple[Value, ...]:
        """A row of a table in words. Notes that all its facts share stand once, at its end; those of the caption are not repeated."""
        whole = self.numbers(table.basis)
        proofs = [self.numbers(receipts_of(cell)) if isinstance(cell, Fact) else None for cell in row]
        shared = {notes for notes in proofs if notes is not None}
        if len(shared) == 1 and shared != {whole}:
            last = max(at for at, notes in enumerate(proofs) if notes is not None)
            own = [notes if at == last else () for at, notes in enumerate(proofs)]
        else:
            own = [tuple(number for number in notes or () if number not in whole) for notes in proofs]
        return tuple(self._value(cell, notes or ()) for cell, notes in zip(row, own, strict=True))

    def line(self, line: FigureLine) -> Value:
        """A labelled figure's value in words; a reason that several lines share is told once, at the end."""
        if isinstance(line.figure, Gap):
            told_once = self._single or gap_words(line.figure) in self._repeated
            detailed = line.figure.reason in ANSWERS and not told_once
            return Value(
                line.figure, self.text(gap_words(line.figure, detailed=detailed)), "unknown", safe_link(line.link)
            )
        return replace(self.cell(line.figure), tone=line.tone, link=safe_link(line.link))

    def query(self, receipt: Receipt) -> str:
        """A receipt's requests on one line, masked; a reader outside is told the source only."""
        if self.report.audience != "internal":
            return ""
        parts = receipt.query.splitlines() if receipt.requests > 1 else [receipt.query]
        return " ; ".join(self.text(part) for part in parts)

"""A report laid out once: its head, its parts as plain nodes, and the notes, gaps, sources and receipts at its end.

What is shown, in which order and in which words, is decided here; a format only draws nodes (`Pen`). A type of block is laid out
by one row of `LAYOUTS`: nothing else in this room knows it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar, assert_never

from customer_research.documents.answering import answer_words
from customer_research.documents.present import GAP_WORDS, Presenter, Value, gap_words, source_title
from customer_research.domain.evidence import ANSWERS, Fact, Gap, Receipt, merge_basis
from customer_research.domain.report import (
    WEIGHT,
    Absence,
    Block,
    Bullets,
    Chart,
    Figures,
    Freshness,
    Prose,
    Report,
    Section,
    Table,
    Tone,
)
from customer_research.domain.words import counted, dated_words, instant_words, plain_word

FIRST = 3
"""The weight of what stands on a first screen before all else: what must be known first, and what is not known."""

FEW_NAMED = 3
"""How many of the figures that are missing for one reason are named in short."""

_DIGEST = 12
"""So many characters of a digest are told: enough to find the whole in the JSON report."""

_CLAUSE, _COMMAND = re.compile(r"(?<=[.;]) "), re.compile(r"`|(?<![\w-])--\w")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence in its tone, with the numbers of its footnotes.

    `label` stands before it, apart by a colon; `beside` follows it as it is; `step` is what to do next. `facts` are what it speaks
    of; `gap` is what it gives the reason of.
    """

    text: str
    tone: Tone = "neutral"
    notes: tuple[int, ...] = ()
    label: str = ""
    beside: str = ""
    step: str = ""
    facts: tuple[Fact[Any], ...] = ()
    gap: Gap | None = None

    @property
    def lead(self) -> str:
        """The label as it stands before the sentence."""
        return f"{self.label}: " if self.label else ""

    @property
    def whole(self) -> str:
        """All its words."""
        return f"{self.lead}{self.text}{self.beside}{f' Next: {self.step}' if self.step else ''}"


# -- nodes: `kind` is what programs call them, the type of the block that they were laid out from ------------------------


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a part, and its id."""

    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One sentence or several."""

    kind: str
    line: Line


@dataclass(frozen=True, slots=True)
class List:
    """Sentences under each other."""

    kind: str
    lines: tuple[Line, ...]
    ordered: bool = False

    @property
    def leads(self) -> tuple[str, ...]:
        """What stands before each line of plain text: `- `, or `1. `, `2. `."""
        return tuple(f"{number}. " if self.ordered else "- " for number in range(1, len(self.lines) + 1))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labels with their values."""

    kind: str
    pairs: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of values under headers; `beside` tells after the caption how many rows of how many are shown.

    `right` tells which columns are aligned to the right, `notes` are the footnotes of the whole, made of `basis`; `under` is the
    number of a column of sentences, each of which may stand under its row.
    """

    kind: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    right: tuple[bool, ...]
    total: int
    caption: str = ""
    beside: str = ""
    notes: tuple[int, ...] = ()
    basis: tuple[Receipt, ...] = ()
    under: int | None = None

    @property
    def title(self) -> str:
        """The caption with what stands beside it."""
        return " ".join(part for part in (self.caption, self.beside) if part)

    @property
    def proofs(self) -> tuple[Receipt, ...]:
        """What the whole and all its cells rest on."""
        return merge_receipts((*self.basis, *merge_basis(facts_of(value for row in self.rows for value in row))))


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, what it says in a sentence, and its events; `notes` are the footnotes of its marks, made of `basis`."""

    kind: str
    chart: Chart
    title: str
    says: Line
    events: List
    notes: tuple[int, ...]
    basis: tuple[Receipt, ...]


Node = Paragraph | List | Pairs | Grid | Picture


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and the nodes below it; its weight is its section's."""

    heading: Heading
    nodes: tuple[Node, ...]
    weight: int = WEIGHT


class Pen(ABC, Generic[T]):
    """How a format draws each node."""

    def draw(self, node: Node) -> T:
        """The node, drawn."""
        if isinstance(node, Paragraph):
            return self.paragraph(node)
        if isinstance(node, List):
            return self.list(node)
        if isinstance(node, Pairs):
            return self.pairs(node)
        if isinstance(node, Grid):
            return self.grid(node)
        if isinstance(node, Picture):
            return self.picture(node)
        assert_never(node)

    @abstractmethod
    def paragraph(self, node: Paragraph) -> T:
        """One sentence or several."""

    @abstractmethod
    def list(self, node: List) -> T:
        """Sentences under each other."""

    @abstractmethod
    def pairs(self, node: Pairs) -> T:
        """Labels with their values."""

    @abstractmethod
    def grid(self, node: Grid) -> T:
        """A table."""

    @abstractmethod
    def picture(self, node: Picture) -> T:
        """A chart."""


# -- what stands at the end of a page ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hole:
    """Gaps with one cause: what it is, and all that is missing because of it."""

    gap: Gap
    concerns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Footnote:
    """A receipt with its number: what was read, how many rows, when, and the digest of what was read.

    What was asked stands in the JSON report, and is told by `why`.
    """

    number: int
    receipt: Receipt
    subject: str
    rows: str
    fetched: str

    @property
    def short(self) -> str:
        """The receipt in a line."""
        cut = (GAP_WORDS["truncated"],) * self.receipt.truncated
        return " · ".join((self.subject, self.rows, self.fetched, *cut))

    @property
    def words(self) -> str:
        """The receipt in a line, with its digest."""
        return f"{self.short} · {self.receipt.digest[:_DIGEST]}"


class Page:
    """One report for one reader, laid out.

    Args:
        report: what to show.
        show_personal: whether personal data is shown; a report for the customer never shows it.
        for_programs: whether it is read by programs: then a customer's form has its receipts, too.
        pages: as `Presenter` takes them.
        typed: whether it is read where one can type: else no command stands in it.
        noted: whether figures have the numbers of their receipts.
        cited: whether those of a customer's form have them too: it is an agent that reads it, for one of our people. Such receipts
            tell nothing of our systems.

    A customer's form has else no receipts and no list of sources, only a line that names them; a gap is told of in a sentence.

    Raises:
        RenderError: a figure without a receipt, or a bare value where a figure belongs.
    """

    def __init__(
        self,
        report: Report,
        *,
        show_personal: bool = False,
        for_programs: bool = False,
        typed: bool = False,
        pages: Mapping[str, str] = MappingProxyType({}),
        noted: bool = True,
        cited: bool = False,
    ) -> None:
        self.report = report
        self._typed = typed or for_programs
        self._outside = report.audience == "customer" and not for_programs
        self.presenter = Presenter(report, show_personal=show_personal, pages=pages, noted=noted, cited=cited)
        text = self.presenter.text
        self.name, self.title, self.operator = map(text, (report.operator_name, report.title, report.operator_id))
        self.heading = f"{self.name}: {self.title}" if self.name else self.title
        self.dated = dated_words(report.as_of, report.generated_at)
        if self._outside:
            self.operator, self.dated = "", " ".join(filter(None, (f"{self.day}.", self.sourced)))
        self.headline = self.line(self.presenter.headline) if self.presenter.headline else None
        self.warnings = tuple(map(self.line, self.presenter.warnings))
        self.parts = tuple(map(self._part, self.presenter.sections))
        silent = () if self._outside else (item for item in report.freshness if item.state != "ok")
        self.incomplete = ", ".join(source_title(item.source) for item in silent)
        self.sources = tuple(map(self._source, report.freshness))
        self.holes = tuple(self._holes())
        proofs = () if self._outside and not cited else self.presenter.receipts
        self.footnotes = tuple(self._footnote(number, one) for number, one in enumerate(proofs, 1))

    @property
    def day(self) -> str:
        """The instant that the report speaks of; a customer is told the day."""
        as_of = self.report.as_of
        if self._outside:
            return f"As of {as_of.date().isoformat()}"
        return dated_words(as_of, as_of).removesuffix(".")

    @property
    def sourced(self) -> str:
        """The line that names the sources to a customer; empty for our own people, who have receipts."""
        named = dict.fromkeys(source_title(item.source) for item in self.report.freshness if item.state != "missing")
        return f"Source: {', '.join(named).lower()}." if self._outside and named else ""

    @property
    def audience(self) -> str:
        """The word that warns of a report which is not for the customer."""
        return "Internal" if self.report.audience == "internal" else ""

    @property
    def single(self) -> tuple[tuple[str, Value], ...] | None:
        """The labelled values of a report that is made as one line (its only section has the id `line`), else None."""
        if [part.heading.id for part in self.parts] != ["line"]:
            return None
        return tuple(pair for node in self.parts[0].nodes if isinstance(node, Pairs) for pair in node.pairs)

    @property
    def notes(self) -> tuple[Line, ...]:
        """Notes that several figures share, each with their labels."""
        return tuple(Line(f"{note}: {'; '.join(labels)}.") for note, labels in self.presenter.notes)

    @property
    def gaps(self) -> tuple[Line, ...]:
        """Each cause of gaps, what is missing because of it, and what to do."""
        return tuple(map(self._hole, self.holes))

    @property
    def unknown(self) -> Part | None:
        """What is not known, in short: sources that did not answer in full, and the causes of gaps; to a customer what is left out."""
        if self._outside:
            return next((replace(part, weight=FIRST) for part in self.tail), None)
        silent = (line for line in self.sources if line.tone != "good")
        holes = (self._hole(hole, FEW_NAMED) for hole in self.holes)
        lines = (*silent, *holes)
        return Part(Heading("Not known", "unknown"), (List("unknown", lines),), FIRST) if lines else None

    @property
    def read(self) -> str:
        """When the sources were read that answered in full, on a line; a customer has the line that names them."""
        full = [item for item in self.report.freshness if item.state == "ok" and item.fetched_at is not None]
        times = {item.fetched_at for item in full if item.fetched_at is not None}
        if self._outside or not times:
            return ""
        since = "" if len(times) == 1 else " or later"
        return f"Read {instant_words(min(times))}{since}: {', '.join(source_title(item.source) for item in full)}."

    @property
    def tail(self) -> tuple[Part, ...]:
        """Notes, gaps and sources, as far as there are any; the receipts (`footnotes`) follow."""
        if self._outside:
            open_ = Paragraph("gaps", Line(self.left_out, "unknown"))
            return (Part(Heading("Left out", "gaps"), (open_,)),) if self.left_out else ()
        told = {"Notes": self.notes, "Gaps": self.gaps, "Sources": self.sources}
        return tuple(
            Part(Heading(title, title.lower()), (List(title.lower(), lines),)) for title, lines in told.items() if lines
        )

    @property
    def left_out(self) -> str:
        """What a customer is told of gaps: which of its records do not answer now. Our own people read `gaps`."""
        silent = dict.fromkeys(source_title(hole.gap.source).lower() for hole in self.holes)
        if not self._outside or not silent:
            return ""
        return f"Not available at the moment: {', '.join(silent)}. What rests on that is left out."

    def line(self, prose: Prose) -> Line:
        """Prose as its reader may see it."""
        told = " ".join(filter(None, (prose.text, prose.step if self._typed else "")))
        return Line(self.presenter.text(told), prose.tone, self.presenter.facts(prose.facts), facts=tuple(prose.facts))

    def step(self, gap: Gap) -> str:
        """What to do about a gap."""
        return self.presenter.text(gap.next_step if self._typed else untyped(gap.next_step))

    def grid(self, table: Table) -> Grid:
        """A table as its reader may see it."""
        text, total = self.presenter.text, len(table.rows) if table.total is None else table.total
        return Grid(
            "table",
            tuple(map(text, table.headers)),
            tuple(self.presenter.row(table, row) for row in table.rows),
            tuple(at < len(table.align) and table.align[at] == "right" for at in range(len(table.headers))),
            total,
            text(table.caption),
            f"({len(table.rows)} of {total} shown)" if total > len(table.rows) else "",
            self.presenter.numbers(table.basis),
            table.basis,
            table.headers.index(table.under) if table.under else None,
        )

    def _part(self, section: Section) -> Part:
        heading = Heading(self.presenter.text(section.title), section.id)
        return Part(heading, tuple(LAYOUTS[type(block)](self, block) for block in section.blocks), section.weight)

    def _source(self, item: Freshness) -> Line:
        """How a source answered."""
        tones: Mapping[str, Tone] = {"ok": "good", "partial": "watch", "missing": "bad"}
        parts = [answer_words(item)]
        if item.fetched_at is not None:
            parts.append(f"read {instant_words(item.fetched_at)}")
        if item.latest_record_at is not None:
            parts.append(f"newest record {instant_words(item.latest_record_at)}")
        if item.warning:
            parts.append(self.presenter.text(item.warning))
        tone: Tone = "watch" if item.warning and item.state == "ok" else tones[item.state]
        return Line("; ".join(parts), tone, label=source_title(item.source))

    def _hole(self, hole: Hole, most: int | None = None) -> Line:
        """What is missing and why; of what is missing because of it at most so many are named, and the rest counted."""
        why = f"{self.presenter.text(gap_words(hole.gap)).rstrip('.')}."
        named = hole.concerns[:most]
        more = f" and {len(hole.concerns) - len(named)} more" if len(named) < len(hole.concerns) else ""
        concerns = f" Missing: {'; '.join(named)}{more}." if named else ""
        return Line(why, "unknown", beside=concerns, step=self.step(hole.gap))

    def _holes(self) -> Iterator[Hole]:
        """All gaps that are no answers, one entry a cause, with what is missing because of it."""
        found: dict[tuple[str, str, str, str], tuple[Gap, dict[str, None]]] = {}
        gaps = [(gap, "") for item in self.report.freshness for gap in item.gaps]
        for gap, concern in (*gaps, *(pair for part in self.parts for node in part.nodes for pair in _gaps(node))):
            if gap.reason not in ANSWERS:
                key = (gap.source, gap.reason, gap.detail, gap.next_step)
                found.setdefault(key, (gap, {}))[1].setdefault(concern)
        return (Hole(gap, tuple(filter(None, names))) for gap, names in found.values())

    def _footnote(self, number: int, receipt: Receipt) -> Footnote:
        return Footnote(
            number,
            receipt,
            f"{source_title(receipt.source)} {self.presenter.text(plain_word(receipt.stream))}".strip(),
            counted(receipt.rows, "row"),
            instant_words(receipt.fetched_at),
        )


def _gaps(node: Node) -> Iterator[tuple[Gap, str]]:
    """The gaps of a node, each with what it leaves unknown."""
    if isinstance(node, Picture):
        yield from ((mark.figure, node.title) for mark in node.chart.marks if isinstance(mark.figure, Gap))
    elif isinstance(node, Pairs | Grid):
        pairs = (
            node.pairs
            if isinstance(node, Pairs)
            else ((f"{node.headers[0]} {row[0].text}", value) for row in node.rows for value in row)
        )
        yield from ((value.cell, label) for label, value in pairs if isinstance(value.cell, Gap))
    else:
        lines = (node.line,) if isinstance(node, Paragraph) else node.lines
        yield from ((line.gap, line.label) for line in lines if line.gap)


# -- types of blocks, one row each ---------------------------------------------------------------------------------------


def _missing(page: Page, block: Absence) -> Node:
    text, gap = page.presenter.text, block.gap
    told = page.step(gap) if gap.reason in ANSWERS else ""
    step = f". {told}" if told else ""
    return Paragraph("missing", Line(text(gap_words(gap)), "unknown", label=text(block.what), beside=step, gap=gap))


def _figures(page: Page, block: Figures) -> Node:
    return Pairs("figures", tuple((page.presenter.text(one.label), page.presenter.line(one)) for one in block.lines))


def _chart(page: Page, chart: Chart) -> Node:
    events = tuple(replace(page.line(event.what), label=event.on.isoformat()) for event in chart.events)
    basis = merge_basis(figure for mark in chart.marks for figure in (mark.figure, mark.at) if isinstance(figure, Fact))
    title, says = page.presenter.text(chart.title), page.line(chart.says)
    return Picture("chart", chart, title, says, List("events", events, True), page.presenter.numbers(basis), basis)


LAYOUTS: Mapping[type[Block], Callable[[Page, Any], Node]] = {
    Prose: lambda page, block: Paragraph("prose", page.line(block)),
    Bullets: lambda page, block: List("bullets", tuple(map(page.line, block.items)), block.ordered),
    Figures: _figures,
    Table: Page.grid,
    Chart: _chart,
    Absence: _missing,
}
"""How each type of block becomes a node."""


def untyped(text: str) -> str:
    """The sentences of ours that name no command and no option: documents are read where nothing can be typed."""
    kept = [part for part in _CLAUSE.split(text) if not _COMMAND.search(part)]
    return re.sub(r";$", ".", " ".join(kept))


def facts_of(values: Iterable[Value]) -> list[Fact[Any]]:
    """The facts among values."""
    return [value.cell for value in values if isinstance(value.cell, Fact)]


def merge_receipts(receipts: tuple[Receipt, ...]) -> tuple[Receipt, ...]:
    """Receipts, each once."""
    return tuple({one.id: one for one in receipts}.values())

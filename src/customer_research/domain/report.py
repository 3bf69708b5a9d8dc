"""The one report model: sections of blocks; a figure is a `Fact` or a `Gap`, never a bare number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from customer_research.domain.evidence import Fact, Figure, Gap, Receipt, T_co
from customer_research.errors import RenderError

Audience = Literal["internal", "customer"]
Tone = Literal["good", "watch", "bad", "neutral", "unknown"]
"""How a cell is coloured; never the only carrier of meaning."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words of ours: a row's label, a remark. What a record says is a `Statement`, which has its receipts.

    `operator` is the id of the operator that they name, `alert` that of the alert: where pages are written together, they lead to
    its own.
    """

    text: str
    tone: Tone = "neutral"
    link: str = ""
    operator: str = ""
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Personal:
    """Personal text (e-mail, phone, cardholder, address), the value of a fact: masked unless the reader asked to see it.

    A `contact` is the name of somebody whom the reader is about to meet: our own people see it. What was `asked` for by itself
    they see, too, and nothing else with it.
    """

    text: str
    kind: Literal["email", "phone", "person", "address", "contact"]
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Statement(Fact[T_co]):
    """A fact as a cell: with its tone, and the link to its record; `theirs`: its words are a record's own, not ours."""

    tone: Tone = "neutral"
    link: str = ""
    theirs: bool = False


Cell = Fact[Any] | Gap | Text
"""What a table's cell may be. A `Fact` may hold `Personal` as its value."""


@dataclass(frozen=True, slots=True)
class FigureLine:
    """A labelled figure."""

    label: str
    figure: Figure
    tone: Tone = "neutral"
    link: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.figure, Fact | Gap):
            raise RenderError(
                f"The figure {self.label!r} is neither a fact nor a gap, so it has no receipt.",
                hint="Pass the Fact or Gap of the account, not its bare value.",
            )


@dataclass(frozen=True, slots=True)
class Prose:
    """A sentence or paragraph of ours, with the facts it speaks of (their receipts are footnoted).

    `step` is a sentence with a command in it: it follows where one can type, and is left out of documents.
    """

    text: str
    facts: tuple[Fact[Any], ...] = ()
    tone: Tone = "neutral"
    step: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of prose items."""

    items: tuple[Prose, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """A group of labelled figures."""

    lines: tuple[FigureLine, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under headers; `total` says how many rows exist, and `basis` proves that these are all.

    A cell that states a fact is a `Fact` or a `Gap`. A `Text` stands only in the first column (what the row is about), in the
    columns whose headers are `words` (ours: a rule's name, an order), and where it says that nothing is known (tone unknown).
    `under` is the header of a column of sentences: where lines are short, it and what follows stand under their row.

    Raises:
        RenderError: a row of another width, or a bare value or text where a fact belongs.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    basis: tuple[Receipt, ...] = ()
    caption: str = ""
    total: int | None = None
    align: tuple[Literal["left", "right"], ...] = ()
    words: tuple[str, ...] = ()
    under: str = ""

    def __post_init__(self) -> None:
        worded = {*self.headers[:1], *self.words}
        for row in self.rows:
            if len(row) != len(self.headers):
                raise RenderError(
                    f"Table {self.caption!r}: a row has {len(row)} cells under {len(self.headers)} headers."
                )
            for header, cell in zip(self.headers, row, strict=True):
                if isinstance(cell, Fact | Gap) or _may_be_bare(cell, header in worded):
                    continue
                raise RenderError(
                    f"Table {self.caption!r}: under {header!r} the cell {cell!r} is a bare value without a receipt.",
                    hint="Make a Statement of it with the receipts of its record; words of ours belong to `words`.",
                )


def _may_be_bare(cell: object, worded: bool) -> bool:  # noqa: FBT001 - the column's own property
    return isinstance(cell, Text) and (worded or not cell.text or cell.tone == "unknown")


@dataclass(frozen=True, slots=True)
class Absence:
    """A block that could not be made, and why."""

    what: str
    gap: Gap


Form = Literal["history", "dimensions", "waterfall", "months", "timeline", "bands", "quadrant"]
"""What a chart shows.

history: a figure over days, with events; dimensions: a bar for each dimension of a score; waterfall: points that add up to a
score, in order (a mark of the series `total` stands on zero); months: a figure by month, one series a year or a kind; timeline:
amounts on days, one series a kind of event; bands: counts by category; quadrant: one mark an operator, one figure against another.
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of a chart: its place along the axis (a day, a month's first day, a word, or a figure) and its height.

    `label` names it where the place does not (the operator in a quadrant). A gap is drawn as unknown, never as zero.
    """

    at: date | str | Figure
    figure: Figure
    series: str = ""
    tone: Tone = "neutral"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened on a day, written on a chart's time axis."""

    on: date
    what: Prose


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of figures that all have receipts; `says` is what it shows in a sentence, and its alternative text.

    Raises:
        RenderError: a mark without a receipt.
    """

    form: Form
    title: str
    says: Prose
    marks: tuple[Mark, ...]
    axis: str = ""
    height: str = ""
    events: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        for mark in self.marks:
            if not isinstance(mark.figure, Fact | Gap):
                raise RenderError(f"Chart {self.title!r}: the mark {mark.figure!r} is a bare value without a receipt.")


Block = Prose | Bullets | Figures | Table | Chart | Absence

WEIGHT = 2
"""What a section weighs that says nothing of it (see `Section`)."""


@dataclass(frozen=True, slots=True)
class Section:
    """A titled run of blocks.

    `weight` tells which section stands first, and which is kept, where there is room for a part of a report only: the higher
    the sooner. One of weight 0 is for the whole report alone.
    """

    title: str
    blocks: tuple[Block, ...]
    id: str = ""
    weight: int = WEIGHT


@dataclass(frozen=True, slots=True)
class Freshness:
    """How one source answered: when, with which age, or why not."""

    source: str
    state: Literal["ok", "partial", "missing"]
    fetched_at: datetime | None
    latest_record_at: datetime | None
    gaps: tuple[Gap, ...] = ()
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One document about one operator (or none, for a lookup), ready for any renderer.

    `people` are persons whom its texts may name: never shown by themselves, they tell which words to mask. `theirs` gives the words
    of records that its sentences may have taken in, for who keeps those apart from ours.
    """

    kind: str
    title: str
    operator_id: str
    operator_name: str
    generated_at: datetime
    as_of: datetime
    sections: tuple[Section, ...]
    freshness: tuple[Freshness, ...]
    warnings: tuple[Prose, ...] = ()
    audience: Audience = "internal"
    headline: Prose | None = None
    people: tuple[str, ...] = ()
    theirs: Callable[[], Iterable[str]] = field(default=tuple, compare=False, repr=False)

    @property
    def partial(self) -> bool:
        """Whether a source is missing or gave only part (exit code 3)."""
        return any(f.state != "ok" for f in self.freshness)

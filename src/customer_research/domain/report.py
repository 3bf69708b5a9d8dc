"""The one report model: sections of blocks; a figure is a `Fact` or a `Gap`, never a bare number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.errors import RenderError

Audience = Literal["internal", "customer"]
Tone = Literal["good", "watch", "bad", "neutral", "unknown"]
"""How a cell is coloured; never the only carrier of meaning."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words of ours or a vendor (untrusted until a renderer escapes it); numbers about the operator belong in figures."""

    text: str
    tone: Tone = "neutral"
    link: str = ""


@dataclass(frozen=True, slots=True)
class Personal:
    """Personal text (e-mail, phone, cardholder, address): masked unless the reader asked to see it."""

    text: str
    kind: Literal["email", "phone", "person", "address"]


Cell = Fact[Any] | Gap | Text | Personal
"""What a table cell or a figure's value may be. A `Fact` may hold `Personal` as its value."""


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
    """A sentence or paragraph of ours, with the facts it speaks of (their receipts are footnoted)."""

    text: str
    facts: tuple[Fact[Any], ...] = ()
    tone: Tone = "neutral"


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
    """Rows of cells under headers; `basis` proves rows whose cells are plain text; `total` says how many rows exist."""

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    basis: tuple[Receipt, ...] = ()
    caption: str = ""
    total: int | None = None
    align: tuple[Literal["left", "right"], ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.headers):
                raise RenderError(
                    f"Table {self.caption!r}: a row has {len(row)} cells under {len(self.headers)} headers."
                )
            for cell in row:
                if not isinstance(cell, Fact | Gap | Text | Personal):
                    raise RenderError(f"Table {self.caption!r}: the cell {cell!r} is a bare value without a receipt.")


@dataclass(frozen=True, slots=True)
class Missing:
    """A block that could not be made, and why."""

    what: str
    gap: Gap


Block = Prose | Bullets | Figures | Table | Missing


@dataclass(frozen=True, slots=True)
class Section:
    """A titled run of blocks."""

    title: str
    blocks: tuple[Block, ...]
    id: str = ""


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
    """One document about one operator (or none, for a lookup), ready for any renderer."""

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

    @property
    def partial(self) -> bool:
        """Whether a source is missing or gave only part (exit code 3)."""
        return any(f.state != "ok" for f in self.freshness)

"""The smallest makers of blocks: words that state a fact, sentences with their proof, lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.report import Block, Bullets, Cell, Prose, Statement, Table, Text, Tone

NOT_RECORDED = Text("not recorded", "unknown")
"""A record's empty field, in words."""

NOT_KNOWN = Text("not known", "unknown")
CURRENCY_UNKNOWN = Text("currency not recorded", "unknown")
"""Instead of an amount whose record names no currency."""

SCORE_AGAIN = "Run `customer-research sync`, then `portfolio score`."
"""What to do about an old snapshot, where one can type."""


def stated(
    text: str,
    basis: tuple[Receipt, ...],
    as_of: datetime,
    tone: Tone = "neutral",
    link: str = "",
    *,
    theirs: bool = False,
) -> Statement[str] | Text:
    """Words that state a fact, as a cell, ours or (`theirs`) a record's own; without words nothing is stated."""
    return Statement(text, "text", basis, as_of, tone=tone, link=link, theirs=theirs) if text else Text("")


@dataclass(frozen=True, slots=True)
class Proof:
    """What figures rest on where one thing proves them all: its receipts, and the instant that they tell of."""

    receipts: tuple[Receipt, ...]
    as_of: datetime

    def fact(self, value: Any, unit: str = "count", metric: str = "", note: str = "") -> Fact[Any]:
        """A figure that rests on it."""
        return Fact(value, unit, self.receipts, self.as_of, metric, note)

    def facts(self, unit: str, *values: Any) -> tuple[Fact[Any], ...]:
        """Figures of one unit."""
        return tuple(self.fact(value, unit) for value in values)

    def stated(self, words: str, tone: Tone = "neutral", *, theirs: bool = False) -> Cell:
        """Words that rest on it, as a cell."""
        return stated(words, self.receipts, self.as_of, tone, theirs=theirs)


def proven_prose(text: str, receipts: tuple[Receipt, ...], as_of: datetime, tone: Tone = "neutral") -> Prose:
    """A sentence about what records say, footnoted with their receipts (a sentence of ours when there are none)."""
    facts = (Fact(text, "text", receipts, as_of),) if receipts else ()
    return Prose(text, facts, tone)


def bullets(items: Iterable[Prose], *, ordered: bool = False) -> Bullets | None:
    """A list, or None when there are no items."""
    found = tuple(items)
    return Bullets(found, ordered) if found else None


def grid(
    declared: str,
    rows: Iterable[tuple[Cell, ...]],
    basis: tuple[Receipt, ...] = (),
    caption: str = "",
    total: int | None = None,
    *,
    under: str = "",
) -> Table | None:
    """A table whose columns are declared, parted by bars; None without rows.

    `>` before a header: the column stands to the right; `!` before it: its words are ours (see `Table`, which tells of `under`).
    """
    found = tuple(rows)
    marked = [re.fullmatch(r"(>?)(!?)(.*)", column.strip()) for column in declared.split("|")]
    columns = [column.groups() for column in marked if column is not None]
    align: tuple[Literal["left", "right"], ...] = tuple("right" if right else "left" for right, _, _ in columns)
    return (
        Table(
            tuple(header for _, _, header in columns),
            found,
            basis,
            caption,
            total,
            align if ">" in declared else (),
            tuple(header for _, ours, header in columns if ours),
            under,
        )
        if found
        else None
    )


def titled(title: str, items: tuple[Prose, ...], none: str = "") -> tuple[Block, ...]:
    """A list under its title; without items the sentence that says there is none, and without one nothing."""
    found = bullets(items)
    if found:
        return Prose(f"{title}:"), found
    return (Prose(f"{title}: {none[0].lower()}{none[1:]}"),) if none else ()

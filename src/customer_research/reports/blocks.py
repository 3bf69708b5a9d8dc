"""The smallest makers of blocks: words that state a fact, sentences with their proof, lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.report import Block, Bullets, Prose, Statement, Text, Tone

NOT_RECORDED = Text("not recorded", "unknown")
"""A record's empty field, in words."""

NOT_KNOWN = Text("not known", "unknown")


def stated(
    text: str, basis: tuple[Receipt, ...], as_of: datetime, tone: Tone = "neutral", link: str = ""
) -> Statement[str] | Text:
    """Words that state a fact, as a cell; without words nothing is stated."""
    return Statement(text, "text", basis, as_of, tone=tone, link=link) if text else Text("")


def proven_prose(text: str, receipts: tuple[Receipt, ...], as_of: datetime, tone: Tone = "neutral") -> Prose:
    """A sentence about what records say, footnoted with their receipts (a sentence of ours when there are none)."""
    facts = (Fact(text, "text", receipts, as_of),) if receipts else ()
    return Prose(text, facts, tone)


def bullets(items: Iterable[Prose], *, ordered: bool = False) -> Bullets | None:
    """A list, or None when there are no items."""
    found = tuple(items)
    return Bullets(found, ordered) if found else None


def titled(title: str, items: tuple[Prose, ...], none: str = "") -> tuple[Block, ...]:
    """A list under its title; without items the sentence that says there is none, and without one nothing."""
    found = bullets(items)
    if found:
        return Prose(f"{title}:"), found
    return (Prose(f"{title}: {none[0].lower()}{none[1:]}"),) if none else ()

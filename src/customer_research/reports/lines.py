"""The cells of an operator's line in a list: each states what the snapshot's figures prove, with their receipts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from customer_research.documents.answering import answer_words
from customer_research.documents.charts import sparkline
from customer_research.documents.present import source_title
from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.line import WEEKS, Line, Need
from customer_research.domain.report import Cell, Prose, Statement, Table, Text, Tone
from customer_research.domain.tables import STALE_AFTER
from customer_research.domain.words import counted
from customer_research.reports.blocks import SCORE_AGAIN, stated
from customer_research.reports.tones import BAND_TONES, URGENCY_TONES

if TYPE_CHECKING:
    from customer_research.domain.book import Book, Renewals

NOT_KNOWN = Text("not known", "unknown")
_OWN = "CSM"
"""Whom the playbook calls the reader of a book."""

DAYS = {"ends_on": "ends", "renews_on": "renews", "bills_on": "bills"}
"""The days of a line, the gravest first, and what happens on them."""


def fact(line: Line, part: str, value: Any, unit: str, as_of: datetime, *, tone: Tone = "neutral") -> Cell:
    """A part of a line as a cell; what is not known, or has no receipt, says so."""
    basis = line.basis.get(part)
    if value is None or value == "" or not basis:
        return NOT_KNOWN
    return Statement(value, unit, basis, as_of, tone=tone)


def operator(line: Line) -> Text:
    """The operator's name, coloured by its band, leading to its page."""
    return Text(line.name, BAND_TONES[line.band], line.link, line.operator_id)


def mrr(line: Line, as_of: datetime) -> Cell:
    """What it pays a month, each currency on its own."""
    return fact(line, "mrr", line.mrr, "money", as_of)


def health(line: Line, as_of: datetime) -> Cell:
    """Score and band."""
    return fact(line, "health", line.health, "text", as_of, tone=BAND_TONES[line.band])


def until(line: Line, as_of: datetime) -> Cell:
    """The day by which somebody is needed."""
    return fact(line, "because", line.until, "date", as_of, tone=URGENCY_TONES[line.level])


def urgency(line: Line, as_of: datetime) -> Cell:
    """How soon to act, and by which day."""
    basis = line.basis.get("because", ())
    if not basis or (line.sooner and line.level == "watch"):
        return NOT_KNOWN
    return stated(line.soon, basis, as_of, URGENCY_TONES[line.level])


def why(line: Line, as_of: datetime) -> Cell:
    """Why somebody is needed, and what to do first."""
    basis = tuple(dict.fromkeys((*line.basis.get("because", ()), *line.basis.get("act", ()))))
    by = f" ({line.by})" if line.by and line.by != _OWN else ""
    act = f" {line.act.rstrip('.')}{by}." if line.act else ""
    sooner = " A silent source may hide a more urgent reason." if line.sooner else ""
    return stated(f"{line.because.rstrip('.')}.{act}{sooner}", basis, as_of) if basis else NOT_KNOWN


def by_need(line: Line | Need) -> tuple[int, bool, int]:
    """For an order, the most urgent first, then the largest MRR, what is not known last; what a silent source leaves open is no reason to wait."""
    need = line.need if isinstance(line, Line) else line
    return need.place, need.worth is None, -(need.worth or 0)


def next_day(line: Line, *names: str) -> tuple[date, str] | None:
    """The first of these days of a line, and what happens then; an end goes before a renewal on the same day."""
    days = [(day, name) for name in DAYS if name in names and (day := getattr(line, name)) is not None]
    return min(days, key=lambda pair: pair[0], default=None)


def list_table(
    headers: Sequence[str],
    rows: Sequence[tuple[Cell, ...]],
    total: int,
    proof: tuple[Receipt, ...],
    *,
    right: Collection[str] = (),
    under: str = "",
) -> Table:
    """Rows of operators under their headers, those in `right` to the right; `proof` is that of how many there are, `under` as in `Table`."""
    facts = [cell.basis for row in rows for cell in row if isinstance(cell, Fact)]
    basis = tuple(dict.fromkeys(receipt for receipts in (proof, *facts) for receipt in receipts))
    align: tuple[Literal["left", "right"], ...] = tuple("right" if one in right else "left" for one in headers)
    return Table(tuple(headers), tuple(rows), basis, "", total, align, under=under)


def weeks_table(some: Sequence[Line], history: Receipt | None, as_of: datetime, proof: Receipt) -> Table | None:
    """The scores of half a year, a line an operator: as blocks, and the first and the last, the lowest and the highest in numbers."""
    drawn = [line for line in some if sum(score is not None for score in line.weeks) > 1]
    if history is None or not drawn:
        return None
    basis = (proof, history)

    def row(line: Line) -> tuple[Cell, ...]:
        known = [score for score in line.weeks if score is not None]
        told = (known[0], known[-1], min(known), max(known))
        points = (Fact(score, "points", basis, as_of, "health_score") for score in told)
        return operator(line), stated(sparkline(line.weeks), basis, as_of), *points

    headers = ("Operator", f"{WEEKS} weeks", "First", "Last", "Lowest", "Highest")
    return list_table(headers, [row(line) for line in drawn], len(drawn), basis, right=headers[2:])


def weeks_note(some: Sequence[Line]) -> Prose | None:
    """That the present score of some is not among their weeks."""
    apart = sum(line.score is not None and line.weeks[-1] is None and any(line.weeks) for line in some if line.weeks)
    if not apart:
        return None
    words = f"The present score of {counted(apart, 'operator')} is not drawn: it rests on other figures than the weeks before."
    return Prose(words, (), "unknown")


def owner_words(book: Book | Renewals) -> str:
    """Whose book it is."""
    if not book.named:
        return "everybody"
    return " and ".join(owner.name for owner in book.owners)


def old_figures(book: Book | Renewals) -> Iterator[Prose]:
    """What of a book is old, or was not told by its source."""
    age = book.generated_at - book.snapshot.as_of
    if age > STALE_AFTER:
        yield Prose(f"The newest snapshot is {age.days} days old.", (), "watch", SCORE_AGAIN)
    for item in book.freshness:
        if item.state != "ok" or item.warning:
            words = item.warning or answer_words(item)
            yield Prose(f"{source_title(item.source)}: {words.rstrip('.')}.", (), "watch")
    if book.left_out:
        yield Prose(f"{counted(book.left_out, 'operator')} with the least MRR are not in these lists.", (), "watch")

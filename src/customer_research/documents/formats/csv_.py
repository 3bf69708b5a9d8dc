"""CSV: any report in long form, a line a figure, for programs and spreadsheets (a portfolio's lines are in `accounts_csv`).

Columns: `section`, `block` (its kind and its number in the section), `row` (of a table or chart), `label` (the figure's, or the
column's), `of` (the row's first cell), `value` as a program reads it (money in minor units, ratios as shares, instants in
ISO 8601, booleans true or false), `unit` (of money the currency), `text` as the other formats show it, `gap` (the reason why there
is no value), `receipts` (ids, apart by spaces). Amounts in several currencies are as many lines. Text that a spreadsheet would run
as a formula stays text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from customer_research.documents.charts import as_table
from customer_research.documents.page import Grid, Line, List, Page, Pairs, Paragraph, Part, Pen, Picture
from customer_research.documents.present import Value, gap_words, receipts_of
from customer_research.domain.calibration import Estimate
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt, merge_basis
from customer_research.domain.money import amounts_of
from customer_research.domain.report import Personal, Report, Text
from customer_research.domain.words import clean, instant_text, money_words

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First signs that make a spreadsheet run a cell."""

COLUMNS = ("section", "block", "row", "label", "of", "value", "unit", "text", "gap", "receipts")


def plain(text: str) -> str:
    """Text that no spreadsheet runs and no terminal obeys."""
    cleaned = clean(text)
    return f"'{cleaned}" if cleaned.startswith(FORMULA) else cleaned


def cell(found: Figure) -> str:
    """A figure's bare value for programs: instants in ISO 8601, money in minor units, booleans true or false; a gap is empty."""
    if isinstance(found, Gap):
        return ""
    value = found.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | datetime):
        return value.isoformat()
    return plain(value) if isinstance(value, str) else str(value)


def render(report: Report, *, show_personal: bool = False) -> str:
    """A report as CSV, UTF-8, lines ended by a line feed.

    Raises:
        RenderError: a figure without a receipt.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        line.cells() for line in _Writer(Page(report, show_personal=show_personal, for_programs=True)).lines()
    )
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Record:
    """One line of the file; `typed` values are numbers, dates and truth values, which no spreadsheet runs."""

    section: str
    block: str
    row: int | None = None
    label: str = ""
    of: str = ""
    value: str = ""
    unit: str = ""
    text: str = ""
    gap: str = ""
    receipts: tuple[Receipt, ...] = ()
    typed: bool = False

    def cells(self) -> tuple[str, ...]:
        """The line's cells in the order of `COLUMNS`."""
        ids = " ".join(dict.fromkeys(plain(receipt.id) for receipt in self.receipts))
        named = (plain(word) for word in (self.label, self.of))
        value = self.value if self.typed else plain(self.value)
        row = "" if self.row is None else str(self.row)
        words = self.text if self.typed else plain(self.text)  # words of a number are our own
        rest = (plain(self.unit), words, self.gap, ids)
        return plain(self.section), self.block, row, *named, value, *rest


def _bare(value: Any) -> tuple[str, bool]:
    """A value as a program reads it, and whether it is a number, date or truth value (no text)."""
    if isinstance(value, bool):
        return str(value).lower(), True
    if isinstance(value, datetime):
        return instant_text(value), True
    if isinstance(value, date):
        return value.isoformat(), True
    if isinstance(value, Decimal):
        return f"{value:f}", True
    return str(value), isinstance(value, int | float)


class _Writer(Pen[Iterable[_Record]]):
    """Gives the lines of one report; `_at` is the section and the block that lines belong to."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._at = _Record("report", "head")

    def lines(self) -> Iterator[_Record]:
        yield from self._head()
        for part in self._page.parts:
            yield from self._part(part)
        yield from self._tail()

    def _head(self) -> Iterator[_Record]:
        page, report = self._page, self._page.report
        about = {
            "kind": report.kind,
            "title": page.heading,
            "operator_id": page.operator,
            "operator_name": page.name,
            "audience": report.audience,
        }
        for label, words in about.items():
            yield replace(self._at, label=label, value=words, unit="text", text=words)
        for label, at in {"as_of": report.as_of, "generated_at": report.generated_at}.items():
            value = instant_text(at)
            yield replace(self._at, label=label, value=value, unit="timestamp", text=value, typed=True)
        for found in (page.headline,) if page.headline else ():
            yield from self._line(replace(found, label="headline"))
        for warning in page.warnings:
            yield from self._line(replace(warning, label="warning"))

    def _tail(self) -> Iterator[_Record]:
        page = self._page
        for hole, line in zip(page.holes, page.gaps, strict=True):
            yield _Record("gaps", "gap", label=hole.gap.source, text=line.whole, gap=hole.gap.reason)
        for line in page.sources:
            yield _Record("sources", "source", label=line.label, text=line.text)
        for note in page.footnotes:
            receipt = note.receipt
            yield _Record("receipts", "receipt", note.number, label=receipt.id, text=note.words, receipts=(receipt,))

    def _part(self, part: Part) -> Iterator[_Record]:
        for number, node in enumerate(part.nodes, 1):
            self._at = _Record(part.heading.id or part.heading.text, f"{node.kind} {number}")
            yield from self.draw(node)

    def paragraph(self, node: Paragraph) -> Iterable[_Record]:
        return self._line(node.line)

    def list(self, node: List) -> Iterator[_Record]:
        for row, line in enumerate(node.lines, 1):
            yield from self._line(line, row)

    def pairs(self, node: Pairs) -> Iterator[_Record]:
        for label, value in node.pairs:
            yield from self._told(replace(self._at, label=label), value)

    def picture(self, node: Picture) -> Iterator[_Record]:
        yield from self._line(replace(node.says, label=node.title))
        yield from self.grid(self._page.grid(as_table(node.chart)))
        for event in node.events.lines:
            yield from self._line(replace(event, label=f"event {event.label}"))

    def grid(self, node: Grid) -> Iterator[_Record]:
        block = plain(f"{self._at.block}: {node.caption}" if node.caption else self._at.block)
        for number, row in enumerate(node.rows, 1):
            start = replace(self._at, block=block, row=number, of=row[0].text if row else "", receipts=node.basis)
            for header, value in zip(node.headers, row, strict=True):
                yield from self._told(replace(start, label=header), value)

    def _line(self, line: Line, row: int | None = None) -> Iterator[_Record]:
        start = replace(self._at, row=row, label=line.label, text=line.text)
        yield replace(start, receipts=merge_basis(line.facts), gap=line.gap.reason if line.gap else "")
        for fact in line.facts:
            if fact.metric:
                yield from self._fact(
                    replace(start, label=fact.metric, of=line.text), fact, self._page.presenter.value(fact)
                )

    def _told(self, start: _Record, value: Value) -> Iterator[_Record]:
        found = value.cell
        if isinstance(found, Gap):
            yield replace(start, text=self._page.presenter.text(gap_words(found)), gap=found.reason, receipts=())
        elif isinstance(found, Text):
            yield replace(start, value=value.text, text=value.text, unit="text")
        else:
            yield from self._fact(start, found, value.text)

    def _fact(self, start: _Record, fact: Fact[Any], text: str) -> Iterator[_Record]:
        start = replace(start, text=text, receipts=receipts_of(fact))
        for money in amounts_of(fact):
            words = money_words(money)
            yield replace(start, value=str(money.minor), unit=money.currency, text=words, typed=True)
        if fact.unit in {"money", "usd_minor"}:
            if not amounts_of(fact):
                yield replace(start, value="0", unit="money", typed=True)
            return
        bare = fact.value.value if isinstance(fact.value, Estimate) else fact.value  # its interval stands in the text
        value, typed = (text, False) if isinstance(bare, str | Personal) else _bare(bare)
        yield replace(start, value=value, unit=fact.unit, typed=typed)

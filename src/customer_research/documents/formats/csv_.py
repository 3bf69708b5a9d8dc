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
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, assert_never

from customer_research.documents.answering import freshness_words
from customer_research.documents.charts import as_table
from customer_research.documents.formats.wording import hole_words, receipt_words, title_words
from customer_research.documents.present import Presenter, gap_words, receipts_of
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt, merge_basis
from customer_research.domain.money import Money
from customer_research.domain.report import (
    Block,
    Bullets,
    Cell,
    Chart,
    Figures,
    Missing,
    Personal,
    Prose,
    Report,
    Section,
    Table,
    Text,
)
from customer_research.domain.words import clean, money_words

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
    writer.writerows(line.cells() for line in _Writer(Presenter(report, show_personal=show_personal)).lines())
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Line:
    """One line; `typed` values are numbers, dates and truth values, which no spreadsheet runs."""

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


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _bare(value: Any) -> tuple[str, bool]:
    """A value as a program reads it, and whether it is a number, date or truth value (no text)."""
    if isinstance(value, bool):
        return str(value).lower(), True
    if isinstance(value, datetime):
        return _instant(value), True
    if isinstance(value, date):
        return value.isoformat(), True
    if isinstance(value, Decimal):
        return f"{value:f}", True
    return str(value), isinstance(value, int | float)


class _Writer:
    """Gives the lines of one report."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter
        self._words = presenter.text

    def lines(self) -> Iterator[_Line]:
        yield from self._head()
        for section in self._presenter.sections:
            yield from self._section(section)
        yield from self._tail()

    def _head(self) -> Iterator[_Line]:
        report, presenter = self._presenter.report, self._presenter
        about = {
            "kind": report.kind,
            "title": title_words(presenter),
            "operator_id": presenter.text(report.operator_id),
            "operator_name": presenter.text(report.operator_name),
            "audience": report.audience,
        }
        for label, words in about.items():
            yield _Line("report", "head", label=label, value=words, unit="text", text=words)
        for label, instant in {"as_of": report.as_of, "generated_at": report.generated_at}.items():
            value = _instant(instant)
            yield _Line("report", "head", label=label, value=value, unit="timestamp", text=value, typed=True)
        for label, found in (("headline", presenter.headline), *(("warning", one) for one in presenter.warnings)):
            if found is not None:
                yield from self._prose("report", "head", None, found, label)

    def _tail(self) -> Iterator[_Line]:
        presenter = self._presenter
        for hole in presenter.holes:
            words = hole_words(presenter, hole)
            yield _Line("gaps", "gap", label=hole.gap.source, text=words, gap=hole.gap.reason)
        for name, words, _ in freshness_words(presenter):
            yield _Line("sources", "source", label=name, text=words)
        for number, receipt in enumerate(presenter.receipts, 1):
            words, query = receipt_words(presenter, receipt)
            told = f"{words} · {query}" if query else words
            yield _Line("receipts", "receipt", number, label=receipt.id, text=told, receipts=(receipt,))

    def _section(self, section: Section) -> Iterator[_Line]:
        name = section.id or self._words(section.title)
        for number, block in enumerate(section.blocks, 1):
            yield from self._block(name, number, block)

    def _block(self, section: str, number: int, block: Block) -> Iterator[_Line]:
        if isinstance(block, Prose):
            yield from self._prose(section, f"prose {number}", None, block)
        elif isinstance(block, Bullets):
            for row, item in enumerate(block.items, 1):
                yield from self._prose(section, f"bullets {number}", row, item)
        elif isinstance(block, Figures):
            for line in block.lines:
                start = _Line(section, f"figures {number}", label=self._words(line.label))
                yield from self._told(start, line.figure)
        elif isinstance(block, Table):
            yield from self._table(section, f"table {number}", block)
        elif isinstance(block, Chart):
            yield from self._prose(section, f"chart {number}", None, block.says, self._words(block.title))
            yield from self._table(section, f"chart {number}", as_table(block))
            for event in block.events:
                yield from self._prose(section, f"chart {number}", None, event.what, f"event {event.on.isoformat()}")
        elif isinstance(block, Missing):
            words = self._words(gap_words(block.gap))
            yield _Line(section, f"missing {number}", None, self._words(block.what), text=words, gap=block.gap.reason)
        else:
            assert_never(block)

    def _prose(self, section: str, block: str, row: int | None, prose: Prose, label: str = "") -> Iterator[_Line]:
        proofs = merge_basis(prose.facts)
        yield _Line(section, block, row, label, text=self._words(prose.text), receipts=proofs)
        for fact in prose.facts:
            if fact.metric:
                yield from self._told(_Line(section, block, row, fact.metric, self._words(prose.text)), fact)

    def _table(self, section: str, block: str, table: Table) -> Iterator[_Line]:
        named = f"{block}: {self._words(table.caption)}" if table.caption else block
        for number, row in enumerate(table.rows, 1):
            subject = self._presenter.cell(row[0]).text if row else ""
            for header, found in zip(table.headers, row, strict=True):
                start = _Line(section, plain(named), number, self._words(header), subject, receipts=table.basis)
                yield from self._told(start, found)

    def _told(self, start: _Line, found: Cell) -> Iterator[_Line]:
        if isinstance(found, Gap):
            words = self._words(gap_words(found))
            yield replace(start, text=words, gap=found.reason, receipts=())
        elif isinstance(found, Text):
            words = self._words(found.text)
            yield replace(start, value=words, text=words, unit="text")
        else:
            yield from self._fact(replace(start, receipts=receipts_of(found)), found)

    def _fact(self, start: _Line, fact: Fact[Any]) -> Iterator[_Line]:
        text = self._presenter.value(fact)
        for money in amounts_of(fact):
            words = money_words(money)
            yield replace(start, value=str(money.minor), unit=money.currency, text=words, typed=True)
        if fact.unit in {"money", "usd_minor"}:
            if not amounts_of(fact):
                yield replace(start, value="0", unit="money", text=text, typed=True)
            return
        value, typed = (text, False) if isinstance(fact.value, str | Personal) else _bare(fact.value)
        yield replace(start, value=value, unit=fact.unit, text=text, typed=typed)


def amounts_of(fact: Fact[Any]) -> Iterable[Money]:
    """The amounts of a figure in money, one a currency; none for another unit, and none where nothing was ever billed."""
    if fact.unit == "usd_minor":
        return (Money("USD", fact.value),)
    if fact.unit != "money":
        return ()
    return (fact.value,) if isinstance(fact.value, Money) else tuple(fact.value)

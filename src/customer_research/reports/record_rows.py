"""The records of an operator as tables, sums and counts: what was fetched, with the receipts that brought it.

Records that were not fetched, or only in part, are a gap; none is a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, get_args

from customer_research.domain.account import Account, Records
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.money import Money, totals
from customer_research.domain.report import Absence, Block, Cell, FigureLine, Figures, Personal, Statement, Table, Text
from customer_research.domain.words import list_words
from customer_research.record_tables import TABLES
from customer_research.reports.blocks import CURRENCY_UNKNOWN, NOT_RECORDED, proven_prose, stated

Row = Mapping[str, Any]
"""One record: its fields by name."""

Link = Callable[[Account, Row], str]
"""Where a record's own page is; an empty string where no page is configured."""


def records(account: Account, name: str) -> Records:
    """A canonical table or listing of the account; one that was not fetched is a gap, never empty."""
    found = account.records.get(name)
    if found is not None:
        return found
    source = TABLES[name].home if name in TABLES else "warehouse"
    gap = Gap(source, "unavailable", f"{name} was not read for this report", "Run the report again.")
    return Records(name, (), (), gap)


def known_rows(account: Account, name: str) -> tuple[Row, ...]:
    """The rows of a table known at the report's instant: none created later, and none at all when only a part is known.

    As in the metrics: events before the instant, and subscriptions that begin up to it.
    """
    found = records(account, name)
    until = account.as_of + _INSTANT if name == "subscription" else account.as_of
    known = (row for row in found.rows if found.known and _known(row.get("created_at"), until))
    return tuple(_at(row, account.as_of) if name == "invoice" else row for row in known)


def _at(invoice: Row, as_of: datetime) -> Row:
    """An invoice as it stood at an instant: one whose day of issue had not begun in the customer's calendar was a draft."""
    begins = invoice.get("issued_at")
    later = isinstance(begins, datetime) and begins >= as_of and invoice.get("status") == "finalized"
    return {**invoice, "status": "draft"} if later else invoice


_INSTANT = timedelta(microseconds=1)


def _known(created_at: Any, until: datetime) -> bool:
    return not isinstance(created_at, datetime) or created_at < until


ColumnKind = Literal[
    "text",
    "word",
    "money",
    "count",
    "number",
    "date",
    "day",
    "month",
    "timestamp",
    "boolean",
    "email",
    "phone",
    "person",
    "contact",
]
PersonalKind = Literal["email", "phone", "person", "address", "contact"]
PERSONAL_KINDS: Mapping[str, PersonalKind] = MappingProxyType(
    {"email": "email", "phone": "phone", "person": "person", "contact": "contact"}
)
"""Kinds of columns that are personal."""

_NUMERIC = frozenset({"money", "count", "number"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of records: the row's field, its header, and how it is shown.

    `word` is a vendor's word for a state; `day` is an instant's day in UTC; `money` reads the row's `currency`; `email`, `phone`, `person` and `contact` are personal; `link` makes a link of the row.
    """

    field: str
    header: str
    kind: ColumnKind = "text"
    link: Link | None = None


def columns(declared: str, links: Mapping[str, Link]) -> tuple[Column, ...]:
    """Columns as declared, parted by commas: `field:kind Header`; without a kind text, without a header the field's name."""
    return tuple(_column(entry.strip(), links) for entry in declared.split(","))


def _column(declared: str, links: Mapping[str, Link]) -> Column:
    what, _, header = declared.partition(" ")
    field, _, kind = what.partition(":")
    assert not kind or kind in get_args(ColumnKind), declared
    named = field.removesuffix("_minor").replace("_", " ").capitalize()
    return Column(field, header or named, kind or "text", links.get(field))  # type: ignore[arg-type] # one of them


def day_of(value: date | datetime) -> date:
    """A date, or an instant's day in UTC."""
    return value.astimezone(UTC).date() if isinstance(value, datetime) else value


def proof_of(row: Row, receipts: tuple[Receipt, ...]) -> tuple[Receipt, ...]:
    """The receipt that brought a record; all of its table's where the record names none (one query brought them)."""
    return tuple(receipt for receipt in receipts if receipt.id == row.get("fetch_id")) or receipts


def record_cell(account: Account, row: Row, column: Column, receipts: tuple[Receipt, ...]) -> Cell:
    """One field of one record as a cell, with the receipt that brought the record; an empty field, or one kept back, says so.

    What an empty field means, where it is an answer, a row may say itself (`Text`).
    """
    value, as_of = row.get(column.field), account.as_of
    if value is None or not receipts or isinstance(value, Gap):
        return value if isinstance(value, Gap) else NOT_RECORDED
    link = column.link(account, row) if column.link else ""
    basis = proof_of(row, receipts)
    personal = PERSONAL_KINDS.get(column.kind)
    if personal is not None:
        return Statement(Personal(str(value), personal), "text", basis, as_of, link=link)
    if column.kind in {"text", "month"} or isinstance(value, Text):
        return stated(_words(value, column.kind), basis, as_of, link=link, theirs=not isinstance(value, Text))
    if column.kind == "money":
        currency = row.get("currency")
        return Fact(Money(currency, value), "money", basis, as_of) if currency else CURRENCY_UNKNOWN
    if column.kind == "day":
        return Fact(day_of(value), "date", basis, as_of)
    return Fact(value, column.kind, basis, as_of)


def _words(value: Any, kind: ColumnKind) -> str:
    if isinstance(value, Text):
        return value.text
    if kind != "month":
        return list_words(str(value))
    return f"{value:%Y-%m}" if isinstance(value, date) else str(value)[:7]


def table(
    name: str,
    caption: str,
    declared: str,
    *,
    rows: Callable[[Account], Iterable[Row]] | None = None,
    links: Mapping[str, Link] = MappingProxyType({}),
    most: int | None = None,
    empty: str,
) -> Callable[[Account], Block]:
    """Declare a table of the records of `name`: newest `most` rows as given, `empty` in words when there are none.

    `declared` are its columns (see `columns`), `rows` replaces the records' own (filtered or sorted); records that are not
    all known are the gap that says why.
    """
    shown = columns(declared, links)

    def made(account: Account) -> Block:
        found = records(account, name)
        if found.gap is not None:
            return Absence(caption, found.gap)
        chosen = tuple(found.rows if rows is None else rows(account))
        if not chosen:
            return proven_prose(empty, found.receipts, account.as_of)
        return Table(
            headers=tuple(column.header for column in shown),
            rows=tuple(tuple(record_cell(account, row, c, found.receipts) for c in shown) for row in chosen[:most]),
            basis=found.receipts,
            caption=caption,
            total=len(chosen),
            align=tuple("right" if column.kind in _NUMERIC else "left" for column in shown),
        )

    return made


def unread(account: Account, named: Mapping[str, str], *more: FigureLine) -> Figures | None:
    """A line for each of the tables named (table → what it is) that did not come, or only in part; None where all came.

    The reason stands once, with the report's gaps.
    """
    gaps = [(what, records(account, name).gap) for name, what in named.items()]
    lines = (*(FigureLine(what, gap, "unknown") for what, gap in gaps if gap is not None), *more)
    return Figures(lines) if lines else None


def amounts(account: Account, found: Records, rows: Iterable[Row], field: str) -> Figure:
    """The sum of a money field over rows, per currency; rows without an amount are told in the note."""
    chosen = tuple(rows)
    kept_back = (row[field] for row in chosen if isinstance(row.get(field), Gap))
    gap: Gap | None = found.gap or next(kept_back, None)
    if gap is not None:
        return gap
    priced = [row for row in chosen if row.get(field) is not None and row.get("currency")]
    if chosen and not priced:
        return Gap(TABLES[found.table].home, "none_found", "no amount is filled in")
    if not found.receipts:
        return Gap(TABLES[found.table].home, "none_found", "nothing was read")
    left_out = len(chosen) - len(priced)
    note = f"{left_out} without an amount left out" if left_out else ""
    sums = totals(Money(row["currency"], row[field]) for row in priced)
    return Fact(sums, "money", found.receipts, account.as_of, note=note)


def count(account: Account, found: Records, rows: Iterable[Row]) -> Figure:
    """How many rows, as a figure."""
    if found.gap is not None:
        return found.gap
    if not found.receipts:
        return Gap(TABLES[found.table].home, "none_found", "nothing was read")
    return Fact(len(tuple(rows)), "count", found.receipts, account.as_of)


def newest(rows: Iterable[Row], field: str, then: str) -> list[Row]:
    """Rows by a date or instant, newest first, undated last; equal ones by `then`, so that the order is always the same."""
    return sorted(rows, key=lambda row: (_moment(row.get(field)), str(row.get(then) or "")), reverse=True)


def _moment(value: date | datetime | None) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if value is not None else ""

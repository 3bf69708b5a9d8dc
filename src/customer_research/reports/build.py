"""Makers of the blocks that reports share: labelled figures, tables of records, gaps, summaries.

Kinds are lists of these makers. A figure comes from the account's metrics or from fetched rows and always keeps its receipts;
what is unknown stays a gap with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from customer_research.documents.audience import customer_account, customer_report
from customer_research.domain.account import Account, Records
from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, Receipt, merge_basis
from customer_research.domain.money import Money, totals
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import (
    Block,
    Bullets,
    Cell,
    FigureLine,
    Figures,
    Missing,
    Personal,
    Prose,
    Report,
    Section,
    Statement,
    Table,
    Text,
    Tone,
)
from customer_research.domain.words import list_words
from customer_research.errors import RenderError, UsageError
from customer_research.record_tables import TABLES
from customer_research.reports.tones import tone_of

STREAMS = frozenset(
    {
        "customer",
        "subscriptions",
        "invoices",
        "payments",
        "credit_notes",
        "coupons",
        "relationship",
        "tickets",
        "csm",
    }
)
"""What every report on an operator needs: the health score on its head rests on all of them, on every report the same."""

INTERNALLY = Occasion()


About = Literal["operator", "operators", "everybody", "term"]
"""Whom a kind of report is about: one operator, two to ten, all of a portfolio, or whoever answers to a term."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of report: its name and title, what it reads, and the pure function that makes it.

    `needs` are the streams and listings it reads; `scorecards` those it judges by beside the report's own; `past` whether it
    reads earlier scores and alerts. `build` takes the `Account` (and the `Occasion` where `occasional`); that of a kind that
    is not about one operator takes what its use case gives. `answers` is
    the question that it answers, `parts` the titles of its sections (those that have nothing to say are left out), `charts`
    the titles of what it draws.
    """

    name: str
    title: str
    needs: frozenset[str]
    build: Callable[..., Report]
    about: About = "operator"
    occasional: bool = False
    scorecards: tuple[str, ...] = ()
    past: bool = False
    for_customers: bool = False
    answers: str = ""
    charts: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def report(self, account: Account, occasion: Occasion = INTERNALLY) -> Report:
        """The report of this kind on an account: a pure function of the two.

        Raises:
            UsageError: the kind is not for customers, and the occasion's audience is; or there is no day to look back on.
        """
        self.admit(occasion)
        if occasion.since is not None and occasion.since > (account.as_of - timedelta(microseconds=1)).date():
            raise UsageError(
                f"There is no day to look back on: {occasion.since.isoformat()} is not over at the report's instant.",
                hint="Give an earlier --since.",
            )
        if occasion.audience == "internal":
            return replace(self._built(account, occasion), people=account.people)
        told = replace(occasion, since=since_of(account, occasion))  # found in notes, which customers do not see
        return replace(customer_report(self._built(customer_account(account), told)), people=account.people)

    def admit(self, occasion: Occasion) -> None:
        """Refuse an occasion that the kind has no form for.

        Raises:
            UsageError: as `report`.
        """
        if occasion.audience == "customer" and not self.for_customers:
            raise UsageError(
                f"The report {self.name} is internal: it has no form for customers.",
                hint="`account-review --audience customer` is made for them.",
            )

    def _built(self, account: Account, occasion: Occasion) -> Report:
        return self.build(account, occasion) if self.occasional else self.build(account)


_REVIEW = re.compile(r"\b(?:qbr|business review|account review|quarterly review)\b", re.IGNORECASE)
"""What names a review in the title of a meeting, call or note."""

LOOKED_BACK = timedelta(days=90)


def last_review(account: Account) -> Mapping[str, Any] | None:
    """The latest engagement before the report's day that names a review."""
    today = account.as_of.date()
    held = [
        row
        for row in known_rows(account, "engagement")
        if row.get("occurred_at") and day_of(row["occurred_at"]) < today and _REVIEW.search(str(row.get("title") or ""))
    ]
    return max(held, key=lambda row: (row["occurred_at"], str(row["engagement_id"])), default=None)


def since_of(account: Account, occasion: Occasion) -> date:
    """Since when a report looks back: as asked, else since the last recorded review, else 90 days."""
    if occasion.since is not None:
        return occasion.since
    review = last_review(account)
    return day_of(review["occurred_at"]) if review else (account.as_of - LOOKED_BACK).date()


def figure(account: Account, metric: str) -> Figure:
    """A metric's figure.

    Raises:
        RenderError: the account has no such metric.
    """
    try:
        return account.figures[metric]
    except KeyError:
        raise RenderError(
            f"The account has no metric {metric!r}.", hint="Every metric of the catalogue is a Fact or a Gap."
        ) from None


def line(account: Account, label: str, metric: str, *, tone: Tone | None = None, link: str = "") -> FigureLine:
    """A labelled metric with its tone."""
    found = figure(account, metric)
    return FigureLine(label, found, tone_of(found) if tone is None else tone, link)


def lines(account: Account, text: str) -> Figures:
    """Figures from lines of `metric: label`."""
    pairs = (entry.strip().partition(":") for entry in text.strip().splitlines())
    return Figures(tuple(line(account, label.strip(), metric.strip()) for metric, _, label in pairs))


def present(figures: Figures) -> Figures | None:
    """The figures without those for which a source answered that there is nothing; None when none is left."""
    kept = tuple(one for one in figures.lines if not (isinstance(one.figure, Gap) and one.figure.reason in ANSWERS))
    return Figures(kept) if kept else None


def is_true(account: Account, metric: str) -> bool:
    """Whether a boolean metric is known and true."""
    fact = account.fact(metric)
    return fact is not None and fact.value is True


def share(account: Account, part: str, whole: str) -> Figure:
    """One count as a share of another: a ratio with both receipts; the gap of whichever is unknown; none of zero."""
    numerator, denominator = figure(account, part), figure(account, whole)
    if isinstance(numerator, Gap):
        return numerator
    if isinstance(denominator, Gap):
        return denominator
    if denominator.value == 0:
        return Gap(denominator.basis[0].source, "none_found", "there is nothing to take a share of", metric=part)
    ratio = numerator.value / denominator.value
    return Fact(ratio, "ratio", merge_basis((numerator, denominator)), account.as_of)


def records(account: Account, name: str) -> Records:
    """A canonical table or listing of the account; one that was not fetched is a gap, never empty."""
    found = account.records.get(name)
    if found is not None:
        return found
    source = TABLES[name].home if name in TABLES else "warehouse"
    gap = Gap(source, "unavailable", f"{name} was not read for this report", "Run the report again.")
    return Records(name, (), (), gap)


def known_rows(account: Account, name: str) -> tuple[Mapping[str, Any], ...]:
    """The rows of a table known at the report's instant: none created later, and none at all when only a part is known.

    As in the metrics: events before the instant, and subscriptions that begin up to it.
    """
    found = records(account, name)
    until = account.as_of + _INSTANT if name == "subscription" else account.as_of
    known = (row for row in found.rows if found.known and _known(row.get("created_at"), until))
    return tuple(_at(row, account.as_of) if name == "invoice" else row for row in known)


def _at(invoice: Mapping[str, Any], as_of: datetime) -> Mapping[str, Any]:
    """An invoice as it stood at an instant: one whose day of issue had not begun in the customer's calendar was a draft."""
    begins = invoice.get("issued_at")
    later = isinstance(begins, datetime) and begins >= as_of and invoice.get("status") == "finalized"
    return {**invoice, "status": "draft"} if later else invoice


_INSTANT = timedelta(microseconds=1)


def _known(created_at: Any, until: datetime) -> bool:
    return not isinstance(created_at, datetime) or created_at < until


Kinds = Literal[
    "text",
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


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of records: the row's field, its header, and how it is shown.

    `day` is an instant's day in UTC; `money` reads the row's `currency`; `email`, `phone`, `person` and `contact` are personal; `link` makes a link of the row.
    """

    field: str
    header: str
    kind: Kinds = "text"
    link: Callable[[Mapping[str, Any]], str] | None = None


PersonalKind = Literal["email", "phone", "person", "address", "contact"]
PERSONAL_KINDS: Mapping[str, PersonalKind] = MappingProxyType(
    {"email": "email", "phone": "phone", "person": "person", "contact": "contact"}
)
"""Kinds of columns that are personal."""

NOT_RECORDED = Text("not recorded", "unknown")
"""A record's empty field, in words."""


def day_of(value: date | datetime) -> date:
    """A date, or an instant's day in UTC."""
    return value.astimezone(UTC).date() if isinstance(value, datetime) else value


def proof_of(row: Mapping[str, Any], receipts: tuple[Receipt, ...]) -> tuple[Receipt, ...]:
    """The receipt that brought a record; all of its table's where the record names none (one query brought them)."""
    return tuple(receipt for receipt in receipts if receipt.id == row.get("fetch_id")) or receipts


def stated(
    text: str, basis: tuple[Receipt, ...], as_of: datetime, tone: Tone = "neutral", link: str = ""
) -> Statement[str] | Text:
    """Words that state a fact, as a cell; without words nothing is stated."""
    return Statement(text, "text", basis, as_of, tone=tone, link=link) if text else Text("")


def record_cell(row: Mapping[str, Any], column: Column, receipts: tuple[Receipt, ...], as_of: datetime) -> Cell:
    """One field of one record as a cell, with the receipt that brought the record; an empty field says so."""
    value = row.get(column.field)
    if value is None or not receipts:
        return NOT_RECORDED
    link = column.link(row) if column.link else ""
    basis = proof_of(row, receipts)
    personal = PERSONAL_KINDS.get(column.kind)
    if personal is not None:
        return Statement(Personal(str(value), personal), "text", basis, as_of, link=link)
    if column.kind in {"text", "month"}:
        return stated(_month(value) if column.kind == "month" else list_words(str(value)), basis, as_of, link=link)
    if column.kind == "money":
        currency = row.get("currency")
        unknown = Text("currency not recorded", "unknown")
        return Fact(Money(currency, value), "money", basis, as_of) if currency else unknown
    if column.kind == "day":
        return Fact(day_of(value), "date", basis, as_of)
    return Fact(value, column.kind, basis, as_of)


def _month(value: Any) -> str:
    return f"{value:%Y-%m}" if isinstance(value, date) else str(value)[:7]


_NUMERIC = frozenset({"money", "count", "number"})


def table(
    account: Account,
    caption: str,
    found: Records,
    columns: Sequence[Column],
    *,
    rows: Iterable[Mapping[str, Any]] | None = None,
    most: int | None = None,
    empty: str,
) -> Block:
    """Records as a table: newest `most` rows as given, the gap when they are not all known, `empty` in words when none.

    `rows` replaces the records' own (filtered or sorted); `total` tells how many there are when not all are shown.
    """
    if found.gap is not None:
        return Missing(caption, found.gap)
    chosen = tuple(found.rows if rows is None else rows)
    if not chosen:
        return proven_prose(empty, found.receipts, account.as_of)
    shown = chosen if most is None else chosen[:most]
    return Table(
        headers=tuple(column.header for column in columns),
        rows=tuple(tuple(record_cell(row, c, found.receipts, account.as_of) for c in columns) for row in shown),
        basis=found.receipts,
        caption=caption,
        total=len(chosen),
        align=tuple("right" if column.kind in _NUMERIC else "left" for column in columns),
    )


def proven_prose(text: str, receipts: tuple[Receipt, ...], as_of: datetime, tone: Tone = "neutral") -> Prose:
    """A sentence about what records say, footnoted with their receipts (a sentence of ours when there are none)."""
    facts = (Fact(text, "text", receipts, as_of),) if receipts else ()
    return Prose(text, facts, tone)


def listing(account: Account, name: str, caption: str, columns: Sequence[Column], *, empty: str) -> Block:
    """A listing of the warehouse as a table."""
    return table(account, caption, records(account, name), columns, empty=empty)


def field_figure(
    account: Account, name: str, field: str, unit: str = "text", *, personal: PersonalKind | None = None
) -> Figure:
    """A field of the operator's single record in a table, as a figure: the table's gap, or why there is no value."""
    found = records(account, name)
    source = TABLES[name].home
    if found.gap is not None:
        return found.gap
    rows = known_rows(account, name)
    if not rows:
        return Gap(source, "none_found", f"no {name} record of this operator")
    value = rows[0].get(field)
    if value is None or value == "":
        return Gap(source, "none_found", "not filled in")
    if personal is not None:
        value = Personal(str(value), personal)
    return Fact(value, unit, proof_of(rows[0], found.receipts), account.as_of)


def first_known(*figures: Figure) -> Figure:
    """The first figure that is a fact; else the first that is a hole rather than an answer; else the first."""
    for candidate in figures:
        if isinstance(candidate, Fact):
            return candidate
    holes = [gap for gap in figures if isinstance(gap, Gap) and gap.reason not in {"none_found", "not_applicable"}]
    return holes[0] if holes else figures[0]


def amounts(account: Account, found: Records, rows: Iterable[Mapping[str, Any]], field: str) -> Figure:
    """The sum of a money field over rows, per currency; rows without an amount are told in the note."""
    if found.gap is not None:
        return found.gap
    chosen = tuple(rows)
    priced = [row for row in chosen if row.get(field) is not None and row.get("currency")]
    if chosen and not priced:
        return Gap(TABLES[found.table].home, "none_found", "no amount is filled in")
    if not found.receipts:
        return Gap(TABLES[found.table].home, "none_found", "nothing was read")
    left_out = len(chosen) - len(priced)
    note = f"{left_out} without an amount left out" if left_out else ""
    sums = totals(Money(row["currency"], row[field]) for row in priced)
    return Fact(sums, "money", found.receipts, account.as_of, note=note)


def count(account: Account, found: Records, rows: Iterable[Mapping[str, Any]]) -> Figure:
    """How many rows, as a figure."""
    if found.gap is not None:
        return found.gap
    if not found.receipts:
        return Gap(TABLES[found.table].home, "none_found", "nothing was read")
    return Fact(len(tuple(rows)), "count", found.receipts, account.as_of)


def newest(rows: Iterable[Mapping[str, Any]], field: str, then: str) -> list[Mapping[str, Any]]:
    """Rows by a date or instant, newest first, undated last; equal ones by `then`, so that the order is always the same."""
    return sorted(rows, key=lambda row: (_moment(row.get(field)), str(row.get(then) or "")), reverse=True)


def _moment(value: date | datetime | None) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if value is not None else ""


def section(title: str, *blocks: Block | None, id: str) -> Section | None:  # noqa: A002 - the model's word
    """A section of the blocks that are there; None when there are none."""
    present = tuple(block for block in blocks if block is not None)
    return Section(title, present, id) if present else None


def sections(*parts: Section | None) -> tuple[Section, ...]:
    """The sections that are there."""
    return tuple(part for part in parts if part is not None)


def bullets(items: Iterable[Prose], *, ordered: bool = False) -> Bullets | None:
    """A list, or None when there are no items."""
    found = tuple(items)
    return Bullets(found, ordered) if found else None

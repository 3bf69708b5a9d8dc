"""What a customer may see: the one place that decides it.

A report for the operator itself is made of an account that has nothing internal left (`customer_account`): what is not
listed here, or said to be theirs in its metric's entry, is taken out before a kind sees it, so that a kind cannot show it by mistake. What was made of it then loses what
tells of our own systems (`customer_report`): requests, streams, places, links, reasons of gaps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal, assert_never

from customer_research.domain.account import Account, Records
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, Receipt
from customer_research.domain.report import (
    Absence,
    Block,
    Bullets,
    Cell,
    Chart,
    Event,
    FigureLine,
    Figures,
    Freshness,
    Mark,
    Prose,
    Report,
    Section,
    Statement,
    Table,
    Text,
)
from customer_research.record_tables import SOURCES, TABLES

INTERNAL_SECTIONS = frozenset({"health", "findings", "recommendations", "flags", "actions", "activity", "links"})
"""Section ids that a report for the customer leaves out."""

_STANDINGS = frozenset({"active", "onboarding"})
"""Statuses that a customer is told; the others are how we count it."""

_ALL = frozenset({"*"})
_LISTINGS = (
    "usage_daily usage_monthly usage_types usage_statuses usage_recent usage_companies usage_drivers card_monthly "
    "card_failures card_disputes"
)
CUSTOMER_COLUMNS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **{
            name: frozenset(column.name for column in table.columns if column.shown)
            for name, table in TABLES.items()
            if any(column.shown for column in table.columns)
        },
        **dict.fromkeys(_LISTINGS.split(), _ALL),
    }
)
"""Table or listing → the columns that a customer may see (`@` in `sources/<name>/records.py`); no other table is for customers."""

OWN_TICKET = "operator_id"
"""Only a ticket that bears the operator's own id is shown with its title: another's may speak of several operators."""

NOT_FOR_CUSTOMERS = Gap("internal", "not_applicable", "not part of this report")
"""Stands for every figure and table that a customer does not see; what shows it is left out."""

CUSTOMER_SOURCES: Mapping[str, str] = MappingProxyType(
    {
        **{name: source.customer_title for name, source in SOURCES.items()},
        "metabase": SOURCES["warehouse"].customer_title,
        "memory": "Computed",
    }
)
"""Source → what a customer reads in its place."""

_NO_VALUE = "not available at the moment"


def customer_account(account: Account) -> Account:
    """The account as its own operator may know it: no score, finding, advice, alert, note, contact, deal, link."""
    return replace(
        account,
        match=None,
        figures={name: _own_figure(name, found) for name, found in account.figures.items()},
        records={name: _own_records(name, found) for name, found in account.records.items()},
        scores=(),
        findings=(),
        links={},
        advice=(),
        history=NOT_FOR_CUSTOMERS,
        alerts=NOT_FOR_CUSTOMERS,
    )


def is_for_customers(metric: str) -> bool:
    """Whether a metric is the operator's own: its bills, trips, cards and people; no judgement, no view of ours on it."""
    return metric in METRICS and METRICS[metric].audience == "customer"


def _own_figure(name: str, found: Figure) -> Figure:
    if not is_for_customers(name):
        return NOT_FOR_CUSTOMERS
    if name == "status" and isinstance(found, Fact) and found.value not in _STANDINGS:
        return NOT_FOR_CUSTOMERS
    return replace(found, note="") if isinstance(found, Fact) else found


def _own_records(name: str, found: Records) -> Records:
    columns = CUSTOMER_COLUMNS.get(name)
    if columns is None:
        return Records(name, (), (), NOT_FOR_CUSTOMERS)
    kept = found.rows if columns == _ALL else tuple(_own_row(name, row, columns) for row in found.rows)
    if name == "ticket":
        kept = tuple(row for row in kept if row.get("is_certain"))
    return replace(found, rows=kept)


def _own_row(name: str, row: Mapping[str, Any], columns: frozenset[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {column: value if column in columns else None for column, value in row.items()}
    if name == "ticket" and row.get("matched_by") != OWN_TICKET:
        kept["title"] = None
    return kept


# -- the report ----------------------------------------------------------------------------------------------------------


def customer_report(report: Report) -> Report:
    """A report made of a customer's account, without what tells of our own systems."""
    sections = (_section(section) for section in report.sections if section.id not in INTERNAL_SECTIONS)
    return replace(
        report,
        audience="customer",
        sections=tuple(section for section in sections if section is not None),
        freshness=tuple(_freshness(item) for item in report.freshness if item.source in CUSTOMER_SOURCES),
        warnings=(),
        headline=None,
    )


def _freshness(item: Freshness) -> Freshness:
    source = CUSTOMER_SOURCES[item.source]
    gaps = tuple(dict.fromkeys(_gap(gap) for gap in item.gaps))
    return Freshness(source, item.state, item.fetched_at, None, gaps)


def _section(section: Section) -> Section | None:
    blocks = tuple(block for each in section.blocks if (block := _block(each)) is not None)
    told = [block for block in blocks if not (isinstance(block, Prose) and block.text.endswith(":"))]
    return replace(section, blocks=blocks) if told else None


def _block(block: Block) -> Block | None:
    if isinstance(block, Prose):
        return _prose(block)
    if isinstance(block, Bullets):
        return replace(block, items=tuple(map(_prose, block.items)))
    if isinstance(block, Figures):
        lines = tuple(_line(line) for line in block.lines if _told(line.figure))
        return Figures(lines) if lines else None
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Chart):
        return _chart(block)
    if isinstance(block, Absence):
        return None if block.gap == NOT_FOR_CUSTOMERS else Absence(block.what, _gap(block.gap))
    assert_never(block)


def _told(figure: Figure) -> bool:
    """Whether a figure is a customer's: not internal, and no gap of our own settings."""
    return figure != NOT_FOR_CUSTOMERS and not (isinstance(figure, Gap) and figure.source == "rates")


def _line(line: FigureLine) -> FigureLine:
    return FigureLine(line.label, _figure(line.figure), line.tone)


def _table(table: Table) -> Table:
    rows = tuple(tuple(map(_cell, row)) for row in table.rows)
    return replace(table, rows=rows, basis=_basis(table.basis))


def _chart(chart: Chart) -> Chart:
    marks = tuple(_mark(mark) for mark in chart.marks)
    events = tuple(Event(event.on, _prose(event.what)) for event in chart.events)
    return replace(chart, says=_prose(chart.says), marks=marks, events=events)


def _mark(mark: Mark) -> Mark:
    at = _figure(mark.at) if isinstance(mark.at, Fact | Gap) else mark.at
    return replace(mark, at=at, figure=_figure(mark.figure))


def _prose(prose: Prose) -> Prose:
    return replace(prose, facts=tuple(map(_fact, prose.facts)))


def _cell(cell: Cell) -> Cell:
    if isinstance(cell, Statement):
        return replace(cell, basis=_basis(cell.basis), note="", link="")
    return _figure(cell) if isinstance(cell, Fact | Gap) else Text(cell.text, cell.tone)


def _figure(figure: Figure) -> Figure:
    return _fact(figure) if isinstance(figure, Fact) else _gap(figure)


def _fact(fact: Fact[Any]) -> Fact[Any]:
    return replace(fact, basis=_basis(fact.basis), note="")


def _gap(gap: Gap) -> Gap:
    """A gap in a customer's words: that there is no value, and from which of its records; never how we reach them."""
    reason: Literal["none_found", "unavailable"] = "none_found" if gap.reason in ANSWERS else "unavailable"
    source = CUSTOMER_SOURCES.get(gap.source, CUSTOMER_SOURCES["memory"])
    return Gap(source, reason, "" if reason == "none_found" else _NO_VALUE)


def _basis(receipts: Iterable[Receipt]) -> tuple[Receipt, ...]:
    """Receipts that prove the same records and tell nothing of the request."""
    return tuple({receipt.id: receipt for receipt in map(_receipt, receipts)}.values())


def _receipt(receipt: Receipt) -> Receipt:
    named = hashlib.sha256(f"{receipt.id}\n{receipt.digest}".encode()).hexdigest()
    return Receipt(
        id=named[:12],
        source=CUSTOMER_SOURCES.get(receipt.source, CUSTOMER_SOURCES["memory"]),
        stream="",
        query="",
        fetched_at=receipt.fetched_at,
        rows=receipt.rows,
        digest=hashlib.sha256(receipt.digest.encode()).hexdigest(),
        truncated=receipt.truncated,
        requests=receipt.requests,
    )

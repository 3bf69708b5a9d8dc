"""What a customer may see: the one place that decides it.

A report for the operator itself is made of an account that has nothing internal left (`customer_account`): what is not
listed here, or said to be theirs in its metric's entry, is taken out before a kind sees it, so that a kind cannot show it by mistake. What was made of it then loses what
tells of our own systems (`customer_report`): requests, streams, places, links, reasons of gaps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from customer_research.domain.account import Account, Records
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, Receipt
from customer_research.domain.report import Absence, Block, Figures, Freshness, Prose, Report, Section
from customer_research.record_tables import SOURCES, TABLES

INTERNAL_SECTIONS = frozenset(
    {"glance", "health", "findings", "recommendations", "flags", "actions", "activity", "links"}
)
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
    blocks = tuple(_own(block) for each in section.blocks if (block := _kept(each)) is not None)
    told = [block for block in blocks if not (isinstance(block, Prose) and block.text.endswith(":"))]
    return replace(section, blocks=blocks) if told else None


def _kept(block: Block) -> Block | None:
    """What of a block is a customer's: no figure that is internal, and no gap of our own settings."""
    if isinstance(block, Figures):
        lines = tuple(line for line in block.lines if not _internal(line.figure))
        return Figures(lines) if lines else None
    return None if isinstance(block, Absence) and block.gap == NOT_FOR_CUSTOMERS else block


def _internal(figure: Figure) -> bool:
    return isinstance(figure, Gap) and (figure == NOT_FOR_CUSTOMERS or figure.source == "rates")


def _own(found: Any) -> Any:
    """A block, or anything in it, in a customer's words: notes and links go, receipts and gaps tell nothing of our systems."""
    if isinstance(found, Gap):
        return _gap(found)
    if isinstance(found, tuple):
        return tuple(map(_own, found))
    if not is_dataclass(found) or isinstance(found, type):
        return found
    return replace(found, **{field.name: _own_field(field.name, getattr(found, field.name)) for field in fields(found)})


def _own_field(name: str, found: Any) -> Any:
    if name in {"link", "note"}:
        return ""
    if name == "basis":  # the receipts of a fact or of a table, each once
        return tuple({receipt.id: receipt for receipt in map(_receipt, found)}.values())
    return _own(found)


def _gap(gap: Gap) -> Gap:
    """A gap in a customer's words: that there is no value, and from which of its records; never how we reach them."""
    reason: Literal["none_found", "unavailable"] = "none_found" if gap.reason in ANSWERS else "unavailable"
    source = CUSTOMER_SOURCES.get(gap.source, CUSTOMER_SOURCES["memory"])
    return Gap(source, reason, "" if reason == "none_found" else _NO_VALUE)


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

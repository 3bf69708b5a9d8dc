"""The records behind a rule's points, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from customer_research.domain.evidence import Evidence, Fact, Receipt
from customer_research.domain.health import Contribution
from customer_research.domain.money import recorded
from customer_research.domain.report import Block, Cell, Personal, Table
from customer_research.domain.words import list_words
from customer_research.reports.blocks import CURRENCY_UNKNOWN, NOT_RECORDED, stated
from customer_research.reports.judgement import points_words
from customer_research.reports.record_rows import PersonalKind, proof_of

_EVIDENCE_ROWS = 3

_PERSONAL: Mapping[str, PersonalKind] = MappingProxyType(
    {"email": "email", "phone": "phone", "cardholder": "person", "driver_name": "person"}
)


def evidence_table(contribution: Contribution) -> Block | None:
    """The first records behind a contribution."""
    evidence = contribution.evidence
    caption = f"Behind {contribution.rule}, {points_words(contribution.points)} points"
    if not evidence.rows or not evidence.receipts:
        return None
    kept = [column for column in evidence.columns if column not in {"operator_id", "fetch_id", "currency"}]
    headers = tuple(column.removesuffix("_minor").replace("_", " ") for column in kept)
    rows = tuple(_evidence_row(evidence, row, kept, contribution.fact) for row in evidence.rows[:_EVIDENCE_ROWS])
    return Table(headers, rows, evidence.receipts, caption, evidence.total)


def _evidence_row(evidence: Evidence, row: tuple[Any, ...], kept: list[str], fact: Fact[Any]) -> tuple[Cell, ...]:
    record = dict(zip(evidence.columns, row, strict=True))
    return tuple(_evidence_cell(record, column, evidence.receipts, fact) for column in kept)


def _evidence_cell(record: Mapping[str, Any], column: str, receipts: tuple[Receipt, ...], fact: Fact[Any]) -> Cell:
    value = record[column]
    if value is None:
        return NOT_RECORDED
    basis = proof_of(record, receipts)
    kind = _PERSONAL.get(column)
    if column == "name" and "contact_id" in record:
        kind = "person"
    if kind is not None:
        return Fact(Personal(str(value), kind), "text", basis, fact.as_of)
    if column.endswith("_minor") and isinstance(value, int):
        money = recorded(record, column)
        return CURRENCY_UNKNOWN if money is None else Fact(money, "money", basis, fact.as_of)
    unit = fact.unit if column == fact.metric else _unit_of(value)
    if unit:
        return Fact(value, unit, basis, fact.as_of)
    return stated(list_words(str(value)), basis, fact.as_of, theirs=True)


def _unit_of(value: Any) -> str:
    units = {"bool": "boolean", "int": "count", "float": "number", "date": "date", "datetime": "timestamp"}
    if isinstance(value, float) and 0 < abs(value) < 1:
        return "measure"  # a share must not round away
    return units.get(type(value).__name__, "")

"""What is kept from who may not see what operators pay and are paid: it is not asked for, and every figure of it is a gap.

Kept back are the tables of invoices, payments and passengers' card charges, and the amounts in tables that stay. Which plan an
operator has, since when and until when, is told; so is what its own trips bring.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from customer_research.domain.account import Records
from customer_research.domain.catalogue import Metric
from customer_research.domain.evidence import Gap
from customer_research.record_tables import TABLES

FINANCE = frozenset({"plan", "coupon", "invoice", "payment", "credit_note", "charge", "dispute", "refund"})
"""The canonical tables that are not asked for."""

AMOUNTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "subscription": ("amount_minor", "plan_amount_minor", "monthly_minor"),
        "csm": ("mrr_minor",),
        "deal": ("amount_minor",),  # a deal that was won is the price that is paid
    }
)
"""Table → its columns whose values are left out."""

MONEY = frozenset({"list_mrr", "csm_mrr"})
"""The metrics that are made of such columns alone; those over other tables of finance are gaps with them."""

STEP = "Ask somebody who may see what operators pay."


def gap_of(source: str, metric: str = "") -> Gap:
    """What stands for a figure, a table or an amount that is kept back."""
    return Gap(source, "not_permitted", "You may not see what operators pay and are paid.", STEP, metric)


def is_money(metric: Metric) -> bool:
    """Whether a metric is kept back."""
    return metric.name in MONEY or not FINANCE.isdisjoint(metric.tables)


def without_amounts(table: str, rows: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The rows of a table, their amounts left out."""
    columns = AMOUNTS.get(table, ())
    return tuple({**row, **dict.fromkeys(columns)} if columns else row for row in rows)


def marked(records: Mapping[str, Records]) -> dict[str, Records]:
    """The tables as reports list them: an amount that is left out says why."""
    return {name: _marked(found) if name in AMOUNTS else found for name, found in records.items()}


def _marked(records: Records) -> Records:
    columns = dict.fromkeys(AMOUNTS[records.table], gap_of(TABLES[records.table].home))
    return Records(records.table, tuple({**row, **columns} for row in records.rows), records.receipts, records.gap)

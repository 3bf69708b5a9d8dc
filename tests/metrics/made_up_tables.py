"""Hypothesis strategies for canonical tables: instants at the windows' edges, nulls, the columns' own words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from measuring import T

from customer_research.domain.records import CanonicalTable, Column
from customer_research.record_tables import TABLES

OPERATORS = ("op-1", "op-2")
_EDGES = (0, 1, 7, 20, 30, 60, 90, 180, 293, 300, 360, 365, 395, 425, 455, 457, 600)
_WORDS: dict[str, tuple[str | bool | None, ...]] = {
    "contact.has_left": (True, False),  # where one is unknown so is the count
    "deal.is_open": (True, False),
    "subscription.status": ("active", "pending", "canceled", "terminated"),
    "subscription.interval": ("weekly", "monthly", "quarterly", "semiannual", "yearly"),
    "subscription.segment": ("SMB", "Mid-Market", None),
    "subscription.plan_code": ("standard-monthly", "pro-monthly"),
    "invoice.status": ("draft", "finalized", "finalized", "finalized", "voided", "failed"),
    "invoice.payment_status": ("pending", "succeeded", "failed"),
    "invoice.invoice_type": ("subscription", "one_off"),
    "payment.status": ("pending", "succeeded", "failed"),
    "coupon.status": ("active", "terminated"),
    "coupon.frequency": ("once", "recurring", "forever"),
    "csm.status": ("active", "pending", "terminated", "canceled", None),
    "csm.waterfall_event": ("new", "plan_change", "reactivation", "churn", None),
    "reservation.status": ("completed", "cancelled", "pending", "confirmed", "in_progress", "other"),
    "charge.status": ("succeeded", "failed", "pending"),
    "charge.risk_level": ("normal", "elevated", "highest", "not_assessed", None),
    "charge.card_id": ("card-a", "card-b", None),
    "ticket.priority": ("Low", "High", None),
    "ticket.stage": ("|Backlog|", "|UI Design|", "|QA|Blocked|", None),
    "ticket.types": ("|Feature|", "|Bug|Request|", None),
    "conversation.state": ("open", "closed", "snoozed"),
    "conversation.begun_by": ("contact", "contact", "contact", "us", None),
    "chat_ticket.conversation_ids": ("|conversation_id-1|", "|conversation_id-0|conversation_id-2|", "", None),
    "company.linked_by": ("csm", "property", "search"),
    "engagement.type": ("note", "call"),
}
_KEYS_SHARED = {"payment.invoice_id": "invoice_id", "dispute.charge_id": "charge_id"}


def rows(name: str, *, largest: int = 5) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Up to `largest` rows of a canonical table, with running ids."""
    table = TABLES[name]
    return st.lists(st.fixed_dictionaries(_columns(table)), max_size=largest).map(
        lambda drawn: _identified(table, drawn)
    )


def tables(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, list[dict[str, Any]]]]:
    """Rows for several tables."""
    return st.fixed_dictionaries({name: rows(name) for name in names})


def _columns(table: CanonicalTable) -> dict[str, st.SearchStrategy[Any]]:
    return {column.name: _values(table.name, column) for column in table.columns if column.name != "fetch_id"}


def _values(table: str, column: Column) -> st.SearchStrategy[Any]:
    path = f"{table}.{column.name}"
    if column.name == "operator_id":
        return st.sampled_from(OPERATORS)
    if path in _WORDS:
        return st.sampled_from(_WORDS[path])
    if path in _KEYS_SHARED:
        return st.integers(0, 6).map(lambda n: f"{_KEYS_SHARED[path]}-{n}")
    if column.name == "currency":
        return st.sampled_from(("USD", "USD", "CAD"))
    return _BY_TYPE[column.type]


def _instant(edge: int, shift: int) -> Any:
    return T - timedelta(days=edge) + timedelta(microseconds=shift)


_INSTANTS = st.builds(_instant, st.sampled_from((*_EDGES, -1, -30)), st.sampled_from((-1, 0, 1, -3_600_000_000)))
_DATES = st.sampled_from((*_EDGES, -1, -30)).map(lambda days: (T - timedelta(days=days)).date()) | st.just(
    date(2024, 2, 29)
)
_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(("word", "other", None)),
    "integer": st.integers(-3, 12) | st.none(),
    "number": st.sampled_from((0.0, 1.5, 4.0, 33.0, 100.0)) | st.none(),
    "boolean": st.sampled_from((True, False, None)),
    "date": _DATES | st.none(),
    "timestamp": _INSTANTS | st.none(),
    "texts": st.sampled_from(("|a|", None)),
}


def _identified(table: CanonicalTable, drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The drawn rows with a running id; the operator's own row once where that is the key."""
    key = table.key[0]
    if key == "operator_id" and table.name != "csm":
        return list({row["operator_id"]: row for row in drawn}.values())
    name = "subscription_id" if table.name == "csm" else key
    return [{**row, name: f"{name}-{index}"} for index, row in enumerate(drawn)]

"""What a record must tell: without it the figures of its table are unknown, and neither zero nor good."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "subscription": "status created_at",
        "invoice": "status created_at",
        "payment": "status paid_at",
        "credit_note": "total_minor currency created_at",
        "coupon": "status frequency created_at",
        "ticket": "is_open is_certain created_at",
        "conversation": "state is_open is_certain created_at",
        "chat_ticket": "is_open is_certain created_at",
        "deal": "created_at",
        "reservation": "status created_at",
        "charge": "status created_at",
        "dispute": "is_active created_at",
        **dict.fromkeys(("member", "driver", "survey"), "created_at"),
    }
)
_OF_STATUS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "subscription": ("active", "monthly_minor currency"),
        "invoice": ("finalized", "payment_status total_minor currency issuing_date"),
    }
)


def _conditions(table: str) -> Mapping[str, str]:
    status, others = _OF_STATUS.get(table, ("", ""))
    always = {column: f"{column} IS NULL" for column in _ALWAYS[table].split()}
    return always | {column: f"status = '{status}' AND {column} IS NULL" for column in others.split()}


ESSENTIALS: Mapping[str, Mapping[str, str]] = MappingProxyType({table: _conditions(table) for table in _ALWAYS})
"""Table → column → the condition (SQL) of a row that lacks it: an instant, a state, or an amount that must be there."""

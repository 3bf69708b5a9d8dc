"""What a record must tell: without it the figures of its table are unknown, and neither zero nor good."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ESSENTIALS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "subscription": {
            "status": "status IS NULL",
            "created_at": "created_at IS NULL",
            "monthly_minor": "status = 'active' AND monthly_minor IS NULL",
            "currency": "status = 'active' AND currency IS NULL",
        },
        "invoice": {
            "status": "status IS NULL",
            "created_at": "created_at IS NULL",
            "payment_status": "status = 'finalized' AND payment_status IS NULL",
            "total_minor": "status = 'finalized' AND total_minor IS NULL",
            "currency": "status = 'finalized' AND currency IS NULL",
            "issuing_date": "status = 'finalized' AND issuing_date IS NULL",
        },
        "payment": {"status": "status IS NULL", "paid_at": "paid_at IS NULL"},
        "credit_note": {
            "total_minor": "total_minor IS NULL",
            "currency": "currency IS NULL",
            "created_at": "created_at IS NULL",
        },
        "coupon": {"status": "status IS NULL", "frequency": "frequency IS NULL", "created_at": "created_at IS NULL"},
        "ticket": {
            "is_open": "is_open IS NULL",
            "is_certain": "is_certain IS NULL",
            "created_at": "created_at IS NULL",
        },
        "deal": {"created_at": "created_at IS NULL"},
        "reservation": {"status": "status IS NULL", "created_at": "created_at IS NULL"},
        "charge": {"status": "status IS NULL", "created_at": "created_at IS NULL"},
        "dispute": {"is_active": "is_active IS NULL", "created_at": "created_at IS NULL"},
        "member": {"created_at": "created_at IS NULL"},
        "driver": {"created_at": "created_at IS NULL"},
        "survey": {"created_at": "created_at IS NULL"},
    }
)
"""Table → column → the condition (SQL) of a row that lacks it: an instant, a state, or an amount that must be there."""

__all__ = ["ESSENTIALS"]

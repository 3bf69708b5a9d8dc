"""The closed vocabularies: columns of the canonical tables whose texts are one of a few words, each spelt as here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from customer_research.domain.match import CONFIRMED
from customer_research.domain.money import MONTHS_PER_INTERVAL

Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Gravest first: of findings, advice and alerts, which comes before which. How soon is `domain.urgency`."""

Segment = Literal["Free", "SMB", "Mid-Market", "Enterprise"]
SEGMENTS: tuple[Segment, ...] = get_args(Segment)
"""The segments that plans belong to."""

SIZE_TIERS: Mapping[str, Segment] = MappingProxyType(
    {"<50k": "Free", "50k-250k": "SMB", "250k-1M": "Mid-Market", ">1M": "Enterprise"}
)
"""Size tier (metric `size_tier`) → the segment whose range of trip revenue it is, the smallest first."""

CLAMP = "clamp"
"""The rule name of the line that holds a dimension within 0..100, so that the lines still add up."""

_INTERVALS = tuple(MONTHS_PER_INTERVAL)
_PAYMENT = ("pending", "processing", "succeeded", "failed")
SUBSCRIPTION_STATUSES = ("active", "pending", "canceled", "terminated")
"""Lago lists only active subscriptions unless it is asked for all."""

VOCABULARIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "plan.interval": _INTERVALS,
        "subscription.interval": _INTERVALS,
        "subscription.status": SUBSCRIPTION_STATUSES,
        "subscription.segment": SEGMENTS,
        "subscription.billing_time": ("calendar", "anniversary"),
        "invoice.invoice_type": (
            "subscription",
            "one_off",
            "credit",
            "advance_charges",
            "add_on",
            "progressive_billing",
        ),
        "invoice.status": ("draft", "finalized", "voided", "failed", "pending"),
        "invoice.payment_status": _PAYMENT,
        "payment.status": _PAYMENT,
        "coupon.status": ("active", "terminated"),
        "coupon.frequency": ("once", "recurring", "forever"),
        "company.linked_by": ("csm", "property", "search", CONFIRMED),
        "engagement.type": ("note", "email", "call", "meeting"),
        "ticket.matched_by": ("operator_id", "tag", "title", "text", CONFIRMED),
        "conversation.state": ("open", "closed", "snoozed"),
        "conversation.begun_by": ("contact", "us"),
        "conversation.matched_by": ("company", "contact", CONFIRMED),
        "chat_ticket.category": ("customer", "back-office", "tracker"),
        "chat_ticket.state": ("submitted", "in_progress", "waiting_on_customer", "resolved"),
        "chat_ticket.matched_by": ("company", "contact", CONFIRMED),
        "csm.status": SUBSCRIPTION_STATUSES,
        "csm.waterfall_event": (
            "new",
            "expansion_moovs",
            "contraction_moovs",
            "plan_change",
            "reactivation",
            "churn",
        ),
        "reservation.status": ("completed", "cancelled", "pending", "in_progress", "confirmed", "other"),
        "charge.status": ("succeeded", "failed", "pending"),
        "charge.risk_level": ("normal", "elevated", "highest", "not_assessed", "unknown"),
        "gap.reason": ("unavailable", "denied", "not_configured", "not_applicable", "stale", "truncated"),
    }
)
"""`table.column` → its words; null is allowed besides, where the column is no key."""

SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ticket.status": ("Not doing anymore", "Accepted", "Ingestion", "In progress", "Archived", "Done"),
        "ticket.priority": ("Low", "Medium", "High"),
    }
)
"""Columns of an open vocabulary: their known words are spelt as here, other words stay as they are."""

TRIP_STATUSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "completed": ("completed", "complete", "done"),
        "cancelled": ("cancelled", "canceled", "no_show", "noshow"),
        "pending": ("pending",),
        "confirmed": ("confirmed",),
        "in_progress": ("in_progress", "inprogress"),
    }
)
"""The statuses of a trip → how the app spells them, in lower case with underscores; any other word is `other`."""


def trip_status(word: str | None) -> str:
    """The status that a word of the app means."""
    spelt = (word or "").strip().replace("-", "_").replace(" ", "_").lower()
    return next((status for status, words in TRIP_STATUSES.items() if spelt in words), "other")

"""Billing (Lago): the customer, its subscriptions, invoices, payments, credit notes and coupons.

One operator's records are read below `/customers/{external_id}`, whose external id is the operator id; those of all in the
organisation's own lists. See README.md of this folder for
scopes, limits and quirks.
"""

from __future__ import annotations

from customer_research.connect.source import Source, Stream
from customer_research.domain.evidence import Gap
from customer_research.settings import Settings
from customer_research.sources.lago import streams
from customer_research.sources.lago.bulk import BULK, LINKS
from customer_research.sources.lago.checks import CHECKS
from customer_research.sources.lago.finding import find, whose
from customer_research.sources.lago.session import open_session


def missing(settings: Settings) -> Gap | None:
    """The gap that stands for Lago when it is not configured."""
    key = settings.lago.api_key
    if key is not None and key.get_secret_value():
        return None
    return Gap(
        source="lago",
        reason="not_configured",
        detail="No API key for Lago is set.",
        next_step="Set lago.api_key in the settings file or CUSTOMER_RESEARCH_LAGO__API_KEY to a read-only API key.",
    )


SOURCE = Source(
    name="lago",
    title="Lago (billing)",
    streams=(
        Stream("customer", "Billing customer", ("customer",), streams.customer, by_id=True),
        Stream("subscriptions", "Subscriptions and plans", ("subscription", "plan"), streams.subscriptions, by_id=True),
        Stream("invoices", "Invoices", ("invoice",), streams.invoices, by_id=True),
        Stream("payments", "Payments", ("payment",), streams.payments, by_id=True),
        Stream("credit_notes", "Credit notes", ("credit_note",), streams.credit_notes, by_id=True),
        Stream("coupons", "Applied coupons", ("coupon",), streams.coupons, by_id=True),
    ),
    open=open_session,
    missing=missing,
    checks=CHECKS,
    find=find,
    whose=whose,
    bulk=BULK,
    links=LINKS,
    scopes=(
        "read-only API key: customers, subscriptions, plans, invoices, payments, credit notes, coupons, applied coupons",
    ),
)

__all__ = ["SOURCE"]

"""What Lago can be asked."""

from __future__ import annotations

from customer_research.connect.source import Source, Stream
from customer_research.sources.lago import bulk, checks, live
from customer_research.sources.lago.session import LagoSession
from customer_research.sources.lago.settings import LagoSettings

SOURCE = Source(
    name="lago",
    title="Lago (billing)",
    streams=(
        Stream("customer", "Billing customer", ("customer",), live.customer, by_id=True),
        Stream("subscriptions", "Subscriptions and plans", ("subscription", "plan"), live.subscriptions, by_id=True),
        Stream("invoices", "Invoices", ("invoice",), live.invoices, by_id=True),
        Stream("payments", "Payments", ("payment",), live.payments, by_id=True),
        Stream("credit_notes", "Credit notes", ("credit_note",), live.credit_notes, by_id=True),
        Stream("coupons", "Applied coupons", ("coupon",), live.coupons, by_id=True),
    ),
    open=LagoSession,
    missing=lambda settings: settings.of(LagoSettings).missing(),
    checks=checks.CHECKS,
    scopes=checks.SCOPES,
    find=live.find,
    whose=live.whose,
    bulk=bulk.BULK,
    links=bulk.LINKS,
)

"""What Stripe can be asked."""

from __future__ import annotations

from customer_research.connect.source import Source, Stream
from customer_research.sources.stripe import bulk, checks, live
from customer_research.sources.stripe.session import StripeSession
from customer_research.sources.stripe.settings import StripeSettings

SOURCE = Source(
    name="stripe",
    title="Stripe (card charges)",
    streams=(
        Stream("cards", "Card charges and disputes", live.CARDS, live.fetch),
        Stream("refunds", "Refunds of card charges", (live.REFUND,), live.refunds),
    ),
    open=StripeSession,
    missing=lambda settings: settings.of(StripeSettings).missing(),
    checks=checks.CHECKS,
    scopes=checks.SCOPES,
    bulk=bulk.BULK,
    links=bulk.LINKS,
)

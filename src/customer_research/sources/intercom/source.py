"""What Intercom can be asked."""

from __future__ import annotations

from customer_research.connect.source import Source, Stream
from customer_research.sources.intercom import bulk, checks, live
from customer_research.sources.intercom.session import IntercomSession
from customer_research.sources.intercom.settings import IntercomSettings

SOURCE = Source(
    name="intercom",
    title="Intercom (support chat)",
    streams=(
        Stream("conversations", "Support conversations and tickets", (live.TABLE, live.TICKET), live.fetch, by_id=True),
    ),
    open=IntercomSession,
    missing=lambda settings: settings.of(IntercomSettings).missing(),
    checks=checks.CHECKS,
    scopes=checks.SCOPES,
    bulk=bulk.BULK,
    links=bulk.LINKS,
)

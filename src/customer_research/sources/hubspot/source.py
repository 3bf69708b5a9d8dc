"""What HubSpot can be asked."""

from __future__ import annotations

from customer_research.connect.source import Source, Stream
from customer_research.sources.hubspot import bulk, checks, links, live
from customer_research.sources.hubspot.session import HubSpotSession
from customer_research.sources.hubspot.settings import HubSpotSettings

SOURCE = Source(
    name="hubspot",
    title="HubSpot",
    streams=(
        Stream("relationship", "Company, contacts, deals and engagements", live.TABLES, live.fetch, decided="company"),
    ),
    open=HubSpotSession,
    missing=lambda settings: settings.of(HubSpotSettings).missing(),
    checks=checks.CHECKS,
    scopes=checks.SCOPES,
    find=live.find,
    whose=live.whose,
    bulk=bulk.BULK,
    links=links.LINKS,
)

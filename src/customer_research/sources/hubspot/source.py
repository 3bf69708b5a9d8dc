"""What HubSpot can be asked."""

from __future__ import annotations

from customer_research.connect.source import Check, Source, Stream
from customer_research.sources.hubspot import checks, live
from customer_research.sources.hubspot.bulk import BULK
from customer_research.sources.hubspot.links import LINKS
from customer_research.sources.hubspot.live import find, whose
from customer_research.sources.hubspot.session import HubSpotSession
from customer_research.sources.hubspot.settings import HubSpotSettings

SOURCE = Source(
    name="hubspot",
    title="HubSpot",
    streams=(Stream("relationship", "Company, contacts, deals and engagements", live.TABLES, live.fetch),),
    open=HubSpotSession,
    missing=lambda settings: settings.of(HubSpotSettings).missing(),
    checks=(
        Check("token", "May the token read everything that is needed?", checks.scopes),
        Check(
            "operator_property",
            "Which company property holds the operator id, and how full is it?",
            checks.operator_property,
        ),
        Check("deal_states", "Can every deal stage be told open, won or lost?", checks.deal_states),
        Check("history", "Is it told what deals, companies and contacts were before the first sync?", checks.history),
    ),
    scopes=checks.SCOPES,
    find=find,
    whose=whose,
    bulk=BULK,
    links=LINKS,
)

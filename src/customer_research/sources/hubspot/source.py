"""HubSpot: the operator's company, contacts, deals and logged engagements."""

from __future__ import annotations

from customer_research.connect.source import Check, Clock, Source, Stream
from customer_research.domain.evidence import Gap
from customer_research.settings import Settings
from customer_research.sources.hubspot import checks, relationship
from customer_research.sources.hubspot.bulk import BULK
from customer_research.sources.hubspot.finding import find, whose
from customer_research.sources.hubspot.links import LINKS
from customer_research.sources.hubspot.session import HubSpotSession


def open_session(settings: Settings, clock: Clock) -> HubSpotSession:
    """A session on the configured portal."""
    return HubSpotSession(settings, clock)


def missing(settings: Settings) -> Gap | None:
    """What is not configured, or None."""
    token = settings.hubspot.token
    if token is not None and token.get_secret_value():
        return None
    return Gap(
        "hubspot",
        "not_configured",
        "No HubSpot token is set.",
        "Set hubspot.token (or CUSTOMER_RESEARCH_HUBSPOT__TOKEN) to a service key with the scopes of the HubSpot page.",
    )


SOURCE = Source(
    name="hubspot",
    title="HubSpot",
    streams=(
        Stream("relationship", "Company, contacts, deals and engagements", relationship.TABLES, relationship.fetch),
    ),
    open=open_session,
    missing=missing,
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

__all__ = ["SOURCE"]

"""Notion: the tickets about one operator, and those of all.

See README.md of this folder for access, limits and quirks.
"""

from __future__ import annotations

from customer_research.connect.source import Check, Clock, Source, Stream
from customer_research.domain.evidence import Gap
from customer_research.settings import Settings
from customer_research.sources.notion import checks, tickets
from customer_research.sources.notion.bulk import BULK, LINKS
from customer_research.sources.notion.finding import whose
from customer_research.sources.notion.session import NotionSession


def open_session(settings: Settings, clock: Clock) -> NotionSession:
    """A session on the configured workspace."""
    return NotionSession(settings, clock)


def missing(settings: Settings) -> Gap | None:
    """What is not configured, or None."""
    token = settings.notion.token
    if token is None or not token.get_secret_value():
        return Gap(
            "notion",
            "not_configured",
            "No Notion token is set.",
            "Set notion.token (or CUSTOMER_RESEARCH_NOTION__TOKEN) to the token of an integration that may read the tickets.",
        )
    if not settings.notion.tickets_database and not settings.notion.tickets_data_source:
        return Gap("notion", "not_configured", "No tickets database is set.", "Set notion.tickets_database to its id.")
    return None


SOURCE = Source(
    name="notion",
    title="Notion (tickets)",
    streams=(Stream("tickets", "Tickets", (tickets.TABLE,), tickets.fetch, learn=tickets.learn),),
    open=open_session,
    missing=missing,
    whose=whose,
    checks=(
        Check("token", "Does the token open a workspace?", checks.token),
        Check("database", "Is the tickets id a database or a data source?", checks.database),
        Check("properties", "Which of the tickets' properties exist?", checks.properties),
        Check("tagging", "How do tickets name their operator?", checks.tagging),
    ),
    scopes=checks.SCOPES,
    bulk=BULK,
    links=LINKS,
)

__all__ = ["SOURCE"]

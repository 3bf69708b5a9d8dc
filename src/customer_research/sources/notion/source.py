"""What Notion can be asked."""

from __future__ import annotations

from customer_research.connect.source import Check, Source, Stream
from customer_research.sources.notion import checks, live
from customer_research.sources.notion.bulk import BULK, LINKS
from customer_research.sources.notion.live import whose
from customer_research.sources.notion.session import NotionSession
from customer_research.sources.notion.settings import NotionSettings

SOURCE = Source(
    name="notion",
    title="Notion (tickets)",
    streams=(Stream("tickets", "Tickets", (live.TABLE,), live.fetch, learn=live.learn),),
    open=NotionSession,
    missing=lambda settings: settings.of(NotionSettings).missing(),
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

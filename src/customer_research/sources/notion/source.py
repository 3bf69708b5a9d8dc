"""What Notion can be asked."""

from __future__ import annotations

from customer_research.connect.source import Source, Stream
from customer_research.sources.notion import bulk, checks, live
from customer_research.sources.notion.session import NotionSession
from customer_research.sources.notion.settings import NotionSettings

SOURCE = Source(
    name="notion",
    title="Notion (tickets)",
    streams=(Stream("tickets", "Tickets", (live.TABLE,), live.fetch, learn=live.learn),),
    open=NotionSession,
    missing=lambda settings: settings.of(NotionSettings).missing(),
    checks=checks.CHECKS,
    scopes=checks.SCOPES,
    whose=live.whose,
    bulk=bulk.BULK,
    links=bulk.LINKS,
)

"""What the app's database can be asked."""

from __future__ import annotations

from customer_research.connect.source import Source, Stream
from customer_research.sources.app_database import bulk, checks, live
from customer_research.sources.app_database.records import LOGICAL
from customer_research.sources.app_database.session import AppDatabaseSession
from customer_research.sources.app_database.settings import AppDatabaseSettings

SOURCE = Source(
    name="app_database",
    title="App database (Postgres replica)",
    streams=tuple(
        Stream(f"{kind}s", bulk.TITLES[kind], (own.table,), live.of(kind), by_id=True) for kind, own in LOGICAL.items()
    ),
    open=AppDatabaseSession,
    missing=lambda settings: settings.of(AppDatabaseSettings).missing(),
    checks=checks.CHECKS,
    scopes=checks.SCOPES,
    bulk=bulk.BULK,
    links=bulk.LINKS,
)

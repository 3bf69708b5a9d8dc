"""What the warehouse can be asked."""

from __future__ import annotations

from customer_research.connect.source import Source, Stream
from customer_research.sources.warehouse import bulk, checks, links, live
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.settings import missing

SOURCE = Source(
    name="warehouse",
    title="Warehouse (Snowflake, itself or through Metabase)",
    streams=(Stream("csm", "CSM master view", ("csm",), live.csm, by_id=True),),
    open=WarehouseSession,
    missing=missing,
    whose=live.whose,
    checks=checks.CHECKS,
    scopes=checks.SCOPES,
    bulk=bulk.BULK,
    links=links.LINKS,
)

"""What the warehouse can be asked."""

from __future__ import annotations

from customer_research.connect.source import Source, Stream
from customer_research.sources.warehouse.bulk import BULK
from customer_research.sources.warehouse.checks import CHECKS
from customer_research.sources.warehouse.links import LINKS
from customer_research.sources.warehouse.live import csm
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.settings import MetabaseSettings

SOURCE = Source(
    name="warehouse",
    title="Warehouse (Snowflake through Metabase)",
    streams=(Stream("csm", "CSM master view", ("csm",), csm, by_id=True),),
    open=WarehouseSession,
    missing=lambda settings: settings.of(MetabaseSettings).missing(),
    checks=CHECKS,
    scopes=("Metabase API key: native queries on the Snowflake database", "Metabase API key: view of card 642"),
    bulk=BULK,
    links=LINKS,
)

"""The warehouse (Snowflake behind Metabase): the CSM view, and the bindings of the tables that stay there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_research.connect.source import Batch, Clock, Source, Stream, Subject
from customer_research.domain.evidence import Gap
from customer_research.settings import Settings
from customer_research.sources.warehouse.bulk import BULK
from customer_research.sources.warehouse.checks import CHECKS
from customer_research.sources.warehouse.links import LINKS

if TYPE_CHECKING:
    from customer_research.sources.warehouse.session import WarehouseSession


def _open(settings: Settings, clock: Clock) -> WarehouseSession:
    from customer_research.sources.warehouse.session import open_session  # noqa: PLC0415 - start-up time

    return open_session(settings, clock)


def _missing(settings: Settings) -> Gap | None:
    absent = [
        f"metabase.{name}"
        for name, there in (("url", settings.metabase.url), ("api_key", settings.metabase.api_key))
        if not there
    ]
    if not absent:
        return None
    return Gap(
        "warehouse",
        "not_configured",
        f"The warehouse is not configured: {' and '.join(absent)} not set.",
        "Set Metabase's address and an API key whose group may query the Snowflake database.",
    )


async def _csm(session: WarehouseSession, subject: Subject) -> Batch:
    return await session.csm_by_operator(subject.operator_id)


SOURCE = Source(
    name="warehouse",
    title="Warehouse (Snowflake through Metabase)",
    streams=(Stream("csm", "CSM master view", ("csm",), _csm, by_id=True),),
    open=_open,
    missing=_missing,
    checks=CHECKS,
    scopes=("Metabase API key: native queries on the Snowflake database", "Metabase API key: view of card 642"),
    bulk=BULK,
    links=LINKS,
)

__all__ = ["SOURCE"]

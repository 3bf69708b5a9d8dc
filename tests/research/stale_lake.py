"""Sources that stopped, and the lake's last pulls of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from customer_research.domain.evidence import Gap
from customer_research.domain.snapshot import Reading, Snapshot
from customer_research.lake import Lake, LandingFile, StreamState
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.snapshots import readings
from customer_research.research.portfolio.take import take
from customer_research.settings import Settings

STREAMS = {
    "operator": ("lago.customers", "warehouse.csm"),
    "subscription": ("lago.subscriptions",),
    "invoice": ("lago.invoices",),
    "reservation": ("warehouse.trips",),
}


OUT = Gap("lago", "unavailable", "Lago cannot be reached.", "Check lago.url.")


def pulled(settings: Settings, moment: datetime, *sources: str, failed: datetime | None = None) -> None:
    """The lake as if these sources had been pulled at a moment; or as if that pull had failed, at another."""
    with Lake(settings.lake_folder).writing() as lake:
        state = lake.state
        streams = dict(state.streams)
        for name in {one for streams_of in STREAMS.values() for one in streams_of}:
            if name.partition(".")[0] in sources:
                known = streams.get(name, StreamState("shape", landed={"t": LandingFile("landing/t", 0, "0")}))
                streams[name] = (
                    replace(known, succeeded_at=moment, tried_at=moment, failure=None)
                    if failed is None
                    else replace(known, tried_at=failed, failure=OUT)
                )
        tables = {name: replace(made, streams=STREAMS.get(name, ())) for name, made in state.tables.items()}
        bare = {name: replace(stream, landed={}) for name, stream in streams.items()}
        lake.commit(replace(state, streams=bare, tables=tables))


def scored(settings: Settings, moment: datetime) -> tuple[Snapshot, Mapping[str, Reading]]:
    """The portfolio scored at a moment as `portfolio score` does, and every operator's reading."""
    folder, found = take(settings, lambda: moment, Scoring())
    return found, {one.operator_id: one for one in readings(folder, found)}

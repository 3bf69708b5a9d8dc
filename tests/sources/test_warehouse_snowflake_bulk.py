"""A sync of the warehouse by Snowflake's own API: what lands is what lands through Metabase, whole and by what changed."""

from __future__ import annotations

from datetime import timedelta

from pulled import UNTIL, Kept, in_session, unstamped
from snowflake_warehouse import by_metabase, settings_of
from worlds import Worlds

from customer_research.engines.dialect import with_bindings
from customer_research.research.connections import runner_of
from customer_research.settings import Settings
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.source import SOURCE


def landed(settings: Settings, *, again: bool) -> Kept:
    """What every stream brings; the reservations in two pulls, the second of what changed, where it is to come *again*."""
    kept = Kept()

    async def pull(session: WarehouseSession) -> None:
        session.attach(runner_of(session), with_bindings)
        for stream in SOURCE.bulk:
            twice = again and stream.name == "reservations"
            first = await kept.pull(session, stream, full=True, until=UNTIL - timedelta(days=2) if twice else UNTIL)
            if twice:
                second = await kept.pull(session, stream)
                brought = [sum(len(rows) for one in pieces for rows in one.rows.values()) for pieces in (first, second)]
                assert 0 < brought[1] < brought[0]

    in_session(SOURCE, settings.model_copy(update={"bounds": settings.bounds.of_a_sync}), pull)
    return kept


def test_a_sync_brings_the_rows_that_metabase_brings(worlds: Worlds) -> None:
    with worlds.running(also=("snowflake",)) as sandbox:
        settings = settings_of(sandbox)
        here = landed(settings, again=True)
        assert {request.source for request in sandbox.request_log} == {"snowflake"}
        there = landed(by_metabase(settings), again=False)
    assert here.tables.keys() == there.tables.keys()
    for name in here.tables:
        assert unstamped(here.rows(name)) == unstamped(there.rows(name)), name
    assert {name for name in here.tables if here.tables[name]} >= {"csm", "reservation", "charge_by_account", "member"}

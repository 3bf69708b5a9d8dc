"""Reading the calendars and planning the briefs of what they have, one after the other: what a schedule runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from customer_research.connect.source import Clock
from customer_research.domain.advice import Meeting as Talk
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Report
from customer_research.research.connections import Shared
from customer_research.research.meetings.briefs import Planned, Planner
from customer_research.research.meetings.reading import Poll, poll
from customer_research.settings import Settings
from customer_research.store.database import open_store


class Reports(Protocol):
    """What makes reports of one operator."""

    async def report(self, kind: str, term: str, *, occasion: Occasion) -> Report:
        """A report of this kind, for an occasion."""


async def plan_now(
    settings: Settings,
    clock: Clock,
    research: Callable[[], AbstractAsyncContextManager[Reports]],
    shared: Shared | None = None,
) -> tuple[Poll, Planned]:
    """Read the calendars of the settings, then plan briefs onto the outbox of their store.

    Args:
        settings: the settings tree.
        clock: the present instant.
        research: opens what asks the vendors.
        shared: the connections of the process; None: its own.

    Raises:
        UsageError: the lake has no operators.
        StoreError: the store cannot be read or written to.
    """
    own = settings.meetings
    with await asyncio.to_thread(open_store, settings.store_url) as store:
        polled = await poll(settings, store, clock, shared=shared)
        async with research() as opened:

            async def brief_of(operator_id: str, talk: Talk) -> Report:
                return await opened.report("brief", operator_id, occasion=Occasion(meeting=talk))

            planned = await Planner(store, clock, own.brief_hours, brief_of, own.zone).plan()
    return polled, planned

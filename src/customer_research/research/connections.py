"""The open connections to all sources: opened when first used, closed together, and remembered when out of reach."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from customer_research.connect.source import Clock, Source
from customer_research.domain.evidence import Gap
from customer_research.engines.dialect import with_bindings
from customer_research.engines.metabase import MetabaseRunner
from customer_research.errors import CustomerResearchError, RateLimited, Unavailable
from customer_research.research.gaps import gap_of
from customer_research.settings import Settings
from customer_research.sources import discover
from customer_research.sources.warehouse.settings import MetabaseSettings


class OutOfReach(CustomerResearchError):  # noqa: N818 - read as a statement
    """A source that is not configured, or that did not answer a moment ago; `gap` says which and why."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(gap.detail, hint=gap.next_step)
        self.gap = gap


class Connections:
    """Sessions by source. A source that proved out of reach is not asked again until `forget`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.sources: Mapping[str, Source] = discover()
        self._sessions: dict[str, Any] = {}
        self._out: dict[str, Gap] = {}

    def session(self, name: str) -> Any:
        """The open session of a source.

        Raises:
            OutOfReach: it is not configured, or did not answer since the last `forget`.
            ConfigError: a setting of it is wrong.
        """
        if name in self._out:
            raise OutOfReach(self._out[name])
        if name not in self._sessions:
            missing = self.sources[name].missing(self.settings)
            if missing is not None:
                raise OutOfReach(missing)
            self._sessions[name] = self._open(name)
        return self._sessions[name]

    def _open(self, name: str) -> Any:
        session = self.sources[name].open(self.settings, self.clock)
        if name == "warehouse":
            database = self.settings.of(MetabaseSettings).database
            session.attach(MetabaseRunner(session.http, database, self.clock), with_bindings)
        return session

    def failed(self, name: str, error: CustomerResearchError) -> Gap:
        """The gap that a failure leaves; a source that did not answer at all is remembered as out of reach."""
        if isinstance(error, OutOfReach):
            return error.gap
        gap = gap_of(error, name)
        if isinstance(error, Unavailable | RateLimited):
            self._out[name] = gap
        return gap

    def forget(self) -> None:
        """Ask every source anew: called at the start of each use case."""
        self._out.clear()

    async def close(self) -> None:
        """Close every session."""
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
        self._sessions.clear()

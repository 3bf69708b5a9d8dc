"""The open connections to all sources: opened when first used, closed together, and remembered when out of reach."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from customer_research.connect.lasting import Lasting
from customer_research.connect.latest import LATEST
from customer_research.connect.source import Clock, Source
from customer_research.domain.evidence import Gap, Receipt
from customer_research.engines.dialect import with_bindings
from customer_research.engines.metabase import MetabaseRunner
from customer_research.engines.snowflake_api import SnowflakeRunner
from customer_research.errors import CustomerResearchError, RateLimited, Unavailable
from customer_research.research.off import failure, off
from customer_research.settings import Settings
from customer_research.sources import discover

if TYPE_CHECKING:
    from customer_research.connect.sql import SqlRunner
    from customer_research.engines.duckdb import Memory
    from customer_research.identity.directory import Directory
    from customer_research.sources.warehouse.session import WarehouseSession


class OutOfReach(CustomerResearchError):  # noqa: N818 - read as a statement
    """A source that is not configured, or that did not answer a moment ago; `gap` says which and why."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(gap.detail, hint=gap.next_step)
        self.gap = gap


DIRECTORY_SECONDS = 600.0
"""How long the directory of operators stands in a process that serves many: an operator that is new is found after that."""


SILENT_SECONDS, SILENT_USES = 15.0, 3
"""A source that did not answer so many use cases within this time is not asked by any for as long: they need not all wait for the
same silence. What one alone did not hear says little."""


class Shared:
    """What use cases share: sessions with their pools and rate limits, the directory of operators, planned queries, silences.

    Args:
        directory_seconds: how long the directory stands; a program that does one thing keeps it.
    """

    def __init__(self, directory_seconds: float = math.inf) -> None:
        self.sessions: dict[str, Any] = {}
        self.directory: Lasting[tuple[Directory, tuple[Receipt, ...]]] = Lasting(directory_seconds)
        self.memory: Lasting[Memory] = Lasting()
        self._silences: dict[str, list[float]] = {}
        self._silent: dict[str, tuple[float, Gap]] = {}

    def silent(self, name: str) -> Gap | None:
        """The gap of a source that several use cases did not hear from a moment ago; after a while one of them asks it again."""
        until, gap = self._silent.get(name, (0.0, None))
        now = time.monotonic()
        if gap is None or now < until:
            return gap
        self._silent[name] = (now + SILENT_SECONDS, gap)
        return None

    def heard(self, name: str) -> None:
        """Note that a source has answered: everybody may ask it."""
        self._silent.pop(name, None)
        self._silences.pop(name, None)

    def not_heard(self, name: str, gap: Gap) -> None:
        """Note that a use case waited for a source in vain, unless its own time was over."""
        now = time.monotonic()
        if now < LATEST.get():
            lately = [at for at in self._silences.get(name, ()) if now - at < SILENT_SECONDS]
            self._silences[name] = [*lately, now]
            if len(lately) + 1 >= SILENT_USES:
                self._silent[name] = (now + SILENT_SECONDS, gap)

    async def close(self) -> None:
        """Close every session and the memory."""
        await asyncio.gather(*(session.close() for session in self.sessions.values()))
        self.sessions.clear()
        memory = await self.memory.ended()
        if memory is not None:
            memory.close()


class Connections:
    """The sources as one use case finds them. One that proved out of reach is not asked again until `forget`.

    Args:
        settings: credentials and limits.
        clock: the present instant.
        shared: the sessions of the process; None: its own, which `close` closes.
    """

    def __init__(self, settings: Settings, clock: Clock, shared: Shared | None = None) -> None:
        self.settings = settings
        self.clock = clock
        everything = discover()
        self.off = MappingProxyType(dict(off(settings, everything)))
        """The optional sources that are not set up, each with the gap of its figures."""
        self.sources: Mapping[str, Source] = {
            name: source for name, source in everything.items() if name not in self.off
        }
        self.shared = shared or Shared()
        self._own = shared is None
        self._out: dict[str, Gap] = {}

    def session(self, name: str) -> Any:
        """The open session of a source.

        Raises:
            OutOfReach: it is not configured, or did not answer since the last `forget`.
            ConfigError: a setting of it is wrong.
        """
        if name in self._out:
            raise OutOfReach(self._out[name])
        if (gap := self.shared.silent(name)) is not None:
            raise OutOfReach(gap)
        if name not in self.shared.sessions:
            missing = self.sources[name].missing(self.settings)
            if missing is not None:
                raise OutOfReach(missing)
            self.shared.sessions[name] = self._open(name)
        return self.shared.sessions[name]

    def _open(self, name: str) -> Any:
        session = self.sources[name].open(self.settings, self.clock)
        if name == "warehouse":
            session.attach(runner_of(session), with_bindings)
        return session

    def failed(self, name: str, error: CustomerResearchError) -> Gap:
        """The gap that a failure leaves; a source that did not answer at all is remembered as out of reach."""
        if isinstance(error, OutOfReach):
            return error.gap
        gap = failure(error, name)
        if isinstance(error, Unavailable) and name not in self._out and not self._own:
            self.shared.not_heard(name, gap)
        if isinstance(error, Unavailable | RateLimited):
            self._out[name] = gap
        return gap

    def forget(self) -> None:
        """Ask every source anew: called at the start of each use case."""
        self._out.clear()

    async def close(self) -> None:
        """Close every session, unless they are others', too."""
        if self._own:
            await self.shared.close()


def runner_of(session: WarehouseSession) -> SqlRunner:
    """What carries SQL for a session of the warehouse: Snowflake's own API where it is set up, else Metabase's."""
    if session.statements is not None:
        return SnowflakeRunner(session.statements, session.http)
    return MetabaseRunner(session.http, session.own.database)

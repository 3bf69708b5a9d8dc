"""What a server does by itself: the scheduler, and the worker over the outbox, in one event loop, until it is told to stop.

```python
async with Background(settings, parts={"scheduler", "outbox"}) as background:
    await background.run(stop)
```
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from customer_research.connect.concurrent import slept
from customer_research.domain.delivery import Waiting
from customer_research.domain.schedule import Run, Schedule
from customer_research.errors import StoreError
from customer_research.research.delivering.opening import Channels, delivery_clock
from customer_research.research.delivering.worker import LOOK_UP_SECONDS, SEND_SECONDS, Worker, worker_name
from customer_research.research.scheduling.scheduler import LOOKS_SECONDS, Scheduler
from customer_research.research.usecases.gate import noting
from customer_research.research.usecases.runner import Audit, Runner, unheard
from customer_research.research.usecases.scheduled import Performing
from customer_research.settings import Settings
from customer_research.store.database import Store, open_store
from customer_research.store.outbox import Outbox
from customer_research.store.schedules import ScheduleBook

logger = logging.getLogger(__name__)

Part = Literal["scheduler", "outbox"]
BY_ITSELF: tuple[Part, ...] = get_args(Part)

STOP_SECONDS = 30.0
"""How long what is under way may go on when the server is told to stop."""

SILENT_SECONDS = 6 * LOOKS_SECONDS
"""A part that has not looked for so long is not well."""

FORGOTTEN_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How everything stands in the store, for those who watch.

    `messages` are those of the outbox by state; `runs` the newest of each schedule; `paused` the schedules that are.
    """

    messages: Waiting
    runs: Mapping[str, Run]
    paused: frozenset[str]


class Background:
    """The parts of a server that work by themselves; an async context manager, in one event loop.

    Args:
        settings: the settings tree.
        config: the settings file that they come from.
        parts: which of them.
        heard: hears of each use of a use case.
        ended: hears how each run ended.
        stop_seconds: how long runs may go on when it is told to stop.
        clock: the present instant; None: the real one, or the settings' fixed one, which goes on.
    """

    def __init__(
        self,
        settings: Settings,
        config: Path | None = None,
        *,
        parts: Collection[Part] = BY_ITSELF,
        heard: Audit = unheard,
        ended: Callable[[Schedule, Run], None] = lambda _schedule, _run: None,
        stop_seconds: float = STOP_SECONDS,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._settings, self._config, self._parts = settings, config, parts
        self._heard, self._ended = heard, ended
        self._stop_seconds = stop_seconds
        self._clock = clock or delivery_clock(settings)
        self._stack = AsyncExitStack()
        self._store: Store | None = None
        self.stopping = False

    async def __aenter__(self) -> Self:
        """Open the store and the connections.

        Raises:
            StoreError: the store cannot be opened.
        """
        async with AsyncExitStack() as opening:
            await self._open(opening)
            self._stack = opening.pop_all()
        return self

    async def _open(self, stack: AsyncExitStack) -> None:
        store = await asyncio.to_thread(open_store, self._settings.store_url)
        self._store = store
        stack.callback(store.close)
        audit = noting(store, self._heard)
        self._runner = await stack.enter_async_context(
            Runner(self._settings, config=self._config, audit=audit, clock=self._present)
        )
        channels = await stack.enter_async_context(Channels(self._settings, self._clock))
        self._performing = Performing(self._settings, store, self._runner.use, self._clock)
        self.scheduler = Scheduler(ScheduleBook(store), self._performing, self._clock, worker_name(), heard=self._hear)
        at_once = self._settings.deliveries.at_once
        self.worker = Worker(Outbox(store), channels, self._clock, at_once=at_once)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _present(self) -> datetime:
        """The instant that use cases speak of: the settings' fixed one, where there is one."""
        return self._settings.clock or self._clock()

    async def _hear(self, schedule: Schedule, run: Run) -> None:
        self._ended(schedule, run)
        await self._performing.heard(schedule, run)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; runs and messages that are under way then have their time to end.

        Raises:
            Exception: a part ended by a fault of ours.
        """
        works = [asyncio.create_task(work) for work in self._works(stop)]
        told = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((told, *works), return_when=asyncio.FIRST_COMPLETED)
            self.stopping = True
            failed = [work for work in works if work.done() and not work.cancelled() and work.exception()]
            stop.set()
            await self._end(works)
            for work in failed:
                work.result()
        finally:
            for task in (told, *works):
                task.cancel()
            await asyncio.gather(told, *works, return_exceptions=True)

    def _works(self, stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
        works: list[Coroutine[Any, Any, None]] = []
        if "scheduler" in self._parts:
            works.append(self.scheduler.serve(stop))
        if "outbox" in self._parts:
            works += [self.worker.run(stop), self._forgetting(stop)]
        return works

    async def _end(self, works: Sequence[asyncio.Task[None]]) -> None:
        """Give what is under way its time; a run that is not done then is given back."""
        until = time.monotonic() + self._stop_seconds
        await self.scheduler.stop(self._stop_seconds)
        if works:
            await asyncio.wait(works, timeout=max(until - time.monotonic(), 0.0))

    async def _forgetting(self, stop: asyncio.Event) -> None:
        """Forget day by day."""
        while not stop.is_set():
            try:
                await self.forget()
            except StoreError as error:
                logger.warning("What old messages said could not be forgotten: %s", error.message)
            await slept(FORGOTTEN_EVERY.total_seconds(), stop)

    async def forget(self) -> int:
        """Forget what messages said that were sent long ago (the setting deliveries.keep_days); how many.

        Raises:
            StoreError: the store cannot be written to.
        """
        before = self._clock() - timedelta(days=self._settings.deliveries.keep_days)
        return await asyncio.to_thread(Outbox(self._opened).forget, before)

    # -- for those who watch -------------------------------------------------------------------------------------------

    @property
    def _opened(self) -> Store:
        assert self._store is not None, "it is entered first"
        return self._store

    def unwell(self) -> tuple[str, ...]:
        """The parts that have not looked for too long."""
        now = time.monotonic()
        silent = {
            "scheduler": now - self.scheduler.looked_at > SILENT_SECONDS,
            "outbox": now - self.worker.looked_at > SILENT_SECONDS + LOOK_UP_SECONDS + SEND_SECONDS,
        }
        return tuple(part for part in BY_ITSELF if part in self._parts and silent[part] and not self.stopping)

    def unready(self) -> tuple[str, ...]:
        """Why nothing should be asked of this process now: it stops, or the store does not answer. Nothing: it is ready."""
        if self.stopping:
            return ("stopping",)
        try:
            with self._opened.read() as connection:
                connection.exec_driver_sql("SELECT 1")
        except StoreError:
            return ("store",)
        return ()

    def standing(self) -> Standing:
        """How the outbox and the schedules stand.

        Raises:
            StoreError: the store cannot be read.
        """
        book = ScheduleBook(self._opened)
        paused = frozenset(one.name for one in book.all() if one.paused)
        return Standing(Outbox(self._opened).waiting(), book.newest(), paused)

    def age(self, since: datetime) -> float:
        """Seconds since an instant."""
        return max((self._clock() - since).total_seconds(), 0.0)

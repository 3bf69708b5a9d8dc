"""The scheduler: looks at the clock, begins what is due, holds what runs, and says how it ended.

Any number of processes may do so on one store: whose row of a run is kept does it (`store.schedules`), and there is no leader.
What happens between a look and the next is kept nowhere else, so that a process may end at any moment.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from customer_research.connect.concurrent import slept
from customer_research.domain.schedule import Run, RunState, Schedule
from customer_research.errors import CustomerResearchError, StoreError
from customer_research.research.scheduling.times import coming, due
from customer_research.store.schedules import ScheduleBook

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
"""How long a run is a process's without a word from it."""

RENEWED_SECONDS = 60.0
LOOKS_SECONDS = 10.0
"""Between two looks at the clock, at most; what is due earlier is begun at its time."""

AT_ONCE = 4
"""Runs of a process at the same time; what is due beyond them is left to other processes, or waits."""

ATTEMPTS = 3
"""A run that was cut off so often is not begun again."""

PRUNED_EVERY = timedelta(days=1)
LOOKED_BACK = timedelta(days=7)
"""Runs that ended so long ago have nothing come after them any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: how complete it is, a sentence, and how many messages were made of it."""

    state: Literal["done", "partial", "failed"]
    said: str
    sent: int = 0


Perform = Callable[[Schedule, Run], Awaitable[Outcome]]
"""Does what a schedule says, once."""

Heard = Callable[[Schedule, Run], Awaitable[None]]
"""Hears how a run ended, or that it was skipped."""


async def unheard(_schedule: Schedule, _run: Run) -> None:
    """Nobody hears."""


class Scheduler:
    """Does what is due, in one event loop. `serve` goes on until it is told to stop; `look` looks once.

    Args:
        book: the schedules and runs.
        perform: does what a schedule says.
        clock: the present instant.
        worker: the name of this process; no two have the same.
        heard: hears how each run ended.
        at_once: how many runs at the same time.
        sleep: waits so many seconds, or until told to stop.
    """

    def __init__(
        self,
        book: ScheduleBook,
        perform: Perform,
        clock: Callable[[], datetime],
        worker: str,
        *,
        heard: Heard = unheard,
        at_once: int = AT_ONCE,
        sleep: Callable[[float, asyncio.Event], Awaitable[None]] = slept,
    ) -> None:
        self._book, self._perform, self._clock, self._worker = book, perform, clock, worker
        self._heard, self._at_once, self._sleep = heard, at_once, sleep
        self._tasks: set[asyncio.Task[None]] = set()
        self._own: set[tuple[str, datetime]] = set()
        self._pruned_at: datetime | None = None
        self._next: datetime | None = None
        self.looked_at = time.monotonic()
        """When it last looked, by the process's own clock."""

    @property
    def running(self) -> int:
        """How many runs are under way in this process."""
        return len(self._tasks)

    async def serve(self, stop: asyncio.Event) -> None:
        """Look again and again until told to stop; a store that does not answer is asked again with the next look."""
        while not stop.is_set():
            try:
                await self.look()
            except StoreError as error:
                logger.warning("The schedules could not be read: %s", error.message)
                self._next = None
            await self._sleep(self._pause(), stop)

    def _pause(self) -> float:
        seconds = 0.0 if self._next is None else (self._next - self._clock()).total_seconds()
        return (
            min(seconds, LOOKS_SECONDS) if seconds > 0 else LOOKS_SECONDS
        )  # what is due, and waits, is looked at as usual

    async def look(self) -> int:
        """Begin what is due now, as far as there is room; how many runs were begun.

        Raises:
            StoreError: the schedules cannot be read.
        """
        now, self.looked_at = self._clock(), time.monotonic()
        begun, ended = await asyncio.to_thread(self._claimed, now)
        for schedule, run in begun:
            self._own.add(
                (run.schedule, run.planned_at)
            )  # before another look: whose lease ends is still this process's
            task = asyncio.create_task(self._do(schedule, run))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        for schedule, run in ended:
            planned = f"{run.planned_at:%F %H:%M}"
            logger.warning("Schedule %s, planned for %s UTC, %s: %s", run.schedule, planned, run.state, run.said)
            await self._heard(schedule, run)
        return len(begun)

    async def idle(self) -> None:
        """Wait until no run is under way in this process."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def stop(self, seconds: float) -> None:
        """Wait for what is under way, so long at most; what is not done then is given back, for another process to begin again."""
        tasks = tuple(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # -- what is due ---------------------------------------------------------------------------------------------------

    def _claimed(self, now: datetime) -> tuple[list[tuple[Schedule, Run]], list[tuple[Schedule, Run]]]:
        """The runs that this process does from now on, and those that it found to be skipped or given up."""
        book = self._book
        if self._pruned_at is None or now - self._pruned_at >= PRUNED_EVERY:
            book.prune()
            self._pruned_at = now
        found = book.standing(now)
        schedules, active = found.schedules, [one for one in found.schedules.values() if not one.paused]
        since = {one.name: max(one.since, found.last_planned.get(one.name, one.since)) for one in active}
        begun: list[tuple[Schedule, Run]] = []
        ended: list[tuple[Schedule, Run]] = []
        for run in found.cut_off:
            if run.schedule in schedules and (run.schedule, run.planned_at) not in self._own:
                self._again(schedules[run.schedule], run, now, begun, ended)
        for run in self._planned(active, since, found.running, now):
            ours = begun if run.state == "running" else ended
            if run.state == "skipped" or self._has_room(begun):
                since[run.schedule] = run.planned_at
                if book.put(run):
                    ours.append((schedules[run.schedule], run))
        self._next = _next_of(active, since)
        return begun, ended

    def _has_room(self, begun: list[tuple[Schedule, Run]]) -> bool:
        return len(self._tasks) + len(begun) < self._at_once

    def _again(
        self,
        schedule: Schedule,
        run: Run,
        now: datetime,
        begun: list[tuple[Schedule, Run]],
        ended: list[tuple[Schedule, Run]],
    ) -> None:
        """Begin a run again that was cut off, or give it up."""
        too_late = now - run.begun_at > schedule.lateness
        if run.attempts >= ATTEMPTS or too_late:
            said = f"It was cut off {'once' if run.attempts == 1 else f'{run.attempts} times'}"
            said += " and it is too late to begin it again." if too_late else " and is not begun again."
            if self._book.end(run, "failed", said, now):
                ended.append((schedule, replace(run, state="failed", said=said, ended_at=now, lease_until=None)))
        elif self._has_room(begun) and (taken := self._book.take_over(run, self._worker, now, LEASE)) is not None:
            begun.append((schedule, taken))

    def _planned(
        self, schedules: Iterable[Schedule], since: Mapping[str, datetime], running: frozenset[str], now: datetime
    ) -> Iterator[Run]:
        """The runs whose time has come; a schedule of which one is under way waits for its end."""
        for schedule in schedules:
            if schedule.name in running:
                continue
            if schedule.after:
                yield from self._following(schedule, now)
                continue
            for one in due(schedule.cron, schedule.zone, since[schedule.name], now, schedule.lateness):
                said = f"Nothing ran until {now:%F %H:%M} UTC, which is too late for it." if one.too_late else ""
                yield self._run(schedule, one.planned_at, now, said, passed_over=one.passed_over)

    def _following(self, schedule: Schedule, now: datetime) -> Iterator[Run]:
        """The runs that come after those of another schedule: after each that ended well, the newest of several."""
        since = max(schedule.since, now - LOOKED_BACK)
        before = self._book.unfollowed(schedule.after, schedule.name, since)
        for place, run in enumerate(before, start=1):
            assert run.ended_at is not None, "those that have ended are asked for"
            said = ""
            if run.state in {"failed", "skipped"}:
                said = f"{run.schedule}, which it comes after, {'failed' if run.state == 'failed' else 'was skipped'}."
            elif now - run.ended_at > schedule.lateness:
                said = f"{run.schedule} ended at {run.ended_at:%F %H:%M} UTC: it is too late for what comes after."
            elif place < len(before):
                said = f"It is done after a later run of {run.schedule}."
            yield self._run(schedule, run.planned_at, now, said)

    def _run(self, schedule: Schedule, planned: datetime, now: datetime, said: str, *, passed_over: int = 0) -> Run:
        """A run that begins now, or that is skipped for the reason said."""
        state: RunState = "skipped" if said else "running"
        ended = now if said else None
        lease = None if said else now + LEASE
        return Run(schedule.name, planned, state, False, passed_over, now, self._worker, lease, 1, ended, said, 0)

    # -- doing it ------------------------------------------------------------------------------------------------------

    async def begin_asked(self, schedule: Schedule) -> Run:
        """Do what a schedule says now, since somebody asks for it, and wait for its end.

        Raises:
            StoreError: it cannot be noted.
        """
        now = self._clock()
        run = replace(self._run(schedule, now, now, ""), asked=True)
        while not await asyncio.to_thread(self._book.put, run):
            run = replace(run, planned_at=run.planned_at + timedelta.resolution)
        return await self._done(schedule, run)

    async def _do(self, schedule: Schedule, run: Run) -> None:
        try:
            await self._done(schedule, run)
        except StoreError as error:
            logger.warning("How a run of schedule %s ended could not be noted: %s", schedule.name, error.message)

    async def _done(self, schedule: Schedule, run: Run) -> Run:
        """Do a run while holding it; how it ended."""
        key = (run.schedule, run.planned_at)
        self._own.add(key)
        work = asyncio.ensure_future(self._performed(schedule, run))
        hold = asyncio.create_task(self._held(run, work))
        try:
            outcome = await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            await asyncio.shield(asyncio.to_thread(self._given_back, run))
            raise
        finally:
            hold.cancel()
            self._own.discard(key)
        now = self._clock()
        ended = replace(run, state=outcome.state, said=outcome.said, ended_at=now, lease_until=None, sent=outcome.sent)
        seconds = (now - run.begun_at).total_seconds()
        logger.info(
            "Schedule %s, planned for %s UTC: %s after %.1f s",
            run.schedule,
            f"{run.planned_at:%F %H:%M}",
            ended.state,
            seconds,
        )
        if await asyncio.to_thread(self._book.end, run, outcome.state, outcome.said, now, sent=outcome.sent):
            await self._heard(schedule, ended)
        return ended

    async def _performed(self, schedule: Schedule, run: Run) -> Outcome:
        try:
            return await self._perform(schedule, run)
        except CustomerResearchError as error:
            logger.warning("A run of schedule %s failed: %s", schedule.name, type(error).__name__)
            return Outcome("failed", f"{error.message} {error.hint}".strip())
        except Exception as error:
            logger.exception("A run of schedule %s failed", schedule.name)
            return Outcome("failed", f"Unexpected failure ({type(error).__name__}).")

    async def _held(self, run: Run, work: asyncio.Future[Outcome]) -> None:
        """Renew the lease while the work goes on; end the work when it has become another process's."""
        while True:
            await asyncio.sleep(RENEWED_SECONDS)
            try:
                ours = await asyncio.to_thread(self._book.renew, run, self._clock() + LEASE)
            except StoreError as error:
                logger.warning("The lease of a run of schedule %s was not renewed: %s", run.schedule, error.message)
                continue
            if not ours:
                logger.warning("A run of schedule %s is another process's now", run.schedule)
                work.cancel()
                return

    def _given_back(self, run: Run) -> None:
        """Let any process begin a run again at once."""
        with suppress(StoreError):
            self._book.renew(run, self._clock())


def _next_of(schedules: Iterable[Schedule], since: Mapping[str, datetime]) -> datetime | None:
    """The next planned instant of all."""
    timed = (one for one in schedules if one.cron)
    return min((coming(one.cron, one.zone, since[one.name]) for one in timed), default=None)

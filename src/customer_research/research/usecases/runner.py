"""The one runner of all use cases: who may, how long, over which connections, and what the audit hears of it.

A `Runner` serves many at once in one process; `use_alone` is the same for a program that does one thing and ends.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sized
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from customer_research.connect.latest import LATEST
from customer_research.domain.report import Report
from customer_research.errors import Busy, CustomerResearchError, Overdue, SourceError
from customer_research.research.request import validated
from customer_research.research.usecases.access import Actor, by_rights, within_book
from customer_research.research.usecases.registry import UseCase, use_case

if TYPE_CHECKING:
    from customer_research.research.connections import Shared
    from customer_research.research.service import Research
    from customer_research.research.usecases.answer import Answer
    from customer_research.settings import Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")
D = TypeVar("D", bound=Sized)
Progress = Callable[..., None]
"""Hears how far a use case has come; what it is told depends on the use case."""

RESERVED, RESERVED_SHARE = 5.0, 0.25
"""Of the time that a use case may take so much is left for computing (seconds, at most a share): sources that have not answered by
then are gaps of a partial answer, which is better than none."""

AT_ONCE = 8
"""Use cases of a process that run at the same time."""

RENEWED_SECONDS = 3600.0
"""How long connections are used: what a session learns once of its vendor (owners, properties, plans) is learnt anew then."""

WAITING = 32
"""Use cases that may wait for that; a further one is refused."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a use case, for the audit: nothing of what was typed, and no figure.

    `outcome` is the answer's state, or the name of the error; `operator` the id that the answer is about, or what was refused;
    `receipts` the ids of those that a report rests on, `size` the characters that were given out (0: the surface told of none).
    """

    actor: Actor
    name: str
    began: datetime
    seconds: float
    outcome: str
    operator: str = ""
    receipts: tuple[str, ...] = ()
    size: int = 0


Access = Callable[[Actor, UseCase, Any], None]
"""Raises `NotAllowed` where the actor may not have what the request asks for."""

Audit = Callable[[Use], None]
"""Keeps what is told of a use. It is called in a thread of its own; where it fails, so does the use: what is not noted is not told."""


def unheard(_use: Use) -> None:
    """No audit."""


def silent(*_said: Any) -> None:
    """No progress display."""


@dataclass(eq=False)
class Call:
    """What a use case works with: settings, clock, who asks, and the connections, opened when first used.

    Args:
        case: the use case.
        actor: who asks.
        read_settings: gives the settings tree; a use case that needs none never asks.
        config: the settings file, where one was named.
        fixed_clock: the present instant; None: the clock that the settings fix, else the system's.
        shared: the connections of the process; None: its own.
        progress: hears how far it is.
        threads: where work that computes runs while others are served; None: nobody else is.
    """

    case: UseCase
    actor: Actor
    read_settings: Callable[[], Settings]
    config: Path | None = None
    fixed_clock: Callable[[], datetime] | None = None
    shared: Shared | None = None
    progress: Progress = silent
    threads: Executor | None = None
    _waited: set[Future[Any]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None
    _cancelled: bool = False

    @cached_property
    def settings(self) -> Settings:
        """The settings tree, as far as it is the actor's: their own book for the owner, personal data for who may see them."""
        found = self.read_settings()
        changes: dict[str, Any] = {"owner": self.actor.book} if self.actor.book else {}
        if found.show_personal and not self.actor.may("personal"):
            changes["show_personal"] = False
        return found.model_copy(update=changes) if changes else found

    def clock(self) -> datetime:
        """The present instant."""
        if self.fixed_clock is not None:
            return self.fixed_clock()
        return self.settings.clock or datetime.now(UTC)

    async def aside(self, work: Callable[..., T], *given: Any) -> T:
        """Do work that computes and waits for no vendor, without keeping others waiting."""
        if self.threads is None:
            return work(*given)
        self._loop = asyncio.get_running_loop()
        try:
            return await self._loop.run_in_executor(self.threads, work, *given)
        except asyncio.CancelledError:
            self._cancelled = True
            for waited in self._waited:
                waited.cancel()
            raise

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for vendors in the middle of work that computes; it is ended when the use case is cancelled.

        Raises:
            CancelledError: the use case is cancelled.
        """
        if self._loop is None:
            return asyncio.run(work)
        waited = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._waited.add(waited)
        if self._cancelled:
            waited.cancel()
        return waited.result()

    def research(self, *, streams: bool = True) -> Research:
        """What asks the vendors; an async context manager. `streams`: the progress hears of each stream of records."""
        from customer_research.research.service import Research

        hears = self.progress if streams else silent
        finance = self.actor.may("finance")
        return Research(self.settings, clock=self.fixed_clock, progress=hears, shared=self.shared, finance=finance)


class Runner:
    """Runs use cases, many at once: at most `at_once`, with at most `waiting` behind them.

    The connections with the vendors, their rate limits, the directory of operators and the planned queries are shared; what a
    use case has found out of reach is its own. Use it as an async context manager, in one event loop.

    Args:
        settings: the settings tree.
        config: the settings file that they come from.
        clock: the present instant (tests).
        access: refuses what an actor may not have, before anything is read.
        audit: hears of each use, refused and failed ones too.
        at_once, waiting: how many run, and how many wait.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        config: Path | None = None,
        clock: Callable[[], datetime] | None = None,
        access: Access = by_rights,
        audit: Audit = unheard,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
    ) -> None:
        self.settings = settings
        self._config = config
        self._clock = clock or (lambda: settings.clock or datetime.now(UTC))
        self._access = access
        self._audit = audit
        self._lines: _Lines | None = None
        self._places = asyncio.Semaphore(at_once)
        self._at_once = at_once
        self._most = at_once + waiting
        self._inside = 0
        self._usual_seconds = 1.0
        self._threads = ThreadPoolExecutor(at_once, "use-case")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lines is not None:
            await self._lines.shared.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def now(self) -> datetime:
        """The present instant."""
        return self._clock()

    async def use(
        self, name: str, request: Any, actor: Actor, *, progress: Progress = silent, seconds: float | None = None
    ) -> Answer:
        """Run one use case. Cancelling it stops its requests to vendors.

        Args:
            name: the use case's.
            request: its request, or a mapping of values for it.
            actor: who asks.
            progress: hears how far it is.
            seconds: how long it may take, waiting included; its entry's without.

        Raises:
            UsageError: there is no such use case, or the request is wrong.
            NotAllowed: the actor may not have it.
            Busy: too many are waiting.
            Overdue: it took too long.
            StoreError: the use could not be noted.
            CustomerResearchError: as the use case says.
        """
        answer, _ = await self.told(name, request, actor, lambda _answer: "", progress=progress, seconds=seconds)
        return answer

    async def told(
        self,
        name: str,
        request: Any,
        actor: Actor,
        drawn: Callable[[Answer], D],
        *,
        progress: Progress = silent,
        seconds: float | None = None,
    ) -> tuple[Answer, D]:
        """As `use`, with what the surface gives out for the answer: the audit hears how much that is."""
        case = use_case(name)
        async with self._audited(case, actor) as noted:
            asked = validated(case.request(), request) if isinstance(request, Mapping) else request
            self._access(actor, case, asked)
            longest = seconds or case.seconds
            end = None if longest is None else time.monotonic() + longest - min(RESERVED, RESERVED_SHARE * longest)
            try:
                async with asyncio.timeout(longest), self._place(), self._connected() as shared:
                    LATEST.set(math.inf if end is None else end)
                    call = Call(
                        case,
                        actor,
                        lambda: self.settings,
                        config=self._config,
                        fixed_clock=self._clock,
                        shared=shared,
                        progress=progress,
                        threads=self._threads,
                    )
                    noted.answer = answer = await self._run(call, await within_book(call, asked))
            except (TimeoutError, SourceError) as error:
                if isinstance(error, SourceError) and (end is None or time.monotonic() < end):
                    raise
                hint = "Ask again, or for less at once."
                raise Overdue(f"{case.name} took longer than {longest:.0f} s.", hint=hint) from None
            given = await asyncio.to_thread(drawn, answer)
            noted.size = len(given)
            return answer, given

    @asynccontextmanager
    async def _audited(self, case: UseCase, actor: Actor) -> AsyncIterator[_Noted]:
        """Tell the audit of a use, however it ends, before what it gives is handed on."""
        began, start = self._clock(), time.monotonic()
        noted = _Noted()
        try:
            yield noted
            assert noted.answer is not None
            noted.outcome = noted.answer.state
        except asyncio.CancelledError:
            noted.outcome = "cancelled"
            raise
        except CustomerResearchError as error:
            noted.outcome = type(error).__name__
            noted.operator = getattr(error, "operator_id", "")
            raise
        finally:
            if self._audit is not unheard:
                use = noted.use(actor, case.name, began, time.monotonic() - start)
                await asyncio.shield(asyncio.to_thread(self._audit, use))

    async def _run(self, call: Call, request: Any) -> Answer:
        """A use case that waits for vendors runs in the loop; one that computes, in a thread that keeps its place to its end."""
        if inspect.iscoroutinefunction(request.answer):
            found: Answer = await request.answer(call)
            return found
        return await call.aside(request.answer, call)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """A place among those that run.

        Raises:
            Busy: too many wait for one.
        """
        if self._inside >= self._most:
            wait = self._usual_seconds * self._inside / self._at_once
            raise Busy(
                f"{self._inside} requests are being worked on.", retry_after=wait, hint=f"Ask again in {wait:.0f} s."
            )
        self._inside += 1
        try:
            async with self._places:
                began = time.monotonic()
                yield
                self._usual_seconds = (self._usual_seconds + time.monotonic() - began) / 2
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Shared]:
        """The connections; those that are old are closed when the last use that has them ends."""
        from customer_research.research.connections import DIRECTORY_SECONDS, Shared

        old = self._lines
        if old is None or time.monotonic() > old.until:
            self._lines = _Lines(Shared(DIRECTORY_SECONDS), time.monotonic() + RENEWED_SECONDS)
            if old is not None and not old.users:
                await old.shared.close()
        lines = self._lines
        assert lines is not None
        lines.users += 1
        try:
            yield lines.shared
        finally:
            lines.users -= 1
            if not lines.users and lines is not self._lines:
                await lines.shared.close()


@dataclass(slots=True)
class _Lines:
    """Connections, until when they are given to further uses, and how many have them."""

    shared: Shared
    until: float
    users: int = 0


YOUNG = 50_000
"""New objects after which a program that does one thing looks for garbage: of rows, figures and gaps hundreds of thousands are made,
hardly any in a circle, and to look after each 700 of them took a twentieth of a sync or a score."""


def use_alone(
    name: str,
    request: Any,
    actor: Actor,
    settings: Callable[[], Settings],
    *,
    config: Path | None = None,
    progress: Progress = silent,
) -> Answer:
    """Run one use case in a program that does nothing else: as `Runner.use`, without queue and without an end of time.

    Raises:
        CustomerResearchError: as `Runner.use`.
    """
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    case = use_case(name)
    by_rights(actor, case, request)
    call = Call(case, actor, settings, config=config, progress=progress)
    if inspect.iscoroutinefunction(request.answer):
        answer: Answer = finished(request.answer(call))
        return answer
    found: Answer = request.answer(call)
    return found


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that is run from its beginning to its end, as `asyncio.run` does.

    The task itself ends without a result: `asyncio.run` spells the task out in text twice, with all of an account in it.
    """
    results: list[T] = []

    async def kept() -> None:
        results.append(await work)

    asyncio.run(kept())
    return results[0]


@dataclass(slots=True)
class _Noted:
    """What the audit is to hear of a use, as far as it has come."""

    answer: Answer | None = None
    size: int = 0
    outcome: str = "failed"
    operator: str = ""

    def use(self, actor: Actor, name: str, began: datetime, seconds: float) -> Use:
        operator, receipts = ("", ()) if self.answer is None else _about(self.answer.body)
        return Use(actor, name, began, seconds, self.outcome, operator or self.operator, receipts, self.size)


def _about(body: Any) -> tuple[str, tuple[str, ...]]:
    """The operator that an answer is about, and the receipts that it rests on."""
    from customer_research.documents.present import Presenter
    from customer_research.domain.explanation import Explanation

    if isinstance(body, Report):
        return body.operator_id, tuple(receipt.id for receipt in Presenter(body).receipts)
    return (body.operator_id if isinstance(body, Explanation) else ""), ()

"""What a schedule's run does: its use case with the rights of whoever made it, and messages of what comes of it."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from customer_research.domain.report import Report
from customer_research.domain.schedule import Run, Schedule
from customer_research.domain.words import shortened
from customer_research.errors import CustomerResearchError, UsageError
from customer_research.research.delivering.worker import worker_name
from customer_research.research.request import validated
from customer_research.research.scheduling.scheduler import Outcome, Scheduler
from customer_research.research.scheduling.sending import Owner, Sending, told_of
from customer_research.research.usecases.access import Actor, by_rights, within_book
from customer_research.research.usecases.answer import Answer, Table
from customer_research.research.usecases.registry import use_case
from customer_research.settings import Settings
from customer_research.store.database import Store, open_store
from customer_research.store.schedules import ScheduleBook

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Call

SURFACE = "schedule"

Use = Callable[[str, Mapping[str, Any], Actor], Awaitable[Answer]]
"""Uses a use case for an actor."""

MOST_SAID = 400
"""Characters that are kept of what a run said, where nobody is sent it."""

UNTOLD = "untold"
"""How it came out where somebody could not be told, or where the words of the run say themselves what is missing."""

FAILED = frozenset({"failed", "not_configured", "not_found"})


def actor_of(schedule: Schedule) -> Actor:
    """In whose name, and with which rights, a schedule's runs are done: its maker's when it was made."""
    return Actor(schedule.created_by, SURFACE, frozenset(schedule.rights), schedule.book)


class Performing:
    """Does what schedules say.

    Args:
        settings: the settings tree.
        store: has the outbox and the people.
        use: uses a use case.
        clock: the present instant.
    """

    def __init__(self, settings: Settings, store: Store, use: Use, clock: Callable[[], datetime]) -> None:
        self._settings, self._store, self._use, self._clock = settings, store, use, clock

    async def __call__(self, schedule: Schedule, run: Run) -> Outcome:
        """Do a run.

        Raises:
            CustomerResearchError: as its use case says.
        """
        sending = Sending(self._store, schedule, run, self._clock())
        state, said = await self._everybody(schedule, sending)
        states, faults = [state], list[str]()
        for owner in await asyncio.to_thread(sending.owners, self._settings):
            try:
                states.append(await self._owner(schedule, sending, owner))
            except CustomerResearchError as error:  # the others are told nevertheless
                faults.append(f"{owner.name or owner.owner_id}: {error.message}")
        return _outcome(states, faults, f"{said} {sending.sent.words()}".strip(), sending.sent.new)

    async def _owner(self, schedule: Schedule, sending: Sending, owner: Owner) -> str:
        """What is told to one account owner; how it came out."""
        if owner.person is None:
            sending.nowhere(owner)
            return UNTOLD
        actor = dataclasses.replace(actor_of(schedule), book=owner.owner_id)  # it is narrowed to that owner's book
        answer = await self._use(schedule.use_case, schedule.request, actor)
        await asyncio.to_thread(sending.of_owner, sendable(answer), _title(schedule), owner, owner.person)
        return answer.state

    async def _everybody(self, schedule: Schedule, sending: Sending) -> tuple[str, str]:
        """What is told to addresses, and what is done though nobody is told; how it came out, and what it said to nobody."""
        if not sending.addresses() and schedule.recipients:
            return "done", ""
        answer = await self._use(schedule.use_case, schedule.request, actor_of(schedule))
        if not sending.addresses():
            said = _said(answer)  # which says itself why it is partial
            return UNTOLD if said and answer.state == "partial" else answer.state, said
        await asyncio.to_thread(sending.of_everybody, sendable(answer), _title(schedule))
        return answer.state, ""

    async def heard(self, schedule: Schedule, run: Run) -> None:
        """Tell those who wait for it that a run failed, or was skipped."""
        await asyncio.to_thread(told_of, self._store, schedule, run, self._clock())


def _outcome(states: Sequence[str], faults: Sequence[str], said: str, sent: int) -> Outcome:
    if faults:
        return Outcome("failed", f"{' '.join(faults)} {said}".strip(), sent)
    failed = next((state for state in states if state in FAILED), None)
    if failed is not None:
        words = {"failed": "It failed.", "not_configured": "A setting is missing.", "not_found": "Nobody was found."}
        return Outcome("failed", f"{words[failed]} {said}".strip(), sent)
    if "partial" in states:
        said = f"A source was missing. {said}".strip()
    if not {"partial", UNTOLD}.isdisjoint(states):
        return Outcome("partial", said, sent)
    return Outcome("done", said, sent)


def _said(answer: Answer) -> str:
    """The lines of an answer that has only a few."""
    return shortened(" ".join(answer.lines), MOST_SAID)


def _title(schedule: Schedule) -> str:
    return f"{schedule.name}: {use_case(schedule.use_case).sentence.rstrip('.')}"


def sendable(answer: Answer) -> Report | tuple[str, ...]:
    """What is sent of an answer: its report, or its lines.

    Raises:
        UsageError: it cannot be sent.
    """
    body = answer.body
    if isinstance(body, Report):
        return body
    if isinstance(body, Table):
        rows = tuple("; ".join(filter(None, row)) for row in body.rows)
        return (*body.before, *rows, *body.after, *((body.last,) if body.last else ()))
    if not isinstance(body, tuple):
        raise UsageError("What it answers cannot be sent.", hint="Remove the schedule's addresses.")
    return answer.lines


async def run_now(call: Call, schedule: Schedule) -> Run:
    """Do what a schedule says, at once, within the use of another use case.

    Raises:
        StoreError: the store cannot be used.
    """
    store = await call.aside(open_store, call.settings.store_url)
    with ThreadPoolExecutor(
        1, "schedule"
    ) as own:  # what waits for vendors in the middle of its work must not do so in the loop
        try:
            performing = Performing(call.settings, store, partial(_within, call, call.threads or own), call.clock)
            scheduler = Scheduler(ScheduleBook(store), performing, call.clock, worker_name(), heard=performing.heard)
            return await scheduler.begin_asked(schedule)
        finally:
            store.close()


async def _within(call: Call, threads: Executor, name: str, request: Mapping[str, Any], actor: Actor) -> Answer:
    """Use a use case with the connections of the one that is being used."""
    from customer_research.research.usecases.runner import Call as Within

    case = use_case(name)
    asked = validated(case.request(), request)
    by_rights(actor, case, asked)
    inner = Within(
        case,
        actor,
        call.read_settings,
        config=call.config,
        fixed_clock=call.fixed_clock,
        shared=call.shared,
        threads=threads,
    )
    asked = await within_book(inner, asked)
    if inspect.iscoroutinefunction(asked.answer):
        found: Answer = await asked.answer(inner)
        return found
    return await inner.aside(asked.answer, inner)

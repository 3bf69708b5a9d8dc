"""Schedules: what is done at which local times, for whom; and the runs of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

LATENESS = timedelta(hours=12)
"""So late a run may begin where a schedule says nothing else."""

OWNERS = "owners"
"""The recipient that stands for every account owner, each told of their own operators."""

RunState = Literal["running", "done", "partial", "failed", "skipped"]
"""running: begun, or begun and cut off (its lease tells); done; partial: done, and a source was missing; failed; skipped: not begun,
since it was too late, or since what it comes after had failed."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One use case, done at the times of a cron line in a zone, or after each run of another schedule.

    Args:
        name: what it is called.
        use_case: the use case's name.
        request: its fields, as plain values.
        cron: five fields: minute, hour, day of the month, month, day of the week; empty: `after` says when.
        zone: the IANA zone whose clock counts.
        after: the schedule after each of whose runs it is done; empty: `cron` says when.
        lateness: how late a run may begin; later it is skipped.
        recipients: whom what comes of it is sent to, as addresses are written (`slack:C0123`), or `owners`; none: nobody.
        note: a sentence that stands at the head of each message; empty: none.
        failures_to: the address that hears of failed and skipped runs; empty: whoever looks.
        since: planned times after this instant count.
        paused: whether nothing is done for now.
        created_at, created_by: when and by whom it was made.
        rights, book: what its maker may do and see; its runs may no more.
    """

    name: str
    use_case: str
    request: Mapping[str, Any] = field(hash=False)
    cron: str
    zone: str
    after: str
    lateness: timedelta
    recipients: tuple[str, ...]
    failures_to: str
    since: datetime
    paused: bool
    created_at: datetime
    created_by: str
    rights: tuple[str, ...]
    book: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: of a schedule and a planned instant there is one, whichever process does it.

    Args:
        schedule: the schedule's name.
        planned_at: when it was to begin, UTC.
        state: how it stands.
        asked: whether a person asked for it (`schedule run`); it was not planned then.
        passed_over: so many earlier planned times went by unused before this one, and have no run of their own.
        begun_at: when it began, or was found to be skipped.
        worker: the process that does it.
        lease_until: until when it is that process's; after that any other takes it over. None: it has ended.
        attempts: how many times it was begun.
        ended_at: when it ended.
        said: what came of it, in a sentence.
        sent: how many messages were made of it.
    """

    schedule: str
    planned_at: datetime
    state: RunState
    asked: bool
    passed_over: int
    begun_at: datetime
    worker: str
    lease_until: datetime | None
    attempts: int
    ended_at: datetime | None
    said: str
    sent: int

    @property
    def late(self) -> timedelta:
        """How long after its time it began."""
        return max(self.begun_at - self.planned_at, timedelta())

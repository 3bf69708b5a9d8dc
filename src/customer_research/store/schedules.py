"""Schedules and their runs in the store.

Any process may find that a time has come. The row of a run has the schedule and the planned instant as its key: of several
processes that put it one succeeds, and that one does it. Who does a run holds it by a lease that is renewed; one that is cut off
loses it, and another process begins the run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from customer_research.domain.schedule import Run, RunState, Schedule
from customer_research.errors import UsageError
from customer_research.store.database import insert_new
from customer_research.store.schema import METADATA, Compact, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

KEPT = 400
"""So many runs of each schedule are kept, the newest: a year of a daily one."""

schedule = Table(
    "schedule",
    METADATA,
    Column("name", String(60), primary_key=True),
    Column("use_case", Text, nullable=False),
    Column("request", Compact, nullable=False),
    Column("cron", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("after", String(60), nullable=False),
    Column("late_seconds", Integer, nullable=False),
    Column("recipients", Compact, nullable=False),
    Column("failures_to", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("rights", Compact, nullable=False),
    Column("book", Text, nullable=False),
    Column("note", Text, nullable=False),
    comment="What is done at which local times, for whom, and with whose rights.",
)

schedule_run = Table(
    "schedule_run",
    METADATA,
    Column("schedule", ForeignKey("schedule.name", ondelete="CASCADE"), primary_key=True),
    Column("planned_at", Instant, primary_key=True),
    Column("state", String(8), nullable=False),
    Column("asked", Boolean, nullable=False),
    Column("passed_over", Integer, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("worker", Text, nullable=False),
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False),
    Column("ended_at", Instant),
    Column("said", Text, nullable=False),
    Column("sent", Integer, nullable=False),
    Index("schedule_run_by_state", "state", "lease_until"),
    comment="Runs: one for each schedule and planned instant, whichever process does it.",
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How everything stands at one instant.

    Args:
        schedules: by name.
        last_planned: the newest planned instant that has a run, by schedule; what people asked for does not count.
        running: the schedules of which a run is under way.
        cut_off: the runs under way whose lease is over, the oldest first.
    """

    schedules: Mapping[str, Schedule]
    last_planned: Mapping[str, datetime]
    running: frozenset[str]
    cut_off: tuple[Run, ...]


class ScheduleBook:
    """The schedules and runs in a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- schedules -----------------------------------------------------------------------------------------------------

    def add(self, made: Schedule) -> None:
        """Keep a new schedule.

        Raises:
            UsageError: there is one of that name.
        """
        with self._store.begin() as connection:
            adding = insert_new(connection, schedule).values(**_kept(made)).returning(schedule.c.name)
            if connection.execute(adding).first() is None:
                raise UsageError(
                    f"There is a schedule {made.name!r} already.", hint="Remove it first, or name another."
                )

    def all(self) -> tuple[Schedule, ...]:
        """Every schedule, by name."""
        with self._store.read() as connection:
            return tuple(map(_schedule, connection.execute(sa.select(schedule).order_by(schedule.c.name)).mappings()))

    def find(self, name: str) -> Schedule | None:
        """A schedule by its name."""
        with self._store.read() as connection:
            row = connection.execute(sa.select(schedule).where(schedule.c.name == name)).mappings().first()
            return None if row is None else _schedule(row)

    def pause(self, name: str, *, paused: bool, now: datetime) -> Schedule:
        """Pause a schedule, or let it go on: what was planned meanwhile does not count then.

        Raises:
            UsageError: there is no such schedule.
        """
        changes = {"paused": True} if paused else {"paused": False, "since": now}
        own = schedule.c.name == name
        with self._store.begin() as connection:
            connection.execute(sa.update(schedule).where(own, schedule.c.paused != paused).values(**changes))
            row = connection.execute(sa.select(schedule).where(own)).mappings().first()
            if row is None:
                raise unknown(name)
            return _schedule(row)

    def remove(self, name: str) -> None:
        """Remove a schedule and its runs.

        Raises:
            UsageError: there is no such schedule.
        """
        with self._store.begin() as connection:
            if not connection.execute(sa.delete(schedule).where(schedule.c.name == name)).rowcount:
                raise unknown(name)

    # -- runs ----------------------------------------------------------------------------------------------------------

    def put(self, run: Run) -> bool:
        """Put a run that begins, or that is skipped; whether it is ours: False where there is one of that time already.

        A schedule that has been removed meanwhile begins nothing.
        """
        there = sa.select(schedule.c.name).where(schedule.c.name == run.schedule)
        with self._store.begin() as connection:
            if connection.execute(there).first() is None:
                return False
            putting = insert_new(connection, schedule_run).values(**_row(run)).returning(schedule_run.c.schedule)
            return connection.execute(putting).first() is not None

    def take_over(self, run: Run, worker: str, now: datetime, lease: timedelta) -> Run | None:
        """Begin again a run whose lease is over; None where another process was faster."""
        taken = replace(run, worker=worker, lease_until=now + lease, attempts=run.attempts + 1)
        changes = {name: getattr(taken, name) for name in ("worker", "lease_until", "attempts")}
        return taken if self._change(run, sa.true(), changes) else None

    def renew(self, run: Run, until: datetime) -> bool:
        """Hold a run for longer; False where it is no longer that process's."""
        return self._change(run, schedule_run.c.worker == run.worker, {"lease_until": until})

    def end(self, run: Run, state: RunState, said: str, now: datetime, *, sent: int = 0) -> bool:
        """Say how a run ended; False where it is no longer that process's, or its schedule is gone."""
        ended = {"state": state, "said": storable(said), "ended_at": now, "lease_until": None, "sent": sent}
        return self._change(run, schedule_run.c.worker == run.worker, ended)

    def _change(self, run: Run, whose: sa.ColumnElement[bool], values: Mapping[str, Any]) -> bool:
        """Change a run that is under way, unless it was begun anew since it was read."""
        own = (schedule_run.c.schedule == run.schedule, schedule_run.c.planned_at == run.planned_at)
        same = (schedule_run.c.state == "running", schedule_run.c.attempts == run.attempts, whose)
        with self._store.begin() as connection:
            return bool(connection.execute(sa.update(schedule_run).where(*own, *same).values(**values)).rowcount)

    def standing(self, now: datetime) -> Standing:
        """What a look at the clock has to know."""
        mine = schedule_run.c
        newest = sa.type_coerce(sa.func.max(mine.planned_at), Instant)
        last = sa.select(mine.schedule, newest).where(mine.asked.is_(False)).group_by(mine.schedule)
        under_way = sa.select(schedule_run).where(mine.state == "running").order_by(mine.planned_at)
        with self._store.read() as connection:
            found = connection.execute(sa.select(schedule).order_by(schedule.c.name)).mappings()
            schedules = {one.name: one for one in map(_schedule, found)}
            planned = {str(name): cast("datetime", at) for name, at in connection.execute(last)}
            running = tuple(map(_run, connection.execute(under_way).mappings()))
        cut_off = tuple(run for run in running if run.lease_until is not None and run.lease_until <= now)
        return Standing(schedules, planned, frozenset(run.schedule for run in running), cut_off)

    def unfollowed(self, before: str, name: str, since: datetime) -> tuple[Run, ...]:
        """The ended runs of a schedule, planned after an instant, at whose times another has none; the oldest first."""
        own = schedule_run.alias("own")
        there = sa.exists().where(own.c.schedule == name, own.c.planned_at == schedule_run.c.planned_at)
        wanted = (schedule_run.c.schedule == before, schedule_run.c.planned_at > since, ~there)
        query = sa.select(schedule_run).where(*wanted, schedule_run.c.state != "running")
        with self._store.read() as connection:
            return tuple(map(_run, connection.execute(query.order_by(schedule_run.c.planned_at)).mappings()))

    def runs(self, name: str = "", most: int | None = None) -> tuple[Run, ...]:
        """The runs of a schedule (empty: of all), the newest first, at most so many."""
        query = sa.select(schedule_run).order_by(schedule_run.c.planned_at.desc(), schedule_run.c.schedule)
        if name:
            query = query.where(schedule_run.c.schedule == name)
        with self._store.read() as connection:
            return tuple(map(_run, connection.execute(query.limit(most)).mappings()))

    def newest(self) -> Mapping[str, Run]:
        """The newest run of each schedule that has one."""
        by_time = sa.func.row_number().over(
            partition_by=schedule_run.c.schedule, order_by=schedule_run.c.planned_at.desc()
        )
        ranked = sa.select(schedule_run, by_time.label("place")).subquery()
        columns = [ranked.c[column.name] for column in schedule_run.c]
        with self._store.read() as connection:
            found = connection.execute(sa.select(*columns).where(ranked.c.place == 1)).mappings()
            return {run.schedule: run for run in map(_run, found)}

    def prune(self, kept: int = KEPT) -> int:
        """Remove ended runs beyond the newest of each schedule; how many those were."""
        by_time = sa.func.row_number().over(
            partition_by=schedule_run.c.schedule, order_by=schedule_run.c.planned_at.desc()
        )
        ranked = sa.select(
            schedule_run.c.schedule, schedule_run.c.planned_at, schedule_run.c.state, by_time.label("place")
        ).subquery()
        old = sa.select(ranked.c.schedule, ranked.c.planned_at).where(
            ranked.c.place > kept, ranked.c.state != "running"
        )
        with self._store.begin() as connection:
            gone = 0
            for name, planned in connection.execute(old).all():
                own = (schedule_run.c.schedule == name, schedule_run.c.planned_at == planned)
                gone += connection.execute(sa.delete(schedule_run).where(*own)).rowcount
            return gone


def unknown(name: str) -> UsageError:
    """There is no schedule of this name."""
    return UsageError(f"There is no schedule {name[:60]!r}.", hint="`customer-research schedule list` names them.")


def _kept(made: Schedule) -> dict[str, Any]:
    names = [column.name for column in schedule.c if column.name != "late_seconds"]
    row = {name: getattr(made, name) for name in names}
    row |= {"request": dict(made.request), "late_seconds": int(made.lateness.total_seconds())}
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def _schedule(row: Mapping[Any, Any]) -> Schedule:
    values = {name: value for name, value in row.items() if name != "late_seconds"}
    values |= {name: tuple(row[name]) for name in ("recipients", "rights")}
    return Schedule(**values, lateness=timedelta(seconds=row["late_seconds"]))


def _row(run: Run) -> dict[str, Any]:
    row = {column.name: getattr(run, column.name) for column in schedule_run.c}
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def _run(row: Mapping[Any, Any]) -> Run:
    return Run(**row)

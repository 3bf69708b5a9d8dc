"""The scheduler with a clock of its own: a year of three zones by two processes, late and cut-off runs, what comes after what."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from cronsim import CronSim
from made_up_readings import new_url, server
from made_up_schedules import made_schedule

from customer_research.domain.schedule import Run, Schedule
from customer_research.errors import StoreBusy, Unavailable
from customer_research.research.scheduling import scheduler as scheduling
from customer_research.research.scheduling.scheduler import LEASE, Outcome, Perform, Scheduler
from customer_research.store import schedules
from customer_research.store.database import Store, open_store
from customer_research.store.schedules import ScheduleBook

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHTLY = made_schedule(
    "nightly", use_case="sync", cron="0 3 * * *", zone="UTC", recipients=(), since=NOW, rights=("read",)
)
DONE = Outcome("done", "Done.", 1)


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Performed:
    """Notes what is done; each run ends with `outcome`, or raises it, or waits for `gate` first."""

    def __init__(self, outcome: Outcome | Exception = DONE) -> None:
        self.runs: list[Run] = []
        self.outcome: Outcome | Exception = outcome
        self.gate: asyncio.Event | None = None

    async def __call__(self, _schedule: Schedule, run: Run) -> Outcome:
        self.runs.append(run)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('scheduler')}/store.db"


@pytest.fixture(scope="module")
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def book(store: Store) -> ScheduleBook:
    with store.begin() as connection:
        connection.execute(sa.delete(schedules.schedule))
    return ScheduleBook(store)


def test_a_year_of_three_zones_by_two_processes_is_as_cronsim_says(url: str, store: Store, book: ScheduleBook) -> None:
    """Each looks when it pleases, less than half a day apart; each time is used once, and no other."""
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    lines = (
        ("30 1 * * *", "America/New_York"),
        ("0 8 * * 1", "America/New_York"),
        ("30 1 * * *", "Europe/London"),
        ("15 6,18 * * 1", "Europe/London"),
        ("30 2 * * *", "Australia/Sydney"),
    )
    for cron, zone in lines:
        book.add(replace(NIGHTLY, name=f"{cron} {zone}", cron=cron, zone=zone, since=begin))
    clock, draws, performed = Clock(begin), random.Random(15), Performed()

    async def lived() -> None:
        with open_store(url) as second:
            looking = [
                Scheduler(one, performed, clock, worker, at_once=99)
                for one, worker in ((book, "one"), (ScheduleBook(second), "two"))
            ]
            while clock.now < end - MINUTE / 60:
                clock.now = min(clock.now + timedelta(minutes=draws.randint(1, 690)), end - MINUTE / 60)
                at_once = [one.look() for one in draws.sample(looking, 1 + (draws.random() < 0.25))]
                await asyncio.gather(*at_once)
                await asyncio.gather(*(one.idle() for one in looking))

    asyncio.run(lived())
    planned = {
        (f"{cron} {zone}", moment.astimezone(UTC))
        for cron, zone in lines
        for moment in takewhile(lambda one: one < end, CronSim(cron, begin.astimezone(ZoneInfo(zone))))
    }
    used = [(run.schedule, run.planned_at) for run in performed.runs]
    assert len(used) == len(set(used)), "none twice"
    assert set(used) == planned
    assert {run.worker for run in performed.runs} == {"one", "two"}
    with store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schedules.schedule_run)).scalar_one() == len(
            used
        )


@pytest.mark.xdist_group("engines")
def test_processes_at_once_use_each_time_once_on_postgres(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Four that look at the same instant, for three days of hours."""
    url = new_url(server("postgres", tmp_path_factory.mktemp("none")))
    clock, performed = Clock(), Performed()

    async def lived(stores: list[Store]) -> None:
        looking = [Scheduler(ScheduleBook(one), performed, clock, str(number)) for number, one in enumerate(stores)]
        for _ in range(72):
            clock.now += HOUR
            await asyncio.gather(*(one.look() for one in looking))
            await asyncio.gather(*(one.idle() for one in looking))

    with ExitStack() as stack:
        stores = [stack.enter_context(open_store(url)) for _ in range(4)]
        ScheduleBook(stores[0]).add(replace(NIGHTLY, cron="0 */2 * * *", zone="America/New_York"))
        asyncio.run(lived(stores))
        assert len({run.planned_at for run in performed.runs}) == len(performed.runs) == 36
        assert {run.state for run in ScheduleBook(stores[1]).runs()} == {"done"}


def looked(book: ScheduleBook, performed: Perform, clock: Callable[[], datetime], **more: object) -> Scheduler:
    """A process looks once, and ends when what it began is done."""
    scheduler = Scheduler(book, performed, clock, "one", **more)  # type: ignore[arg-type] # handed on

    async def once() -> None:
        await scheduler.look()
        await scheduler.idle()

    asyncio.run(once())
    return scheduler


def test_a_late_run_is_done_once_and_knows_how_late_it_is(book: ScheduleBook) -> None:
    book.add(NIGHTLY)
    performed = Performed()
    looked(book, performed, Clock(NOW + 3 * DAY + 2 * HOUR))
    (run,) = performed.runs
    assert run.planned_at == datetime(2026, 11, 5, 3, tzinfo=UTC)
    assert run.late == 5 * HOUR
    told = [(one.state, one.planned_at.day, one.passed_over) for one in book.runs()]
    assert told == [("done", 5, 0), ("skipped", 4, 1)], "the one of the day before says that there was one more"


def test_what_is_too_late_is_skipped_and_told(book: ScheduleBook) -> None:
    book.add(NIGHTLY)
    heard: list[Run] = []

    async def hear(_schedule: Schedule, run: Run) -> None:
        heard.append(run)

    performed = Performed()
    looked(book, performed, Clock(datetime(2026, 11, 5, 15, 1, tzinfo=UTC)), heard=hear)
    assert performed.runs == []
    (run,) = book.runs()
    assert (run.state, run.planned_at.day, run.passed_over) == ("skipped", 5, 2)
    assert run.said == "Nothing ran until 2026-11-05 15:01 UTC, which is too late for it."
    assert heard == [run]


def test_a_paused_schedule_does_nothing(book: ScheduleBook) -> None:
    book.add(replace(NIGHTLY, paused=True))
    performed = Performed()
    looked(book, performed, Clock(NOW + DAY))
    assert performed.runs == []
    book.pause("nightly", paused=False, now=NOW + DAY)
    looked(book, performed, Clock(NOW + DAY + HOUR))
    assert performed.runs == [], "what was planned in the pause does not count"


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            Unavailable("Lago cannot be reached.", source="lago", hint="Try later."),
            "Lago cannot be reached. Try later.",
        ),
        (ValueError("a secret"), "Unexpected failure (ValueError)."),
    ],
)
def test_a_run_that_fails_says_so(book: ScheduleBook, raised: Exception, said: str) -> None:
    book.add(NIGHTLY)
    looked(book, Performed(raised), Clock(NOW + DAY))
    (run,) = book.runs()
    assert (run.state, run.said) == ("failed", said)


def test_a_run_that_was_cut_off_is_begun_again_by_another_process(book: ScheduleBook) -> None:
    """A killed process says nothing: its lease ends."""
    book.add(NIGHTLY)
    clock, performed = Clock(NOW + DAY), Performed()
    began = Run(
        "nightly", NOW + DAY - 3 * HOUR, "running", False, 0, clock.now, "dead", clock.now + LEASE, 1, None, "", 0
    )
    assert book.put(began)
    looked(book, performed, clock)
    assert performed.runs == []
    clock.now += LEASE
    looked(book, performed, clock)
    assert [(run.worker, run.attempts) for run in performed.runs] == [("one", 2)]
    assert [run.state for run in book.runs()] == ["done"]


@pytest.mark.parametrize(
    ("attempts", "later", "said"),
    [
        (3, HOUR, "It was cut off 3 times and is not begun again."),
        (1, 13 * HOUR, "It was cut off once and it is too late to begin it again."),
    ],
)
def test_a_run_is_not_begun_for_ever(book: ScheduleBook, attempts: int, later: timedelta, said: str) -> None:
    book.add(NIGHTLY)
    at = NOW + DAY
    assert book.put(Run("nightly", at - 3 * HOUR, "running", False, 0, at, "dead", at + LEASE, attempts, None, "", 0))
    performed = Performed()
    looked(book, performed, Clock(at + later))
    assert performed.runs == []
    assert [(run.state, run.said) for run in book.runs()] == [("failed", said)]


def test_a_run_that_is_another_process_s_now_ends_here(book: ScheduleBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease was not renewed in time (a stopped machine); the other one has begun it anew."""
    monkeypatch.setattr(scheduling, "RENEWED_SECONDS", 0.01)
    book.add(NIGHTLY)
    clock, performed = Clock(NOW + DAY), Performed()

    async def slept() -> None:
        performed.gate = asyncio.Event()
        one = Scheduler(book, performed, clock, "one")
        await one.look()
        await asyncio.sleep(0.05)
        (run,) = book.runs()
        assert run.lease_until == clock.now + LEASE
        assert book.take_over(run, "two", clock.now, LEASE) is not None
        await one.idle()

    asyncio.run(slept())
    (run,) = book.runs()
    assert (run.state, run.worker) == ("running", "two"), "the first one's end changes nothing"


def test_a_store_that_is_busy_for_a_while_takes_no_run_away(
    book: ScheduleBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "RENEWED_SECONDS", 0.005)
    book.add(NIGHTLY)
    performed, renew, refused = Performed(), book.renew, [True, True]

    def busy(run: Run, until: datetime) -> bool:
        if refused:
            refused.pop()
            raise StoreBusy("The store is held by another program.")
        if performed.gate is not None:
            loop.call_soon_threadsafe(performed.gate.set)
        return renew(run, until)

    monkeypatch.setattr(book, "renew", busy)
    loop = asyncio.new_event_loop()

    async def once() -> None:
        performed.gate = asyncio.Event()
        one = Scheduler(book, performed, Clock(NOW + DAY), "one")
        await one.look()
        await one.idle()

    try:
        loop.run_until_complete(once())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    assert [run.state for run in book.runs()] == ["done"]
    assert not refused


def test_stopping_waits_and_then_gives_back(book: ScheduleBook) -> None:
    book.add(NIGHTLY)
    clock, performed = Clock(NOW + DAY), Performed()

    async def stopped() -> None:
        performed.gate = asyncio.Event()
        one = Scheduler(book, performed, clock, "one")
        await one.look()
        await asyncio.sleep(0)
        assert one.running == 1
        await one.stop(0.01)
        assert one.running == 0

    asyncio.run(stopped())
    (run,) = book.runs()
    assert (run.state, run.lease_until) == ("running", clock.now)
    again = Performed()
    looked(book, again, clock)
    assert [run.attempts for run in again.runs] == [2], "another process begins it at once"


def test_a_schedule_whose_run_goes_on_waits_for_its_end(book: ScheduleBook) -> None:
    book.add(replace(NIGHTLY, cron="*/10 * * * *"))
    clock, performed = Clock(NOW + 10 * MINUTE), Performed()

    async def lived() -> None:
        performed.gate = asyncio.Event()
        one = Scheduler(book, performed, clock, "one")
        await one.look()
        clock.now += 30 * MINUTE - MINUTE
        await one.look()
        await asyncio.sleep(0)
        assert len(performed.runs) == 1
        performed.gate.set()
        await one.idle()
        await one.look()
        await one.idle()

    asyncio.run(lived())
    assert [(run.planned_at - NOW, run.passed_over) for run in performed.runs] == [(10 * MINUTE, 0), (30 * MINUTE, 1)]


def test_no_more_run_at_once_than_there_is_room_for(book: ScheduleBook) -> None:
    for number in range(5):
        book.add(replace(NIGHTLY, name=f"nightly-{number}"))
    clock, performed = Clock(NOW + DAY), Performed()

    async def lived() -> None:
        performed.gate = asyncio.Event()
        one, two = (
            Scheduler(book, performed, clock, "one", at_once=2),
            Scheduler(book, performed, clock, "two", at_once=2),
        )
        assert await one.look() == 2
        assert await one.look() == 0
        assert await two.look() == 2
        performed.gate.set()
        await asyncio.gather(one.idle(), two.idle())
        assert await one.look() == 1
        await one.idle()

    asyncio.run(lived())
    assert len({run.schedule for run in performed.runs}) == 5


# -- after another -----------------------------------------------------------------------------------------------------


def after(book: ScheduleBook, *ended: Run) -> list[Run]:
    """What the runs of a schedule that comes after are like."""
    book.add(NIGHTLY)
    book.add(replace(NIGHTLY, name="alerts", cron="", after="nightly"))
    for run in ended:
        assert book.put(run)
    performed = Performed()
    looked(book, performed, Clock(NOW + HOUR))
    looked(book, performed, Clock(NOW + 2 * HOUR))
    assert all(run.state == "running" for run in performed.runs)
    return sorted((run for run in book.runs("alerts")), key=lambda run: run.planned_at)


def ended(state: str, planned: timedelta = MINUTE, at: timedelta = HOUR) -> Run:
    made = Run("nightly", NOW + planned, "done", False, 0, NOW + planned, "one", None, 1, NOW + at, "", 0)
    return replace(made, state=state)  # type: ignore[arg-type] # one of the states


@pytest.mark.parametrize("state", ["done", "partial"])
def test_what_comes_after_has_the_time_of_what_it_comes_after(book: ScheduleBook, state: str) -> None:
    (run,) = after(book, ended(state))
    assert (run.state, run.planned_at) == ("done", NOW + MINUTE)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("failed", "nightly, which it comes after, failed."),
        ("skipped", "nightly, which it comes after, was skipped."),
    ],
)
def test_after_a_failure_nothing_comes_and_it_is_said(book: ScheduleBook, state: str, said: str) -> None:
    (run,) = after(book, ended(state))
    assert (run.state, run.said) == ("skipped", said)


def test_of_several_that_ended_the_newest_has_something_after_it(book: ScheduleBook) -> None:
    first, second = after(book, ended("done"), ended("done", 2 * MINUTE))
    assert (first.state, first.said) == ("skipped", "It is done after a later run of nightly.")
    assert second.state == "done"


def test_too_long_after_the_end_nothing_comes(book: ScheduleBook) -> None:
    (run,) = after(book, ended("done", at=-12 * HOUR))
    assert run.state == "skipped"
    assert "too late for what comes after" in run.said


# -- asked for, and the loop -------------------------------------------------------------------------------------------


def test_what_somebody_asks_for_is_done_at_once_beside_the_plan(book: ScheduleBook) -> None:
    book.add(NIGHTLY)
    clock, performed = Clock(NOW + DAY), Performed()
    scheduler = Scheduler(book, performed, clock, "one")
    first = asyncio.run(scheduler.begin_asked(NIGHTLY))
    second = asyncio.run(scheduler.begin_asked(NIGHTLY))
    assert (first.state, first.asked, first.planned_at) == ("done", True, clock.now)
    assert second.planned_at > first.planned_at
    looked(book, performed, clock)
    assert [run.asked for run in performed.runs] == [True, True, False], "what was planned is done as well"


def test_the_loop_sleeps_until_the_next_time_and_outlives_a_store_that_is_away(
    book: ScheduleBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.add(NIGHTLY)
    clock, performed, slept = Clock(datetime(2026, 11, 3, 2, 59, 57, tzinfo=UTC)), Performed(), list[float]()
    standing, away = book.standing, [True]

    def read(now: datetime) -> schedules.Standing:
        if away and slept:
            away.pop()
            raise StoreBusy("The store is held by another program.")
        return standing(now)

    async def sleep(seconds: float, stop: asyncio.Event) -> None:
        slept.append(seconds)
        clock.now += timedelta(seconds=seconds)
        await asyncio.sleep(0.001)
        if len(slept) == 4:
            stop.set()

    monkeypatch.setattr(book, "standing", read)

    async def served() -> None:
        scheduler = Scheduler(book, performed, clock, "one", sleep=sleep)
        await scheduler.serve(asyncio.Event())
        await scheduler.idle()

    asyncio.run(served())
    assert slept == [3.0, 10.0, 10.0, 10.0], "to the second of its time, then as the store was away, then as usual"
    assert [run.planned_at for run in performed.runs] == [datetime(2026, 11, 3, 3, tzinfo=UTC)]
    assert performed.runs[0].late == timedelta(seconds=10)

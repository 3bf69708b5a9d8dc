"""Schedules, runs and people in the store, on SQLite and Postgres: one run of each time, held by a lease."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from made_up_readings import DATABASES, NOW, new_url, server
from made_up_schedules import made_schedule

from customer_research.domain.person import Person
from customer_research.domain.schedule import Run, RunState
from customer_research.errors import UsageError
from customer_research.store import people, schedules
from customer_research.store.database import Store, open_store
from customer_research.store.people import People
from customer_research.store.schedules import ScheduleBook

pytestmark = pytest.mark.xdist_group("engines")

HOUR = timedelta(hours=1)
WEEKLY = made_schedule(request={"owner": "901", "note": "\0"}, failures_to="email:ada@example.com", since=NOW)
RUN = Run("weekly", NOW, "running", False, 0, NOW, "one", NOW + HOUR, 1, None, "", 0)


@pytest.fixture(scope="module", params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return new_url(server(request.param, tmp_path_factory.mktemp("schedules")))


@pytest.fixture(scope="module")
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def book(store: Store) -> ScheduleBook:
    with store.begin() as connection:
        connection.execute(sa.delete(schedules.schedule))
    found = ScheduleBook(store)
    found.add(WEEKLY)
    return found


def test_a_schedule_is_kept_whole(book: ScheduleBook) -> None:
    assert book.find("weekly") == WEEKLY
    assert book.all() == (WEEKLY,)
    assert book.find("daily") is None


def test_two_of_a_name_there_are_not(book: ScheduleBook) -> None:
    with pytest.raises(UsageError, match="There is a schedule 'weekly' already"):
        book.add(replace(WEEKLY, cron="0 9 * * 1"))
    assert book.all() == (WEEKLY,)


def test_what_was_planned_in_a_pause_does_not_count_after_it(book: ScheduleBook) -> None:
    later = NOW + 30 * HOUR
    assert book.pause("weekly", paused=True, now=NOW + HOUR) == replace(WEEKLY, paused=True)
    assert book.pause("weekly", paused=False, now=later) == replace(WEEKLY, since=later)
    again = book.pause("weekly", paused=False, now=later + HOUR)
    assert again.since == later, "one that is not paused is left as it is"


@pytest.mark.parametrize("what", ["pause", "remove"])
def test_one_that_is_not_there_is_named(book: ScheduleBook, what: str) -> None:
    with pytest.raises(UsageError, match="There is no schedule 'daily'"):
        book.pause("daily", paused=True, now=NOW) if what == "pause" else book.remove("daily")


def test_of_two_processes_one_has_the_run(url: str, book: ScheduleBook) -> None:
    with open_store(url) as other_store, ThreadPoolExecutor(8) as threads:
        books = [book, ScheduleBook(other_store)] * 4
        runs = [replace(RUN, worker=str(number)) for number in range(len(books))]
        won = list(threads.map(lambda one, run: one.put(run), books, runs))
    assert sum(won) == 1
    assert [run.worker for run in book.runs()] == [str(won.index(True))]


def test_a_run_is_kept_whole_and_ends_once(book: ScheduleBook) -> None:
    assert book.put(RUN)
    assert book.runs("weekly") == (RUN,)
    assert book.standing(NOW).running == {"weekly"}
    assert book.end(RUN, "partial", "Lago was silent.\0", NOW + HOUR, sent=3)
    (ended,) = book.runs()
    assert (ended.state, ended.sent, ended.ended_at, ended.lease_until) == ("partial", 3, NOW + HOUR, None)
    assert not book.end(RUN, "failed", "", NOW + HOUR), "it has ended"
    assert not book.renew(RUN, NOW + 2 * HOUR)
    assert not book.standing(NOW).running


def test_a_run_whose_lease_is_over_is_taken_over_by_one(book: ScheduleBook) -> None:
    assert book.put(RUN)
    assert book.standing(NOW + HOUR - timedelta.resolution).cut_off == ()
    assert book.renew(RUN, NOW + 2 * HOUR)
    assert book.standing(NOW + HOUR).cut_off == ()
    (lost,) = book.standing(NOW + 2 * HOUR).cut_off
    taken = book.take_over(lost, "two", NOW + 2 * HOUR, HOUR)
    assert taken is not None
    assert (taken.worker, taken.attempts, taken.lease_until) == ("two", 2, NOW + 3 * HOUR)
    assert book.take_over(lost, "three", NOW + 2 * HOUR, HOUR) is None, "another was faster"
    assert not book.renew(RUN, NOW + 9 * HOUR), "it is no longer that process's"
    assert not book.end(RUN, "done", "", NOW + 2 * HOUR)
    assert book.end(taken, "done", "", NOW + 2 * HOUR)


def test_a_run_of_a_schedule_that_is_gone_begins_and_ends_nothing(book: ScheduleBook) -> None:
    assert book.put(RUN)
    book.remove("weekly")
    assert not book.put(replace(RUN, planned_at=NOW + HOUR))
    assert not book.end(RUN, "done", "", NOW)
    assert book.runs() == ()


def test_what_people_asked_for_does_not_count_as_planned(book: ScheduleBook) -> None:
    assert book.put(replace(RUN, state="done", ended_at=NOW, lease_until=None))
    assert book.put(replace(RUN, planned_at=NOW + HOUR, asked=True))
    assert book.standing(NOW).last_planned == {"weekly": NOW}
    assert book.newest()["weekly"].planned_at == NOW + HOUR
    assert [run.asked for run in book.runs(most=1)] == [True]


def test_what_comes_after_is_found_once(book: ScheduleBook) -> None:
    book.add(replace(WEEKLY, name="then", cron="", after="weekly"))
    ended = replace(RUN, state="done", ended_at=NOW, lease_until=None)
    assert book.put(ended)
    assert book.put(replace(RUN, planned_at=NOW + HOUR))
    assert book.unfollowed("weekly", "then", NOW - HOUR) == (ended,), "one that is under way has nothing after it yet"
    assert book.unfollowed("weekly", "then", NOW) == (), "planned before"
    assert book.put(replace(ended, schedule="then"))
    assert book.unfollowed("weekly", "then", NOW - HOUR) == ()


def test_old_runs_are_removed_and_those_under_way_are_not(book: ScheduleBook) -> None:
    for number in range(6):
        state: RunState = "running" if number == 0 else "done"
        assert book.put(replace(RUN, planned_at=NOW + number * HOUR, state=state))
    assert book.prune(kept=2) == 3
    assert [run.planned_at for run in book.runs()] == [NOW + number * HOUR for number in (5, 4, 0)]
    assert book.prune(kept=2) == 0


# -- people ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def persons(store: Store) -> People:
    with store.begin() as connection:
        connection.execute(sa.delete(people.person))
    return People(store)


def test_a_person_is_kept_whole_and_found_in_any_case(persons: People) -> None:
    made = Person("ada@example.com", "Ada\0", "901", "slack:U01", "email:a@example.org", "Australia/Sydney")
    made = replace(made, muted={"digest": NOW, "alert": None})
    assert persons.change(" Ada@Example.com", lambda one: replace(made, email=one.email)) == made
    found = persons.find("ADA@example.com")
    assert found == replace(made, name="Ada\N{REPLACEMENT CHARACTER}")
    assert persons.owning("901") == (found,)
    assert persons.owning("") == ()
    assert persons.all() == (found,)
    assert persons.find("grace@example.com") is None


def test_changes_at_once_are_all_kept(url: str, persons: People) -> None:
    def muted(kind: str) -> None:
        with open_store(url) as store:
            People(store).change("ada@example.com", lambda one: replace(one, muted={**one.muted, kind: None}))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(muted, ("digest", "alert", "brief", "reminder")))
    found = persons.find("ada@example.com")
    assert found is not None
    assert set(found.muted) == {"digest", "alert", "brief", "reminder"}


def test_who_is_forgotten_is_gone(persons: People) -> None:
    persons.change("ada@example.com", lambda one: one)
    assert persons.forget("ADA@example.com")
    assert not persons.forget("ada@example.com")
    assert persons.all() == ()

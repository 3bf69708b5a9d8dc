"""Alerts in the store, on SQLite and on a real Postgres: raised once whoever judges, kept for ever, marked by people."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alert_cases import at, rules_of
from made_up_readings import DATABASES, new_url, server

from customer_research.domain.alert import AlertState, Change, Episode, Grounds, Key, Observation
from customer_research.errors import StoreError, UsageError
from customer_research.health.alerts.episodes import Teller, advance
from customer_research.health.alerts.rules import AlertRule
from customer_research.store.alerts import PROGRAM, AlertBook, SnapshotJudgement
from customer_research.store.database import Store, open_store

pytestmark = pytest.mark.xdist_group("engines")
RULES = rules_of(
    'id = "low"\nkind = "dimension"\ndimension = "score"\nside = "low"\nraise_at = 29\nclear_at = 40\ncool_down_days = 0'
).rules
NOW = at(100)


class Words(Teller):
    def told(self, rule: AlertRule, subject: str) -> Grounds:
        return Grounds(f"Because of {subject}\0.", {"mrr_usd": 19_900, "trend": -0.5, "gone": None})

    def cleared(self, rule: AlertRule, subject: str) -> str:
        return "It no longer holds."


@pytest.fixture(scope="module", params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return server(request.param, tmp_path_factory.mktemp("stores"))


@pytest.fixture
def url(place: str) -> str:
    return new_url(place)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def book(store: Store) -> AlertBook:
    return AlertBook(store)


def seen(week: int) -> Observation:
    return Observation(at(7 * week), f"snapshot-{week}")


def judged(book: AlertBook, week: int, states: Mapping[str, AlertState], rules: str = "rules") -> SnapshotJudgement:
    def decide(last: Mapping[Key, Episode]) -> Iterable[Change]:
        return advance(RULES, {"low": states}, last, seen(week), Words())

    return book.record(seen(week), rules, decide, NOW)


def raised(book: AlertBook) -> Episode:
    (episode,) = judged(book, 0, {"op-1": "holds"}).of("raised")
    return episode


def test_what_people_did_is_told_from_one_instant_until_before_another(book: AlertBook) -> None:
    episode, days = raised(book), [at(day) for day in (101, 102, 103)]
    book.acknowledge(episode.id, who="ada", now=days[0])
    book.assign(episode.id, "grace", who="ada", now=days[1])
    book.snooze(episode.id, at(120), who="grace", now=days[2])
    kinds = ("acknowledged", "assigned", "snoozed")
    for begin in range(3):
        for end in range(3):
            assert tuple(one.kind for one in book.acts(days[begin], days[end])) == kinds[begin:end]
    assert tuple(one.kind for one in book.acts(at(0), at(200))) == kinds  # what the program did is no act


def test_an_episode_comes_back_as_it_was_kept(book: AlertBook) -> None:
    episode = raised(book)
    (kept,) = book.episodes()
    assert kept.told.because == "Because of op-1\N{REPLACEMENT CHARACTER}."
    assert (kept.id, kept.told.facts, kept.raised, kept.held) == (
        episode.id,
        episode.told.facts,
        episode.raised,
        episode.held,
    )
    assert book.episode(episode.id[:6]) == kept
    assert [(e.kind, e.who, e.at, e.seen) for e in book.events(episode.id)] == [("raised", PROGRAM, NOW, seen(0))]


def test_a_snapshot_is_judged_once_under_the_same_rules(book: AlertBook) -> None:
    raised(book)
    assert judged(book, 0, {"op-1": "holds", "op-2": "holds"}) == SnapshotJudgement("repeated")
    assert judged(book, 1, {"op-1": "holds"}).of("raised") == ()
    assert judged(book, 0, {"op-1": "clears"}) == SnapshotJudgement("repeated")
    assert judged(book, 0, {"op-2": "holds"}, rules="others") == SnapshotJudgement("older")
    assert judged(book, 1, {"op-2": "holds"}, rules="others").state == "done"
    assert book.newest() == seen(1)
    assert book.is_judged(seen(1), "others")
    assert not book.is_judged(seen(2), "rules")
    assert [episode.subject for episode in book.episodes()] == ["op-1", "op-2"]


def test_an_episode_ends_and_the_next_has_a_number_of_its_own(book: AlertBook) -> None:
    first = raised(book)
    judged(book, 1, {"op-1": "unknown"})
    (cleared,) = judged(book, 2, {"op-1": "clears"}).of("cleared")
    assert (cleared.id, cleared.cleared) == (first.id, seen(2))
    assert book.episodes() == ()
    (again,) = judged(book, 3, {"op-1": "holds"}).of("raised")
    assert again.number == 2
    assert [e.number for e in book.episodes(open_only=False, subject="op-1")] == [1, 2]
    assert [e.kind for e in book.events(first.id)] == ["raised", "cleared"]


def test_people_mark_alerts_and_judging_leaves_their_marks(book: AlertBook) -> None:
    episode = raised(book)
    until = NOW + timedelta(days=7)
    book.assign(episode.id, "Kim", who="Robin", now=NOW)
    book.acknowledge(episode.id, who="Kim", now=NOW)
    book.acknowledge(episode.id, who="Too Late", now=NOW)
    book.snooze(episode.id, until, who="Kim", now=NOW)
    judged(book, 1, {"op-1": "holds"})
    kept = book.episode(episode.id)
    assert (kept.assignee, kept.acknowledged_by, kept.acknowledged_at, kept.snoozed_until) == ("Kim", "Kim", NOW, until)
    assert kept.held == seen(1)
    assert [(e.kind, e.who, e.detail) for e in book.events(episode.id)][1:] == [
        ("assigned", "Robin", "Kim"),
        ("acknowledged", "Kim", ""),
        ("snoozed", "Kim", until.isoformat()),
    ]


def test_faults_are_told(book: AlertBook) -> None:
    episode = raised(book)
    for text, complaint in (("", "is no alert's id"), ("x' OR 1", "is no alert's id"), ("0123456789ab", "There is no")):
        with pytest.raises(UsageError, match=complaint):
            book.episode(text)
    judged(book, 1, {"op-1": "clears"})
    acts: list[Callable[[], Episode]] = [
        lambda: book.acknowledge(episode.id, who="Kim", now=NOW),
        lambda: book.snooze(episode.id, NOW, who="Kim", now=NOW),
        lambda: book.assign(episode.id, "Kim", who="Kim", now=NOW),
    ]
    for act in acts:
        with pytest.raises(UsageError, match="is over since 2026-01-12"):
            act()


def test_the_audit_cannot_be_rewritten(book: AlertBook, store: Store) -> None:
    raised(book)
    for statement in ("UPDATE alert_event SET who = 'somebody else'", "DELETE FROM alert_event"):
        with pytest.raises(StoreError), store.begin() as connection:
            connection.execute(sa.text(statement))
    assert book.events(book.episodes()[0].id)[0].who == PROGRAM


def test_the_database_itself_holds_one_open_episode_of_a_rule_and_subject(store: Store, book: AlertBook) -> None:
    raised(book)
    copied = "INSERT INTO alert_episode SELECT 'ffffffffffff', rule, subject, 2, name, title, severity, because, facts, raised_at, raised_in, held_at, held_in, cleared_at, cleared_in, cleared_because, acknowledged_at, acknowledged_by, snoozed_until, assignee FROM alert_episode"  # fmt: skip
    with pytest.raises(StoreError), store.begin() as connection:
        connection.execute(sa.text(copied))


def test_a_failure_while_deciding_keeps_nothing(book: AlertBook) -> None:
    def fails(last: Mapping[Key, Episode]) -> Iterable[Change]:
        yield from advance(RULES, {"low": {"op-1": "holds"}}, last, seen(0), Words())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        book.record(seen(0), "rules", fails, NOW)
    assert (book.episodes(), book.newest()) == ((), None)


def judge_at_once(url: str, barrier: object, results: object) -> None:
    """What each of several programs does at the same time."""
    with open_store(url) as store:
        barrier.wait()  # type: ignore[attr-defined]
        book = AlertBook(store)
        for week in range(5):
            state: AlertState = "clears" if week % 2 else "holds"
            found = judged(book, week, {f"op-{number}": state for number in range(40)})
            results.put((week, found.state, len(found.changes)))  # type: ignore[attr-defined]


def test_programs_that_judge_the_same_snapshots_raise_once(url: str) -> None:
    open_store(url).close()
    spawning = multiprocessing.get_context("spawn")
    barrier, results = spawning.Barrier(3), spawning.Queue()
    programs = [spawning.Process(target=judge_at_once, args=(url, barrier, results)) for _ in range(3)]
    for program in programs:
        program.start()
    found = [results.get(timeout=60) for _ in range(15)]
    for program in programs:
        program.join(60)
    assert [program.exitcode for program in programs] == [0] * 3
    assert sorted((week, count) for week, state, count in found if state == "done") == [(w, 40) for w in range(5)]
    with open_store(url) as store, store.read() as connection:
        kinds = connection.execute(sa.text("SELECT kind, COUNT(*) FROM alert_event GROUP BY kind ORDER BY kind")).all()
        assert [tuple(row) for row in kinds] == [("cleared", 80), ("raised", 120)]


def test_the_same_alert_has_the_same_id_in_another_store(tmp_path: Path) -> None:
    """Episodes are found by id wherever they are kept: the same alert has the same id in another store."""
    ids = []
    for name in ("one", "two"):
        with open_store(f"sqlite:///{tmp_path}/{name}.db") as opened:
            ids.append(raised(AlertBook(opened)).id)
    assert ids[0] == ids[1]

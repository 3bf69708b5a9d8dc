"""Score history in the store: what comes out is what went in, on SQLite and on Postgres."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import get_args

import hypothesis
import pytest
from hypothesis import strategies as st
from made_up_readings import DATABASES, DIGEST, NOW, many, new_url, reading, receipt, server, snapshot

from customer_research.domain.health import Band, Status
from customer_research.domain.history import BandCount, Past
from customer_research.domain.snapshot import Reading
from customer_research.errors import StoreError
from customer_research.store import history as module
from customer_research.store.database import Store, open_store
from customer_research.store.history import History, average

pytestmark = pytest.mark.xdist_group("engines")

WEEK = timedelta(days=7)


@pytest.fixture(scope="module", params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return server(request.param, tmp_path_factory.mktemp("stores"))


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with open_store(new_url(place)) as opened:
        yield opened


@pytest.fixture
def history(store: Store) -> History:
    return History(store)


def names(least: int = 0) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=least, max_size=12)


POINTS = st.dictionaries(
    st.text(string.ascii_letters + string.digits, min_size=1, max_size=6),
    st.none() | st.integers(-100, 100),
    max_size=9,
)


@st.composite
def drawn_readings(draw: st.DrawFn) -> list[Reading]:
    of = snapshot()
    ids = draw(st.lists(names(1), max_size=7, unique=True))
    return [
        reading(
            of,
            operator_id=operator_id,
            name=draw(names()),
            status=draw(st.sampled_from(get_args(Status))),
            score=draw(st.none() | st.integers(0, 100)),
            band=draw(st.sampled_from(get_args(Band))),
            band_before_gates=draw(st.sampled_from(get_args(Band))),
            coverage=draw(st.floats(0, 1)),
            dimensions=draw(POINTS),
            contributions=draw(POINTS),
            gates=tuple(draw(st.lists(names(1), max_size=3))),
            findings=tuple(draw(st.lists(names(1), max_size=3))),
            unknown=tuple(draw(st.lists(names(1), max_size=3))),
        )
        for operator_id in ids
    ]


@hypothesis.given(drawn=drawn_readings())
@hypothesis.settings(max_examples=20, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_readings_come_out_as_they_went_in(history: History, drawn: list[Reading]) -> None:
    of = snapshot(operators=len(drawn))
    history.forget([of.id])
    assert history.save(of, drawn)
    assert list(map(exactly, sorted(history.readings(of.id), key=by_id))) == list(
        map(exactly, sorted(drawn, key=by_id))
    )
    for one in drawn:
        assert history.series(one.operator_id) == (Past(of, one),)
    assert history.operators(of.id) == {one.operator_id: one.name for one in drawn}
    counts = history.counts().get(of.id, ())
    assert sum(line.operators for line in counts) == len(drawn)
    scores = [one.score for one in drawn if one.score is not None and one.band != "outside"]
    assert average(counts) == (sum(scores) / len(scores) if scores else None)


def by_id(one: Reading) -> str:
    return one.operator_id


def exactly(one: Reading) -> tuple[Reading, list[str], list[str]]:
    """A reading with the order of its mappings, which equality leaves out."""
    return one, list(one.dimensions), list(one.contributions)


def test_snapshots_come_out_as_they_went_in_whatever_zone_their_instants_were_told_in(history: History) -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    of = snapshot(tokyo, receipts=(receipt("a"), receipt("b", truncated=True, parameters=())), gaps=())
    assert history.save(of, many(of))
    assert history.snapshot(of.id) == of
    assert history.snapshot("0" * 16) is None
    (kept,) = history.snapshots()
    assert kept.as_of.utcoffset() == timedelta(0)


def test_an_instant_without_a_zone_is_refused(history: History) -> None:
    of = snapshot(datetime(2026, 11, 1))  # noqa: DTZ001 - the fault
    with pytest.raises(StoreError):
        history.save(of, many(of))
    assert history.snapshots() == ()


def test_the_same_snapshot_is_kept_once(history: History) -> None:
    of = snapshot()
    assert history.save(of, many(of))

    class Untouched:
        def __iter__(self) -> Iterator[Reading]:
            raise AssertionError("What is kept already need not be read.")

    assert not history.save(replace(of, kind="backfill"), Untouched())
    assert history.snapshots() == (of,)


@pytest.mark.parametrize("fault", ["too few", "too many", "another snapshot's", "twice", "broken off"])
def test_readings_that_are_not_the_snapshots_leave_nothing_behind(history: History, fault: str) -> None:
    of, other = snapshot(operators=5), snapshot(NOW + WEEK)

    def faulty() -> Iterator[Reading]:
        right = many(of)
        yield from right[:4]
        if fault == "broken off":
            raise ConnectionError
        yield from {
            "too few": [],
            "too many": [right[4], reading(of, 99)],
            "another snapshot's": [reading(other, 4)],
            "twice": [right[0]],
        }[fault]

    with pytest.raises(ConnectionError if fault == "broken off" else StoreError):
        history.save(of, faulty())
    assert history.snapshots() == ()
    assert history.series("operator-00001") == ()
    assert history.save(of, many(of))


def test_more_readings_than_one_batch(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 7)
    of = snapshot(operators=30)
    history.save(of, many(of))
    later = snapshot(NOW + WEEK, operators=30)
    history.save(later, many(later))
    assert list(history.readings(of.id)) == many(of)
    assert [one.band for one in history.readings(of.id, band="critical")] == ["critical"] * 7
    assert history.forget([of.id, later.id]) == 2


def test_windows_are_half_open_and_the_newest_is_the_last_taken(history: History) -> None:
    weeks = [snapshot(NOW - WEEK * week) for week in range(4)]
    other = snapshot(NOW, digest="e" * 64, taken_at=NOW + WEEK)
    for of in (*weeks, other):
        history.save(of, many(of))
    assert history.snapshots(since=NOW - WEEK * 2, until=NOW) == (weeks[2], weeks[1])
    assert history.snapshots() == (weeks[3], weeks[2], weeks[1], weeks[0], other)
    assert history.snapshots(digest=other.digest) == (other,)
    assert history.latest() == other
    assert history.latest(digest=DIGEST) == weeks[0]
    assert [past.snapshot for past in history.series("operator-00001", since=NOW - WEEK)] == [weeks[1], weeks[0], other]
    assert [past.snapshot for past in history.series("operator-00001", until=NOW, digest=DIGEST)] == weeks[:0:-1]
    assert list(history.counts(since=NOW)) == [weeks[0].id, other.id]


def test_counts_say_where_operators_stand(history: History) -> None:
    of = snapshot(operators=3)
    lines = [
        reading(of, 1, band="healthy", score=90),
        reading(of, 2, band="healthy", score=81),
        reading(of, 3, band="insufficient", score=None, status="onboarding"),
    ]
    history.save(of, lines)
    counts = history.counts()[of.id]
    assert counts == (BandCount("active", "healthy", 2, 2, 171), BandCount("onboarding", "insufficient", 1, 0, 0))
    assert average(counts) == 85.5


def test_an_operator_keeps_the_names_it_had(history: History) -> None:
    then, now = snapshot(NOW - WEEK, operators=1), snapshot(operators=1)
    history.save(then, [reading(then, 1, name="Old Limo")])
    history.save(now, [reading(now, 1, name="New Limo")])
    assert [past.reading.name for past in history.series("operator-00001")] == ["Old Limo", "New Limo"]


def test_what_is_forgotten_takes_along_what_only_it_needed(history: History, store: Store) -> None:
    weeks = [snapshot(NOW - WEEK * week, operators=2) for week in range(3)]
    for number, of in enumerate(weeks):
        history.save(of, [reading(of, 1), reading(of, 2 + number)])
    assert history.forget([weeks[0].id, weeks[1].id, "unknown"]) == 2
    assert history.snapshots() == (weeks[2],)
    with store.read() as connection:
        left = {
            table: connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar()
            for table in ("operator", "reading", "receipt")
        }
    assert left == {"operator": 2, "reading": 2, "receipt": 2}


def test_scorecards_are_kept_as_they_were(history: History) -> None:
    text = 'name = "canonical"\n# é\n'
    history.save_scorecard(DIGEST, "canonical", text)
    history.save_scorecard(DIGEST, "canonical", "something else")
    assert history.scorecard(DIGEST) == text
    with pytest.raises(StoreError, match="no scorecard"):
        history.scorecard("f" * 64)

"""Lines of books in the store, on SQLite and on a real Postgres: what was written is read, in the order of need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from made_up_readings import DATABASES, DIGEST, NOW, many, new_url, reading, server, snapshot

from customer_research.domain.book import PlannedMeeting
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.line import Line, Step
from customer_research.domain.money import Money
from customer_research.domain.report import Freshness
from customer_research.domain.snapshot import NOT_JUDGED, SCORING, Snapshot
from customer_research.store.books import KEPT, Books, write
from customer_research.store.database import Store, open_store
from customer_research.store.history import History
from customer_research.store.weeks import NONE

pytestmark = pytest.mark.xdist_group("engines")
DAY = date(2026, 11, 1)
FRESHNESS = (
    Freshness("lago", "ok", NOW, None),
    Freshness("notion", "missing", None, None, (Gap("notion", "denied", "No.", "Ask.", ""),), "Old."),
)


@pytest.fixture(scope="module", params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return server(request.param, tmp_path_factory.mktemp("stores"))


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with open_store(new_url(place)) as opened:
        yield opened


def line(of: Snapshot, number: int, **changes: object) -> Line:
    told = Line(
        operator_id=f"operator-{number:05}",
        name=f"Limo {number}",
        owner_id="",
        owner="",
        segment="SMB",
        status="active",
        band="monitor",
        score=70,
        highest=None,
        health="70 Monitor",
        mrr=(Money("USD", 100 * number),),
        worth=100 * number,
        level="this_week",
        sooner=False,
        until=DAY + timedelta(days=7),
        because="Usage falls.",
        act="Call.",
        by="CSM",
        basis={"health": of.receipts, "mrr": of.receipts[:1]},
    )
    own = 60 + number if number < of.operators else None  # as `many` has it
    return replace(told, weeks=(*NONE[:-1], own), **changes)  # type: ignore[arg-type]


def kept(store: Store, of: Snapshot, *lines: Line, meetings: tuple[PlannedMeeting, ...] = ()) -> None:
    History(store).save(
        of,
        many(of),
        lambda connection, number: write(
            connection,
            number,
            of,
            made_with="these",
            present=len(lines),
            meetings=meetings,
            freshness=FRESHNESS,
            lines=lines,
        ),
    )


def test_lines_come_back_as_they_were_the_most_urgent_first_and_then_by_mrr(store: Store) -> None:
    of = snapshot()
    lines = (
        line(of, 1, owner_id="7", owner="Ida"),
        line(of, 2, owner_id="7", owner="Ida", mrr=None, worth=None),
        line(of, 3, level="watch", until=None, because="Nothing."),
        line(of, 4, owner_id="8", owner="Ana", level="now", ends_on=DAY, band="critical", score=None, highest=80),
        line(of, 5, mrr=(Money("CAD", 5), Money("USD", 7)), renews_on=DAY, bills_on=DAY, link="http://x/1", trend=-0.5),
    )
    meeting = PlannedMeeting(
        lines[0].operator_id, "Limo 1", "Review", datetime(2026, 11, 3, tzinfo=UTC), of.receipts[0]
    )
    kept(store, of, *lines, meetings=(meeting,))
    books = Books(store)
    ready = books.ready(of)
    assert ready is not None
    assert (ready.present, ready.meetings, ready.freshness) == (5, (meeting,), FRESHNESS)
    assert books.lines(ready) == (lines[3], lines[4], lines[0], lines[1], lines[2])
    assert books.lines(ready, {"7"}) == (lines[0], lines[1])
    assert books.lines(ready, needed=True, most=2) == (lines[3], lines[4])
    assert (books.counts(ready), books.counts(ready, {"8"}), books.counts(ready, set())) == ((5, 4), (1, 1), (0, 0))
    assert books.dated(ready, None, ("ends_on",), DAY, DAY + timedelta(days=1)) == (lines[3],)
    assert books.dated(ready, {"8"}, ("renews_on", "bills_on"), DAY, DAY + timedelta(days=1)) == ()
    assert books.dated(ready, None, ("renews_on",), DAY - timedelta(days=1), DAY) == ()


def test_all_of_a_line_comes_back_and_what_choices_need_without_the_rest(store: Store) -> None:
    of = snapshot()
    step = Step(
        "Call.",
        "CSM",
        "Usage falls.",
        "high",
        "by 2026-11-08",
        (
            Fact((Money("USD", 5),), "money", of.receipts, of.as_of, "mrr", "known of 1"),
            Fact(DAY, "date", of.receipts[:1], of.as_of, "renewal_date"),
            Fact(NOW, "timestamp", of.receipts[:1], of.as_of, "last_contact_at"),
            Fact(0.5, "ratio", of.receipts[:1], of.as_of, "usage_trend"),
        ),
    )
    gap = Gap("lago", "unavailable", "Lago did not answer.", "Run sync again.", "subscription_ends_on")
    whole = line(
        of, 1, owner="Ida", owner_id="7", step=step, gaps={"ends_on": gap}, findings=("R1", "R9"), usd=100, attention=2
    )
    gone = line(of, 2, status="churned", band="outside", owner="Zoe", owner_id="9", mrr=None, worth=None, name="a\0b")
    kept(store, of, whole, gone)
    books = Books(store)
    ready = books.ready(of)
    assert ready is not None
    assert ready.made_with == "these"
    assert books.lines(ready) == (whole,)
    assert whole.unknown == ("ends_on",)
    shown = replace(gone, name="a\N{REPLACEMENT CHARACTER}b")
    assert books.named(ready, [gone.operator_id, "nobody", whole.operator_id]) == {
        gone.operator_id: shown,
        whole.operator_id: whole,
    }
    assert list(books.named(ready, [gone.operator_id, whole.operator_id])) == [gone.operator_id, whole.operator_id]
    standings = {one.operator_id: one for one in books.standings(ready)}
    for one in (whole, shown):
        told = standings[one.operator_id]
        assert all(getattr(told, field.name) == getattr(one, field.name) for field in fields(told))
    assert books.people(ready) == (("7", "Ida"), ("9", "Zoe"))
    assert [owner.name for owner in books.owners(ready)] == ["Ida"]
    assert books.owners(ready)[0].days_unknown == {"ends_on": 1, "renews_on": 0, "bills_on": 0, "next": 1}
    assert books.ids(ready) == {whole.operator_id}
    assert books.counts(ready) == (1, 1)


def test_owners_stand_by_name_and_last_the_book_of_nobody(store: Store) -> None:
    of = snapshot()
    kept(
        store,
        of,
        line(of, 1, owner_id="7", owner="Ida", band="at_risk"),
        line(of, 2, owner_id="7", owner="Ida", mrr=None, level="this_month"),
        line(of, 3),
        line(of, 4, owner_id="9", owner="ana", mrr=(Money("CAD", 5), Money("USD", 0))),
    )
    books = Books(store)
    ready = books.ready(of)
    assert ready is not None
    found = [(one.name, one.operators, one.soon, one.at_risk, one.mrr, one.mrr_unknown) for one in books.owners(ready)]
    assert found == [
        ("ana", 1, 1, 0, (Money("CAD", 5),), 0),
        ("Ida", 2, 1, 1, (Money("USD", 100),), 1),
        ("", 1, 1, 0, (Money("USD", 300),), 0),
    ]


def test_lines_are_kept_of_the_newest_snapshots_and_go_with_their_snapshot(store: Store) -> None:
    every = [snapshot(NOW + timedelta(days=at)) for at in range(KEPT + 2)]
    for of in every:
        kept(store, of, line(of, 1))
    books = Books(store)
    assert [books.ready(of) is not None for of in every] == [False, False, *[True] * KEPT]
    History(store).forget([every[-1].id])
    assert books.ready(every[-1]) is None
    kept(store, every[-1], line(every[-1], 2))
    ready = books.ready(every[-1])
    assert ready is not None
    assert [one.name for one in books.lines(ready)] == ["Limo 2"]


def test_who_looks_again_at_a_snapshot_is_told_of_the_one_before_it(store: Store) -> None:
    books = Books(store)
    seen = [books.looked("7", one, NOW) for one in ("a", "a", "b", "b", "c")]
    assert seen == ["", "", "a", "a", "b"]
    assert books.looked("8", "c", NOW) == ""


def test_snapshots_differ_in_those_who_stand_otherwise(store: Store) -> None:
    then, now = snapshot(operators=3), snapshot(NOW + timedelta(days=1), operators=3)
    history = History(store)
    history.save(then, many(then))
    moved = [replace(one, score=1) if at == 1 else one for at, one in enumerate(many(now))]
    history.save(now, moved)
    before, after = history.standings(then.id), history.standings(now.id)
    assert [one for one in after if before[one] != after[one]] == [moved[1].operator_id]
    assert history.standings(now.id, {moved[1].operator_id}) == {moved[1].operator_id: after[moved[1].operator_id]}
    assert list(history.readings(now.id, operator_ids=[moved[1].operator_id])) == [moved[1]]
    assert history.latest(scorecard="canonical") == now
    assert history.latest(scorecard="retention") is None


def test_a_line_has_the_settled_scores_of_its_weeks_and_learns_of_those_that_come_later(store: Store) -> None:
    week, history, now = timedelta(days=7), History(store), snapshot()

    def scored(at: datetime, score: int | None, **changes: object) -> None:
        of = snapshot(at, digest=str(changes.pop("digest", DIGEST)), operators=1)
        history.save(of, [reading(of, 1, score=score, **changes)])

    scored(NOW - 26 * week, 11)  # before the first of the weeks
    scored(NOW - 25 * week, 12)
    scored(NOW - 4 * week, 13)
    scored(NOW - 3 * week - timedelta(days=2), 14)
    scored(NOW - 3 * week - timedelta(days=1), 15)  # the newest of its week counts
    scored(NOW - 2 * week, 16, highest=90)  # open: not known
    scored(NOW - week, 17, digest="e" * 64)  # by another scorecard
    scored(NOW - timedelta(days=1), 18)  # of the present week, which is the snapshot's own
    kept(store, now, line(now, 1), line(now, 2))
    books = Books(store)
    ready = books.ready(now)
    assert ready is not None
    other, one = books.lines(ready)
    assert one.weeks == (12, *[None] * 20, 13, 15, None, None, 61)
    assert other.weeks == (*NONE[:-1], 62)
    scored(NOW - 5 * week, None)
    scored(NOW - 6 * week, 19)
    scored(NOW - 7 * week, 20, dimensions={"payment": 85, "engagement": 70, "support": 100})  # more was known then
    assert books.kept() == (now.id,)
    books.renew_weeks([now])
    unchanged, renewed = books.lines(ready)
    assert renewed.weeks == (12, *[None] * 18, 19, None, 13, 15, None, None, 61)
    assert unchanged == other


def test_weeks_that_the_present_cannot_be_held_against_stand_without_it(store: Store) -> None:
    week, history, now = timedelta(days=7), History(store), snapshot()
    past = Receipt("p", SCORING, "score", "", NOW, 1, "0" * 64, parameters=((NOT_JUDGED, "members nps"),))
    for back, score in ((3, 40), (2, 45), (1, 50)):
        of = snapshot(NOW - back * week, operators=1, receipts=(past,))
        history.save(of, [reading(of, 1, score=score)])
    kept(store, now, line(now, 1), line(now, 2))
    ready = Books(store).ready(now)
    assert ready is not None
    other, one = Books(store).lines(ready)
    assert one.weeks == (*[None] * 22, 40, 45, 50, None)
    assert other.weeks == (*NONE[:-1], 62)

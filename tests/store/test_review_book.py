"""Reviews in both kinds of store: kept once, changed, taken away, and forgotten to the last byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from made_up_readings import DATABASES, new_url, server

from customer_research.domain.evidence import Receipt
from customer_research.domain.match import MatchDecision
from customer_research.domain.review import REVIEW, PlaceOfOperator, Review, Reviewed
from customer_research.errors import StoreBusy
from customer_research.store import database
from customer_research.store.database import Store, open_store
from customer_research.store.matches import MatchBook
from customer_research.store.reviews import Forgotten, Kept, PullMark, ReviewBook

NOW = datetime(2026, 11, 2, tzinfo=UTC)
PLANTED = "plantedwords"

pytestmark = pytest.mark.xdist_group("engines")


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(new_url(server(request.param, tmp_path_factory.mktemp("reviews")))) as opened:
        yield opened


def made(number: str, place: str = "G2", **changes: object) -> Review:
    one = Review(
        about="us",
        place=place,
        number=number,
        firm=Reviewed(company=f"{PLANTED} Limousine"),
        rating=4.5,
        best=5.0,
        title=f"{PLANTED} title",
        words=f"{PLANTED} words",
        url="https://www.g2.com/1",
        written_on=date(2026, 10, 1),
        licence="a contract",
        fetched_at=NOW,
        receipt=f"r-{place}",
        operator_id="op-1",
        matched_by="domain",
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def proof(place: str = "G2") -> Receipt:
    return Receipt(f"r-{place}", "g2", "reviews", f"GET /reviews {PLANTED}", NOW, 1, "0" * 64, parameters=(("a", "b"),))


def test_a_review_is_kept_once_and_what_differs_is_told(store: Store) -> None:
    book = ReviewBook(store)
    first, second = made("1"), made("2", rating=None, operator_id="", matched_by="")
    assert book.keep((first, second), (proof(),)) == Kept(new=2, changed=0, same=0, gone=0)
    assert book.reviews() == tuple(sorted((first, second), key=lambda one: one.id, reverse=True))
    assert book.receipts(["r-G2"]) == (proof(),)
    edited = replace(first, words="other words", fetched_at=NOW + timedelta(days=1))
    later = replace(second, fetched_at=NOW + timedelta(days=1))
    assert book.keep((edited, later), (proof(),)) == Kept(new=0, changed=1, same=1, gone=0)
    assert book.of_operator("op-1") == (edited,)
    assert book.of_operator("op-1", [second.id]) == book.reviews()
    assert book.keep((), (), gone=[edited.id, "0" * 16]) == Kept(0, 0, 0, gone=1)


def test_what_a_source_brought_is_told_apart_from_what_came_in_files(store: Store) -> None:
    book = ReviewBook(store)
    book.forget("G2")
    file = replace(proof(), id="r-file", source="file")
    book.keep((made("1"), made("3", receipt="r-file"), made("1", "Capterra", receipt="r-file")), (proof(), file))
    assert book.brought_by("g2") == {made("1").id}
    mark = PullMark(NOW, NOW)
    kept = book.keep((made("2"),), (proof(),), gone=[made("1").id], mark=("G2", "p", mark))
    assert kept == Kept(new=1, changed=0, same=0, gone=1)
    assert made("3").id in {one.id for one in book.reviews()}
    assert (book.mark("G2", "p"), book.mark("G2", "another")) == (mark, None)
    book.keep((made("1", about="operator"),), (proof(),))
    assert [one.about for one in book.reviews(about="operator")] == ["operator"]
    assert [one.place for one in book.reviews(place="CAPTERRA ")] == ["Capterra"]


def test_what_no_database_can_hold_is_kept_readable_and_found_again(store: Store) -> None:
    book = ReviewBook(store)
    odd = made("a\0b\ud800", "Odd\0 place", words="x\0y\udfff", firm=Reviewed(company="\ud83d Cars"))
    for _ in range(2):
        book.keep((odd,), ())
    (kept,) = book.reviews(place="odd\N{REPLACEMENT CHARACTER} place")
    assert kept.id == odd.id
    assert kept.words == "x\N{REPLACEMENT CHARACTER}y\N{REPLACEMENT CHARACTER}"


def test_a_place_at_google_is_its_id_and_who_confirmed_it(store: Store) -> None:
    book = ReviewBook(store)
    found = PlaceOfOperator("op-9", "ChIJ-1", "ada", NOW)
    book.confirm_place(replace(found, place_id="older"))
    book.confirm_place(found)
    assert book.place("op-9") == found
    assert (book.forget_place("op-8"), book.forget_place("op-9"), book.place("op-9")) == (0, 1, None)


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_of_a_place_that_is_forgotten_no_byte_is_left_and_others_stand(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        book = ReviewBook(opened)
        other = made("1", "Capterra", title="kept", words="kept", firm=Reviewed(company="kept"), receipt="r-other")
        book.keep([made(str(number)) for number in range(50)], (proof(),), mark=("G2", "p", PullMark(NOW, NOW)))
        book.keep((other,), (replace(proof(), id="r-other", query="GET kept"),))
        MatchBook(opened).decide(MatchDecision(REVIEW, made("1").id, "op-1", "confirmed", "ada", NOW, PLANTED))
        assert PLANTED.encode() in bytes_of(tmp_path)
        assert book.forget("g2") == Forgotten(50)
        assert PLANTED.encode() not in bytes_of(tmp_path)
        assert book.reviews() == (other,)
        assert [one.id for one in book.receipts(["r-G2", "r-other"])] == ["r-other"]
        assert MatchBook(opened).decisions() == ()
        assert book.mark("G2", "p") is None
    assert PLANTED.encode() not in bytes_of(tmp_path)


def test_where_another_program_still_reads_it_is_told_that_bytes_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(url) as opened, open_store(url) as other:
        ReviewBook(opened).keep((made("1"),), (proof(),))
        with other.read() as reading:
            reading.exec_driver_sql("SELECT count(*) FROM review").fetchall()
            with pytest.raises(StoreBusy, match="still in its files"):
                ReviewBook(opened).forget("G2")
        assert ReviewBook(opened).forget("G2") == Forgotten(0)
    assert PLANTED.encode() not in bytes_of(tmp_path)

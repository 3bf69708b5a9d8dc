"""Company facts in both kinds of store: kept, too old, shared, forgotten without a byte left; credits reserved before they are spent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from made_up_readings import DATABASES, new_url, server

from customer_research.domain.evidence import Receipt
from customer_research.domain.firm import FirmFact
from customer_research.domain.match import CERTAIN
from customer_research.errors import StoreBusy
from customer_research.store import database
from customer_research.store.database import Store, open_store
from customer_research.store.firms import FirmBook, Holding, Spent

NOW = datetime(2026, 11, 2, tzinfo=UTC)
PLANTED = "zebra-crossing-limousine"
RECEIPT = Receipt("r1", "seller", "company", f"GET /?name={PLANTED}", NOW, 1, "d", parameters=(("a", "b"),))
FACT = FirmFact(
    operator_id="op-1",
    field="industry",
    value=PLANTED,
    unit="word",
    provider="seller",
    provider_id=f"id-{PLANTED}",
    licence="while it runs",
    likelihood=0.9,
    matched_by="domain",
    observed_at=None,
    fetched_at=NOW,
    expires_at=NOW + timedelta(days=10),
    is_erased=True,
    receipt=RECEIPT,
)

pytestmark = pytest.mark.xdist_group("engines")


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with open_store(new_url(server(request.param, tmp_path))) as opened:
        yield opened


@pytest.fixture
def book(store: Store) -> FirmBook:
    return FirmBook(store)


def test_facts_are_kept_as_they_were_and_replaced_one_by_one_or_whole(book: FirmBook) -> None:
    count = replace(FACT, field="headcount", value=12, unit="count", likelihood=None, observed_at=NOW)
    book.keep([FACT, count])
    assert book.of() == book.of("op-1") == (count, FACT)
    assert book.of("op-2") == ()
    book.keep([replace(count, value=13)])
    assert [one.value for one in book.of()] == [13, PLANTED]
    book.keep([count], whole=[("op-1", "seller")])
    assert book.of() == (count,)
    book.keep([], whole=[("op-1", "seller")])
    assert book.of() == ()


def test_one_record_that_stands_for_two_operators_is_certain_for_neither(book: FirmBook) -> None:
    other = replace(FACT, operator_id="op-2", provider="other")
    book.keep([FACT, other, replace(other, operator_id="op-3", provider_id="")])
    assert all(one.confidence >= CERTAIN and not one.is_shared for one in book.of())
    book.keep([replace(FACT, operator_id="op-2")])
    told = {(one.operator_id, one.provider): one for one in book.of()}
    for operator in ("op-1", "op-2"):
        assert told[operator, "seller"].is_shared
        assert told[operator, "seller"].confidence < CERTAIN
    assert not told["op-2", "other"].is_shared


def test_a_value_is_deleted_on_its_day_where_the_licence_asks(book: FirmBook) -> None:
    free = replace(FACT, provider="register", is_erased=False)
    book.keep([FACT, free])
    assert book.erase(NOW + timedelta(days=9)) == 0
    assert book.erase(NOW + timedelta(days=10)) == 1
    kept, gone = book.of()
    assert (kept.value, gone.value, gone.provider_id) == (PLANTED, None, "")
    assert gone.is_stale(NOW)
    assert PLANTED not in repr(gone)
    assert book.erase(NOW + timedelta(days=99)) == 0
    assert book.holdings()["seller"] == Holding(0, 1, 0)


def test_a_miss_is_kept_until_its_day_and_ends_with_a_find(book: FirmBook) -> None:
    until = NOW + timedelta(days=90)
    book.keep([FACT])
    book.miss("seller", "op-1", "digest", "not there", now=NOW, until=until)
    assert book.of() == ()
    assert book.misses("seller", until - timedelta(seconds=1)) == {"op-1": "digest"}
    assert book.misses("seller", until) == book.misses("other", NOW) == {}
    book.keep([FACT])
    assert book.misses("seller", NOW) == {}


def test_of_a_budget_of_ten_ten_are_reserved_whoever_asks_at_the_same_time(book: FirmBook) -> None:
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: book.reserve("seller", NOW, 1, 10), range(16)))
    assert sum(got) == 10
    assert book.spent("seller", NOW) == Spent(0, 10)
    book.settle("seller", NOW, 1, 0)
    assert book.reserve("seller", NOW, 1, 10)
    book.settle("seller", NOW, 1, 1)
    assert not book.reserve("seller", NOW, 1, 10)
    assert book.spent("seller", NOW) == Spent(1, 9)
    december = NOW + timedelta(days=30)
    assert book.reserve("seller", december, 1, 1)
    assert not book.reserve("seller", december, 1, 1)
    assert not book.reserve("other", NOW, 1, 0)


def test_forgetting_a_provider_leaves_the_others_and_what_was_spent(book: FirmBook) -> None:
    book.reserve("seller", NOW, 1, 5)
    other = replace(FACT, provider="other")
    book.keep([FACT, other])
    book.miss("seller", "op-2", "digest", PLANTED, now=NOW, until=NOW + timedelta(days=1))
    assert book.forget("seller") == Holding(1, 1, 1)
    assert book.of() == (other,)
    assert book.spent("seller", NOW) == Spent(0, 1)


def test_no_byte_stays_in_a_file_of_what_was_forgotten_replaced_or_deleted_on_its_day(tmp_path: Path) -> None:
    def found() -> list[str]:
        return [path.name for path in tmp_path.iterdir() if PLANTED.encode() in path.read_bytes()]

    url = f"sqlite:///{tmp_path / 'store.db'}"
    many = [replace(FACT, operator_id=f"op-{number}", value=f"{PLANTED} {number}") for number in range(300)]
    with open_store(url) as store:
        store._engine.dispose()  # whatever SQLite does here by itself
        sa.event.listen(store._engine, "connect", lambda made, _: made.execute("PRAGMA secure_delete = OFF"))
        book = FirmBook(store)
        book.keep(many)
        assert found()
        book.keep([replace(one, value="short") for one in many[:100]])
        assert book.erase(NOW + timedelta(days=10)) == 300
    assert found() == []
    with open_store(url) as store:
        book = FirmBook(store)
        book.keep(many)
        book.miss("seller", "op-500", "digest", PLANTED, now=NOW, until=NOW)
        book.forget("seller")
        assert found() == []
    assert found() == []


def test_a_store_that_another_program_reads_is_not_said_to_be_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(url) as store, open_store(url) as other:
        FirmBook(store).keep([FACT])
        with other.read() as reading:
            reading.execute(sa.text("SELECT * FROM firm_fact")).first()
            with pytest.raises(StoreBusy):
                FirmBook(store).forget("seller")
        assert FirmBook(store).forget("seller") == Holding(0, 0, 0)
    assert not [path for path in tmp_path.iterdir() if PLANTED.encode() in path.read_bytes()]

"""What people record of accounts: kept once, taken back by another record, never rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from made_up_readings import DATABASES, NOW, new_url, server

from customer_research.domain.outcome import Outcome
from customer_research.errors import StoreError, UsageError
from customer_research.store.database import Store, open_store
from customer_research.store.outcomes import OutcomeBook

pytestmark = pytest.mark.xdist_group("engines")


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(new_url(server(request.param, tmp_path_factory.mktemp("outcomes")))) as opened:
        yield opened


def churn(operator: str, **changes: object) -> Outcome:
    values = {
        "id": "",
        "kind": "churn",
        "operator_id": operator,
        "name": "Élan \U0001f698 Limo",
        "on": date(2026, 9, 1),
        "what": "price",
        "who": "Kim",
        "recorded_at": NOW,
        "note": "said so\0 on the phone",
        "secondary": "support",
        "churn_kind": "voluntary",
        "competitor": "Quill & Ferry",
        "lost_minor": 19_900,
        "returns": True,
    }
    return Outcome(**{**values, **changes})  # type: ignore[arg-type]


def test_what_several_record_at_the_same_time_is_kept_once(store: Store) -> None:
    together = Barrier(8)

    def record(_: int) -> str:
        together.wait()
        return OutcomeBook(store).add(churn("op-at-once")).id

    with ThreadPoolExecutor(8) as programs:
        ids = set(programs.map(record, range(8)))
    assert len(ids) == 1
    assert [one.id for one in OutcomeBook(store).everything() if one.operator_id == "op-at-once"] == list(ids)


def test_a_record_comes_back_as_it_was_kept_and_is_kept_once(store: Store) -> None:
    book = OutcomeBook(store)
    kept = book.add(churn("op-1"))
    assert len(kept.id) == 12
    (found,) = book.records("op-1")
    assert found.note == "said so\N{REPLACEMENT CHARACTER} on the phone"
    assert (found.lost_minor, found.returns, found.recorded_at, found.competitor) == (
        19_900,
        True,
        NOW,
        "Quill & Ferry",
    )
    again = book.add(churn("op-1", who="Lee", recorded_at=NOW + timedelta(hours=1), note=found.note))
    assert again.id == kept.id
    assert len(book.records("op-1")) == 1
    other = book.add(churn("op-1", what="support"))
    assert other.id != kept.id


def test_a_record_is_taken_back_by_another_and_stays(store: Store) -> None:
    book = OutcomeBook(store)
    wrong = book.add(churn("op-2"))
    taken = book.retract(wrong.id[:6], who="Lee", note="another operator", now=NOW)
    assert taken.retracts == wrong.id
    assert book.records("op-2") == ()
    assert [one.kind for one in book.everything() if one.operator_id == "op-2"] == ["churn", "retraction"]
    with pytest.raises(UsageError, match="No record that counts"):
        book.retract(wrong.id, who="Lee", note="", now=NOW)
    assert book.add(churn("op-2")).id != wrong.id


def test_ids_that_name_none_or_several_are_refused(store: Store) -> None:
    book = OutcomeBook(store)
    for text in ("xyz", "12", ""):
        with pytest.raises(UsageError, match="is no record's id"):
            book.retract(text, who="Lee", note="", now=NOW)


def test_records_are_in_order_of_their_days(store: Store) -> None:
    book = OutcomeBook(store)
    for day in (5, 3, 4):
        book.add(churn("op-3", on=date(2026, 9, day)))
    assert [one.on.day for one in book.records("op-3")] == [3, 4, 5]


def test_what_was_recorded_cannot_be_rewritten(store: Store) -> None:
    kept = OutcomeBook(store).add(churn("op-4"))
    for statement in ("UPDATE outcome SET who = 'somebody else'", "DELETE FROM outcome"):
        with pytest.raises(StoreError), store.begin() as connection:
            connection.execute(sa.text(statement))
    assert OutcomeBook(store).records("op-4")[0].who == kept.who


def test_the_file_of_a_store_holds_its_records(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(url) as opened:
        OutcomeBook(opened).add(churn("op-1"))
    with open_store(url) as opened:
        assert len(OutcomeBook(opened).records()) == 1

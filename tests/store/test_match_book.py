"""What people decided of matches, in both kinds of store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from made_up_readings import DATABASES, new_url, server

from customer_research.domain.match import MatchDecision
from customer_research.store.database import Store, open_store
from customer_research.store.matches import MatchBook

NOW = datetime(2026, 11, 2, tzinfo=UTC)

pytestmark = pytest.mark.xdist_group("engines")


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(new_url(server(request.param, tmp_path_factory.mktemp("matches")))) as opened:
        yield opened


def test_the_last_decision_of_a_match_is_kept(store: Store) -> None:
    book = MatchBook(store)
    one = MatchDecision("ticket", "t1", "op-1", "confirmed", "ada", NOW, "Sure.")
    other = replace(one, operator_id="op-2", ruling="refused", decided_at=NOW.replace(hour=1))
    for made in (one, other, replace(one, ruling="refused", who="bob"), one):
        book.decide(made)
    assert book.decisions() == (other, one)
    assert book.decisions("op-2") == (other,)
    book.decide(replace(one, ruling="open"))
    assert [made.ruling for made in book.decisions("op-1")] == ["open"]


def test_what_no_store_can_keep_is_left_out_of_a_note_and_a_long_id_is_kept_whole(store: Store) -> None:
    book = MatchBook(store)
    odd = MatchDecision("conversation", "9" * 400, "op-3", "refused", "ada", NOW, "not\x00 ours")
    book.decide(odd)
    (kept,) = book.decisions("op-3")
    assert (kept.record_id, kept.ruling) == (odd.record_id, "refused")
    assert "\x00" not in kept.note

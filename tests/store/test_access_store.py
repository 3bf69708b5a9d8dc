"""API tokens and the audit of calls: what is kept of a secret, what lets in, what is found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from made_up_readings import DATABASES, NOW, new_url, server

from customer_research.domain.access import NotedCall, Token
from customer_research.errors import StoreError, UsageError
from customer_research.store import access
from customer_research.store.access import CallBook, TokenBook
from customer_research.store.database import Store, open_store

pytestmark = pytest.mark.xdist_group("engines")

TOKEN = Token(
    "", "nightly\0 notes", "ada@example.com", ("read", "finance"), "901", NOW, "grace", NOW + timedelta(days=90)
)
CALL = NotedCall(NOW, "ada@example.com", "http", "quick", "op-1", ("a1", "b2"), 1_234, "done", 0.25)


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(new_url(server(request.param, tmp_path_factory.mktemp("access")))) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _empty(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(sa.delete(access.api_token))
        connection.execute(sa.delete(access.noted_call))


def test_a_token_lets_in_and_its_secret_is_nowhere_in_the_store(store: Store) -> None:
    book = TokenBook(store)
    kept, text = book.add(TOKEN)
    secret = text.removeprefix(f"crt_{kept.id}_")
    assert len(secret) == 43, "256 bits"
    assert book.admitted(text, NOW) == replace(kept, name="nightly\N{REPLACEMENT CHARACTER} notes")
    with store.read() as connection:
        assert secret not in repr(connection.execute(sa.select(access.api_token)).all())
    other, other_text = book.add(TOKEN)
    assert other.id != kept.id
    assert other_text.rpartition("_")[2] != secret
    assert {one.id for one in book.all()} == {kept.id, other.id}


def test_what_is_no_token_or_another_ones_secret_lets_nobody_in(store: Store) -> None:
    book = TokenBook(store)
    kept, text = book.add(TOKEN)
    _, other = book.add(TOKEN)
    swapped = f"crt_{kept.id}_{other.split('_', 2)[2]}"
    for wrong in (
        "",
        "crt",
        "crt__",
        f"crt_{kept.id}_",
        text[:-1],
        f"{text}x",
        text.upper(),
        swapped,
        f"crx{text[3:]}",
    ):
        assert book.admitted(wrong, NOW) is None, wrong
    assert access.is_token(text)
    assert not access.is_token("eyJhbGciOiJSUzI1NiJ9.e30.x_y_z")


def test_a_token_ends_when_it_expires_or_is_revoked(store: Store) -> None:
    book = TokenBook(store)
    kept, text = book.add(TOKEN)
    last = TOKEN.expires_at - timedelta(microseconds=1)
    assert book.admitted(text, last) is not None
    assert book.admitted(text, TOKEN.expires_at) is None
    later = NOW + timedelta(hours=1)
    assert book.revoke(f" {kept.id.upper()} ", later).revoked_at == later
    assert book.revoke(kept.id, later + timedelta(hours=1)).revoked_at == later, "the first time counts"
    assert book.admitted(text, NOW) is None
    assert [one.state(NOW) for one in book.all()] == ["revoked"]
    with pytest.raises(UsageError, match="There is no token 'x'"):
        book.revoke("x", NOW)


def test_the_last_use_is_noted_to_the_minute(store: Store) -> None:
    book = TokenBook(store)
    _, text = book.add(TOKEN)
    for seconds, noted in ((0, 0), (30, 0), (60, 60), (90, 60)):
        book.admitted(text, NOW + timedelta(seconds=seconds))
        assert book.all()[0].used_at == NOW + timedelta(seconds=noted)


def test_calls_are_found_by_operator_actor_time_and_refusal(store: Store) -> None:
    book = CallBook(store)
    refused = replace(CALL, at=NOW + timedelta(hours=2), operator_id="op-2", outcome="NotAllowed", receipts=(), size=0)
    other = replace(CALL, at=NOW + timedelta(hours=1), actor="Grace_1@example.com")
    for one in (CALL, refused, other):
        book.add(one)
    assert book.newest() == ((refused, other, CALL), 3)
    assert book.newest(most=1) == ((refused,), 3)
    assert book.newest(operator_id="op-1") == ((other, CALL), 2)
    assert book.newest(actor="grace_") == ((other,), 1)
    assert book.newest(actor="grace%") == ((), 0)
    assert book.newest(since=other.at) == ((refused, other), 2)
    assert book.newest(refused=True) == ((refused,), 1)


def test_the_audit_cannot_be_rewritten_and_ends_where_it_is_pruned(store: Store) -> None:
    book = CallBook(store)
    book.add(CALL)
    book.add(replace(CALL, at=NOW + timedelta(days=2)))
    with pytest.raises(StoreError), store.begin() as connection:
        connection.execute(sa.update(access.noted_call).values(actor="nobody"))
    assert book.prune(NOW + timedelta(days=1)) == 1
    assert [one.at for one in book.newest()[0]] == [NOW + timedelta(days=2)]

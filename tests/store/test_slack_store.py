"""Who may ask in Slack, and that a request is taken once, whichever process it reaches."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from made_up_readings import DATABASES, NOW, new_url, server

from customer_research.domain.access import SlackPerson
from customer_research.errors import UsageError
from customer_research.store import slack
from customer_research.store.database import Store, open_store
from customer_research.store.slack import REMEMBERED, SEEN_EVERY, SlackBook

pytestmark = pytest.mark.xdist_group("engines")

ADA = SlackPerson("Ada@Example.com", ("read", "finance"), "901", False, NOW, "gr\0ace")


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(new_url(server(request.param, tmp_path_factory.mktemp("slack")))) as opened:
        yield opened


@pytest.fixture
def book(store: Store) -> SlackBook:
    with store.begin() as connection:
        connection.execute(sa.delete(slack.slack_person))
        connection.execute(sa.delete(slack.slack_request))
    return SlackBook(store)


def test_a_request_is_taken_once_by_one_of_many(book: SlackBook) -> None:
    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(lambda _number: book.take("event Ev1", NOW), range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    assert book.take("event Ev2", NOW)


def test_requests_are_forgotten_after_a_day(book: SlackBook) -> None:
    assert book.take("trigger 1", NOW)
    assert book.forget(NOW + REMEMBERED) == 0
    assert not book.take("trigger 1", NOW + REMEMBERED)
    assert book.forget(NOW + REMEMBERED + timedelta(seconds=1)) == 1
    assert book.take("trigger 1", NOW)


def test_somebody_is_known_by_the_address_alone_whatever_its_case(book: SlackBook) -> None:
    kept = book.allow(ADA)
    assert (kept.email, kept.added_by) == ("ada@example.com", "gr\N{REPLACEMENT CHARACTER}ace")
    assert book.person("ADA@example.com ", "U1", NOW) == kept
    assert book.person("eve@example.com", "U1", NOW) is None
    assert book.people() == (replace(kept, user_id="U1", seen_at=NOW),)


def test_what_somebody_may_is_changed_and_taken_back(book: SlackBook) -> None:
    book.allow(ADA)
    book.person("ada@example.com", "U1", NOW)
    changed = book.allow(replace(ADA, permissions=("read",), alone=True))
    assert (changed.permissions, changed.alone, changed.user_id) == (("read",), True, "U1")
    book.remove("ADA@example.com")
    assert book.person("ada@example.com", "U1", NOW) is None
    with pytest.raises(UsageError, match="Nobody is let in"):
        book.remove("ada@example.com")


def test_that_somebody_asked_is_noted_to_the_hour(book: SlackBook) -> None:
    book.allow(ADA)
    soon, later = NOW + SEEN_EVERY / 2, NOW + SEEN_EVERY
    for moment in (NOW, soon):
        book.person("ada@example.com", "U1", moment)
    assert book.people()[0].seen_at == NOW
    book.person("ada@example.com", "U1", later)
    assert book.people()[0].seen_at == later
    book.person("ada@example.com", "U2", later)
    assert book.people()[0].user_id == "U2"

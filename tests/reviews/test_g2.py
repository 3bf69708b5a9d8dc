"""G2's reviews: every page once, what changed, what is gone, and nothing taken for gone where G2 did not tell all."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import date, timedelta
from typing import Any

import httpx2
import pytest
from places_served import NOW, g2_server, with_g2
from places_served import settings as made_settings

from customer_research.domain.match import CONFIDENCE
from customer_research.errors import (
    BadAnswer,
    ConfigError,
    Denied,
    NotThere,
    RateLimited,
    SchemaChanged,
    SourceError,
    Truncated,
    Unavailable,
)
from customer_research.reviews.g2 import G2, PAGE_SIZE, Pulled
from customer_research.settings import Settings
from customer_research_sandbox.servers import g2


def pulled(server: Any, since: Any = None, **changes: Any) -> Pulled:
    return asyncio.run(with_g2(server, lambda session: session.reviews(since), **changes))


def many(count: int) -> g2.G2Server:
    server = g2_server()
    server.reviews = [
        g2.review(f"r{number}", NOW - timedelta(hours=number), "t", {"love": "x"}, stars=4, user=None)
        for number in range(count)
    ]
    return server


class Counted(httpx2.AsyncBaseTransport):
    """Hands requests on, and keeps them."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.inner = inner
        self.asked: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return await self.inner.handle_async_request(request)


def counted(server: g2.G2Server) -> Counted:
    return Counted(httpx2.ASGITransport(app=server.app()))


def answering(*bodies: Any) -> httpx2.MockTransport:
    """One answer after the other, the last again and again."""
    left = list(bodies)
    return httpx2.MockTransport(lambda _: httpx2.Response(200, json=left.pop(0) if len(left) > 1 else left[0]))


def test_a_review_has_its_stars_words_firm_and_licence_and_no_person() -> None:
    found = pulled(g2_server(), licence="contract 7")
    first = next(one for one in found.reviews if one.title.startswith("Good, until"))
    assert (first.about, first.place, first.rating, first.best) == ("us", "G2", 3.0, 5.0)
    assert first.words == "Dispatch is quick.\nThe invoice grew twice this year."
    assert (first.firm.company, first.firm.domain) == ("Firm 2", "firm2.example.com")
    assert (first.written_on, first.licence, first.fetched_at) == (date(2026, 10, 12), "contract 7", NOW)
    assert first.url.startswith("https://www.g2.com/")
    unnamed = next(one for one in found.reviews if one.title.startswith("Anonymous"))
    assert (unnamed.firm.company, unnamed.matched_by, unnamed.confidence) == ("", "", 0.0)
    assert found.whole
    assert len(found.gone) == 1, "the one that is not public"
    assert {one.receipt for one in found.reviews} == {one.id for one in found.receipts}
    assert CONFIDENCE["name"] == 0.5


def test_every_page_comes_once_and_only_the_cursor_of_the_next_address_is_used() -> None:
    transport = counted(many(1100))
    found = pulled(transport)
    assert {one.number for one in found.reviews} == {f"r{number}" for number in range(1100)}
    assert len(found.reviews) == 1100
    sizes = [one.url.params["page[size]"] for one in transport.asked]
    assert sizes == [str(PAGE_SIZE)] * 5
    assert {one.url.host for one in transport.asked} == {"g2.test"}
    assert sum(one.rows for one in found.receipts) == 1100


def test_an_address_of_another_host_is_never_asked() -> None:
    one = many(1).reviews[0]
    first = {"data": [{**one, "updated_at": ""}], "links": {"next": "https://evil.example/steal?page%5Bafter%5D=c2"}}
    last = {"data": [{**one, "id": "second", "updated_at": ""}], "links": {"next": None}}
    transport = Counted(answering(first, last))
    assert len(pulled(transport).reviews) == 2
    assert [(one.url.host, one.url.params.get("page[after]")) for one in transport.asked] == [
        ("g2.test", None),
        ("g2.test", "c2"),
    ]


def test_what_changed_since_an_instant_is_asked_for_and_is_not_all() -> None:
    transport = counted(many(100))
    found = pulled(transport, NOW - timedelta(hours=10))
    assert {one.number for one in found.reviews} == {f"r{number}" for number in range(10)}
    assert not found.whole
    assert {one.url.params["filter[updated_at_gt]"] for one in transport.asked} == {"2026-10-31T14:00:00Z"}


def test_our_own_pace_stays_below_what_g2_blocks_without_a_word() -> None:
    """The silent block: who asks faster is shut out, and at the fastest that may be set we are not, however many we ask."""

    async def often(session: G2) -> None:
        await asyncio.gather(*(session.ask() for _ in range(110)))

    server = g2_server(clock=time.monotonic)
    asyncio.run(with_g2(server, often, requests_per_second=40, concurrency=40))
    assert server._blocked_until == 0.0
    with pytest.raises(ValueError, match="less than or equal to 40"):
        pulled(server, requests_per_second=99)


def test_the_sandbox_shuts_out_whoever_asks_faster() -> None:
    server = g2_server()
    for _ in range(100):
        server.admit(None)  # type: ignore[arg-type]
    assert server._blocked_until == 0.0
    server.admit(None)  # type: ignore[arg-type]
    assert server._blocked_until == 60.0


def test_who_is_shut_out_is_told_so_in_a_sentence() -> None:
    server = g2_server()
    server._blocked_until = 3600.0
    settings = {"deadline_seconds": 0.2}
    with pytest.raises(Unavailable, match="did not answer within") as told:
        asyncio.run(_late(server, settings))
    assert "no answer for 60 s" in told.value.hint


async def _late(server: g2.G2Server, changes: dict[str, Any]) -> Pulled:
    session = G2(
        made_settings().model_copy(update=changes), lambda: NOW, transport=httpx2.ASGITransport(app=server.app())
    )
    try:
        return await session.reviews(None)
    finally:
        await session.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("http500", Unavailable),
        ("http429", RateLimited),
        ("auth", Denied),
        ("badjson", BadAnswer),
        ("schema", SchemaChanged),
    ],
)
def test_a_fault_is_one_clear_sentence(fault: str, error: type[SourceError], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(error) as told:
        pulled(g2_server(f"g2:{fault}"))
    assert told.value.message.startswith("G2")
    assert told.value.message.count(". ") == 0
    assert told.value.hint
    assert g2.TOKEN not in f"{told.value.message} {told.value.hint} {caplog.text}"


def test_a_product_that_the_token_may_not_read_is_told_in_g2s_words() -> None:
    with pytest.raises(Denied, match="You do not have access to that resource"):
        pulled(g2_server(), product="another")
    with pytest.raises(ConfigError, match=r"g2\.product is missing"):
        pulled(g2_server(), product=" ")
    with pytest.raises(ConfigError, match=r"g2\.token is missing"):
        G2(Settings(), lambda: NOW)  # type: ignore[call-arg]


def test_a_list_that_repeats_itself_is_not_taken_for_all() -> None:
    one = {**many(1).reviews[0], "updated_at": ""}
    again = {"data": [one], "links": {"next": "http://g2.test/api/v2/x?page%5Bafter%5D=same"}}
    with pytest.raises(Truncated, match="repeats itself"):
        pulled(answering(again))


@pytest.mark.parametrize(
    ("body", "error"),
    [([], BadAnswer), ({}, BadAnswer), ({"data": {}}, BadAnswer), ({"data": [1]}, BadAnswer)],
)
def test_an_answer_of_another_form_is_no_empty_list(body: Any, error: type[SourceError]) -> None:
    with pytest.raises(error):
        pulled(answering(body))


def test_an_empty_list_is_an_answer() -> None:
    found = pulled(answering({"data": []}))
    assert (found.reviews, found.whole) == ([], True)


def test_one_that_cannot_be_read_is_told_and_then_not_all_came() -> None:
    server = many(4)
    del server.reviews[1]["attributes"]["submitted_at"]
    del server.reviews[1]["attributes"]["published_at"]
    found = pulled(server)
    assert len(found.reviews) == 3
    assert found.unread is not None
    assert "1 review record cannot be read" in found.unread.detail
    assert not found.whole


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"a": {"value": " one "}, "b": {"text": "asked?", "value": ["two", {"value": "three"}]}}, "one\ntwo\nthree"),
        ("plain", "plain"),
        (None, ""),
        ({"a": {"value": None}, "b": 7}, ""),
        ({"love": "x", "hate": {"other": "y"}}, "x\ny"),
    ],
)
def test_answers_of_any_form_are_their_texts(answers: Any, words: str) -> None:
    server = many(1)
    server.reviews[0]["attributes"]["answers"] = answers
    assert pulled(server).reviews[0].words == words


def test_an_address_that_is_none_is_no_link() -> None:
    server = many(1)
    server.reviews[0]["attributes"]["url"] = "javascript:alert(1)"
    assert pulled(server).reviews[0].url == ""


def test_what_is_gone_is_a_404_of_the_product() -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(404, json={"errors": [{"title": "Not found"}]}))
    with pytest.raises(NotThere):
        pulled(transport)

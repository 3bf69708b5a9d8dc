"""Google Places: the smallest field mask, a place that moved, a key that is none; and nothing of it in a log."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx2
import pytest
from places_served import NOW, google_server, with_google
from pydantic import SecretStr

from customer_research.errors import BadAnswer, ConfigError, Denied, NotThere, RateLimited, SourceError, Unavailable
from customer_research.reviews.google import GooglePlaces, Place
from customer_research.settings import Settings
from customer_research_sandbox.scenarios.reviews import GONE, MOVED, PLANTED, new_place_id, place_id
from customer_research_sandbox.servers.google_places import KEY, RESTRICTED_KEY


def look(server: Any, number_or_id: int | str, **changes: Any) -> Place:
    wanted = place_id(number_or_id) if isinstance(number_or_id, int) else number_or_id
    return asyncio.run(with_google(server, lambda google: google.look(wanted), **changes))


def test_reviews_come_with_their_authors_and_only_what_is_shown_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    server = google_server()
    with caplog.at_level(logging.DEBUG):
        found = look(server, 2)
    assert (found.name, found.link, found.moved_to) == ("Firm 2", "https://maps.google.com/?cid=2", "")
    first, second = found.reviews
    assert (first.author, first.rating, first.when) == ("Ann Passenger", "5 of 5", "2 weeks ago")
    assert PLANTED in first.words
    assert first.author_link.startswith("https://www.google.com/maps/contrib/")
    assert second.rating == "2 of 5"
    assert server.asked == ["id,displayName,googleMapsUri,movedPlaceId,reviews"]
    assert PLANTED not in caplog.text
    assert KEY not in caplog.text


def test_a_place_that_moved_is_told() -> None:
    assert look(google_server(), MOVED).moved_to == new_place_id(MOVED)
    server = google_server()
    server.places[place_id(2)]["movedPlaceId"] = "ChIJother"
    assert look(server, 2).moved_to == "ChIJother"


def test_a_place_that_is_gone_and_an_id_that_is_none_are_told_apart_from_an_outage() -> None:
    with pytest.raises(NotThere, match=r"knows no place of the id .* any more") as told:
        look(google_server(), GONE)
    assert "reviews place OPERATOR PLACE_ID" in told.value.hint
    with pytest.raises(NotThere, match="says that xx is no place id"):
        look(google_server(), "xx")


def test_keys_that_may_not_are_told_in_one_sentence() -> None:
    with pytest.raises(Denied, match="has not been used in project"):
        look(google_server(), 2, api_key=SecretStr(RESTRICTED_KEY))
    with pytest.raises(Denied, match="the key is none") as told:
        look(google_server(), 2, api_key=SecretStr("wrong-key-9"))
    assert "wrong-key-9" not in f"{told.value.message}{told.value.hint}"
    with pytest.raises(ConfigError, match=r"google_places\.api_key is missing"):
        GooglePlaces(Settings(), lambda: NOW)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("http500", Unavailable),
        ("http429", RateLimited),
        ("auth", Denied),
        ("badjson", BadAnswer),
        ("schema", BadAnswer),
    ],
)
def test_a_fault_is_one_clear_sentence(fault: str, error: type[SourceError]) -> None:
    with pytest.raises(error) as told:
        look(google_server(f"google_places:{fault}"), 2)
    assert "Google Places" in told.value.message
    assert told.value.hint
    assert PLANTED not in f"{told.value.message}{told.value.hint}"


@pytest.mark.parametrize(
    "body",
    [{}, {"id": place_id(2)}, {"reviews": [{}]}, {"reviews": [{"rating": "many", "text": 7, "authorAttribution": 3}]}],
)
def test_what_google_leaves_out_is_shown_as_left_out(body: Any) -> None:
    found = look(httpx2.MockTransport(lambda _: httpx2.Response(200, json=body)), 2)
    assert all(one.rating == "without stars" and one.words == "" for one in found.reviews)
    assert found.moved_to == ""


def test_an_answer_that_is_no_place_is_refused() -> None:
    answers: tuple[Any, ...] = ([], {"reviews": {}}, {"reviews": [1]})
    for body in answers:
        with pytest.raises(BadAnswer):
            look(httpx2.MockTransport(lambda _, body=body: httpx2.Response(200, json=body)), 2)

"""What `doctor` says of places of reviews: nothing of one that is not set up, and whether each takes its key."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from places_served import NOW, doubles, g2_server, google_server, settings
from pydantic import SecretStr

from customer_research.domain.check import CheckResult
from customer_research.research import doctor_reviews
from customer_research.reviews.g2 import G2
from customer_research.reviews.google import GooglePlaces
from customer_research.settings import Settings
from customer_research_sandbox.servers.google_places import EXAMPLE, RESTRICTED_KEY


def rows(own: Settings, *, online: bool = True) -> dict[str, CheckResult]:
    found = asyncio.run(doctor_reviews.reviews(own, lambda: NOW, online=online))
    return {one.check: one for one in found}


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = google_server()
    monkeypatch.setattr(doctor_reviews, "G2", partial(G2, **doubles(g2_server())))
    monkeypatch.setattr(doctor_reviews, "GooglePlaces", partial(GooglePlaces, **doubles(made)))
    return made


def test_what_is_not_set_up_has_no_row_and_offline_nothing_is_asked(google: Any) -> None:
    assert rows(Settings()) == {}  # type: ignore[call-arg]
    assert {one.status for one in rows(settings(), online=False).values()} == {"skipped"}
    assert google.asked == []


def test_both_take_their_keys_and_google_is_asked_for_what_is_free(google: Any) -> None:
    found = rows(settings())
    assert {name: one.status for name, one in found.items()} == {"reviews.g2": "ok", "reviews.google_places": "ok"}
    assert google.asked == ["id"]
    del google.places[EXAMPLE]
    assert rows(settings())["reviews.google_places"].status == "ok", "the place has gone, the key stands"


def test_a_key_that_is_refused_is_told_with_what_to_do(google: Any) -> None:
    own = settings(token=SecretStr("wrong"))
    own = own.model_copy(
        update={"google_places": own.google_places.model_copy(update={"api_key": SecretStr(RESTRICTED_KEY)})}  # type: ignore[attr-defined]
    )
    found = rows(own)
    assert {one.status for one in found.values()} == {"fail"}
    assert "Invalid token" in found["reviews.g2"].found
    assert "has not been used in project" in found["reviews.google_places"].found
    assert all(one.fix for one in found.values())
    assert rows(settings(product=""))["reviews.g2"].status == "fail"

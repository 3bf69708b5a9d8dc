"""Who is let in, for how long, and what the audit says of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from web_pages import OURS, Pages, served, words

from customer_research.domain.access import IDLE, LASTING, Session
from customer_research.settings import Settings
from customer_research.store.database import open_store
from customer_research.store.sessions import SessionBook
from customer_research.surfaces.web.acting import ACTS
from customer_research.surfaces.web.views import VIEWS


@pytest.fixture
def alone(own: Settings) -> Iterator[Pages]:
    """Pages of a process of its own, whose printed address nobody has used."""
    with served(own, own="robin") as running:
        yield running


def _path(pattern: str) -> str:
    return pattern.replace("{operator}", "x").replace("{alert}", "x").replace("{metric}", "mrr")


@pytest.mark.parametrize("path", [view.path for view in VIEWS] + ["/find", "/names", "/nowhere"])
def test_nobody_sees_a_page_without_being_let_in(path: str, pages: Pages) -> None:
    answer = pages.stranger().get(_path(path), follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2F")
    assert pages.stranger(Authorization="Bearer crt_0123456789_wrong").get(_path(path)).status_code == 401


@pytest.mark.parametrize("path", [act.path for act in ACTS])
def test_nobody_does_anything_without_being_let_in(path: str, pages: Pages) -> None:
    assert pages.stranger().post(_path(path), data={"name": "x"}, headers=OURS).status_code == 401


@pytest.mark.parametrize("path", [act.path for act in ACTS])
def test_who_may_only_read_does_nothing(path: str, pages: Pages) -> None:
    answer = pages.reader("read", "finance").post(
        _path(path), data={"name": "x", "days": "1", "kind": "call"}, headers=OURS
    )
    assert answer.status_code == 403
    assert "may not use" in words(answer.text)


def test_a_token_lets_in_and_is_not_kept_by_the_browser(pages: Pages) -> None:
    reader = pages.reader(email="grace@example.com")
    assert "grace@example.com" in words(reader.get("/today").text)
    assert pages.calls()[0].actor == "grace@example.com"
    assert (pages.calls()[0].surface, pages.calls()[0].name) == ("web", "today")
    (cookie,) = reader.cookies.jar
    assert cookie.value is not None
    assert "crt_" not in cookie.value


def test_who_was_sent_to_sign_in_comes_to_the_page_that_was_wanted(pages: Pages) -> None:
    client = pages.stranger()
    sent = client.get("/renewals?days=30", follow_redirects=False).headers["location"]
    page = client.get(sent)
    assert 'name="next" value="/renewals?days=30"' in page.text
    done = client.post("/sign-in", data={"token": pages.token(), "next": "/renewals?days=30"}, headers=OURS)
    assert done.headers["location"] == "/renewals?days=30"


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", ""])
def test_nobody_is_sent_elsewhere_after_signing_in(place: str, pages: Pages) -> None:
    done = pages.stranger().post("/sign-in", data={"token": pages.token(), "next": place}, headers=OURS)
    assert done.headers["location"] == "/today"


def test_a_wrong_token_lets_nobody_in_and_is_not_shown_again(pages: Pages) -> None:
    answer = pages.stranger().post("/sign-in", data={"token": "crt_0123456789_guessed"}, headers=OURS)
    assert answer.status_code == 403
    assert "guessed" not in answer.text
    assert not answer.cookies


def test_a_session_ends_with_its_token(pages: Pages) -> None:
    client, token = pages.stranger(), pages.token()
    client.post("/sign-in", data={"token": token}, headers=OURS)
    assert client.get("/today").status_code == 200
    pages.revoke(token)
    assert client.get("/today", follow_redirects=False).status_code == 303


def test_who_signs_out_is_out_whatever_their_browser_kept(pages: Pages) -> None:
    client = pages.reader()
    (cookie,) = client.cookies.jar
    assert client.post("/sign-out", headers=OURS).headers["location"] == "/sign-in"
    assert cookie.value is not None
    kept = pages.stranger(Cookie=f"{cookie.name}={cookie.value}")
    assert kept.get("/today", follow_redirects=False).status_code == 303


def test_signing_in_anew_ends_the_session_before(pages: Pages) -> None:
    client = pages.reader()
    (first,) = client.cookies.jar
    client.post("/sign-in", data={"token": pages.token()}, headers=OURS)
    kept = pages.stranger(Cookie=f"{first.name}={first.value}")
    assert kept.get("/today", follow_redirects=False).status_code == 303
    assert client.get("/today").status_code == 200


def test_the_printed_address_lets_the_user_of_this_machine_in_once(alone: Pages) -> None:
    client, second = alone.stranger(), alone.stranger()
    assert client.get("/sign-in", params={"key": "wrong"}).status_code == 403
    assert client.get("/sign-in", params={"key": alone.key}, follow_redirects=False).status_code == 303
    assert "robin" in words(client.get("/settings").text)
    assert second.get("/sign-in", params={"key": alone.key}).status_code == 403
    assert second.get("/today", follow_redirects=False).status_code == 303


def test_a_token_in_the_header_is_who_asks_whatever_the_cookie_says(pages: Pages) -> None:
    client = pages.reader(email="grace@example.com")
    bearer = {"Authorization": f"Bearer {pages.token(email='ada@example.com')}"}
    assert "ada@example.com" in words(client.get("/today", headers=bearer).text)


@pytest.mark.parametrize(
    ("waits", "counts"),
    [
        ([IDLE - timedelta(seconds=1)], True),
        ([IDLE], False),
        ([timedelta(hours=11)] * 15, True),  # 165 hours of the 168
        ([timedelta(hours=11)] * 16, False),
    ],
)
def test_a_session_is_over_after_a_while(waits: list[timedelta], counts: bool, own: Settings) -> None:
    now: datetime = own.clock  # type: ignore[assignment]
    with open_store(own.store_url) as store:
        book = SessionBook(store)
        secret = book.begin(Session("ada@example.com", ("read",), "", "oidc", "", now, now))
        for wait in waits[:-1]:
            now += wait
            assert book.of(secret, now) is not None
        assert (book.of(secret, now + waits[-1]) is not None) is counts
    assert timedelta(days=7) == LASTING


def test_the_store_has_nothing_that_lets_in(pages: Pages, own: Settings) -> None:
    client: httpx2.Client = pages.reader()
    (cookie,) = client.cookies.jar
    assert cookie.value is not None
    assert cookie.value.encode() not in Path(own.store_url.removeprefix("sqlite:///")).read_bytes()

"""The header of the company's proxy: believed of the peers that are listed, over the Unix socket where that is, and of nobody else."""

from __future__ import annotations

import asyncio
import dataclasses
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from pydantic import SecretStr, ValidationError
from web_pages import OURS, served, words

from customer_research.errors import ConfigError
from customer_research.settings import Settings, StoreSettings
from customer_research.store.database import open_store
from customer_research.store.people import People
from customer_research.surfaces.web.application import application
from customer_research.surfaces.web.serving import listening, server_of
from customer_research.web_settings import RoleSettings, WebSettings

ROLES = {
    "csm": RoleSettings(groups=("cs",), permissions=("read", "act"), book="own"),
    "lead": RoleSettings(groups=("leads",), permissions=("read", "finance"), book="all"),
}
PROXY, OTHER = "10.0.0.5", "10.0.0.6"
ADA = {"X-User": "ada@example.com", "X-Groups": "leads, other"}
SECOND: list[tuple[str, str]] = [*ADA.items(), ("X-User", "boss@example.com")]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    url = f"sqlite:///{tmp_path_factory.mktemp('proxies') / 'store.db'}"
    with open_store(url) as store:
        People(store).change("grace@example.com", lambda one: dataclasses.replace(one, owner_id="7001"))
    web = WebSettings(  # type: ignore[call-arg]
        url="https://research.example.com",
        user_header="X-User",
        groups_header="X-Groups",
        trusted_peers=(PROXY, "10.1.0.0/16", "2001:db8::5"),
        roles=ROLES,
    )
    return Settings(store=StoreSettings(url=SecretStr(url)), web=web)  # type: ignore[call-arg]


def asked(settings: Settings, peer: str, headers: Any, path: str = "/account", method: str = "GET") -> httpx2.Response:
    """The answer to somebody who is connected from an address."""

    async def ask() -> httpx2.Response:
        app = application(settings, None, settings.web.url)
        transport = httpx2.ASGITransport(app=app, client=(peer, 40_000))
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url=settings.web.url) as client,
        ):
            return await client.request(method, path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("peer", [PROXY, "10.1.2.3", f"::ffff:{PROXY}", "2001:db8::5"])
def test_a_listed_peer_says_who_somebody_is_and_the_roles_what_they_may(peer: str, settings: Settings) -> None:
    page = asked(settings, peer, ADA)
    assert page.status_code == 200
    assert "ada@example.com" in words(page.text)
    assert "You may read, finance, of everybody's operators." in words(page.text)
    assert "Sign out" not in page.text


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        (OTHER, ADA),
        ("127.0.0.1", ADA),
        (OTHER, {**ADA, "X-Forwarded-For": PROXY, "X-Real-Ip": PROXY, "Forwarded": f"for={PROXY}"}),
        ("not an address", ADA),
        (PROXY, SECOND),
        (PROXY, {"X-Groups": "leads"}),
        (PROXY, {**ADA, "X-User": " "}),
        (PROXY, {**ADA, "X-User": "a" * 400}),
        (PROXY, {**ADA, "Authorization": "Basic YWRhOmFkYQ=="}),
    ],
)
def test_nobody_else_is_believed(peer: str, headers: Any, settings: Settings) -> None:
    assert asked(settings, peer, headers).status_code in {303, 401}


def test_ones_own_book_is_that_of_the_address_and_without_a_role_there_is_nothing(settings: Settings) -> None:
    grace = {"X-User": "grace@example.com", "X-Groups": "cs"}
    assert "of owner 7001 alone" in words(asked(settings, PROXY, grace).text)
    for who in ({"X-User": "unknown@example.com", "X-Groups": "cs"}, {"X-User": "ada@example.com"}):
        assert "You may see nothing here now." in words(asked(settings, PROXY, who).text)
        assert asked(settings, PROXY, who, "/schedules").status_code == 403


def test_what_a_proxy_lets_in_is_held_to_these_pages_too(settings: Settings) -> None:
    for headers in ({**ADA, "Sec-Fetch-Site": "cross-site"}, ADA, {**ADA, "Origin": "http://research.example.com"}):
        assert asked(settings, PROXY, headers, "/alerts/x/ack", "POST").status_code == 403
    basic = {**ADA, "Authorization": "Basic YWRhOmFkYQ==", "Sec-Fetch-Site": "cross-site"}
    refused = asked(settings, PROXY, basic, "/sign-out/everywhere", "POST")
    assert (refused.status_code, "these pages alone" in refused.text) == (403, True), (
        "a browser sends passwords by itself"
    )
    assert asked(settings, PROXY, {**ADA, **OURS}, "/sign-out/everywhere", "POST").status_code == 303


def test_over_a_real_connection_a_header_does_not_change_who_is_connected(settings: Settings) -> None:
    here = settings.model_copy(update={"web": settings.web.model_copy(update={"url": "", "trusted_peers": (PROXY,)})})
    with served(here) as pages:
        answer = pages.stranger(**ADA, **{"X-Forwarded-For": PROXY}).get("/account", follow_redirects=False)
        assert answer.status_code == 303


@pytest.mark.parametrize(("peers", "status"), [(("unix",), 200), (("127.0.0.1",), 303)])
def test_over_the_unix_socket_whoever_may_write_to_it_is_believed_if_that_is_listed(
    peers: tuple[str, ...], status: int, settings: Settings, tmp_path: Path
) -> None:
    chosen = settings.model_copy(update={"web": settings.web.model_copy(update={"trusted_peers": peers})})
    place = tmp_path / "pages.sock"
    with listening(place) as made:
        assert stat.S_IMODE(place.stat().st_mode) == 0o660
        server = uvicorn.Server(server_of(application(chosen, None, chosen.web.url), "127.0.0.1", 0))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([made])), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "it ended before it began"
            thread.join(0.02)
        transport = httpx2.HTTPTransport(uds=str(place))
        with httpx2.Client(transport=transport, base_url="http://research.example.com", timeout=60) as client:
            assert client.get("/account", headers=ADA).status_code == status
        server.should_exit = True
        thread.join(30)
    assert not place.exists()


def test_a_socket_of_a_process_that_ended_is_made_anew_and_a_file_is_left_alone(tmp_path: Path) -> None:
    place, file = tmp_path / "pages.sock", tmp_path / "file"
    with listening(place) as made:
        left = made.fileno()
        assert left > 0
        with listening(place):
            assert place.is_socket()
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be made"), listening(file):
        pass
    assert file.read_text(encoding="utf-8") == "mine"


WRONG: tuple[Mapping[str, Any], ...] = (
    {"trusted_peers": ("proxy.internal",)},
    {"trusted_peers": ("0.0.0.0/0",)},
    {"trusted_peers": ("::/0",)},
    {"user_header": "Authorization"},
    {"user_header": "x user"},
    {"scopes": ("email",)},
    {"roles": {"x": {"groups": ["a"], "permissions": ["everything"]}}},
    {"roles": {"x": {"groups": ["a"], "book": "team"}}},
)


@pytest.mark.parametrize("given", WRONG, ids=str)
def test_settings_that_would_let_in_too_many_are_refused(given: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WebSettings(**given)


def test_a_header_without_a_listed_peer_keeps_the_pages_from_starting(settings: Settings) -> None:
    wrong = settings.model_copy(update={"web": settings.web.model_copy(update={"trusted_peers": ()})})
    with pytest.raises(ConfigError, match="no peer is named"):
        application(wrong, None, "http://127.0.0.1:1")

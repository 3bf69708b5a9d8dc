"""Signing in at the company's identity provider, over real HTTP: who is let in, with what, and which answers are not taken."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from issuers import CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider
from pydantic import SecretStr
from web_pages import OURS, Pages, served, words

from customer_research.domain.access import ENTERING, Begun, Identity
from customer_research.errors import ConfigError
from customer_research.research.usecases.entrance import by_roles
from customer_research.settings import OidcSettings, Settings, StoreSettings
from customer_research.store.database import open_store
from customer_research.store.identities import Identities
from customer_research.store.people import People
from customer_research.surfaces.web.application import application
from customer_research.web_settings import RoleSettings, WebSettings

ROLES = {
    "csm": RoleSettings(groups=("cs",), permissions=("read", "act"), book="own"),
    "lead": RoleSettings(groups=("leads", "cs-leads"), permissions=("read", "finance"), book="all"),
}


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture(scope="module")
def settings(provider: IdentityProvider, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a store of their own, where of Grace it is known which account owner she is."""
    url = f"sqlite:///{tmp_path_factory.mktemp('sign-in') / 'store.db'}"
    with open_store(url) as store:
        People(store).change("grace@example.com", lambda one: dataclasses.replace(one, owner_id="7001"))
    return Settings(
        store=StoreSettings(url=SecretStr(url)),  # type: ignore[call-arg]
        oidc=OidcSettings(issuer=provider.address),  # type: ignore[call-arg]
        web=WebSettings(client_id=CLIENT_ID, client_secret=SecretStr(CLIENT_SECRET), roles=ROLES),  # type: ignore[call-arg]
    )


@pytest.fixture(scope="module")
def running(settings: Settings) -> Iterator[Pages]:
    with served(settings) as pages:
        yield pages


@pytest.fixture
def person(provider: IdentityProvider) -> Iterator[Callable[..., None]]:
    """Says who comes to sign in; afterwards nothing is forged."""

    def comes(*groups: str, **claims: Any) -> None:
        told = {"sub": "u-1", "email": "ada@example.com", "email_verified": True, "groups": list(groups)}
        provider.person = {**told, **claims}

    comes("leads")
    yield comes
    provider.forged, provider.broken = None, False


def come(pages: Pages, place: str = "/account") -> tuple[httpx2.Client, httpx2.Response]:
    """Somebody who signs in by the link, and the page at which they end."""
    client = pages.stranger()
    return client, client.get("/sign-in/company", params={"next": place}, follow_redirects=True)


def test_the_page_where_one_signs_in_has_a_link_and_no_form_that_leaves(running: Pages) -> None:
    page = running.stranger().get("/sign-in", params={"next": "/renewals?days=30"}).text
    assert '<a href="/sign-in/company?next=%2Frenewals%3Fdays%3D30">' in page
    assert page.count("<form") == 1


def test_what_the_provider_is_asked_is_bound_to_this_browser_and_nothing_of_it_lies_there(running: Pages) -> None:
    client = running.stranger()
    sent = client.get("/sign-in/company", follow_redirects=False)
    asked = parse_qs(urlsplit(sent.headers["location"]).query)
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    cookie = sent.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert all(asked[name][0] not in cookie for name in ("state", "nonce"))


@pytest.mark.usefixtures("person")
def test_who_signs_in_comes_to_the_page_that_was_wanted_as_themselves(running: Pages) -> None:
    client, page = come(running)
    assert page.status_code == 200
    assert "ada@example.com" in words(page.text)
    assert "You may read, finance, of everybody's operators." in words(page.text)
    assert client.get("/schedules").status_code == 200
    noted = [call for call in running.calls() if call.name == "sign-in"]
    assert (noted[0].actor, noted[0].surface, noted[0].outcome) == ("ada@example.com", "web", "done")


@pytest.mark.parametrize("groups", [(), ("sales",)])
def test_who_has_no_role_is_not_let_in_and_it_is_noted(
    groups: tuple[str, ...], running: Pages, person: Callable[..., None]
) -> None:
    person(*groups)
    client, page = come(running)
    assert page.status_code == 403
    assert "ada@example.com may see nothing here" in words(page.text)
    assert client.get("/account", follow_redirects=False).status_code == 303
    call = running.calls()[0]
    assert (call.actor, call.name, call.surface, call.outcome) == ("ada@example.com", "sign-in", "web", "NotAllowed")


def test_ones_own_book_is_found_once_by_a_verified_address_and_stays(
    running: Pages, person: Callable[..., None]
) -> None:
    person("cs", sub="g-1", email="grace@example.com", email_verified=False)
    assert come(running)[1].status_code == 403
    person("cs", sub="g-1", email="grace@example.com")
    assert "You may read, act, of the operators of owner 7001 alone." in words(come(running)[1].text)
    person("cs", sub="g-1", email="grace.hopper@example.com")
    assert "of owner 7001 alone" in words(come(running)[1].text), "whoever was found stays who they are"
    person("cs", sub="g-2", email="nobody.knows@example.com")
    assert "which account owner they are is not known" in words(come(running)[1].text)


def forgeries() -> dict[str, Callable[[IdentityProvider, dict[str, Any]], str]]:
    """ID tokens that are not to be taken: what each is, and how it is made."""

    def other_key(made: IdentityProvider, claims: dict[str, Any]) -> str:
        return made.token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048), **claims)

    def told(**changes: Any) -> Callable[[IdentityProvider, dict[str, Any]], str]:
        return lambda made, claims: made.token(**{**claims, **changes})

    return {
        "alg none": lambda made, claims: made.unsigned(**claims),
        "a shared secret": lambda made, claims: made.token(
            kid="shared", key=b"secret" * 8, algorithm="HS256", **claims
        ),
        "another key": other_key,
        "another audience": told(aud="another-client"),
        "another audience that names us": told(aud="another-client", azp=CLIENT_ID),
        "for another beside us": told(aud=[CLIENT_ID, "another-client"], azp="another-client"),
        "another issuer": told(iss="https://id.example.org"),
        "expired": told(exp=int(time.time()) - 120),
        "never expires": told(exp=None),
        "not yet": told(nbf=int(time.time()) + 600),
        "another nonce": told(nonce="of-somebody-else"),
        "no nonce": told(nonce=None),
        "a nonce that is not supported": told(nonce=None, nonce_supported=False),
        "nobody": told(sub=None),
        "no token": lambda _made, _claims: "none.at.all",
    }


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize("kind", forgeries())
def test_a_forged_id_token_lets_nobody_in(kind: str, running: Pages, provider: IdentityProvider) -> None:
    make = forgeries()[kind]
    provider.forged = lambda claims: make(provider, claims)
    client, page = come(running)
    assert page.status_code == 403, words(page.text)
    assert "This sign-in was not accepted." in words(page.text)
    assert client.get("/account", follow_redirects=False).status_code == 303
    assert (running.calls()[0].name, running.calls()[0].outcome) == ("sign-in", "NotAllowed")


@pytest.mark.usefixtures("person")
def test_an_answer_counts_once_and_in_the_browser_that_asked(running: Pages) -> None:
    client, other = running.stranger(), running.stranger()
    away = client.get("/sign-in/company", follow_redirects=False).headers["location"]
    back = httpx2.get(away, trust_env=False).headers["location"]
    other.get("/sign-in/company", follow_redirects=False)
    assert other.get(back).status_code == 403, "whose sign-in it is not"
    wrong = back.replace("state=", "state=x")
    kept = client.cookies.jar
    cookie = "; ".join(f"{one.name}={one.value}" for one in kept)
    assert client.get(back, follow_redirects=False).status_code == 303
    again = running.stranger(Cookie=cookie)
    assert again.get(back).status_code == 403, "a second time"
    assert client.get(wrong).status_code == 403
    assert running.stranger().get(back).status_code == 403, "without the cookie"


def test_a_sign_in_is_good_once_and_for_ten_minutes(settings: Settings) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    begun = Begun("s", "n", "v", "/today", now)
    with open_store(settings.store_url) as store:
        book = Identities(store)
        first, second = book.begin(begun), book.begin(begun)
        assert book.take(first, now + ENTERING - timedelta(seconds=1)) == begun
        assert book.take(first, now) is None
        assert book.take(second, now + ENTERING) is None


@pytest.mark.usefixtures("person")
def test_a_provider_that_does_not_answer_is_told_as_such(running: Pages, provider: IdentityProvider) -> None:
    client = running.stranger()
    away = client.get("/sign-in/company", follow_redirects=False).headers["location"]
    back = httpx2.get(away, trust_env=False).headers["location"]
    provider.broken = True
    page = client.get(back)
    assert page.status_code == 502
    assert "The identity provider does not answer" in words(page.text)


@pytest.mark.usefixtures("person")
def test_roles_and_sessions_count_as_they_are_now(running: Pages, settings: Settings) -> None:
    client, _page = come(running)
    before = client.get("/account")
    assert client.get("/renewals").status_code != 403
    kept = "; ".join(f"{one.name}={one.value}" for one in client.cookies.jar)
    less = {"lead": RoleSettings(groups=("leads",), permissions=("read",), book="all")}
    changed = settings.model_copy(update={"web": settings.web.model_copy(update={"roles": less})})
    none = settings.model_copy(update={"web": settings.web.model_copy(update={"roles": {}})})
    with served(changed) as other:
        after = other.stranger(Cookie=kept).get("/account", headers={"If-None-Match": before.headers["etag"]})
        assert after.status_code == 200
        assert "You may read, of everybody's operators." in words(after.text)
        assert other.stranger(Cookie=kept).get("/renewals").status_code == 403
    with served(none) as closed:
        assert closed.stranger(Cookie=kept).get("/schedules").status_code == 403
    assert (
        running.stranger(Cookie=kept).get("/account", headers={"If-None-Match": before.headers["etag"]}).status_code
        == 304
    )


def test_who_signs_out_everywhere_is_out_in_each_browser_and_nobody_else_is(
    running: Pages, person: Callable[..., None]
) -> None:
    here, _page = come(running)
    there, _page = come(running)
    person("leads", sub="u-9", email="other@example.com")
    other, _page = come(running)
    assert "Sign out everywhere" in here.get("/account").text
    kept = "; ".join(f"{one.name}={one.value}" for one in here.cookies.jar)
    assert here.post("/sign-out/everywhere", headers=OURS).status_code == 303
    assert running.stranger(Cookie=kept).get("/account", follow_redirects=False).status_code == 303
    assert there.get("/account", follow_redirects=False).status_code == 303
    assert other.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("groups", "owner", "rights", "book"),
    [
        (("cs",), "7001", {"read", "act"}, "7001"),
        (("cs",), "", set(), ""),
        (("leads",), "7001", {"read", "finance"}, ""),
        (("cs", "leads"), "7001", {"read", "finance"}, ""),
        ((), "7001", set(), "7001"),
    ],
)
def test_what_is_granted_for_ones_own_book_is_granted_for_no_other(
    groups: tuple[str, ...], owner: str, rights: set[str], book: str
) -> None:
    web = WebSettings(roles=ROLES)  # type: ignore[call-arg]
    found = by_roles(web, "ada", groups, owner, "web")
    assert (set(found.rights), found.book) == (rights, book)


@pytest.mark.parametrize(
    "changes", [{"issuer": ""}, {"client_secret": None}, {"user_header": "x-user", "trusted_peers": ()}]
)
def test_pages_that_would_let_in_the_wrong_people_do_not_start(changes: dict[str, Any], settings: Settings) -> None:
    oidc = settings.oidc.model_copy(update={"issuer": changes.pop("issuer", settings.oidc.issuer)})
    wrong = settings.model_copy(update={"oidc": oidc, "web": settings.web.model_copy(update=changes)})
    with pytest.raises(ConfigError):
        application(wrong, None, "http://127.0.0.1:1")


def test_the_store_knows_no_secret_of_a_sign_in(settings: Settings) -> None:
    with open_store(settings.store_url) as store:
        secret = Identities(store).begin(Begun("s", "n", "v", "/today", datetime.now(UTC)))
        assert Identities(store).owner(Identity("i", "s", "grace@example.com", verified=False), datetime.now(UTC)) == ""
    assert secret.encode() not in Path(settings.store_url.removeprefix("sqlite:///")).read_bytes()

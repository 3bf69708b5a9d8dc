"""Every route of the real application, asked by nobody, by who has no right, of another's book, and by who may; and what stays unseen."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from starlette.routing import Route
from web_pages import OURS, Pages

from customer_research.research.portfolio.books import looking
from customer_research.research.portfolio.own_book import OwnBook, own_book
from customer_research.research.usecases import USE_CASES, validated
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.books import Books
from customer_research.store.database import open_store
from customer_research.surfaces.web.acting import ACTS
from customer_research.surfaces.web.application import application
from customer_research.surfaces.web.endpoints import BASE
from customer_research.surfaces.web.views import VIEWS

OPEN = frozenset(
    {"/", "/static/{name}", "/sign-in", "/sign-in/company", "/sign-in/back", "/sign-out", "/openapi.json"},
)
"""Where nobody need be let in: the way in, the way out, what every page loads, and what the API takes."""

OWN = frozenset({"/account", "/sign-out/everywhere", "/{rest:path}"})
"""What everybody who is let in has for themselves."""

OF_USE_CASE = {
    **{view.path: view.use_case for view in VIEWS},
    **{act.path: act.use_case for act in ACTS},
    "/find": "lookup",
    "/names": "portfolio",
}
S02 = "00000000-5ce0-11f0-a000-000000000002"
ASKED = {"/find": "?q=x", "/names": "?q=x", "/compare": f"?id={S02}&id={S02[:-1]}3"}
"""What pages are asked that say nothing without."""

FORM = {"name": "Kim", "days": "1", "kind": "call"}
LISTS = ("/today", "/operators", "/risk", "/alerts", "/renewals", "/digest", "/matches")


@pytest.fixture(scope="module")
def routes(own: Settings) -> list[tuple[str, str]]:
    """Method and path of every route that the application has."""
    app = application(own, None, "http://127.0.0.1:1")

    async def ended() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(ended())
    found = []
    for route in app.routes:
        assert isinstance(route, Route), f"{route} is no route whose rule is known"
        if route.path == f"{BASE}/{{rest:path}}":
            continue  # test_api.py asks each of its operations, by each role
        found += [(method, route.path) for method in route.methods or () if method in {"GET", "POST"}]
    return found


@pytest.fixture(scope="module")
def book(own: Settings) -> OwnBook:
    """The book of an owner who has some operators, and not most of them."""
    assert own.clock is not None
    with looking(own, own.clock) as (store, ready):
        owners = [owner.owner_id for owner in Books(store).owners(ready) if owner.owner_id]
    books = (own_book(own, owner, own.clock) for owner in owners)
    return next(one for one in books if len(one.operators) > 2 and not one.namesakes)


@pytest.fixture(scope="module")
def foreign(own: Settings, book: OwnBook) -> dict[str, str]:
    """The operators of all other books: ids and names."""
    assert own.clock is not None
    with looking(own, own.clock) as (store, ready):
        lines = {line.operator_id: line.name for line in Books(store).lines(ready)}
    return {operator: name for operator, name in lines.items() if not book.holds(operator)}


@pytest.fixture(scope="module")
def alert(own: Settings, foreign: dict[str, str]) -> str:
    """An alert about an operator of another's book."""
    with open_store(own.store_url) as store:
        return next(one.id for one in AlertBook(store).episodes() if one.subject in foreign)


def use_case(path: str) -> str | None:
    """The use case behind a route; empty: it tells of the reader alone. None: anybody may have it.

    A route without a rule fails here: say above who may have it.
    """
    plain = path.removesuffix(".{suffix}")
    if plain in OPEN:
        return None
    return "" if plain in OWN else OF_USE_CASE[plain]


def address(path: str, operator: str = S02, alert: str = "x") -> str:
    """A path with its parts."""
    parts = {
        "operator": operator,
        "alert": alert,
        "metric": "mrr",
        "suffix": "json",
        "name": "x",
        "rest:path": "nowhere",
    }
    place = path
    for name, value in parts.items():
        place = place.replace(f"{{{name}}}", value)
    assert "{" not in place, f"{path} has a part that is not known here"
    return place + ASKED.get(path.removesuffix(".{suffix}"), "")


def asked(client: httpx2.Client, method: str, path: str, *, on: bool = False) -> httpx2.Response:
    """The answer; `on`: of where it leads to."""
    if method == "GET":
        return client.get(path, follow_redirects=on)
    return client.post(path, data=FORM, headers=OURS, follow_redirects=False)


def test_every_route_lets_in_whom_its_rule_names(routes: list[tuple[str, str]], pages: Pages) -> None:
    nobody, powerless, reader = pages.stranger(), pages.reader("personal"), pages.reader("read", "personal")
    wrong = []
    for method, path in routes:
        name, place = use_case(path), address(path)
        if name is None:
            continue
        answers = {"nobody": asked(nobody, method, place).status_code}
        expected = {"nobody": 303 if method == "GET" else 401}
        if name:
            case = USE_CASES[name]
            answers["no right"], expected["no right"] = asked(powerless, method, place, on=True).status_code, 403
            answers["wrong role"] = asked(reader, method, place).status_code
            if case.right != "read":
                expected["wrong role"] = 403
            else:
                del answers["wrong role"]
        wrong += [f"{method} {path} for {who}: {answers[who]}" for who in answers if answers[who] != expected[who]]
    assert not wrong


def test_without_finance_what_is_kept_is_refused_and_it_is_noted(routes: list[tuple[str, str]], pages: Pages) -> None:
    client = pages.reader("read", email="no.finance@example.com")
    refused = 0
    for path, method in ((path, method) for method, path in routes if method == "GET" and "{" not in path):
        name = use_case(path)
        if not name or USE_CASES[name].right != "read" or name in {"lookup", "compare"}:
            continue
        view = next((view for view in VIEWS if view.path == path), None)
        wanted = view.request({}, ()) if view else {}
        if not validated(USE_CASES[name].request(), wanted).reads(USE_CASES[name].needs) & {"lake", "store"}:
            continue
        assert asked(client, method, address(path)).status_code == 403, path
        refused += 1
        call = pages.calls()[0]
        assert (call.actor, call.surface, call.name, call.outcome) == (
            "no.finance@example.com",
            "web",
            name,
            "NotAllowed",
        )
    assert refused > 5


def test_of_another_s_book_no_route_tells_anything(
    routes: list[tuple[str, str]], pages: Pages, book: OwnBook, foreign: dict[str, str], alert: str
) -> None:
    client = pages.reader("read", "act", "finance", owner=book.owner_id, email="own@example.com")
    other = next(iter(foreign))
    for method, path in routes:
        if not {"{operator}", "{alert}"} & set(path.replace("/", " ").replace(".", " ").split()):
            continue
        answer = asked(client, method, address(path, other, alert))
        assert answer.status_code in {403, 404}, f"{method} {path}: {answer.status_code}"
        assert foreign[other] not in answer.text
        assert other not in answer.text
    assert {"NotAllowed"} == {call.outcome for call in pages.calls()[:5]}
    assert client.get("/compare", params={"id": [other, *sorted(book.operators)[:1]]}).status_code in {403, 404}
    assert client.get("/operators", params={"owner": "somebody else"}).status_code == 403


@pytest.mark.parametrize("path", LISTS)
def test_lists_have_no_operator_of_another_in_any_byte(
    path: str, pages: Pages, book: OwnBook, foreign: dict[str, str]
) -> None:
    client = pages.reader("read", "finance", owner=book.owner_id)
    seen = pages.reader("read", "finance")
    assert len(foreign) > 200
    places = [path, f"{path}.json", *((f"{path}.csv", f"{path}?sort=mrr") if path == "/operators" else ())]
    shown = 0
    for place in places:
        answer = client.get(place)
        assert answer.status_code in {200, 400, 403}, f"{place}: {answer.status_code}"
        found = [name for pair in foreign.items() for name in pair if len(name) > 7 and name in answer.text]
        assert found == [], place
        shown += answer.status_code == 200
    assert shown
    if path == "/operators":
        assert any(name in seen.get(path).text for name in foreign.values()), "nobody would be missed"


def test_what_is_handed_on_is_noted(pages: Pages, book: OwnBook) -> None:
    client = pages.reader("read", "finance", owner=book.owner_id, email="export@example.com")
    answer = client.get("/operators.csv")
    call = pages.calls()[0]
    assert (call.actor, call.surface, call.name, call.outcome) == ("export@example.com", "web", "portfolio", "done")
    assert call.size == len(answer.content)

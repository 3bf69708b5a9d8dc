"""The JSON API: each operation answers as its description says, to whom it may, once; and no caller names a place of the server."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
import sqlalchemy as sa
from api_calls import S02, asked, fault, needed, requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_pages import OURS, Pages

from customer_research.errors import NotAllowed
from customer_research.research.usecases import USE_CASES
from customer_research.store.database import open_store
from customer_research.surfaces.web import api
from customer_research.surfaces.web.endpoints import GRANTABLE, endpoints, left_out
from customer_research.surfaces.web.openapi import ANSWER

ROOT = Path(__file__).parents[2]
KEPT = [one for one in endpoints().values() if "live" not in one.case.needs]
ALIKE = {"profile", "health", "reservations", "payments", "account-review", "missing", "billing"}
"""Reports of one operator that are made, drawn and declared as `quick` and `brief` are, and read live."""

READ = [one for one in endpoints().values() if one.method == "GET" and one.case.name not in ALIKE]


@pytest.fixture(scope="module")
def bearer(pages: Pages) -> httpx2.Client:
    return pages.stranger(Authorization=f"Bearer {pages.token()}")


@pytest.fixture(scope="module")
def roles(pages: Pages, bearer: httpx2.Client) -> dict[str, httpx2.Client]:
    """Who may all that can be granted, who sees no money, who sees one book, who may nothing, and who is nobody."""
    tokens = {
        "reads": pages.token("read"),
        "own book": pages.token("read", "act", "finance", owner="1"),
        "acts alone": pages.token("act"),
        "nobody": "crt_nothing_nothing",
    }
    return {"whole": bearer, **{name: pages.stranger(Authorization=f"Bearer {key}") for name, key in tokens.items()}}


@pytest.fixture(scope="module")
def alert(bearer: httpx2.Client) -> str:
    found = re.findall(r'"alert ([0-9a-f]+)"|"(?:id|text)": "([0-9a-f]{8,})"', bearer.get("/api/v1/alerts").text)
    assert found, bearer.get("/api/v1/alerts").text[:2000]
    return str(next(filter(None, found[0])))


# -- the description -----------------------------------------------------------------------------------------------------------


def test_the_description_is_there_for_everybody_and_names_what_is_declared(pages: Pages) -> None:
    answer = pages.stranger().get("/openapi.json")
    told = answer.json()
    assert told["openapi"] == "3.1.0"
    assert set(told["paths"]) == set(endpoints())
    again = pages.stranger().get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    names = [one["operationId"] for way in told["paths"].values() for one in way.values()]
    assert len(names) == len(set(names))
    for name, one in told["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(one)
        for place in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(one)):
            assert place in told["components"]["schemas"], (name, place)


def test_every_use_case_that_can_be_granted_is_an_operation_or_has_a_reason() -> None:
    asked_for = {one.case.name for one in endpoints().values()}
    for name, case in USE_CASES.items():
        assert (name in asked_for) != bool(left_out(case))
        assert case.right in GRANTABLE or name not in asked_for
        assert case.right != "act" or name in asked_for


def test_no_word_names_a_place_of_the_server(bearer: httpx2.Client, tmp_path: Path) -> None:
    for one in endpoints().values():
        for name, taken in one.parameters.items():
            told = str(taken.schema["description"]).lower()
            assert taken.content or not re.search(r"\b(file|folder|path)\b", told), (one.path, name)
    card = tmp_path / "own.toml"
    card.write_text("[", encoding="utf-8")
    for path, word in (
        ("rules", "scorecard"),
        ("quick", "scorecard"),
        ("report", "snapshot"),
        ("alerts/rules", "rules"),
    ):
        more = {"operator": S02} if path == "quick" else {"kind": "billing"} if path == "report" else {}
        answer = bearer.get(f"/api/v1/{path}", params={**more, word: str(card)})
        assert (answer.status_code, str(card) in answer.text) == (400, False), answer.text


# -- every operation, every role -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", READ, ids=lambda one: one.path)
def test_what_is_read_is_as_it_is_declared(one: Any, bearer: httpx2.Client, alert: str) -> None:
    answer = asked(bearer, one, needed(one, alert=alert))
    assert fault(one, answer) == "", answer.text[:500]
    unset = one.case.name in {"reviews live", "me show"}  # no provider is set, and a token's e-mail is one
    assert answer.status_code == 200 or unset, answer.text[:500]


@settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.data())
def test_any_request_has_an_answer_that_is_declared(drawn: st.DataObject, roles: dict[str, httpx2.Client]) -> None:
    role = drawn.draw(st.sampled_from(sorted(roles)))
    one = drawn.draw(st.sampled_from([each for each in KEPT if each.case.name not in SETTLING]))
    answer = asked(roles[role], one, drawn.draw(requests(one, right=drawn.draw(st.booleans()))))
    assert fault(one, answer) == ""
    assert answer.status_code < 500
    if role == "nobody":
        assert answer.status_code == 401


SETTLING = {"me forget", "me set", "me mute", "me unmute", "outcome done", "outcome churn", "reviews place"}
"""What would leave something behind in the store that other tests read."""


@pytest.mark.parametrize("one", endpoints().values(), ids=lambda one: one.path)
def test_what_is_not_declared_is_refused_before_anything_is_done(one: Any, roles: dict[str, httpx2.Client]) -> None:
    answer = asked(roles["whole"], one, {"colour": "red", **needed(one, **NEEDED)})
    assert (answer.status_code, fault(one, answer)) == (400, "")
    assert answer.json()["detail"].startswith(f"{one.case.name} takes no 'colour'")
    nobody = asked(roles["nobody"], one, {})
    assert (nobody.status_code, fault(one, nobody)) == (401, "")
    assert nobody.headers["www-authenticate"] == "Bearer"
    if one.method == "POST" and one.case.right == "act":
        reads = asked(roles["reads"], one, needed(one, **NEEDED))
        assert (reads.status_code, fault(one, reads)) == (403, "")


NEEDED = {**dict.fromkeys(("alert", "until", "name", "record"), "x"), "reason": "price", "kind": "call"}


def test_a_planted_fault_is_found(bearer: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    one = endpoints()["/api/v1/alerts"]
    assert fault(one, asked(bearer, one, {})) == ""
    sound = api.plain

    def unsound(*words: Any, **more: Any) -> dict[str, Any]:
        told = sound(*words, **more)
        told["report"]["receipts"] = {}
        return told

    monkeypatch.setattr(api, "plain", unsound)
    assert fault(one, asked(bearer, one, {})).startswith("report/receipts")
    monkeypatch.setattr(api, "plain", lambda *_words, **_more: {"schema": ANSWER})
    assert "required" in fault(one, asked(bearer, one, {}))


def test_reading_changes_nothing(pages: Pages, bearer: httpx2.Client, alert: str) -> None:
    before = _kept(pages)
    for one in KEPT:
        if one.method == "GET":
            asked(bearer, one, needed(one, alert=alert))
    assert _kept(pages) == before


def _kept(pages: Pages) -> dict[str, Any]:
    """What is in the store, but for who asked, and for what lists are made of, which is made anew where it is stale."""
    with open_store(pages.settings.store_url) as store, store.read() as connection:
        names = sa.inspect(connection).get_table_names()
        told = {name: connection.execute(sa.text(f'SELECT * FROM "{name}"')).all() for name in names}
    return {
        name: sorted(map(repr, rows)) for name, rows in told.items() if name not in {"noted_call", "api_token", "book"}
    }


# -- what is refused, and how ----------------------------------------------------------------------------------------------------


def test_several_operators_are_named_with_the_refusal(bearer: httpx2.Client) -> None:
    answer = bearer.get("/api/v1/quick", params={"operator": "limousine"})
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    told = answer.json()
    assert (told["title"], told["type"]) == ("Conflict", "urn:customer-research:problem:ambiguous-operator")
    assert len(told["candidates"]) > 1
    assert all(one["operator"] and one["because"] for one in told["candidates"])
    nobody = bearer.get("/api/v1/quick", params={"operator": "no such operator anywhere"})
    assert nobody.status_code == 404


def test_who_may_not_see_money_or_another_book_is_told_no_more(roles: dict[str, httpx2.Client]) -> None:
    for path in ("portfolio", "today", "alerts", "churn-risk"):
        assert roles["reads"].get(f"/api/v1/{path}").status_code == 403, path
    told = roles["reads"].get("/api/v1/billing", params={"operator": S02}).json()["report"]
    assert {gap["reason"] for gap in told["gaps"]} >= {"not_permitted"}, told["gaps"]
    unheard_of = roles["own book"].get("/api/v1/quick", params={"operator": S02})
    assert unheard_of.status_code == 403
    refused = api.problem(NotAllowed("It is Grace's.", operator_id=S02), "1", {})
    assert (refused.status_code, "Grace" in bytes(refused.body).decode()) == (404, False)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("portfolio", "limit=0"),
        ("portfolio", "limit=1001"),
        ("portfolio", "limit=ten"),
        ("portfolio", "limit=1&limit=2"),
        ("portfolio", "bands=purple"),
        ("portfolio", "csv=true"),
        ("portfolio", "min_mrr=inf"),
        ("portfolio", "search=" + "x" * 301),
        ("portfolio", "search=%00"),
        ("today", "every=yes"),
        ("today", "unnoted=false"),
        ("account-review", f"operator={S02}&since=2026-13-01"),
        ("compare", "&".join(["operators=x"] * 51)),
        ("quick", ""),
    ],
)
def test_a_value_that_does_not_fit_is_refused(path: str, words: str, bearer: httpx2.Client) -> None:
    answer = bearer.get(f"/api/v1/{path}?{words}")
    assert (answer.status_code, fault(endpoints()[f"/api/v1/{path}"], answer)) == (400, "")


@pytest.mark.parametrize(
    ("status", "content", "media"),
    [
        (415, b"alert=x", "application/x-www-form-urlencoded"),
        (413, b'{"alert": "' + b"x" * 70_000 + b'"}', "application/json"),
        (400, b"", "application/json"),
        (400, b"[" * 30_000, "application/json"),
        (400, b'{"alert": "x", "alert": "y"}', "application/json"),
        (400, b'{"alert": NaN}', "application/json"),
        (400, b'{"alert": 1}', "application/json; charset=utf-8"),
        (400, b'"alert"', "application/json"),
        (400, b"\xff", "application/json"),
    ],
)
def test_a_body_that_is_none_is_refused(status: int, content: bytes, media: str, bearer: httpx2.Client) -> None:
    one = endpoints()["/api/v1/alerts/ack"]
    answer = bearer.post(one.path, content=content, headers={"Content-Type": media})
    assert (answer.status_code, fault(one, answer)) == (status, "")


def test_an_operation_is_asked_for_in_its_own_way(pages: Pages, bearer: httpx2.Client) -> None:
    for method, path, allowed in (("POST", "portfolio", "GET, HEAD"), ("GET", "alerts/ack", "POST")):
        answer = bearer.request(method, f"/api/v1/{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert bearer.get("/api/v1/nothing").json()["type"] == "urn:customer-research:problem:no-operation"
    assert bearer.head("/api/v1/metrics").status_code == 200
    assert pages.stranger().get("/api/v1/metrics").status_code == 401
    beside = pages.reader()
    assert beside.get("/api/v1/metrics").status_code == 200
    assert beside.get("/api/v1/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401


# -- acting ----------------------------------------------------------------------------------------------------------------------


def test_an_act_with_a_key_is_done_once_and_may_be_asked_again_where_it_was_not(
    pages: Pages, bearer: httpx2.Client, alert: str
) -> None:
    place, key = "/api/v1/alerts/assign", {"Idempotency-Key": "k1"}
    failed = bearer.post(place, json={"alert": "ffffffff", "name": "grace"}, headers=key)
    assert failed.status_code == 400
    first = bearer.post(place, json={"alert": alert, "name": "grace"}, headers=key)
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (200, False)
    before = len(pages.calls())
    again = bearer.post(place, json={"alert": alert, "name": "grace"}, headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    other = bearer.post(place, json={"alert": alert, "name": "ada"}, headers=key)
    assert (other.status_code, fault(endpoints()[place], other)) == (422, "")
    assert bearer.post("/api/v1/alerts/ack", json={"alert": alert}, headers=key).status_code == 422
    assert len(pages.calls()) == before
    someone = pages.stranger(Authorization=f"Bearer {pages.token(email='grace@example.com')}")
    assert "Idempotency-Replayed" not in someone.post(place, json={"alert": alert, "name": "ada"}, headers=key).headers


def test_an_act_by_a_cookie_comes_from_our_pages_alone_and_is_noted_as_of_the_api(pages: Pages, alert: str) -> None:
    client, place = pages.reader(email="grace@example.com"), "/api/v1/alerts/unack"
    assert client.post(place, json={"alert": alert}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(place, json={"alert": alert}).status_code == 403
    done = client.post(place, json={"alert": alert}, headers=OURS)
    assert (done.status_code, fault(endpoints()[place], done)) in {(200, ""), (400, "")}
    newest = pages.calls()[0]
    assert (newest.name, newest.surface, newest.actor) == ("alerts unack", "api", "grace@example.com")


# -- what is the same everywhere ---------------------------------------------------------------------------------------------------


def test_an_answer_that_one_has_is_not_sent_again(pages: Pages, bearer: httpx2.Client) -> None:
    first = bearer.get("/api/v1/portfolio", params={"limit": 3})
    mark = {"If-None-Match": first.headers["etag"]}
    again = bearer.get("/api/v1/portfolio", params={"limit": 3}, headers=mark)
    assert (again.status_code, again.content, again.headers["vary"]) == (304, b"", "Authorization, Cookie")
    assert bearer.get("/api/v1/portfolio", params={"limit": 4}, headers=mark).status_code == 200
    none = pages.stranger(Authorization=f"Bearer {pages.token('read')}")
    assert none.get("/api/v1/portfolio", params={"limit": 3}, headers=mark).status_code == 403


def test_the_samples_of_the_reference_run(pages: Pages, alert: str) -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    samples = re.findall(r"^curl .*$", page, re.MULTILINE)
    assert len(samples) >= 5
    around = {"PATH": os.environ["PATH"], "URL": pages.url, "TOKEN": pages.token(), "ALERT": alert, "NO_PROXY": "*"}
    for sample in samples:
        ran = subprocess.run(["bash", "-c", sample], env=around, capture_output=True, text=True, timeout=60, check=True)
        told = json.loads(ran.stdout)
        assert told.get("state") == "done" or "openapi" in told, (sample, ran.stdout[:300])

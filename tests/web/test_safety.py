"""Where a request may come from, and what a browser may do with the answer."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from web_pages import OURS, Pages

from customer_research.surfaces.web.safety import Safety
from customer_research.surfaces.web.views import VIEWS


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_a_change_from_elsewhere_is_refused(headers: dict[str, str], pages: Pages) -> None:
    client = pages.reader()
    sent = {name: value.replace("OWN", pages.url) for name, value in headers.items()}
    assert client.post("/alerts/x/ack", headers=sent).status_code == 403
    assert client.post("/sign-out", headers=sent).status_code == 403
    assert client.get("/today").status_code == 200


@pytest.mark.parametrize("headers", [OURS, {"Sec-Fetch-Site": "none"}, {"Origin": "OWN"}])
def test_a_change_from_these_pages_is_taken(headers: dict[str, str], pages: Pages) -> None:
    sent = {name: value.replace("OWN", pages.url) for name, value in headers.items()}
    assert pages.reader().post("/sign-out", headers=sent).status_code == 303


def test_a_change_with_a_token_in_the_header_needs_no_page(pages: Pages) -> None:
    bearer = pages.stranger(Authorization=f"Bearer {pages.token()}")
    assert bearer.post("/alerts/x/ack", data={"back": "/alerts"}).status_code == 400  # there is no such alert


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""])
def test_another_host_is_none_of_ours(host: str, pages: Pages) -> None:
    assert pages.stranger().get("/sign-in", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("path", ["/today", "/sign-in", "/nowhere", "/static/nothing.css"])
def test_every_answer_says_what_browsers_may_do(path: str, pages: Pages) -> None:
    told = pages.reader().get(path).headers
    policy = told["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "nonce" not in policy
    assert (told["x-content-type-options"], told["referrer-policy"]) == ("nosniff", "same-origin")
    assert "public" not in told["cache-control"]


def test_pages_have_nothing_inline_that_the_policy_would_stop(pages: Pages) -> None:
    client = pages.reader()
    for path in ("/today", "/operators", "/alerts", "/renewals", "/digest", "/risk", "/nowhere"):
        page = client.get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick" not in page
        assert page.count("<script") == 1
        assert '<script src="/static/web.' in page


def test_reading_changes_nothing_and_changing_is_no_get(pages: Pages) -> None:
    client = pages.reader()
    for path in ("/alerts/x/ack", "/alerts/x/snooze", "/alerts/x/assign", "/sign-out"):
        assert client.get(path).status_code in {404, 405}
    assert all(view.path.startswith("/") for view in VIEWS)


@pytest.mark.parametrize("name", ["web.css", "web.js", "%2e%2e%2fapplication.py", "web.0000000000000000.css"])
def test_only_what_pages_load_is_given_out(name: str, pages: Pages) -> None:
    assert pages.stranger().get(f"/static/{name}").status_code in {303, 404}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),  # browsers say nothing of where a form comes from to plain http beyond this machine
        ({"Origin": "http://research.example.com"}, 403),
        ({"Origin": "https://research.example.com"}, 200),
        ({"Origin": "https://research.example.com", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Authorization": "Basic YWRhOmFkYQ=="}, 403),
        ({"Authorization": "Bearer crt_0123456789_x"}, 200),
    ],
)
def test_over_plain_http_a_change_counts_of_the_configured_address_alone(headers: dict[str, str], status: int) -> None:
    app = Safety(PlainTextResponse("done"), "https://research.example.com")

    async def sent() -> int:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://research.example.com") as client:
            return (await client.post("/alerts/x/ack", headers=headers)).status_code

    assert asyncio.run(sent()) == status

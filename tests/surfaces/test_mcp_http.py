"""The MCP server over real HTTP: who is let in, under which name, for which operators, and what the audit says of it."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from cli_runs import changed
from http_servers import Served, headers_of, request, said, served, with_settings
from issuers import IdentityProvider, identity_provider
from mcp_calls import ERAS, told
from pydantic import SecretStr
from worlds import Worlds

from customer_research.errors import UsageError
from customer_research.research.portfolio.books import looking
from customer_research.research.portfolio.own_book import own_book
from customer_research.research.usecases import finished
from customer_research.settings import Settings, load_settings
from customer_research.store.books import Books
from customer_research.surfaces.mcp import answering, http
from customer_research_sandbox.serve import Sandbox

OPERATOR = "00000000-5ce0-11f0-a000-000000000002"
PUBLIC = "https://research.example.com/mcp"


@pytest.fixture(scope="module")
def own(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a store of their own."""
    return with_settings(settings, store={"url": SecretStr(f"sqlite:///{tmp_path_factory.mktemp('http')}/own.db")})


@pytest.fixture(scope="module")
def here(own: Settings) -> Iterator[Served]:
    with served(own) as running:
        yield running


def call(server: Served, token: str, tool: str, *, era: str = "auto", **given: Any) -> Any:
    async def asked() -> Any:
        async with server.client(token, era=era) as client:
            return await client.call_tool(tool, given)

    return finished(asked())


@pytest.mark.parametrize("era", ERAS)
def test_a_token_lets_in_and_the_call_is_noted_under_its_address(era: str, here: Served) -> None:
    result = call(
        here, here.token(email=f"{era}@example.com"), "operator_report", era=era, operator=OPERATOR, kind="quick"
    )
    assert told(result)["status"] == "ok"
    (noted,) = [one for one in here.calls() if one.actor == f"{era}@example.com"]
    assert (noted.surface, noted.operator_id, noted.outcome) == ("http", OPERATOR, "done")
    assert noted.receipts
    assert noted.size > 100
    assert noted.seconds > 0


def test_no_token_and_wrong_ones_are_refused(here: Served) -> None:
    gone = here.token()
    here.revoke(gone)
    good = here.token()
    assert here.post(good).status_code == 200
    for wrong in (None, "x", gone, here.token(days=-1), good[:-1], f"{good}x", "eyJhbGciOiJub25lIn0.e30."):
        response = here.post(wrong)
        assert response.status_code == 401, wrong
        assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
        assert "resource_metadata" not in response.headers["www-authenticate"], "there is no identity provider to name"
    metadata = here.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    assert httpx2.get(metadata, trust_env=False).status_code == 404


def test_a_token_without_the_right_to_read_is_refused(here: Served) -> None:
    response = here.post(here.token("act"))
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    assert "customer-research.read" in response.headers["www-authenticate"]


def test_hosts_and_origins_that_nobody_named_are_refused(here: Served) -> None:
    token = here.token()
    port = here.url.split(":")[2].partition("/")[0]
    for host in ("research.example.com", "evil.example.com:80", f"127.0.0.1.evil.com:{port}"):
        assert here.post(token, host=host).status_code == 421, host
    assert here.post(token, host=f"localhost:{port}").status_code == 200
    assert here.post(token, Origin="https://evil.example.com").status_code == 403


def test_hosts_of_the_settings_are_let_in(own: Settings) -> None:
    named = {
        "allowed_hosts": ("inside.example.com", "other.example.com:8080"),
        "allowed_origins": ("https://app.example.com",),
    }
    with served(with_settings(own, serve=named), url=PUBLIC) as running:
        token = running.token()
        for host, status in (
            ("research.example.com", 200),
            ("inside.example.com", 200),
            ("inside.example.com:8443", 200),
            ("other.example.com:8080", 200),
            ("other.example.com", 421),
        ):
            assert running.post(token, host=host).status_code == status, host
        assert running.post(token, Origin="https://app.example.com").status_code == 200


def test_without_finance_an_agent_is_told_that_it_is_not_permitted(here: Served) -> None:
    whole = told(call(here, here.token(), "operator_report", operator=OPERATOR, kind="billing"))
    less = told(call(here, here.token("read"), "operator_report", operator=OPERATOR, kind="billing"))
    assert "$" in str(whole["statements"])
    assert "$" not in str(less)
    assert less["status"] == "partial"
    assert "not_permitted" in str(less["gaps"])
    result = call(here, here.token("read"), "portfolio_at_risk")
    assert result.is_error
    assert "It needs the permission finance." in str(told(result))


def test_anothers_operator_is_refused_and_noted(portfolio_settings: Settings, tmp_path: Path) -> None:
    assert portfolio_settings.clock is not None
    with looking(portfolio_settings, portfolio_settings.clock) as (store, ready):
        owners = [owner.owner_id for owner in Books(store).owners(ready) if owner.owner_id]
    books = [own_book(portfolio_settings, owner, portfolio_settings.clock) for owner in owners]
    book = next(one for one in books if not one.holds(OPERATOR))
    copy = tmp_path / "store.db"
    copy.write_bytes(Path(portfolio_settings.store_url.removeprefix("sqlite:///")).read_bytes())
    settings = with_settings(portfolio_settings, store={"url": SecretStr(f"sqlite:///{copy}")})
    with served(settings) as running:
        token = running.token(owner=book.owner_id, email="kim@example.com")
        result = call(running, token, "operator_report", operator=OPERATOR)
        assert result.is_error
        assert "it is of another's book" in str(told(result))
        assert (
            told(call(running, token, "operator_report", operator=min(book.operators), kind="quick"))["status"] == "ok"
        )
        mine = told(call(running, token, "portfolio_at_risk"))
        assert book.name in str(mine)
        noted = [(one.actor, one.operator_id, one.outcome) for one in running.calls()]
    assert noted[-1] == ("kim@example.com", OPERATOR, "NotAllowed")
    assert noted[-2] == ("kim@example.com", min(book.operators), "done")


# -- an identity provider ----------------------------------------------------------------------------------------------


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


def test_tokens_of_an_identity_provider_let_in_and_clients_are_told_of_it(
    own: Settings, provider: IdentityProvider
) -> None:
    settings = with_settings(own, oidc={"issuer": provider.address})
    with served(settings, url=PUBLIC) as running:
        assert running.post(provider.token()).status_code == 200
        assert running.post(running.token()).status_code == 200, "our own tokens count beside them"
        for wrong in (
            provider.token(exp=1_700_000_000),
            provider.token(aud="https://elsewhere.example.com/mcp"),
            provider.token(iss="https://elsewhere.example.com"),
            provider.unsigned(),
            provider.token(kid="unheard of"),
        ):
            response = running.post(wrong)
            assert response.status_code == 401
            where = "https://research.example.com/.well-known/oauth-protected-resource/mcp"
            assert f'resource_metadata="{where}"' in response.headers["www-authenticate"]
        assert running.post(provider.token(scope="openid")).status_code == 403
        told_there = httpx2.get(
            running.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"), trust_env=False
        )
        metadata = told_there.json()
    assert metadata["resource"] == PUBLIC
    assert metadata["authorization_servers"] == [provider.address]
    assert "customer-research.read" in metadata["scopes_supported"]


def test_a_silent_identity_provider_is_no_wrong_token(
    own: Settings, provider: IdentityProvider, no_waiting: None
) -> None:
    provider.broken = True
    with served(with_settings(own, oidc={"issuer": provider.address}), url=PUBLIC) as running:
        response = running.post(provider.token())
        assert response.status_code == 503
        assert response.headers["retry-after"] == "5"
        assert said(response)["error"] == "temporarily_unavailable"


# -- load and interruption ---------------------------------------------------------------------------------------------


def test_a_client_that_goes_stops_the_requests_to_vendors(clean_sandbox: Sandbox, here: Served) -> None:
    token = here.token()

    async def gone() -> tuple[float, int, int]:
        async with here.client(token) as client:
            asking = asyncio.create_task(client.call_tool("operator_report", {"operator": OPERATOR, "kind": "profile"}))
            async with asyncio.timeout(60):
                while len(clean_sandbox.request_log) < 3:  # noqa: ASYNC110 - another thread answers them
                    await asyncio.sleep(0.02)
            asking.cancel()
        began = time.monotonic()
        while not [one for one in here.calls() if one.outcome == "cancelled"]:
            assert time.monotonic() - began < 30
            await asyncio.sleep(0.02)
        stopped = time.monotonic() - began
        await asyncio.sleep(1.5)  # what was under way then is answered, and logged by the sandbox
        before = len(clean_sandbox.request_log)
        await asyncio.sleep(1.5)
        return stopped, before, len(clean_sandbox.request_log)

    clean_sandbox.set_latency(500)
    stopped, before, after = finished(gone())
    assert stopped < 1.0
    assert 0 < before == after


def test_a_public_address_needs_a_way_in(own: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = with_settings(own, store={"url": SecretStr(f"sqlite:///{tmp_path}/empty.db")})
    ran: list[Any] = []
    monkeypatch.setattr(http, "load_settings", lambda _config: empty)
    monkeypatch.setattr(uvicorn, "run", lambda *_given, **how: ran.append(how))
    monkeypatch.setenv(http.TOLD, "")
    for host in ("0.0.0.0", "::", "research.example.com", "10.0.0.5"):
        with pytest.raises(UsageError, match="nobody could be let in"):
            http.serve(None, host=host, port=1, workers=1)
    for host in ("127.0.0.1", "::1", "localhost"):
        http.serve(None, host=host, port=1, workers=1)
    assert len(ran) == 3


@pytest.fixture(scope="module")
def world(worlds: Worlds) -> Iterator[Sandbox]:
    """A small world: what answers a query is not to be what these tests wait for."""
    with worlds.running(slow_seconds=60.0) as running:
        yield running


@pytest.fixture(scope="module")
def workers(world: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`mcp serve --http` as a process of its own with two workers; what it writes to standard error names nobody."""
    folder = tmp_path_factory.mktemp("workers")
    config = changed(world.config_path, folder, {"store": {"url": f"sqlite:///{folder}/own.db"}})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "customer_research", "--config", str(config), "mcp", "serve", "--http"]
    with subprocess.Popen(
        [*command, "--port", str(port), "--workers", "2"], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_for(port, process)
            yield Served(f"http://127.0.0.1:{port}/mcp", load_settings(config))
        finally:
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert not [word for word in ("Traceback", "@example.com", "crt_") if word in err], err


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    """Until somebody listens there."""
    for _ in range(1_200):
        assert process.poll() is None, process.stderr and process.stderr.read()
        with socket.socket() as knocking:
            if knocking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nobody listens")


def test_any_worker_answers_any_call(workers: Served) -> None:
    token = workers.token()
    assert [workers.post(token).status_code for _ in range(12)] == [200] * 12
    assert workers.post("x").status_code == 401
    assert told(call(workers, token, "operator_find", term=OPERATOR))["status"] == "ok"
    workers.revoke(token)
    assert [workers.post(token).status_code for _ in range(6)] == [401] * 6, "at once, and by every worker"


def test_thirty_at_once_are_answered_in_time_though_one_source_is_silent(workers: Served, world: Sandbox) -> None:
    """HubSpot does not answer at all: the first ones wait for it, the others are told so, and all have the rest."""
    operators = [f"00000000-5ce0-11f0-a000-{number:012d}" for number in range(1, 31)]
    token = workers.token(email="thirty@example.com")

    async def together(asked: list[str]) -> list[tuple[float, dict[str, Any]]]:
        async with httpx2.AsyncClient(timeout=120, trust_env=False) as client:

            async def one(operator: str) -> tuple[float, dict[str, Any]]:
                began = time.monotonic()
                tool, given = "operator_report", {"operator": operator, "kind": "quick"}
                body = request("tools/call", name=tool, arguments=given)
                response = await client.post(workers.url, json=body, headers=headers_of("tools/call", token, tool))
                result = said(response)["result"]
                return time.monotonic() - began, result["structuredContent"]

            return list(await asyncio.gather(*map(one, asked)))

    finished(together(operators[:6]))  # both workers have loaded what they need
    world.set_faults("hubspot:slow")
    answers = finished(together(operators))
    assert max(seconds for seconds, _ in answers) < answering.DEADLINE
    assert {answer.get("status") for _, answer in answers} == {"partial"}, [a for _, a in answers if "status" not in a]
    for _, answer in answers:
        assert "hubspot" in {gap["source"] for gap in answer["gaps"] if gap["reason"] == "unavailable"}
    noted = [one for one in workers.calls() if one.actor == "thirty@example.com"]
    assert {one.operator_id for one in noted} == set(operators)

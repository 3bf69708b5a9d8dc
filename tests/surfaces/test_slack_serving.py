"""The Slack app served: over socket mode, and in a process of its own over HTTP until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from http_servers import with_settings
from pydantic import SecretStr
from slack_talks import TEUN, shown

from customer_research.domain.access import SlackPerson
from customer_research.research.usecases import finished
from customer_research.settings import Settings
from customer_research.store.database import open_store
from customer_research.store.slack import SlackBook
from customer_research.surfaces.slack.app import PATH
from customer_research.surfaces.slack.serving import app_alone, socket_mode
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.slack_acts import Acts


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a store of their own, in which Teun may ask."""
    chosen = with_settings(settings, store={"url": SecretStr(f"sqlite:///{tmp_path}/own.db")})
    assert chosen.clock is not None
    teun = SlackPerson("teun.bexcombe@moovs-team.example.com", ("read", "finance"), "", False, chosen.clock, "tests")
    with open_store(chosen.store_url) as store:
        SlackBook(store).allow(teun)
    return chosen


@pytest.fixture
def acts(sandbox: Sandbox) -> Acts:
    sandbox.slack.private.clear()
    return Acts(sandbox.slack, sandbox.addresses["slack"].removesuffix("/api/"))


async def _until_told(acts: Acts) -> str:
    async with asyncio.timeout(20):
        while not acts.space.private:  # noqa: ASYNC110 - another thread's list
            await asyncio.sleep(0.02)
    return shown(acts.space.private[-1].message)


def test_over_socket_mode_it_answers_once_and_connects_anew(own: Settings, sandbox: Sandbox, acts: Acts) -> None:
    async def work() -> tuple[str, str]:
        with sandbox.slack_socket() as link:
            async with app_alone(own) as app, socket_mode(app, own):
                sent = acts.command(TEUN, "quick Silvermead")
                await asyncio.wrap_future(link.send(sent))
                first = await _until_told(acts)
                await asyncio.wrap_future(link.send(sent))  # as Slack does where an acknowledgement was lost
                while len(link.acknowledged) < 2:  # noqa: ASYNC110 - another thread's list
                    await asyncio.sleep(0.02)
                await app.idle()
                assert len(acts.space.private) == 1
                assert "/customer quick Silvermead" in str(link.acknowledged[0])
                acts.space.private.clear()
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(link.cut(), sandbox._loop))
                await asyncio.wrap_future(link.send(acts.command(TEUN, "help")))
                return first, await _until_told(acts)

    first, anew = finished(work())
    assert "Silvermead" in first
    assert "/customer compare" in anew


def test_in_a_process_of_its_own_it_answers_and_ends_when_told(own: Settings, sandbox: Sandbox, acts: Acts) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "customer_research", "--config", str(sandbox.config_path)]
    serve = [*command, "slack", "serve", "--port", str(port)]
    named = {"CUSTOMER_RESEARCH_STORE__URL": own.store_url}
    with subprocess.Popen(serve, env={**os.environ, **named}, stderr=subprocess.PIPE, text=True) as process:
        try:
            sent = acts.command(TEUN, "quick Silvermead")
            url = f"http://127.0.0.1:{port}{PATH}"
            answer = _asked(url, sent.body, dict(sent.headers), process)
            assert answer.status_code == 200
            assert "Silvermead" in finished(_until_told(acts))
            assert httpx2.post(url, content=sent.body).status_code == 401
            assert httpx2.get(url.replace(PATH, "/")).status_code == 404
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=30)[1]
    assert process.returncode in {0, -signal.SIGTERM}
    assert "Silvermead" not in said


def _asked(url: str, body: bytes, headers: dict[str, str], process: subprocess.Popen[str]) -> httpx2.Response:
    """Ask as soon as it listens."""
    until = time.monotonic() + 30
    while True:
        try:
            return httpx2.post(url, content=body, headers=headers)
        except httpx2.TransportError:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < until
            time.sleep(0.1)

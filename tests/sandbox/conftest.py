"""One small world and one running sandbox for all tests of the servers."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from customer_research.sandbox import world
from customer_research.sandbox.dataset import Dataset
from customer_research.sandbox.serve import Sandbox
from customer_research.sandbox.servers import hubspot, lago, metabase, notion

HEADERS = {
    "lago": {"Authorization": f"Bearer {lago.API_KEY}"},
    "hubspot": {"Authorization": f"Bearer {hubspot.TOKEN}"},
    "metabase": {"x-api-key": metabase.API_KEY},
    "notion": {"Authorization": f"Bearer {notion.TOKEN}", "Notion-Version": notion.SOURCES},
}


class Caller:
    """Asks a running sandbox as an authorised client."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = httpx2.Client(timeout=20)

    def __call__(self, source, path, json=None, method=None, headers=None):
        """GET without *json*, POST with it, unless *method* says otherwise."""
        verb = method or ("GET" if json is None else "POST")
        sent = {**HEADERS[source], **(headers or {})}
        return self.client.request(verb, self.sandbox.addresses[source] + path, headers=sent, json=json)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return world.generate(seed=11, n_operators=40, scenarios=False)


@pytest.fixture(scope="session")
def running(dataset: Dataset) -> Iterator[Sandbox]:
    with Sandbox.start(dataset=dataset, rate_limits=False, slow_seconds=0.05) as sandbox:
        yield sandbox


@pytest.fixture
def ask(running: Sandbox) -> Iterator[Caller]:
    """Ask the sandbox; faults and latency set by a test end with it."""
    caller = Caller(running)
    with caller.client:
        yield caller
    running.set_faults()
    running.set_latency(0)

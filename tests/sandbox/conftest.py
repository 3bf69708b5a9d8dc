"""One small world and one running sandbox for all tests of the servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_caller import Caller

from customer_research_sandbox import world
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox


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

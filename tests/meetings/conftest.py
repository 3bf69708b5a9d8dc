"""One small world and one sandbox of it for all tests of meetings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customer_research_sandbox import world
from customer_research_sandbox.serve import Sandbox


@pytest.fixture(scope="session")
def small_sandbox() -> Iterator[Sandbox]:
    dataset = world.generate(seed=11, n_operators=60, scenarios=False)
    with Sandbox.start(dataset=dataset, rate_limits=False, slow_seconds=30) as running:
        yield running

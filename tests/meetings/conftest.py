"""One small world for all tests of calendars."""

from __future__ import annotations

import pytest

from customer_research_sandbox import world
from customer_research_sandbox.dataset import Dataset


@pytest.fixture(scope="session")
def small_dataset() -> Dataset:
    return world.generate(seed=11, n_operators=60, scenarios=False)

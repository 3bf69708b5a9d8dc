"""The database that every other engine is compared with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customer_research.engines.duckdb import Memory


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    with Memory() as opened:
        yield opened

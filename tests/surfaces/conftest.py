"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customer_research.sandbox.serve import Sandbox


@pytest.fixture(scope="module")
def _unhurried(sandbox: Sandbox) -> Iterator[None]:
    """No rate limits: a hundred commands in a minute are more than the vendors allow, which is another test's matter."""
    sandbox.set_rate_limits(hold=False)
    yield
    sandbox.set_rate_limits(hold=True)

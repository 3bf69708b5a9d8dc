"""Any one source that hangs: the profile still comes in bounded time, names the gap, and shows no wrong figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stopped_sources import PATIENCE, SOURCES, survives, whole

from customer_research.domain.account import Account
from customer_research.settings import Settings, load_settings
from customer_research_sandbox.serve import Sandbox

pytestmark = pytest.mark.usefixtures("no_waiting")


PROMISED_SECONDS = 20


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"deadline_seconds": PATIENCE})


@pytest.fixture(scope="module")
def whole_account(sandbox: Sandbox, settings: Settings) -> Account:
    return whole(settings)


@pytest.mark.parametrize("source", SOURCES)
def test_a_profile_survives_a_source_that_hangs_and_names_the_gap(
    source: str, clean_sandbox: Sandbox, research: Any, whole_account: Account
) -> None:
    survives(source, "slow", clean_sandbox, research, whole_account)


def test_the_deadlines_keep_the_promise(config_path: Path) -> None:
    """At most one stream's deadline is waited out, for a source that did not answer is not asked again."""
    assert load_settings(config_path).deadline_seconds <= PROMISED_SECONDS - 5

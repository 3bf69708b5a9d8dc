"""Any one source under any one fault: the profile still comes, names the gap, and shows no wrong figure."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from stopped_sources import OPERATOR, PATIENCE, SOURCES, WHOLE, _wrong, found_without_the_warehouse, survives, whole

from customer_research.domain.account import Account
from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

pytestmark = pytest.mark.usefixtures("no_waiting")


PARTLY = ("truncate", "schema")
"""Faults after which some of it may be."""


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"deadline_seconds": PATIENCE})


@pytest.fixture(scope="module")
def whole_account(sandbox: Sandbox, settings: Settings) -> Account:
    return whole(settings)


@pytest.mark.parametrize(
    ("source", "kind"),
    [(source, kind) for source, kind in itertools.product(SOURCES, WHOLE + PARTLY) if kind != "slow"],
)
def test_a_profile_survives_a_fault_and_names_the_gap(
    source: str, kind: str, clean_sandbox: Sandbox, research: Any, whole_account: Account
) -> None:
    survives(source, kind, clean_sandbox, research, whole_account)


@pytest.mark.parametrize("source", SOURCES)
def test_a_fault_that_passes_is_retried_away(
    source: str, clean_sandbox: Sandbox, research: Any, whole_account: Account
) -> None:
    clean_sandbox.set_faults(f"{source}:http500:0.2")

    account = research(lambda opened: opened.account(OPERATOR))

    assert _wrong(account, whole_account) == {}


@pytest.mark.parametrize("kind", ["down", "auth"])
def test_a_name_is_found_without_the_warehouse(kind: str, clean_sandbox: Sandbox, research: Any) -> None:
    found_without_the_warehouse(kind, clean_sandbox, research)


def test_a_name_is_found_while_the_warehouse_hangs(clean_sandbox: Sandbox, research: Any) -> None:
    found_without_the_warehouse("slow", clean_sandbox, research)

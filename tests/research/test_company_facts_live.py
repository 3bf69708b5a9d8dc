"""Company facts over real HTTP in the sandbox's world: what is kept moves no score, and a provider that fails loses nothing."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from customer_research.documents.formats import render
from customer_research.domain.firm import KEPT
from customer_research.domain.report import Report
from customer_research.firms.settings import FmcsaSettings, PeopleDataLabsSettings
from customer_research.reports.company_facts import SECTION
from customer_research.research import Research, company_facts
from customer_research.research.company_facts import Fetch, Order, listed
from customer_research.research.one import account_snapshots
from customer_research.settings import Settings, StoreSettings
from customer_research_sandbox.project_facts import SCENARIOS
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.facts import API_KEY

T = TypeVar("T")
OPERATOR = "00000000-5ce0-11f0-a000-000000000002"
PDL, FMCSA = "people_data_labs", "fmcsa"

FAULTS = {
    "hubspot": ("down", "badjson"),  # its own tests have the others
    FMCSA: ("down", "slow", "drop", "schema"),
    PDL: ("down", "slow", "http500", "http429", "badjson", "drop", "schema", "deep", "auth"),
}

pytestmark = pytest.mark.xdist_group("portfolio")


@pytest.fixture
def desk(portfolio_settings: Settings, clean_sandbox: Sandbox, tmp_path: Path) -> Settings:
    """The shared lake, a store of one's own, and those who tell facts."""
    at = clean_sandbox.addresses["facts"]
    clean_sandbox.facts.credits = 100
    return portfolio_settings.model_copy(
        update={
            "store": StoreSettings(url=SecretStr(f"sqlite:///{tmp_path / 'store.db'}"), snapshots=tmp_path / "snapshots"),
            "fmcsa": FmcsaSettings(url=f"{at}/fmcsa", requests_per_second=1000),  # type: ignore[call-arg]
            "people_data_labs": PeopleDataLabsSettings(url=f"{at}/pdl", api_key=SecretStr(API_KEY), requests_per_second=1000),  # type: ignore[call-arg]
            "deadline_seconds": 0.7,
        }
    )  # fmt: skip


def fetch(settings: Settings, provider: str, **how: Any) -> Fetch:
    assert settings.clock is not None
    now = settings.clock
    return asyncio.run(company_facts.fetch(settings, lambda: now, Order(provider, OPERATOR, **how)))


def values(settings: Settings, provider: str) -> dict[str, Any]:
    assert settings.clock is not None
    return {one.field: one.value for one in listed(settings, OPERATOR, settings.clock)[2] if one.provider == provider}


def run(settings: Settings, work: Callable[[Research], Awaitable[T]]) -> T:
    async def once() -> T:
        async with Research(settings.model_copy(update={"deadline_seconds": 12})) as opened:
            return await work(opened)

    return asyncio.run(once())


def profile(settings: Settings) -> Report:
    return run(settings, lambda research: research.report("profile", OPERATOR))


def test_facts_of_all_providers_stand_in_the_profile_and_move_nothing_else(desk: Settings, tmp_path: Path) -> None:
    before = profile(desk)
    assert not (tmp_path / "store.db").exists()
    assert SECTION not in {one.id for one in before.sections}
    assert not fetch(desk, PDL).sent
    for provider in ("hubspot", FMCSA, PDL):
        done = fetch(desk, provider, buy=True)
        assert (list(done.found), list(done.failed), done.cut) == ([OPERATOR], [], ""), provider
    after = profile(desk)
    bare = replace(after, sections=tuple(one for one in after.sections if one.id != SECTION))
    assert render(bare, "json") == render(before, "json")
    text = render(after, "markdown").decode()
    for words in ("Headcount (HubSpot)", "Headcount (People Data Labs)", "Power units (FMCSA census)"):
        assert words in text
    taken, path = run(desk, lambda research: account_snapshots.take(research, OPERATOR))
    assert KEPT not in taken.account.records
    told = str(values(desk, PDL)["industry"])
    assert told.encode() in b"".join(one.read_bytes() for one in tmp_path.glob("store.db*"))
    assert told.encode() not in gzip.decompress(path.read_bytes())
    assert "NOT TO BE KEPT" not in repr([one.read_bytes() for one in tmp_path.glob("store.db*")]).upper()


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("provider", [FMCSA, PDL, "hubspot"])
def test_a_provider_that_fails_is_named_and_what_it_told_before_stays(
    desk: Settings, clean_sandbox: Sandbox, provider: str
) -> None:
    fetch(desk, provider, buy=True)
    before = values(desk, provider)
    assert before
    source = "hubspot" if provider == "hubspot" else "facts"
    for fault in FAULTS[provider]:
        clean_sandbox.set_faults(f"{source}:{fault}")
        done = fetch(desk, provider, buy=True, again=True)
        assert done.failed.keys() == {OPERATOR}, fault
        assert all(len(why) > 20 for why in done.failed.values())
        assert API_KEY not in repr(done.failed), fault
        assert values(desk, provider) == before, fault
    clean_sandbox.set_faults()
    assert fetch(desk, provider, buy=True, again=True).failed == {}
    assert values(desk, provider) == before


def test_without_credits_at_the_provider_nothing_is_lost_and_it_says_so(desk: Settings, clean_sandbox: Sandbox) -> None:
    clean_sandbox.facts.credits = 0
    done = fetch(desk, PDL, buy=True)
    assert "account maximum" in done.cut
    assert done.spent.counted == 0


@pytest.mark.parametrize("operator", SCENARIOS)
def test_of_the_scenarios_firms_what_is_to_be_found_is_found(desk: Settings, operator: str) -> None:
    assert desk.clock is not None
    now, planted = desk.clock, SCENARIOS[operator]
    for provider in (FMCSA, PDL):
        done = asyncio.run(company_facts.fetch(desk, lambda: now, Order(provider, operator, buy=True)))
        expected = planted["expected"][provider]
        told = {one.field: one.value for one in listed(desk, operator, now)[2] if one.provider == provider}
        assert (operator in done.found) == (expected is not None), planted["about"]
        assert {name: told.get(name) for name in expected or {}} == (expected or {}), planted["about"]
        if expected is not None:
            assert done.found[operator].matched_by == planted["matched_by"][provider]


def test_doctor_looks_at_who_is_set_up_or_has_told_something_and_buys_nothing(
    desk: Settings, clean_sandbox: Sandbox
) -> None:
    from customer_research.research.doctor_facts import tellers

    assert desk.clock is not None
    now = desk.clock

    def rows(settings: Settings, *, online: bool = True) -> dict[str, str]:
        told = asyncio.run(tellers(settings, lambda: now, online=online))
        return {one.check: one.status for one in told}

    bare = desk.model_copy(update={"people_data_labs": PeopleDataLabsSettings()})  # type: ignore[call-arg]
    assert rows(bare) == {}
    assert rows(desk, online=False) == {"facts.people_data_labs": "skipped"}
    fetch(desk, FMCSA)
    before = clean_sandbox.facts.credits
    assert rows(desk) == {"facts.fmcsa": "ok", "facts.people_data_labs": "ok"}
    assert clean_sandbox.facts.credits == before
    clean_sandbox.set_faults("facts:auth")
    assert rows(desk)["facts.people_data_labs"] == "fail"
    other = FmcsaSettings(url=desk.fmcsa.url, dataset="kjg3-diqy")  # type: ignore[call-arg, attr-defined]
    assert rows(bare.model_copy(update={"fmcsa": other})) == {"facts.fmcsa": "fail"}

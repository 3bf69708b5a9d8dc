"""Reports with the warehouse by Snowflake itself: the figures are those by Metabase, and where it fails the rest comes with a named gap."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from worlds import Worlds

from customer_research.documents.formats import render
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap
from customer_research.engines.snowflake_api import STATEMENT
from customer_research.reports.kinds import KINDS
from customer_research.research import Research
from customer_research.settings import Settings, StoreSettings, load_settings
from customer_research.sources.warehouse.settings import SnowflakeSettings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.snowflake_account import TOKEN

PEOPLE = tuple(f"00000000-5ce0-11f0-a000-{number:012d}" for number in (1, 5, 9, 16))


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(slow_seconds=60, also=("snowflake",)) as running:
        yield running


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    store = tmp_path_factory.mktemp("store") / "store.db"
    loaded = load_settings(sandbox.config_path)
    yield loaded.model_copy(update={"store": StoreSettings(url=SecretStr(f"sqlite:///{store}"))})
    sandbox.set_faults()
    sandbox.snowflake.lets_in = True
    sandbox.clear_request_log()


def by_metabase(settings: Settings) -> Settings:
    return settings.model_copy(update={"snowflake": SnowflakeSettings.model_validate({})})


def accounts(settings: Settings, *people: str) -> list[Account]:
    async def work() -> list[Account]:
        async with Research(settings) as research:
            return [await research.account_for(KINDS["profile"], one) for one in people]

    return asyncio.run(work())


def told(account: Account) -> dict[str, Any]:
    return {
        name: (found.value, found.note) if isinstance(found, Fact) else (found.source, found.reason)
        for name, found in account.figures.items()
    }


def drawn(account: Account, form: str) -> str:
    return render(KINDS["profile"].report(account), form).decode()


def test_every_figure_is_the_one_by_metabase(sandbox: Sandbox, settings: Settings) -> None:
    here = accounts(settings, *PEOPLE)
    assert "metabase" not in {request.source for request in sandbox.request_log}
    there = accounts(by_metabase(settings), *PEOPLE)
    for one, other in zip(here, there, strict=True):
        assert told(one) == told(other)
        assert drawn(one, "markdown") == drawn(other, "markdown")
    assert sandbox.snowflake.called_off == []


def test_a_receipt_has_the_query_id_and_no_secret(settings: Settings) -> None:
    account = accounts(settings, PEOPLE[0])[0]
    found = account.figures["reservations_30d"]
    assert isinstance(found, Fact)
    receipt = next(one for one in found.basis if one.source == "warehouse")
    assert dict(receipt.parameters)[STATEMENT]
    for form in ("json", "markdown", "html"):
        assert TOKEN not in drawn(account, form)


def test_a_snowflake_that_shuts_us_out_leaves_a_gap_and_the_rest(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.snowflake.lets_in = False
    account = accounts(settings, PEOPLE[0])[0]
    lost = account.figures["reservations_30d"]
    assert isinstance(lost, Gap)
    assert (lost.source, lost.reason) == ("warehouse", "denied")
    assert "Snowflake's network policy does not let this machine in" in lost.detail
    assert isinstance(account.figures["overdue_invoices"], Fact)


def test_a_slow_snowflake_leaves_a_gap_in_time(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.set_faults("snowflake:slow")
    account = accounts(settings.model_copy(update={"deadline_seconds": 1.5}), PEOPLE[0])[0]
    lost = account.figures["reservations_30d"]
    assert isinstance(lost, Gap)
    assert (lost.source, lost.reason) == ("warehouse", "unavailable")
    assert lost.detail.startswith("Snowflake did not answer within")
    assert isinstance(account.figures["overdue_invoices"], Fact)

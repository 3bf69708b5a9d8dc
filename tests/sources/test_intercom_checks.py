"""What `doctor` asks Intercom, and what it answers where the workspace is not as it must be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from intercom_served import put_back, sandbox_of, settings_of
from pulled import in_session
from worlds import Worlds

from customer_research.domain.check import Diagnosis
from customer_research.sources.intercom.checks import workspace
from customer_research.sources.intercom.source import SOURCE
from customer_research_sandbox.serve import Sandbox

EU, US = "https://api.eu.intercom.io", "https://api.intercom.io"


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with sandbox_of(worlds) as running:
        yield running


@pytest.fixture
def records(sandbox: Sandbox) -> Iterator[Any]:
    with put_back(sandbox) as told:
        yield told


def checked(sandbox: Sandbox, name: str, **changes: Any) -> Diagnosis:
    (check,) = [one for one in SOURCE.checks if one.name == name]
    found: Diagnosis = in_session(SOURCE, settings_of(sandbox, **changes), lambda session: check.run(session, None))
    return found


def test_all_is_well_in_the_sandbox(sandbox: Sandbox) -> None:
    own = sandbox.dataset.intercom.workspace
    found = {one.name: checked(sandbox, one.name, workspace=own) for one in SOURCE.checks}
    assert {name: one.status for name, one in found.items()} == dict.fromkeys(found, "ok")
    assert found["token"].found == "workspace Moovs support"
    assert found["workspace"].found == f"region US, id {own}, days in America/Los_Angeles"
    assert found["companies"].found.startswith(f"of {len(sandbox.dataset.intercom.companies)}: 100 %")


def test_the_workspaces_id_is_told_where_it_is_not_set(sandbox: Sandbox) -> None:
    found = checked(sandbox, "workspace", workspace="")
    assert (found.status, found.settings) == ("warn", {"intercom.workspace": sandbox.dataset.intercom.workspace})


class _Me:
    """A session that knows whose token it is, at an address."""

    workspace = "w"

    def __init__(self, url: str, region: str | None) -> None:
        self.own = type("Own", (), {"url": url})
        self._app = {"region": region, "id_code": "w"}

    def log(self, _stream: str) -> None:
        return None

    async def me(self, _log: Any) -> Any:
        return {"app": self._app}


@pytest.mark.parametrize(
    ("url", "region", "fix"),
    [
        (US, "US", None),
        (US, "EU", EU),
        (EU, "us", US),
        (EU, "AU", "https://api.au.intercom.io"),
        (US, None, None),
        ("http://127.0.0.1:9", "EU", None),
    ],
)
def test_the_address_must_be_that_of_the_workspaces_region(url: str, region: str | None, fix: str | None) -> None:
    session: Any = _Me(url, region)
    found = asyncio.run(workspace(session, None))
    expected = ("ok", {}) if fix is None else ("fail", {"intercom.url": fix})
    assert (found.status, found.settings) == expected


def test_companies_and_conversations_must_name_operators(sandbox: Sandbox, records: Any) -> None:
    records.companies = [{**one, "company_id": f"crm-{n}"} for n, one in enumerate(records.companies)]
    for name in ("companies", "conversations"):
        found = checked(sandbox, name)
        assert found.status == "warn", name
        assert ": 0 % " in found.found
        assert found.fix
    records.companies, records.conversations = [], []
    assert {checked(sandbox, name).status for name in ("companies", "conversations")} == {"skipped"}


def test_half_of_them_are_enough(sandbox: Sandbox, records: Any) -> None:
    first, second = records.companies[:2]
    records.companies = [first, {**second, "company_id": "crm-1"}]
    assert checked(sandbox, "companies").status == "ok"
    records.companies = [first, *({**second, "id": n, "company_id": f"crm-{n}"} for n in "ab")]
    found = checked(sandbox, "companies")
    assert (found.status, found.found[:10]) == ("warn", "of 3: 33 %")

"""The doctor's questions to Snowflake itself: who we are, what the role may, when a token ends; and which questions are Metabase's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from snowflake_warehouse import by_metabase, settings_of, subject_of, using
from worlds import Worlds

from customer_research.domain.check import Diagnosis
from customer_research.sources.warehouse.source import SOURCE
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.snowflake_account import ROLE


@pytest.fixture(scope="module")
def running(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(also=("snowflake",)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    account = running.snowflake
    before = list(account.grants)
    yield running
    account.grants, account.token_ends, account.token_role, account.lets_in = before, None, "", True


def ask(sandbox: Sandbox, name: str) -> Diagnosis:
    check = next(check for check in SOURCE.checks if check.name == name)
    return using(settings_of(sandbox), lambda session: check.run(session, subject_of(sandbox, 1)))


def test_each_way_has_its_own_questions(sandbox: Sandbox) -> None:
    settings = settings_of(sandbox)
    here = {check.name for check in SOURCE.checks if check.applies(settings)}
    there = {check.name for check in SOURCE.checks if check.applies(by_metabase(settings))}
    assert here - there == {"session", "grants", "token"}
    assert there - here == {"key", "database", "row_caps", "exports"}
    with_key = settings_of(sandbox, token=None, private_key_file="key.p8", user="U")
    assert not next(check for check in SOURCE.checks if check.name == "token").applies(with_key)


def test_all_is_well_in_the_sandbox(sandbox: Sandbox) -> None:
    settings = settings_of(sandbox)
    sandbox.snowflake.token_ends = sandbox.dataset.as_of + timedelta(days=90)
    found = {check.name: ask(sandbox, check.name) for check in SOURCE.checks if check.applies(settings)}
    wrong = {name: told for name, told in found.items() if told.status != "ok"}
    assert set(wrong) <= {"freshness"}, wrong
    assert found["session"].found == f"user CUSTOMER_RESEARCH, role {ROLE}, warehouse CUSTOMER_RESEARCH_WH"
    assert found["token"].found == "RESEARCH ends on 2027-01-30"
    assert found["grants"].found.endswith("grants, all to read")
    assert found["operator_filter"].found.endswith("(Snowflake has no cards)")


def test_a_role_that_may_more_is_told(sandbox: Sandbox) -> None:
    sandbox.snowflake.grants += [("INSERT", "TABLE", f"DB.S.T{number}") for number in range(5)]
    told = ask(sandbox, "grants")
    assert told.status == "warn"
    assert f"{ROLE} has more than it needs: INSERT on table DB.S.T0;" in told.found
    assert told.found.endswith("; 2 more")
    assert "Revoke" in told.fix


def test_a_token_that_ends_soon_is_told(sandbox: Sandbox) -> None:
    sandbox.snowflake.token_ends = sandbox.dataset.as_of + timedelta(days=5)
    sandbox.snowflake.token_role = ROLE
    told = ask(sandbox, "token")
    assert (told.status, told.found) == ("warn", f"RESEARCH ends on 2026-11-06, restricted to role {ROLE}")
    sandbox.snowflake.token_ends = None
    assert ask(sandbox, "token").status == "skipped"


def test_a_network_policy_is_told_in_one_sentence(sandbox: Sandbox) -> None:
    sandbox.snowflake.lets_in = False
    told = ask(sandbox, "session")
    assert told.status == "fail"
    assert told.found.startswith("Snowflake's network policy does not let this machine in (390422: ")
    assert "network policy" in told.fix

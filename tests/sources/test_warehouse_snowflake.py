"""The warehouse by Snowflake's own API over real HTTP: the rows that Metabase gives, or a named gap; never less, and nothing left running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from fault_errors import ERRORS
from pulled import unstamped
from snowflake_warehouse import by_metabase, scenario, settings_of, subject_of, using
from worlds import Worlds

from customer_research.connect.latest import LATEST
from customer_research.connect.source import Batch
from customer_research.connect.sql import Parameter, SqlAnswer
from customer_research.connect.statements import LONGEST_LOOK_SECONDS
from customer_research.engines.snowflake_api import STATEMENT, placed
from customer_research.errors import (
    BadAnswer,
    ConfigError,
    Denied,
    EngineError,
    SchemaChanged,
    SourceError,
    Truncated,
    Unavailable,
)
from customer_research.settings import Settings, load_settings
from customer_research.sources.warehouse.live import operators
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.source import SOURCE
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.snowflake_account import ROLE, WAREHOUSE

BOUND = ("reservation", "member", "driver", "survey", "charge", "dispute")
PEOPLE = (1, 2, 5, 9, 15, 16, 17)
"""Scenarios with every path to the charges: the model, the join, the raw tables, none."""


@pytest.fixture(scope="module")
def running(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(slow_seconds=600, also=("snowflake",)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.clear_request_log()
    account = running.snowflake
    account.bodies.clear()
    account.called_off.clear()
    before = account.partition_rows
    yield running
    account.partition_rows, account.statement_seconds, account.lets_in = before, 0.0, True
    running.set_faults()


async def csm(session: WarehouseSession) -> Batch:
    return await session.csm_by_operator(scenario(9))


def asked(sandbox: Sandbox, source: str) -> int:
    return sum(request.source == source for request in sandbox.request_log)


# -- the same rows -------------------------------------------------------------------------------------------------------


def test_settings_of_snowflake_send_queries_there_and_nothing_to_metabase(sandbox: Sandbox) -> None:
    batch = using(settings_of(sandbox), csm)
    assert len(batch.tables["csm"]) == 4
    assert (asked(sandbox, "snowflake"), asked(sandbox, "metabase")) == (2, 0)
    using(by_metabase(settings_of(sandbox)), csm)
    assert (asked(sandbox, "snowflake"), asked(sandbox, "metabase")) == (2, 1)


def test_every_row_of_an_operator_is_the_one_that_metabase_gives(sandbox: Sandbox) -> None:
    sandbox.snowflake.partition_rows = 40

    async def everything(session: WarehouseSession) -> list[Any]:
        found: list[Any] = []
        for number in PEOPLE:
            subject = subject_of(sandbox, number)
            found.append(unstamped((await session.csm_by_operator(subject.operator_id)).tables["csm"]))
            path = await session.charge_path(subject)
            found.append((path.kind, path.account, path.note))
            for table in BOUND:
                if path.kind == "none" and table in {"charge", "dispute"}:
                    continue
                told = await session.query(f"SELECT * FROM {table}", tables=(table,), subject=subject, stream=table)
                found.append((table, told.answer.receipt.digest, told.answer.receipt.rows, dict(told.gaps)))
                found.append(sorted(map(repr, told.answer.rows)))
        return found

    settings = settings_of(sandbox)
    assert using(settings, everything) == using(by_metabase(settings), everything)
    assert any("partition=1" in request.path for request in sandbox.request_log)


def test_directory_and_finders_are_those_of_metabase(sandbox: Sandbox) -> None:
    trips = sandbox.dataset.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows
    confirmation = str(trips[0]["CONFIRMATION_NUMBER"])

    async def everything(session: WarehouseSession) -> list[Any]:
        directory = await session.csm_directory()
        app = await operators(session)
        owners = await session.owners("confirmation", confirmation)
        sample = await session.sample_operators(5)
        people = sorted(str((one.operator_id, one.name, one.email, one.stripe_account)) for one in app.candidates)
        return [unstamped(directory.tables["csm"]), people, owners.operator_ids, owners.stripe_accounts, sample.rows]

    settings = settings_of(sandbox)
    assert using(settings, everything) == using(by_metabase(settings), everything)


# -- one statement -------------------------------------------------------------------------------------------------------


def test_a_statement_says_who_asks_where_and_how_long(sandbox: Sandbox) -> None:
    settings = settings_of(sandbox, deadline=7.5, default_schema="MOOVS")
    batch = using(settings, csm)
    body = sandbox.snowflake.bodies[-1]
    assert {name: body[name] for name in ("role", "warehouse", "database", "schema", "timeout")} == {
        "role": ROLE,
        "warehouse": WAREHOUSE,
        "database": "SNOWFLAKE",
        "schema": "MOOVS",
        "timeout": 8,
    }
    tag = body["parameters"].pop("query_tag")
    assert tag.startswith("customer-research csm ")
    assert body["parameters"] == {"timezone": "UTC"}
    assert body["bindings"] == {"1": {"type": "TEXT", "value": scenario(9)}}
    assert scenario(9) not in body["statement"]
    receipt = batch.receipts[0]
    handle = sandbox.request_log[-1].path.rpartition("/")[2]
    assert receipt.parameters == (("operator_id", scenario(9)), (STATEMENT, handle))
    assert (receipt.source, receipt.place, receipt.requests) == ("warehouse", sandbox.addresses["snowflake"], 2)


def test_values_are_bound_by_type_and_read_by_type(sandbox: Sandbox) -> None:
    moment = datetime(2026, 3, 29, 1, 30, 0, 250_000, tzinfo=UTC)
    sql = """SELECT $text AS text, $whole AS whole, $part AS part, $moment AS moment, $moment AS again, $yes AS yes,
    CAST(12.50 AS DECIMAL(10, 2)) AS money, CAST(12.00 AS DECIMAL(10, 2)) AS round, DATE '1969-12-31' AS day,
    CAST(NULL AS VARCHAR) AS nothing, CAST('NaN' AS DOUBLE) AS odd, '?' AS mark, '$text' AS inert,
    CAST(TIMESTAMP '1969-12-31 23:59:59.5' AS TIMESTAMP) AS before"""
    given: dict[str, Parameter] = {
        "text": "it's ? $whole",
        "whole": 7,
        "part": 0.1,
        "moment": moment,
        "yes": True,
        "unused": 1,
    }

    async def ask(session: WarehouseSession) -> SqlAnswer:
        return await session.run(sql, given, stream="values")

    answer = using(settings_of(sandbox), ask)
    row = answer.rows[0]
    assert str(row.pop("odd")) == "nan"
    assert row == {
        "text": "it's ? $whole",
        "whole": 7,
        "part": 0.1,
        "moment": moment,
        "again": moment,
        "yes": True,
        "money": 12.5,
        "round": 12,
        "day": date(1969, 12, 31),
        "nothing": None,
        "mark": "?",
        "inert": "$text",
        "before": datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC),
    }
    assert type(row["round"]) is int
    assert type(row["yes"]) is bool
    types = [one["type"] for one in sandbox.snowflake.bodies[-1]["bindings"].values()]
    assert types == ["TEXT", "FIXED", "REAL", "TIMESTAMP_NTZ", "TIMESTAMP_NTZ", "BOOLEAN"]
    assert [name for name, _ in answer.receipt.parameters] == ["text", "whole", "part", "moment", "yes", STATEMENT]


def test_a_value_that_is_not_there_and_a_moment_without_zone_are_refused() -> None:
    with pytest.raises(EngineError, match=r"needs a value for \$x"):
        placed("SELECT $x", {})
    assert placed("SELECT $a, $b, $a", {"a": 1, "b": 2})[1] == ("a", "b", "a")


def test_many_partitions_are_read_to_their_end(sandbox: Sandbox) -> None:
    sandbox.snowflake.partition_rows = 3
    whole = using(settings_of(sandbox), lambda session: session.csm_directory())
    assert len(whole.tables["csm"]) == len(sandbox.dataset.warehouse["MOOVS.CSM_MOOVS"].rows)
    assert asked(sandbox, "snowflake") == whole.receipts[0].requests >= 20


def test_more_partitions_than_pages_are_followed_is_told(sandbox: Sandbox) -> None:
    sandbox.snowflake.partition_rows = 3
    settings = settings_of(sandbox)
    bounds = settings.bounds.model_copy(update={"pages": 5})
    with pytest.raises(Truncated, match="partitions, more than 5"):
        using(settings.model_copy(update={"bounds": bounds}), lambda session: session.csm_directory())


def test_a_long_statement_is_followed(sandbox: Sandbox) -> None:
    sandbox.snowflake.statement_seconds = 0.6
    batch = using(settings_of(sandbox), csm)
    assert len(batch.tables["csm"]) == 4
    statuses = [request.status for request in sandbox.request_log]
    assert statuses[0] == 202
    assert statuses.count(202) > 2
    assert statuses[-1] == 200
    assert sandbox.snowflake.called_off == []


def test_what_sql_got_wrong_is_told_as_metabases_path_tells_it(sandbox: Sandbox) -> None:
    def told(sql: str, settings: Settings) -> SourceError:
        with pytest.raises(SourceError) as refused:
            using(settings, lambda session: session.run(sql, {}, stream="wrong"))
        return refused.value

    settings = settings_of(sandbox)
    for sql in ("SELECT 1 AS x FROM MOOVS.NOWHERE", "SELECT t.NOWHERE FROM MOOVS.CSM_MOOVS AS t"):
        here, there = told(sql, settings), told(sql, by_metabase(settings))
        assert type(here) is type(there) is SchemaChanged
        assert here.message.startswith("A table or column that the query needs is gone")
    assert type(told("SELECT FOOBAR(1) AS x", settings)) is BadAnswer
    assert sandbox.snowflake.called_off == []


def test_wrong_surroundings_are_told_with_the_setting(sandbox: Sandbox) -> None:
    def hint(**snowflake: Any) -> tuple[type[SourceError], str]:
        with pytest.raises(SourceError) as refused:
            using(settings_of(sandbox, **snowflake), csm)
        return type(refused.value), refused.value.hint

    assert hint(role="ACCOUNTADMIN")[0] is Denied
    assert "snowflake.role" in hint(role="ACCOUNTADMIN")[1]
    assert "snowflake.warehouse" in hint(warehouse="SMALL")[1]
    assert hint(database="OTHER")[0] is SchemaChanged


def test_no_card_of_metabase_is_sent_to_snowflake(sandbox: Sandbox) -> None:
    settings = load_settings(sandbox.config_path)
    assert settings.metabase.reservations == "{{#642}}"  # type: ignore[attr-defined]
    using(settings_of(sandbox), lambda session: session.columns("reservations"))
    assert "FACT.MOOVS_OPERATOR_RESERVATIONS" in sandbox.snowflake.bodies[-1]["statement"]


# -- its end -------------------------------------------------------------------------------------------------------------


def test_a_statement_is_called_off_at_the_deadline(sandbox: Sandbox) -> None:
    sandbox.snowflake.statement_seconds = 30
    with pytest.raises(Unavailable, match=r"Snowflake did not answer within 0\.5 s"):
        using(settings_of(sandbox, deadline=0.5), csm)
    handle = sandbox.request_log[1].path.rpartition("/")[2]
    assert sandbox.snowflake.called_off == [handle]


def test_a_statement_is_called_off_though_whoever_asked_has_no_time_left(sandbox: Sandbox) -> None:
    sandbox.snowflake.statement_seconds = 30

    async def hurried(session: WarehouseSession) -> None:
        LATEST.set(time.monotonic() + 0.5)
        with pytest.raises(Unavailable, match="in the time that was left"):
            await csm(session)

    using(settings_of(sandbox), hurried)
    assert len(sandbox.snowflake.called_off) == 1


async def handed_in(sandbox: Sandbox) -> None:
    """Wait until the server, which runs in a thread of its own, has answered a first request."""
    for _ in range(500):
        if sandbox.request_log:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("Nothing was handed in.")


def test_a_statement_is_called_off_when_nobody_waits_any_more(sandbox: Sandbox) -> None:
    sandbox.snowflake.statement_seconds = 30

    async def leave(session: WarehouseSession) -> float:
        task = asyncio.create_task(csm(session))
        await handed_in(sandbox)
        await asyncio.sleep(0.1)
        begun = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.perf_counter() - begun

    assert using(settings_of(sandbox), leave) < LONGEST_LOOK_SECONDS
    assert len(sandbox.snowflake.called_off) == 1


def test_a_statement_whose_followers_fail_is_called_off_as_well(sandbox: Sandbox) -> None:
    sandbox.snowflake.statement_seconds = 30

    async def stumble(session: WarehouseSession) -> None:
        task = asyncio.create_task(csm(session))
        await handed_in(sandbox)
        sandbox.set_faults("snowflake:badjson:0.5")
        with pytest.raises(BadAnswer):
            await task

    using(settings_of(sandbox), stumble)
    assert len(sandbox.snowflake.called_off) == 1


def test_a_statement_is_called_off_when_the_token_is_refused_meanwhile(sandbox: Sandbox) -> None:
    sandbox.snowflake.statement_seconds = 30

    async def revoked(session: WarehouseSession) -> None:
        task = asyncio.create_task(csm(session))
        await handed_in(sandbox)
        sandbox.set_faults("snowflake:auth:0.5")  # the second look; calling off is let in again
        with pytest.raises(Denied):
            await task

    using(settings_of(sandbox), revoked)
    assert len(sandbox.snowflake.called_off) == 1


def test_snowflakes_own_limit_of_time_is_told(sandbox: Sandbox) -> None:
    sandbox.snowflake.statement_seconds = 30
    with pytest.raises(Unavailable, match=r"Snowflake stopped the query \(Statement reached its statement"):
        using(settings_of(sandbox, statement_seconds=1), csm)
    assert sandbox.snowflake.called_off == []


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("kind", ERRORS)
def test_a_snowflake_that_fails_is_a_named_failure(sandbox: Sandbox, kind: str) -> None:
    sandbox.set_faults(f"snowflake:{kind}")
    with pytest.raises(SourceError) as told:
        using(settings_of(sandbox, deadline=0.5 if kind == "slow" else 60), csm)
    assert type(told.value) is ERRORS[kind], repr(told.value)
    assert told.value.source == "warehouse"
    assert "Metabase" not in told.value.message
    assert told.value.message.endswith(".")
    assert told.value.hint
    assert asked(sandbox, "metabase") == 0


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("kind", ["down", "http500", "http429", "drop"])
def test_a_snowflake_that_stumbles_is_asked_again(sandbox: Sandbox, kind: str) -> None:
    true = unstamped(using(settings_of(sandbox), csm).tables["csm"])
    sandbox.set_faults(f"snowflake:{kind}:0.25")
    for _ in range(3):
        assert unstamped(using(settings_of(sandbox), csm).tables["csm"]) == true


def test_a_network_policy_is_told_as_one(sandbox: Sandbox) -> None:
    sandbox.snowflake.lets_in = False
    with pytest.raises(Denied, match="network policy does not let this machine in") as told:
        using(settings_of(sandbox), csm)
    assert "network policy" in told.value.hint


def test_nothing_set_but_the_account_is_a_gap_with_what_lacks(sandbox: Sandbox) -> None:
    settings = settings_of(sandbox, token=None, url=None)
    gap = SOURCE.missing(settings)
    assert gap is not None
    assert gap.reason == "not_configured"
    assert "snowflake.private_key_file (or client_id, or token) not set" in gap.detail
    with pytest.raises(ConfigError):
        using(settings, csm)

"""The doctor's questions to the warehouse, against the sandbox's Metabase: what is right, and what each fault reads like."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from worlds import Worlds

from customer_research.connect.source import Subject
from customer_research.connect.sql import SqlAnswer
from customer_research.domain.check import Diagnosis
from customer_research.domain.evidence import Receipt
from customer_research.engines.dialect import with_bindings
from customer_research.engines.metabase import MetabaseRunner
from customer_research.settings import Settings, load_settings
from customer_research.sources.warehouse import session
from customer_research.sources.warehouse.settings import MetabaseSettings
from customer_research.sources.warehouse.source import SOURCE
from customer_research_sandbox.serve import Sandbox

NAMES = [check.name for check in SOURCE.checks if check.applies(Settings.model_construct())]
"""Those of a warehouse behind Metabase."""


@pytest.fixture(scope="module")
def running(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(slow_seconds=0.5) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.clear_request_log()
    yield running
    running.set_faults()


def ask(
    sandbox: Sandbox, name: str, subject: Subject | None = None, *, runner: Any = None, now: Any = None, **metabase: Any
) -> Diagnosis:
    settings = load_settings(sandbox.config_path)
    settings = settings.model_copy(update={"metabase": settings.of(MetabaseSettings).model_copy(update=metabase)})
    check = next(check for check in SOURCE.checks if check.name == name)

    async def go(known: Settings) -> Diagnosis:
        instant: datetime = now if now is not None else sandbox.dataset.as_of
        opened = session.WarehouseSession(known, lambda: instant)
        opened.attach(runner or MetabaseRunner(opened.http, opened.own.database), with_bindings)
        opened.http._deadline_seconds = 2
        try:
            return await check.run(opened, subject)
        finally:
            await opened.close()

    return asyncio.run(go(settings))


@pytest.mark.parametrize("name", NAMES)
def test_a_healthy_warehouse_is_all_right(sandbox: Sandbox, name: str) -> None:
    found = ask(sandbox, name)
    assert (found.status, found.fix) == ("ok", "")
    assert found.needed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", ["down", "auth"])
def test_a_source_that_does_not_answer_fails_each_check_without_a_traceback(
    sandbox: Sandbox, name: str, fault: str
) -> None:
    sandbox.set_faults(f"warehouse:{fault}")
    found = ask(sandbox, name)
    assert found.status == "fail"
    assert found.found
    assert found.fix
    assert "sandbox-metabase-key" not in str(found)


def test_a_wrong_database_is_corrected(sandbox: Sandbox) -> None:
    found = ask(sandbox, "database", database=3)
    assert (found.status, found.settings) == ("fail", {"metabase.database": 2})
    assert "postgres" in found.found


def test_the_operator_filter_is_tried_with_the_asked_operator(sandbox: Sandbox) -> None:
    who = Subject("00000000-5ce0-11f0-a000-000000000002", datetime(2026, 11, 1, tzinfo=UTC))
    trips = sandbox.dataset.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows
    small = next(
        one
        for one in dict.fromkeys(row["OPERATOR_ID"] for row in trips)
        if 0 < sum(row["OPERATOR_ID"] == one for row in trips) <= 500
    )
    found = ask(sandbox, "operator_filter", Subject(small, who.as_of))
    assert found.status == "ok"
    assert "58047" in found.found
    assert small in found.found
    huge = ask(sandbox, "operator_filter", who)
    assert huge.status == "ok"
    assert who.operator_id not in huge.found, "too many trips to list"


def test_the_operator_filter_works_on_a_table_without_a_card(sandbox: Sandbox) -> None:
    found = ask(sandbox, "operator_filter", reservations="FACT.MOOVS_OPERATOR_RESERVATIONS")
    assert (found.status, "no card" in found.found) == ("ok", True)


def test_wrong_relations_are_named_with_their_settings(sandbox: Sandbox) -> None:
    found = ask(
        sandbox, "relations", driver="SWOOP.NOWHERE", charges="STRIPE_MOOVS.CHARGE", survey="", csm="SWOOP.NONE"
    )
    assert found.status == "fail"
    assert "metabase.driver: no such relation" in found.found
    assert "metabase.charges: no column" in found.found
    assert "metabase.csm: no such relation" in found.found
    assert "switched off: survey" in found.found


def test_columns_that_are_gone_are_named(sandbox: Sandbox) -> None:
    sandbox.set_faults("warehouse:schema")
    found = ask(sandbox, "relations")
    assert found.status == "fail"
    for name in ("STATUS_SLUG", "LAGO_STATUS", "TOTAL_DOLLARS_CHARGED"):
        assert name in found.found


def test_a_cap_that_cuts_is_a_warning(sandbox: Sandbox) -> None:
    sandbox.set_faults("warehouse:truncate")
    found = ask(sandbox, "row_caps")
    assert (found.status, "cut" in found.found) == ("warn", True)


def test_old_records_are_a_warning(sandbox: Sandbox) -> None:
    found = ask(sandbox, "freshness", now=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=4))
    assert found.status == "warn"
    assert "4 days old" in found.found


class Fixed:
    """A runner that always gives the same rows."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)

    async def run(self, sql: str, _parameters: Any, *, stream: str, whole: bool = False) -> SqlAnswer:
        receipt = Receipt("r", "warehouse", stream, sql, datetime(2026, 11, 1, tzinfo=UTC), len(self.rows), "d")
        return SqlAnswer(tuple(self.rows[0]), self.rows, receipt)


def test_a_report_time_zone_that_shifts_instants_is_found(sandbox: Sandbox) -> None:
    found = ask(sandbox, "time_zone", runner=Fixed({"instant": datetime(2026, 1, 15, 17, tzinfo=UTC)}))
    assert (found.status, "UTC" in found.fix) == ("fail", True)


@pytest.mark.parametrize(
    ("operator", "words"), [("0B7F3C1E-5CE0-11F0-A000-00000000A001", "Lower-case"), ("op_12345", "Look at these")]
)
def test_operator_ids_of_another_form_are_reported(sandbox: Sandbox, operator: str, words: str) -> None:
    found = ask(sandbox, "operator_ids", runner=Fixed({"operator_id": operator}))
    assert (found.status, words in found.fix) == ("warn", True)
    assert operator in found.found

"""Every metric query, listing and evidence query over the bound tables, as sent to Snowflake and as run in memory: the same."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from worlds import Worlds

from customer_research.connect.source import Subject
from customer_research.domain.catalogue import SUBJECTS
from customer_research.engines.dialect import named_parameters, with_bindings
from customer_research.engines.duckdb import Memory
from customer_research.engines.metabase import MetabaseRunner
from customer_research.metrics.queries import EVIDENCE, LISTINGS, evidence_sql, subject_sql
from customer_research.record_tables import TABLES
from customer_research.settings import load_settings
from customer_research.sources.warehouse.bindings import BOUND
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.settings import MetabaseSettings
from customer_research.sources.warehouse.source import SOURCE
from customer_research_sandbox.serve import Sandbox

Rows = list[dict[str, Any]]

SCENARIOS = {"silent churn, direct": 2, "active dispute": 20, "yen, raw tables": 14}


def queries() -> dict[str, tuple[tuple[str, ...], str]]:
    found = {
        s.name: (s.tables, subject_sql(s.name)) for s in SUBJECTS.values() if s.tables and set(s.tables) <= set(BOUND)
    }
    found |= {
        name: (listing.tables, listing.sql) for name, listing in LISTINGS.items() if set(listing.tables) <= set(BOUND)
    }
    found |= {
        f"evidence {name}": (tables, f"SELECT * FROM ({evidence_sql(name)}) AS e LIMIT 9000")
        for name, tables in EVIDENCE.items()
        if tables and set(tables) <= set(BOUND)
    }
    return found


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running() as running:
        yield running


async def _answers(session: WarehouseSession, who: Subject) -> tuple[dict[str, Rows], dict[str, Rows]]:
    """What the warehouse says, and the canonical rows themselves."""
    said = {
        name: (await session.query(sql, tables=tables, subject=who, stream=name)).answer.rows
        for name, (tables, sql) in queries().items()
    }
    rows = {}
    for table in BOUND:
        sql = f"SELECT {', '.join(TABLES[table].column_names)} FROM {table}"
        rows[table] = (await session.query(sql, tables=(table,), subject=who, stream=table)).answer.rows
    return said, rows


def fetched(sandbox: Sandbox, number: int) -> tuple[Subject, dict[str, Rows], dict[str, Rows]]:
    operator, now = f"00000000-5ce0-11f0-a000-{number:012d}", sandbox.dataset.as_of
    known = [r for r in sandbox.dataset.warehouse["MOOVS.CSM_MOOVS"].rows if r["LAGO_EXTERNAL_CUSTOMER_ID"] == operator]
    who = Subject(operator, now, stripe_account=known[0]["P_STRIPE_ACCOUNT_ID"])

    async def go() -> tuple[dict[str, Rows], dict[str, Rows]]:
        settings = load_settings(sandbox.config_path)
        session = SOURCE.open(settings, lambda: now)
        session.attach(MetabaseRunner(session.http, settings.of(MetabaseSettings).database), with_bindings)
        try:
            return await _answers(session, who)
        finally:
            await session.close()

    return who, *asyncio.run(go())


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


def same(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    """Equal cell by cell, whatever the order of rows that a query leaves open."""
    left, right = (sorted(rows, key=lambda row: str(sorted(row.items()))) for rows in (one, other))
    if len(left) != len(right):
        return False
    return all(a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("number", SCENARIOS.values(), ids=SCENARIOS)
def test_snowflake_through_metabase_and_memory_agree_on_every_cell(sandbox: Sandbox, number: int) -> None:
    who, said, rows = fetched(sandbox, number)
    given = {"as_of": who.as_of, "operator_id": who.operator_id}
    assert len(said) > 20
    with Memory() as memory:
        for table, found in rows.items():
            memory.load(table, found)
        for name, (_, sql) in queries().items():
            needed = {parameter: given[parameter] for parameter in named_parameters(sql)}
            assert same(said[name], memory.run(sql, needed)), name
    assert said["usage"]
    assert said["card"][0]["charge_attempts"] >= 30

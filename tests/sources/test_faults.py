"""Stop the source: under any fault a stream gives the truth, or says that it does not know it. Never less, silently."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fault_errors import ERRORS
from worlds import Worlds

from customer_research.connect.source import Batch, Clock, Stream, Subject
from customer_research.engines.dialect import with_bindings
from customer_research.engines.metabase import MetabaseRunner
from customer_research.errors import (
    NotThere,
    SourceError,
    Truncated,
)
from customer_research.settings import Settings, load_settings
from customer_research.sources import discover
from customer_research.sources.warehouse.settings import MetabaseSettings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.faults import BODIES, LISTS
from customer_research_sandbox.servers.faults import KINDS as ALL_KINDS

pytestmark = pytest.mark.usefixtures("no_waiting")

SOURCES = tuple(name for name in discover() if name != "app_database")
"""Those that are asked over HTTP; the app's database has its own tests."""

Tables = dict[str, list[dict[str, Any]]]

KINDS = tuple(kind for kind in ALL_KINDS if kind not in LISTS)
"""Faults that stop a source; what those of lists do has a test of its own."""

LASTING = frozenset({"auth", "truncate", "badjson", "schema", *BODIES})
"""Faults that asking again does not help: they are not retried."""

PATIENCE = 0.5
"""Deadline of a stream whose source never answers, seconds; everything else has all the time it needs."""

AMPLE = 120.0


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(slow_seconds=600, also=("intercom", "stripe")) as running:
        yield running


@asynccontextmanager
async def opened(settings: Settings, name: str) -> AsyncIterator[Any]:
    clock = clock_of(settings)
    session = discover()[name].open(settings, clock)
    try:
        if name == "warehouse":
            session.attach(MetabaseRunner(session.http, settings.of(MetabaseSettings).database), with_bindings)
        yield session
    finally:
        await session.close()


def clock_of(settings: Settings) -> Clock:
    now = settings.clock
    assert now is not None
    return lambda: now


def settings_of(sandbox: Sandbox, deadline: float = AMPLE) -> Settings:
    loaded = load_settings(sandbox.config_path)
    names = ("lago", "hubspot", "metabase", "notion", "intercom", "stripe")
    fast = {name: getattr(loaded, name).model_copy(update={"requests_per_second": 5000.0}) for name in names}
    fast["stripe"] = fast["stripe"].model_copy(update={"list_requests_per_second": 5000.0})
    return loaded.model_copy(update={**fast, "deadline_seconds": deadline})


@pytest.fixture(scope="module")
def subject(sandbox: Sandbox) -> Subject:
    """Of the operators with tickets and conversations, the one that has something in the most tables."""

    async def richest() -> Subject:
        settings = settings_of(sandbox)
        as_of = clock_of(settings)()
        async with opened(settings, "warehouse") as warehouse, opened(settings, "lago") as lago:
            found: list[tuple[int, int, Subject]] = []
            refs = {row["company_ref"] for row in sandbox.dataset.intercom.conversations}
            chatting = {row["company_id"] for row in sandbox.dataset.intercom.companies if row["id"] in refs}
            for customer in sandbox.dataset.lago.customers:
                rows = (await warehouse.csm_by_operator(customer["external_id"])).tables["csm"]
                if not rows or not rows[0]["hubspot_company_id"] or customer["external_id"] not in chatting:
                    continue
                row = rows[0]
                one = Subject(
                    customer["external_id"],
                    as_of,
                    names=(row["name"],),
                    aliases=(row["name"],),
                    email=row["email"],
                    stripe_account=row["stripe_account"],
                    hubspot_company_id=row["hubspot_company_id"],
                )
                batches = [await stream.fetch(lago, one) for stream in discover()["lago"].streams]
                tickets = sum(ticket["operator_id"] == one.operator_id for ticket in sandbox.dataset.notion.tickets)
                full = sum(bool(rows) for batch in batches for rows in batch.tables.values())
                found.append((min(tickets, 2), full, one))
            return max(found, key=lambda told: told[:2])[-1]

    return asyncio.run(richest())


@pytest.fixture(scope="module")
def truth(sandbox: Sandbox, subject: Subject) -> dict[str, Tables]:
    """What each source says when nothing is wrong."""
    found: dict[str, Tables] = {}
    for name in SOURCES:
        outcomes = fetch(sandbox, name, subject, deadline=AMPLE)
        found[name] = {}
        for batch in outcomes.values():
            assert isinstance(batch, Batch)
            assert dict(batch.gaps) == {}
            found[name] |= bare(batch)
    return found


def bare(batch: Batch) -> Tables:
    """The rows without what names the fetch, in a fixed order."""
    return {
        table: sorted(({k: v for k, v in row.items() if k != "fetch_id"} for row in rows), key=repr)
        for table, rows in batch.tables.items()
    }


def fetch(sandbox: Sandbox, name: str, subject: Subject, deadline: float) -> dict[str, Batch | SourceError]:
    """All streams of a source at once: what each gave, or the source's error. Any other error is a bug and is raised."""

    async def one(session: Any, stream: Stream) -> Batch | SourceError:
        try:
            return await stream.fetch(session, subject)
        except SourceError as error:
            return error

    async def every() -> dict[str, Batch | SourceError]:
        async with opened(settings_of(sandbox, deadline), name) as session:
            streams = discover()[name].streams
            outcomes = await asyncio.gather(*(one(session, stream) for stream in streams))
            return {stream.name: outcome for stream, outcome in zip(streams, outcomes, strict=True)}

    return asyncio.run(every())


def _name_owners(rows: list[dict[str, Any]], true_rows: list[dict[str, Any]]) -> None:
    """Put the true name where the owner is told by id in words, which HubSpot's source does openly."""
    names = {row["owner_id"]: row["owner_name"] for row in true_rows if "owner_name" in row}
    for row in rows:
        if row.get("owner_name") == f"owner {row.get('owner_id')}":
            row["owner_name"] = names[row["owner_id"]]


def judge(name: str, outcomes: Mapping[str, Batch | SourceError], truth: Tables) -> set[str]:
    """The tables that a source said it does not know; all others must be exactly the truth."""
    unknown: set[str] = set()
    for stream in discover()[name].streams:
        outcome = outcomes[stream.name]
        if isinstance(outcome, SourceError):
            assert outcome.source == name
            assert outcome.message.endswith(".")
            assert outcome.hint
            unknown |= set(stream.tables)
            continue
        assert set(outcome.tables) == set(stream.tables)
        for gap in outcome.gaps.values():
            assert gap.source == name
            assert gap.detail
            assert gap.next_step
        unknown |= set(outcome.gaps)
        for table, rows in bare(outcome).items():
            _name_owners(rows, truth[table])
            assert table in outcome.gaps or rows == truth[table], f"{name} silently changed {table}"
    return unknown


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SOURCES)
def test_a_stopped_source_is_told(
    sandbox: Sandbox, subject: Subject, truth: dict[str, Tables], name: str, kind: str
) -> None:
    sandbox.set_faults(f"{name}:{kind}")
    try:
        outcomes = fetch(sandbox, name, subject, deadline=PATIENCE if kind == "slow" else AMPLE)
    finally:
        sandbox.set_faults()

    assert judge(name, outcomes, truth[name])
    for outcome in outcomes.values():
        if isinstance(outcome, SourceError):
            assert type(outcome) is ERRORS[kind], repr(outcome)
        elif kind not in {"truncate", "schema"}:
            assert set(outcome.gaps) == set(outcome.tables)


@pytest.mark.parametrize(
    "fault",
    [*(f"{kind}:0.25" for kind in KINDS if kind != "slow"), *(f"{kind}:0.5" for kind in KINDS if kind in LASTING)],
)
@pytest.mark.parametrize("name", SOURCES)
def test_a_source_that_stumbles_is_asked_again_or_told(
    sandbox: Sandbox, subject: Subject, truth: dict[str, Tables], name: str, fault: str
) -> None:
    sandbox.set_faults(f"{name}:{fault}")
    try:
        outcomes = fetch(sandbox, name, subject, deadline=AMPLE)
    finally:
        sandbox.set_faults()

    unknown = judge(name, outcomes, truth[name])
    if fault.partition(":")[0] not in LASTING:
        assert not unknown


@pytest.mark.parametrize("kind", ["pages", "repeat", "short"])
@pytest.mark.parametrize("name", SOURCES)
def test_a_list_that_is_not_what_it_says_is_the_truth_or_told(
    sandbox: Sandbox, subject: Subject, truth: dict[str, Tables], name: str, kind: str
) -> None:
    sandbox.set_faults(f"{name}:{kind}")
    try:
        outcomes = fetch(sandbox, name, subject, deadline=AMPLE)
    finally:
        sandbox.set_faults()

    unknown = judge(name, outcomes, truth[name])
    told = {"pages": {"lago", "notion", "intercom", "stripe"}, "short": set(SOURCES), "repeat": set()}
    assert unknown or name not in told[kind]
    errors = [outcome for outcome in outcomes.values() if isinstance(outcome, SourceError)]
    assert all(isinstance(error, Truncated | NotThere) for error in errors)


@pytest.mark.parametrize("name", SOURCES)
def test_half_a_character_costs_no_record(
    sandbox: Sandbox, subject: Subject, truth: dict[str, Tables], name: str
) -> None:
    sandbox.set_faults(f"{name}:surrogate")
    try:
        outcomes = fetch(sandbox, name, subject, deadline=AMPLE)
    finally:
        sandbox.set_faults()
    for outcome in outcomes.values():
        assert isinstance(outcome, Batch)
        for table, rows in outcome.tables.items():
            assert len(rows) == len(truth[name][table])
            repr(rows).encode()


def test_a_source_recovers(sandbox: Sandbox, subject: Subject, truth: dict[str, Tables]) -> None:
    for name in SOURCES:
        assert judge(name, fetch(sandbox, name, subject, deadline=AMPLE), truth[name]) == set()

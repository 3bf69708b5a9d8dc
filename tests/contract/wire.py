"""What the connectors really send: every stream, check and finder run against the sandbox, every request kept.

The world is made awkward first (long lists, prices left open, companies without a link), so that pages, batches, single
GETs and searches all happen.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from prism import Sent

from customer_research.connect.source import Clock, Pull, Source, Subject
from customer_research.domain.identity import Interpretation
from customer_research.domain.vocabularies import SUBSCRIPTION_STATUSES
from customer_research.engines.dialect import with_bindings
from customer_research.engines.metabase import MetabaseRunner
from customer_research.settings import Settings, load_settings
from customer_research.sources import discover
from customer_research.sources.notion.pages import NotionPages
from customer_research.sources.warehouse.settings import MetabaseSettings
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox

VERSIONS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "lago": ({},),
    "hubspot": ({"version": "2026-09"}, {"version": "v3"}),
    "notion": ({"version": "2026-03-11"}, {"version": "2025-09-03"}, {"version": "2022-06-28"}),
    "metabase": ({},),
    "intercom": ({},),
}
"""Vendor → the settings under which all it can be sent is sent."""

SOURCE_OF = {"metabase": "warehouse"}
MANY = 230
HELD = "0a0a0a0a-3333-4333-8333-333333333333"
"""An invoice that a lake holds as unpaid and that Lago no longer has."""


def made_awkward(dataset: Dataset) -> None:
    """Give the world's first operator more of everything than fits a page."""
    operator = dataset.lago.customers[0]["external_id"]
    _many_credit_notes(dataset, operator)
    _open_prices(dataset, operator)
    _many_engagements(dataset)
    _many_tickets(dataset, operator)


def _open_prices(dataset: Dataset, operator: str) -> None:
    """No listed subscription tells its price, and the operator has one of every status."""
    subscriptions = dataset.lago.subscriptions
    for place, status in enumerate(SUBSCRIPTION_STATUSES):
        external_id = f"sub_{operator}_{place}"
        row = {**subscriptions[0], "lago_id": f"{place:08x}-2222-4222-8222-222222222222", "external_id": external_id}
        subscriptions.append({**row, "external_customer_id": operator, "status": status})
    for row in subscriptions:
        row.pop("plan_amount_cents")


def _many_credit_notes(dataset: Dataset, operator: str) -> None:
    for number in range(MANY):
        dataset.lago.credit_notes.append(
            {
                "lago_id": f"{number:08x}-0000-4000-8000-000000000000",
                "external_customer_id": operator,
                "currency": "USD",
                "total_amount_cents": 100 + number,
                "issuing_date": "2026-01-01",
                "created_at": "2026-01-01T00:00:00Z",
            }
        )


def _many_engagements(dataset: Dataset) -> None:
    """More notes on every company than one page of associations holds."""
    objects = dataset.hubspot.objects
    template = next(iter(objects["notes"]))
    for place, company in enumerate(objects["companies"]):
        if place > 1:
            continue
        notes = []
        for number in range(600):
            note = copy.deepcopy(template)
            note["id"] = str(7_000_000_000 + place * 10_000 + number)
            note["associations"] = {"companies": [company["id"]]}
            notes.append(note)
        objects["notes"].extend(notes)
        company["associations"]["notes"] = [*company["associations"].get("notes", []), *(note["id"] for note in notes)]


def _many_tickets(dataset: Dataset, operator: str) -> None:
    for number in range(MANY):
        ticket = copy.deepcopy(dataset.notion.tickets[0])
        ticket["page_id"] = f"{number:08x}-1111-4111-8111-111111111111"
        ticket["number"] = 90_000 + number
        ticket["operator_id"] = operator
        dataset.notion.tickets.append(ticket)


class Wire:
    """Keeps what httpx2 sends, by the vendor whose sandbox address it goes to."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._vendors = {urlsplit(address).port: vendor for vendor, address in addresses.items()}
        self._sent: dict[str, dict[Sent, None]] = {vendor: {} for vendor in addresses}

    def sent(self, vendor: str) -> list[Sent]:
        """The distinct requests to a vendor, in the order of their first sending."""
        return list(self._sent[vendor])

    def tap(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Listen on the real transport."""
        real = httpx2.AsyncHTTPTransport.handle_async_request

        async def listening(transport: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> httpx2.Response:
            vendor = self._vendors.get(request.url.port)
            if vendor is not None:
                headers = tuple(request.headers.items())
                body = await request.aread()
                self._sent[vendor][Sent(request.method, request.url.raw_path.decode(), headers, body)] = None
            return await real(transport, request)

        monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", listening)


def settings_of(sandbox: Sandbox, vendor: str, changes: Mapping[str, Any]) -> Settings:
    """The sandbox's settings with one vendor's changed, and no waiting for our own rate limit."""
    loaded = load_settings(sandbox.config_path)
    fast = {"requests_per_second": 5000.0}
    parts = {
        name: getattr(loaded, name).model_copy(update={**fast, **(changes if name == vendor else {})})
        for name in ("lago", "hubspot", "metabase", "notion", "intercom")
    }
    return loaded.model_copy(update={**parts, "deadline_seconds": 60.0, "bounds": loaded.bounds.of_a_sync})


@asynccontextmanager
async def opened(settings: Settings, *names: str) -> AsyncIterator[dict[str, Any]]:
    """Sessions of the named sources with the settings' own clock, the warehouse's with its runner."""
    clock = clock_of(settings)
    sessions = {name: discover()[name].open(settings, clock) for name in names}
    try:
        if "warehouse" in sessions:
            session = sessions["warehouse"]
            session.attach(MetabaseRunner(session.http, settings.of(MetabaseSettings).database), with_bindings)
        yield sessions
    finally:
        for session in sessions.values():
            await session.close()


def clock_of(settings: Settings) -> Clock:
    """The clock that the sandbox's settings fix."""
    now = settings.clock
    assert now is not None
    return lambda: now


async def subjects(warehouse: Any, as_of: datetime, dataset: Dataset) -> list[Subject]:
    """All operators of the world as the CSM view links them, the first also without links, and one that nobody knows."""
    found = [await _subject(warehouse, row["external_id"], as_of) for row in dataset.lago.customers[:8]]
    bare = Subject(found[0].operator_id, as_of, names=found[0].names)
    unknown = Subject("0a0a0a0a-1111-1111-8111-0a0a0a0a0a0a", as_of, names=("Nobody's Limousines",))
    return [*found, bare, unknown]


async def _subject(warehouse: Any, operator_id: str, as_of: datetime) -> Subject:
    batch = await warehouse.csm_by_operator(operator_id)
    row: Mapping[str, Any] = next((row for row in batch.tables["csm"] if row["is_current"]), {})
    name = row.get("name") or "Unnamed Limousines"
    return Subject(
        operator_id,
        as_of,
        names=(name,),
        aliases=(name,),
        email=row.get("email"),
        stripe_account=row.get("stripe_account"),
        hubspot_company_id=row.get("hubspot_company_id"),
    )


async def send_everything(settings: Settings, vendor: str, dataset: Dataset) -> None:
    """Run all that the vendor's source can do."""
    source = discover()[SOURCE_OF.get(vendor, vendor)]
    async with opened(settings, source.name, "warehouse") as sessions:
        people = await subjects(sessions["warehouse"], clock_of(settings)(), dataset)
        session = sessions[source.name]
        for subject in people:
            await asyncio.gather(*(stream.fetch(session, subject) for stream in source.streams))
        for check in source.checks:
            if check.applies(settings):
                await check.run(session, people[0])
        if source.find is not None:
            for reading in readings(people[0]):
                await source.find(session, (reading,))
        await pull_everything(source, session, clock_of(settings)())
        if source.name == "warehouse":
            await _ask_the_warehouse(session, people)
        if source.name == "notion" and session.version == VERSIONS["notion"][0]["version"]:
            await _export(settings)
        if source.name == "hubspot":
            await session.more_associations("9000000001", "notes", "500", session.log("relationship"))


async def _export(settings: Settings) -> None:
    """All that an export sends."""
    pages = NotionPages(settings, clock_of(settings))
    log = pages.log()
    await pages.bot(log)
    await pages.schema(log)
    await pages.add_properties(("Score", "Band"), log)
    await pages.find("someone:profile:internal", log)
    made = await pages.create({"Name": {"title": [{"type": "text", "text": {"content": "Someone"}}]}}, log)
    await pages.page(made["id"], log)
    await pages.replace(made["id"], "Words.", log)
    await pages.append(made["id"], "More.", log)
    await pages.content(made["id"], log)
    await pages.set_properties(made["id"], {"Score": {"number": 80}}, log)
    await pages.remove(made["id"], log)
    await pages.close()


async def pull_everything(source: Source, session: Any, now: datetime) -> None:
    """Run all bulk streams of a source, for everything and for changes, as if a little had landed."""
    for stream in source.bulk:
        for since in (None, now.isoformat()):
            async for _ in stream.pull(session, Pull(now, since, None, timedelta(days=35), _landed)):
                pass


def _landed(sql: str) -> list[dict[str, Any]]:
    """What has landed: one open invoice, and which company property holds the operator id."""
    if "intercom_conversation" in sql:
        return [{"conversation_id": "215469999999"}]
    if "intercom_ticket" in sql:
        return [{"ticket_id": "215489999999"}]
    if "hubspot_portal" in sql:
        return [{"operator_property": "moovs_operator_id"}]
    if "record_id" in sql:  # what could not be read before: nothing
        return []
    return [{"invoice_id": HELD}] if "invoice" in sql else []


def readings(subject: Subject) -> Iterable[Interpretation]:
    """A term of each kind."""
    return (
        Interpretation("operator_id", subject.operator_id),
        Interpretation("name", subject.names[0]),
        Interpretation("domain", "quarry.example.com"),
        Interpretation("phone", "+16025550183"),
        Interpretation("hubspot_id", "9000000001"),
        Interpretation("email", "office@quarry.example.com"),
    )


async def _ask_the_warehouse(session: Any, people: Iterable[Subject]) -> None:
    await session.csm_directory()
    await session.owners("stripe_account", "acct_1AAAAAAAAAAAAAAA")
    await session.owners("confirmation", "A-1")
    await session.owners("charge", "ch_1")
    for subject in people:
        counts = {"card": "SELECT operator_id, COUNT(*) AS charge_attempts FROM charge GROUP BY operator_id"}
        await session.card_query(counts, subject)
        trips = "SELECT operator_id, COUNT(*) AS trips FROM reservation WHERE created_at < $as_of GROUP BY operator_id"
        await session.query(trips, tables=("reservation",), subject=subject, stream="usage")


__all__ = ["VERSIONS", "Wire", "made_awkward", "opened", "send_everything", "settings_of"]

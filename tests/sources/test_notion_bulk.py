"""Notion's bulk stream and its link: equal to the live stream for every operator, incremental, and whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from crm_records import DATA_SOURCE_ID, notion_schema
from pulled import UNTIL, Kept, in_session, unstamped
from worlds import Worlds

from customer_research.connect.source import BulkStream, Subject
from customer_research.errors import SchemaChanged, SourceError
from customer_research.settings import Settings, load_settings
from customer_research.sources.notion.bulk import ALIAS, BEGINNING, PAGE, REQUESTS
from customer_research.sources.notion.session import VERSIONS, NotionSession
from customer_research.sources.notion.settings import NotionSettings
from customer_research.sources.notion.source import SOURCE
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.notion import TOKEN

(STREAM,) = SOURCE.bulk
LINK, _ = SOURCE.links
NEW = VERSIONS[-1]
PAGES = REQUESTS * 100


@pytest.fixture(scope="module")
def dataset(worlds: Worlds) -> Dataset:
    """A world with all named scenarios, and more tickets than one slice has."""
    made = worlds.dataset()
    tickets = [
        {**made.notion.tickets[n % 40], "page_id": f"{n:08x}-1111-4111-8111-111111111111", "number": 90_000 + n}
        for n in range(PAGES + 50)
    ]
    return replace(made, notion=replace(made.notion, tickets=[*made.notion.tickets, *tickets]))


@pytest.fixture(scope="module")
def own(worlds: Worlds, dataset: Dataset) -> Iterator[Sandbox]:
    """A sandbox of this module: its tests change the world."""
    with worlds.running(dataset=dataset) as running:
        yield running


@pytest.fixture
def sandbox_settings(own: Sandbox) -> Iterator[Settings]:
    own.clear_request_log()
    yield load_settings(own.config_path)
    own.set_faults()


def with_notion(given: Settings, **values: Any) -> Settings:
    quick = {"requests_per_second": 5000.0, **values}
    return given.model_copy(update={"notion": given.of(NotionSettings).model_copy(update=quick)})


def pulled(settings: Settings, kept: Kept, stream: BulkStream = STREAM, **how: Any) -> None:
    in_session(SOURCE, settings, lambda session: kept.pull(session, stream, **how))


def edit(own: Sandbox, page_id: str, **body: Any) -> None:
    """Change a page as people do, through Notion's API."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Notion-Version": NEW}
    answer = httpx2.patch(f"{own.addresses['notion']}/pages/{page_id}", json=body, headers=headers)
    assert answer.status_code == 200


def titled(text: str) -> dict[str, Any]:
    return {"properties": {"Name": {"title": [{"text": {"content": text}}]}}}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_row_is_the_live_one(own: Sandbox, sandbox_settings: Settings, dataset: Dataset, version: str) -> None:
    names = {row["external_id"]: row["name"] for row in dataset.lago.customers}
    first = next(iter(names))
    aliases = {
        first: ("Enterprise", dataset.notion.tickets[0]["tags"][0] if dataset.notion.tickets[0]["tags"] else "x")
    }
    settings = with_notion(sandbox_settings, version=version, aliases=aliases)
    kept = Kept()
    pulled(settings, kept)
    assert len(kept.rows(PAGE)) == len(dataset.notion.tickets)
    operators = [{"operator_id": operator, "name": name} for operator, name in names.items()]
    made = kept.linked(LINK, {"operator": [*operators, {"operator_id": "unnamed", "name": None}]})

    async def live(session: Any) -> list[Any]:
        (stream,) = SOURCE.streams
        batches = [
            await stream.fetch(session, Subject(operator, UNTIL, names=(name,))) for operator, name in names.items()
        ]
        return [row for batch in batches for row in batch.tables["ticket"]]

    found = in_session(SOURCE, settings, live)
    assert unstamped(made) == unstamped(found)
    assert {row["matched_by"] for row in made} == {"operator_id", "tag", "title", "text"}
    assert len(made) == len(found)
    assert {row["fetch_id"] for row in made} <= {one.id for piece in kept.slices for one in piece.receipts}


def test_what_a_pull_costs(own: Sandbox, sandbox_settings: Settings, dataset: Dataset) -> None:
    kept = Kept()
    settings = with_notion(sandbox_settings)
    pulled(settings, kept)
    pages = -(-len(dataset.notion.tickets) // 100)
    assert len(own.request_log) == 2 + pages == sum(one.requests for piece in kept.slices for one in piece.receipts)
    own.clear_request_log()
    pulled(settings, kept, until=UNTIL + timedelta(days=1))
    assert len(own.request_log) == 2 + 1 + 1
    assert len(kept.rows(PAGE)) == len(dataset.notion.tickets)


def test_edits_and_the_bin_come_with_the_next_pull(own: Sandbox, sandbox_settings: Settings) -> None:
    settings, kept = with_notion(sandbox_settings), Kept()
    pulled(settings, kept)
    rows = sorted(kept.rows(PAGE), key=lambda row: str(row["edited_at"]))
    changed, binned = rows[0], rows[1]
    edit(own, changed["ticket_id"], **titled("A new title"))
    edit(own, binned["ticket_id"], in_trash=True)
    try:
        pulled(settings, kept)
        assert kept.tables[PAGE][changed["ticket_id"],]["title"] == "A new title"
        assert (binned["ticket_id"],) not in kept.tables[PAGE]
        assert len(kept.rows(PAGE)) == len(rows) - 1
        anew = Kept()
        pulled(settings, anew)
        assert unstamped(anew.rows(PAGE)) == unstamped(kept.rows(PAGE))
    finally:
        edit(own, changed["ticket_id"], **titled(changed["title"]))
        edit(own, binned["ticket_id"], in_trash=False)


def test_the_oldest_generation_finds_the_bin_by_a_whole_pull(own: Sandbox, sandbox_settings: Settings) -> None:
    settings, kept = with_notion(sandbox_settings, version=VERSIONS[0]), Kept()
    pulled(settings, kept)
    binned = kept.rows(PAGE)[7]["ticket_id"]
    edit(own, binned, in_trash=True)
    try:
        pulled(settings, kept)
        assert (binned,) in kept.tables[PAGE]
        pulled(settings, kept, full=True)
        assert (binned,) not in kept.tables[PAGE]
    finally:
        edit(own, binned, in_trash=False)


def test_aliases_land_anew_with_every_pull(sandbox_settings: Settings) -> None:
    kept = Kept()
    pulled(with_notion(sandbox_settings, aliases={"a": ("one", "two", "one")}), kept)
    pulled(with_notion(sandbox_settings, aliases={"a": ("two",), "b": ("three",)}), kept)
    assert set(kept.tables[ALIAS]) == {("a", "two"), ("b", "three")}


def test_a_pull_that_was_cut_off_goes_on_at_the_last_edit(own: Sandbox, sandbox_settings: Settings) -> None:
    settings, kept = with_notion(sandbox_settings), Kept()

    async def broken(slices: Any) -> Any:
        async for piece in slices:
            yield piece
            own.set_faults("notion:http500")

    cut = replace(STREAM, pull=lambda *given: broken(STREAM.pull(*given)))
    with pytest.raises(SourceError):
        pulled(settings, kept, cut)
    assert len(kept.rows(PAGE)) == PAGES
    own.set_faults()
    own.clear_request_log()
    pulled(settings, kept)
    whole = Kept()
    pulled(settings, whole)
    assert unstamped(kept.rows(PAGE)) == unstamped(whole.rows(PAGE))
    assert kept.marks == whole.marks


def test_a_query_that_ends_too_early_is_asked_again_from_its_last_edit(
    own: Sandbox, sandbox_settings: Settings, dataset: Dataset
) -> None:
    settings, kept = with_notion(sandbox_settings), Kept()
    own.set_faults("notion:truncate:0.4")
    pulled(settings, kept)
    last = kept.slices[-1]
    assert (dict(last.gaps), last.whole) == ({}, (PAGE, ALIAS))
    assert len(kept.rows(PAGE)) == len(dataset.notion.tickets)


def limited(pages: int, a_minute: int, most: int) -> Callable[[httpx2.Request], httpx2.Response]:
    """A Notion that gives so many results a query at most; so many of its tickets were edited in the same minute."""
    schema = notion_schema()
    empty = {name: {"type": kind["type"], kind["type"]: None} for name, kind in schema.items()}
    tickets = [
        {"id": f"p-{n:03}", "last_edited_time": f"2026-10-01T{n // a_minute:02}:00:00.000Z", "properties": empty}
        for n in range(pages)
    ]

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            shown = {"data_sources": [{"id": DATA_SOURCE_ID}], "properties": schema}
            return httpx2.Response(200, json=shown)
        since = json.loads(request.content).get("filter", {}).get("last_edited_time", {}).get("on_or_after", "")
        found = [ticket for ticket in tickets if str(ticket["last_edited_time"]) >= since]
        told = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
        status = {"request_status": told} if len(found) > most else {}
        return httpx2.Response(200, json={"results": found[:most], "has_more": False, "next_cursor": None, **status})

    return answer


@pytest.mark.parametrize(("a_minute", "expected"), [(4, 30), (20, 10)])
def test_more_results_than_a_query_may_have(sandbox_settings: Settings, a_minute: int, expected: int) -> None:
    kept = Kept()

    async def work() -> None:
        transport = httpx2.MockTransport(limited(30, a_minute, 10))
        session = NotionSession(with_notion(sandbox_settings), lambda: UNTIL, transport=transport)
        await kept.pull(session, STREAM)
        await session.close()

    asyncio.run(work())
    assert len(kept.rows(PAGE)) == expected
    complete = expected == 30
    assert bool(kept.slices[-1].gaps) is not complete
    assert (PAGE in kept.slices[-1].whole) is complete
    assert kept.marks[STREAM.name] == ("2026-10-01T07:00:00.000Z" if complete else BEGINNING)


def test_a_page_that_cannot_be_read_is_named_and_the_others_stand(sandbox_settings: Settings) -> None:
    kept, whole = Kept(), limited(10, 20, 100)

    def answer(request: httpx2.Request) -> httpx2.Response:
        body = whole(request).json()
        if "results" in body:
            del body["results"][3]["properties"]["Status"]
            del body["results"][6]["id"]
        return httpx2.Response(200, json=body)

    async def work() -> None:
        session = NotionSession(with_notion(sandbox_settings), lambda: UNTIL, transport=httpx2.MockTransport(answer))
        await kept.pull(session, STREAM)
        await session.close()

    asyncio.run(work())
    assert {row["ticket_id"]: row["is_open"] for row in kept.rows(PAGE)} == {
        f"p-{n:03}": None if n == 3 else True for n in range(10) if n != 6
    }
    last = kept.slices[-1]
    assert last.unread is not None
    assert last.unread.detail == "2 ticket records cannot be read: A ticket came without Status."
    assert dict(last.gaps) == {}
    assert kept.marks[STREAM.name] != BEGINNING


def test_pages_that_notion_leaves_out_are_a_gap_and_none_is_taken_for_gone(
    own: Sandbox, sandbox_settings: Settings
) -> None:
    settings, kept = with_notion(sandbox_settings), Kept()
    pulled(settings, kept)
    count, marks = len(kept.rows(PAGE)), dict(kept.marks)
    own.set_faults("notion:truncate")
    pulled(settings, kept)
    assert [gap.reason for gap in kept.slices[-1].gaps.values()] == ["truncated"]
    assert kept.marks == marks
    pulled(settings, kept, full=True)
    assert kept.slices[-1].whole == (ALIAS,)
    assert kept.marks[STREAM.name] == BEGINNING
    assert len(kept.rows(PAGE)) == count
    own.set_faults()
    pulled(settings, kept)
    assert kept.marks == marks


@pytest.mark.parametrize("kind", ["http500", "drop", "badjson", "auth", "schema"])
def test_a_failing_notion_leaves_what_there_is(own: Sandbox, sandbox_settings: Settings, kind: str) -> None:
    settings, kept = with_notion(sandbox_settings), Kept()
    pulled(settings, kept)
    landed, marks = unstamped(kept.rows(PAGE)), dict(kept.marks)
    own.set_faults(f"notion:{kind}")
    with pytest.raises(SchemaChanged if kind == "schema" else SourceError):
        pulled(settings, kept, full=True)
    assert (unstamped(kept.rows(PAGE)), kept.marks) == (landed, marks)


def test_edits_during_a_pull_hide_no_page(own: Sandbox, sandbox_settings: Settings, dataset: Dataset) -> None:
    settings, kept = with_notion(sandbox_settings), Kept()

    async def moving(slices: Any) -> Any:
        async for piece in slices:
            yield piece
            if len(kept.slices) == 1:
                some = list(kept.rows(PAGE))[:3]
                for row in some:
                    await asyncio.to_thread(edit, own, row["ticket_id"], **titled(f"{row['title']} (moved)"))

    pulled(settings, kept, replace(STREAM, pull=lambda *given: moving(STREAM.pull(*given))))
    assert len(kept.rows(PAGE)) == len(dataset.notion.tickets)
    assert sum(str(row["title"]).endswith("(moved)") for row in kept.rows(PAGE)) == 3

"""Notion over real HTTP against the sandbox, in every API generation; rare answers come from a mock transport."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest
from crm_records import (
    AS_OF,
    DATA_SOURCE_ID,
    DATABASE_ID,
    NOBODY,
    OPERATOR,
    clock,
    closing,
    dataset,
    notion_schema,
    quick,
    settings_of,
    settings_with,
    subject,
)

from customer_research.connect.source import Batch, RecordOwners, Subject
from customer_research.domain.check import Diagnosis
from customer_research.domain.identity import Candidate
from customer_research.domain.values import listed, spelt
from customer_research.domain.vocabularies import SPELLINGS
from customer_research.errors import (
    BadAnswer,
    ConfigError,
    Denied,
    NotThere,
    RateLimited,
    SchemaChanged,
    SourceError,
    Unavailable,
)
from customer_research.identity.interpret import interpret
from customer_research.record_tables import TABLES
from customer_research.settings import Settings
from customer_research.sources.notion import normalise as n
from customer_research.sources.notion.live import fetch, whose
from customer_research.sources.notion.session import VERSIONS, NotionSession
from customer_research.sources.notion.source import SOURCE
from customer_research_sandbox.serve import Sandbox

EXTRA = 130
WITH_ALIAS = subject(aliases=("HLL",))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(dataset=dataset(), rate_limits=False, slow_seconds=30) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(sandbox: Sandbox) -> None:
    sandbox.set_faults()
    sandbox.clear_request_log()


async def opened(settings: Settings, work: Callable[[NotionSession], Any], **more: Any) -> Any:
    return await closing(NotionSession(settings, clock, pace=quick(), **more), work)


def run(sandbox: Sandbox, who: Subject = WITH_ALIAS, *, deadline: float = 15.0, **own: Any) -> Batch:
    settings = settings_with(sandbox.config_path, notion=own).model_copy(update={"deadline_seconds": deadline})
    batch: Batch = asyncio.run(opened(settings, lambda session: fetch(session, who)))
    return batch


def paths_matched(batch: Batch) -> dict[str, tuple[str, bool]]:
    return {row["number"]: (row["matched_by"], row["is_certain"]) for row in batch.tables["ticket"]}


EXPECTED = {
    "DOOM-1": ("operator_id", True),
    "DOOM-2": ("tag", True),
    "DOOM-3": ("title", False),
    "DOOM-4": ("text", False),
}

# -- the stream -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_one_ticket_a_path_in_every_api_generation(sandbox: Sandbox, version: str) -> None:
    batch = run(sandbox, version=version)
    assert paths_matched(batch) == EXPECTED
    assert batch.gaps == {}
    assert len(sandbox.request_log) == (2 if version == VERSIONS[0] else 3)


def test_rows_have_exactly_the_canonical_columns_and_their_receipt(sandbox: Sandbox) -> None:
    batch = run(sandbox)
    (receipt,) = batch.receipts
    for row in batch.tables["ticket"]:
        assert tuple(row) == TABLES["ticket"].column_names
        assert row["fetch_id"] == receipt.id
    assert (receipt.rows, receipt.requests, receipt.fetched_at) == (4, 3, AS_OF)
    assert "sandbox-notion-token" not in receipt.query


def test_values_of_a_ticket(sandbox: Sandbox) -> None:
    rows = {row["number"]: row for row in run(sandbox).tables["ticket"]}
    second = rows["DOOM-2"]
    assert second["tags"] == "|HLL|Enterprise|"
    assert second["types"] == "|Feature|"
    assert second["stage"] == "|Backlog|"
    assert second["due_date"] == date(2026, 11, 20)
    assert second["is_commitment"] is True
    assert second["created_at"] == datetime(2026, 10, 2, 10, tzinfo=UTC)
    assert (rows["DOOM-1"]["priority"], rows["DOOM-1"]["is_open"], rows["DOOM-1"]["is_commitment"]) == (
        "High",
        True,
        False,
    )
    assert (rows["DOOM-4"]["is_open"], rows["DOOM-4"]["is_done"]) == (False, True)
    assert rows["DOOM-1"]["url"]


def test_aliases_come_from_the_settings_as_well(sandbox: Sandbox) -> None:
    assert paths_matched(run(sandbox, subject(), aliases={OPERATOR: ("HLL",)})) == EXPECTED
    assert "DOOM-2" not in paths_matched(run(sandbox, subject()))


def test_no_ticket_is_an_answer(sandbox: Sandbox) -> None:
    batch = run(sandbox, subject(NOBODY, names=()))
    assert batch.tables == {"ticket": []}
    assert batch.gaps == {}
    assert batch.receipts[0].rows == 0


def test_a_known_data_source_saves_a_request(sandbox: Sandbox) -> None:
    assert paths_matched(run(sandbox, tickets_data_source=DATA_SOURCE_ID)) == EXPECTED
    assert len(sandbox.request_log) == 2


def test_a_data_source_id_given_as_database_id_works(sandbox: Sandbox) -> None:
    assert paths_matched(run(sandbox, tickets_database=DATA_SOURCE_ID)) == EXPECTED
    assert len(sandbox.request_log) == 3


def test_a_second_operator_of_a_session_costs_one_request(sandbox: Sandbox) -> None:
    async def work(session: NotionSession) -> None:
        await fetch(session, WITH_ALIAS)
        sandbox.clear_request_log()
        await fetch(session, subject(NOBODY))

    asyncio.run(opened(settings_with(sandbox.config_path), work))
    assert len(sandbox.request_log) == 1


def test_all_pages_are_read() -> None:
    with Sandbox.start(dataset=dataset(extra_tickets=EXTRA), rate_limits=False) as sandbox:
        batch = run(sandbox)
        assert len(batch.tables["ticket"]) == len(EXPECTED) + EXTRA
        assert len(sandbox.request_log) == 4
        assert batch.gaps == {}


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("down", Unavailable),
        ("http500", Unavailable),
        ("drop", Unavailable),
        ("http429", RateLimited),
        ("auth", Denied),
        ("badjson", BadAnswer),
        ("schema", SchemaChanged),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_source_that_fails_raises(sandbox: Sandbox, fault: str, error: type[SourceError], version: str) -> None:
    sandbox.set_faults(f"notion:{fault}")
    with pytest.raises(error) as caught:
        run(sandbox, version=version)
    assert caught.value.source == "notion"
    assert caught.value.hint


def test_a_missing_status_is_named(sandbox: Sandbox) -> None:
    sandbox.set_faults("notion:schema")
    with pytest.raises(SchemaChanged, match="Status"):
        run(sandbox)


def test_a_slow_source_ends_at_the_deadline(sandbox: Sandbox) -> None:
    sandbox.set_faults("notion:slow")
    with pytest.raises(Unavailable, match="did not answer within"):
        run(sandbox, deadline=0.3)


def test_more_without_a_cursor_is_truncated(sandbox: Sandbox) -> None:
    sandbox.set_faults("notion:truncate")
    batch = run(sandbox)
    assert batch.gaps["ticket"].reason == "truncated"
    assert batch.receipts[0].truncated


def test_a_database_that_does_not_exist_is_said_so(sandbox: Sandbox) -> None:
    with pytest.raises(NotThere):
        run(sandbox, tickets_database="00000000-0000-4000-8000-000000000000")


# -- answers that the sandbox does not give ---------------------------------------------------------------------------


def page(number: int, **gone: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "Name": {"type": "title", "title": [{"plain_text": "Imp"}, {"plain_text": "ort"}]},
        "Status": {"type": "status", "status": {"name": "Accepted"}},
        "Stage": {"type": "multi_select", "multi_select": []},
        "Priority": {"type": "select", "select": None},
        "Type": {"type": "multi_select", "multi_select": [{"name": "Bug"}]},
        "Tags": {"type": "multi_select", "multi_select": []},
        "Due Date": {"type": "date", "date": None},
        "operator_id": {"type": "rich_text", "rich_text": [{"plain_text": OPERATOR}]},
    }
    return {
        "object": "page",
        "id": f"page-{number}",
        "created_time": "2026-10-02T10:00:00.000Z",
        "properties": properties,
        **gone,
    }


def mocked(answer: Callable[[httpx2.Request], Any]) -> Batch:
    batch: Batch = over(answer, lambda session: fetch(session, subject()))
    return batch


def over(answer: Callable[[httpx2.Request], Any], work: Callable[[NotionSession], Any]) -> Any:
    """What work gives in a session of a Notion that answers so."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=answer(request))

    settings = settings_of(notion={"token": "t0ken", "tickets_database": DATABASE_ID})
    transport = httpx2.MockTransport(respond)
    return asyncio.run(opened(settings, work, transport=transport))


def workspace(query: Callable[[dict[str, Any]], dict[str, Any]], sources: int = 1) -> Callable[[httpx2.Request], Any]:
    def answer(request: httpx2.Request) -> Any:
        path = request.url.path
        if path.endswith("/query"):
            return query({**json.loads(request.content), "at": path})
        if "/databases/" in path:
            return {"object": "database", "data_sources": [{"id": f"ds-{place}"} for place in range(sources)]}
        schema = notion_schema() if path.endswith("ds-0") else {"Note": {"type": "title", "title": {}}}
        return {"object": "data_source", "properties": schema}

    return answer


def test_an_incomplete_query_is_truncated_even_on_its_last_page() -> None:
    status = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    batch = mocked(workspace(lambda _: {"results": [page(1)], "has_more": False, "request_status": status}))
    assert batch.gaps["ticket"].reason == "truncated"


def test_a_cursor_that_repeats_is_truncated_and_ends() -> None:
    batch = mocked(workspace(lambda _: {"results": [page(1)], "has_more": True, "next_cursor": "again"}))
    assert batch.gaps["ticket"].reason == "truncated"
    assert len(batch.tables["ticket"]) == 1


def test_pages_in_the_bin_do_not_count() -> None:
    thrown = [page(1, in_trash=True), page(2, archived=True), page(3)]
    batch = mocked(workspace(lambda _: {"results": thrown, "has_more": False, "next_cursor": None}))
    assert [row["ticket_id"] for row in batch.tables["ticket"]] == ["page-3"]


@pytest.mark.parametrize(
    ("gone", "owners"),
    [({}, [OPERATOR]), ({"in_trash": True}, []), ({"archived": True}, []), ({"in_trash": False}, [OPERATOR])],
)
def test_the_number_of_a_ticket_in_the_bin_is_nobodys(gone: dict[str, bool], owners: list[str]) -> None:
    numbered = page(1, **gone)
    numbered["properties"]["ID"] = {"type": "unique_id", "unique_id": {"prefix": "DOOM", "number": 700}}
    schema = {**notion_schema(), "ID": {"type": "unique_id", "unique_id": {}}}

    def respond(request: httpx2.Request) -> Any:
        found = workspace(lambda _: {"results": [numbered], "has_more": False})(request)
        return {**found, "properties": schema} if "properties" in found else found

    async def asked(session: NotionSession) -> RecordOwners:
        return await whose(session, interpret("DOOM-700"), (Candidate(OPERATOR, "Harbor Lantern Limo"),))

    found: RecordOwners = over(respond, asked)
    assert [operator_id for _, operator_id in found.owners] == owners


def test_a_further_data_source_that_holds_something_else_is_left_alone() -> None:
    asked: list[str] = []

    def query(body: dict[str, Any]) -> dict[str, Any]:
        asked.append(body["at"])
        return {"results": [page(1)], "has_more": False}

    batch = mocked(workspace(query, sources=2))
    assert len(batch.tables["ticket"]) == 1
    assert asked == ["/v1/data_sources/ds-0/query"]


def without(number: int, *names: str) -> dict[str, Any]:
    """A page that came without some of its properties."""
    broken = page(number)
    for name in names:
        del broken["properties"][name]
    return broken


def test_a_page_without_a_needed_property_is_a_ticket_that_is_neither_open_nor_closed() -> None:
    batch = mocked(workspace(lambda _: {"results": [without(1, "Status"), page(2)], "has_more": False}))
    assert {row["ticket_id"]: row["is_open"] for row in batch.tables["ticket"]} == {"page-1": None, "page-2": True}
    assert batch.gaps["ticket"].detail == "1 ticket record cannot be read: A ticket came without Status."


@pytest.mark.parametrize("broken", [without(1, *page(1)["properties"]), page(1) | {"id": None}])
def test_a_page_of_which_nobody_knows_whose_it_is_is_a_gap(broken: dict[str, Any]) -> None:
    batch = mocked(workspace(lambda _: {"results": [broken, page(2)], "has_more": False}))
    assert [row["ticket_id"] for row in batch.tables["ticket"]] == ["page-2"]
    assert batch.gaps["ticket"].reason == "unavailable"


def test_pages_that_all_lack_a_needed_property_are_a_changed_schema() -> None:
    with pytest.raises(SchemaChanged, match="Priority"):
        mocked(workspace(lambda _: {"results": [without(n, "Priority") for n in range(3)], "has_more": False}))


def test_a_database_without_data_sources_is_a_changed_schema() -> None:
    with pytest.raises(SchemaChanged, match="data source"):
        mocked(workspace(lambda _: {}, sources=0))


@pytest.mark.parametrize("body", [{}, {"results": None, "has_more": False}, {"results": [1]}])
def test_a_query_without_results_is_not_an_empty_one(body: Any) -> None:
    with pytest.raises(BadAnswer):
        mocked(workspace(lambda _: body))


def test_an_unknown_version_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="2019"):
        NotionSession(settings_of(notion={"version": "2019-01-01"}), clock)


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "stages", "expected"),
    [
        ("Accepted", (), True),
        ("In progress", ("QA",), True),
        ("in Progress", (), True),
        ("Done", (), False),
        ("ARCHIVED", (), False),
        ("Not doing anymore", (), False),
        ("In progress", ("QA", "Deployed / Done"), False),
        ("In progress", ("deployed / done",), False),
        (None, (), True),
    ],
)
def test_open(status: str | None, stages: tuple[str, ...], expected: bool) -> None:
    assert n.is_open(status, stages) is expected


def test_properties_are_found_whatever_their_case_and_read_whatever_their_type() -> None:
    schema = n.probe({"STATUS": {"type": "select", "select": {"options": [{"name": "Done"}]}}, "x": {"type": "title"}})
    assert schema["status"] == n.Property("STATUS", "select", ("Done",))
    assert schema["title"].name == "x"
    assert set(n.lacking(schema)) == {"Stage", "Priority", "Types", "Tags", "Due Date"}
    assert n.value_of({"type": "formula", "formula": {"type": "string", "string": "a"}}) == "a"
    assert n.value_of({"type": "number", "number": 0}) == "0"
    assert n.value_of({"type": "unique_id", "unique_id": {"prefix": None, "number": 3}}) == "3"
    assert n.value_of({"type": "date", "date": None}) is None
    assert n.value_of({"type": "rich_text", "rich_text": []}) is None


def test_lists_and_vocabularies() -> None:
    assert listed(["a", "b|c"]) == "|a|b/c|"
    assert listed([]) == ""
    assert spelt("high", SPELLINGS["ticket.priority"]) == "High"
    assert spelt("Urgent", SPELLINGS["ticket.priority"]) == "Urgent"
    assert spelt(None, SPELLINGS["ticket.priority"]) is None
    assert n.day("2026-11-20T10:00:00.000+02:00") == date(2026, 11, 20)
    assert n.day("soon") is None


# -- configuration and doctor -----------------------------------------------------------------------------------------


def test_without_a_token_or_database_the_source_says_what_to_set() -> None:
    gap = SOURCE.missing(settings_of())
    assert gap is not None
    assert "notion.token" in gap.next_step
    bare = {"token": "t0ken", "tickets_database": ""}
    gap = SOURCE.missing(settings_of(notion=bare))
    assert gap is not None
    assert "notion.tickets_database" in gap.next_step


def checked(sandbox: Sandbox, name: str, who: Subject | None = None, **own: Any) -> Diagnosis:
    check = next(check for check in SOURCE.checks if check.name == name)
    settings = settings_with(sandbox.config_path, notion=own)
    result: Diagnosis = asyncio.run(opened(settings, lambda session: check.run(session, who)))
    return result


@pytest.mark.parametrize("version", VERSIONS)
def test_doctor_is_content_with_the_sandbox(sandbox: Sandbox, version: str) -> None:
    statuses = {name: checked(sandbox, name, version=version).status for name in ("token", "database", "properties")}
    assert statuses == {"token": "ok", "database": "ok", "properties": "ok"}


def test_doctor_finds_the_data_source(sandbox: Sandbox) -> None:
    assert checked(sandbox, "database").settings == {"notion.tickets_data_source": DATA_SOURCE_ID}
    swapped = checked(sandbox, "database", tickets_database=DATA_SOURCE_ID)
    assert (swapped.status, swapped.settings) == ("warn", {"notion.tickets_data_source": DATA_SOURCE_ID})
    assert checked(sandbox, "database", tickets_database="0" * 32).status == "fail"


def test_doctor_names_missing_properties(sandbox: Sandbox) -> None:
    sandbox.set_faults("notion:schema")
    result = checked(sandbox, "properties")
    assert result.status == "fail"
    assert "missing: Status" in result.found


def test_doctor_tells_how_tickets_name_operators(sandbox: Sandbox) -> None:
    result = checked(sandbox, "tagging", WITH_ALIAS)
    assert "28 % operator_id" in result.found
    assert "1 by tag" in result.found
    assert result.status == "warn"


# -- properties of other types, options of other names ---------------------------------------------------------------------

STATUS = n.Property("Status", "status", ("Completed", "Paused"), {"completed": "complete", "triage": "to-do"})


@pytest.mark.parametrize(
    ("status", "group", "expected"),
    [
        ("Completed", "complete", False),
        ("Triage", "to-do", True),
        ("Doing", "in progress", True),
        ("Paused", None, None),
    ],
)
def test_a_renamed_status_is_what_its_group_says(status: str, group: str | None, expected: bool | None) -> None:
    assert n.is_open(status, (), group) is expected
    assert n.is_open(status, ("Deployed / Done",), group) is False


def test_the_groups_of_a_status_are_read_by_the_options_ids() -> None:
    told = {
        "options": [{"id": "o1", "name": "Completed"}],
        "groups": [{"name": "Complete", "option_ids": ["o1", "o9"]}],
    }
    schema = n.probe({"Status": {"type": "status", "status": told}})
    assert schema["status"].groups == {"completed": "complete"}


def test_a_rollup_is_read_and_a_relation_is_named() -> None:
    rolled = {"type": "array", "array": [{"type": "rich_text", "rich_text": [{"plain_text": OPERATOR}]}]}
    assert n.value_of({"type": "rollup", "rollup": rolled}) == OPERATOR
    assert n.value_of({"type": "rollup", "rollup": {"type": "array", "array": []}}) is None
    assert n.unreadable({"tags": n.Property("Tags", "relation"), "status": STATUS}) == ("Tags (relation)",)
    assert n.unreadable({"due_date": n.Property("Due", "rich_text")}) == ("Due (rich_text)",)
    assert n.unreadable({"operator_id": n.Property("operator_id", "rollup")}) == ()


def test_tickets_whose_tags_are_a_relation_are_a_gap() -> None:
    answer = workspace(lambda _: {"results": [page(1)], "has_more": False})

    def related(request: httpx2.Request) -> Any:
        told = answer(request)
        if told["object"] == "data_source":
            told["properties"]["Tags"] = {"type": "relation", "relation": {}}
        return told

    gap = mocked(lambda request: related(request) if "query" not in request.url.path else answer(request)).gaps[
        "ticket"
    ]
    assert (gap.reason, "Tags (relation)" in gap.detail) == ("unavailable", True)


def test_a_status_of_no_known_group_is_a_gap_and_names_it() -> None:
    strange = page(1)
    strange["properties"]["Status"] = {"type": "status", "status": {"name": "Paused"}}
    batch = mocked(workspace(lambda _: {"results": [strange], "has_more": False}))
    assert batch.tables["ticket"][0]["is_open"] is None
    assert "Paused" in batch.gaps["ticket"].detail

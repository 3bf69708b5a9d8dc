"""Notion's server: three API generations, filters, sorts, cursors, Markdown pages, writes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from sandbox_caller import Caller

from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.notion import TOKEN, NotionServer
from customer_research_sandbox.servers.notion_answers import NEW, OLD, SOURCES
from customer_research_sandbox.servers.notion_blocks import blocks_of, markdown_of
from customer_research_sandbox.servers.notion_pages import HOME_PAGE

DATABASE = "13b8aeaa-3759-80f8-8d7c-dd2f627d2578"


def version(name: str) -> Any:
    return {"Notion-Version": name}


def query(ask: Caller, dataset: Dataset, **body: object) -> Any:
    answer = ask("notion", f"/data_sources/{dataset.notion.data_source_id}/query", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def every(ask: Caller, dataset: Dataset, **body: object) -> Any:
    found: list[Any] = []
    more = True
    cursor: dict[str, object] = {}
    while more:
        page = query(ask, dataset, page_size=50, **cursor, **body)
        found += page["results"]
        more, cursor = page["has_more"], {"start_cursor": page["next_cursor"]}
    return found


def text(prop: Any) -> Any:
    return "".join(part["plain_text"] for part in prop[prop["type"]])


def numbers(pages: Any) -> Any:
    return {page["properties"]["ID"]["unique_id"]["number"] for page in pages}


def expected(dataset: Dataset, keep: Any) -> Any:
    return {row["number"] for row in dataset.notion.tickets if keep(row)}


def test_the_old_generation_asks_the_database_itself(ask: Caller, dataset: Dataset) -> None:
    shown = ask("notion", f"/databases/{DATABASE.replace('-', '')}", headers=version(OLD)).json()
    assert "Tags" in shown["properties"]
    assert "data_sources" not in shown
    answer = ask("notion", f"/databases/{DATABASE}/query", {"page_size": 1}, headers=version(OLD))
    assert answer.json()["results"][0]["parent"] == {"type": "database_id", "database_id": DATABASE}
    assert (
        ask("notion", f"/data_sources/{dataset.notion.data_source_id}", headers=version(OLD)).json()["code"]
        == "invalid_request_url"
    )


@pytest.mark.parametrize("generation", [SOURCES, NEW])
def test_newer_generations_ask_the_data_source(ask: Caller, dataset: Dataset, generation: Any) -> None:
    shown = ask("notion", f"/databases/{DATABASE}", headers=version(generation)).json()
    assert [source["id"] for source in shown["data_sources"]] == [dataset.notion.data_source_id]
    assert "properties" not in shown
    assert ("archived" in shown) is (generation == SOURCES)
    source = ask("notion", f"/data_sources/{dataset.notion.data_source_id}", headers=version(generation)).json()
    assert source["properties"]["Tags"]["type"] == "multi_select"
    assert ask("notion", f"/databases/{DATABASE}/query", {}, headers=version(generation)).status_code == 400
    assert ask("notion", f"/data_sources/{DATABASE}", headers=version(generation)).json()["code"] == "object_not_found"


def test_all_tickets_come_over_cursors(ask: Caller, dataset: Dataset) -> None:
    assert numbers(every(ask, dataset)) == expected(dataset, lambda row: True)
    for size in (0, -1, 101, True, "ten"):
        answer = ask("notion", f"/data_sources/{dataset.notion.data_source_id}/query", {"page_size": size})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error"), size
    assert (
        ask("notion", f"/data_sources/{dataset.notion.data_source_id}/query", {"start_cursor": HOME_PAGE}).status_code
        == 400
    )


def test_a_page_shows_the_ticket(ask: Caller, dataset: Dataset) -> None:
    rows = dataset.notion.tickets
    row = next(row for row in rows if row["priority"] and row["assigned"])
    shown = ask("notion", f"/pages/{row['page_id']}").json()["properties"]
    assert text(shown["Name"]) == row["title"]
    assert shown["ID"]["unique_id"] == {"prefix": "DOOM", "number": row["number"]}
    assert shown["Status"]["status"]["name"] == row["status"]
    assert [option["name"] for option in shown["Stage"]["multi_select"]] == row["stage"]
    assert shown["Priority"]["select"]["name"] == row["priority"]
    assert [person["name"] for person in shown["Assigned To"]["people"]] == row["assigned"]


@pytest.mark.parametrize(
    ("condition", "keep"),
    [
        ({"property": "Status", "status": {"equals": "Done"}}, lambda r: r["status"] == "Done"),
        ({"property": "Status", "status": {"does_not_equal": "Done"}}, lambda r: r["status"] != "Done"),
        ({"property": "Tags", "multi_select": {"contains": "Enterprise"}}, lambda r: "Enterprise" in r["tags"]),
        ({"property": "Tags", "multi_select": {"is_empty": True}}, lambda r: not r["tags"]),
        ({"property": "Priority", "select": {"equals": "High"}}, lambda r: r["priority"] == "High"),
        ({"property": "Priority", "select": {"is_empty": True}}, lambda r: r["priority"] is None),
        ({"property": "operator_id", "rich_text": {"is_not_empty": True}}, lambda r: bool(r["operator_id"])),
        ({"property": "Name", "title": {"contains": "HARBOR"}}, lambda r: "harbor" in r["title"].casefold()),
        ({"property": "Name", "title": {"starts_with": "s"}}, lambda r: r["title"].casefold().startswith("s")),
        ({"property": "ID", "unique_id": {"less_than": 20}}, lambda r: r["number"] < 20),
        ({"property": "ID", "unique_id": {"equals": 7}}, lambda r: r["number"] == 7),
        (
            {"property": "Due Date", "date": {"on_or_after": "2026-06-01"}},
            lambda r: (r["due_date"] or "") >= "2026-06-01",
        ),
        ({"property": "Due Date", "date": {"is_empty": True}}, lambda r: r["due_date"] is None),
        (
            {"timestamp": "created_time", "created_time": {"before": "2026-01-01"}},
            lambda r: r["created_time"] < "2026-01-01",
        ),
        (
            {
                "or": [
                    {"property": "Priority", "select": {"equals": "Low"}},
                    {"and": [{"property": "Status", "status": {"equals": "Done"}}]},
                ]
            },
            lambda r: r["priority"] == "Low" or r["status"] == "Done",
        ),
    ],
)
def test_filters(ask: Caller, dataset: Dataset, condition: Any, keep: Any) -> None:
    assert numbers(every(ask, dataset, filter=condition)) == expected(dataset, keep)


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ({"property": "Nope", "rich_text": {"equals": "x"}}, "Could not find property with name or id: Nope"),
        (
            {"property": "Stage", "select": {"equals": "Backlog"}},
            "database property multi_select does not match filter select",
        ),
        ({"property": "Status", "status": {"equals": "Urgent"}}, 'status option "Urgent" not found'),
        ({"property": "Name", "title": {"like": "x"}}, "body failed validation"),
        ({"property": "Due Date", "date": {"before": "soon"}}, "ISO 8601"),
        ({"or": [{"and": [{"or": []}]}]}, "two levels"),
    ],
)
def test_refused_filters(ask: Caller, dataset: Dataset, condition: Any, complaint: str) -> None:
    answer = ask("notion", f"/data_sources/{dataset.notion.data_source_id}/query", {"filter": condition})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert complaint in answer.json()["message"]


def test_sorts(ask: Caller, dataset: Dataset) -> None:
    newest = [
        page["created_time"]
        for page in every(ask, dataset, sorts=[{"timestamp": "created_time", "direction": "descending"}])
    ]
    assert newest == sorted(newest, reverse=True)
    by_number = every(ask, dataset, sorts=[{"property": "ID", "direction": "ascending"}])
    found = [page["properties"]["ID"]["unique_id"]["number"] for page in by_number]
    assert found == sorted(found)


@pytest.mark.parametrize("direction", ["ascending", "descending"])
@pytest.mark.parametrize(("name", "inner"), [("Due Date", "start"), ("Priority", "name")])
def test_what_is_empty_comes_last_whichever_way_one_sorts(
    name: str, inner: str, direction: str, ask: Caller, dataset: Dataset
) -> None:
    kind = dataset.notion.schema[name]["type"]
    pages = every(ask, dataset, sorts=[{"property": name, "direction": direction}])
    told = [page["properties"][name][kind] for page in pages]
    values = [value[inner] for value in told if value is not None]
    assert 0 < len(values) < len(told)
    assert told[len(values) :] == [None] * (len(told) - len(values))
    options = [option["name"] for option in dataset.notion.schema[name].get(kind, {}).get("options", ())]
    order = [options.index(value) if options else value for value in values]
    assert order == sorted(order, reverse=direction == "descending")


def test_only_the_asked_properties_come(ask: Caller, dataset: Dataset) -> None:
    identifier = dataset.notion.schema["Status"]["id"]
    path = f"/data_sources/{dataset.notion.data_source_id}/query?filter_properties={identifier.replace('%', '%25')}"
    page = ask("notion", path, {"page_size": 1}).json()["results"][0]
    assert list(page["properties"]) == ["Status"]


def test_a_property_by_its_id(ask: Caller, dataset: Dataset) -> None:
    row = dataset.notion.tickets[0]
    title = ask("notion", f"/pages/{row['page_id']}/properties/title").json()
    assert title["results"][0]["title"]["plain_text"] == row["title"]
    status = dataset.notion.schema["Status"]["id"].replace("%", "%25")
    assert ask("notion", f"/pages/{row['page_id']}/properties/{status}").json()["status"]["name"] == row["status"]
    assert ask("notion", f"/pages/{row['page_id']}/properties/zzzz").status_code == 404


def test_the_version_is_mandatory_and_known(ask: Caller) -> None:
    address = ask.sandbox.addresses["notion"]
    answer = ask.client.get(f"{address}/users/me", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json()["code"] == "missing_version"
    assert ask("notion", "/users/me", headers=version("2020-01-01")).json()["code"] == "validation_error"
    assert ask("notion", "/users/me", headers={"Authorization": "Bearer wrong"}).json()["code"] == "unauthorized"


def test_markdown_needs_the_newest_generation(ask: Caller, dataset: Dataset) -> None:
    row = dataset.notion.tickets[0]
    shown = ask("notion", f"/pages/{row['page_id']}/markdown", headers=version(NEW)).json()
    assert (shown["object"], shown["markdown"], shown["truncated"]) == ("page_markdown", row["body"], False)
    assert ask("notion", f"/pages/{row['page_id']}/markdown").status_code == 400


def test_a_written_page_is_read_back_and_edited(ask: Caller) -> None:
    title = {"title": {"title": [{"text": {"content": "Review"}}]}}
    body = {"parent": {"page_id": HOME_PAGE}, "properties": title, "markdown": "# One\n\nText of one.\n\n- a\n- b"}
    made = ask("notion", "/pages", body, headers=version(NEW)).json()
    assert made["object"] == "page"
    path = f"/pages/{made['id']}/markdown"
    children = ask("notion", f"/blocks/{made['id']}/children").json()["results"]
    assert [block["type"] for block in children] == [
        "heading_1",
        "paragraph",
        "bulleted_list_item",
        "bulleted_list_item",
    ]
    edit = {
        "type": "update_content",
        "update_content": {"content_updates": [{"old_str": "Text of one", "new_str": "Text of two"}]},
    }
    edited = ask("notion", path, edit, method="PATCH", headers=version(NEW)).json()
    assert edited["markdown"] == "# One\n\nText of two.\n\n- a\n- b"
    missing = {
        "type": "update_content",
        "update_content": {"content_updates": [{"old_str": "nowhere", "new_str": "x"}]},
    }
    assert ask("notion", path, missing, method="PATCH", headers=version(NEW)).status_code == 400
    more = {"type": "insert_content", "insert_content": {"content": "End."}}
    assert ask("notion", path, more, method="PATCH", headers=version(NEW)).json()["markdown"].endswith("- b\n\nEnd.")
    whole = {"type": "replace_content", "replace_content": {"new_str": "New."}}
    assert ask("notion", path, whole, method="PATCH", headers=version(NEW)).json()["markdown"] == "New."
    block = {"type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": "Added."}}]}}
    added = ask("notion", f"/blocks/{made['id']}/children", {"children": [block]}, method="PATCH").json()["results"]
    assert [found["type"] for found in added] == ["paragraph"]
    assert ask("notion", path, headers=version(NEW)).json()["markdown"] == "New.\n\nAdded."


def test_a_ticket_is_created_updated_and_thrown_away(ask: Caller, dataset: Dataset) -> None:
    properties = {
        "Name": {"title": [{"text": {"content": "Lantern broken"}}]},
        "Status": {"status": {"name": "Accepted"}},
        "Tags": {"multi_select": [{"name": "Enterprise"}]},
        "Due Date": {"date": {"start": "2031-05-06"}},
    }
    parent = {"type": "data_source_id", "data_source_id": dataset.notion.data_source_id}
    made = ask("notion", "/pages", {"parent": parent, "properties": properties}).json()
    assert made["properties"]["ID"]["unique_id"]["number"] > max(row["number"] for row in dataset.notion.tickets)
    wanted = {"property": "Name", "title": {"equals": "Lantern broken"}}
    assert [page["id"] for page in query(ask, dataset, filter=wanted)["results"]] == [made["id"]]
    due = {"property": "Due Date", "date": {"on_or_after": "2031-05-06"}}
    assert [page["id"] for page in query(ask, dataset, filter=due)["results"]] == [made["id"]]
    change = {"properties": {"Status": {"status": {"name": "Done"}}}}
    assert (
        ask("notion", f"/pages/{made['id']}", change, method="PATCH").json()["properties"]["Status"]["status"]["name"]
        == "Done"
    )
    ask("notion", f"/pages/{made['id']}", {"in_trash": True}, method="PATCH")
    assert query(ask, dataset, filter=wanted)["results"] == []
    assert [(page["id"], page["in_trash"]) for page in query(ask, dataset, in_trash=True)["results"]] == [
        (made["id"], True)
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"properties": {}},
        {"parent": {"page_id": "00000000-0000-0000-0000-000000000001"}, "properties": {}},
        {"parent": {"page_id": HOME_PAGE}, "properties": {"Nope": {"title": []}}},
        {"parent": {"page_id": HOME_PAGE}, "properties": {}, "children": [{}] * 101},
        {"parent": {"page_id": HOME_PAGE}, "properties": {}, "children": [], "markdown": "x"},
        {"parent": {"page_id": HOME_PAGE}, "properties": {"title": {"title": [{"text": {"content": "x" * 2001}}]}}},
    ],
)
def test_refused_pages(ask: Caller, body: Any) -> None:
    assert ask("notion", "/pages", body).status_code in {400, 404}


def test_users_and_search(ask: Caller, dataset: Dataset) -> None:
    me = ask("notion", "/users/me").json()
    users = ask("notion", "/users").json()["results"]
    assert me["type"] == "bot"
    assert me["id"] in {user["id"] for user in users}
    found = ask(
        "notion", "/search", {"query": "tickets", "filter": {"property": "object", "value": "data_source"}}
    ).json()
    assert [item["id"] for item in found["results"]] == [dataset.notion.data_source_id]
    titles = ask(
        "notion",
        "/search",
        {"query": dataset.notion.tickets[0]["title"], "filter": {"property": "object", "value": "page"}},
    ).json()
    assert dataset.notion.tickets[0]["page_id"] in {page["id"] for page in titles["results"]}


def test_a_bad_id_is_refused_and_a_foreign_one_is_not_found(ask: Caller) -> None:
    assert ask("notion", "/pages/abc").json()["code"] == "validation_error"
    answer = ask("notion", "/pages/00000000-0000-0000-0000-000000000001")
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


MADE = "2026-11-01T00:00:00.000Z"


def test_markdown_and_blocks_agree() -> None:
    markdown = "# Title\n\nA line\nand another.\n\n1. one\n1. two\n\n- [x] done\n- [ ] open\n\n> said\n\n---\n\n```\ncode # here\n```"
    blocks = blocks_of(markdown, HOME_PAGE, MADE, MADE)
    kinds = ["heading_1", "paragraph", *["numbered_list_item"] * 2, *["to_do"] * 2, "quote", "divider", "code"]
    assert [block["type"] for block in blocks] == kinds
    assert blocks_of(markdown_of(blocks), HOME_PAGE, MADE, MADE) == blocks


def test_a_minutes_budget_and_when_to_come_back(dataset: Dataset) -> None:
    now = [0.0]
    app = NotionServer(dataset.notion, dataset.as_of, Controls(), lambda: now[0]).app()

    async def run() -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}", "Notion-Version": NEW}
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://notion", headers=headers
        ) as client:
            answers = [await client.get("/v1/users/me") for _ in range(181)]
            now[0] += 60.01
            return answers, await client.get("/v1/users/me")

    answers, later = asyncio.run(run())
    assert [a.status_code for a in answers] == [200] * 180 + [429]
    assert answers[180].headers["retry-after"] == "60"
    assert answers[180].json()["code"] == "rate_limited"
    assert answers[180].json()["additional_data"]["rate_limit_reason"]
    assert later.status_code == 200

"""The sandbox's Intercom is as strange as the real one: days of its zone, one scroll, 500 parts, merged contacts, versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sandbox_caller import Caller

from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.servers.intercom_search import Field, QueryError, Rules

ZONE = "America/Los_Angeles"
FIELDS = {"at": Field("instant", lambda one: one["at"]), "open": Field("flag", lambda one: one["open"])}
MIDNIGHT = int(datetime(2026, 10, 20, tzinfo=ZoneInfo(ZONE)).timestamp())
EVERYTHING = {"field": "updated_at", "operator": ">", "value": 0}


@pytest.mark.parametrize(
    ("by_day", "operator", "value", "found"),
    [
        (True, ">", MIDNIGHT - 1, [MIDNIGHT, MIDNIGHT + 86_400]),
        (True, ">", MIDNIGHT, [MIDNIGHT + 86_400]),
        (True, "=", MIDNIGHT + 5, [MIDNIGHT]),
        (True, "<", MIDNIGHT + 5, [MIDNIGHT - 1]),
        (False, ">", MIDNIGHT - 1, [MIDNIGHT, MIDNIGHT + 86_400]),
        (False, ">", MIDNIGHT, [MIDNIGHT + 86_400]),
        (False, "=", MIDNIGHT + 5, []),
        (False, "<", MIDNIGHT + 5, [MIDNIGHT - 1, MIDNIGHT]),
    ],
)
def test_instants_are_compared_by_day_or_to_the_second(
    *, by_day: bool, operator: str, value: int, found: list[int]
) -> None:
    test = Rules(FIELDS, ZONE, by_day).test({"field": "at", "operator": operator, "value": value})
    assert [at for at in (MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 86_400) if test({"at": at})] == found


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"field": "body", "operator": "=", "value": "a"},
        {"field": "at", "operator": ">=", "value": 1},
        {"field": "at", "operator": ">", "value": "yesterday"},
        {"field": "open", "operator": "=", "value": "yes"},
        {"operator": "OR", "value": [{"field": "open", "operator": "=", "value": True}] * 16},
        {"operator": "OR", "value": [{"operator": "AND", "value": [{"operator": "OR", "value": [{}]}]}]},
    ],
)
def test_queries_that_are_refused(query: dict[str, Any]) -> None:
    with pytest.raises(QueryError):
        Rules(FIELDS, ZONE, by_day=True).test(query)


def test_one_scroll_at_a_time(ask: Caller) -> None:
    first = ask("intercom", "/companies/scroll").json()
    refused = ask("intercom", "/companies/scroll")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "scroll_exists")
    while first["data"]:
        first = ask("intercom", f"/companies/scroll?scroll_param={first['scroll_param']}").json()
    assert ask("intercom", f"/companies/scroll?scroll_param={first['scroll_param']}").status_code == 404


def test_the_newest_500_parts_are_shown(ask: Caller, dataset: Dataset) -> None:
    long = next(one for one in dataset.intercom.conversations if one["statistics"])
    kept = long["statistics"]
    long["statistics"] = {**kept, "count_conversation_parts": 620}
    try:
        told = ask("intercom", f"/conversations/{long['id']}?display_as=plaintext").json()["conversation_parts"]
    finally:
        long["statistics"] = kept
    assert (len(told["conversation_parts"]), told["total_count"]) == (500, 620)
    assert told["conversation_parts"][-1]["body"] == "Message 620"


def test_who_began_a_conversation_is_told(ask: Caller, dataset: Dataset) -> None:
    told = {one["id"]: one for one in dataset.intercom.conversations}
    body = {"query": EVERYTHING, "pagination": {"per_page": 150}}
    shown = ask("intercom", "/conversations/search", body).json()["conversations"]
    found = {(row["source"]["delivered_as"], row["source"]["author"]["type"]) for row in shown}
    ours = {(name, "admin") for name in ("admin_initiated", "automated", "operator_initiated")}
    assert found == {("customer_initiated", "user"), *ours}
    for row in shown:
        asked = told[row["id"]]["asked_at"]
        assert row.get("first_contact_reply", {}).get("created_at") == asked
        assert row.get("statistics", {}).get("first_contact_reply_at", asked) == asked
        if row["source"]["delivered_as"] == "customer_initiated":
            assert asked == row["created_at"]
    quiet = [row for row in shown if told[row["id"]]["asked_at"] is None]
    assert {row["source"]["delivered_as"] for row in quiet} >= {"automated", "operator_initiated"}
    assert not [row for row in quiet if row["waiting_since"] or row.get("statistics", {}).get("first_admin_reply_at")]


def test_merged_contacts_are_in_no_search(ask: Caller, dataset: Dataset) -> None:
    one, other = dataset.intercom.contacts[:2]
    other["merged"].append((one["id"], 1_790_000_000))
    try:
        asked = {
            "query": {
                "operator": "OR",
                "value": [{"field": "id", "operator": "=", "value": c["id"]} for c in (one, other)],
            }
        }
        (left,) = ask("intercom", "/contacts/search?include_merge_history=true", asked).json()["data"]
        assert (left["id"], left["merge_history"][0]["source_contact_id"]) == (other["id"], one["id"])
    finally:
        other["merged"].clear()


def test_versions(ask: Caller) -> None:
    body = {"query": EVERYTHING, "pagination": {"per_page": 150}}
    for version, knows in (("2.14", False), ("2.15", True), ("2.16", True)):
        rows = ask("intercom", "/conversations/search", body, headers={"Intercom-Version": version}).json()[
            "conversations"
        ]
        assert any("company" in row for row in rows) is knows
    assert ask("intercom", "/conversations/deleted", headers={"Intercom-Version": "2.15"}).status_code == 400
    assert ask("intercom", "/conversations/deleted", headers={"Intercom-Version": "9.9"}).status_code == 400


@pytest.mark.parametrize("by_cursor", [True, False], ids=["by cursor", "by address"])
def test_a_companys_contacts_name_the_next_page(ask: Caller, dataset: Dataset, *, by_cursor: bool) -> None:
    told = dataset.intercom
    company, kept = told.companies[0], list(told.contacts)
    told.contacts += [{**kept[0], "id": f"c{n}", "company_refs": [company["id"]]} for n in range(7)]
    told.cursor_pages = by_cursor
    path, found, following = f"/companies/{company['id']}/contacts", list[str](), "per_page=3"
    try:
        while following:
            page = ask("intercom", f"{path}?{following}").json()
            found += [one["id"] for one in page["data"]]
            after = page["pages"].get("next")
            assert after is None or isinstance(after, dict) is by_cursor
            following = (
                ""
                if after is None
                else (f"per_page=3&starting_after={after['starting_after']}" if by_cursor else after.partition("?")[2])
            )
    finally:
        told.contacts, told.cursor_pages = kept, False
    assert len(found) == len(set(found)) == page["total_count"] >= 7


def test_pages_and_their_bounds(ask: Caller, dataset: Dataset) -> None:
    seen: list[str] = []
    numbers: list[int] = []
    paging: dict[str, Any] | None = {"per_page": 7}
    while paging is not None:
        told = ask("intercom", "/conversations/search", {"query": EVERYTHING, "pagination": paging}).json()
        seen += [row["id"] for row in told["conversations"]]
        numbers.append(told["pages"]["page"])
        paging = told["pages"].get("next")
        assert told["total_count"] == len(dataset.intercom.conversations)
        assert told["pages"]["total_pages"] == -(-told["total_count"] // 7)
    assert numbers == list(range(1, told["pages"]["total_pages"] + 1))
    assert sorted(seen) == sorted(one["id"] for one in dataset.intercom.conversations)
    for size in (0, 151, "many"):
        refused = ask("intercom", "/conversations/search", {"query": EVERYTHING, "pagination": {"per_page": size}})
        assert refused.status_code == 400

"""Whatever a client sends, a server answers with the vendor's refusal or result, never with a failure of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import HEADERS

from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.hubspot import HubSpotServer
from customer_research_sandbox.servers.lago import LagoServer
from customer_research_sandbox.servers.metabase import MetabaseServer
from customer_research_sandbox.servers.notion import NotionServer
from customer_research_sandbox.servers.notion_answers import NEW
from customer_research_sandbox.servers.notion_pages import HOME_PAGE
from customer_research_sandbox.servers.snowflake import Warehouse
from customer_research_sandbox.servers.snowflake_api import SnowflakeServer

WORDS = [
    "filterGroups",
    "filters",
    "propertyName",
    "operator",
    "value",
    "values",
    "EQ",
    "IN",
    "HAS_PROPERTY",
    "BETWEEN",
    "name",
    "query",
    "sorts",
    "after",
    "limit",
    "inputs",
    "id",
    "properties",
    "filter",
    "and",
    "or",
    "property",
    "rich_text",
    "multi_select",
    "status",
    "title",
    "equals",
    "contains",
    "is_empty",
    "timestamp",
    "created_time",
    "sort",
    "direction",
    "ascending",
    "page_size",
    "start_cursor",
    "parent",
    "page_id",
    "data_source_id",
    "database_id",
    "children",
    "markdown",
    "type",
    "update_content",
    "content_updates",
    "old_str",
    "replace_content",
    "new_str",
    "insert_content",
    "content",
    "position",
    "native",
    "database",
    "parameters",
    "template-tags",
    "target",
    "variable",
    "template-tag",
    "dimension",
    "constraints",
    "max-results",
    "required",
    "default",
    "card-id",
    "number",
    "text",
    "date",
    "select",
    "due",
    "Tags",
    "Status",
    "Name",
    "ID",
    "paragraph",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(WORDS)
)
BODIES = st.dictionaries(
    st.sampled_from(WORDS) | st.text(max_size=4),
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


def one_of(*bases: Any) -> Any:
    """A valid body with one of its values, at any depth, replaced by something else."""
    return st.builds(
        changed,
        st.sampled_from([json.dumps(base) for base in bases]),
        st.randoms(use_true_random=False),
        LEAVES | BODIES,
    )


def changed(text: Any, random: Any, odd: Any) -> Any:
    body = json.loads(text)
    places = list(every_place(body))
    node, key = places[random.randrange(len(places))]
    node[key] = odd
    return body


def every_place(node: Any) -> Iterator[Any]:
    keys = list(node) if isinstance(node, dict) else range(len(node))
    for key in keys:
        yield node, key
        if isinstance(node[key], dict | list):
            yield from every_place(node[key])


SEARCH = {
    "filterGroups": [
        {"filters": [{"propertyName": "name", "operator": "BETWEEN", "value": "1", "highValue": "2", "values": ["x"]}]}
    ],
    "query": "x",
    "sorts": [{"propertyName": "name", "direction": "ASCENDING"}],
    "properties": ["name"],
    "limit": 3,
    "after": "0",
}
QUERY = {
    "filter": {
        "or": [
            {"property": "Tags", "multi_select": {"contains": "x"}},
            {"timestamp": "created_time", "created_time": {"before": "2026-01-01"}},
        ]
    },
    "sorts": [{"property": "ID", "direction": "ascending"}],
    "page_size": 3,
}
PAGE = {
    "parent": {"page_id": HOME_PAGE},
    "properties": {"title": {"title": [{"text": {"content": "x"}}]}},
    "children": [{"type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": "x"}}]}}],
}
TICKET = {
    "parent": {"database_id": "13b8aeaa-3759-80f8-8d7c-dd2f627d2578"},
    "properties": {
        "Name": {"title": [{"text": {"content": "x"}}]},
        "Status": {"status": {"name": "Done"}},
        "Tags": {"multi_select": [{"name": "x"}]},
        "Assigned To": {"people": [{"id": "x"}]},
        "Due Date": {"date": {"start": "2026-01-01"}},
        "Priority Score": {"number": 1},
    },
}
EDIT = {"type": "update_content", "update_content": {"content_updates": [{"old_str": "x", "new_str": "y"}]}}
NATIVE = {
    "database": 2,
    "type": "native",
    "native": {
        "query": "SELECT {{n}} [[, {{d}}]] [[, {{t}}]] FROM {{#642}}",
        "template-tags": {
            "n": {"name": "n", "type": "number", "id": "a", "default": 1},
            "d": {"name": "d", "type": "date", "id": "b"},
            "t": {"name": "t", "type": "dimension", "dimension": ["field", 58047, None], "widget-type": "string/="},
            "#642": {"name": "#642", "type": "card", "card-id": 642},
        },
    },
    "parameters": [
        {"type": "number/=", "target": ["variable", ["template-tag", "n"]], "value": ["3"], "id": "a"},
        {"type": "string/=", "target": ["dimension", ["template-tag", "t"]], "value": ["x"]},
    ],
    "constraints": {"max-results": 5},
}
STATEMENT = {
    "statement": "SELECT LAGO_ID FROM MOOVS.CSM_MOOVS WHERE LAGO_STATUS = ? LIMIT ?",
    "timeout": 5,
    "role": "CUSTOMER_RESEARCH_READER",
    "bindings": {"1": {"type": "TEXT", "value": "active"}, "2": {"type": "FIXED", "value": "3"}},
    "parameters": {"query_tag": "x"},
}
CARD = {"parameters": [{"type": "string/=", "target": ["dimension", ["field", 58047, None]], "value": ["x"]}]}


@pytest.fixture(scope="module")
def apps(dataset: Dataset) -> Iterator[Any]:
    def clock() -> Any:
        return 0.0

    controls = Controls(rate_limits=False)
    warehouse = Warehouse(
        {name: replace(one, rows=one.rows[:5]) for name, one in dataset.warehouse.items()}, dataset.as_of
    )
    yield {
        "lago": LagoServer(dataset.lago, dataset.as_of, controls, clock).app(),
        "hubspot": HubSpotServer(dataset.hubspot, dataset.as_of, controls, clock).app(),
        "notion": NotionServer(dataset.notion, dataset.as_of, controls, clock).app(),
        "metabase": MetabaseServer(warehouse, controls).app(),
        "snowflake": SnowflakeServer(warehouse, controls, clock).app(),
    }
    warehouse.close()


def status(apps: Any, source: str, method: str, path: str, body: Any = None) -> Any:
    async def go() -> Any:
        headers = {**HEADERS[source], **({"Notion-Version": NEW} if source == "notion" else {})}
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=apps[source]), base_url="http://sandbox", headers=headers
        ) as client:
            return await client.request(method, path, json=body)

    answer = asyncio.run(go())
    return answer.status_code


CASES = [
    ("hubspot", "POST", "/crm/objects/2026-09/companies/search", (SEARCH,)),
    (
        "hubspot",
        "POST",
        "/crm/objects/2026-09/companies/batch/read",
        ({"inputs": [{"id": "1"}], "properties": ["name"], "idProperty": "domain"},),
    ),
    (
        "hubspot",
        "POST",
        "/crm/associations/2026-09/companies/contacts/batch/read",
        ({"inputs": [{"id": "1", "after": "0"}]},),
    ),
    ("notion", "POST", "/v1/data_sources/{source}/query", (QUERY,)),
    ("notion", "POST", "/v1/pages", (PAGE, TICKET)),
    ("notion", "PATCH", "/v1/pages/{home}/markdown", (EDIT,)),
    ("notion", "PATCH", "/v1/blocks/{home}/children", ({"children": PAGE["children"]},)),
    (
        "notion",
        "POST",
        "/v1/search",
        ({"query": "x", "filter": {"property": "object", "value": "page"}, "sort": {"direction": "ascending"}},),
    ),
    ("metabase", "POST", "/api/dataset", (NATIVE,)),
    ("metabase", "POST", "/api/dataset/json", ({"query": NATIVE},)),
    ("metabase", "POST", "/api/card/642/query", (CARD,)),
    ("snowflake", "POST", "/api/v2/statements", (STATEMENT,)),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case[1]} {case[2]}" for case in CASES])
def test_odd_bodies(apps: Any, dataset: Dataset, case: Any) -> None:
    source, method, pattern, bases = case
    path = pattern.format(source=dataset.notion.data_source_id, home=HOME_PAGE)

    @settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(BODIES | one_of(*bases))
    def run(body: Any) -> None:
        assert status(apps, source, method, path, body) < 500

    run()


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["/invoices", "/subscriptions", "/customers", "/credit_notes", "/payments", "/applied_coupons"]),
    st.dictionaries(
        st.sampled_from(
            ["page", "per_page", "status[]", "amount_from", "issuing_date_from", "search_term", "payment_overdue"]
        ),
        st.text(max_size=5),
    ),
)
def test_odd_queries(apps: Any, path: str, query: str) -> None:
    text = str(httpx2.QueryParams(query))
    assert status(apps, "lago", "GET", f"/api/v1{path}?{text}") < 500

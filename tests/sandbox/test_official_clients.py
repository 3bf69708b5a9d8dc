"""The vendors' own Python clients, pointed at the sandbox, work: the strictest readers of its answers there are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import (
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicFetchAssociationsBatchRequest,
)
from hubspot.crm.companies import (
    ApiException,
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
    SimplePublicObjectId,
)
from lago_python_client.client import Client as Lago
from lago_python_client.exceptions import LagoApiError
from metabase_api import Metabase_API
from notion_client import APIResponseError
from notion_client import Client as Notion
from notion_client.helpers import collect_paginated_api

from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers import hubspot, lago, metabase, notion, notion_answers


@pytest.fixture
def lago_client(running: Sandbox) -> Any:
    return Lago(api_key=lago.API_KEY, api_url=running.addresses["lago"].removesuffix("api/v1"))


def test_lago(lago_client: Any, dataset: Dataset) -> None:
    customer = next(r["external_customer_id"] for r in dataset.lago.subscriptions if r["status"] == "active")
    assert lago_client.customers.find(customer).external_id == customer
    listed = lago_client.subscriptions.find_all({"external_customer_id": customer})
    assert {row.status for row in listed["subscriptions"]} == {"active"}
    single = lago_client.subscriptions.find(listed["subscriptions"][0].external_id)
    assert single.plan_code == listed["subscriptions"][0].plan_code
    invoices = lago_client.invoices.find_all({"external_customer_id": customer, "per_page": 5})
    expected = sum(row["external_customer_id"] == customer for row in dataset.lago.invoices)
    assert invoices["meta"]["total_count"] == expected
    assert lago_client.invoices.find(invoices["invoices"][0].lago_id).lago_id == invoices["invoices"][0].lago_id
    assert len(lago_client.plans.find_all({"per_page": 100})["plans"]) == len(dataset.lago.plans)


def test_lago_lists(lago_client: Any, dataset: Dataset) -> None:
    assert lago_client.payments.find_all()["meta"]["total_count"] == len(dataset.lago.payments)
    assert lago_client.credit_notes.find_all()["meta"]["total_count"] == len(dataset.lago.credit_notes)
    assert lago_client.applied_coupons.find_all()["meta"]["total_count"] == len(dataset.lago.applied_coupons)
    with pytest.raises(LagoApiError) as caught:
        lago_client.customers.find("nobody")
    assert caught.value.status_code == 404


@pytest.fixture
def hubspot_client(running: Sandbox) -> Any:
    client = HubSpot(access_token=hubspot.TOKEN)
    client.config["host"] = running.addresses["hubspot"]
    return client


def test_hubspot_companies(hubspot_client: Any, dataset: Dataset) -> None:
    row = next(r for r in dataset.hubspot.objects["companies"] if r["properties"].get("moovs_operator_id"))
    operator = row["properties"]["moovs_operator_id"]
    condition = {"propertyName": "moovs_operator_id", "operator": "EQ", "value": operator}
    wanted = PublicObjectSearchRequest(filter_groups=[{"filters": [condition]}], properties=["name"], limit=2)
    found = hubspot_client.crm.companies.search_api.do_search(public_object_search_request=wanted)
    assert [(found.total, company.id) for company in found.results] == [(1, row["id"])]
    company = hubspot_client.crm.companies.basic_api.get_by_id(
        row["id"], properties=["name"], associations=["contacts"]
    )
    assert company.properties["name"] == row["properties"]["name"]
    assert {link.id for link in company.associations["contacts"].results} == set(
        map(str, row["associations"]["contacts"])
    )
    assert company.created_at.isoformat().startswith(row["createdAt"][:19])
    with pytest.raises(ApiException) as caught:
        hubspot_client.crm.companies.basic_api.get_by_id("5")
    assert caught.value.status == 404


def test_hubspot_batches_pages_and_definitions(hubspot_client: Any, dataset: Dataset) -> None:
    ids = [row["id"] for row in dataset.hubspot.objects["companies"][:3]]
    body = BatchReadInputSimplePublicObjectId(
        inputs=[SimplePublicObjectId(id=i) for i in ids], properties=["name"], properties_with_history=[]
    )
    batch = hubspot_client.crm.companies.batch_api.read(batch_read_input_simple_public_object_id=body)
    assert [company.id for company in batch.results] == ids
    links = BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[PublicFetchAssociationsBatchRequest(id=i) for i in ids]
    )
    page = hubspot_client.crm.associations.v4.batch_api.get_page("companies", "contacts", links)
    assert {result._from.id for result in page.results} <= set(ids)
    assert len(hubspot_client.crm.companies.get_all()) == len(dataset.hubspot.objects["companies"])
    assert len(hubspot_client.crm.owners.owners_api.get_page().results) == len(dataset.hubspot.owners)
    assert (
        hubspot_client.crm.properties.core_api.get_by_name("companies", "moovs_operator_id").name == "moovs_operator_id"
    )
    assert hubspot_client.crm.contacts.basic_api.get_page(limit=3).results
    assert hubspot_client.crm.deals.basic_api.get_page(limit=3).results


@pytest.mark.parametrize("version", [notion_answers.SOURCES, notion_answers.NEW])
def test_notion(running: Sandbox, dataset: Dataset, version: Any) -> None:
    address = running.addresses["notion"].removesuffix("/v1")
    client: Any
    with Notion(auth=notion.TOKEN, base_url=address, notion_version=version) as client:
        database = client.databases.retrieve(dataset.notion.database_id)
        source = database["data_sources"][0]["id"]
        assert client.data_sources.retrieve(source)["properties"]["Tags"]["type"] == "multi_select"
        assert client.users.me()["type"] == "bot"
        wanted = {"property": "Status", "status": {"equals": "Done"}}
        done = collect_paginated_api(client.data_sources.query, data_source_id=source, filter=wanted, page_size=40)
        assert len(done) == sum(row["status"] == "Done" for row in dataset.notion.tickets)
        title = client.pages.properties.retrieve(done[0]["id"], "title")
        assert title["results"][0]["type"] == "title"
        assert client.blocks.children.list(done[0]["id"])["results"]
        with pytest.raises(APIResponseError) as caught:
            client.pages.retrieve("00000000-0000-0000-0000-000000000001")
        assert caught.value.code == "object_not_found"


def test_metabase(running: Sandbox, dataset: Dataset) -> None:
    client = Metabase_API(running.addresses["metabase"], api_key=metabase.API_KEY)
    operator = dataset.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows[0]["OPERATOR_ID"]
    filtered = [{"type": "string/=", "value": [operator], "target": ["dimension", ["field", 58047, None]]}]
    rows = client.get_card_data(card_id=642, parameters=filtered)
    assert {row["OPERATOR_ID"] for row in rows} == {operator}
    native = {"query": "SELECT COUNT(*) AS N FROM MOOVS.CSM_MOOVS", "template-tags": {}}
    answer = client.post("/api/dataset", json={"database": 2, "type": "native", "native": native})
    assert answer["data"]["rows"] == [[len(dataset.warehouse["MOOVS.CSM_MOOVS"].rows)]]


def test_metabase_with_a_session(running: Sandbox) -> None:
    client = Metabase_API(running.addresses["metabase"], metabase.USERNAME, metabase.PASSWORD)
    assert client.get("/api/user/current")["email"] == metabase.USERNAME
    assert json.dumps(client.get("/api/database"))

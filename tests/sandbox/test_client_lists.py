"""Whatever the vendors' own Python clients can list, the sandbox lists, or refuses by name in the guide to the sandbox."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.companies import ApiException
from lago_python_client.client import Client as Lago
from lago_python_client.exceptions import LagoApiError
from metabase_api import Metabase_API
from notion_client import APIResponseError
from notion_client import Client as Notion

from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers import hubspot, lago, metabase, notion

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "sandbox.md"
SOURCES = {"Lago": lago.UNSUPPORTED, "HubSpot": hubspot.UNSUPPORTED, "Notion": notion.UNSUPPORTED}


def test_the_guide_names_what_is_refused() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for vendor, refused in SOURCES.items():
        for name, holds in refused.items():
            assert f"| {vendor} | `{name}` | {holds} |" in text


# -- Lago ----------------------------------------------------------------------------------------------------------------


def _lago(running: Sandbox) -> Any:
    return Lago(api_key=lago.API_KEY, api_url=running.addresses["lago"].removesuffix("api/v1"))


def _lago_lists() -> list[str]:
    """Every collection of the client with a `find_all`, but for lists below a record, which it asks without its key."""
    client = Lago(api_key="none")
    names = [name for name, kind in inspect.getmembers(Lago) if not name.startswith("_") and not isinstance(kind, str)]
    return [name for name in names if _lists(getattr(client, name))]


def _lists(collection: Any) -> bool:
    return hasattr(collection, "find_all") and "resource_id" not in inspect.signature(collection.find_all).parameters


def test_the_client_of_lago_has_lists() -> None:
    assert len(_lago_lists()) > 25
    assert set(lago.UNSUPPORTED) <= set(_lago_lists())


@pytest.mark.parametrize("name", _lago_lists())
def test_lago_lists_or_refuses(running: Sandbox, dataset: Dataset, name: str) -> None:
    collection = getattr(_lago(running), name)
    arguments = ["any"] if "wallet_id" in inspect.signature(collection.find_all).parameters else []
    if name in lago.UNSUPPORTED:
        with pytest.raises(LagoApiError) as caught:
            collection.find_all(*arguments)
        assert caught.value.status_code == 404
    else:
        assert isinstance(collection.find_all(*arguments), dict)


def test_lago_figures_follow_from_the_invoices(running: Sandbox, dataset: Dataset) -> None:
    client = _lago(running)
    finalized = [row for row in dataset.lago.invoices if row["status"] == "finalized"]
    revenue = client.gross_revenues.find_all()["gross_revenues"]
    assert sum(row.invoices_count for row in revenue) == len(finalized)
    assert sum(row.amount_cents for row in revenue) == sum(row["total_amount_cents"] for row in finalized)
    collected = client.invoice_collections.find_all()["invoice_collections"]
    assert sum(row.amount_cents for row in collected) == sum(row.amount_cents for row in revenue)
    late = {row["lago_id"] for row in finalized if row.get("payment_overdue")}
    overdue = client.overdue_balances.find_all()["overdue_balances"]
    assert {one for row in overdue for one in row.lago_invoice_ids} == late
    months = [row.month for row in client.mrrs.find_all({"currency": "USD"})["mrrs"]]
    assert months == sorted(set(months))
    fees = client.fees.find_all({"per_page": 1})["meta"]["total_count"]
    assert 0 < fees <= len(dataset.lago.invoices)


def test_lago_usage_of_a_subscription(running: Sandbox, dataset: Dataset) -> None:
    client = _lago(running)
    row = next(row for row in dataset.lago.subscriptions if row["status"] == "active")
    customer, subscription = row["external_customer_id"], row["external_id"]
    assert client.customers.current_usage(customer, subscription).charges_usage == []
    periods = client.customers.past_usage(customer, subscription)["usage_periods"]
    assert [one.from_datetime for one in periods] == sorted((one.from_datetime for one in periods), reverse=True)
    with pytest.raises(LagoApiError) as caught:
        client.customers.current_usage(customer, "nothing")
    assert caught.value.status_code == 404


# -- HubSpot -------------------------------------------------------------------------------------------------------------


def _hubspot_lists(part: Any, path: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every `get_page` and `get_all` of the client below a part, by its path."""
    for name in sorted(one for one in dir(part) if not one.startswith("_")):
        inner = getattr(part, name)
        if callable(inner) or not type(inner).__module__.startswith("hubspot") or name == "api_client":
            continue
        if name.endswith("_api"):
            for method in ("get_page", "get_all"):
                if hasattr(inner, method):
                    yield f"{path}|{name}|{method}", getattr(inner, method)
        else:
            yield from _hubspot_lists(inner, f"{path}.{name}")


def _hubspot(address: str = "http://127.0.0.1:1") -> Any:
    client = HubSpot(access_token=hubspot.TOKEN)
    client.config["host"] = address
    return client


def _all_of_hubspot(address: str = "http://127.0.0.1:1") -> dict[str, Callable[..., Any]]:
    client = _hubspot(address)
    return {
        name: method
        for top in ("crm", "settings")
        for name, method in _hubspot_lists(getattr(client, top), top)
        if not name.startswith(("crm.associations.v4|batch", "crm.associations.v4|basic"))  # of given records
    }


OF_APPS = ("crm.extensions.cards", "crm.timeline")
"""Lists that HubSpot gives to the makers of an app only, by another key."""


def _refused(name: str) -> bool:
    part, api, _ = name.split("|")
    return part in hubspot.UNSUPPORTED or f"{part}.{api.removesuffix('_api')}" in hubspot.UNSUPPORTED


def test_the_client_of_hubspot_has_lists() -> None:
    names = _all_of_hubspot()
    assert len(names) > 30
    for refused in hubspot.UNSUPPORTED:
        assert any(_refused(name) and name.replace("|", ".").startswith(refused) for name in names), refused


@pytest.mark.parametrize("name", sorted(_all_of_hubspot()))
def test_hubspot_lists_or_refuses(running: Sandbox, name: str) -> None:
    method = _all_of_hubspot(running.addresses["hubspot"])[name]
    needed = {
        "object_type": "deals",
        "from_object_type": "companies",
        "to_object_type": "contacts",
        "pipeline_id": "smb",
        "list_id": "1",
        "app_id": 1,
    }
    arguments = [needed[one] for one in list(inspect.signature(method).parameters) if one in needed]
    if _refused(name):
        with pytest.raises(
            Exception, match=r"^\(40[14]\)" if name.startswith(OF_APPS) else r"^\(404\)"
        ):  # each part of the client has an exception of its own
            method(*arguments)
    else:
        assert isinstance(method(*arguments).results, list)


def test_hubspot_pipelines_tell_closed_stages(running: Sandbox, dataset: Dataset) -> None:
    found = _hubspot(running.addresses["hubspot"]).crm.pipelines.pipelines_api.get_all("deals").results
    stages = {stage.id: stage.metadata for pipeline in found for stage in pipeline.stages}
    assert {row["properties"]["dealstage"] for row in dataset.hubspot.objects["deals"]} <= set(stages)
    assert stages["mid_lost"] == {"isClosed": "true", "probability": "0.0"}
    assert stages["mid_paid"] == {"isClosed": "true", "probability": "1.0"}
    assert stages["mid_demo"]["isClosed"] == "false"


def test_hubspot_tells_history_and_the_bin(dataset: Dataset) -> None:
    with Sandbox.start(dataset=dataset, rate_limits=False) as own:
        companies = _hubspot(own.addresses["hubspot"]).crm.companies.basic_api
        row = dataset.hubspot.objects["companies"][0]
        before = row["properties"]["name"]
        companies.update(row["id"], {"properties": {"name": "Renamed Livery"}})
        read = companies.get_by_id(row["id"], properties_with_history=["name"])
        assert [one.value for one in read.properties_with_history["name"]] == ["Renamed Livery", before]
        companies.archive(row["id"])
        with pytest.raises(ApiException):
            companies.get_by_id(row["id"])
        assert companies.get_by_id(row["id"], archived=True).archived
        assert [one.id for one in companies.get_page(archived=True).results] == [row["id"]]


# -- Notion --------------------------------------------------------------------------------------------------------------


def test_notion_lists_or_refuses(running: Sandbox, dataset: Dataset) -> None:
    address = running.addresses["notion"].removesuffix("/v1")
    client: Any
    with Notion(auth=notion.TOKEN, base_url=address) as client:
        listing = {name for name in vars(client) if hasattr(getattr(client, name), "list")} | {"blocks.meeting_notes"}
        assert listing == {"users", "comments", *notion.UNSUPPORTED}
        page = client.search(page_size=1, filter={"property": "object", "value": "page"})["results"][0]["id"]
        assert client.users.list()["results"]
        assert client.comments.list(block_id=page)["results"] == []
        words = [{"text": {"content": "Called back."}}]
        made = client.comments.create(parent={"page_id": page}, rich_text=words)
        assert [one["id"] for one in client.comments.list(block_id=page)["results"]] == [made["id"]]
        assert client.comments.retrieve(made["id"])["rich_text"][0]["plain_text"] == "Called back."
        assert client.data_sources.list_templates(dataset.notion.data_source_id)["templates"] == []
        for refused in (client.custom_emojis.list, client.file_uploads.list, client.views.list):
            with pytest.raises(APIResponseError) as caught:
                refused()
            assert caught.value.code == "invalid_request_url"


# -- Metabase ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [False, True])
def test_metabase_finds_by_name(running: Sandbox, password: Any) -> None:
    address = running.addresses["metabase"]
    client: Any = (
        Metabase_API(address, metabase.USERNAME, metabase.PASSWORD)
        if password
        else Metabase_API(address, api_key=metabase.API_KEY)
    )
    assert client.get_item_id("card", "CSM_MOOVS") == 1469
    assert client.get_item_id("database", "Snowflake") == 2
    assert client.get_item_id("collection", "Customer success") == 12
    assert client.get_item_id("table", "CSM_MOOVS", db_id=2)
    assert {row["name"] for row in client.search("csm")} == {"CSM_MOOVS"}
    assert {row["model"] for row in client.search("snowflake")} == {"database"}
    for kind in ("dashboard", "pulse", "segment"):
        assert client.get(f"/api/{kind}/") == []

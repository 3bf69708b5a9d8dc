"""HubSpot's server: objects, search, batches, associations, properties, owners, limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx2
import pytest
from sandbox_caller import Caller

from customer_research.sources.hubspot.states import FOLLOWED
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.hubspot import TOKEN, HubSpotServer
from customer_research_sandbox.servers.hubspot_schema import history
from customer_research_sandbox.servers.hubspot_search import SearchError, contains_token, matching

NEW, OLD = "/crm/objects/2026-09", "/crm/v3/objects"


def linked_company(dataset: Dataset) -> Any:
    rows = dataset.hubspot.objects["companies"]
    return next(
        r for r in rows if r["properties"].get("moovs_operator_id") and (r.get("associations") or {}).get("contacts")
    )


def search(ask: Caller, *filters: dict[str, object], root: str = NEW, kind: str = "companies", **more: object) -> Any:
    return ask("hubspot", f"{root}/{kind}/search", {"filterGroups": [{"filters": list(filters)}], **more})


def by(name: str, operator: Any, **more: object) -> Any:
    return {"propertyName": name, "operator": operator, **more}


@pytest.mark.parametrize("root", [NEW, OLD])
def test_a_company_by_operator_id_on_both_generations(ask: Caller, dataset: Dataset, root: str) -> None:
    row = linked_company(dataset)
    body = search(ask, by("moovs_operator_id", "EQ", value=row["properties"]["moovs_operator_id"]), root=root).json()
    assert [found["id"] for found in body["results"]] == [row["id"]]
    assert body["total"] == 1


def test_all_property_values_are_text_and_only_the_asked_ones_come(ask: Caller, dataset: Dataset) -> None:
    row = linked_company(dataset)
    body = ask("hubspot", f"{NEW}/companies/{row['id']}?properties=name,numberofemployees,no_such_property").json()
    assert set(body["properties"]) == {"name", "numberofemployees", "createdate", "hs_lastmodifieddate", "hs_object_id"}
    assert all(value is None or isinstance(value, str) for value in body["properties"].values())


def test_associations_on_a_get_list_each_link_of_a_company_twice(ask: Caller, dataset: Dataset) -> None:
    row = linked_company(dataset)
    body = ask("hubspot", f"{NEW}/companies/{row['id']}?associations=contacts,notes").json()
    links = body["associations"]["contacts"]["results"]
    assert {link["id"] for link in links} == set(map(str, row["associations"]["contacts"]))
    assert {link["type"] for link in links} == {"company_to_contact", "company_to_contact_unlabeled"}


def test_a_batch_with_unknown_ids_is_207_with_errors(ask: Caller, dataset: Dataset) -> None:
    ids = [row["id"] for row in dataset.hubspot.objects["contacts"][:3]]
    body = {"inputs": [{"id": i} for i in [*ids, "99999999999"]], "properties": ["email"]}
    answer = ask("hubspot", f"{NEW}/contacts/batch/read", body)
    assert answer.status_code == 207
    assert [row["id"] for row in answer.json()["results"]] == ids
    assert answer.json()["numErrors"] == 1
    assert answer.json()["errors"][0]["context"]["ids"] == ["99999999999"]
    assert ask("hubspot", f"{NEW}/contacts/batch/read", {"inputs": [{"id": ids[0]}]}).status_code == 200


def test_a_batch_holds_at_most_a_hundred(ask: Caller) -> None:
    answer = ask("hubspot", f"{NEW}/contacts/batch/read", {"inputs": [{"id": str(i)} for i in range(101)]})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_of_the_history_of_properties_fifty_records_come_at_once(ask: Caller) -> None:
    body = {"inputs": [{"id": str(i)} for i in range(51)], "propertiesWithHistory": ["dealstage"]}
    assert ask("hubspot", f"{NEW}/deals/batch/read", body).status_code == 400
    assert ask("hubspot", f"{NEW}/deals?limit=51&propertiesWithHistory=dealstage").status_code == 400
    assert ask("hubspot", f"{NEW}/deals?limit=51").status_code == 200


def test_histories_end_in_what_records_are_today(dataset: Dataset) -> None:
    """Deals passed through their pipeline, contacts left, contracts were renewed: newest first, each value on its day."""
    several = Counter[str]()
    for kind, names in FOLLOWED.items():
        for row in dataset.hubspot.objects[kind]:
            for name, versions in history(row, names).items():
                assert (versions[0]["value"] if versions else None) == row["properties"].get(name), (
                    kind,
                    row["id"],
                    name,
                )
                days = [one["timestamp"] for one in versions]
                assert sorted({*days}, reverse=True) == days
                several[name] += len(versions) > 1
    assert all(several[name] for name in ("dealstage", "contact_status", "lifecyclestage", "notes_last_updated"))


@pytest.mark.parametrize("root", ["/crm/associations/2026-09", "/crm/v4/associations"])
def test_associations_in_a_batch(ask: Caller, dataset: Dataset, root: str) -> None:
    row = linked_company(dataset)
    answer = ask("hubspot", f"{root}/companies/contacts/batch/read", {"inputs": [{"id": row["id"]}, {"id": "7"}]})
    assert answer.status_code == 207
    found = answer.json()["results"][0]
    assert [link["toObjectId"] for link in found["to"]] == [int(i) for i in row["associations"]["contacts"]]
    assert answer.json()["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_the_property_of_the_operator_id_is_discovered_not_guessed(ask: Caller) -> None:
    names = {row["name"] for row in ask("hubspot", "/crm/properties/2026-09/companies").json()["results"]}
    assert "moovs_operator_id" in names
    assert "operator_id" not in names
    assert ask("hubspot", "/crm/properties/2026-09/companies/operator_id").status_code == 404
    assert ask("hubspot", "/crm/v3/properties/companies/moovs_operator_id").json()["type"] == "string"
    answer = search(ask, by("operator_id", "EQ", value="x"))
    assert answer.status_code == 400
    assert "operator_id" in answer.json()["message"]


def test_lists_page_by_cursor(ask: Caller, dataset: Dataset) -> None:
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        body = ask("hubspot", f"{NEW}/companies?limit=9{after}").json()
        found += [row["id"] for row in body["results"]]
        after = f"&after={body['paging']['next']['after']}" if "paging" in body else None
    assert found == [row["id"] for row in dataset.hubspot.objects["companies"]]
    assert ask("hubspot", f"{NEW}/companies?limit=101").status_code == 400


def test_search_pages_by_offset_and_sorts(ask: Caller, dataset: Dataset) -> None:
    first = search(
        ask,
        by("name", "HAS_PROPERTY"),
        limit=5,
        sorts=[{"propertyName": "name", "direction": "DESCENDING"}],
        properties=["name"],
    ).json()
    names = sorted(
        (r["properties"]["name"] for r in dataset.hubspot.objects["companies"]), key=str.casefold, reverse=True
    )
    assert [row["properties"]["name"] for row in first["results"]] == names[:5]
    second = search(
        ask,
        by("name", "HAS_PROPERTY"),
        limit=5,
        after=first["paging"]["next"]["after"],
        sorts=[{"propertyName": "name", "direction": "DESCENDING"}],
        properties=["name"],
    ).json()
    assert [row["properties"]["name"] for row in second["results"]] == names[5:10]
    assert search(ask, by("name", "HAS_PROPERTY"), limit=201).status_code == 400


def test_search_by_association(ask: Caller, dataset: Dataset) -> None:
    row = linked_company(dataset)
    body = search(ask, by("associations.company", "EQ", value=row["id"]), kind="contacts").json()
    assert {found["id"] for found in body["results"]} == set(map(str, row["associations"]["contacts"]))


def test_owners_and_types(ask: Caller, dataset: Dataset) -> None:
    assert len(ask("hubspot", "/crm/owners/2026-09").json()["results"]) == len(dataset.hubspot.owners)
    owner = dataset.hubspot.owners[0]
    assert ask("hubspot", f"/crm/owners/2026-09/{owner['id']}").json()["id"] == owner["id"]
    assert ask("hubspot", f"{NEW}/tickets").json() == {"results": []}
    assert ask("hubspot", f"{NEW}/spaceships").status_code == 400


def test_unknown_ids_and_tokens(ask: Caller) -> None:
    assert ask("hubspot", f"{NEW}/companies/5").json()["category"] == "OBJECT_NOT_FOUND"
    answer = ask("hubspot", f"{NEW}/companies", headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


ROWS = [
    {
        "id": "1",
        "properties": {
            "name": "Harbor Lantern Limousine",
            "size": "7",
            "when": "2026-01-02T00:00:00.000Z",
            "tier": "A",
        },
    },
    {"id": "2", "properties": {"name": "Quill & Ferry", "size": "12", "when": "2026-03-02T00:00:00.000Z", "tier": "a"}},
    {"id": "3", "properties": {"name": None, "size": "", "when": None, "tier": None}},
]
TYPES = {
    "name": {"type": "string"},
    "size": {"type": "number"},
    "when": {"type": "datetime"},
    "tier": {"type": "enumeration"},
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (by("name", "EQ", value="quill & ferry"), ["2"]),
        (by("name", "NEQ", value="x"), ["1", "2"]),
        (by("tier", "EQ", value="A"), ["1"]),
        (by("name", "IN", values=["quill & ferry"]), ["2"]),
        (by("name", "IN", values=["Quill & Ferry"]), []),
        (by("name", "CONTAINS_TOKEN", value="lantern"), ["1"]),
        (by("name", "CONTAINS_TOKEN", value="lant"), []),
        (by("name", "CONTAINS_TOKEN", value="lant*"), ["1"]),
        (by("name", "NOT_CONTAINS_TOKEN", value="lantern"), ["2", "3"]),
        (by("size", "GT", value="7"), ["2"]),
        (by("size", "GTE", value="7"), ["1", "2"]),
        (by("size", "LT", value="12"), ["1"]),
        (by("size", "LTE", value="12"), ["1", "2"]),
        (by("size", "BETWEEN", value="8", highValue="20"), ["2"]),
        (by("size", "NOT_IN", values=["7"]), ["2"]),
        (by("when", "GTE", value="1769904000000"), ["2"]),
        (by("when", "LT", value="2026-02-01"), ["1"]),
        (by("name", "HAS_PROPERTY"), ["1", "2"]),
        (by("size", "NOT_HAS_PROPERTY"), ["3"]),
        (by("hs_object_id", "EQ", value="3"), ["3"]),
    ],
)
def test_each_operator(condition: Any, expected: Any) -> None:
    found = matching({"filterGroups": [{"filters": [condition]}]}, "companies", ROWS, TYPES)
    assert [row["id"] for row in found] == expected


@pytest.mark.parametrize(
    "body",
    [
        {"filterGroups": [{"filters": [by("size", "EQ", value="1")]}] * 6},
        {"filterGroups": [{"filters": [by("size", "EQ", value="1")] * 7}]},
        {"filterGroups": [{"filters": [by("size", "EQ", value="1")] * 6}] * 4},
        {"filterGroups": [{"filters": []}]},
        {"filterGroups": [{"filters": [by("size", "EQ")]}]},
        {"filterGroups": [{"filters": [by("size", "IN", value="1")]}]},
        {"filterGroups": [{"filters": [by("size", "LIKE", value="1")]}]},
        {"filterGroups": [{"filters": [by("size", "GT", value="big")]}]},
        {"sorts": ["name", "size"]},
        {"query": "x" * 3001},
    ],
)
def test_what_a_search_refuses(body: Any) -> None:
    with pytest.raises(SearchError):
        matching(body, "companies", ROWS, TYPES)


def test_tokens_take_wildcards_literally_elsewhere() -> None:
    assert contains_token("hello@example.com", "*@example.com")
    assert not contains_token("hello@example.org", "*@example.com")
    assert not contains_token("anything", "[a-z]*")


def test_general_and_search_limits_and_their_headers(dataset: Dataset) -> None:
    now = [0.0]
    app = HubSpotServer(dataset.hubspot, dataset.as_of, Controls(), lambda: now[0]).app()

    async def run() -> Any:
        transport = httpx2.ASGITransport(app=app)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://hubspot", headers=headers) as client:
            general = [await client.get("/crm/owners/2026-09") for _ in range(191)]
            searches = [await client.post(f"{NEW}/companies/search", json={"limit": 1}) for _ in range(5)]
            now[0] += 1.01
            searches.append(await client.post(f"{NEW}/companies/search", json={"limit": 1}))
            return general, searches

    general, searches = asyncio.run(run())
    assert [a.status_code for a in general] == [200] * 190 + [429]
    assert general[0].headers["x-hubspot-ratelimit-remaining"] == "189"
    assert general[0].headers["x-hubspot-ratelimit-interval-milliseconds"] == "10000"
    assert general[190].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert [a.status_code for a in searches] == [200] * 4 + [429, 200]
    assert searches[4].json()["policyName"] == "SECONDLY"
    assert not [name for name in searches[0].headers if "ratelimit" in name.lower()]


def changing(dataset: Dataset, *requests: tuple[str, str, Any]) -> list[httpx2.Response]:
    """The answers to requests (method, path, body) of a portal of their own, one after the other."""
    app = HubSpotServer(dataset.hubspot, dataset.as_of, Controls(), lambda: 0.0).app()

    async def run() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=app)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://hubspot", headers=headers) as client:
            return [await client.request(method, f"{NEW}/{path}", json=body) for method, path, body in requests]

    return asyncio.run(run())


def test_what_is_deleted_is_in_the_list_of_archived_records_only(dataset: Dataset) -> None:
    company = linked_company(dataset)
    contact = str(company["associations"]["contacts"][0])
    gone, read, batch, listed, found, links = changing(
        dataset,
        ("DELETE", f"contacts/{contact}", None),
        ("GET", f"contacts/{contact}", None),
        ("POST", "contacts/batch/read", {"inputs": [{"id": contact}]}),
        ("GET", "contacts?archived=true&limit=100", None),
        ("POST", "contacts/search", {"filterGroups": [{"filters": [by("hs_object_id", "EQ", value=contact)]}]}),
        ("GET", f"companies/{company['id']}?associations=contacts", None),
    )
    assert (gone.status_code, read.status_code, batch.status_code) == (204, 404, 207)
    assert [(row["id"], row["archived"]) for row in listed.json()["results"]] == [(contact, True)]
    assert listed.json()["results"][0]["archivedAt"]
    assert found.json()["total"] == 0
    shown = links.json().get("associations", {}).get("contacts", {"results": []})["results"]
    assert contact not in {link["id"] for link in shown}
    assert not any(row.get("archived") for row in dataset.hubspot.objects["contacts"])  # the world stays as it is


def test_a_merge_makes_a_new_record_that_both_ids_lead_to(dataset: Dataset) -> None:
    first, second = (str(row["id"]) for row in dataset.hubspot.objects["companies"][:2])
    merged, old, other, again = changing(
        dataset,
        ("POST", "companies/merge", {"primaryObjectId": first, "objectIdToMerge": second}),
        ("GET", f"companies/{first}?properties=hs_merged_object_ids,name", None),
        ("GET", f"companies/{second}", None),
        ("POST", "companies/merge", {"primaryObjectId": first, "objectIdToMerge": "1"}),
    )
    made = merged.json()["id"]
    assert made not in {first, second}
    assert (old.json()["id"], other.json()["id"], again.status_code) == (made, made, 404)
    assert old.json()["properties"]["hs_merged_object_ids"] == f"{first};{second}"
    assert old.json()["properties"]["name"] == dataset.hubspot.objects["companies"][0]["properties"]["name"]


def test_new_and_edited_records_bear_the_date_of_the_change(dataset: Dataset) -> None:
    company = str(dataset.hubspot.objects["companies"][0]["id"])
    to = {"to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 190}]}
    odd = {**to, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 77_777}]}
    since = {
        "filterGroups": [
            {"filters": [by("hs_lastmodifieddate", "GTE", value=str(int(dataset.as_of.timestamp() * 1000)))]}
        ]
    }
    note, refused, edited, missing, notes, companies = changing(
        dataset,
        ("POST", "notes", {"properties": {"hs_note_body": "Hello."}, "associations": [to]}),
        ("POST", "notes", {"properties": {}, "associations": [odd]}),
        ("PATCH", f"companies/{company}", {"properties": {"city": "Salem"}}),
        ("PATCH", "companies/1", {"properties": {"city": "Salem"}}),
        ("POST", "notes/search", since),
        ("POST", "companies/search", since),
    )
    assert (note.status_code, refused.status_code, missing.status_code) == (201, 400, 404)
    assert note.json()["id"] in {row["id"] for row in notes.json()["results"]}
    assert edited.json()["id"] == company
    assert company in {row["id"] for row in companies.json()["results"]}

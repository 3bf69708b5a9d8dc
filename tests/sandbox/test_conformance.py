"""Every answer of every server is what the vendor's published contract allows, for every record of the world."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from sandbox_caller import Caller
from specs import SPECS

from customer_research_sandbox import world
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox

PREFIXES = {"lago": "/api/v1", "hubspot": "", "metabase": "", "notion": "/v1", "intercom": ""}


class Contract:
    """One vendor's OpenAPI document as a judge of requests and answers."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.document = json.loads((SPECS / f"{source}.json").read_text(encoding="utf-8"))
        if str(self.document["openapi"]).startswith("3.0"):
            _say_null(self.document)
        self.registry: Registry[Any] = Registry().with_resource(
            f"urn:{source}", DRAFT202012.create_resource(self.document)
        )
        self.validators: dict[tuple[str, ...], Draft202012Validator] = {}

    def template(self, path: str) -> Any:
        """The documented path with the fewest variables that the path fits."""
        found = [known for known in self.document["paths"] if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", known), path)]
        assert found, f"{self.source} has no path {path}"
        return min(found, key=lambda known: known.count("{"))

    def validator(self, *pointer: str) -> Any:
        if pointer not in self.validators:
            escaped = "/".join(quote(str(part).replace("~", "~0").replace("/", "~1")) for part in pointer)
            schema = {"$ref": f"urn:{self.source}#/{escaped}"}
            checker = FormatChecker(["uuid", "date", "date-time", "email"])
            self.validators[pointer] = Draft202012Validator(schema, registry=self.registry, format_checker=checker)
        return self.validators[pointer]

    def judge(self, method: str, url: str, answer: Any) -> None:
        """Fail unless the request's query is documented and the answer has a documented status and shape."""
        parts = urlsplit(url)
        path = self.template(parts.path)
        operation = self.document["paths"][path][method.lower()]
        self.judge_query(path, operation, parts.query)
        status = str(answer.status_code)
        assert status in operation["responses"], f"{method} {path}: {status} is not documented"
        described = self.resolved(operation["responses"][status])
        kind = answer.headers["content-type"].split(";")[0]
        assert kind in described["content"], f"{method} {path} {status}: {kind}"
        pointer = ("paths", path, method.lower(), "responses", status)
        if "$ref" in operation["responses"][status]:
            pointer = tuple(operation["responses"][status]["$ref"].removeprefix("#/").split("/"))
        if kind == "application/json" and "schema" in described["content"][kind]:
            self.validator(*pointer, "content", kind, "schema").validate(answer.json())

    def judge_query(self, path: str, operation: Any, query: str) -> None:
        listed = [*operation.get("parameters", []), *self.document["paths"][path].get("parameters", [])]
        names = {self.resolved(one)["name"] for one in listed if self.resolved(one)["in"] == "query"}
        assert {name for name, _ in parse_qsl(query, keep_blank_values=True)} <= names, f"{path}?{query}"

    def resolved(self, node: Any) -> Any:
        while "$ref" in node:
            pointer = node["$ref"].removeprefix("#/").split("/")
            node = self.document
            for part in pointer:
                node = node[part]
        return node


def _say_null(node: Any) -> None:
    """Say `nullable` of OpenAPI 3.0 as JSON Schema does; there `date-time` is said of Unix seconds, too."""
    if isinstance(node, list):
        for item in node:
            _say_null(item)
    elif isinstance(node, dict):
        for item in node.values():
            _say_null(item)
        if node.get("nullable") is True:
            inner = {name: node.pop(name) for name in tuple(node) if name not in {"description", "example"}}
            node["anyOf"] = [inner, {"type": "null"}]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """A world with the named scenarios and their odd records; of the warehouse as much as a contract needs."""
    made = world.generate(seed=3, n_operators=25)
    return replace(made, warehouse={name: replace(one, rows=one.rows[:300]) for name, one in made.warehouse.items()})


@pytest.fixture(scope="module")
def running(dataset: Dataset) -> Iterator[Sandbox]:
    with Sandbox.start(dataset=dataset, rate_limits=False) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def contracts() -> Any:
    if not SPECS.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"The vendors' contracts are missing at {SPECS}")
        pytest.skip("the vendors' contracts are not on this machine")
    return {source: Contract(source) for source in PREFIXES}


@pytest.fixture
def judged(ask: Caller, contracts: dict[str, Contract]) -> Any:
    """Ask and have the answer judged; gives the answer."""

    def asked(source: str, path: str, json: Any = None, method: str | None = None, headers: Any = None) -> Any:
        answer = ask(source, path, json, method, headers)
        verb = method or ("GET" if json is None else "POST")
        contracts[source].judge(verb, PREFIXES[source] + path, answer)
        return answer

    return asked


EVERY = "status[]=active&status[]=pending&status[]=canceled&status[]=terminated"


def test_lago_lists_whole(judged: Any) -> None:
    for path in (
        "customers",
        "invoices",
        "payments",
        "credit_notes",
        "plans",
        f"subscriptions?{EVERY}",
        "invoices?statuses[]=voided",
    ):
        page = 1
        while page is not None:
            body = judged("lago", f"/{path}{'&' if '?' in path else '?'}page={page}&per_page=100").json()
            page = body["meta"]["next_page"]


def test_lago_one_by_one(judged: Any, dataset: Dataset) -> None:
    for row in dataset.lago.customers[:25]:
        one = f"/customers/{row['external_id']}"
        judged("lago", one)
        for part in ("subscriptions", "invoices", "payments", "credit_notes", "applied_coupons", "wallets"):
            judged("lago", f"{one}/{part}?per_page=100")
    for row in dataset.lago.subscriptions:
        judged("lago", f"/subscriptions/{row['external_id']}?status={row['status']}")
    for row in dataset.lago.invoices[:40]:
        judged("lago", f"/invoices/{row['lago_id']}")
    for row in dataset.lago.plans:
        judged("lago", f"/plans/{row['code']}")


def test_lago_figures_and_usage(judged: Any, dataset: Dataset) -> None:
    for name in ("gross_revenue", "invoice_collection", "invoiced_usage", "mrr", "overdue_balance", "usage"):
        judged("lago", f"/analytics/{name}")
    judged("lago", "/analytics/mrr?currency=USD")
    judged("lago", "/payment_requests")
    judged("lago", "/wallets")
    for row in [row for row in dataset.lago.subscriptions if row["status"] == "active"][:5]:
        one = f"/customers/{row['external_customer_id']}"
        judged("lago", f"{one}/current_usage?external_subscription_id={row['external_id']}")
        judged("lago", f"{one}/past_usage?external_subscription_id={row['external_id']}")
    judged("lago", f"{one}/current_usage?external_subscription_id=none")


def test_lago_refusals(judged: Any, ask: Caller) -> None:
    judged("lago", "/customers/nobody")
    judged("lago", "/customers/nobody/invoices")
    judged("lago", "/plans/none")
    judged("lago", "/plans", headers={"Authorization": "none"})
    ask.sandbox.set_faults("lago:http429")
    judged("lago", "/plans")


@pytest.mark.parametrize("generation", ["2026-09", "v3"])
def test_hubspot_objects(judged: Any, dataset: Dataset, generation: str) -> None:
    root = f"/crm/objects/{generation}" if generation != "v3" else "/crm/v3/objects"
    properties = f"/crm/properties/{generation}" if generation != "v3" else "/crm/v3/properties"
    for kind, rows in dataset.hubspot.objects.items():
        judged("hubspot", f"{root}/{kind}?limit=100&associations=companies")
        judged("hubspot", f"{root}/{kind}/search", {"limit": 200, "properties": ["hs_object_id"]})
        judged("hubspot", f"{properties}/{kind}")
        ids = [{"id": row["id"]} for row in rows[:50]] or [{"id": "1"}]
        judged("hubspot", f"{root}/{kind}/batch/read", {"inputs": ids})
        judged("hubspot", f"{root}/{kind}/batch/read", {"inputs": [*ids, {"id": "2"}]})
        for row in rows[:10]:
            judged("hubspot", f"{root}/{kind}/{row['id']}?properties=name&associations=contacts,deals")
        judged("hubspot", f"{root}/{kind}/2")
    judged("hubspot", "/crm/v3/properties/companies/moovs_operator_id")


def test_hubspot_associations_owners_and_refusals(judged: Any, ask: Caller, dataset: Dataset) -> None:
    ids = [{"id": row["id"]} for row in dataset.hubspot.objects["companies"]]
    judged("hubspot", "/crm/associations/2026-09/companies/contacts/batch/read", {"inputs": ids})
    judged("hubspot", "/crm/v4/associations/companies/deals/batch/read", {"inputs": [*ids, {"id": "2"}]})
    judged("hubspot", f"/crm/v4/objects/companies/{ids[0]['id']}/associations/contacts?limit=100")
    judged("hubspot", "/crm/owners/2026-09?limit=100")
    judged("hubspot", "/crm/v3/owners")
    judged("hubspot", "/crm/properties/2026-09/companies/operator_id")
    wrong = {"filterGroups": [{"filters": [{"propertyName": "operator_id", "operator": "EQ", "value": "x"}]}]}
    judged("hubspot", "/crm/objects/2026-09/companies/search", wrong)
    judged("hubspot", "/crm/objects/2026-09/companies", headers={"Authorization": "none"})
    ask.sandbox.set_faults("hubspot:http429")
    judged("hubspot", "/crm/owners/2026-09")


def test_metabase(judged: Any, dataset: Dataset) -> None:
    def native(sql: str) -> Any:
        return {"database": 2, "type": "native", "native": {"query": sql, "template-tags": {}}}

    for relation in dataset.warehouse.values():
        judged("metabase", "/api/dataset", native(f'SELECT * FROM {relation.schema}."{relation.name}"'))
    judged("metabase", "/api/dataset", native("SELECT NOPE"))
    judged("metabase", "/api/dataset", {**native("SELECT 1"), "database": 0})
    judged("metabase", "/api/dataset/json", {"query": native("SELECT * FROM MOOVS.CSM_MOOVS")})
    for card in (642, 855, 948, 1469, 1479):
        judged("metabase", f"/api/card/{card}")
        judged("metabase", f"/api/card/{card}/query", {"parameters": []})
    judged("metabase", "/api/card/1479/query/json", {"parameters": []})
    judged("metabase", "/api/card/5")
    judged("metabase", "/api/database")
    judged("metabase", "/api/user/current")
    judged("metabase", "/api/dataset", native("SELECT 1"), headers={"x-api-key": "wrong"})


@pytest.mark.parametrize("generation", ["2022-06-28", "2025-09-03", "2026-03-11"])
def test_notion(judged: Any, ask: Caller, dataset: Dataset, generation: str) -> None:
    headers = {"Notion-Version": generation}
    judged("notion", f"/databases/{dataset.notion.database_id}", headers=headers)
    judged("notion", "/users/me", headers=headers)
    judged("notion", "/users?page_size=10", headers=headers)
    judged("notion", "/search", {"query": "ticket"}, headers=headers)
    source = f"/data_sources/{dataset.notion.data_source_id}"
    judged("notion", source, headers=headers)
    judged("notion", f"{source}/query", {"page_size": 100}, headers=headers)
    edited = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": "2026-09-01T00:00:00Z"}}
    by_edit = [{"timestamp": "last_edited_time", "direction": "ascending"}]
    judged("notion", f"{source}/query", {"filter": edited, "sorts": by_edit, "in_trash": True}, headers=headers)
    page = f"/pages/{dataset.notion.tickets[0]['page_id']}"
    judged("notion", page, headers=headers)
    judged("notion", f"{page}/properties/title", headers=headers)
    judged("notion", f"/blocks/{dataset.notion.tickets[0]['page_id']}/children", headers=headers)
    judged("notion", f"{page}/markdown", headers=headers)
    ask.sandbox.set_faults("notion:http429")
    judged("notion", page, headers=headers)


def test_intercom(judged: Any, dataset: Dataset) -> None:
    everything = {"field": "updated_at", "operator": ">", "value": 0}
    for kind in ("conversations", "tickets", "contacts?include_merge_history=true"):
        name, _, query = kind.partition("?")
        after: Any = {}
        while after is not None:
            body = {"query": everything, "pagination": {"per_page": 150, **after}}
            found = judged("intercom", f"/{name}/search{'?' * bool(query)}{query}", body).json()
            after = found["pages"].get("next")
    company = dataset.intercom.companies[0]
    judged("intercom", "/me")
    judged("intercom", "/companies?per_page=50")
    for wanted in (company["company_id"], "nobody"):
        judged("intercom", f"/companies?company_id={wanted}")
    for path in (company["id"], "nobody"):
        judged("intercom", f"/companies/{path}/contacts")
    scroll = judged("intercom", "/companies/scroll").json()
    while scroll["data"]:
        scroll = judged("intercom", f"/companies/scroll?scroll_param={scroll['scroll_param']}").json()
    judged("intercom", f"/contacts/{dataset.intercom.contacts[0]['id']}/merge_history")
    for row in dataset.intercom.conversations[:40]:
        judged("intercom", f"/conversations/{row['id']}?display_as=plaintext")
    judged("intercom", "/conversations/1?display_as=plaintext")
    judged("intercom", f"/tickets/{dataset.intercom.tickets[0]['id']}")
    dataset.intercom.deleted.append({"id": dataset.intercom.conversations[0]["id"], "deleted_at": 1_790_000_000})
    judged("intercom", "/conversations/deleted?page=1&per_page=60&order=desc")
    judged("intercom", "/contacts/search", {"query": {"field": "updated_at", "operator": "<=", "value": 1}})
    judged("intercom", "/companies/scroll", headers={"Authorization": "none"})


def test_the_judge_is_awake(contracts: dict[str, Contract], ask: Caller) -> None:
    """A wrong answer, an unknown path, status and query parameter are each refused."""
    answer = ask("lago", "/plans")
    contracts["lago"].judge("GET", "/api/v1/plans", answer)
    with pytest.raises(Exception, match="customers"):
        contracts["lago"].judge("GET", "/api/v1/customers", answer)
    for url in ("/api/v1/nothing", "/api/v1/plans?pages=2"):
        with pytest.raises(AssertionError):
            contracts["lago"].judge("GET", url, answer)
    with pytest.raises(AssertionError):
        contracts["lago"].judge("GET", "/api/v1/plans", ask("lago", "/invoices?statuses[]=x"))

"""Every request that our connectors send is allowed by the vendor's own contract.

The contracts are not in the repository (CONTRIBUTING.md, *Contracts*); without them the suite is skipped, but fails in CI.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prism import PRISM, Contract, Judge, Sent, judge
from specs import SPECS
from wire import VERSIONS, Wire, made_awkward, send_everything, settings_of
from worlds import Worlds

VENDORS = tuple(VERSIONS)


def _needed(path: Path, remedy: str) -> None:
    if path.exists():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{path.name} is missing: {remedy}")
    pytest.skip(f"{path.name} is missing: {remedy}")


@pytest.fixture(scope="module", autouse=True)
def _at_hand() -> None:
    _needed(SPECS, "CONTRIBUTING.md says where the vendors' contracts come from")
    _needed(PRISM, "run `npm ci` in tests/contract")


@pytest.fixture(scope="module")
def wire(worlds: Worlds) -> Iterator[Wire]:
    """All requests of all vendors in all versions, sent once to the sandbox."""
    dataset = worlds.dataset()
    made_awkward(dataset)
    with (
        worlds.running(dataset=dataset, also=("intercom",)) as sandbox,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        wire = Wire(sandbox.addresses)
        wire.tap(monkeypatch)
        for vendor, versions in VERSIONS.items():
            for changes in versions:
                asyncio.run(send_everything(settings_of(sandbox, vendor, changes), vendor, dataset))
        yield wire


@pytest.fixture(scope="module", params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def contract(vendor: str) -> Contract:
    return Contract(json.loads((SPECS / f"{vendor}.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def asked(vendor: str) -> Iterator[Judge]:
    with judge(SPECS / f"{vendor}.json") as running:
        yield running


def as_the_contract_knows_it(sent: Sent) -> Sent:
    """Notion's older generation, which the contract leaves out, asks of the database what later ones ask of data sources.

    Of Lago's two lists of applied coupons the contract has the customer's alone; the organisation's has the same query.
    It leaves out the list of coupons, which is asked for as the list of plans is; HubSpot's leaves out the pipelines of deals, which
    are asked for without a query, as the list of owners may be.
    """
    target = re.sub(r"^/v1/databases/([0-9a-f-]+)/query$", r"/v1/data_sources/\1/query", sent.target)
    target = re.sub(r"^/api/v1/applied_coupons\?", "/api/v1/customers/anybody/applied_coupons?", target)
    target = re.sub(r"^/api/v1/coupons\?", "/api/v1/plans?", target)
    target = re.sub(r"^/crm/(?:pipelines/2026-09|(v3)/pipelines)/deals$", _owners, target)
    return Sent(sent.method, target, sent.headers, sent.body)


def _owners(pipelines: re.Match[str]) -> str:
    return "/crm/v3/owners" if pipelines[1] else "/crm/owners/2026-09"


def test_the_contract_allows_every_request(vendor: str, wire: Wire, asked: Judge) -> None:
    requests = wire.sent(vendor)
    assert requests
    verdicts = [(sent, asked.ask(as_the_contract_knows_it(sent))) for sent in requests]
    refused = [f"{sent.method} {sent.target}: {verdict}" for sent, verdict in verdicts if verdict.refused]
    assert not refused, "\n".join(refused[:10])


def test_every_query_parameter_is_in_the_contract(vendor: str, wire: Wire, contract: Contract) -> None:
    unknown = {
        sent.target: names
        for sent in wire.sent(vendor)
        if (names := contract.unknown_parameters(as_the_contract_knows_it(sent)))
    }
    assert not unknown


WRONG: dict[str, Sent] = {
    "lago": Sent("GET", "/api/v1/customers/a/invoices?page=first", (("authorization", "Bearer k"),)),
    "hubspot": Sent(
        "POST",
        "/crm/objects/2026-09/companies/search",
        (("authorization", "Bearer t"), ("content-type", "application/json")),
        b'{"filterGroups": "all"}',
    ),
    "notion": Sent(
        "POST",
        "/v1/data_sources/13b8aeaa-3759-80f8-8d7c-dd2f627d2578/query",
        (("authorization", "Bearer t"), ("notion-version", "2026-03-11"), ("content-type", "application/json")),
        b'{"page_size": 1000}',
    ),
    "metabase": Sent(
        "POST", "/api/dataset", (("x-api-key", "k"), ("content-type", "application/json")), b'{"type": "native"}'
    ),
    "intercom": Sent("GET", "/conversations/deleted?per_page=100", (("authorization", "Bearer t"),)),
}


def test_the_judge_is_awake(vendor: str, asked: Judge) -> None:
    assert asked.ask(WRONG[vendor]).violations is not None


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "notion-version"])
def test_the_judge_misses_what_we_must_send(vendor: str, header: str, wire: Wire, asked: Judge) -> None:
    carrying = next((sent for sent in wire.sent(vendor) if header in dict(sent.headers)), None)
    if carrying is not None:
        assert not asked.ask(carrying).refused
        assert asked.ask(carrying.without(header=header)).refused


REACHED = {
    "lago": {
        "GET /api/v1/credit_notes",
        "GET /api/v1/customers",
        "GET /api/v1/customers/{external_customer_id}",
        "GET /api/v1/customers/{external_customer_id}/applied_coupons",
        "GET /api/v1/customers/{external_customer_id}/credit_notes",
        "GET /api/v1/customers/{external_customer_id}/invoices",
        "GET /api/v1/customers/{external_customer_id}/payments",
        "GET /api/v1/customers/{external_customer_id}/subscriptions",
        "GET /api/v1/invoices",
        "GET /api/v1/invoices/{lago_id}",
        "GET /api/v1/payments",
        "GET /api/v1/plans",
        "GET /api/v1/subscriptions",
        "GET /api/v1/subscriptions/{external_id}",
    },
    "hubspot": {
        f"{method} {path}"
        for objects, associations, properties, owners in (
            ("/crm/objects/2026-09", "/crm/associations/2026-09", "/crm/properties/2026-09", "/crm/owners/2026-09"),
            ("/crm/v3/objects", "/crm/v4/associations", "/crm/v3/properties", "/crm/v3/owners"),
        )
        for method, path in (
            ("GET", f"{objects}/companies/{{id}}"),
            ("GET", f"{objects}/companies"),
            *(("GET", f"{objects}/{kind}") for kind in ("contacts", "deals", "notes", "emails", "calls", "meetings")),
            *(("POST", f"{objects}/{kind}/search") for kind in ("companies", "contacts", "deals", "notes", "emails")),
            *(("POST", f"{objects}/{kind}/search") for kind in ("calls", "meetings")),
            *(("POST", f"{objects}/{kind}/batch/read") for kind in ("contacts", "deals", "notes", "emails", "calls")),
            *(("POST", f"{objects}/{kind}/batch/read") for kind in ("meetings", "companies")),
            ("POST", f"{associations}/{{fromType}}/{{toType}}/batch/read"),
            ("GET", f"{properties}/{{objectType}}"),
            ("GET", owners),
        )
    },
    "notion": {
        "GET /v1/databases/{database_id}",
        "GET /v1/data_sources/{data_source_id}",
        "POST /v1/data_sources/{data_source_id}/query",
    },
    "metabase": {
        "GET /api/card/{id}",
        "GET /api/database",
        "GET /api/user/current",
        "POST /api/card/{id}/query",
        "POST /api/dataset",
        "POST /api/dataset/{format}",
    },
    "intercom": {
        "GET /me",
        "GET /companies",
        "GET /companies/{company_id}/contacts",
        "GET /companies/scroll",
        "POST /contacts/search",
        "POST /conversations/search",
        "GET /conversations/{conversation_id}",
        "GET /conversations/deleted",
        "POST /tickets/search",
        "GET /tickets/{ticket_id}",
    },
}
"""Operations that the sources use; the world is made so that all of them happen."""


def test_all_kinds_of_requests_were_judged(vendor: str, wire: Wire, contract: Contract) -> None:
    sent = [as_the_contract_knows_it(one) for one in wire.sent(vendor)]
    reached = {f"{one.method} {contract.operation(one.method, one.path)}" for one in sent}
    assert reached >= REACHED[vendor]


@pytest.mark.parametrize(
    ("owner", "mark"),
    [
        ("lago", "page=3"),
        ("lago", "status=terminated"),
        ("lago", "issuing_date_from=2026-"),
        ("lago", "payment_statuses%5B%5D=failed"),
        ("notion", '"last_edited_time": {"on_or_after"'),
        ("notion", '"in_trash": true'),
        ("notion", '"start_cursor"'),
        ("notion", "2022-06-28"),
        ("hubspot", '"operator": "IN"'),
        ("hubspot", '"operator": "GTE"'),
        ("hubspot", "archived=true"),
        ("hubspot", '"filterGroups": []'),
        ("hubspot", '"propertiesWithHistory": ["dealstage"'),
        ("intercom", '"operator": "OR"'),
        ("intercom", "intercom-version"),
        ("intercom", "include_merge_history=true"),
        ("metabase", "rows_in_all"),
        ("metabase", '"template-tags"'),
    ],
)
def test_the_awkward_requests_were_among_them(owner: str, mark: str, wire: Wire) -> None:
    texts = [f"{sent.target} {sent.headers} {sent.body.decode()}" for sent in wire.sent(owner)]
    assert any(mark.replace(" ", "") in text.replace(" ", "") for text in texts)


SMALL = Contract(
    {
        "paths": {
            "/a/{id}": {
                "parameters": [{"in": "path", "name": "id"}],
                "get": {"parameters": [{"$ref": "#/shared/page"}]},
            },
            "/a/all": {
                "get": {},
                "post": {"parameters": [{"in": "query", "name": "ids[]"}, {"in": "header", "name": "x"}]},
            },
        },
        "shared": {"page": {"in": "query", "name": "page"}},
    }
)


@pytest.mark.parametrize(
    ("method", "target", "operation", "unknown"),
    [
        ("GET", "/a/7?page=1", "/a/{id}", set()),
        ("GET", "/a/7?pages=1&id=2", "/a/{id}", {"pages", "id"}),
        ("GET", "/a/all?page=1", "/a/all", {"page"}),
        ("POST", "/a/all?ids%5B%5D=1&ids%5B%5D=2", "/a/all", set()),
        ("POST", "/a/all?ids=1&x=", "/a/all", {"ids", "x"}),
        ("POST", "/a/7", None, set()),
        ("GET", "/a/7/b?page=1", None, {"page"}),
    ],
)
def test_what_prism_lets_through_is_compared_by_name(
    method: str, target: str, operation: str | None, unknown: set[str]
) -> None:
    sent = Sent(method, target)
    assert SMALL.operation(method, sent.path) == operation
    assert SMALL.unknown_parameters(sent) == unknown

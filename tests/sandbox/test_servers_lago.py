"""Lago's server: what it answers, page by page and refusal by refusal."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx2
import pytest
from sandbox_caller import Caller

from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.lago import API_KEY, LagoServer


def pages(ask: Caller, path: str, name: str) -> Any:
    found: list[Any] = []
    page: int | None = 1
    while page is not None:
        body = ask("lago", f"{path}{'&' if '?' in path else '?'}per_page=7&page={page}").json()
        assert len(body[name]) <= 7
        found += body[name]
        page = body["meta"]["next_page"]
    assert len(found) == body["meta"]["total_count"]
    return found


def busiest(dataset: Dataset) -> Any:
    customers = [row["external_customer_id"] for row in dataset.lago.invoices]
    return max(set(customers), key=customers.count)


def test_a_customer_is_found_by_the_operator_id(ask: Caller, dataset: Dataset) -> None:
    row = dataset.lago.customers[3]
    customer = ask("lago", f"/customers/{row['external_id']}").json()["customer"]
    assert (customer["external_id"], customer["lago_id"], customer["name"]) == (
        row["external_id"],
        row["lago_id"],
        row["name"],
    )


def test_billed_periods_come_newest_first_whatever_the_order_of_invoices(ask: Caller, dataset: Dataset) -> None:
    invoices = dataset.lago.invoices
    billed = Counter(
        (invoice["external_customer_id"], period["external_subscription_id"])
        for invoice in invoices
        for period in invoice.get("billing_periods") or ()
    )
    for (customer, subscription), periods in billed.most_common(3):
        path = f"/customers/{customer}/past_usage?external_subscription_id={subscription}"
        for _ in range(2):
            invoices.reverse()
            found = [one["from_datetime"] for one in pages(ask, path, "usage_periods")]
            assert len(found) == periods > 2
            assert found == sorted(found, reverse=True)


def test_an_unknown_customer_is_404_with_a_code(ask: Caller) -> None:
    for path in ("/customers/nobody", "/customers/nobody/invoices"):
        answer = ask("lago", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "customer_not_found")


def test_invoices_of_a_customer_come_whole_over_all_pages(ask: Caller, dataset: Dataset) -> None:
    customer = busiest(dataset)
    expected = {row["lago_id"] for row in dataset.lago.invoices if row["external_customer_id"] == customer}
    assert len(expected) > 7
    assert {row["lago_id"] for row in pages(ask, f"/customers/{customer}/invoices", "invoices")} == expected
    assert {row["lago_id"] for row in pages(ask, f"/invoices?external_customer_id={customer}", "invoices")} == expected


def test_a_page_holds_at_most_a_hundred(ask: Caller, dataset: Dataset) -> None:
    body = ask("lago", "/invoices?per_page=5000").json()
    assert len(body["invoices"]) == 100
    assert body["meta"]["total_count"] == len(dataset.lago.invoices)


def test_invoices_are_filtered_as_the_contract_says(ask: Caller, dataset: Dataset) -> None:
    def ids(query: str) -> Any:
        return {row["lago_id"] for row in pages(ask, f"/invoices?{query}", "invoices")}

    def expected(keep: Any) -> Any:
        return {row["lago_id"] for row in dataset.lago.invoices if keep(row)}

    assert ids("payment_statuses[]=failed&payment_statuses[]=pending") == expected(
        lambda r: r["payment_status"] != "succeeded"
    )
    assert ids("statuses[]=draft") == expected(lambda r: r["status"] == "draft")
    assert ids("payment_overdue=true") == expected(lambda r: r["payment_overdue"])
    assert ids("issuing_date_from=2026-08-01&issuing_date_to=2026-08-31") == expected(
        lambda r: r["issuing_date"][:7] == "2026-08"
    )
    assert ids("amount_from=30000") == expected(lambda r: r["total_amount_cents"] >= 30000)


def test_an_invalid_status_is_422_with_details(ask: Caller) -> None:
    answer = ask("lago", "/invoices?payment_statuses[]=lost")
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {"payment_status": ["value_is_invalid"]}


def test_only_active_subscriptions_unless_asked(ask: Caller, dataset: Dataset) -> None:
    active = {row["lago_id"] for row in dataset.lago.subscriptions if row["status"] == "active"}
    assert 0 < len(active) < len(dataset.lago.subscriptions)
    assert {row["lago_id"] for row in pages(ask, "/subscriptions", "subscriptions")} == active
    every = "status[]=active&status[]=pending&status[]=canceled&status[]=terminated"
    assert len(pages(ask, f"/subscriptions?{every}", "subscriptions")) == len(dataset.lago.subscriptions)


def test_only_the_single_subscription_shows_its_plan_and_overrides(ask: Caller, dataset: Dataset) -> None:
    row = next(row for row in dataset.lago.subscriptions if row["status"] == "active" and row.get("plan_overrides"))
    listed = ask("lago", f"/subscriptions?external_customer_id={row['external_customer_id']}").json()["subscriptions"]
    assert all("plan_overrides" not in item and "plan" not in item for item in listed)
    single = ask("lago", f"/subscriptions/{row['external_id']}").json()["subscription"]
    assert single["plan"]["code"] == row["plan_code"]
    assert single["plan_overrides"]["amount_cents"] == row["plan_overrides"]["amount_cents"]


@pytest.mark.parametrize("name", ["payments", "credit_notes", "applied_coupons"])
def test_the_rest_of_a_customer_in_both_forms(ask: Caller, dataset: Dataset, name: str) -> None:
    rows = getattr(dataset.lago, name)
    customer = rows[0]["external_customer_id"]
    expected = {row["lago_id"] for row in rows if row["external_customer_id"] == customer}
    for path in (f"/customers/{customer}/{name}", f"/{name}?external_customer_id={customer}"):
        assert {row["lago_id"] for row in pages(ask, path, name)} == expected


def test_a_payment_says_when_and_for_which_invoices(ask: Caller, dataset: Dataset) -> None:
    invoice = next(row for row in dataset.lago.payments if row["invoice_ids"])["invoice_ids"][0]
    found = ask("lago", f"/payments?invoice_id={invoice}").json()["payments"]
    assert found
    assert all(invoice in row["invoice_ids"] and row["created_at"] for row in found)


def test_a_detail_of_an_invoice_names_its_subscription(ask: Caller, dataset: Dataset) -> None:
    row = next(row for row in dataset.lago.invoices if row.get("subscriptions"))
    detail = ask("lago", f"/invoices/{row['lago_id']}").json()["invoice"]
    assert detail["subscriptions"][0]["external_customer_id"] == row["external_customer_id"]
    assert detail["customer"]["external_id"] == row["external_customer_id"]


def test_plans_by_list_and_code(ask: Caller, dataset: Dataset) -> None:
    assert len(pages(ask, "/plans", "plans")) == len(dataset.lago.plans)
    assert ask("lago", "/plans/pro-monthly").json()["plan"]["amount_cents"] == 19900
    assert ask("lago", "/plans/none").status_code == 404


def test_without_the_key_nothing_is_told(ask: Caller) -> None:
    answer = ask("lago", "/plans", headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()) == (401, {"status": 401, "error": "Unauthorized"})


def test_a_record_page_needs_no_key_and_escapes(ask: Caller, dataset: Dataset) -> None:
    address = ask.sandbox.addresses["lago"].removesuffix("/api/v1")
    page = ask.client.get(f"{address}/customer/{dataset.lago.customers[0]['external_id']}")
    assert page.status_code == 200
    assert dataset.lago.customers[0]["external_id"] in page.text
    assert ask.client.get(f"{address}/customer/nobody").status_code == 404


def test_fifty_requests_a_second_and_the_headers_count_down(dataset: Dataset) -> None:
    now = [100.0]
    app = LagoServer(dataset.lago, dataset.as_of, Controls(), lambda: now[0]).app()

    async def run() -> Any:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://lago", headers={"Authorization": f"Bearer {API_KEY}"}
        ) as client:
            answers = [await client.get("/api/v1/plans") for _ in range(51)]
            now[0] += 1.01
            return answers, await client.get("/api/v1/plans")

    answers, later = asyncio.run(run())
    assert [a.status_code for a in answers] == [200] * 50 + [429]
    assert [a.headers["x-ratelimit-remaining"] for a in answers[:3]] == ["49", "48", "47"]
    assert answers[50].headers["x-ratelimit-remaining"] == "0"
    assert answers[50].headers["x-ratelimit-reset"] == "1"
    assert "retry-after" not in answers[50].headers
    assert later.status_code == 200

"""Stripe's own Python client, pointed at the sandbox, works: it lists, follows pages, reads errors as Stripe's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from worlds import Worlds

from customer_research.sources.stripe.settings import VERSION
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.stripe import KEY
from customer_research_sandbox.servers.stripe_ledger import REVOKED


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running() as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    addresses = {"api": sandbox.addresses["stripe"]}
    return stripe.StripeClient(KEY, base_addresses=addresses, stripe_version=VERSION, max_network_retries=0).v1


def test_lists_are_followed_and_records_read(client: Any, sandbox: Sandbox) -> None:
    name, owner = next(
        (n, o) for n, o in sandbox.stripe.accounts.items() if o.home == "direct" and 200 < len(o.charges) < 2_000
    )
    found = list(client.charges.list({"limit": 100}, {"stripe_account": name}).auto_paging_iter())
    assert [one.id for one in found] == [row["id"] for row in reversed(owner.charges)]
    assert client.charges.retrieve(found[0].id, {}, {"stripe_account": name}).amount == found[0].amount
    since = found[5].created
    newest = client.charges.list({"created": {"gte": since}, "limit": 100}, {"stripe_account": name})
    assert [one.id for one in newest.data] == [one.id for one in found if one.created >= since]
    back = client.charges.list({"ending_before": found[150].id, "limit": 3}, {"stripe_account": name})
    assert [one.id for one in back.data] == [one.id for one in found[147:150]]
    accounts = {one.id for one in client.accounts.list({"limit": 20}).auto_paging_iter()}
    assert accounts == set(sandbox.stripe.accounts) - {REVOKED}
    disputed = next(n for n, o in sandbox.stripe.accounts.items() if o.home == "direct" and o.disputes)
    (first, *_) = client.disputes.list({"expand": ["data.charge"]}, {"stripe_account": disputed}).data
    assert first.charge.id in {row["id"] for row in sandbox.stripe.accounts[disputed].charges}


def test_refusals_are_stripes(client: Any, sandbox: Sandbox) -> None:
    with pytest.raises(stripe.PermissionError, match=REVOKED) as caught:
        client.charges.list({}, {"stripe_account": REVOKED})
    assert caught.value.json_body["error"]["code"] == "account_invalid"
    assert caught.value.code is None  # why the product does not read Stripe through this client
    for wrong in ({"limit": 101}, {"made_up": 1}, {"starting_after": "ch_none"}, {"expand": ["data.customer"]}):
        with pytest.raises(stripe.InvalidRequestError):
            client.charges.list(wrong)
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.refunds.retrieve("re_none")
    assert missing.value.code == "resource_missing"
    with pytest.raises(stripe.PermissionError, match="rak_charge_write"):
        client.charges.create({"amount": 100, "currency": "usd"})
    sandbox.stripe.permissions.discard("disputes")
    try:
        with pytest.raises(stripe.PermissionError, match="rak_dispute_read"):
            client.disputes.list()
    finally:
        sandbox.stripe.permissions.add("disputes")


@pytest.mark.parametrize(
    ("fault", "error"),
    [("auth", stripe.AuthenticationError), ("http429", stripe.RateLimitError), ("http500", stripe.APIError)],
)
def test_faults_are_errors_of_the_client(client: Any, sandbox: Sandbox, fault: str, error: Any) -> None:
    sandbox.set_faults(f"stripe:{fault}")
    try:
        with pytest.raises(error):
            client.charges.list()
    finally:
        sandbox.set_faults()


def test_an_endpoint_has_a_limit_of_its_own_beside_that_of_all(client: Any, sandbox: Sandbox) -> None:
    def many() -> None:
        for _ in range(60):
            client.accounts.retrieve("acct_1SandboxDinars")

    sandbox.set_rate_limits(hold=True)
    try:
        with pytest.raises(stripe.RateLimitError):
            many()
        client.refunds.list()
    finally:
        sandbox.set_rate_limits(hold=False)

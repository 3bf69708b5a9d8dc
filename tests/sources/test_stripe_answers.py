"""Answers of Stripe that are odd, late or refused: what is unknown is told, and what was asked is told alike however slow they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from customer_research.connect.source import Batch, Subject
from customer_research.errors import SchemaChanged, SourceError
from customer_research.settings import Settings
from customer_research.sources.stripe import live
from customer_research.sources.stripe.session import StripeSession
from customer_research.sources.stripe.settings import StripeSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Handler = Callable[[httpx2.Request], httpx2.Response] | Callable[[httpx2.Request], Coroutine[Any, Any, httpx2.Response]]


def session(handler: Handler) -> StripeSession:
    own = StripeSettings(api_key="rk_test_x", charges_on="connected")  # type: ignore[call-arg,arg-type]
    settings = Settings().model_copy(update={"stripe": own})
    return StripeSession(settings, lambda: NOW, transport=httpx2.MockTransport(handler))


def fetched(handler: Handler, account: str = "acct_A") -> Batch:
    async def work() -> Batch:
        opened = session(handler)
        try:
            return await live.fetch(opened, Subject("one", NOW, stripe_account=account))
        finally:
            await opened.close()

    return asyncio.run(work())


def listed(*rows: Any, **told: Any) -> httpx2.Response:
    return httpx2.Response(200, json={"object": "list", "data": rows, "has_more": False, **told})


def charge(number: int) -> dict[str, Any]:
    return {
        "id": f"ch_{number}", "object": "charge", "amount": 100, "amount_refunded": 0, "created": 1_790_000_000 - number * 3_600,
        "currency": "usd", "status": "succeeded",
    }  # fmt: skip


@pytest.mark.parametrize("account", ["acct_é", "acct_A\r\nX-Other: y"])
def test_an_account_that_is_no_id_is_a_gap_and_ends_no_report(account: str) -> None:
    seen: list[str] = []

    def refuse(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["Stripe-Account"])
        return httpx2.Response(403, json={"error": {"code": "account_invalid", "message": "no access"}})

    with pytest.raises(SourceError, match="no connected account"):
        fetched(refuse, account)
    assert all(name.isascii() and name.isprintable() for name in seen)


def test_a_list_that_does_not_say_whether_it_goes_on_is_not_taken_as_whole() -> None:
    with pytest.raises(SchemaChanged, match="whether there is more"):
        fetched(lambda _: listed(*map(charge, range(100)), has_more=None))

"""Answers of Stripe that are odd, late or refused: what is unknown is told, and what was asked is told alike however slow they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from customer_research.connect import lasting
from customer_research.connect.source import Batch, Pull, Slice, Subject
from customer_research.errors import SchemaChanged, SourceError
from customer_research.settings import Settings
from customer_research.sources.stripe import bulk, lists, live
from customer_research.sources.stripe.session import StripeSession
from customer_research.sources.stripe.settings import StripeSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Handler = Callable[[httpx2.Request], httpx2.Response] | Callable[[httpx2.Request], Coroutine[Any, Any, httpx2.Response]]


def session(handler: Handler, homes: str = "connected") -> StripeSession:
    own = StripeSettings(api_key="rk_test_x", charges_on=homes)  # type: ignore[call-arg,arg-type]
    settings = Settings().model_copy(update={"stripe": own})  # type: ignore[call-arg]
    return StripeSession(settings, lambda: NOW, transport=httpx2.MockTransport(handler))


def fetched(handler: Handler, account: str = "acct_A", homes: str = "connected") -> Batch:
    async def work() -> Batch:
        opened = session(handler, homes)
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


def test_an_account_that_goes_while_a_pull_is_under_way_does_not_end_it() -> None:
    """Its old disputes are read last, by then refused; the others' are read all the same."""
    old = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {"dispute_id": f"dp_{n}", "read_on": "acct_Gone" if n < 2 else "acct_A", "created_at": old} for n in range(3)
    ]

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.headers["Stripe-Account"] == "acct_Gone":
            return httpx2.Response(403, json={"error": {"code": "account_invalid", "message": "no access"}})
        told = {**charge(0), "id": "dp_2", "object": "dispute", "charge": {**charge(1)}, "status": "won"}
        return httpx2.Response(200, json=told)

    async def work() -> list[Slice]:
        opened = session(handle)
        asked = Pull(
            NOW,
            NOW.isoformat(),
            bulk._Position(step=5).cursor,
            timedelta(0),
            lambda sql: rows if "is_active" in sql else [],
        )
        try:
            return [piece async for piece in bulk.BULK[0].pull(opened, asked)]
        finally:
            await opened.close()

    settled, last = asyncio.run(work())
    assert [row["dispute_id"] for row in settled.rows["stripe_dispute"]] == ["dp_2"]
    (told,) = settled.rows["stripe_read"]
    assert (told["stripe_account"], "no longer lets" in told["detail"]) == ("acct_Gone", True)
    assert last.mark == NOW.isoformat()


def test_a_receipt_is_the_same_however_slowly_stripe_answers() -> None:
    """Spans of time are read side by side: which of them answers first says nothing of what was asked."""
    charges = [charge(number) for number in range(1_500)]

    def slow(seed: int) -> Handler:
        waits = Random(seed)

        async def handle(request: httpx2.Request) -> httpx2.Response:
            await asyncio.sleep(waits.random() / 50)
            asked = request.url.params
            if "disputes" in request.url.path:
                return listed()
            low, high = int(asked.get("created[gte]", 0)), int(asked.get("created[lt]", 2**40))
            within = [one for one in charges if low <= one["created"] < high]
            names = [one["id"] for one in within]
            begin = names.index(asked["starting_after"]) + 1 if "starting_after" in asked else 0
            return listed(*within[begin : begin + 100], has_more=begin + 100 < len(within))

        return handle

    for homes in ("connected", "both"):
        receipts = [fetched(slow(seed), homes=homes).receipts for seed in range(3)]
        assert len({tuple(one.id for one in found) for found in receipts}) == 1, homes


def test_what_the_platform_has_is_read_once_for_many_reports_and_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lists tell no operator; after a while they are read anew, and what failed is not kept."""
    now, elapsed, asked, down = [NOW], [0.0], list[str](), [False]
    monkeypatch.setattr(lasting, "time", SimpleNamespace(monotonic=lambda: elapsed[0]))

    def handle(request: httpx2.Request) -> httpx2.Response:
        account = request.headers.get("Stripe-Account")
        asked.append(f"{account} {request.url.path}")
        if account is None and down[0]:
            return httpx2.Response(403, json={"error": {"message": "lacks rak_charge_read"}})
        own = (
            [{**charge(number), "on_behalf_of": f"acct_{number % 2}"} for number in range(4)] if account is None else []
        )
        return listed(*own) if "charges" in request.url.path else listed()

    async def work() -> None:
        own = StripeSettings(api_key="rk_test_x", charges_on="both")  # type: ignore[call-arg,arg-type]
        settings = Settings().model_copy(update={"stripe": own})  # type: ignore[call-arg]
        opened = StripeSession(settings, lambda: now[0], transport=httpx2.MockTransport(handle))
        subjects = [Subject(f"op_{number}", NOW, stripe_account=f"acct_{number}") for number in range(2)]
        try:
            down[0] = True
            with pytest.raises(SourceError):
                await live.fetch(opened, subjects[0])
            down[0] = False
            asked.clear()
            batches = await asyncio.gather(*(live.fetch(opened, one) for one in subjects))
            assert sorted(asked) == sorted(
                f"{account} /v1/{kind}" for account in (None, "acct_0", "acct_1") for kind in ("charges", "disputes")
            )
            told = [[(row["operator_id"], row["charge_id"]) for row in one.tables["charge"]] for one in batches]
            assert told == [[("op_0", "ch_0"), ("op_0", "ch_2")], [("op_1", "ch_1"), ("op_1", "ch_3")]]

            now[0], elapsed[0] = NOW + timedelta(seconds=290), 290.0
            own_list, platform, *_ = (await live.fetch(opened, subjects[0])).receipts
            assert (own_list.fetched_at, platform.fetched_at) == (now[0], NOW)
            assert (platform.rows, platform.requests) == (2, 1)

            now[0], elapsed[0] = NOW + timedelta(seconds=310), 310.0
            assert {one.fetched_at for one in (await live.fetch(opened, subjects[1])).receipts} == {now[0]}
        finally:
            await opened.close()

    asyncio.run(work())


def test_an_account_that_is_longer_than_one_step_is_read_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slice has a deadline of its own; only the last says that the account was read, and where a pull may go on."""
    monkeypatch.setattr(bulk, "PAGES_OF_ACCOUNT", 2)
    charges = {"acct_Long": [charge(number) for number in range(550)], "acct_Short": [charge(900)]}

    def handle(request: httpx2.Request) -> httpx2.Response:
        within = charges[request.headers["Stripe-Account"]] if "charges" in request.url.path else []
        names = [one["id"] for one in within]
        begin = names.index(request.url.params["starting_after"]) + 1 if "starting_after" in request.url.params else 0
        return listed(*within[begin : begin + 100], has_more=begin + 100 < len(within))

    async def work(pages: int) -> list[Slice]:
        opened = session(handle)
        opened.http.bounds = opened.http.bounds.model_copy(update={"pages": pages})
        accounts = [{"stripe_account": name} for name in charges]
        asked = Pull(
            NOW,
            None,
            bulk._Position(step=1).cursor,
            timedelta(0),
            lambda sql: accounts if "FROM stripe_account" in sql else [],
        )
        try:
            return [piece async for piece in bulk.BULK[0].pull(opened, asked)]
        finally:
            await opened.close()

    *slices, last = asyncio.run(work(1_000))
    assert [len(piece.rows["stripe_charge"]) for piece in slices] == [201, 200, 150]
    assert [[row["stripe_account"] for row in piece.rows["stripe_read"]] for piece in slices] == [
        ["acct_Short"],
        [],
        ["acct_Long"],
    ]
    assert [bulk._Position.of(piece.cursor).page for piece in slices] == [None, None, "acct_Short"]
    assert max(receipt.requests for piece in slices for receipt in piece.receipts) == 4  # two pages, refunds, disputes
    assert last.mark == NOW.isoformat()
    *slices, _ = asyncio.run(work(4))
    (told,) = slices[-1].rows["stripe_read"]
    assert told == {"stripe_account": "acct_Long", "detail": lists.CUT_OFF.detail}

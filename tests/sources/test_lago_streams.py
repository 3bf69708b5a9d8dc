"""Lago's streams: against a small Lago of our own for what a sandbox cannot produce, and against the sandbox over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest
from worlds import Worlds

from customer_research.connect.source import Batch, Candidates, Subject
from customer_research.domain.identity import Interpretation
from customer_research.domain.vocabularies import SUBSCRIPTION_STATUSES
from customer_research.errors import BadAnswer, ConfigError, SchemaChanged
from customer_research.record_tables import TABLES
from customer_research.settings import Settings, load_settings
from customer_research.sources.lago.session import LagoSession
from customer_research.sources.lago.settings import LagoSettings
from customer_research.sources.lago.source import SOURCE
from customer_research_sandbox.serve import Sandbox

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OPERATOR = "0a0a0a0a-1111-1111-8111-0a0a0a0a0a0a"
STREAMS = {stream.name: stream for stream in SOURCE.streams}
TYPES = {
    "text": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "date": date,
    "timestamp": datetime,
    "texts": str,
}
Raw = dict[str, Any]


@dataclass
class Lago:
    """A Lago with just enough manners: pages of its own size, and lists that may change between two pages."""

    lists: dict[str, list[Raw]] = field(default_factory=dict)
    objects: dict[str, Raw] = field(default_factory=dict)
    page_size: int = 100
    announce: int = 0
    meta: Raw = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/api/v1")
        self.seen.append(request.url.raw_path.decode().removeprefix("/api/v1"))
        if path in self.objects:
            return httpx2.Response(200, json=self.objects[path])
        if path not in self.lists:
            return httpx2.Response(404, json={"status": 404, "error": "Not Candidates", "code": "customer_not_found"})
        return httpx2.Response(200, json=self.page(path, int(request.url.params["page"])))

    def page(self, path: str, number: int) -> Raw:
        rows, size = self.lists[path], self.page_size
        pages = -(-len(rows) // size)
        meta = {
            "current_page": number,
            "next_page": number + 1 if number < pages else None,
            "prev_page": None,
            "total_pages": pages,
            "total_count": len(rows) + self.announce,
        }
        return {path.rpartition("/")[2]: rows[(number - 1) * size : number * size], "meta": {**meta, **self.meta}}


def settings(**lago: Any) -> Settings:
    return Settings.model_validate({"lago": {"url": "https://billing.example/api/v1", "api_key": "k", **lago}})


def run(lago: Callable[..., Any], question: Callable[[LagoSession], Awaitable[Any]]) -> Any:
    async def asked() -> Any:
        session = LagoSession(settings(), lambda: NOW, transport=httpx2.MockTransport(lago))
        try:
            return await question(session)
        finally:
            await session.close()

    return asyncio.run(asked())


def fetch(lago: Callable[..., Any], stream: str, operator: str = OPERATOR) -> Batch:
    batch = run(lago, lambda session: STREAMS[stream].fetch(session, Subject(operator, NOW)))
    assert isinstance(batch, Batch)
    return batch


def path(tail: str = "", operator: str = OPERATOR) -> str:
    return f"/customers/{operator}{tail}"


def note(number: int) -> Raw:
    return {
        "lago_id": f"n-{number}",
        "currency": "USD",
        "total_amount_cents": number,
        "issuing_date": "2026-10-01",
        "created_at": "2026-10-01T00:00:00Z",
    }


def plan(code: str = "pro-monthly", interval: str = "monthly") -> Raw:
    return {"code": code, "name": code, "interval": interval, "amount_cents": 19900, "amount_currency": "USD"}


def subscription(**changes: Any) -> Raw:
    base = {
        "lago_id": "s-1",
        "external_id": "sub 1",
        "plan_code": "pro-monthly",
        "plan_amount_cents": 15000,
        "plan_amount_currency": "USD",
        "status": "active",
        "created_at": "2025-01-01T00:00:00Z",
    }
    return {**base, **changes}


# --- paging -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3, 7, 10])
def test_all_pages_are_read(count: int) -> None:
    lago = Lago({path("/credit_notes"): [note(n) for n in range(count)]}, page_size=3)

    batch = fetch(lago, "credit_notes")

    assert [row["total_minor"] for row in batch.tables["credit_note"]] == list(range(count))
    assert dict(batch.gaps) == {}
    assert batch.receipts[0].requests == max(1, -(-count // 3)) == len(lago.seen)
    assert lago.seen[0] == path("/credit_notes?page=1&per_page=100")


def test_the_pages_after_the_first_are_asked_for_at_once() -> None:
    lago = Lago({path("/credit_notes"): [note(n) for n in range(12)]}, page_size=3)
    waiting = asyncio.Event()
    started: list[int] = []

    async def slow(request: httpx2.Request) -> httpx2.Response:
        number = int(request.url.params["page"])
        if number > 1:
            started.append(number)
            if len(started) == 3:
                waiting.set()
            await waiting.wait()
        return lago(request)

    batch = fetch(slow, "credit_notes")
    assert sorted(started) == [2, 3, 4]
    assert len(batch.tables["credit_note"]) == 12


def test_pages_beyond_a_stale_count_are_followed() -> None:
    lago = Lago({path("/credit_notes"): [note(n) for n in range(9)]}, page_size=3, meta={"total_pages": 2})
    assert len(fetch(lago, "credit_notes").tables["credit_note"]) == 9


def test_a_record_that_moves_between_pages_counts_once() -> None:
    rows = [note(n) for n in range(6)]
    lago = Lago({path("/credit_notes"): rows}, page_size=3)

    def moving(request: httpx2.Request) -> httpx2.Response:
        answer = lago(request)
        if len(lago.seen) == 1:
            rows.insert(0, note(99))
        return answer

    batch = fetch(moving, "credit_notes")
    ids = [row["credit_note_id"] for row in batch.tables["credit_note"]]
    assert len(ids) == len(set(ids)) == 6
    assert batch.gaps["credit_note"].reason == "truncated"


def test_fewer_records_than_announced_are_a_gap_and_not_a_short_list() -> None:
    lago = Lago({path("/credit_notes"): [note(1)]}, announce=4)

    batch = fetch(lago, "credit_notes")

    gap = batch.gaps["credit_note"]
    assert (gap.source, gap.reason) == ("lago", "truncated")
    assert "4 more credit note" in gap.detail
    assert batch.receipts[0].truncated


@pytest.mark.parametrize(
    "meta", [{"next_page": "2"}, {"total_pages": None}, {"total_count": None}], ids=lambda meta: next(iter(meta))
)
def test_pages_that_are_not_numbered_are_a_changed_schema(meta: Raw) -> None:
    with pytest.raises(SchemaChanged, match="meta"):
        fetch(Lago({path("/credit_notes"): [note(1)]}, meta=meta), "credit_notes")


@pytest.mark.parametrize("body", [{}, {"credit_notes": {}}, {"meta": {}}, [], None], ids=repr)
def test_an_answer_without_its_list_is_a_changed_schema(body: Any) -> None:
    with pytest.raises(SchemaChanged):
        fetch(lambda request: httpx2.Response(200, json=body), "credit_notes")


def test_a_next_page_that_goes_back_ends_the_reading() -> None:
    lago = Lago({path("/credit_notes"): [note(n) for n in range(6)]}, page_size=3, meta={"next_page": 2})
    assert len(fetch(lago, "credit_notes").tables["credit_note"]) == 6


# --- unknown customers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [name for name in STREAMS if name != "subscriptions"])
def test_an_operator_that_lago_does_not_know_is_an_answer(stream: str) -> None:
    batch = fetch(Lago(), stream)
    assert all(rows == [] for rows in batch.tables.values())
    assert (dict(batch.gaps), batch.receipts[0].rows) == ({}, 0)


def test_an_unknown_operators_subscriptions_are_none_and_the_plans_stay() -> None:
    batch = fetch(Lago({"/plans": [plan()]}), "subscriptions")
    assert batch.tables["subscription"] == []
    assert len(batch.tables["plan"]) == 1


@pytest.mark.parametrize("stream", STREAMS)
def test_a_wrong_address_is_not_taken_for_an_unknown_operator(stream: str) -> None:
    with pytest.raises(BadAnswer, match=r"Lago has nothing at .* \(404\)") as caught:
        fetch(lambda request: httpx2.Response(404, json={"status": 404, "error": "Not Candidates"}), stream)
    assert "lago.url" in caught.value.hint


def test_another_customers_answer_is_refused() -> None:
    other = {"customer": {"lago_id": "c", "external_id": "someone", "created_at": "2026-01-01T00:00:00Z"}}
    with pytest.raises(BadAnswer, match="another customer"):
        fetch(Lago(objects={path(): other}), "customer")


def test_a_customer_answer_without_customer_is_a_changed_schema() -> None:
    with pytest.raises(SchemaChanged, match="no customer"):
        fetch(Lago(objects={path(): {"data": {}}}), "customer")


def test_legacy_numbers_and_strange_ids_are_sent_as_they_are_in_lago() -> None:
    lago = Lago()
    fetch(lago, "customer", "legacy:12345")
    fetch(lago, "customer", "a/b?c")
    assert lago.seen == ["/customers/12345", "/customers/a%2Fb%3Fc"]


# --- subscriptions ------------------------------------------------------------------------------------------------------


def test_subscriptions_of_every_status_and_plans_in_two_requests() -> None:
    lago = Lago({path("/subscriptions"): [subscription()], "/plans": [plan()]})

    batch = fetch(lago, "subscriptions")

    query = "&".join(f"status%5B%5D={status}" for status in SUBSCRIPTION_STATUSES)
    assert sorted(lago.seen) == sorted(
        [path(f"/subscriptions?{query}&page=1&per_page=100"), "/plans?page=1&per_page=100"]
    )
    row = batch.tables["subscription"][0]
    assert (row["monthly_minor"], row["plan_amount_minor"], row["interval"]) == (15000, 19900, "monthly")
    assert {row["fetch_id"]} | {p["fetch_id"] for p in batch.tables["plan"]} == {r.id for r in batch.receipts}


def test_plans_are_asked_for_once_a_session() -> None:
    lago = Lago({path("/subscriptions"): [subscription()], "/plans": [plan()]})

    async def thrice(session: LagoSession) -> list[Batch]:
        subject = Subject(OPERATOR, NOW)
        return await asyncio.gather(*(STREAMS["subscriptions"].fetch(session, subject) for _ in range(3)))

    batches = run(lago, thrice)
    assert len([target for target in lago.seen if target.startswith("/plans")]) == 1
    assert len({batch.receipts[1].id for batch in batches}) == 1


def test_plans_that_failed_are_asked_for_again() -> None:
    lago = Lago({path("/subscriptions"): [subscription()]})

    async def twice(session: LagoSession) -> Batch:
        subject = Subject(OPERATOR, NOW)
        lago.lists["/plans"] = [{"code": "broken"}]
        with pytest.raises(SchemaChanged):
            await STREAMS["subscriptions"].fetch(session, subject)
        lago.lists["/plans"] = [plan()]
        return await STREAMS["subscriptions"].fetch(session, subject)

    assert len(run(lago, twice).tables["subscription"]) == 1


@pytest.mark.parametrize(
    ("listed", "plans"),
    [({"plan_amount_cents": None}, [plan()]), ({}, []), ({}, [plan(interval="daily")])],
    ids=["price open", "plan not listed", "interval unknown"],
)
def test_a_single_get_only_where_the_list_leaves_something_open(listed: Raw, plans: list[Raw]) -> None:
    detail = {**subscription(), "plan": plan(), "plan_overrides": {"amount_cents": 12000}}
    lago = Lago(
        {path("/subscriptions"): [subscription(**listed)], "/plans": plans},
        {"/subscriptions/sub 1": {"subscription": detail}},
    )
    if plans and plans[0]["interval"] == "daily":
        with pytest.raises(SchemaChanged, match="billing interval"):
            fetch(lago, "subscriptions")
    else:
        row = fetch(lago, "subscriptions").tables["subscription"][0]
        assert row["amount_minor"] == (12000 if listed else 15000)
        assert row["interval"] == "monthly"
    assert lago.seen[-1] == "/subscriptions/sub%201?status=active"


def test_a_single_get_that_finds_a_later_subscription_is_not_used() -> None:
    ended = subscription(lago_id="s-0", status="terminated", plan_amount_cents=None, plan_code="old")
    lago = Lago(
        {path("/subscriptions"): [ended], "/plans": [plan()]},
        {"/subscriptions/sub 1": {"subscription": {**subscription(status="terminated"), "plan": plan()}}},
    )
    row = fetch(lago, "subscriptions").tables["subscription"][0]
    assert (row["amount_minor"], row["monthly_minor"]) == (None, None)


# --- opening ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_lago_is_a_gap(key: str | None) -> None:
    gap = SOURCE.missing(settings(api_key=key))
    assert gap is not None
    assert (gap.source, gap.reason) == ("lago", "not_configured")
    assert "lago.api_key" in gap.next_step
    with pytest.raises(ConfigError, match="No API key"):
        LagoSession(settings(api_key=key), lambda: NOW)


def test_with_a_key_nothing_is_missing() -> None:
    assert SOURCE.missing(settings()) is None


# --- checks -------------------------------------------------------------------------------------------------------------


def check(customers: list[Raw]) -> dict[str, Any]:
    lago = Lago({"/customers": customers})

    async def all_checks(session: LagoSession) -> Any:
        return await asyncio.gather(*(one.run(session, None) for one in SOURCE.checks))

    results = run(lago, all_checks)
    assert lago.seen == ["/customers?page=1&per_page=100"]
    return dict(zip([one.name for one in SOURCE.checks], results, strict=True))


def test_checks_on_healthy_customers() -> None:
    results = check([{"lago_id": str(n), "external_id": OPERATOR, "currency": "USD"} for n in range(3)])
    assert {result.status for result in results.values()} == {"ok"}
    assert results["external_ids"].found == "3 x operator id"


def test_checks_tell_what_turns_ids_into_operator_ids() -> None:
    forms = [OPERATOR, OPERATOR.upper(), OPERATOR.replace("-", ""), f"op_{OPERATOR}", "12345", "acme", None]
    results = check([{"lago_id": str(n), "external_id": form} for n, form in enumerate(forms)])
    result = results["external_ids"]
    assert result.status == "warn"
    for words in ("lower-case it", "insert the dashes", "drop the prefix", "look it up", "other: correct the customer"):
        assert words in result.fix
    assert "2 x other" in result.found


def test_checks_tell_the_currencies() -> None:
    result = check([{"lago_id": str(n), "currency": code} for n, code in enumerate(["USD", "EUR", None, "USD"])])[
        "currencies"
    ]
    assert (result.status, result.found) == ("warn", "USD: 2, EUR: 1, none yet: 1")


def test_checks_without_customers() -> None:
    results = check([])
    assert [results[name].status for name in ("credential", "external_ids", "currencies")] == [
        "warn",
        "skipped",
        "skipped",
    ]


# --- who is it, without the directory --------------------------------------------------------------------------------------


def find(lago: Lago, *readings: Interpretation) -> Candidates:
    assert SOURCE.find is not None
    finder = SOURCE.find
    found = run(lago, lambda session: finder(session, readings))
    assert isinstance(found, Candidates)
    return found


def test_billing_knows_operators_by_their_id() -> None:
    record = {
        "lago_id": "c",
        "external_id": OPERATOR,
        "name": "Quarry Limo",
        "email": "a@quarry.example.com",
        "created_at": "2026-01-01T00:00:00Z",
    }
    found = find(Lago(objects={path(): {"customer": record}}), Interpretation("operator_id", OPERATOR))
    assert [(one.operator_id, one.name, one.email) for one in found.candidates] == [
        (OPERATOR, "Quarry Limo", "a@quarry.example.com")
    ]
    assert found.receipts[0].query == f"GET {path()}"


def test_an_id_that_billing_does_not_know_finds_nobody_and_has_a_receipt() -> None:
    found = find(Lago(), Interpretation("operator_id", OPERATOR))
    assert (found.candidates, found.receipts[0].rows) == ((), 0)


def test_billing_is_not_asked_for_names() -> None:
    lago = Lago()
    assert find(lago, Interpretation("name", "Quarry Limo")) == Candidates((), ())
    assert lago.seen == []


# --- the sandbox over HTTP ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running() as running:
        yield running


def in_sandbox(sandbox: Sandbox, question: Callable[[LagoSession, datetime], Awaitable[Any]]) -> Any:
    loaded = load_settings(sandbox.config_path)
    fast = loaded.model_copy(
        update={"lago": loaded.of(LagoSettings).model_copy(update={"requests_per_second": 5000.0})}
    )
    clock = loaded.clock
    assert clock is not None

    async def asked() -> Any:
        session = LagoSession(fast, lambda: clock)
        try:
            return await question(session, clock)
        finally:
            await session.close()

    return asyncio.run(asked())


async def everything(session: LagoSession, subject: Subject) -> dict[str, list[Raw]]:
    batches = await asyncio.gather(*(stream.fetch(session, subject) for stream in SOURCE.streams))
    for stream, batch in zip(SOURCE.streams, batches, strict=True):
        assert set(batch.tables) == set(stream.tables)
        assert dict(batch.gaps) == {}
    return {table: rows for batch in batches for table, rows in batch.tables.items()}


def test_every_operator_of_the_world_has_whole_tables_of_the_right_types(sandbox: Sandbox) -> None:
    records = sandbox.dataset.lago

    async def all_operators(session: LagoSession, as_of: datetime) -> list[dict[str, list[Raw]]]:
        subjects = [Subject(row["external_id"], as_of) for row in records.customers]
        return [await everything(session, subject) for subject in subjects]

    tables = in_sandbox(sandbox, all_operators)

    for found in tables:
        for name, rows in found.items():
            for row in rows:
                assert sorted(row) == sorted(TABLES[name].column_names)
                for column in TABLES[name].columns:
                    value = row[column.name]
                    assert value is None or type(value) is TYPES[column.type], (name, column.name, value)
                    assert not isinstance(value, datetime) or value.tzinfo is UTC
    for name, originals in {
        "subscription": records.subscriptions,
        "invoice": records.invoices,
        "credit_note": records.credit_notes,
        "coupon": records.applied_coupons,
        "customer": records.customers,
    }.items():
        assert sum(len(found[name]) for found in tables) == len(originals), name
    total = sum(row["total_minor"] for found in tables for row in found["invoice"])
    assert total == sum(row["total_amount_cents"] for row in records.invoices)


def test_an_operators_billing_costs_seven_requests_and_then_six(sandbox: Sandbox) -> None:
    operator = sandbox.dataset.lago.customers[0]["external_id"]
    sandbox.clear_request_log()

    async def twice(session: LagoSession, as_of: datetime) -> None:
        await everything(session, Subject(operator, as_of))
        assert len(sandbox.request_log) == 7
        await everything(session, Subject(operator, as_of))

    in_sandbox(sandbox, twice)
    assert len(sandbox.request_log) == 13


def test_the_same_question_gives_the_same_receipts(sandbox: Sandbox) -> None:
    operator = sandbox.dataset.lago.customers[1]["external_id"]

    async def receipts(session: LagoSession, as_of: datetime) -> list[tuple[str, str]]:
        subject = Subject(operator, as_of)
        batches = [await stream.fetch(session, subject) for stream in SOURCE.streams]
        return [(receipt.id, receipt.digest) for batch in batches for receipt in batch.receipts]

    first, second = in_sandbox(sandbox, receipts), in_sandbox(sandbox, receipts)
    assert first == second
    assert all(re.fullmatch(r"[0-9a-f]{16}", identity) for identity, _ in first)


def test_checks_on_the_sandbox(sandbox: Sandbox) -> None:
    async def all_checks(session: LagoSession, as_of: datetime) -> Any:
        return [await one.run(session, None) for one in SOURCE.checks]

    results = in_sandbox(sandbox, all_checks)
    statuses = {check.name: result.status for check, result in zip(SOURCE.checks, results, strict=True)}
    assert statuses["credential"] == "ok"
    assert statuses["external_ids"] == "ok"

"""Lago's bulk streams: equal to the live ones, whole in spite of pages that move, and as incremental as Lago allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pulled import UNTIL, Kept, in_session, unstamped
from worlds import Worlds

from customer_research.connect.paging import PAGES_AT_ONCE
from customer_research.connect.source import Subject
from customer_research.errors import SchemaChanged, SourceError, Truncated
from customer_research.record_tables import TABLES
from customer_research.settings import Settings, load_settings
from customer_research.sources.lago.bulk import BEGINNING, NOTES
from customer_research.sources.lago.live import operator_of
from customer_research.sources.lago.session import LagoSession
from customer_research.sources.lago.settings import LagoSettings
from customer_research.sources.lago.source import SOURCE
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox

STREAMS = {stream.name: stream for stream in SOURCE.bulk}
RECORDS = {
    "customer": "customers",
    "subscription": "subscriptions",
    "plan": "plans",
    "invoice": "invoices",
    "payment": "payments",
    "credit_note": "credit_notes",
    "coupon": "applied_coupons",
}
LATER = UNTIL + timedelta(days=1)


@pytest.fixture(scope="module")
def dataset(worlds: Worlds) -> Dataset:
    """A world with all named scenarios, a legacy number among its customers, and prices that lists leave open."""
    made = worlds.dataset()
    records = made.lago
    assert len(records.invoices) > PAGES_AT_ONCE * 100
    old = records.customers[3]["external_id"]
    for rows in (
        records.subscriptions,
        records.invoices,
        records.payments,
        records.credit_notes,
        records.applied_coupons,
    ):
        for row in rows:
            if row["external_customer_id"] == old:
                row["external_customer_id"] = "40771"
    records.customers[3]["external_id"] = "40771"
    for row in records.subscriptions[:30]:
        row.pop("plan_amount_cents")
    return made


@pytest.fixture(scope="module")
def own(worlds: Worlds, dataset: Dataset) -> Iterator[Sandbox]:
    """A sandbox of this module: its tests change the world."""
    with worlds.running(dataset=dataset) as running:
        yield running


@pytest.fixture
def settings(own: Sandbox) -> Iterator[Settings]:
    own.clear_request_log()
    loaded = load_settings(own.config_path)
    yield loaded.model_copy(update={"lago": loaded.of(LagoSettings).model_copy(update={"requests_per_second": 5000.0})})
    own.set_faults()


def pulled(settings: Settings, kept: Kept, *streams: str, **how: Any) -> None:
    async def work(session: Any) -> None:
        for name in streams or STREAMS:
            await kept.pull(session, STREAMS[name], **how)

    in_session(SOURCE, settings, work)


def paths(own: Sandbox) -> list[str]:
    return [request.path.removeprefix("/api/v1") for request in own.request_log]


def test_every_row_is_the_live_one(own: Sandbox, settings: Settings) -> None:
    kept = Kept()
    pulled(settings, kept)
    tables = {name: kept.rows(name) for name in TABLES if name in kept.tables}
    linked: dict[str, list[Any]] = {link.table: [] for link in SOURCE.links}
    for link in SOURCE.links:
        linked[link.table] += kept.linked(link, {"csm": []})
    tables["credit_note"] = linked["credit_note"]
    assert linked["gap"] == []
    operators = [row["operator_id"] for row in tables["customer"]]
    assert "legacy:40771" in operators

    async def live(session: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {name: [] for name in tables}
        for operator in operators:
            subject = Subject(operator, UNTIL)
            for batch in await asyncio.gather(*(stream.fetch(session, subject) for stream in SOURCE.streams)):
                for name, rows in batch.tables.items():
                    found[name] += rows
        return found

    for name, rows in in_session(SOURCE, settings, live).items():
        assert len(tables[name]) == len({tuple(row[column] for column in TABLES[name].key) for row in rows})
        assert unstamped(tables[name]) == unstamped(rows), name
        assert tables[name], name
    assert {row["operator_id"]: (row["known_by"], row["created_at"]) for row in linked["operator"]} == {
        row["operator_id"]: ("|lago|", row["created_at"]) for row in tables["customer"]
    }


def test_a_full_pull_asks_for_pages_of_a_hundred_and_prices_that_lists_leave_open(
    own: Sandbox, settings: Settings
) -> None:
    kept = Kept()
    pulled(settings, kept)

    lists = [path for path in paths(own) if "per_page=100" in path]
    lengths = {table: len(getattr(own.dataset.lago, key)) for table, key in RECORDS.items()}
    limits = 1  # what coupons are limited to
    assert len(lists) == limits + sum(max(1, -(-length // 100)) for length in lengths.values())
    assert len([path for path in paths(own) if path.startswith("/subscriptions/")]) == 30
    assert len(paths(own)) == len(lists) + 30 == sum(one.requests for piece in kept.slices for one in piece.receipts)
    assert set(kept.marks) == set(STREAMS)
    assert set(kept.marks.values()) == {UNTIL.isoformat()}
    assert all(piece.total is None or piece.done <= piece.total for piece in kept.slices)


def test_changes_of_invoices_come_whatever_their_age(own: Sandbox, settings: Settings) -> None:
    records = own.dataset.lago
    kept = Kept()
    pulled(settings, kept, "invoices")
    in_all = len(kept.rows("invoice"))
    oldest = sorted(records.invoices, key=lambda row: str(row["issuing_date"]))
    unpaid = [row for row in oldest if row["payment_status"] != "succeeded"]
    paid, deleted, failed = unpaid[0], unpaid[1], next(row for row in oldest if row["payment_status"] == "succeeded")
    assert paid["issuing_date"] < (UNTIL - timedelta(days=60)).date().isoformat()
    new = {**oldest[-1], "lago_id": "new-invoice", "issuing_date": LATER.date().isoformat()}
    before = dict(paid), dict(failed)
    paid["payment_status"], failed["payment_status"] = "succeeded", "failed"
    place = records.invoices.index(deleted)
    records.invoices.remove(deleted)
    records.invoices.append(new)
    own.clear_request_log()
    try:
        pulled(settings, kept, "invoices", until=LATER)
        expected = Kept()
        pulled(settings, expected, "invoices", until=LATER)
    finally:
        paid.update(before[0])
        failed.update(before[1])
        records.invoices.insert(place, deleted)
        records.invoices.remove(new)
    assert unstamped(kept.rows("invoice")) == unstamped(expected.rows("invoice"))
    assert len(kept.rows("invoice")) == in_all
    asked = paths(own)
    assert {path for path in asked if path.startswith("/invoices/")} == {
        f"/invoices/{paid['lago_id']}",
        f"/invoices/{deleted['lago_id']}",
    }
    assert any("issuing_date_from=2026-09-27" in path for path in asked)
    assert kept.marks["invoices"] == LATER.isoformat()


def test_a_record_that_is_deleted_is_gone_after_the_next_pull(own: Sandbox, settings: Settings) -> None:
    kept = Kept()
    pulled(settings, kept, "payments", "customers")
    payment = own.dataset.lago.payments.pop(5)
    try:
        pulled(settings, kept, "payments", until=LATER)
    finally:
        own.dataset.lago.payments.insert(5, payment)
    ids = {row["payment_id"] for row in kept.rows("payment")}
    assert payment["lago_id"] not in ids
    assert len(ids) == len(own.dataset.lago.payments) - 1


def during(own: Sandbox, settings: Settings, kept: Kept, change: Callable[[], object]) -> None:
    """Pull the invoices with a change of the world behind the first slice."""

    async def changing(slices: Any) -> Any:
        async for piece in slices:
            yield piece
            if piece.mark is None and len(kept.slices) == 1:
                change()

    stream = STREAMS["invoices"]
    moving = replace(stream, pull=lambda *given: changing(stream.pull(*given)))
    in_session(SOURCE, settings, lambda session: kept.pull(session, moving))


def test_records_that_come_in_during_a_pull_hide_no_other(own: Sandbox, settings: Settings) -> None:
    records, kept = own.dataset.lago, Kept()
    ids = {row["lago_id"] for row in records.invoices}
    new = [{**records.invoices[0], "lago_id": f"new-{n}", "issuing_date": "2026-12-01"} for n in range(130)]
    try:
        during(own, settings, kept, lambda: records.invoices.extend(new))
    finally:
        del records.invoices[-len(new) :]
    assert {row["invoice_id"] for row in kept.rows("invoice")} == ids
    assert (dict(kept.slices[-1].gaps), kept.slices[-1].whole) == ({}, ("invoice", "lago_unread_invoice"))


def test_records_deleted_during_a_pull_take_no_other_with_them(own: Sandbox, settings: Settings) -> None:
    records, kept = own.dataset.lago, Kept()
    pulled(settings, kept, "invoices")
    kept.slices.clear()
    kept.marks.clear()
    newest = max(records.invoices, key=lambda row: (row["issuing_date"], row["created_at"]))
    place = records.invoices.index(newest)
    try:
        during(own, settings, kept, lambda: records.invoices.remove(newest))
    finally:
        records.invoices.insert(place, newest)
    assert {row["invoice_id"] for row in kept.rows("invoice")} == {row["lago_id"] for row in records.invoices}
    assert [gap.reason for gap in kept.slices[-1].gaps.values()] == ["truncated"]
    assert kept.marks["invoices"] == BEGINNING


def test_a_new_customer_comes_with_the_next_pull(own: Sandbox, settings: Settings) -> None:
    records, kept = own.dataset.lago, Kept()
    pulled(settings, kept, "customers")
    new = {**records.customers[0], "external_id": "0a0a0a0a-1111-4111-8111-0a0a0a0a0a0a", "lago_id": "new"}
    records.customers.append(new)
    try:
        pulled(settings, kept, "customers", "subscriptions", until=LATER)
    finally:
        records.customers.remove(new)
    assert (new["external_id"],) in kept.tables["customer"]


@pytest.mark.parametrize("stream", ["invoices", "payments"])
def test_a_pull_that_was_cut_off_goes_on_behind_its_last_slice(own: Sandbox, settings: Settings, stream: str) -> None:
    kept = Kept()

    async def cut(session: Any) -> None:
        whole = STREAMS[stream]
        await kept.pull(session, replace(whole, pull=lambda *given: broken(whole.pull(*given))))

    async def broken(slices: Any) -> Any:
        async for piece in slices:
            yield piece
            own.set_faults("lago:http500")

    with pytest.raises(SourceError):
        in_session(SOURCE, settings, cut)
    table = STREAMS[stream].tables[0].name
    assert len(kept.slices) == 1
    assert len(kept.rows(table)) == PAGES_AT_ONCE * 100
    own.set_faults()
    own.clear_request_log()
    pulled(settings, kept, stream)
    whole = Kept()
    pulled(settings, whole, stream)
    assert unstamped(kept.rows(table)) == unstamped(whole.rows(table))
    assert "page=1&" not in paths(own)[0] + "&"


@pytest.mark.parametrize("kind", ["http500", "drop", "badjson", "auth", "schema"])
def test_a_failing_lago_leaves_the_slices_before(own: Sandbox, settings: Settings, kind: str) -> None:
    kept = Kept()
    pulled(settings, kept, "customers")
    landed = unstamped(kept.rows("customer"))
    own.set_faults(f"lago:{kind}")
    stream = "invoices" if kind == "schema" else "customers"
    with pytest.raises(SourceError):
        pulled(settings, kept, stream, until=LATER)
    assert unstamped(kept.rows("customer")) == landed
    assert kept.marks["customers"] == UNTIL.isoformat()


def test_now_and_then_a_failure_or_a_limit_is_no_failure_of_the_pull(own: Sandbox, settings: Settings) -> None:
    kept, calm = Kept(), Kept()
    pulled(settings, calm, "invoices")
    own.set_faults("lago:http500:0.2", "lago:drop:0.1")
    pulled(settings, kept, "invoices")
    assert unstamped(kept.rows("invoice")) == unstamped(calm.rows("invoice"))


def test_fewer_records_than_announced_are_a_gap_and_nothing_is_taken_for_gone(own: Sandbox, settings: Settings) -> None:
    kept = Kept()
    pulled(settings, kept, "payments", "invoices")
    counts = {name: len(kept.rows(name)) for name in ("payment", "invoice")}
    own.set_faults("lago:truncate")
    pulled(settings, kept, "payments", "invoices", until=LATER, full=True)
    ends = [piece for piece in kept.slices if piece.mark is not None][-2:]
    assert [dict(piece.gaps).keys() for piece in ends] == [{"payment"}, {"invoice"}]
    assert all(gap.reason == "truncated" for piece in ends for gap in piece.gaps.values())
    assert any(receipt.truncated for piece in ends for receipt in piece.receipts)
    assert {name: len(kept.rows(name)) for name in counts} == counts
    assert kept.marks["invoices"] == BEGINNING
    own.set_faults()
    own.clear_request_log()
    pulled(settings, kept, "invoices", until=LATER)
    assert kept.marks["invoices"] == LATER.isoformat()
    assert len(kept.brought["invoices"]["invoice"]) == counts["invoice"]


def test_one_record_that_cannot_be_read_costs_its_operator_and_nobody_else(own: Sandbox, settings: Settings) -> None:
    bad = own.dataset.lago.invoices[0]
    link = next(link for link in SOURCE.links if link.needs == ("lago_unread_invoice",))
    currency, kept = bad["currency"], Kept()
    try:
        bad["currency"] = None
        pulled(settings, kept, "invoices")
        last = kept.slices[-1]
        assert len(kept.rows("invoice")) == len(own.dataset.lago.invoices) - 1
        assert (dict(last.gaps), last.unread is not None, kept.marks["invoices"]) == ({}, True, UNTIL.isoformat())
        (gap,) = kept.linked(link)
        assert gap["operator_id"] == operator_of(bad["external_customer_id"])
        assert (gap["table_name"], gap["reason"]) == ("invoice", "unavailable")
        assert gap["detail"].startswith("1 invoice record(s) cannot be read: Lago's invoice has no currency")
    finally:
        bad["currency"] = currency
    held = own.dataset.lago.invoices
    bad_again = {"payment_status": bad["payment_status"]}
    bad["payment_status"] = "pending"
    try:
        pulled(settings, kept, "invoices", until=LATER)
    finally:
        bad |= bad_again
    assert kept.linked(link) == []
    assert len(kept.rows("invoice")) == len(held)


def test_records_none_of_which_can_be_read_are_a_changed_contract(own: Sandbox, settings: Settings) -> None:
    own.set_faults("lago:schema")
    with pytest.raises(SchemaChanged):
        pulled(settings, Kept(), "invoices")
    some = settings.model_copy(update={"bounds": settings.bounds.model_copy(update={"bad_records": 1})})
    own.set_faults()
    bad = own.dataset.lago.invoices[:2]
    currencies = [row["currency"] for row in bad]
    try:
        for row in bad:
            row["currency"] = None
        with pytest.raises(SchemaChanged):
            pulled(some, Kept(), "invoices")
    finally:
        for row, currency in zip(bad, currencies, strict=True):
            row["currency"] = currency


@pytest.mark.parametrize("announced", [10**9, 4])
def test_pages_that_do_not_end_are_given_up(settings: Settings, announced: int) -> None:
    """A vendor that names ever further pages: empty ones, or the same again and again; live and in bulk."""
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        number = int(request.url.params["page"])
        records = [{"lago_id": "a"}] if announced == 4 or number == 1 else []
        meta = {"current_page": number, "next_page": number + 1, "total_pages": announced, "total_count": announced}
        return httpx2.Response(200, json={"invoices": records, "meta": meta})

    async def follow(bulk: bool) -> None:
        session = LagoSession(settings, lambda: UNTIL, transport=httpx2.MockTransport(answer))
        if bulk:
            await Kept().pull(session, STREAMS["invoices"])
        else:
            await session.every("/invoices", "invoices", session.http.log("invoices"))

    for bulk in (False, True):
        sent.clear()
        with pytest.raises(Truncated, match=r"Lago's pages do not end: stopped after \d pages\."):
            asyncio.run(follow(bulk))
        assert len(sent) <= 10


def test_a_credit_note_is_its_invoices_operators_and_an_orphan_is_a_gap(own: Sandbox, settings: Settings) -> None:
    kept = Kept()
    pulled(settings, kept, "credit_notes", "invoices")
    links = {link.table: link for link in SOURCE.links}
    notes = kept.rows(NOTES)
    assert notes
    assert all(row["operator_id"] is None for row in notes)
    orphan = notes[0]
    kept.tables["invoice"].pop((orphan["invoice_id"],))
    left = {row["credit_note_id"] for row in kept.linked(links["credit_note"])}
    assert left == {row["credit_note_id"] for row in notes if row["invoice_id"] != orphan["invoice_id"]}
    (gap,) = kept.linked(links["gap"])
    assert (gap["operator_id"], gap["table_name"], gap["reason"]) == (None, "credit_note", "truncated")

"""Tickets of Intercom: what is kept of one, whose it is, and that neither a failure nor a deletion passes for there being none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import intercom_served
import pytest
from intercom_served import put_back, refused, sandbox_of
from pulled import UNTIL, Kept, in_session, unstamped
from worlds import Worlds

from customer_research.connect.source import Batch, Row, Subject
from customer_research.errors import SchemaChanged
from customer_research.settings import Settings
from customer_research.sources.intercom import live, normalise
from customer_research.sources.intercom.bulk import TICKET, TICKET_UNREAD
from customer_research.sources.intercom.matching import Tie, match_ticket
from customer_research.sources.intercom.source import SOURCE
from customer_research_sandbox.project_intercom import contact, ticket
from customer_research_sandbox.scenarios.chats import ChatTicket
from customer_research_sandbox.serve import Sandbox

BUSY = "00000000-5ce0-11f0-a000-000000000034"
OTHER = "00000000-5ce0-11f0-a000-000000000001"
CHATS, TICKETS = SOURCE.bulk

TOLD: dict[str, Any] = {
    "type": "ticket",
    "id": "611",
    "ticket_id": "22",
    "category": "Customer",
    "ticket_attributes": {"_default_title_": "A &amp; <b>B</b>", "_default_description_": "secret words"},
    "ticket_state": {"category": "in_progress"},
    "open": True,
    "created_at": 1_790_000_000,
    "updated_at": 1_790_000_060,
    "admin_assignee_id": 0,
    "linked_objects": {"data": [{"type": "conversation", "id": "7"}, {"type": "ticket", "id": "8"}]},
}


def test_a_row_has_no_description_and_names_its_conversations() -> None:
    found = normalise.ticket_row(TOLD, "ws")
    assert (found["ticket_id"], found["number"], found["title"]) == ("611", "22", "A & B")
    assert (found["category"], found["state"], found["is_open"], found["assignee"]) == (
        "customer",
        "in_progress",
        True,
        None,
    )
    assert found["conversation_ids"] == "|611|7|"
    assert found["created_at"] == datetime.fromtimestamp(1_790_000_000, UTC)
    assert "secret" not in repr(found)
    office = normalise.ticket_row({**TOLD, "category": "Back-office", "ticket_state": {"category": "lost"}})
    assert (office["conversation_ids"], office["state"], office["url"]) == ("|7|", None, None)
    assert normalise.ticket_row({**TOLD, "ticket_state": None, "ticket_attributes": {}})["title"] is None


@pytest.mark.parametrize(
    "wrong", [{"open": None}, {"open": "true"}, {"created_at": 0}, {"updated_at": None}, {"id": None}]
)
def test_what_is_not_as_promised_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(SchemaChanged):
        normalise.ticket_row({**TOLD, **wrong})


ALONE, SHARED = Tie(alone=True), Tie(alone=False)


@pytest.mark.parametrize(
    ("companies", "ties", "found"),
    [
        ([BUSY], {}, ("company", True)),
        ([BUSY, BUSY.upper()], {}, ("company", True)),
        ([BUSY, OTHER], {"a": ALONE}, ("company", False)),
        ([BUSY, "head-office"], {"a": ALONE}, ("company", False)),
        ([OTHER], {"a": ALONE}, None),
        ([], {"a": ALONE}, ("contact", True)),
        ([], {"a": SHARED}, ("contact", False)),
        ([], {}, None),
    ],
)
def test_whose_a_ticket_is(companies: list[str], ties: dict[str, Tie], found: Any) -> None:
    assert match_ticket(BUSY, companies, ["a"], ties) == found


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with sandbox_of(worlds) as running:
        yield running


@pytest.fixture
def records(sandbox: Sandbox) -> Iterator[Any]:
    with put_back(sandbox) as told:
        yield told


@pytest.fixture(scope="module")
def settings(sandbox: Sandbox) -> Settings:
    return settings_of(sandbox)


def settings_of(sandbox: Sandbox) -> Settings:
    quick = intercom_served.settings_of(sandbox, requests_per_second=5000.0)
    return quick.model_copy(update={"bounds": quick.bounds.of_a_sync})


def fetched(settings: Settings, operators: Sequence[str]) -> list[Batch]:
    async def work(session: Any) -> list[Batch]:
        return [await live.fetch(session, Subject(one, UNTIL)) for one in operators]

    found: list[Batch] = in_session(SOURCE, settings, work)
    return found


def pulled(settings: Settings, kept: Kept, *, days: int = 0, full: bool = False) -> None:
    """Pull conversations and tickets so many days later."""

    async def work(session: Any) -> None:
        for stream in (CHATS, TICKETS):
            await kept.pull(session, stream, full=full, until=UNTIL + timedelta(days=days))

    in_session(SOURCE, settings, work)


def linked(kept: Kept, table: str, operators: Sequence[str]) -> list[Row]:
    given: dict[str, list[dict[str, Any]]] = {"operator": [{"operator_id": one} for one in operators]}
    own = [link for link in SOURCE.links if link.table == table and TICKET.name in link.needs]
    return [row for link in own for row in kept.linked(link, given)]


def add(records: Any, own: str, who: Sequence[str], *, category: str = "Back-office", of: Sequence[str] = ()) -> Row:
    made = {
        **ticket("1", ChatTicket(9, "Made", category=category), who[0], of, UNTIL),
        "id": own,
        "contact_ids": [*who],
    }
    records.tickets.append(made)
    return made


def ref_of(records: Any, operator_id: str) -> str:
    found: str = next(one["id"] for one in records.companies if one["company_id"] == operator_id)
    return found


def test_live_and_lake_tell_the_same(settings: Settings, records: Any) -> None:
    mine, other = ref_of(records, BUSY), ref_of(records, OTHER)
    since, template = records.companies[0]["created_at"], records.conversations[0]
    for own, refs in (("both", (mine, other)), ("lone", ()), ("only", (mine,))):
        records.contacts.append(contact(own, own, f"{own}@example.com", refs, since))
    for own, who, ref in (("k1", "both", mine), ("k2", "lone", other), ("k3", "both", None)):
        records.conversations.append({**template, "id": own, "contact_ids": [who], "company_ref": ref})
    for own, people, category, of in (
        ("t1", ["both"], "Back-office", ["k1"]),
        ("t2", ["both"], "Back-office", ["k3"]),
        ("t3", ["only"], "Back-office", ["k2"]),  # of a conversation that no search by contacts finds
        ("t4", ["only", "lone"], "Customer", []),
        ("t5", ["only"], "Tracker", ["k1", "k2"]),
        ("t6", ["both"], "Back-office", ["k1", "k2"]),
        ("k1", ["both"], "Customer", []),
    ):
        add(records, own, people, category=category, of=of)
    operators = [one["company_id"] for one in records.companies]
    kept = Kept()
    pulled(settings, kept)
    batches = fetched(settings, operators)
    assert not any(one.gaps for one in batches)
    rows = [row for one in batches for row in one.tables["chat_ticket"]]
    made = linked(kept, "chat_ticket", [*operators, "unknown"])
    (alone,) = [row for row in made if row["ticket_id"] == "t3"]  # of an operator none of whose people it affects
    assert (alone["operator_id"], alone["matched_by"]) == (OTHER, "company")
    assert unstamped(rows) == unstamped([row for row in made if row is not alone])
    assert len(rows) >= len(records.tickets)
    found = {
        (row["ticket_id"], row["operator_id"][-2:]): (row["matched_by"], row["is_certain"])
        for row in rows
        if row["ticket_id"][0] in "tk"
    }
    assert found == {
        ("t1", "34"): ("company", True),
        ("t2", "34"): ("contact", False),
        ("t2", "01"): ("contact", False),
        ("t4", "34"): ("contact", False),
        ("t5", "34"): ("contact", True),
        ("t6", "34"): ("company", False),
        ("t6", "01"): ("company", False),
        ("k1", "34"): ("company", True),
    }


@pytest.mark.parametrize("by_day", [True, False], ids=["by day", "to the second"])
def test_changes_come_and_what_was_deleted_goes(settings: Settings, records: Any, *, by_day: bool) -> None:
    records.by_day = by_day
    kept = Kept()
    pulled(settings, kept)
    at = int(UNTIL.timestamp())
    open_now = [one for one in records.tickets if one["is_open"]]
    closed, unheard, gone = open_now[:3]
    closed.update(is_open=False, state="resolved", updated_at=at + 60)
    unheard.update(is_open=False, state="resolved")  # closed without the search hearing of it
    records.tickets = [one for one in records.tickets if one is not gone]
    pulled(settings, kept, days=1)
    held = {row["ticket_id"]: row["is_open"] for row in kept.rows(TICKET.name)}
    assert held == {one["id"]: one["is_open"] for one in records.tickets}
    records.tickets = [
        one for one in records.tickets if one is not closed
    ]  # told by nobody, until everything is read again
    pulled(settings, kept, days=2)
    assert closed["id"] in {row["ticket_id"] for row in kept.rows(TICKET.name)}
    pulled(settings, kept, days=3, full=True)
    assert {row["ticket_id"] for row in kept.rows(TICKET.name)} == {one["id"] for one in records.tickets}
    for one in (closed, unheard):
        one.update(is_open=True, state="submitted")


def test_one_that_cannot_be_read_is_a_gap_of_its_operators_alone(settings: Settings, records: Any) -> None:
    who = next(one["id"] for one in records.contacts if ref_of(records, BUSY) in one["company_refs"])
    broken = add(records, "broken", [who])
    broken["created_at"] = 0
    kept = Kept()
    for days in (0, 9):
        pulled(settings, kept, days=days)
        (row,) = linked(kept, "gap", [BUSY, OTHER])
        assert (row["operator_id"], row["table_name"], row["reason"]) == (BUSY, "chat_ticket", "unavailable")
        assert row["detail"].startswith("1 ticket record cannot be read")
    busy, other = fetched(settings, [BUSY, OTHER])
    assert (list(busy.gaps), busy.gaps["chat_ticket"].detail) == (["chat_ticket"], row["detail"])
    assert not other.gaps
    broken["created_at"] = broken["updated_at"]
    pulled(settings, kept, days=12)
    assert (linked(kept, "gap", [BUSY]), kept.rows(TICKET_UNREAD.name)) == ([], [])


@pytest.mark.parametrize(
    ("status", "code", "reason"), [(403, "api_plan_restricted", "denied"), (404, "not_found", "unavailable")]
)
def test_who_may_not_read_tickets_reads_conversations(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, status: int, code: str, reason: str
) -> None:
    async def no(*_: Any) -> Any:
        return refused(status, code)(None)

    monkeypatch.setattr("customer_research_sandbox.servers.intercom.IntercomServer._search_tickets", no)
    with sandbox_of(worlds) as running:
        (found,) = fetched(settings_of(running), [BUSY])
    assert {table: gap.reason for table, gap in found.gaps.items()} == {"chat_ticket": reason}
    assert len(found.tables["conversation"]) == 5
    assert found.tables["chat_ticket"] == []


def test_a_list_that_comes_short_is_told(settings: Settings, sandbox: Sandbox) -> None:
    kept = Kept()
    pulled(settings, kept)
    sandbox.set_faults("intercom:short")
    try:
        in_session(SOURCE, settings, lambda session: kept.pull(session, TICKETS))
        (found,) = fetched(settings, [BUSY])
    finally:
        sandbox.set_faults()
    assert kept.slices[-1].gaps[TICKET.name].reason == found.gaps["chat_ticket"].reason == "truncated"
    assert kept.slices[-1].whole == ()

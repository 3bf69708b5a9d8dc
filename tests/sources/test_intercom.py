"""Intercom: whose a conversation is, what of it is read, and that nothing is guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from intercom_served import answering, put_back, refused, sandbox_of, settings_of
from worlds import Worlds

from customer_research.connect.source import Batch, Subject
from customer_research.errors import BadAnswer, SchemaChanged
from customer_research.settings import Settings
from customer_research.sources import discover
from customer_research.sources.intercom import live, normalise
from customer_research.sources.intercom.matching import Tie, match
from customer_research.sources.intercom.session import code, message
from customer_research_sandbox.project_intercom import contact
from customer_research_sandbox.serve import Sandbox

OPERATOR = "00000000-5ce0-11f0-a000-000000000034"
OTHER = "00000000-5ce0-11f0-a000-000000000001"
SOURCE = discover()["intercom"]

TOLD: dict[str, Any] = {
    "type": "conversation",
    "id": "1",
    "state": "open",
    "created_at": 1_790_000_000,
    "updated_at": 1_790_000_060,
    "waiting_since": 1_790_000_060,
    "title": None,
    "source": {
        "type": "conversation",
        "delivered_as": "customer_initiated",
        "subject": "<p>Price &amp; <b>zone</b></p>",
        "body": "<p>secret words</p>",
    },
    "statistics": {"first_admin_reply_at": 1_790_000_030, "time_to_admin_reply": 10, "median_time_to_reply": 12},
    "conversation_rating": {"rating": 4, "created_at": 1_790_000_050},
    "ai_agent_participated": False,
    "admin_assignee_id": 0,
}


def row(**changes: Any) -> dict[str, Any]:
    return normalise.conversation_row({**TOLD, **changes})


def test_a_row_has_times_of_both_clocks_and_no_body() -> None:
    found = row()
    assert found["created_at"] == datetime.fromtimestamp(1_790_000_000, UTC)
    assert found["first_reply_at"] == datetime.fromtimestamp(1_790_000_030, UTC)
    assert (found["first_reply_s"], found["median_reply_s"]) == (10, 12)
    assert (found["subject"], found["assignee"], found["url"]) == ("Price & zone", None, None)
    assert (found["rating"], found["is_open"]) == (4, True)
    assert "secret" not in repr(found)


def test_without_statistics_nothing_is_said_of_replies() -> None:
    found = row(statistics=None)
    assert {found[name] for name in ("first_reply_at", "first_reply_s", "median_reply_s", "reopens", "parts")} == {None}
    assert found["waiting_since"] is not None


def test_an_agents_reply_is_no_persons() -> None:
    found = row(ai_agent_participated=True, teammates={"teammates": [{"type": "admin", "id": "7"}]})
    assert [found[name] for name in ("first_reply_at", "first_reply_s", "median_reply_s")] == [None] * 3


def test_who_began_it_and_when_they_wrote() -> None:
    begun, wrote = (datetime.fromtimestamp(1_790_000_000 + n, UTC) for n in (0, 20))
    assert (row()["begun_by"], row()["asked_at"], row()["first_reply_s"]) == ("contact", begun, 10)
    late = {**TOLD["statistics"], "first_contact_reply_at": 1_790_000_020}
    for told in ("operator_initiated", "automated", "admin_initiated", "campaigns_initiated"):
        ours = {"source": {"delivered_as": told}}
        found = row(**ours, statistics=late)
        assert (found["begun_by"], found["asked_at"], found["first_reply_s"]) == ("us", wrote, None)
        assert found["first_reply_at"] == datetime.fromtimestamp(1_790_000_030, UTC)
        alone = row(**ours)
        assert (alone["asked_at"], alone["first_reply_at"]) == (None, None)
        own = {**late, "first_admin_reply_at": 1_790_000_000}
        assert row(**ours, statistics=own)["first_reply_at"] is None
        told_apart = row(**ours, statistics=None, first_contact_reply={"created_at": 1_790_000_020})
        assert told_apart["asked_at"] == wrote
    assert row(source={"delivered_as": "carrier pigeon"})["begun_by"] is None


@pytest.mark.parametrize(
    ("title", "subject", "found"),
    [
        ("A title", "<p>Other</p>", "A title"),
        ("<p> </p>", "<p>Other</p>", "Other"),
        ("", "<p>&nbsp;</p>", None),
        (None, None, None),
    ],
)
def test_a_subject_has_words_or_there_is_none(title: str | None, subject: str | None, found: str | None) -> None:
    assert row(title=title, source={"subject": subject})["subject"] == found


def test_further_columns() -> None:
    found = normalise.conversation_row(
        {
            **TOLD,
            "sla_applied": {"sla_status": "missed"},
            "conversation_rating": {"rating": 4, "created_at": 1_790_000_050, "updated_at": 1_790_000_058},
            "admin_assignee_id": 7,
        },
        "ws",
    )
    assert (found["sla_status"], found["assignee"]) == ("missed", "7")
    assert found["rated_at"] == datetime.fromtimestamp(1_790_000_058, UTC)
    assert found["url"] == "https://app.intercom.com/a/inbox/ws/inbox/conversation/1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": None},
        {"state": "pending"},
        {"created_at": None},
        {"updated_at": "2026-11-01"},
        {"created_at": 1_790_000_000_000},
        {"waiting_since": True},
        {"conversation_rating": {"rating": 6}},
        {"statistics": {"count_reopens": "many"}},
        {"id": None},
    ],
)
def test_what_is_not_as_promised_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(SchemaChanged):
        row(**wrong)


ALONE, SHARED = Tie(alone=True), Tie(alone=False)


@pytest.mark.parametrize(
    ("company", "contacts", "ties", "found"),
    [
        (OPERATOR, ["a"], {}, ("company", True)),
        (OPERATOR.replace("-", "").upper(), ["a"], {}, ("company", True)),
        (OTHER, ["a"], {"a": ALONE}, None),
        ("head-office", ["a"], {"a": ALONE}, None),
        (None, ["a"], {"a": ALONE}, ("contact", True)),
        (None, ["a", "b"], {"a": ALONE, "b": ALONE}, ("contact", True)),
        (None, ["a", "b"], {"a": ALONE}, ("contact", False)),
        (None, ["a"], {"a": SHARED}, ("contact", False)),
        (None, ["a"], {}, None),
    ],
)
def test_whose_a_conversation_is(company: str | None, contacts: list[str], ties: dict[str, Tie], found: Any) -> None:
    assert match(OPERATOR, company, contacts, ties) == found


def test_intercoms_own_words_are_the_first_of_its_errors() -> None:
    assert message({"type": "error.list", "errors": [{"code": "unauthorized", "message": "Invalid"}]}) == "Invalid"
    wrong: list[Any] = [{}, "text", {"errors": []}, {"errors": ["a"]}]
    assert [message(body) for body in wrong] == [code(body) for body in wrong] == [""] * 4
    assert code({"errors": [{"code": "company_not_found"}]}) == "company_not_found"


@pytest.mark.parametrize("handler", ["_companies", "_company_contacts"])
def test_only_intercoms_own_word_says_that_there_is_no_company(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, handler: str
) -> None:
    with monkeypatch.context() as own:
        answering(own, handler, refused(404, "company_not_found"))
        with sandbox_of(worlds) as running:
            assert (fetch(running).tables["conversation"], dict(fetch(running).gaps)) == ([], {})
    answering(monkeypatch, handler, refused(404, "not_found"))
    with sandbox_of(worlds) as running, pytest.raises(BadAnswer, match="404"):
        fetch(running)


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with sandbox_of(worlds) as running:
        yield running


@pytest.fixture
def records(sandbox: Sandbox) -> Iterator[Any]:
    with put_back(sandbox) as told:
        yield told


def fetch(sandbox: Sandbox, operator_id: str = OPERATOR, **changes: Any) -> Batch:
    async def work(settings: Settings) -> Batch:
        now = settings.clock
        assert now is not None
        session = SOURCE.open(settings, lambda: now)
        try:
            found: Batch = await live.fetch(session, Subject(operator_id, now))
            return found
        finally:
            await session.close()

    return asyncio.run(work(settings_of(sandbox, **changes)))


def matches(batch: Batch) -> dict[str, tuple[str, bool]]:
    return {one["conversation_id"]: (one["matched_by"], one["is_certain"]) for one in batch.tables["conversation"]}


def test_every_conversation_comes_with_one_receipt(sandbox: Sandbox) -> None:
    sandbox.clear_request_log()
    found = fetch(sandbox)
    assert len(found.tables["conversation"]) == 5
    assert not found.gaps
    (receipt,) = found.receipts
    assert {one["fetch_id"] for one in found.tables["conversation"]} == {receipt.id}
    assert receipt.requests == len(sandbox.request_log) == 5
    assert all("/contacts/" not in one.path or "/companies/" in one.path for one in sandbox.request_log)


def test_nobody_there_is_an_answer(sandbox: Sandbox) -> None:
    found = fetch(sandbox, "00000000-5ce0-11f0-a000-000000000036")
    assert (found.tables["conversation"], dict(found.gaps)) == ([], {})
    assert found.receipts


def _of(records: Any, operator_id: str) -> str:
    found: str = next(one["id"] for one in records.companies if one["company_id"] == operator_id)
    return found


def _add(records: Any, own: str, who: list[str], company: str | None) -> None:
    template = records.conversations[0]
    records.conversations = [
        *records.conversations,
        {**template, "id": own, "contact_ids": who, "company_ref": company},
    ]


def test_the_company_decides_and_shared_contacts_are_probable(sandbox: Sandbox, records: Any) -> None:
    mine, others = _of(records, OPERATOR), _of(records, OTHER)
    since = records.companies[0]["created_at"]
    both = contact("both", "Kim Fernway", "kim@example.com", (mine, others), since)
    lone = contact("lone", "Lee Ashcombe", "owner@example.com", (), since)
    records.contacts = [*records.contacts, both, lone]
    for own, who, company in (
        ("c1", ["both"], mine),
        ("c2", ["both"], others),
        ("c3", ["both"], None),
        ("c4", ["lone"], None),
        ("c5", ["both", "lone"], None),
    ):
        _add(records, own, who, company)

    found = matches(fetch(sandbox))

    assert {own: how for own, how in found.items() if own.startswith("c")} == {
        "c1": ("company", True),
        "c3": ("contact", False),
        "c5": ("contact", False),
    }


@pytest.mark.parametrize("by_cursor", [True, False], ids=["by cursor", "by address"])
def test_pages_of_contacts_and_conversations_are_followed(sandbox: Sandbox, records: Any, *, by_cursor: bool) -> None:
    records.cursor_pages = by_cursor
    mine, since = _of(records, OPERATOR), records.companies[0]["created_at"]
    many = [contact(f"many{n}", f"Person {n}", f"p{n}@example.com", (mine,), since) for n in range(120)]
    records.contacts = [*records.contacts, *many]
    for number in range(400):
        _add(records, f"m{number:03d}", [f"many{number % 120}"], None)
    found = fetch(sandbox)
    assert not found.gaps
    assert sum(one.startswith("m") for one in matches(found)) == 400


def test_one_that_cannot_be_read_is_a_gap_and_many_a_changed_contract(sandbox: Sandbox, records: Any) -> None:
    own = [one for one in records.conversations if one["company_ref"] == _of(records, OPERATOR)]
    records.conversations = [one for one in records.conversations if one not in own]
    records.conversations += [{**own[0], "state": "lost"}, *own[1:]]
    found = fetch(sandbox)
    assert found.gaps["conversation"].reason == "unavailable"
    assert len(found.tables["conversation"]) == 4
    records.conversations = [{**one, "state": "lost"} for one in records.conversations]
    with pytest.raises(SchemaChanged):
        fetch(sandbox)

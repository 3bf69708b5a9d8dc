"""The support chat of an operator: figures worked out by hand, a section with receipts, and no trace of a source that is off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from worlds import Worlds

from customer_research.documents.formats import render
from customer_research.documents.present import leaves
from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.report import Report
from customer_research.reports.kinds import KINDS, OPERATOR_KINDS
from customer_research.research import Research
from customer_research.settings import Settings, StoreSettings, load_settings
from customer_research_sandbox.scenarios.chats import expected_chats
from customer_research_sandbox.serve import Sandbox

BUSY = "00000000-5ce0-11f0-a000-000000000034"
QUIET = "00000000-5ce0-11f0-a000-000000000035"
NOT_THERE = "00000000-5ce0-11f0-a000-000000000036"
CHAT = {name for name, metric in METRICS.items() if "conversation" in metric.tables}
CHAT_TEXTS = ("Intercom", "Support chat", "onversation")


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(also=("intercom",)) as running:
        yield running


@pytest.fixture(scope="module")
def settings(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    store = tmp_path_factory.mktemp("store") / "store.db"
    loaded = load_settings(sandbox.config_path)
    return loaded.model_copy(update={"store": StoreSettings(url=SecretStr(f"sqlite:///{store}"))})


def off(settings: Settings) -> Settings:
    return settings.model_copy(update={"intercom": settings.intercom.model_copy(update={"token": None})})  # type: ignore[attr-defined]


def account_of(settings: Settings, operator_id: str) -> Account:
    async def work() -> Account:
        async with Research(settings) as research:
            return await research.account_for(KINDS["profile"], operator_id)

    return asyncio.run(work())


def profile(account: Account) -> Report:
    return KINDS["profile"].report(account)


def drawn(report: Report, form: str) -> str:
    return render(report, form).decode()


def shown(account: Account) -> str:
    return drawn(profile(account), "markdown")


SIGNS = {"R23", "R24", "R25"}
FOUND = {BUSY: {"R23", "R24"}}
"""Which signs of the support chat the scenarios show: somebody has waited 156 hours where a first reply takes 48; five conversations
after none, which are more than chance explains (25 against 20)."""


@pytest.mark.parametrize(("operator_id", "expected"), expected_chats().items(), ids=lambda told: str(told)[-2:])
def test_the_scenarios_come_to_what_was_worked_out_by_hand(
    settings: Settings, operator_id: str, expected: Mapping[str, Any]
) -> None:
    account = account_of(settings, operator_id)
    figures = account.figures
    assert {one.rule for one in account.findings} & SIGNS == FOUND.get(operator_id, set())
    found = {
        name: pytest.approx(figure.value) if isinstance(figure := figures[name], Fact) else None for name in expected
    }
    assert expected == found
    for name in expected:
        figure = figures[name]
        if isinstance(figure, Fact):
            assert "intercom" in {receipt.source for receipt in figure.basis}
        else:
            assert figure.reason == "none_found"


def test_the_profile_has_a_section_with_every_receipt(settings: Settings) -> None:
    report = profile(account_of(settings, BUSY))
    (chat,) = [section for section in report.sections if section.id == "chat"]
    assert chat.title == "Support chat"
    text = drawn(report, "markdown")
    assert "Waiting for our answer" in text
    assert "Refund to a card" in text
    assert "please help" not in text
    cells = [one for block in chat.blocks for one in leaves(block)]
    receipts = [receipt for one in cells if isinstance(one, Fact) for receipt in one.basis]
    (own,) = {one.id for one in receipts if one.source == "intercom"}
    facts = [one for one in cells if isinstance(one, Fact)]
    assert len(facts) > 40
    assert all(own in {receipt.id for receipt in fact.basis} for fact in facts)


def test_what_is_empty_is_an_answer_where_it_is_one(sandbox: Sandbox, settings: Settings) -> None:
    told = sandbox.dataset.intercom.conversations
    ref = next(one["id"] for one in sandbox.dataset.intercom.companies if one["company_id"] == BUSY)
    topic = "Invoice for last month"
    place, kept = next((n, x) for n, x in enumerate(told) if (x["company_ref"], x["subject"]) == (ref, topic))
    told[place] = {**kept, "subject": ""}
    try:
        text = shown(account_of(settings, BUSY))
    finally:
        told[place] = kept
    (row,) = [line for line in text.splitlines() if "no subject" in line]
    assert "nobody waits" in row
    assert "not rated" in row
    assert "not recorded" not in row
    (untold,) = [line for line in text.splitlines() if "Driver cannot sign in" in line]
    assert "not recorded" in untold  # of which Intercom has no statistics


def test_who_waits_is_told_with_what_is_usual(settings: Settings) -> None:
    (found,) = [one for one in account_of(settings, BUSY).findings if one.rule == "R23"]
    assert found.because.endswith("half of our first replies to them in 90 days came within 48 hours.")


def test_what_we_began_is_shown_and_not_counted(settings: Settings) -> None:
    account = account_of(settings, QUIET)
    (row,) = account.records["conversation"].rows
    assert (row["begun_by"], row["asked_at"], row["is_open"]) == ("us", None, True)
    assert "New: airport fees" in shown(account)
    counts = [account.figures[name] for name in ("conversations_90d", "conversations_open")]
    assert [one.value for one in counts if isinstance(one, Fact)] == [0, 0]
    assert "Longest wait (hours by the clock): *none found (Intercom): Nobody waits for our answer.*" in shown(account)
    assert "No conversation that the operator's people surely began in these 90 days was rated." in shown(account)


def test_tickets_are_listed_with_the_conversation_that_counts_for_them(settings: Settings) -> None:
    text = shown(account_of(settings, BUSY))
    rows = {
        one: line for line in text.splitlines() for one in ("Wrong day on trips", "New tablet", "Logo") if one in line
    }
    assert {one: "| yes | contact" in line or "| yes | company" in line for one, line in rows.items()} == {
        "Wrong day on trips": True,
        "New tablet": False,
        "Logo": False,
    }
    assert list(rows) == ["New tablet", "Wrong day on trips", "Logo"]  # open ones first, the newest first among them
    assert "please help" not in text
    assert "No ticket in Intercom." in shown(account_of(settings, QUIET))


def test_who_has_never_written_is_told_so(settings: Settings) -> None:
    assert "No conversation in Intercom." in shown(account_of(settings, NOT_THERE))


def test_a_source_that_is_off_leaves_no_trace_in_any_report(settings: Settings) -> None:
    account = account_of(off(settings), BUSY)
    assert {figure.reason for name in CHAT if isinstance(figure := account.figures[name], Gap)} == {"not_configured"}
    bare = replace(account, records={name: one for name, one in account.records.items() if name != "conversation"})
    for kind in OPERATOR_KINDS.values():
        if kind.about == "operator":
            text = drawn(kind.report(account), "json")
            assert text == drawn(kind.report(bare), "json")
            assert not [word for word in CHAT_TEXTS if word in text], kind.name


def test_a_wrong_setting_does_not_switch_it_off(settings: Settings) -> None:
    wrong = settings.intercom.model_copy(update={"url": "nowhere"})  # type: ignore[attr-defined]
    account = account_of(settings.model_copy(update={"intercom": wrong}), BUSY)
    gap = account.records["conversation"].gap
    assert gap is not None
    assert gap.reason == "unavailable"
    assert "Support chat" in shown(account)


def test_a_source_that_is_down_is_a_named_gap_and_moves_no_score(sandbox: Sandbox, settings: Settings) -> None:
    before = account_of(off(settings), BUSY)
    sandbox.set_faults("intercom:down")
    try:
        down = account_of(settings, BUSY)
    finally:
        sandbox.set_faults()
    assert down.score == before.score
    assert (down.findings, down.advice, down.urgency) == (before.findings, before.advice, before.urgency)
    assert {one.source: one.state for one in down.freshness}["intercom"] == "missing"
    assert {figure.reason for name in CHAT if isinstance(figure := down.figures[name], Gap)} == {"unavailable"}
    assert "Intercom" in shown(down)
    others = [one for one in profile(down).sections if one.id != "chat"]
    assert [one.id for one in others] == [one.id for one in profile(before).sections]


def test_a_source_that_is_on_moves_no_score(settings: Settings) -> None:
    assert account_of(settings, BUSY).score == account_of(off(settings), BUSY).score


def test_a_subject_is_masked_as_any_text(sandbox: Sandbox, settings: Settings, tmp_path: Path) -> None:
    told = sandbox.dataset.intercom.conversations
    place, kept = next(
        (n, one) for n, one in enumerate(told) if one["subject"] == "Refund to a card" and "0600" in one["id"]
    )
    told[place] = {**kept, "subject": "Write to kim.fernway@example.com <script>alert(1)</script>"}
    try:
        text = drawn(profile(account_of(settings, BUSY)), "html")
    finally:
        told[place] = kept
    assert "kim.fernway@" not in text
    assert "<script>alert" not in text

"""Every kind of report on all 42 scenarios: a proper report for whoever has five minutes, on a terminal of 100 columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TypeAlias

import pytest
from rich.cells import cell_len

from customer_research.documents.formats import agent, markdown, terminal
from customer_research.documents.small_answer import AIM
from customer_research.domain.account import Account
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Report
from customer_research.reports.kinds import OPERATOR_KINDS
from customer_research.reports.kinds import comparison as comparison_kind
from customer_research.research.usecases import Answer
from customer_research.surfaces.slack.commands import COMMANDS, asked
from customer_research.surfaces.slack.messages import of_answer
from customer_research_sandbox.servers.slack_blocks import check_message, texts
from customer_research_sandbox.servers.slack_space import commands_of

WIDTH, LINES, EVERY = 100, 45, 4
CODES = re.compile(r"(?<![-A-Z0-9])[EPSGRC]\d{1,2}b?\b(?!-)|\b[A-Z]+(?:_[A-Z]+)+\b")
"""Ids of rules, and vendors' words for programs."""

BARE = re.compile(r"\bNone\b(?! in )|\bnan\b|Traceback|<object|Decimal\(")
CONTEXT = {"type": "context", "elements": [{"type": "mrkdwn", "text": "Shared by A, and what was asked"}]}
"""What stands before a message that is shared."""

CUSTOMER = Occasion(audience="customer")
INTERNAL_WORDS = re.compile(r"(?i)health \d|at risk|critical|churn|caps the band|scorecard|retention")
"""What no customer may read (the marker test proves it of every value; this looks at real ones)."""


@pytest.fixture(scope="module")
def accounts(scenario_accounts: Mapping[str, Account]) -> Mapping[str, Account]:
    """Every scenario's account with all that any kind reads."""
    return scenario_accounts


Reported: TypeAlias = Callable[[str, str], Report]


@pytest.fixture(scope="module")
def reported(accounts: Mapping[str, Account]) -> Reported:
    """The report of a kind on a scenario, made once."""

    @cache
    def made(kind: str, name: str) -> Report:
        return OPERATOR_KINDS[kind].report(accounts[name])

    return made


def shared_out(kind: str, accounts: Mapping[str, Account]) -> Sequence[str]:
    """Every fourth scenario, of each kind beginning with another one: together the kinds see all of them."""
    return list(accounts)[list(OPERATOR_KINDS).index(kind) % EVERY :: EVERY]


@pytest.mark.parametrize("kind", OPERATOR_KINDS)
def test_every_scenario_has_a_proper_report(kind: str, accounts: Mapping[str, Account], reported: Reported) -> None:
    for name in shared_out(kind, accounts):
        report = reported(kind, name)
        text = terminal.render(report, width=WIDTH)
        assert not BARE.search(text), (name, BARE.findall(text))
        if kind != "quick":
            assert [line for line in text.splitlines() if cell_len(line) > WIDTH] == [], name
            assert report.headline is not None
            assert all(part.title and part.blocks for part in report.sections), name


@pytest.mark.parametrize("kind", OPERATOR_KINDS)
def test_every_scenario_has_a_small_answer_that_cites_what_it_says(
    kind: str, accounts: Mapping[str, Account], reported: Reported
) -> None:
    for name, account in accounts.items():
        text = agent.render(reported(kind, name))
        answer = json.loads(text)
        assert len(text) <= AIM, name
        assert answer["statements"], name
        assert answer["operator"]["id"] == account.operator_id, name


@pytest.mark.parametrize("kind", OPERATOR_KINDS)
def test_every_scenario_is_a_message_that_slack_takes(
    kind: str, accounts: Mapping[str, Account], reported: Reported
) -> None:
    """With what can be pressed under it, by the limits of the sandbox's Slack; nothing in it commands Slack."""
    word = next((one.word for one in COMMANDS.values() if one.use_case == kind), "find")
    for name, account in accounts.items():
        question = asked(f"{word} {account.operator_id}")
        assert question is not None
        told = of_answer(Answer(reported(kind, name)), question)
        check_message(told.text, [CONTEXT, *told.blocks], None)
        assert [one for text in (told.text, *texts(told.blocks, marked=True)) for one in commands_of(text)] == [], name


@pytest.mark.parametrize("kind", OPERATOR_KINDS)
def test_a_first_screen_has_45_lines_and_no_word_of_programs(
    kind: str, accounts: Mapping[str, Account], reported: Reported
) -> None:
    for name in shared_out(kind, accounts):
        report = reported(kind, name)
        text = terminal.render(report, width=WIDTH, height=LINES, receipts=False)
        assert len(text.rstrip("\n").split("\n")) <= LINES, name
        assert kind == "quick" or max(map(cell_len, text.split("\n"))) <= WIDTH, name
        assert "[1" not in text, name
        assert CODES.findall(text) == [] or kind == "health", name


def test_the_first_screen_of_a_review_says_what_matters(accounts: Mapping[str, Account], reported: Reported) -> None:
    for name in accounts:
        text = terminal.render(reported("account-review", name), width=WIDTH)
        assert "In short" in "\n".join(text.splitlines()[:24]), name


@pytest.mark.parametrize("kind", [name for name, kind in OPERATOR_KINDS.items() if kind.for_customers])
def test_no_scenario_tells_a_customer_anything_internal(kind: str, accounts: Mapping[str, Account]) -> None:
    for name, account in accounts.items():
        text = markdown.render(OPERATOR_KINDS[kind].report(account, CUSTOMER))
        assert not INTERNAL_WORDS.search(text.replace(account.name, "")), (name, INTERNAL_WORDS.findall(text))
        assert not BARE.search(text), name


def test_ten_scenarios_side_by_side(accounts: Mapping[str, Account]) -> None:
    report = comparison_kind.KIND.build(list(accounts.values())[:10])
    assert not BARE.search(terminal.render(report, width=WIDTH))


def test_silent_churn_is_found_by_every_kind_that_looks_for_it(accounts: Mapping[str, Account]) -> None:
    account = accounts["S02"]
    assert "Disengaged in silence" in terminal.render(OPERATOR_KINDS["account-review"].report(account), width=WIDTH)
    assert "What has changed in the bookings" in terminal.render(OPERATOR_KINDS["brief"].report(account), width=WIDTH)
    risk = OPERATOR_KINDS["churn-risk"].report(account).headline
    assert risk is not None
    assert risk.text.startswith("Risk 55 of 100. Medium risk")

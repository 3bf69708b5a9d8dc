"""All 42 named scenarios, fetched through real HTTP, meet the findings that were computed by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from scenario_judge import EXPECTED, mismatches

from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.identity import LookupAnswer
from customer_research.errors import UsageError
from customer_research.research.gaps import nothing_of
from customer_research_sandbox.serve import Sandbox

pytestmark = pytest.mark.usefixtures("no_waiting")

LOOKUPS = [(name, case) for name, scenario in EXPECTED.items() for case in scenario.get("lookup", ())]
PATH_WORDS = {"direct": "account of the CSM view", "raw": "raw tables"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_scenario_meets_its_expected_findings(
    name: str, clean_sandbox: Sandbox, research: Any, scenario_accounts: Mapping[str, Account]
) -> None:
    """`test_portfolio_demo` holds the same to what is fetched without listings, operator by operator."""
    scenario = EXPECTED[name]
    expect = scenario["expect"]
    account = scenario_accounts[name]
    if "fault" in expect:
        clean_sandbox.set_faults(f"{expect['fault']['source']}:{expect['fault']['kind']}")
        account = research(lambda opened: opened.account(scenario["operator_id"]))

    assert mismatches(account, expect) == []
    assert list(_details(account, expect)) == []


def _details(account: Account, expect: Mapping[str, Any]) -> Iterator[str]:
    """What only a few scenarios say: rows of the CSM view, the charge path, ticket paths."""
    rows = len(account.records["csm"].rows)
    if expect.get("csm_rows", rows) != rows:
        yield f"{rows} CSM rows"
    paths = Counter(row["matched_by"] for row in account.records["ticket"].rows)
    if expect.get("ticket_paths", paths) != paths:
        yield f"ticket paths {paths}"
    attempts = account.figures["charge_attempts"]
    wanted = expect.get("charge_path")
    if wanted == "none":
        if not (isinstance(attempts, Gap) and attempts.reason == "not_applicable"):
            yield f"card processing should not apply: {attempts}"
    elif wanted and not (isinstance(attempts, Fact) and PATH_WORDS[wanted] in attempts.note):
        yield f"charge path {wanted} is not told: {attempts}"


def test_the_mrr_in_usd_does_not_apply_to_who_is_billed_in_another_currency(
    clean_sandbox: Sandbox, research: Any
) -> None:
    account = research(lambda opened: opened.account(EXPECTED["S13"]["operator_id"]))
    found = account.figures["mrr_usd"]
    assert isinstance(found, Gap)
    assert (found.reason, found.source) == ("not_applicable", "lago")
    assert nothing_of(METRICS["mrr_usd"], "lago", {"active_subscriptions": 1}) == found
    assert nothing_of(METRICS["mrr_usd"], "lago", {"active_subscriptions": 0}).reason == "none_found"
    assert nothing_of(METRICS["nps_latest"], "warehouse", {"active_subscriptions": 1}).reason == "none_found"


def test_what_is_computed_from_an_unknown_count_is_unknown() -> None:
    """Every metric whose records are those of a count that may be unknown."""
    counted = {name: one for name, one in METRICS.items() if one.unknown_state}
    made = [one for one in METRICS.values() if one.evidence in counted and one.name not in counted]
    assert {"chat_rating_90d", "conversations_per_100_trips", "conversations_per_100_trips_prev"} <= {
        one.name for one in made
    }
    for one in made:
        unknown = nothing_of(one, "intercom", {one.evidence: None})
        assert (unknown.reason, unknown.detail) == ("unavailable", counted[one.evidence].unknown_state)
        assert unknown.metric == one.name
        assert nothing_of(one, "intercom", {one.evidence: 0}).reason == "none_found"


@pytest.mark.parametrize("metric", [name for name, found in METRICS.items() if found.unknown_state])
def test_a_count_of_records_whose_states_are_unknown_is_unknown_and_not_none(metric: str) -> None:
    gap = nothing_of(METRICS[metric], "hubspot", {"contacts": 2})
    assert (gap.reason, gap.metric, "is not known of every" in gap.detail) == ("unavailable", metric, True)
    assert METRICS[metric].empty == 0  # so that it has no value only where a state is unknown


def test_every_scenario_is_there() -> None:
    assert sorted(EXPECTED) == [f"S{number:02}" for number in range(1, 43)]


def test_a_failed_and_overdue_invoice_counts_twice_in_the_billing_guide(clean_sandbox: Sandbox, research: Any) -> None:
    scenario = EXPECTED["S05"]
    account = research(lambda opened: opened.account(scenario["operator_id"], scorecard="billing_guide"))

    payment = next(d for d in account.score.dimensions if d.name == "payment")
    assert payment.score == scenario["expect"]["billing_guide"]["payment"]


def test_the_literal_guide_punishes_a_big_operator_for_passengers_declines(
    clean_sandbox: Sandbox, research: Any
) -> None:
    scenario = EXPECTED["S18"]
    account = research(lambda opened: opened.account(scenario["operator_id"], scorecard="guide"))

    payment = next(d for d in account.score.dimensions if d.name == "payment")
    assert payment.score <= scenario["expect"]["guide"]["payment_at_most"]


@pytest.mark.parametrize(("name", "case"), LOOKUPS, ids=[f"{name}-{case['term'][:30]}" for name, case in LOOKUPS])
def test_a_scenario_is_looked_up_as_expected(
    name: str, case: Mapping[str, Any], clean_sandbox: Sandbox, research: Any
) -> None:
    if case.get("refused"):
        with pytest.raises(UsageError):
            research(lambda opened: opened.lookup(case["term"]))
        return

    answer: LookupAnswer = research(lambda opened: opened.lookup(case["term"]))

    assert (answer.best.operator_id if answer.best else None) == case["best"]
    if "matches" in case:
        assert [match.operator_id for match in answer.matches] == case["matches"]
    if "hint" in case:
        assert any(case["hint"] in hint for hint in answer.hints)

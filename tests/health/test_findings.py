"""The correlation rules R1 to R25, each with an account where it holds and one where it nearly does."""

from __future__ import annotations

from typing import Any

import pytest
import sqlglot
from scored_accounts import NAMES, SUPPORT, USAGE, account, findings

from customer_research.domain.vocabularies import SEVERITIES
from customer_research.errors import ConfigError
from customer_research.health.findings import findings_sql, load_findings, read_findings

FALL: dict[str, Any] = {"reservations_30d": 20, "reservations_prev_30d": 60, "trend_30d": -2 / 3, "trend_30d_seasonal": -2 / 3, "usage_trend": -2 / 3, "trend_90d": -0.22}  # fmt: skip
STOP: dict[str, Any] = {"reservations_30d": 0, "reservations_60d": 0, "reservations_prev_30d": 0, "usage_trend": None, "trend_30d": None, "trend_30d_seasonal": None, "future_trips_30d": 0, "trend_90d": -0.9}  # fmt: skip
NEVER: dict[str, Any] = {"reservations_ever": 0, "reservations_30d": 0, "reservations_60d": 0, "reservations_prev_30d": 0, "usage_trend": None, "trend_30d": None, "trend_30d_seasonal": None, "trend_90d": None, "future_trips_30d": 0, "reservations_30d_year_ago": 0, "reservations_prev_30d_year_ago": 0}  # fmt: skip
RENEWAL: dict[str, Any] = {"days_to_renewal": 60, "overdue_invoices": 1}
TROUBLE: dict[str, Any] = {"refund_rate": 0.06, "refund_rate_prev": 0.02, "cancellation_rate_90d": 0.2, "cancellation_rate_prev_90d": 0.1}  # fmt: skip
LOSS: dict[str, Any] = {"farm_out_rate_90d": 0.3, "farm_out_rate_prev_90d": 0.1, "own_completed_90d": 60, "own_completed_prev_90d": 100}  # fmt: skip

WAITS = {"conversations_waiting": 1, "chat_longest_wait_hours": 72.0}
ASKS = {
    "reservations_90d": 100,
    "reservations_prev_90d": 100,
    "conversations_prev_90d": 3,
    "conversations_per_100_trips_prev": 3.0,
}
CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"R4"}),  # S01 and every quiet account
    (FALL, {"R1"}),
    ({**FALL, "days_since_contact": 70}, {"R1", "R9"}),  # S02
    ({**FALL, "days_since_contact": 59}, {"R1"}),
    ({**FALL, "days_since_contact": 70, "open_tickets": 1}, {"R1"}),
    ({**FALL, "days_since_contact": None, "engagements_90d": 0}, {"R1", "R9"}),
    ({**FALL, "days_since_contact": None, "engagements_90d": None}, {"R1"}),
    ({**FALL, "mrr_usd": 20_000}, {"R1", "R2"}),
    ({**FALL, "mrr_usd": 20_000, "overdue_invoices": 1}, {"R2"}),
    (STOP, {"R1"}),  # S03
    ({**FALL, "days_since_contact": 70, "future_trips_30d": 45}, {"R15"}),
    ({**FALL, "days_since_contact": 70, "future_trips_30d": 44}, {"R1", "R9"}),
    ({**STOP, "reservations_prev_30d": 40, "future_trips_30d": 40}, {"R15"}),  # S36
    ({**STOP, "reservations_30d_year_ago": 0, "reservations_prev_30d_year_ago": 30}, {"R15"}),
    (
        {"reservations_30d": 33, "reservations_prev_30d": 60, "trend_30d": -0.45, "usage_trend": 0.0},
        {"R4", "R15"},
    ),  # S22
    (
        {
            "invoices_failed_90d": 2,
            "overdue_invoices": 2,
            "usage_trend": 0.25,
            "reservations_30d": 60,
            "reservations_prev_30d": 48,
        },
        {"R3"},
    ),  # S04
    ({"invoices_failed_90d": 2, "overdue_invoices": 2, "trend_90d": 0.2}, {"R3"}),
    ({"invoices_failed_90d": 2}, set()),
    ({**FALL, "invoices_failed_90d": 2}, {"R5"}),
    ({**FALL, "invoices_failed_90d": 1}, set()),
    ({**FALL, "charge_success_rate": 0.5}, {"R1", "R5"}),
    ({"active_disputes": 1, "open_tickets": 1}, {"R6"}),  # S20
    ({"active_disputes": 1}, set()),  # no praise beside a sign of risk
    ({"tenure_days": 20, "highest_risk_charges_90d": 3, "status": "onboarding"}, {"R7"}),  # S21
    ({"tenure_days": 20, "avg_risk_score": 51.0}, {"R7"}),
    ({"tenure_days": 90, "highest_risk_charges_90d": 3}, set()),
    ({"tenure_days": 20, "highest_risk_charges_90d": 2}, {"R4"}),
    ({"charge_success_rate": 0.0, "charge_attempts_90d": 25}, {"R8"}),  # S39
    ({"charge_success_rate": 0.0, "charge_attempts_90d": 19}, {"R4"}),
    ({"charge_success_rate": 0.9, "overdue_invoices": 1}, set()),
    ({"open_tickets": 3, "nps_latest": 4}, {"R10"}),
    ({"open_tickets": 2, "nps_latest": 4}, set()),
    ({"open_tickets": 3, "nps_latest": 7}, {"R4"}),
    ({"contacts": 1, "contacts_left": 1, "contacts_active": 0, "champion_left_noted": True}, {"R11"}),  # S41
    ({"contacts": 1, "contacts_active": 1, "champion_left_noted": True}, {"R11"}),
    ({"contacts": 3, "contacts_left": 1, "contacts_active": 2, "champion_left_noted": True}, {"R4"}),
    ({"contacts": 0, "contacts_active": 0}, {"R4"}),
    (RENEWAL, {"R12"}),
    ({**RENEWAL, "days_to_renewal": 91}, set()),
    ({**RENEWAL, "days_to_renewal": -1}, set()),
    ({**RENEWAL, "usage_trend": 0.3, "reservations_30d": 65}, {"R3"}),
    ({**RENEWAL, "usage_trend": 0.3}, {"R12"}),  # the season alone is no growth
    (TROUBLE, {"R13"}),
    ({**TROUBLE, "cancellation_rate_90d": 0.14}, {"R4"}),
    ({**TROUBLE, "refund_rate": 0.02}, {"R4"}),
    (LOSS, {"R14"}),
    ({**LOSS, "own_completed_90d": 76}, {"R4"}),
    ({"base_plan_code": "standard-monthly", "segment": "SMB", "reservations_30d": 81, "members_now": 2}, {"R4", "R16"}),
    ({"base_plan_code": "standard-monthly", "segment": "SMB", "reservations_30d": 80, "members_now": 3}, {"R4"}),
    ({"base_plan_code": "standard-annual", "segment": "SMB", "members_now": 4}, {"R4", "R16"}),
    ({"base_plan_code": None, "segment": "Free", "active_subscriptions": 0, "vehicles": 11}, {"R16"}),
    ({"members_now": 6}, {"R4", "R16"}),
    ({"base_plan_code": "vip-monthly", "segment": "Enterprise", "members_now": 40}, {"R4"}),
    ({**NEVER, "subscription_age_days": 90}, {"R17"}),  # S24
    ({**NEVER, "subscription_age_days": 12, "status": "onboarding"}, set()),  # S23
    ({**NEVER, "subscription_age_days": 90, "active_subscriptions": 0, "status": "churned"}, set()),
    ({"churn_conflict": True}, {"R18"}),  # S31
    # signs that the score does not count: each alone keeps praise away
    ({"charge_attempts_90d": 20, "refund_rate": 0.7}, {"R19"}),
    ({"charge_attempts_90d": 19, "refund_rate": 0.7}, {"R4"}),
    ({"charge_attempts_90d": 20, "refund_rate": 0.19}, {"R4"}),
    ({"reservations_90d": 20, "cancellation_rate_90d": 0.6}, {"R20"}),
    ({"reservations_90d": 19, "cancellation_rate_90d": 0.6}, {"R4"}),
    ({"reservations_90d": 200, "cancellation_rate_90d": 0.29}, {"R4"}),
    ({"days_since_login": 200}, {"R21"}),
    ({"days_since_login": 59}, {"R4"}),
    ({"charge_attempts_90d": 300, "charges_succeeded_90d": 300, "dispute_rate": 0.01}, {"R22"}),
    ({"charge_attempts_90d": 300, "charges_succeeded_90d": 300, "dispute_rate": 0.009}, {"R4"}),
    ({"charge_attempts_90d": 50, "charges_succeeded_90d": 50, "dispute_rate": 0.02}, {"R4"}),  # one dispute
    ({"charge_attempts_90d": 50, "charges_succeeded_90d": 50, "dispute_rate": 0.04}, {"R22"}),
    # of support conversations
    ({**WAITS, "chat_first_reply_hours": 24.0}, {"R23"}),
    ({**WAITS, "chat_first_reply_hours": 24.1}, {"R4"}),
    (WAITS, {"R23"}),
    ({**WAITS, "chat_longest_wait_hours": 23.9}, {"R4"}),
    ({**WAITS, "conversations_waiting": 0, "chat_longest_wait_hours": None}, {"R4"}),
    ({**ASKS, "conversations_90d": 12, "conversations_per_100_trips": 12.0}, {"R24"}),
    ({**ASKS, "conversations_90d": 7, "conversations_per_100_trips": 7.0}, {"R4"}),  # chance alone
    ({**ASKS, "conversations_90d": 12, "conversations_per_100_trips": 5.0}, {"R4"}),  # there are more trips, too
    ({"chat_low_ratings_90d": 2, "conversations_reopened_90d": 0}, {"R25"}),
    ({"chat_low_ratings_90d": 1, "conversations_reopened_90d": 3}, {"R25"}),
    ({"chat_low_ratings_90d": 1, "conversations_reopened_90d": 2}, {"R4"}),
]


@pytest.mark.parametrize(("changes", "rules"), CASES)
def test_findings(changes: dict[str, Any], rules: set[str]) -> None:
    found = findings(account(**changes))
    assert {finding.rule for finding in found} == rules
    for finding in found:
        assert finding.facts
        assert finding.because.endswith(".")
        assert finding.action.endswith(".")
        assert "unknown" not in finding.because
        assert "{" not in finding.because


def test_unknown_figures_tell_nothing() -> None:
    assert findings(account(USAGE | SUPPORT)) == ()


def test_the_most_urgent_comes_first() -> None:
    row = account(**FALL, invoices_failed_90d=3, active_disputes=1, open_tickets=1, churn_conflict=True)
    order = [SEVERITIES.index(finding.priority) for finding in findings(row)]
    assert order == sorted(order)
    assert len(order) == 3


def test_sentences() -> None:
    (first,) = findings(account(**FALL))
    assert (
        first.because == "Every bill is paid while usage falls: 20 reservations in 30 days after 60 in the 30 before."
    )


def test_every_rule_of_the_notes_is_there_and_excuses_have_no_excuse() -> None:
    rules = load_findings(NAMES)
    assert [rule.id for rule in rules] == [f"R{number}" for number in range(1, 26)]
    excuses = {other for rule in rules for other in rule.unless}
    assert excuses == {"R15"} | {rule.id for rule in rules if rule.kind in {"risk", "conflict"}}
    assert [rule.id for rule in rules if rule.unless and rule.id not in excuses] == [
        "R4"
    ]  # praise yields to each of them
    assert {rule.unless for rule in rules if rule.id in excuses} == {(), ("R15",)}


@pytest.mark.parametrize("dialect", ["snowflake", "postgres", "spark"])
def test_the_query_is_portable(dialect: str) -> None:
    sql = findings_sql(load_findings(NAMES))
    there = sqlglot.transpile(sql, read="duckdb", write=dialect)[0]
    assert sqlglot.transpile(there, read=dialect, write="duckdb")[0]


RULE = """
version = "1"
[[rules]]
id = "R1"
title = "T"
kind = "risk"
priority = "low"
when = "open_tickets > 0"
because = "{open_tickets|ticket|tickets}."
action = "Act."
fact = "open_tickets"
facts = ["open_tickets"]
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('kind = "risk"', 'kind = "danger"', "'kind' is 'danger'; known: risk"),
        ('id = "R1"', 'id = "X1"', "an id such as R1"),
        ("open_tickets > 0", "opened > 0", "not a metric"),
        ('facts = ["open_tickets"]', 'facts = ["open_tickets"]\nunless = ["R9"]', "no earlier rule"),
        ('action = "Act."', 'action = "Act."\nactoin = "Act."', "unknown key"),
        ('title = "T"', "", "'title' is missing"),
    ],
)
def test_faults_are_named(old: str, new: str, complaint: str) -> None:
    assert len(read_findings(RULE, NAMES)) == 1
    with pytest.raises(ConfigError, match=complaint):
        read_findings(RULE.replace(old, new), NAMES)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {"invoices_failed_90d": 2, "charge_success_rate": 0.98},
            "Payments fail (2 invoices in 90 days) while reservations fall to",
        ),
        (
            {"charge_success_rate": 0.5},
            "Only 50% of their passengers' card charges succeed while reservations fall to",
        ),
        (
            {"invoices_failed_90d": 3, "charge_success_rate": 0.5},
            "3 invoices failed in 90 days and only 50% of card charges succeed, while reservations fall to",
        ),
    ],
)
def test_r5_says_what_fails(row: dict[str, Any], words: str) -> None:
    (told,) = [found.because for found in findings(account(**FALL, **row)) if found.rule == "R5"]
    assert told.startswith(words)

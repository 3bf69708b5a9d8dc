"""Urgency: the first cause that holds, by which day and why; in Python and in SQL the same, and never less for a silent source."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources
from typing import Any

import pytest
from scored_accounts import AS_OF, ENDING, NAMES, USAGE, account, evidence, figures, run, score, scorecard

from customer_research.domain.evidence import Gap
from customer_research.domain.health import HealthScore
from customer_research.domain.urgency import LEVELS, Urgency
from customer_research.errors import ConfigError
from customer_research.health.assembly import assemble
from customer_research.health.findings import FindingRule, assemble_findings, findings_sql, load_findings
from customer_research.health.rules import metrics_of
from customer_research.health.scoring import scoring_sql
from customer_research.health.urgency import (
    RANKS,
    Circumstances,
    causes_sql,
    level_sql,
    load_causes,
    open_level,
    open_risk,
    read_causes,
    urgency,
)

CAUSES, RULES = load_causes(NAMES), load_findings(NAMES)
DOWN = Gap("hubspot", "unavailable", "HubSpot did not answer.")


def urgency_of(*unknown: frozenset[str], gaps: dict[str, Gap] | None = None, **changes: Any) -> Urgency:
    row = account(frozenset[str]().union(*unknown), **changes)
    scored = score(row, gaps=gaps) if gaps else score(row)
    known = figures(row) | (gaps or {})
    held = run(findings_sql(RULES), [row])[0]
    findings, hidden = assemble_findings(RULES, held, known), open_risk(RULES, held, known)
    return urgency(CAUSES, Circumstances(run(causes_sql(CAUSES), [row])[0], known, scored, findings, AS_OF, hidden))


@pytest.mark.parametrize(
    ("changes", "level", "until", "because"),
    [
        ({}, "watch", None, "Nothing known asks for an action now."),
        (
            {**ENDING, "subscription_ends_on": date(2026, 11, 15), "days_to_end": 14},
            "now", date(2026, 11, 2), "The subscription ends on 2026-11-15.",
        ),
        (
            {**ENDING, "subscription_ends_on": date(2026, 11, 1), "days_to_end": 0},
            "now", date(2026, 11, 1), "The subscription ends on 2026-11-01.",
        ),
        (
            {**ENDING, "subscription_ends_on": date(2026, 11, 16), "days_to_end": 15},
            "this_week", date(2026, 11, 8), "The subscription is set to end on 2026-11-16.",
        ),
        ({"active_disputes": 1}, "this_week", date(2026, 11, 8), "1 card dispute is open."),
        (
            {"active_disputes": 1, "next_bill_date": date(2026, 11, 4)},
            "this_week", date(2026, 11, 4), "1 card dispute is open.",
        ),
        (
            {"active_disputes": 1, "segment": "Enterprise"},
            "now", date(2026, 11, 2), "Enterprise account: 1 card dispute is open.",
        ),
        (
            {"segment": "SMB", "days_to_renewal": 14, "renewal_date": date(2026, 11, 15)},
            "this_week", date(2026, 11, 8), "The renewal is on 2026-11-15.",
        ),
        (
            {"segment": "SMB", "days_to_renewal": 15, "renewal_date": date(2026, 11, 16)},
            "this_month", date(2026, 12, 1), "The renewal is on 2026-11-16.",
        ),
        (
            {"status": "onboarding", "reservations_ever": 0, "subscription_age_days": 20},
            "this_week", date(2026, 11, 8), "Subscribed for 20 days, and no reservation yet.",
        ),
        ({"status": "churned", "active_disputes": 1}, "watch", None, "Nothing known asks for an action now."),
    ],
)  # fmt: skip
def test_the_first_cause_that_holds_decides(
    changes: dict[str, Any], level: str, until: date | None, because: str
) -> None:
    found = urgency_of(**changes)
    assert (found.level, found.until, found.because) == (level, until, because)
    assert found.facts
    assert all(fact.basis for fact in found.facts)


def test_what_a_silent_source_hides_is_told_as_open_and_ranks_as_if_it_held() -> None:
    silent = frozenset({"days_to_renewal", "renewal_date"})
    gaps = dict.fromkeys(silent, DOWN)
    watched = urgency_of(silent, gaps=gaps)
    assert (watched.level, watched.open, watched.words) == ("watch", True, "not known")
    disputed = urgency_of(silent, gaps=gaps, overdue_invoices=4, overdue_not_failed=4)
    assert (disputed.level, disputed.words) == ("this_month", "this month or sooner, by 2026-12-01")
    row = account(silent, operator_id="x") | {"silent": " days_to_renewal renewal_date "}
    sql = level_sql(CAUSES, band="'healthy'", finding="0", status="'active'")
    assert run(f"SELECT {sql} AS level FROM account_metrics", [row])[0]["level"] == LEVELS[::-1].index("this_week")


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.kind == "risk"], ids=lambda rule: rule.id)
def test_a_risk_that_nobody_could_judge_leaves_it_open_in_python_as_in_sql(rule: FindingRule) -> None:
    names = metrics_of(rule.cases)
    quiet = run(findings_sql(RULES), [account()])[0]
    assert open_risk(RULES, quiet, figures(account())) == 0
    row = account(frozenset(names), operator_id="x") | {"silent": "".join(f" {name} " for name in names)}
    known = figures(row) | dict.fromkeys(names, DOWN)
    (held,) = run(findings_sql(RULES), [row])
    (told,) = run(f"SELECT {open_level(RULES)} AS level FROM account_metrics", [row])
    assert open_risk(RULES, held, known) == told["level"] >= RANKS[rule.priority]
    answered = figures(row) | dict.fromkeys(names, Gap("hubspot", "none_found", "There is none."))
    assert open_risk(RULES, held, answered) == 0


def test_what_excuses_a_risk_also_does_where_the_risk_is_open() -> None:
    by_id = {rule.id: rule for rule in RULES}
    (left,) = by_id["R1"].unless
    others = [rule for rule in RULES if rule.id in ("R1", left)]
    season = {"reservations_30d": 0, "reservations_30d_year_ago": 0, "reservations_prev_30d_year_ago": 12}
    silent = frozenset({"overdue_invoices", "invoices_failed_90d", "invoices_due"})
    for changes, level in (
        (season, 0),
        ({"reservations_30d": 0, "reservations_prev_30d": 0, "future_trips_30d": 0}, RANKS["medium"]),
    ):
        row = account(silent, **changes, operator_id="x") | {"silent": "".join(f" {name} " for name in silent)}
        (held,) = run(findings_sql(others), [row])
        (told,) = run(f"SELECT {open_level(others)} AS level FROM account_metrics", [row])
        assert open_risk(others, held, figures(row) | dict.fromkeys(silent, DOWN)) == told["level"] == level


def test_contacts_that_nobody_could_ask_about_leave_it_open() -> None:
    silent = frozenset({"contacts", "contacts_active", "contacts_left", "champion_left_noted"})
    found = urgency_of(silent, gaps=dict.fromkeys(silent, DOWN))
    assert (found.level, found.words) == ("watch", "not known")


def test_who_was_not_scored_is_not_said_to_need_nothing() -> None:
    row = account()
    found = urgency(CAUSES, Circumstances(run(causes_sql(CAUSES), [row])[0], figures(row), None, (), AS_OF))
    assert (found.level, found.open, found.words) == ("watch", True, "not known")


def test_a_band_that_is_not_settled_is_no_reason_and_leaves_it_open() -> None:
    found = urgency_of(USAGE, gaps=dict.fromkeys(USAGE, DOWN))
    assert (found.level, found.open) == ("watch", True)


def test_python_and_sql_agree() -> None:
    rows = [
        account(**changes, operator_id=f"op{number}")
        for number, changes in enumerate(
            [
                {},
                dict(ENDING),
                {**ENDING, "days_to_end": 3},
                {"active_disputes": 1},
                {"active_disputes": 1, "segment": "Enterprise"},
                {"segment": "Enterprise", "days_to_renewal": 100},
                {"segment": "Mid-Market", "days_to_renewal": 30},
                {"status": "onboarding", "reservations_ever": 0, "subscription_age_days": 14},
                {"status": "churned", "active_disputes": 1},
                {"invoices_failed_90d": 3, "overdue_invoices": 3},
            ]
        )
    ]
    results = {row["operator_id"]: row for row in run(scoring_sql(scorecard()), rows)}
    held = {row["operator_id"]: row for row in run(findings_sql(RULES), rows)}
    caused = {row["operator_id"]: row for row in run(causes_sql(CAUSES), rows)}
    for row in rows:
        one = row["operator_id"]
        scored: HealthScore = assemble(scorecard(), results[one], figures(row), evidence)
        findings = assemble_findings(RULES, held[one], figures(row))
        found = urgency(CAUSES, Circumstances(caused[one], figures(row), scored, findings, AS_OF))
        worst = max((RANKS[finding.priority] for finding in findings if finding.kind == "risk"), default=0)
        sql = level_sql(CAUSES, band=f"'{scored.band}'", finding=str(worst), status="status")
        (ranked,) = run(f"SELECT {sql} AS level FROM account_metrics", [row])
        assert ranked["level"] == LEVELS[::-1].index(found.level), row


def test_nothing_else_says_how_soon() -> None:
    """The texts of plays, findings and alert rules name no time: they would contradict the one urgency."""
    health = resources.files("customer_research.health")
    for place in ("playbook.toml", "findings.toml", "alerts/shipped.toml"):
        actions = re.findall(
            r"^(?:action|also) = (.*)$", health.joinpath(place).read_text(encoding="utf-8"), re.MULTILINE
        )
        assert actions
        for text in actions:
            assert not re.search(r"\b(today|hours?|days|this week|this month|immediately)\b", text), (
                place,
                text,
            )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('level = "soon"\nbands = ["critical"]', "'level' is 'soon'; known: now"),
        ('level = "now"', "nothing raises it"),
        ('level = "now"\nbands = ["red"]', "'bands' names 'red'; known: healthy"),
        ('level = "now"\nfinding = "grave"', "'finding' is 'grave'; known: critical"),
    ],
)
def test_a_wrong_declaration_is_refused(text: str, complaint: str) -> None:
    declared = f'version = "1"\n[[causes]]\n{text}\nbecause = "{{band}}."\nfact = "band"\n'
    with pytest.raises(ConfigError, match=complaint):
        read_causes(declared, NAMES)

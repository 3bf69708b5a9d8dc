"""What each thing that could be put right moves: the score that the same account has once it is put right."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest
from scored_accounts import ENDING, account, run, score, scorecard

from customer_research.domain.catalogue import SILENT
from customer_research.domain.health import HealthScore, Lever
from customer_research.health.assembly import levers_of
from customer_research.health.scoring import levers, levers_sql, scoring_sql

FAULTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    # what is wrong → the lever that puts it right, and the figures that say so
    "failed": ("P2", {"invoices_failed_90d": 2}),
    "overdue": ("P1", {"overdue_not_failed": 1, "overdue_invoices": 1}),
    "slow": ("P5", {"avg_days_to_pay": 30.0}),
    "dispute": ("active_dispute", {"active_disputes": 1}),
    "notice": ("pending_cancellation", ENDING),
    "tickets": ("S1", {"open_tickets": 1, "open_tickets_over_7d": 1}),
    "old tickets": ("S2", {"open_tickets": 2, "open_tickets_over_30d": 2}),
    "urgent": ("S3", {"high_priority_open": 3}),
    "stopped": ("usage_stopped", {"reservations_60d": 0, "completed_90d": 40, "reservations_90d": 150}),
    "downgraded": ("G5", {"downgraded_180d": True}),
}
CARD = scorecard()
MOVED = ("score", "score_high", "band")


def moved(row: Mapping[str, Any], before: HealthScore) -> dict[str, Lever]:
    """The levers of an account by the first sign that names them."""
    names = {signs: name for name, signs in levers(CARD).items()}
    found = levers_of(CARD, run(levers_sql(CARD), [{**row, SILENT: ""}]), before)
    return {names[lever.signs]: lever for lever in found}


def key(faults: frozenset[str]) -> str:
    return "+".join(sorted(faults)) or "none"


def changed(faults: frozenset[str]) -> dict[str, Any]:
    changes = [FAULTS[name][1] for name in FAULTS if name in faults]
    return {**account(), **{name: value for one in changes for name, value in one.items()}, "operator_id": key(faults)}


def test_a_lever_moves_what_putting_it_right_moves() -> None:
    pairs = {frozenset(pair) for pair in combinations(FAULTS, 2)} - {frozenset({"tickets", "old tickets"})}
    rows = [{**changed(faults), SILENT: ""} for faults in {*pairs, *(frozenset({one}) for one in FAULTS), frozenset()}]
    scored = {row["operator_id"]: row for row in run(scoring_sql(CARD), rows)}
    found = {(row["operator_id"], row["lever"]): row for row in run(levers_sql(CARD), rows)}
    for faults in pairs:
        assert {lever for whose, lever in found if whose == key(faults)} == {FAULTS[one][0] for one in faults}
        for fault in faults:
            lever, then = found[key(faults), FAULTS[fault][0]], scored[key(faults - {fault})]
            assert [lever[name] for name in MOVED] == [then[name] for name in MOVED], (faults, fault)


def test_every_deduction_and_gate_belongs_to_one_lever() -> None:
    signs = [sign for signs in levers(CARD).values() for sign in signs]
    assert len(signs) == len(set(signs))
    assert set(signs) == {rule.id for rule in CARD.rules if rule.points < 0} | {gate.name for gate in CARD.gates}


def test_what_another_sign_keeps_from_counting_counts_once_that_is_put_right() -> None:
    quarter: dict[str, Any] = {
        "trend_90d": -0.6,
        "trend_90d_year": None,
        "reservations_90d": 60,
        "reservations_prev_90d": 150,
    }
    month: dict[str, Any] = {
        "reservations_30d": 12,
        "trend_30d": -0.76,
        "usage_trend": -0.76,
        "seasonal_factor_30d": 1.0,
    }
    row = account(**quarter, **month)
    before = score(row)
    assert {"E3"} <= {line.rule for line in before.contributions} < {"E3", "G6"}
    (lever,) = moved(row, before).values()
    assert {"usage_falling", "E3"} <= set(lever.signs)
    calm = score(account(**quarter))
    assert "G6" in {line.rule for line in calm.contributions}
    assert lever.score == calm.score


def test_nothing_that_holds_is_no_lever() -> None:
    row = account()
    assert moved(row, score(row)) == {}


@pytest.mark.parametrize("metric", ["invoices_failed_90d", "open_tickets_over_30d"])
def test_what_is_not_known_can_not_be_put_right(metric: str) -> None:
    row = account(unknown=[metric], active_disputes=1)
    assert set(moved(row, score(row))) == {"active_dispute"}

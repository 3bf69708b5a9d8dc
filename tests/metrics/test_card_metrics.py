"""Card metrics, computed by hand: rates, the failure streak, disputes, risk and amounts per currency."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from measuring import INSTANT, T, ago, amounts, measure, numbered, rows_of


def charge(days: float = 10, status: str = "succeeded", **more: Any) -> dict[str, Any]:
    return {
        "status": status,
        "created_at": ago(days),
        "amount_minor": 10_000,
        "refunded_minor": None,
        "currency": "USD",
        "card_id": "card-a",
        "risk_level": "normal",
        **more,
    }


def card(*charges: dict[str, Any], disputes: tuple[dict[str, Any], ...] = (), as_of: datetime = T) -> dict[str, Any]:
    return measure("card", as_of, charge=numbered("charge_id", charges), dispute=numbered("dispute_id", disputes))


def money(*charges: dict[str, Any], disputes: tuple[dict[str, Any], ...] = ()) -> dict[str, dict[str, Any]]:
    return amounts("card_money", charge=numbered("charge_id", charges), dispute=numbered("dispute_id", disputes))


def story(text: str) -> list[dict[str, Any]]:
    """Charges in order, one a word: `ok`, or a failed card's name (`-` for one without a card)."""
    words = text.split()
    return [
        charge(80 - index, "succeeded" if word == "ok" else "failed", card_id=None if word in {"ok", "-"} else word)
        for index, word in enumerate(words)
    ]


def test_success_rate_leaves_pending_out() -> None:
    row = card(charge(), charge(), charge(), charge(10, "failed"), charge(10, "pending"))
    assert (row["charge_attempts"], row["charge_attempts_90d"]) == (4, 4)
    assert (row["charges_succeeded_90d"], row["charges_failed_90d"], row["charge_success_rate"]) == (3, 1, 0.75)


def test_zero_success_is_zero_and_no_attempt_is_unknown() -> None:
    assert card(charge(10, "failed"))["charge_success_rate"] == 0.0
    old = card(charge(100))
    assert (old["charge_attempts"], old["charge_attempts_90d"], old["charge_success_rate"]) == (1, 0, None)
    assert card(charge(10, "pending"))["charge_attempts"] == 0


@pytest.mark.parametrize(("at", "counted"), [(ago(90), 1), (ago(90) - INSTANT, 0), (T - INSTANT, 1)])
def test_ninety_days_are_half_open(at: datetime, counted: int) -> None:
    assert card(charge(created_at=at))["charge_attempts_90d"] == counted


def test_charges_at_t_or_later_are_unknown() -> None:
    assert rows_of("card", charge=[charge(0), charge(-5)], dispute=[{"created_at": T, "is_active": True}]) == []
    row = card(charge(3), charge(0, "failed"), charge(-5, "failed"))
    assert (row["charges_failed_90d"], row["last_charge_at"], row["days_since_last_charge"]) == (0, ago(3), 3)


@pytest.mark.parametrize(
    ("told", "streak"),
    [
        ("ok ok", 0),
        ("a", 1),
        ("a a a a", 1),
        ("a b c", 3),
        ("a a b a c b", 3),
        ("a b ok c", 2),
        ("a ok a ok a", 1),
        ("- - -", 3),
        ("a - a -", 3),
        ("ok a b ok c d e ok", 3),
        (" ".join(f"c{n}" for n in range(25)), 25),
    ],
)
def test_failure_streak_counts_each_distinct_card_of_a_run_once(told: str, streak: int) -> None:
    assert card(*story(told))["failure_streak"] == streak


def test_failure_streak_ignores_pending_and_what_is_older_than_90_days() -> None:
    pending = charge(79.5, "pending", card_id="x")
    assert card(*story("a b"), pending)["failure_streak"] == 2
    old = [charge(91 + n, "failed", card_id=f"old{n}") for n in range(5)]
    assert card(*old, *story("a"))["failure_streak"] == 1


def test_failure_streak_breaks_ties_by_charge_id() -> None:
    at = ago(5)
    ordered = [
        charge(status="failed", card_id="a", created_at=at, charge_id="1"),
        charge(card_id="b", created_at=at, charge_id="2"),
        charge(status="failed", card_id="c", created_at=at, charge_id="3"),
    ]
    assert card(*reversed(ordered))["failure_streak"] == 1


def test_refund_rate_in_one_currency() -> None:
    row = card(charge(refunded_minor=500), charge(refunded_minor=None), charge(10, "failed", refunded_minor=9_999))
    assert row["refund_rate"] == 500 / 20_000
    assert row["refund_rate_prev"] is None
    assert card(charge(), charge(currency="CAD"))["refund_rate"] is None
    previous = card(charge(100, refunded_minor=10_000), charge(180), charge(180.001, refunded_minor=10_000))
    assert (previous["refund_rate"], previous["refund_rate_prev"]) == (None, 0.5)


def test_disputes_active_at_any_age_and_rate_by_disputed_charge() -> None:
    charges = [charge(charge_id=f"c{n}") for n in range(4)] + [charge(200, charge_id="old")]
    disputes: tuple[dict[str, Any], ...] = (
        {"charge_id": "c0", "is_active": True, "created_at": ago(5)},
        {"charge_id": "c0", "is_active": False, "created_at": ago(6)},
        {"charge_id": "old", "is_active": True, "created_at": ago(150)},
        {"charge_id": "c1", "is_active": True, "created_at": T},
        {"charge_id": "c2", "is_active": None, "created_at": ago(1)},
    )
    row = card(*charges, disputes=disputes)
    assert (row["active_disputes"], row["disputes_ever"]) == (2, 4)
    assert row["dispute_rate"] == 2 / 4


def test_a_dispute_without_charges_is_still_there() -> None:
    row = measure("card", dispute=[{"dispute_id": "d", "is_active": True, "created_at": ago(5)}])
    assert (row["active_disputes"], row["charge_attempts"], row["dispute_rate"]) == (1, 0, None)


def test_risk_of_attempts() -> None:
    row = card(
        charge(risk_score=10.0),
        charge(risk_score=0.0, risk_level="elevated"),
        charge(10, "failed", risk_score=80.0, risk_level="highest"),
        charge(risk_score=None, risk_level="not_assessed"),
        charge(risk_score=None, risk_level=None),
        charge(10, "pending", risk_score=99.0, risk_level="highest"),
        charge(91, risk_score=99.0, risk_level="highest"),
    )
    assert row["avg_risk_score"] == 30.0
    assert (row["scored_charges_90d"], row["high_risk_charges_90d"], row["highest_risk_charges_90d"]) == (3, 2, 1)
    assert row["high_risk_share"] == pytest.approx(2 / 3)
    unscored = card(charge(risk_level=None))
    assert (unscored["avg_risk_score"], unscored["high_risk_share"]) == (None, None)


def test_amounts_are_of_succeeded_charges_per_currency() -> None:
    found = money(
        charge(amount_minor=10_000, refunded_minor=1_000),
        charge(amount_minor=5_001),
        charge(10, "failed", amount_minor=99_999),
        charge(100, amount_minor=400),
        charge(365, amount_minor=70),
        charge(365.001, amount_minor=9_000),
        charge(amount_minor=800, currency="JPY"),
        disputes=(
            {"currency": "USD", "amount_minor": 90_000, "is_active": True, "created_at": ago(400)},
            {"currency": "USD", "amount_minor": 50_000, "is_active": False, "created_at": ago(5)},
            {"currency": "EUR", "amount_minor": 7, "is_active": True, "created_at": ago(5)},
        ),
    )
    usd = found["USD"]
    assert (usd["charge_volume_90d"], usd["charge_volume_12m"]) == (15_001, 15_471)
    assert (usd["refunded_90d"], usd["net_charged_90d"], usd["disputed_amount"]) == (1_000, 14_001, 90_000)
    assert usd["average_charge_90d"] == 7_500  # 7,500.5 to even
    assert (found["JPY"]["charge_volume_90d"], found["JPY"]["average_charge_90d"]) == (800, 800)
    assert (found["EUR"]["charge_volume_90d"], found["EUR"]["average_charge_90d"]) == (0, None)
    assert found["EUR"]["disputed_amount"] == 7


def test_currencies_are_counted() -> None:
    assert card(charge(), charge(400, currency="CAD"))["charge_currencies"] == 2

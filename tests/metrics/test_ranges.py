"""One healthy range of each metric: its words in the documentation and its tone in a report say the same."""

from __future__ import annotations

import pytest

from customer_research.domain.catalogue import METRICS
from customer_research.domain.ranges import goal, range_of


def test_every_range_is_readable_or_set_by_another_figure() -> None:
    relative = {name for name, metric in METRICS.items() if metric.healthy and range_of(name) is None}
    assert relative == {"avg_days_to_pay"}
    assert {name for name, metric in METRICS.items() if not metric.praised} <= {n for n in METRICS if range_of(n)}


@pytest.mark.parametrize("name", [name for name in METRICS if range_of(name)])
def test_a_share_has_percents_and_only_a_condition_has_no_number(name: str) -> None:
    metric = METRICS[name]
    assert ("%" in metric.healthy) == (metric.unit == "ratio")
    assert metric.healthy.startswith("no") == (metric.unit == "boolean")


@pytest.mark.parametrize(
    ("metric", "tones"),
    [
        ("high_risk_share", {0.0: "good", 0.0099: "good", 0.01: "bad"}),  # < 1%, else act
        (
            "usage_trend",
            {-0.25: "bad", -0.24: "neutral", 0.19: "neutral", 0.20: "good"},
        ),  # > -25% (good >= 20%), else act
        ("invoice_success_rate", {0.95: "good", 0.94: "watch", 0.80: "watch", 0.79: "bad"}),  # >= 95%, act < 80%
        ("dispute_rate", {0.0049: "good", 0.005: "watch", 1.0: "watch"}),  # < 0.5%
        ("active_disputes", {0: "good", 1: "bad"}),  # 0, else act
        ("invoices_failed", {0: "neutral", 1: "watch"}),  # 0, not praised
        ("failure_streak", {0: "good", 1: "neutral", 2: "neutral", 3: "bad"}),  # < 3 (good 0), else act
        ("nps_latest", {9: "good", 8: "watch", 7: "watch", 6: "bad"}),  # >= 9, act <= 6
        ("pending_cancellation", {False: "neutral", True: "bad"}),  # no, else act
        ("downgraded_180d", {False: "neutral", True: "watch"}),  # no
    ],
)
def test_tones_of_ranges(metric: str, tones: dict[float, str]) -> None:
    found = range_of(metric)
    assert found is not None
    assert {value: found.tone(value) for value in tones} == tones


def test_what_is_no_range_has_none() -> None:
    assert range_of("avg_days_to_pay") is None
    assert range_of("vehicles") is None
    assert range_of("score_change") is None
    with pytest.raises(KeyError):
        goal("avg_days_to_pay")


def test_the_goal_of_a_report_is_the_end_of_the_range() -> None:
    assert goal("driver_app_rate").limit == 0.5
    assert (goal("driver_app_rate").holds(0.5), goal("driver_app_rate").holds(0.51)) == (False, True)

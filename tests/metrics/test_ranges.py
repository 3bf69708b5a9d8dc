"""One healthy range of each metric: its words in the documentation and its tone in a report say the same."""

from __future__ import annotations

import re

import pytest

from customer_research.domain.ranges import RANGES, Bound, Range, goal, healthy_words, is_healthy
from customer_research.metrics.catalogue import METRICS


def test_ranges_are_of_metrics_and_the_catalogue_prints_them() -> None:
    assert set(RANGES) <= set(METRICS)
    assert {name: metric.healthy for name, metric in METRICS.items() if metric.healthy} == {
        name: healthy_words(name, METRICS[name].unit) for name in RANGES
    }


@pytest.mark.parametrize("name", [name for name, found in RANGES.items() if isinstance(found, Range)])
def test_a_tone_is_what_the_printed_range_says(name: str) -> None:
    """Read back from the words: good or neutral inside, watch or act outside, act only where the words say so."""
    found, unit = RANGES[name], METRICS[name].unit
    assert isinstance(found, Range)
    words = found.words(unit)
    healthy, _, act = (part.strip() for part in re.sub(r" \(good [^)]*\)", "", words).partition(", "))
    limits = [bound.limit for bound in (found.healthy, found.good, found.act) if isinstance(bound, Bound)]
    step = 0.01 if unit == "ratio" else 1
    for value in {limit + move for limit in limits for move in (-step, 0, step)} | {0.0, 10 * step}:
        tone = found.tone(value)
        if _holds(healthy, value):
            assert tone in {"good", "neutral"}, (value, tone)
        elif act == "else act" or (act and _holds(act.removeprefix("act "), value)):
            assert tone == "bad", (value, tone)
        else:
            assert tone == "watch", (value, tone)


def _holds(words: str, value: float) -> bool:
    parts = re.fullmatch(r"(>=|<=|>|<)? ?(-?[\d.]+)(%?)", words)
    assert parts, words
    limit = round(float(parts[2]) / (100 if parts[3] else 1), 9)
    value = round(value, 9)
    return {
        ">=": value >= limit,
        ">": value > limit,
        "<=": value <= limit,
        "<": value < limit,
        None: value == limit,
    }[parts[1]]


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("high_risk_share", "< 1%, else act"),
        ("usage_trend", "> -25% (good >= 20%), else act"),
        ("invoice_success_rate", ">= 95%, act < 80%"),
        ("dispute_rate", "< 0.5%"),
        ("active_disputes", "0, else act"),
        ("avg_days_to_pay", "within the term"),
        ("pending_cancellation", "no"),
        ("vehicles", ""),
    ],
)
def test_ranges_in_words(metric: str, words: str) -> None:
    assert METRICS[metric].healthy == words


def test_the_goal_of_a_report_is_the_end_of_the_range() -> None:
    assert goal("driver_app_rate") == 0.5
    assert (is_healthy("driver_app_rate", 0.5), is_healthy("driver_app_rate", 0.51)) == (False, True)
    for name in ("pending_cancellation", "avg_days_to_pay"):
        with pytest.raises(KeyError):
            goal(name)
        with pytest.raises(KeyError):
            is_healthy(name, 1)

"""The bounds of a score under unknowns: exactly those of trying every verdict of every open rule."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.health import Bounds
from customer_research.engines.duckdb import Memory
from customer_research.health.bounds import BOUNDS_TABLE, Question, Unknowns, bounds_sql, verdict_columns
from customer_research.health.scorecard import Scorecard, load_scorecard
from customer_research.health.scoring import scoring_sql

UNITS = {"trips": "count", "trend": "ratio", "late": "count", "rating": "points", "ended": "boolean"}
TYPES = {"count": "BIGINT", "ratio": "DOUBLE", "points": "BIGINT", "boolean": "BOOLEAN"}
CARD = """\
name = "small"
version = "1"
title = "Small"
minimum_coverage = 0.5
coverage_by = "dimension"

[bands]
healthy = 80
monitor = 60
at_risk = 40

[dimensions.use]
title = "Use"
weight = 0.6
base = 60
known_by = ["trips", "trend"]

[dimensions.pay]
title = "Pay"
weight = 0.4
base = 100
known_by = ["late"]
"""
RULES: tuple[tuple[str, str, str, int, list[str], str], ...] = (
    ("A1", "use", "trips = 0", -10, [], ""),
    ("A2", "use", "trend < 0", -30, ["A1"], ""),
    ("A3", "use", "rating < 5", -25, ["A1", "A2"], ""),
    ("A4", "use", "rating >= 9", 15, ["A3"], ""),
    ("A5", "use", "trips > 9 AND (trend IS NULL OR trend > 0)", 5, [], ""),
    ("B1", "pay", "late >= 1", -15, [], "late"),
)
GATE = '\n[[gates]]\nname = "ended"\nwhen = "ended"\ncap = "critical"\nbecause = "It has ended."\nfact = "ended"\n'


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    text = CARD
    for name, dimension, when, points, unless, per in RULES:
        text += f'\n[[rules]]\nid = "{name}"\ndimension = "{dimension}"\nwhen = "{when}"\npoints = {points}\n'
        text += f'because = "So."\nfact = "trips"\nwindow = "now"\nunless = {unless!r}\n'
        text += f'per = "{per}"\n' if per else ""
    path: Path = tmp_path_factory.mktemp("cards") / "small.toml"
    path.write_text(text + GATE, encoding="utf-8")
    return load_scorecard(path, UNITS)


def _columns(card: Scorecard, *, verdicts: bool) -> dict[str, str]:
    known = {"operator_id": "VARCHAR", "status": "VARCHAR", **{name: TYPES[unit] for name, unit in UNITS.items()}}
    return {**known, **dict.fromkeys(verdict_columns(card), "BIGINT")} if verdicts else known


def _ask(card: Scorecard, row: dict[str, Any], *metrics: str) -> tuple[Bounds, dict[str, Any]]:
    question = Question("q", metrics)
    with Memory() as memory:
        memory.create(ACCOUNT_TABLE, _columns(card, verdicts=False), [row])
        now = memory.run(scoring_sql(card))[0]
        unknowns = Unknowns(card, row, now, UNITS)
        memory.create(BOUNDS_TABLE, _columns(card, verdicts=True), unknowns.rows(question))
        return unknowns.bounds(question, memory.run(bounds_sql(card))), now


def _tried(card: Scorecard, row: dict[str, Any], values: dict[str, tuple[Any, ...]]) -> set[int]:
    """The scores that real values of the unknown metrics give."""
    rows = [
        {**row, **dict(zip(values, chosen, strict=True)), "operator_id": str(number)}
        for number, chosen in enumerate(product(*values.values()))
    ]
    with Memory() as memory:
        memory.create(ACCOUNT_TABLE, _columns(card, verdicts=False), rows)
        return {found["score"] for found in memory.run(scoring_sql(card)) if found["score"] is not None}


KNOWN = {"operator_id": "x", "status": "active", "trips": 5, "trend": 0.0, "late": 0, "rating": 7, "ended": False}


@pytest.mark.parametrize(
    ("unknown", "values"),
    [
        (("rating",), {"rating": (0, 5, 9)}),
        (("trend",), {"trend": (-0.5, 0.0, 0.5)}),
        (("late",), {"late": (0, 1, 2, 50)}),
        (("trend", "rating"), {"trend": (-0.5, 0.0, 0.5), "rating": (0, 5, 9)}),
    ],
)
def test_the_bounds_are_those_of_real_values(card: Scorecard, unknown: Any, values: Any) -> None:
    row = {**KNOWN, **dict.fromkeys(unknown)}

    bounds, _ = _ask(card, row, *unknown)
    tried = _tried(card, row, values)

    assert (bounds.lower, bounds.upper) == (min(tried), max(tried))
    assert bounds.width == max(tried) - min(tried)


def test_a_rule_that_excuses_worse_ones_does_not_hide_the_lower_bound(card: Scorecard) -> None:
    """A1 costs 10, but excuses A2 and A3, which cost 30 or 25: the worst case is that A1 does not fire."""
    row = {**KNOWN, "trips": None, "trend": None, "rating": None}

    bounds, _ = _ask(card, row, "trips", "trend", "rating")

    assert bounds.lower == round(0.6 * (60 - 30) + 0.4 * 100)
    assert set(bounds.rules) == {"A1", "A2", "A3", "A4", "A5"}


def test_a_rule_judged_on_the_absence_of_a_figure_is_open_too(card: Scorecard) -> None:
    row = {**KNOWN, "trips": 10, "trend": None}

    bounds, now = _ask(card, row, "trend")

    assert now["case_a5"] == 1
    assert (bounds.lower, bounds.upper) == (round(0.6 * 30 + 40), round(0.6 * 65 + 40))


def test_a_dimension_that_would_become_known_is_weighed(card: Scorecard) -> None:
    bounds, now = _ask(card, {**KNOWN, "late": None}, "late")

    assert now["score"] == 60
    assert (bounds.lower, bounds.upper) == (36, 76)


def test_a_gate_moves_the_band_and_not_the_score(card: Scorecard) -> None:
    bounds, _ = _ask(card, {**KNOWN, "ended": None}, "ended")

    assert bounds.width == 0
    assert (bounds.lower_band, bounds.upper_band) == ("critical", "monitor")
    assert bounds.rules == ("ended",)


def test_too_little_stays_too_little(card: Scorecard) -> None:
    row = {**KNOWN, "trips": None, "trend": None, "late": 0}

    bounds, now = _ask(card, row, "rating")

    assert now["score"] is None
    assert (bounds.lower, bounds.upper, bounds.width) == (None, None, 0)

"""The trend of a score and what moved it: sums that add up, and outages that are no declines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from customer_research.domain.evidence import Gap
from customer_research.domain.history import Past
from customer_research.domain.snapshot import Reading, Snapshot
from customer_research.health.history import fair, movement, one_each, trend
from customer_research.health.scorecard import Scorecard, load_scorecard
from customer_research.research.one.judge import METRIC_NAMES

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Points = Mapping[str, int | None]


@cache
def card(name: str = "canonical") -> Scorecard:
    return load_scorecard(name, METRIC_NAMES)


def past(
    days: float, points: Points | None = None, unknown: Sequence[str] = (), *, name: str = "canonical", **changes: Any
) -> Past:
    """The reading so many days before now, scored as the scorecard says from the points of its rules."""
    scored = card(name)
    contributions = {
        rule.id: value for rule in scored.rules if rule.dimension not in unknown
        for value in [(points or {}).get(rule.id, 0)] if value != 0
    }  # fmt: skip
    dimensions: dict[str, int | None] = {d.name: None for d in scored.dimensions if d.name in unknown}
    for dimension in scored.dimensions:
        if dimension.name not in unknown:
            raw = dimension.base + sum(contributions.get(rule.id) or 0 for rule in scored.rules_of(dimension.name))
            dimensions[dimension.name] = min(100, max(0, raw))
    weights = {d.name: d.weight for d in scored.dimensions if d.name not in unknown}
    present = sum(weights.values())
    score = None
    if present >= scored.minimum_coverage:
        score = int(sum(weights[name] * (dimensions[name] or 0) for name in weights) / present + 0.5)
    as_of = NOW - timedelta(days=days)
    snapshot = Snapshot(
        id=f"{days:016}", kind="scored", as_of=as_of, taken_at=as_of, scorecard=name, version=scored.version,
        digest=scored.digest, tables="t", engine="duckdb", operators=1, place="", receipts=(),
    )  # fmt: skip
    reading = Reading(
        snapshot=snapshot.id, operator_id="o", name="Limo", as_of=as_of, status="active", score=score,
        band=scored.band(score), band_before_gates=scored.band(score), coverage=present / 1000, dimensions=dimensions,
        contributions=contributions,
    )  # fmt: skip
    return Past(snapshot, replace(reading, **changes))


BAD = {"P1": -40, "E1": -30}


def told(*readings: Past, name: str = "canonical") -> Any:
    """The trend up to the last reading."""
    return trend(one_each(readings), readings[-1], card(name))


def test_a_change_goes_by_the_nearest_reading_at_most_seven_days_older() -> None:
    found = told(past(95), past(91, BAD), past(67), past(36, BAD), past(29), past(0))
    month, two, three = found.changes
    assert [change.days for change in found.changes] == [30, 60, 90]
    assert month.then.snapshot.as_of == NOW - timedelta(days=36)
    assert (month.difference, found.direction) == (_difference(past(0, BAD), past(0)), "improving")
    assert two.then.snapshot.as_of == NOW - timedelta(days=67)  # the edge of the seven days
    assert (two.difference, two.gap) == (0, None)
    assert three.then.snapshot.as_of == NOW - timedelta(days=91)


@pytest.mark.parametrize(
    ("then", "reason", "words"),
    [
        ((), "none_found", "no reading 30 days before"),
        ((past(37.1), past(29.9)), "none_found", "no reading 30 days before"),
        ((past(30, name="guide"),), "not_applicable", "another scorecard (guide "),
        ((past(30, None, ("payment", "engagement")),), "unavailable", "Too little was known"),
    ],
)
def test_without_a_fair_reading_there_is_no_change(then: tuple[Past, ...], reason: str, words: str) -> None:
    found = told(*then, past(0, BAD))
    assert found.changes[0].then is None
    assert (found.changes[0].difference, found.direction) == (None, "unknown")
    assert found.changes[0].gap.reason == reason
    assert words in found.changes[0].gap.detail
    assert found.since_30_days is None


def test_nothing_is_said_of_a_score_that_is_unknown_now() -> None:
    found = told(past(30), past(0, None, ("payment", "engagement")))
    assert found.direction == "unknown"
    assert found.changes[0].gap.reason == "unavailable"
    assert found.since_band is None


def test_ten_points_make_a_direction() -> None:
    def by(points: int) -> str:
        return str(told(past(30, {"S1": points}), past(0)).direction)

    # support weighs 20 of 100: 50 points there are 10 of the score
    assert [by(-50), by(-45), by(0)] == ["improving", "steady", "steady"]
    assert told(past(30), past(0, {"S1": -50})).direction == "declining"


def test_a_dimension_that_became_unknown_is_no_change_but_said() -> None:
    bad_support = {"E1": -60}
    found = told(past(30, bad_support), past(0, bad_support, ("payment",)))
    month = found.changes[0]
    assert (month.difference, found.direction) == (None, "unknown")
    assert (month.gap.reason, month.gap.detail) == ("not_comparable", "payment is not known now.")
    (back,) = [one.gap.detail for one in told(past(30, bad_support, ("payment",)), past(0)).changes[:1]]
    assert back == "payment was not known on 2026-10-02."
    (moved,) = found.since_30_days.dimensions
    assert (moved.name, moved.then, moved.now, moved.rules) == ("payment", 100, None, ())
    assert told(past(30, {}, ("payment",)), past(0, {"E1": -60}, ("payment",))).direction == "declining"


def test_a_score_that_a_silent_source_leaves_open_is_no_change() -> None:
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"highest": 100}, {}), ({}, {"highest": 100}), ({"highest": 99}, {"highest": 100})
    ]  # fmt: skip
    for then, now in pairs:
        found = told(past(30, **then), past(0, BAD, **now))
        assert (found.changes[0].difference, found.direction) == (None, "unknown")


def test_what_has_nothing_to_judge_by_is_no_hole() -> None:
    """A first rating, or the season that a second year brings, changes the score, and that is told."""
    found = told(past(30, {"S4": None}), past(0, {"S4": -90}))
    assert found.changes[0].difference == _difference(past(30), past(0, {"S4": -90}))


def test_a_change_is_the_difference_of_the_readings_caps_and_all() -> None:
    found = told(past(30), past(0, {"E3": -15}, score=79, band="monitor", gates=("usage_falling",)))
    assert found.changes[0].difference == 79 - 93


def test_the_last_band_change_is_found_and_gates_and_findings_told() -> None:
    good = past(80, findings=("R1", "R2"))
    worse = [past(days, BAD, gates=("overdue",), findings=("R2",)) for days in (20, 10, 0)]
    found = told(past(90), good, past(40, None, ("payment", "engagement")), *worse)
    assert found.since_band.then == good  # one without a score is in no band
    assert (found.since_band.gates_began, found.since_band.gates_ended) == (("overdue",), ())
    assert (found.since_band.findings_began, found.since_band.findings_ended) == ((), ("R1",))
    assert told(past(30), past(0)).since_band is None


def test_what_became_unknown_is_told_of_the_operator_and_of_everybody() -> None:
    then, now = past(30, {"S1": None}), past(0)
    outage = replace(now.snapshot, gaps=(Gap("notion", "denied", "Refused."), Gap("notion", "denied", "Refused too.")))
    found = movement(
        replace(then, reading=replace(then.reading, unknown=("survey",))), Past(outage, now.reading), card()
    )
    assert (found.unknown_began, found.unknown_ended) == (("notion",), ("survey",))


def test_another_scorecard_before_the_first_reading_is_told_once() -> None:
    other = past(60, name="guide")
    assert told(other, past(30), past(20, name="guide"), past(0)).scorecard_changed == other
    assert told(past(30), past(20, name="guide"), past(0)).scorecard_changed is None


def test_of_two_readings_of_one_instant_the_one_taken_last_counts() -> None:
    first, other = past(7), past(7, name="guide")
    again = replace(first, snapshot=replace(first.snapshot, taken_at=NOW, id="again"))
    assert one_each([again, other, first]) == (other, again)


@st.composite
def drawn_pair(draw: st.DrawFn) -> tuple[Past, Past]:
    ids = [rule.id for rule in card().rules]
    points = st.dictionaries(st.sampled_from(ids), st.none() | st.integers(-90, 40), max_size=8)
    unknown = st.lists(st.sampled_from([d.name for d in card().dimensions]), max_size=1)
    return past(30, draw(points), draw(unknown)), past(0, draw(points), draw(unknown))


@hypothesis.given(pair=drawn_pair())
def test_what_moved_adds_up_to_the_change_of_each_dimension(pair: tuple[Past, Past]) -> None:
    then, now = pair
    moved = {dimension.name: dimension for dimension in movement(then, now, card()).dimensions}
    for dimension in card().dimensions:
        before, after = then.reading.dimensions[dimension.name], now.reading.dimensions[dimension.name]
        found = moved.get(dimension.name)
        if found is None:
            assert before == after
        elif before is not None and after is not None:
            assert sum(rule.difference for rule in found.rules) + found.clamp == after - before
            assert all(rule.difference for rule in found.rules)
    if fair(then, now):
        assert told(then, now).changes[0].difference == _difference(then, now)


def _difference(then: Past, now: Past) -> int:
    assert then.reading.score is not None
    assert now.reading.score is not None
    return now.reading.score - then.reading.score

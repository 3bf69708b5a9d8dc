"""How a score moved: trend over 30, 60 and 90 days, and what lies between two readings under one scorecard.

Readings are compared only under one scorecard (by its digest) and only while both have a score. What could be judged at one
of two instants only must not look like a change of the operator: the direction goes by the score on what was known at both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from customer_research.domain.evidence import Gap
from customer_research.domain.history import Change, Direction, MovedDimension, MovedRule, Movement, Past, Trend
from customer_research.domain.snapshot import Reading
from customer_research.health.scorecard import DimensionRule, Scorecard

WINDOWS = (30, 60, 90)
"""Days back that a trend looks."""

SLACK = timedelta(days=7)
"""How much older than asked the reading compared with may be: snapshots may be weekly."""

STEP = 10
"""Points in 30 days that make an improvement or a decline."""

SOURCE = "score history"
"""The source of gaps where there is nothing to compare with."""

_BACKFILL = "Run `customer-research history backfill` to score earlier weeks."


def one_each(past: Iterable[Past]) -> tuple[Past, ...]:
    """One reading for each instant and scorecard, the one taken last; by instant, oldest first."""
    found: dict[tuple[datetime, str], Past] = {}
    for one in sorted(past, key=lambda one: (one.snapshot.as_of, one.snapshot.taken_at)):
        found[one.snapshot.as_of, one.snapshot.digest] = one
    return tuple(found.values())


def trend(past: Sequence[Past], now: Past, card: Scorecard) -> Trend:
    """How the score moved up to *now*.

    Args:
        past: the operator's readings, oldest first, one for each instant and scorecard (`one_each`); later ones do not count.
        now: the reading that the trend leads to.
        card: the scorecard that *now* was scored under.
    """
    earlier = [one for one in past if one.snapshot.as_of < now.snapshot.as_of]
    same = [one for one in earlier if one.snapshot.digest == now.snapshot.digest]
    changes = tuple(change(earlier, now, days, card) for days in WINDOWS)
    month, other_band = changes[0].then, _other_band(same, now)
    return Trend(
        direction=direction(changes[0], now),
        changes=changes,
        since_30_days=movement(month, now, card) if month is not None else None,
        since_band=movement(other_band, now, card) if other_band is not None else None,
        scorecard_changed=_other_scorecard(earlier, same, now),
    )


def direction(change: Change, now: Past) -> Direction:
    """What a change up to *now* says, by what could be judged both times.

    Between readings of which one knows a dimension that the other does not, neither an improvement nor a decline is called:
    what is left weighs more than it does in the score, so that ten points of it are not ten points of the operator.
    """
    if change.alike is None or change.then is None:
        return "unknown"
    if abs(change.alike) < STEP:
        return "steady"
    if not same_dimensions(change.then.reading, now.reading):
        return "unknown"
    return "improving" if change.alike > 0 else "declining"


def same_dimensions(then: Reading, now: Reading) -> bool:
    """Whether two readings know the same dimensions: else neither a rise nor a fall is called between them."""
    return _known_dimensions(then) == _known_dimensions(now)


def _known_dimensions(reading: Reading) -> set[str]:
    return {name for name, score in reading.dimensions.items() if score is not None}


def _other_band(same: Sequence[Past], now: Past) -> Past | None:
    """The newest reading in another band; one without a score is in none."""
    if now.reading.score is None:
        return None
    others = (one for one in reversed(same) if one.reading.score is not None and one.reading.band != now.reading.band)
    return next(others, None)


def _other_scorecard(earlier: Sequence[Past], same: Sequence[Past], now: Past) -> Past | None:
    """The newest reading under another scorecard before the first one under this."""
    began = (same[0] if same else now).snapshot.as_of
    return next((one for one in reversed(earlier) if one.snapshot.as_of < began), None)


def change(earlier: Sequence[Past], now: Past, days: int, card: Scorecard) -> Change:
    """The score so many days before *now*, and what became of it; `earlier` are readings before *now*, oldest first."""
    newest = now.snapshot.as_of - timedelta(days=days)
    there = [one for one in earlier if newest - SLACK <= one.snapshot.as_of <= newest]
    same = [one for one in there if one.snapshot.digest == now.snapshot.digest]
    known = [one for one in same if one.reading.score is not None]
    if now.reading.score is None:
        return Change(days, None, None, None, Gap(SOURCE, "unavailable", "The score is not known now."))
    if not known:
        return Change(days, None, None, None, _nothing(there, same, days))
    then = known[-1]
    assert then.reading.score is not None
    difference = now.reading.score - then.reading.score
    return Change(days, then, difference, alike(then.reading, now.reading, card))


def _nothing(there: Sequence[Past], same: Sequence[Past], days: int) -> Gap:
    """Why there is no reading to compare with."""
    if same:
        return Gap(SOURCE, "unavailable", f"Too little was known {days} days before to give a score.")
    if there:
        card = there[-1].snapshot
        detail = f"The reading {days} days before was scored under another scorecard ({card.scorecard} {card.version})."
        return Gap(SOURCE, "not_applicable", detail, _BACKFILL)
    return Gap(SOURCE, "none_found", f"There is no reading {days} days before, nor up to 7 days earlier.", _BACKFILL)


def alike(then: Reading, now: Reading, card: Scorecard) -> int | None:
    """The difference of the two scores on what could be judged both times; None when that is nothing.

    Dimensions known at one instant only are left out, and so are rules judged at one instant only, with those that yield
    to them. Where nothing is left out, it is the difference of the scores.
    """
    shared = [d for d in card.dimensions if None not in (then.dimensions.get(d.name), now.dimensions.get(d.name))]
    if not shared:
        return None
    left_out = _judged_once(then, now, card)
    return _score(now, card, shared, left_out) - _score(then, card, shared, left_out)


def _judged_once(then: Reading, now: Reading, card: Scorecard) -> frozenset[str]:
    found: set[str] = set()
    for rule in card.rules:  # a rule yields to earlier ones only
        judged = [reading.contributions.get(rule.id, 0) is not None for reading in (then, now)]
        if judged[0] != judged[1] or found.intersection(rule.unless):
            found.add(rule.id)
    return frozenset(found)


def _score(reading: Reading, card: Scorecard, shared: Sequence[DimensionRule], left_out: Collection[str]) -> int:
    """The score over these dimensions without these rules, rounded half up as the scorecard's own."""
    present = sum(dimension.weight for dimension in shared)
    weighted = sum(dimension.weight * _points(reading, card, dimension, left_out) for dimension in shared)
    return (2 * weighted + present) // (2 * present)


def _points(reading: Reading, card: Scorecard, dimension: DimensionRule, left_out: Collection[str]) -> int:
    counted = (rule.id for rule in card.rules_of(dimension.name) if rule.id not in left_out)
    raw = dimension.base + sum(reading.contributions.get(rule) or 0 for rule in counted)
    return min(100, max(0, raw))


def movement(then: Past, now: Past, card: Scorecard) -> Movement:
    """What changed between two readings under one scorecard."""
    before, after = then.reading, now.reading
    dimensions = (_moved(before, after, card, dimension) for dimension in card.dimensions)
    return Movement(
        then=then,
        now=now,
        dimensions=tuple(moved for moved in dimensions if moved.then != moved.now or moved.rules),
        gates_began=_new(after.gates, before.gates),
        gates_ended=_new(before.gates, after.gates),
        findings_began=_new(after.findings, before.findings),
        findings_ended=_new(before.findings, after.findings),
        unknown_began=_new(_unknown(now), _unknown(then)),
        unknown_ended=_new(_unknown(then), _unknown(now)),
    )


def _moved(before: Reading, after: Reading, card: Scorecard, dimension: DimensionRule) -> MovedDimension:
    then, now = before.dimensions.get(dimension.name), after.dimensions.get(dimension.name)
    if then is None or now is None:
        return MovedDimension(dimension.name, then, now, ())
    compared = (
        MovedRule(rule.id, before.contributions.get(rule.id, 0), after.contributions.get(rule.id, 0))
        for rule in card.rules_of(dimension.name)
    )
    rules = tuple(rule for rule in compared if rule.difference)
    return MovedDimension(dimension.name, then, now, rules, now - then - sum(rule.difference for rule in rules))


def _unknown(past: Past) -> tuple[str, ...]:
    """What is unknown of the operator alone (tables) or of everybody (sources)."""
    return (*past.reading.unknown, *dict.fromkeys(gap.source for gap in past.snapshot.gaps))


def _new(these: Iterable[str], those: Collection[str]) -> tuple[str, ...]:
    return tuple(one for one in these if one not in those)

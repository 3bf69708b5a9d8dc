"""How a score moved: trend over 30, 60 and 90 days, and what lies between two readings under one scorecard.

Readings are compared only under one scorecard (by its digest), only while both have a score, and only where the same was known of
both: a change is the difference of the two readings, or it is said what was unknown at one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from customer_research.domain.evidence import Gap
from customer_research.domain.history import Change, DimensionChange, Direction, Movement, Past, RuleChange, Trend
from customer_research.domain.snapshot import Reading

if TYPE_CHECKING:
    from customer_research.health.scorecard import DimensionRule, Scorecard

WINDOWS = (30, 60, 90)
"""Days back that a trend looks."""

SLACK = timedelta(days=7)
"""How much older than asked the reading compared with may be: snapshots may be weekly."""

STEP = 10
"""Points in 30 days that make an improvement or a decline."""

SOURCE = "score history"
"""The source of gaps where there is nothing to compare with."""

BACKFILL = "Run `customer-research history backfill` to score earlier weeks."


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
    changes = tuple(change(earlier, now, days) for days in WINDOWS)
    month, other_band = changes[0].then, _other_band(same, now)
    return Trend(
        direction=direction(changes[0]),
        changes=changes,
        since_30_days=movement(month, now, card) if month is not None else None,
        since_band=movement(other_band, now, card) if other_band is not None else None,
        scorecard_changed=_other_scorecard(earlier, same, now),
    )


def direction(change: Change) -> Direction:
    """What a change says; nothing where it is not known."""
    if change.difference is None:
        return "unknown"
    if abs(change.difference) < STEP:
        return "steady"
    return "improving" if change.difference > 0 else "declining"


def same_dimensions(then: Reading, now: Reading) -> bool:
    """Whether two readings know the same dimensions: else neither a rise nor a fall is called between them."""
    return _known_dimensions(then) == _known_dimensions(now)


def fair(then: Past, now: Past) -> bool:
    """Whether the same was known of two readings (see `comparable`), and could be told of both their dates."""
    return then.snapshot.untold == now.snapshot.untold and comparable(then.reading, now.reading)


def comparable(then: Reading, now: Reading) -> bool:
    """Whether two readings have a score that no silent source leaves open, of the same dimensions: their difference is a change.

    A rule with nothing to judge by (no rating, no season) is no hole: it gave no points then, or gives none now.
    """
    settled = then.highest is None and now.highest is None and None not in (then.score, now.score)
    return settled and same_dimensions(then, now)


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


def change(earlier: Sequence[Past], now: Past, days: int) -> Change:
    """The score so many days before *now*, and what became of it; `earlier` are readings before *now*, oldest first."""
    newest = now.snapshot.as_of - timedelta(days=days)
    there = [one for one in earlier if newest - SLACK <= one.snapshot.as_of <= newest]
    same = [one for one in there if one.snapshot.digest == now.snapshot.digest]
    known = [one for one in same if one.reading.score is not None]
    if now.reading.score is None:
        return Change(days, None, None, Gap(SOURCE, "unavailable", "The score is not known now."))
    if not known:
        return Change(days, None, None, _nothing(there, same, days))
    then = known[-1]
    if not fair(then, now):
        return Change(days, then, None, Gap(SOURCE, "not_comparable", _known_once(then, now)))
    assert then.reading.score is not None
    return Change(days, then, now.reading.score - then.reading.score)


def _known_once(then: Past, now: Past) -> str:
    """What was unknown at one of two readings, in words."""
    before, after = _known_dimensions(then.reading), _known_dimensions(now.reading)
    day = f"on {then.snapshot.as_of:%Y-%m-%d}"
    told = [
        f"{_listed(names)} {verbs[len(names) > 1]} not known {when}"
        for names, verbs, when in ((after - before, ("was", "were"), day), (before - after, ("is", "are"), "now"))
        if names
    ]
    if told:
        return f"{' and '.join(told)}."
    told = [
        f"a silent source {leaves} the score open {when}"
        for past, leaves, when in ((then, "left", day), (now, "leaves", "now"))
        if past.reading.highest is not None
    ]
    return f"{' and '.join(told) or f'of a past date less can be told, and {day} not the same was known as now'}."


def _listed(names: Collection[str]) -> str:
    *most, last = sorted(names)
    return f"{', '.join(most)} and {last}" if most else last


def _nothing(there: Sequence[Past], same: Sequence[Past], days: int) -> Gap:
    """Why there is no reading to compare with."""
    if same:
        return Gap(SOURCE, "unavailable", f"Too little was known {days} days before to give a score.")
    if there:
        card = there[-1].snapshot
        detail = f"The reading {days} days before was scored under another scorecard ({card.scorecard} {card.version})."
        return Gap(SOURCE, "not_applicable", detail, BACKFILL)
    return Gap(SOURCE, "none_found", f"There is no reading {days} days before, nor up to 7 days earlier.", BACKFILL)


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


def _moved(before: Reading, after: Reading, card: Scorecard, dimension: DimensionRule) -> DimensionChange:
    then, now = before.dimensions.get(dimension.name), after.dimensions.get(dimension.name)
    if then is None or now is None:
        return DimensionChange(dimension.name, then, now, ())
    compared = (
        RuleChange(rule.id, before.contributions.get(rule.id, 0), after.contributions.get(rule.id, 0))
        for rule in card.rules_of(dimension.name)
    )
    rules = tuple(rule for rule in compared if rule.difference)
    return DimensionChange(dimension.name, then, now, rules, now - then - sum(rule.difference for rule in rules))


def _unknown(past: Past) -> tuple[str, ...]:
    """What is unknown of the operator alone (tables) or of everybody (sources)."""
    return (*past.reading.unknown, *dict.fromkeys(gap.source for gap in past.snapshot.gaps))


def _new(these: Iterable[str], those: Collection[str]) -> tuple[str, ...]:
    return tuple(one for one in these if one not in those)

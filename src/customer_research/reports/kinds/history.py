"""How an operator's score moved, and what moved it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from customer_research.documents.present import source_title
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.health import Contribution, standing_label
from customer_research.domain.report import Block, Cell, Chart, FigureLine, Mark, Prose, Text, Tone
from customer_research.domain.words import share_words
from customer_research.reports import pictures
from customer_research.reports.blocks import bullets, grid, stated
from customer_research.reports.judgement import points_range
from customer_research.reports.kind import Head, Kind, section
from customer_research.reports.progress import DIRECTION_TONES, change_lines
from customer_research.reports.readings import change_figure, scorings
from customer_research.reports.tones import BAND_TONES

if TYPE_CHECKING:
    from customer_research.domain.history import DimensionChange, Movement, OperatorHistory, Past, RuleChange

_LINE = 52
"""The readings that a sparkline shows: a year of weeks."""

_KINDS = {"scored": "then", "backfill": "later"}
_TAKEN = "taken later: computed by a backfill, from what was known then"


def _head(found: OperatorHistory) -> Head:
    return Head(
        found.generated_at,
        found.now.snapshot.as_of,
        found.freshness,
        _headline(found),
        _warnings(found),
        found.operator_id,
        found.name,
    )


def _basis(found: OperatorHistory, *past: Past) -> tuple[Receipt, ...]:
    """What proves readings: the scorings of their snapshots, and what the store gave."""
    receipts = {receipt.id: receipt for one in past for receipt in (*scorings(one), found.receipt)}
    return tuple(receipts.values())


def _score(found: OperatorHistory, past: Past, basis: tuple[Receipt, ...] | None = None) -> Figure:
    reading = past.reading
    if reading.score is None:
        detail = f"only {share_words(reading.coverage)} of the weight was known, too little to score"
        return Gap("score history", "unavailable", detail)
    return Fact(reading.score, "points", basis or _basis(found, past), past.snapshot.as_of, "health_score")


# -- head --------------------------------------------------------------------------------------------------------------


def _headline(found: OperatorHistory) -> Prose:
    now, month = found.now.reading, found.trend.changes[0]
    score = _score(found, found.now)
    if not isinstance(score, Fact):
        return Prose("There is no health score now: too little is known.", (), "unknown")
    standing = f"Health {points_range(now)} of 100, {standing_label(now.band, now.status)}"
    change = change_figure(month, _basis(found, found.now, *([month.then] if month.then else [])), found.now)
    if not isinstance(change, Fact):
        return Prose(f"{standing}; no fair comparison with 30 days ago.", (score,), BAND_TONES[now.band])
    direction = found.trend.direction
    words = f"{standing}, {direction}: {change.value:+d} in 30 days."
    return Prose(words, (score, change), DIRECTION_TONES[direction] if direction != "steady" else BAND_TONES[now.band])


def _warnings(found: OperatorHistory) -> Iterator[Prose]:
    if found.remark:
        yield Prose(found.remark, (), "watch")
    other = found.trend.scorecard_changed
    if other is not None:
        began = next(one for one in found.past if one.snapshot.digest == found.now.snapshot.digest)
        yield Prose(
            f"Until {other.snapshot.as_of:%Y-%m-%d} it was scored under another scorecard ({other.snapshot.scorecard} "
            f"{other.snapshot.version}); readings are compared from {began.snapshot.as_of:%Y-%m-%d} on.",
            (),
            "watch",
        )


def _trend(found: OperatorHistory) -> Iterator[Block]:
    tone = DIRECTION_TONES[found.trend.direction]
    score = FigureLine("Score", _score(found, found.now), BAND_TONES[found.now.reading.band])
    changes = [
        (
            change.days,
            change_figure(change, _basis(found, found.now, *([change.then] if change.then else [])), found.now),
        )
        for change in found.trend.changes
    ]
    yield from change_lines(changes, tone, [score])


# -- readings ----------------------------------------------------------------------------------------------------------


def _over_time(found: OperatorHistory) -> Iterator[Block | None]:
    same = [one for one in found.past if one.snapshot.digest == found.now.snapshot.digest]
    yield _line(found, same[-_LINE:])
    newest = found.past[::-1][: found.shown]
    dimensions = tuple(found.titles)
    several = len({one.snapshot.digest for one in newest}) > 1
    titles = " | ".join(f">{title}" for title in found.titles.values())
    yield grid(
        f"Date | >Score | Band | {titles} | >Known | Taken{' | Scorecard' if several else ''}",
        (_row(found, one, dimensions, several=several) for one in newest),
        (found.receipt,),
        f"Readings, newest first ({_TAKEN})",
        len(found.past),
    )


def _line(found: OperatorHistory, past: Sequence[Past]) -> Block:
    """The scores as a drawing; where there is none, that there is none."""
    known = [one.reading.score for one in past if one.reading.score is not None]
    first, last = past[0].snapshot.as_of, past[-1].snapshot.as_of
    if not known:
        return Prose("No reading has a score.", (), "unknown")
    span = f"{len(past)} readings from {first:%Y-%m-%d} to {last:%Y-%m-%d}" if len(past) > 1 else "one reading"
    extremes = tuple(
        Fact(score, "points", (found.receipt,), last, name)
        for name, score in (("lowest_score", min(known)), ("highest_score", max(known)))
    )
    marks = tuple(
        Mark(one.snapshot.as_of.date(), _score(found, one, (found.receipt,)), tone=BAND_TONES[one.reading.band])
        for one in past
    )
    says = Prose(f"Lowest {min(known)}, highest {max(known)} ({span}).", extremes)
    return Chart("history", pictures.SCORE_HISTORY, says, marks, "Day", "Health score (of 100)")


def _row(found: OperatorHistory, past: Past, dimensions: Sequence[str], *, several: bool) -> tuple[Cell, ...]:
    reading, basis = past.reading, (found.receipt,)
    as_of = past.snapshot.as_of
    return (
        Fact(as_of.date(), "date", basis, as_of),
        _score(found, past, basis),
        stated(standing_label(reading.band, reading.status), basis, as_of, BAND_TONES[reading.band]),
        *(_dimension(found, past, name) for name in dimensions),
        Fact(reading.coverage, "ratio", basis, as_of),
        stated(_KINDS[past.snapshot.kind], basis, as_of),
        *((stated(f"{past.snapshot.scorecard} {past.snapshot.version}", basis, as_of),) if several else ()),
    )


def _dimension(found: OperatorHistory, past: Past, name: str) -> Cell:
    if name not in past.reading.dimensions:
        return Text("not checked", "unknown")
    return _points(found, past, past.reading.dimensions[name])


def _points(found: OperatorHistory, past: Past, value: int | None) -> Cell:
    if value is None:
        return Text("unknown", "unknown")
    return Fact(value, "points", (found.receipt,), past.snapshot.as_of)


# -- what moved it -----------------------------------------------------------------------------------------------------


def _moved(found: OperatorHistory, movement: Movement | None) -> Iterator[Block | None]:
    if movement is None:
        return
    then, now = movement.then, movement.now
    facts = [one for past in (then, now) if isinstance(one := _score(found, past), Fact)]
    yield Prose(f"From {_standing(then)} to {_standing(now)}.", tuple(facts))
    declared = f"Dimension | !What | >{then.snapshot.as_of:%Y-%m-%d} | >{now.snapshot.as_of:%Y-%m-%d} | >Change | Why"
    moved = grid(declared, _lines(found, movement), _basis(found, then, now), "Points then and now")
    yield moved or Prose("No dimension's score changed, and no rule's points.")
    yield bullets(_beside(found, movement))


def _standing(past: Past) -> str:
    score = "no score" if past.reading.score is None else f"{past.reading.score}"
    return f"{score} ({standing_label(past.reading.band, past.reading.status)}) on {past.snapshot.as_of:%Y-%m-%d}"


def _lines(found: OperatorHistory, movement: Movement) -> Iterator[tuple[Cell, ...]]:
    for dimension in movement.dimensions:
        title = Text(found.titles[dimension.name])
        yield (
            title,
            Text("score"),
            _points(found, movement.then, dimension.then),
            _points(found, movement.now, dimension.now),
            _whole_change(found, movement, dimension),
            _of_both(found, movement, _whole_words(dimension)),
        )
        for rule in dimension.rules:
            yield title, *_rule(found, movement, rule)
        if dimension.clamp:
            yield title, *_clamp(found, movement, dimension)


def _whole_change(found: OperatorHistory, movement: Movement, dimension: DimensionChange) -> Cell:
    if dimension.then is None or dimension.now is None:
        return Text("not known", "unknown")
    return _difference(found, movement, dimension.now - dimension.then)


def _whole_words(dimension: DimensionChange) -> str:
    if dimension.now is None:
        return "Became unknown: the other dimensions count for more, which is no change of the operator."
    if dimension.then is None:
        return "Became known."
    return ""


def _rule(found: OperatorHistory, movement: Movement, rule: RuleChange) -> tuple[Cell, ...]:
    then, now = (
        _rule_points(found, past, points) for past, points in ((movement.then, rule.then), (movement.now, rule.now))
    )
    why = _of_both(found, movement, _why(found, movement, rule))
    return Text("reason"), then, now, _difference(found, movement, rule.difference), why


def _rule_points(found: OperatorHistory, past: Past, points: int | None) -> Cell:
    if points is None:
        return Text("not checked", "unknown")
    return Fact(points, "points", _basis(found, past), past.snapshot.as_of, "contribution_points")


def _why(found: OperatorHistory, movement: Movement, rule: RuleChange) -> str:
    """The rule's sentence now, or that of then where it fires no more; its condition where the figures are gone."""
    if rule.now is None:
        return "It can no longer be checked: what it needs is unknown."
    now, then = (_contribution(found, past, rule.rule) for past in (movement.now, movement.then))
    if now is not None:
        return now.because
    if then is not None and not rule.now:
        return f"No more: {then.because}"
    condition = found.conditions.get(rule.rule, "")
    return f"Its condition: {condition}" if condition else ""


def _contribution(found: OperatorHistory, past: Past, rule: str) -> Contribution | None:
    account = found.accounts.get(past.snapshot.id)
    if account is None or account.score is None:
        return None
    return next((line for line in account.score.contributions if line.rule == rule), None)


def _clamp(found: OperatorHistory, movement: Movement, dimension: DimensionChange) -> tuple[Cell, ...]:
    why = "A dimension has never less than 0 nor more than 100: so much of its rules' change did not show, or shows only now."
    told = _of_both(found, movement, why)
    return Text("limit"), Text(""), Text(""), _difference(found, movement, dimension.clamp), told


def _of_both(found: OperatorHistory, movement: Movement, words: str) -> Cell:
    """Words on what moved, which rest on both readings."""
    return stated(words, _basis(found, movement.then, movement.now), movement.now.snapshot.as_of)


def _difference(found: OperatorHistory, movement: Movement, points: int) -> Fact[Any]:
    return Fact(
        points, "points", _basis(found, movement.then, movement.now), movement.now.snapshot.as_of, "score_change"
    )


def _titled(found: OperatorHistory, findings: tuple[str, ...]) -> tuple[str, ...]:
    """Findings by their titles."""
    return tuple(found.findings.get(one, one) for one in findings)


def _beside(found: OperatorHistory, movement: Movement) -> Iterator[Prose]:
    """What changed beside the points: gates, findings, and what is unknown."""
    told: tuple[tuple[str, tuple[str, ...], Tone], ...] = (
        ("A cap holds the band down that did not: {}.", movement.gates_began, "bad"),
        ("A cap no longer holds the band down: {}.", movement.gates_ended, "good"),
        ("Holds and did not: {}.", _titled(found, movement.findings_began), "watch"),
        ("Holds no more: {}.", _titled(found, movement.findings_ended), "neutral"),
        ("Became unknown: {}.", tuple(map(source_title, movement.unknown_began)), "unknown"),
        ("Became known: {}.", tuple(map(source_title, movement.unknown_ended)), "neutral"),
    )
    for words, names, tone in told:
        if names:
            yield Prose(words.format(", ".join(name.replace("_", " ") for name in names)), (), tone)


KIND = Kind(
    "history",
    "Score history",
    _head,
    (
        section("health", "Trend", _trend, weight=3),
        section("readings", "Score over time", _over_time),
        section("moved_30_days", "What moved it in 30 days", lambda found: _moved(found, found.trend.since_30_days)),
        section(
            "moved_band",
            "What moved it since it had another band",
            lambda found: _moved(found, found.trend.since_band),
        ),
    ),
    answers="How did the score move, and what moved it?",
    place=120,
    use_case="history",
    needs=frozenset(),
    charts=(pictures.SCORE_HISTORY,),
)

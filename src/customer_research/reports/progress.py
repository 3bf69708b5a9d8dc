"""How an account's score came to where it is: changes, and the rules that moved it since a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from customer_research.domain.evidence import Fact, Figure, Gap, merge_basis
from customer_research.domain.health import BAND_LABELS, NO_BAND, UNTOLD_BANDS, HealthScore
from customer_research.domain.history import Direction, PastScore, ScoreChange, ScoreHistory
from customer_research.domain.report import Absence, Block, Cell, FigureLine, Figures, Prose, Text, Tone
from customer_research.domain.vocabularies import CLAMP
from customer_research.reports import judgement
from customer_research.reports.blocks import grid
from customer_research.reports.record_rows import day_of

if TYPE_CHECKING:
    from customer_research.domain.account import Account

DIRECTION_TONES: dict[Direction, Tone] = {
    "improving": "good",
    "declining": "bad",
    "steady": "neutral",
    "unknown": "unknown",
}
_MONTH = 30
_MOVED = 8
_WEIGHTY = 0.5
"""Of the score's own points: what moved it by less is left to the history."""


@dataclass(frozen=True, slots=True)
class PointsChange:
    """A rule whose points differ from an earlier reading's; `effect` is the difference in points of the whole score."""

    dimension: str
    rule: str
    then: int | None
    now: int | None
    effect: float
    why: str


def trend_words(account: Account) -> Prose | None:
    """`Improving: +12 in 30 days (from 54).`; None where no earlier score can be compared."""
    history = account.history
    if not isinstance(history, ScoreHistory) or not history.changes:
        return None
    month = history.changes[0]
    found = change_figure(account, month)
    if isinstance(found, Gap):
        return None
    direction = history.direction.capitalize()
    points = f"{found.value:+d} points" if found.value else "no change"
    text = f"{direction}: {points} in {month.days} days (from {month.then})."
    return Prose(text, (found,), DIRECTION_TONES[history.direction])


def last_settled(account: Account) -> Prose | None:
    """How the account last stood when that could be told; None where it can be told now, or never could.

    A silent source may hide a fall, so that the last known value never stands in for the missing one: it stands beside it.
    """
    history = account.history
    if not isinstance(history, ScoreHistory) or (account.score is not None and account.score.band not in UNTOLD_BANDS):
        return None
    told = [one for one in history.past if one.score is not None and one.band not in NO_BAND]
    if not told:
        return None
    last = told[-1]
    parts = ", ".join(
        f"{history.titles.get(name, name)} {'not known' if points is None else points}"
        for name, points in last.dimensions.items()
    )
    found = Fact(last.score, "points", (history.receipt,), last.as_of, "health_score")
    on = f"{last.as_of:%Y-%m-%d}"
    return Prose(f"Last settled on {on}: {last.score} {BAND_LABELS[last.band]} ({parts}).", (found,), "unknown")


def change_figure(account: Account, change: ScoreChange) -> Figure:
    """A change of the score, counting what could be judged both times."""
    history = account.history
    if isinstance(history, Gap):
        return history
    if change.points is None or change.on is None:
        return change.gap or Gap("score history", "none_found", "there is no reading to compare with")
    now = judgement.overall_basis(account, account.score) if account.score else ()
    basis = tuple({receipt.id: receipt for receipt in (history.receipt, *now)}.values())
    note = f"from {change.then} on {change.on:%Y-%m-%d}"
    return Fact(change.points, "points", basis, account.as_of, "score_change", note)


def changes(account: Account) -> Iterator[Block]:
    """The changes over 30, 60 and 90 days, or why there are none."""
    history = account.history
    if isinstance(history, Gap):
        yield Absence("Health trend over 30, 60 and 90 days", history)
        return
    tone = DIRECTION_TONES[history.direction]
    yield from change_lines([(change.days, change_figure(account, change)) for change in history.changes], tone)


def change_lines(
    changes: Sequence[tuple[int, Figure]], tone: Tone, first: Sequence[FigureLine] = ()
) -> Iterator[Block]:
    """Changes over so many days below other lines; of those that are not known, why, each reason once."""
    lines = [*first]
    unknown: dict[Gap, list[str]] = {}
    for days, found in changes:
        if isinstance(found, Gap):
            unknown.setdefault(found, []).append(str(days))
        else:
            lines.append(FigureLine(f"Change, {days} days", found, tone if days == _MONTH else "neutral"))
    if lines:
        yield Figures(tuple(lines))
    for gap, over in unknown.items():
        yield Absence(f"Change, {' and '.join((', '.join(over[:-1]), over[-1]) if over[1:] else over)} days", gap)


def compared_with(account: Account, since: date) -> PastScore | None:
    """The last score up to that day, else the first that is known; None where there is none."""
    history = account.history
    if isinstance(history, Gap):
        return None
    known = [past for past in history.past if past.score is not None]
    before = [past for past in known if day_of(past.as_of) <= since]
    return before[-1] if before else known[0] if known else None


def moved(past: PastScore, score: HealthScore, rules: Mapping[str, str]) -> tuple[PointsChange, ...]:
    """The rules whose points differ, what weighs most first; what was judged only once is told, without an effect.

    `rules` is the dimension of each rule.
    """
    found = [*_moved(past, score, rules)]
    return tuple(sorted(found, key=lambda one: (-abs(one.effect), one.rule)))


def _moved(past: PastScore, score: HealthScore, rules: Mapping[str, str]) -> Iterator[PointsChange]:
    now = score.points_by_rule
    dimensions = {dimension.name: dimension for dimension in score.dimensions}
    because = {c.rule: c.because for c in score.contributions}
    for rule in dict.fromkeys((*past.contributions, *now)):
        then, later = past.contributions.get(rule, 0), now.get(rule, 0)
        if then == later or rule == CLAMP:
            continue
        dimension = dimensions.get(rules.get(rule, ""))
        known = dimension is not None and then is not None and later is not None
        effect = ((later or 0) - (then or 0)) * dimension.weight if dimension is not None and known else 0.0
        why = because.get(rule) or ("It could not be checked now." if later is None else "It no longer holds.")
        yield PointsChange(dimension.name if dimension else "", rule, then, later, effect, why)


def moved_table(account: Account, since: date) -> Iterator[Block | None]:
    """What moved the score since a day: from where to where, and the rules whose points differ."""
    past, score, history = compared_with(account, since), account.score, account.history
    if past is None or score is None or isinstance(history, Gap):
        return
    now = judgement.score_figure(account, score)
    if isinstance(now, Gap):
        return
    then = Fact(past.score, "points", (history.receipt,), past.as_of, "health_score")
    words = (
        f"From {past.score} ({BAND_LABELS[past.band]}) on {past.as_of:%Y-%m-%d} to {judgement.points_range(score)} "
        f"({judgement.band_label(score)})."
    )
    found = [one for one in moved(past, score, history.rules) if abs(one.effect) >= _WEIGHTY][:_MOVED]
    if not found:
        yield Prose(f"{words} No rule's points changed by much.", (then, now))
        return
    rows = (_row(account, one, then, now) for one in found)
    yield Prose(words, (then, now))
    yield grid("Dimension | >Then | >Now | !Why", rows, merge_basis((then, now)), "What moved it")


def _row(account: Account, one: PointsChange, then: Fact[Any], now: Fact[Any]) -> tuple[Cell, ...]:
    title = judgement.dimension_title(one.dimension) if one.dimension else "No longer judged"
    tone: Tone = "good" if one.effect > 0 else "bad"
    return (
        Text(title),
        _points(one.then, then, account),
        _points(one.now, now, account),
        Text(one.why, tone),
    )


def _points(value: int | None, proof: Fact[Any], account: Account) -> Cell:
    if value is None:
        return Text("not checked", "unknown")
    return Fact(value, "points", proof.basis, account.as_of, "contribution_points")

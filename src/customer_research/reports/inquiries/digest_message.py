"""The week as a message: at most five who got worse and five who got better, by money, each with one reason and one thing to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from customer_research.documents.present import source_title
from customer_research.domain.alert import alerts_of
from customer_research.domain.evidence import Fact, Figure, Gap, each_once
from customer_research.domain.health import BAND_LABELS, standing_label
from customer_research.domain.line import Line
from customer_research.domain.portfolio import Mover, Moves, Week
from customer_research.domain.report import Absence, Block, Prose
from customer_research.domain.words import counted
from customer_research.reports.blocks import bullets
from customer_research.reports.kind import Outline, section
from customer_research.reports.kinds import digest
from customer_research.reports.movers import first, uncompared
from customer_research.reports.portfolio_cells import mrr_said, number
from customer_research.reports.tones import BAND_TONES

MOST = 5
"""How many of each a message tells; how many more there are is said."""

_NAMES = 5


def moved_ids(moves: Moves | Gap) -> tuple[str, ...]:
    """The operators whose lines say who of those that moved are told."""
    if isinstance(moves, Gap):
        return ()
    return tuple(dict.fromkeys(one.operator_id for one in (*_fell(moves), *moves.better)))


def _fell(moves: Moves) -> tuple[Mover, ...]:
    """Who fell to At Risk or Critical, and who else got worse; each once."""
    return tuple({one.operator_id: one for one in (*moves.new_at_risk, *moves.worse)}.values())


def _moved(
    choose: Callable[[Moves], Sequence[Mover]], none: str, *, rose: bool = False
) -> Callable[[Week], list[Block]]:
    """Those who moved in one way, those with the most money first."""

    def shown(found: Week) -> list[Block]:
        if isinstance(found.moves, Gap):
            return [] if rose else [Absence("What changed in the week", found.moves)]
        movers = choose(found.moves)
        if not movers:
            compared = none
            if found.moves.uncompared:
                compared = f"Of those who can be compared, {none[0].lower()}{none[1:]}"
            return [Prose(compared, (number(found.portfolio, 0, "count"),))]
        ranked = sorted(movers, key=lambda one: _by_money(found.lines.get(one.operator_id), one))
        told: list[Block | None] = [bullets(_told(found, one, rose=rose) for one in ranked[:MOST])]
        if len(ranked) > MOST:
            more = len(ranked) - MOST
            names = first([one.name or one.operator_id for one in ranked[MOST:]], _NAMES)
            told.append(Prose(f"{more} more: {names}.", (number(found.portfolio, more, "count"),)))
        return [block for block in told if block is not None]

    return shown


def _by_money(line: Line | None, mover: Mover) -> tuple[bool, int, str]:
    """The largest MRR first; what is not known last."""
    worth = line.worth if line is not None else None
    return worth is None, -(worth or 0), mover.name


def _told(found: Week, mover: Mover, *, rose: bool) -> Prose:
    """Who, for how much, from where to where, why, and what to do."""
    portfolio, line = found.portfolio, found.lines.get(mover.operator_id)
    receipts = [portfolio.receipt] if isinstance(found.moves, Gap) else [found.moves.receipt, portfolio.receipt]
    way = f"{_stood(mover)} to {_stands(mover)}"
    moved = Fact(way, "text", each_once(receipts), portfolio.snapshot.as_of, "health_score")
    name = mover.name or mover.operator_id
    if line is None:
        return Prose(f"{name}, MRR not known: {way}.", (moved,), BAND_TONES[mover.band])
    mrr, why = (line.figure(part, portfolio.snapshot.as_of) for part in ("mrr", "flag"))
    steps = line.step.facts if line.step is not None else ()
    facts = (moved, *(one for one in (mrr, why) if isinstance(one, Fact)), *steps)
    said = f"{name}, {mrr_said(mrr)}: {way}.{_reason(why, rose=rose)}{_step(line)}"
    return Prose(said, facts, BAND_TONES[mover.band])


def _reason(why: Figure, *, rose: bool) -> str:
    """What stands out most: the reason, or what is still to be watched."""
    if isinstance(why, Gap) or not why.value:
        return ""
    return f" {'Still: ' if rose else ''}{str(why.value).rstrip('.')}."


def _step(line: Line) -> str:
    step = line.step
    return "" if step is None else f" Next: {step.action.rstrip('.')} ({step.by}, {step.due})."


def _stood(mover: Mover) -> str:
    if mover.then_band is None:
        return "not there"
    band = BAND_LABELS[mover.then_band]
    return band if mover.then is None else f"{mover.then} {band}"


def _stands(mover: Mover) -> str:
    label = standing_label(mover.band, mover.status)
    return label if mover.now is None else f"{mover.now} {label}"


def _alerts(found: Week) -> Block:
    """How many critical alerts are open, and of whom."""
    done = found.done
    if isinstance(done, Gap):
        return Absence("Critical alerts", done)
    open_ = alerts_of(done.critical)
    if not open_:
        return digest.none_critical(found, done)
    count = Fact(len(open_), "count", (done.receipt,), found.portfolio.snapshot.as_of)
    names = first([one.reasons[0].name or source_title(one.reasons[0].source) for one in open_], _NAMES)
    return Prose(f"{counted(len(open_), 'critical alert')} open: {names}.", (count,), "bad")


def _totals(found: Week) -> Iterator[Block]:
    """The figures of the week; what cannot be compared stands in the headline already."""
    told = None if isinstance(found.moves, Gap) else uncompared(found.moves)
    yield from (block for block in digest.week_totals(found) if block != told and not isinstance(block, Absence))


REPORT = Outline(
    "digest",
    "Weekly digest",
    digest.head,
    (
        section(
            "worse", "At risk or worse", _moved(_fell, "Nobody fell or got worse by ten points or a band."), weight=3
        ),
        section(
            "better",
            "Better",
            _moved(lambda moves: moves.better, "Nobody got better by ten points or a band.", rose=True),
            weight=3,
        ),
        section("critical", "Alerts", _alerts, weight=3),
        section("done", "What was done", digest.done_in_week),
        section("left", "Left", digest.named(lambda moves: moves.left), weight=3),
        section("came", "New customers", digest.named(lambda moves: moves.came), weight=1),
        section("totals", "The week", _totals),
        section("stale", "Stale", lambda found: bullets(digest.stale(found)), weight=1),
    ),
)

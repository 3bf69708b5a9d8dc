"""The week as a message: at most five who got worse and five who got better, by money, each with one reason and one thing to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from customer_research.documents.present import source_title
from customer_research.domain.alert import alerts_of
from customer_research.domain.evidence import Fact, Gap, each_once
from customer_research.domain.health import BAND_LABELS, standing_label
from customer_research.domain.line import Line
from customer_research.domain.portfolio import Mover, Moves, Week
from customer_research.domain.report import Absence, Block, Prose, Tone
from customer_research.domain.words import counted, value_words
from customer_research.reports.blocks import bullets
from customer_research.reports.kind import Outline, section
from customer_research.reports.kinds import digest
from customer_research.reports.movers import first
from customer_research.reports.portfolio_cells import number
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
    portfolio, as_of, line = found.portfolio, found.portfolio.snapshot.as_of, found.lines.get(mover.operator_id)
    facts: list[Fact[object]] = []
    mrr = line.figure("mrr", as_of) if line is not None else None
    if isinstance(mrr, Fact):
        facts.append(mrr)
        money = f"{value_words(mrr)} a month" if mrr.value else "no MRR"
    else:
        money = "MRR not known"
    way = f"{_stood(mover)} to {_stands(mover)}"
    moved = Fact(way, "text", (portfolio.receipt,), as_of, "health_score")
    if not isinstance(found.moves, Gap):
        moved = Fact(way, "text", each_once((found.moves.receipt, portfolio.receipt)), as_of, "health_score")
    facts.append(moved)
    why = line.figure("flag", as_of) if line is not None else None
    reason = ""
    if isinstance(why, Fact) and why.value:
        facts.append(why)
        reason = f" {'Still: ' if rose else ''}{str(why.value).rstrip('.')}."
    step = line.step if line is not None else None
    action = ""
    if step is not None:
        facts.extend(step.facts)
        action = f" Next: {step.action.rstrip('.')} ({step.by}, {step.due})."
    tone: Tone = BAND_TONES[mover.band]
    return Prose(f"{mover.name or mover.operator_id}, {money}: {way}.{reason}{action}", tuple(facts), tone)


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
    count = Fact(len(open_), "count", (done.receipt,), found.portfolio.snapshot.as_of)
    if not open_:
        return Prose("No critical alert is open.", (count,), "good")
    names = first([one.reasons[0].name or source_title(one.reasons[0].source) for one in open_], _NAMES)
    return Prose(f"{counted(len(open_), 'critical alert')} open: {names}.", (count,), "bad")


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
        section("totals", "The week", digest.week_totals),
        section("stale", "Stale", lambda found: bullets(digest.stale(found)), weight=1),
    ),
)

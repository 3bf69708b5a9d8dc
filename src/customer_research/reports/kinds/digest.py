"""The week: newly at risk, worse, better, money at risk, what was done, what to do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from customer_research.documents.answering import answer_words
from customer_research.documents.present import source_title
from customer_research.domain.alert import Alert, alerts_of
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.health import AT_RISK_BANDS
from customer_research.domain.money import Amounts
from customer_research.domain.portfolio import AlertsOfWeek, Mover, Moves, Portfolio, Week
from customer_research.domain.report import Absence, Block, FigureLine, Figures, Prose, Text, Tone
from customer_research.domain.tables import STALE_AFTER
from customer_research.domain.vocabularies import SEVERITIES
from customer_research.domain.words import counted, instant_words, value_words
from customer_research.reports.blocks import bullets, stated
from customer_research.reports.kind import Head, Kind, section
from customer_research.reports.lines import by_need
from customer_research.reports.movers import first, money_at_risk, movers_table, proofs, uncompared
from customer_research.reports.portfolio_cells import (
    disagreements_table,
    nobody,
    number,
    portfolio_head,
    table,
    untold,
)
from customer_research.reports.tones import PRIORITY_TONES
from customer_research.reports.track_words import at_risk as track_line

WORSE, BETTER, ISSUES, CRITICAL, ADVICE = 10, 5, 5, 10, 4
"""How many of each a digest tells."""

NEW = 10
_NAMES = 3


def _headline(found: Week) -> Prose:
    portfolio, moves = found.portfolio, found.moves
    left = not isinstance(moves, Gap) and bool(moves.left)
    none = None if left else nobody(portfolio)
    if none is not None:
        return none
    when = f"{portfolio.snapshot.as_of:%Y-%m-%d}"
    risk = money_at_risk(portfolio)
    money = f" MRR at risk, a month: {_risk_words(risk)}." if isinstance(risk, Gap) or risk.value or risk.note else ""
    if isinstance(moves, Gap):
        shown = (risk,) if money and isinstance(risk, Fact) else ()
        return Prose(f"Nothing to compare with: {moves.detail}.{money}", shown, "unknown")
    facts = (_count(found, len(moves.new_at_risk)), *((risk,) if isinstance(risk, Fact) else ()))
    open_ = uncompared(moves)
    if open_ is not None:
        money, facts = f" {open_.text}{money}", (*facts, *open_.facts)
    if not any((moves.new_at_risk, moves.worse, moves.better, moves.left, moves.came)):
        if open_ is not None:
            return Prose(f"Week to {when}: no change is known.{money}", facts, "unknown")
        return Prose(f"A quiet week to {when}: nobody's standing changed.{money}", facts, _calm(portfolio))
    counts = (("newly at risk", moves.new_at_risk), ("worse", moves.worse), ("better", moves.better))
    parts = [f"{len(movers)} {what}" for what, movers in counts if movers or open_ is None]
    parts += [f"{len(movers)} {what}" for what, movers in (("left", moves.left), ("came", moves.came)) if movers]
    calm: Tone = _calm(portfolio) if open_ is None else "unknown"
    tone: Tone = "bad" if moves.new_at_risk or moves.left else "watch" if moves.worse else calm
    return Prose(f"Week to {when}: {', '.join(parts)}.{money}", facts, tone)


def _calm(portfolio: Portfolio) -> Tone:
    """No news is good news only of those of whom it can be told how they stand."""
    return "unknown" if untold(portfolio) else "good"


def _risk_words(risk: Fact[Amounts] | Gap) -> str:
    if isinstance(risk, Gap):
        return "not known"
    return f"{value_words(risk)} ({risk.note})" if risk.note else value_words(risk)


def _count(found: Week, value: int) -> Fact[float]:
    return number(found.portfolio, value, "count")


def week_totals(found: Week) -> Iterator[Block]:
    """How many there are, how many At Risk or Critical now and then, and the money; how often the scorecard was right."""
    portfolio, moves = found.portfolio, found.moves
    at_risk = sum(group.operators for group in portfolio.bands if group.name in AT_RISK_BANDS)
    lines = [
        FigureLine("Operators", number(portfolio, portfolio.chosen.matching, "count")),
        FigureLine("At Risk or Critical", number(portfolio, at_risk, "count"), "bad" if at_risk else "good"),
    ]
    open_ = None if isinstance(moves, Gap) else uncompared(moves)
    if not isinstance(moves, Gap) and open_ is None:
        basis = proofs(moves.receipt, portfolio.receipt)
        then = Fact(moves.then_at_risk, "count", basis, moves.then.as_of)
        lines.append(FigureLine(f"The same on {moves.then.as_of:%Y-%m-%d}", then))
    lines.append(FigureLine("MRR at risk, a month", money_at_risk(portfolio)))
    yield Figures(tuple(lines))
    if open_ is not None:
        yield open_
    yield track_line(portfolio.track)
    if isinstance(moves, Gap):
        yield Absence("What changed in the week", moves)


def _moved(
    choose: Callable[[Moves], tuple[Mover, ...]], most: int, none: str, *, rose: bool = False
) -> Callable[[Week], Block | None]:
    """Those who moved in one way; nothing where no change is known."""

    def shown(found: Week) -> Block | None:
        if isinstance(found.moves, Gap):
            return None
        return movers_table(found, found.moves, choose(found.moves), most, none, rose=rose)

    return shown


def _else_worse(moves: Moves) -> tuple[Mover, ...]:
    """Who got worse without falling to At Risk or Critical."""
    fell = {mover.operator_id for mover in moves.new_at_risk}
    return tuple(mover for mover in moves.worse if mover.operator_id not in fell)


def named(choose: Callable[[Moves], tuple[Mover, ...]]) -> Callable[[Week], Block | None]:
    """Who left or came, in a line; nothing where nobody did."""

    def shown(found: Week) -> Block | None:
        movers = () if isinstance(found.moves, Gap) else choose(found.moves)
        if not movers:
            return None
        names = first([mover.name for mover in movers], _NAMES * 2)
        return Prose(f"{counted(len(movers), 'operator')}: {names}.", (_count(found, len(movers)),))

    return shown


def _critical(found: Week) -> Block:
    if isinstance(found.done, Gap):
        return Absence("Critical alerts", found.done)
    proof = found.done.receipt
    open_ = sorted(alerts_of(found.done.critical), key=lambda alert: _by_need(found, alert))
    if not open_:
        return none_critical(found, found.done)
    rows = [
        (
            Text(alert.reasons[0].name or source_title(alert.reasons[0].source), operator=alert.subject),
            stated(_why(alert), (proof,), alert.oldest.raised.as_of, "bad"),
            Fact(alert.oldest.raised.as_of.date(), "date", (proof,), alert.oldest.raised.as_of),
            stated(_state(found.done, alert), (proof,), alert.oldest.raised.as_of),
        )
        for alert in open_[:CRITICAL]
    ]
    return table(found.portfolio, ("Operator", "Alert, and why", "Since", "State"), rows, "", len(open_))


def none_critical(found: Week, done: AlertsOfWeek) -> Prose:
    """That no critical alert is open; where alerts were not checked since the snapshot, that this is not known."""
    count = Fact(0, "count", (done.receipt,), done.checked)
    if done.checked < found.portfolio.snapshot.as_of:
        words = f"No critical alert was open when alerts were last checked, as of {instant_words(done.checked)}; since then it is not known."
        return Prose(words, (count,), "unknown")
    return Prose("No critical alert is open.", (count,), "good")


def _by_need(found: Week, alert: Alert) -> tuple[Any, ...]:
    """Not yet seen before seen, then by urgency and MRR; who is not told of last."""
    line = found.lines.get(alert.subject)
    seen = alert.oldest.acknowledged_at is not None
    return (seen, math.inf, alert.reasons[0].name) if line is None else (seen, *by_need(line), line.name)


def _why(alert: Alert) -> str:
    first_, more = alert.reasons[0], len(alert.reasons) - 1
    return f"{first_.title}: {first_.told.because}" + (f" ({more} more)" if more else "")


def _state(done: AlertsOfWeek, alert: Alert) -> str:
    oldest = alert.oldest
    if oldest.acknowledged_by:
        return f"seen by {oldest.acknowledged_by}"
    return "standing" if oldest.raised.snapshot == done.baseline else "new"


def done_in_week(found: Week) -> Block:
    """What became of alerts within the week: raised, cleared, acted on."""
    done = found.done
    if isinstance(done, Gap):
        return Absence("Alerts", done)
    items = list(_doings(found, done))
    if done.checked < found.portfolio.snapshot.as_of:
        words = (
            f"Alerts were last checked as of {instant_words(done.checked)}: what came of them since then is not known."
        )
        items.append(Prose(words, (_counted(found, done, len(items)),), "unknown"))
    none = Prose("No alert was raised or cleared, and nobody acted on one.", (_counted(found, done, 0),))
    return bullets(items) or none


def _doings(found: Week, done: AlertsOfWeek) -> Iterator[Prose]:
    standing = tuple(one for one in done.raised if one.raised.snapshot == done.baseline)
    fresh = tuple(one for one in done.raised if one.raised.snapshot != done.baseline)
    told = (("stood already at the first check", standing), ("raised", fresh), ("cleared", done.cleared))
    for word, episodes in told:
        if episodes:
            alerts = alerts_of(episodes)
            names = first([one.reasons[0].name or source_title(one.reasons[0].source) for one in alerts], _NAMES)
            yield Prose(f"{counted(len(alerts), 'alert')} {word}: {names}.", (_counted(found, done, len(alerts)),))
    for kind in ("acknowledged", "snoozed", "assigned"):
        acts = [act for act in done.acts if act.kind == kind]
        if acts:
            people = first(dict.fromkeys(act.who for act in acts), _NAMES)
            yield Prose(f"{counted(len(acts), 'alert')} {kind} by {people}.", (_counted(found, done, len(acts)),))


def _counted(found: Week, done: AlertsOfWeek, value: int) -> Fact[int]:
    return Fact(value, "count", (done.receipt,), found.portfolio.snapshot.as_of)


def _advice(found: Week) -> Block:
    """The most urgent things to do about those who moved or need attention, at most one an operator."""
    chosen = [(*by_need(line), line, line.step) for line in found.lines.values() if line.step is not None]
    ranked = sorted(
        chosen, key=lambda one: (one[0], SEVERITIES.index(one[-1].priority), *one[1:-2], one[-2].operator_id)
    )
    items = [
        Prose(
            f"{line.name}: {step.action} ({step.by}, {step.due}; {step.because.rstrip('.')})",
            step.facts,
            PRIORITY_TONES[step.priority],
        )
        for *_, line, step in ranked[:ADVICE]
    ]
    return bullets(items) or Prose("Nothing in the figures known asks for an action.", (_count(found, 0),))


def stale(found: Week) -> Iterator[Prose]:
    """What of the week is old, or not known."""
    portfolio = found.portfolio
    age = portfolio.generated_at - portfolio.snapshot.as_of
    if age > STALE_AFTER:
        told = instant_words(portfolio.snapshot.as_of)
        yield Prose(f"The newest snapshot is of {told}, {counted(age.days, 'day')} ago: score again.", (), "watch")
    for item in portfolio.freshness:
        if item.state != "ok" or item.warning:
            words = item.warning or answer_words(item)
            yield Prose(f"{source_title(item.source)}: {words.rstrip('.')}.", (), "watch")
    unjudged = next((group for group in portfolio.bands if group.name == "insufficient"), None)
    if unjudged is not None and unjudged.operators:
        text = f"Too little is known to score {counted(unjudged.operators, 'operator')}."
        yield Prose(text, (_count(found, unjudged.operators),), "unknown")
    unsettled = next((group for group in portfolio.bands if group.name == "unsettled"), None)
    if unsettled is not None and unsettled.operators:
        text = f"A silent source leaves the band of {counted(unsettled.operators, 'operator')} open."
        yield Prose(text, (_count(found, unsettled.operators),), "unknown")


def head(found: Week) -> Head:
    """What stands above the week of everybody, or of some owners."""
    head = portfolio_head(found.portfolio, _headline(found))
    return replace(head, title=f"Weekly digest: {' and '.join(found.owners)}") if found.owners else head


def moved_ids(moves: Moves | Gap) -> tuple[str, ...]:
    """The operators of whom a digest tells one by one."""
    if isinstance(moves, Gap):
        return ()
    shown = (*moves.new_at_risk[:NEW], *moves.worse[: WORSE + NEW], *moves.better[:BETTER])
    return tuple(dict.fromkeys(mover.operator_id for mover in shown))


def critical_ids(done: AlertsOfWeek | Gap) -> tuple[str, ...]:
    """The operators with a critical alert open."""
    found = () if isinstance(done, Gap) else done.critical
    return tuple(dict.fromkeys(one.subject for one in found if not one.source))


KIND = Kind(
    "digest",
    "Weekly digest",
    head,
    (
        section("totals", "The week", week_totals),
        section(
            "new",
            "Newly at risk",
            _moved(lambda m: m.new_at_risk, NEW, "Nobody fell to At Risk or Critical."),
            weight=3,
        ),
        section("worse", "Worse", _moved(_else_worse, WORSE, "Nobody else got worse by ten points or a band.")),
        section(
            "better",
            "Better",
            _moved(lambda m: m.better, BETTER, "Nobody got better by ten points or a band.", rose=True),
            weight=1,
        ),
        section("left", "Left", named(lambda m: m.left), weight=1),
        section("came", "New customers", named(lambda m: m.came), weight=1),
        section("critical", "Critical alerts", _critical, weight=3),
        section("done", "What was done", done_in_week, weight=1),
        section(
            "issues",
            "Top issues",
            lambda found: nobody(found.portfolio) or disagreements_table(found.portfolio, ISSUES),
            weight=1,
        ),
        section("advice", "What to do", lambda found: nobody(found.portfolio) or _advice(found), weight=3),
        section("stale", "Stale", lambda found: bullets(stale(found)), weight=1),
    ),
    answers="What changed in a week: who is newly at risk, worse, better; what was done, and what is to be done?",
    place=140,
    about="everybody",
    use_case="digest",
    needs=frozenset(),
)

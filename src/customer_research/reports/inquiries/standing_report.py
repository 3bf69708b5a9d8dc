"""How an operator stood when the portfolio was scored last, from what is kept: no vendor is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from customer_research.domain.alert import Alert, Episode
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.health import STATUS_LABELS
from customer_research.domain.line import WEEKS, Line
from customer_research.domain.outcome import Outcome
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Prose, Table, Text, Tone
from customer_research.domain.snapshot import Snapshot
from customer_research.domain.tables import STALE_AFTER
from customer_research.reports import lines
from customer_research.reports.blocks import SCORE_AGAIN, Proof, bullets, grid, proven_prose
from customer_research.reports.kind import Head, Outline, section
from customer_research.reports.kinds.alerts import AlertBasis
from customer_research.reports.tones import BAND_TONES, PRIORITY_TONES, URGENCY_TONES

ACTS = 3
"""How many steps are named at most: what is done first comes first."""

CHANGES = (4, 13, WEEKS - 1)
"""Weeks back to which the score is compared."""

READ_LIVE = "Read it live: `customer-research profile OPERATOR`."

_FIGURES = (
    ("health", "Health"),
    ("mrr", "MRR"),
    ("segment", "Segment"),
    ("owner", "Account owner"),
    ("flag", "Stands out"),
    ("trend", "Usage trend"),
    ("ends_on", "Ends"),
    ("renews_on", "Renews"),
    ("bills_on", "Bills next"),
)
"""The parts of a line that are told, and what they are called."""


@dataclass(frozen=True, slots=True)
class KeptStanding:
    """What is kept of an operator.

    Args:
        operator_id: whose it is.
        operator_name: as it is called there; empty: no name is kept.
        snapshot: the newest.
        line: the operator in it; None: it is not there.
        alerts: what is open of it: one alert, or none.
        ended: its reasons that were cleared lately.
        basis: what alerts rest on; None: no snapshot has been checked for alerts.
        records: what people recorded, the oldest first.
        recorded: what proves those.
        history: what proves the scores of earlier weeks; None: there are none.
        head: the freshness of sources at the snapshot, and the present instant.
    """

    operator_id: str
    operator_name: str
    snapshot: Snapshot
    line: Line | None
    alerts: tuple[Alert, ...]
    ended: tuple[Episode, ...]
    basis: AlertBasis | None
    records: tuple[Outcome, ...]
    recorded: Receipt
    history: Receipt | None
    head: Head

    @property
    def as_of(self) -> datetime:
        """The instant that the snapshot tells of."""
        return self.snapshot.as_of

    @property
    def told(self) -> Proof:
        """What records rest on."""
        return Proof((self.recorded,), self.head.generated_at)


def _head(found: KeptStanding) -> Head:
    head, line = found.head, found.line
    return Head(
        head.generated_at,
        found.as_of,
        head.freshness,
        _headline(found),
        tuple(_warnings(found)),
        found.operator_id,
        found.operator_name or found.operator_id,
        remark=STATUS_LABELS[line.status] if line is not None else "",
    )


def _headline(found: KeptStanding) -> Prose:
    line = found.line
    if line is None:
        return Prose(
            f"This operator is not in the newest snapshot, of {found.as_of:%Y-%m-%d %H:%M} UTC.",
            (),
            "unknown",
            READ_LIVE,
        )
    because = line.basis.get("because", ())
    if not because or (line.sooner and line.level == "watch"):
        return Prose("How soon somebody is needed is not known: a source is silent.", (), "unknown")
    told: Fact[Any] = Fact(line.soon, "text", because, found.as_of)
    words = f"{line.soon[:1].upper()}{line.soon[1:]}: {line.because.rstrip('.')}."
    return Prose(words, (told,), URGENCY_TONES[line.level])


def _warnings(found: KeptStanding) -> Iterator[Prose]:
    age = found.head.generated_at - found.as_of
    if age > STALE_AFTER:
        yield Prose(f"This is how it stood {age.days} days ago.", (), "watch", SCORE_AGAIN)
    if found.line is not None and found.line.sooner:
        yield Prose("A silent source may hide a more urgent reason.", (), "watch")


def _standing(found: KeptStanding) -> Figures | None:
    line = found.line
    if line is None:
        return None
    figures = ((label, part, _figure(line, part, found.as_of)) for part, label in _FIGURES)
    told = tuple(
        FigureLine(label, figure, BAND_TONES[line.band] if part == "health" else "neutral")
        for label, part, figure in figures
        if isinstance(figure, Fact) or part in line.unknown
    )
    return Figures(told) if told else None


def _figure(line: Line, part: str, as_of: datetime) -> Figure:
    """A part of the line; what is a metric's value says of which, so that it can be explained."""
    figure = line.figure(part, as_of)
    return replace(figure, metric="") if part == "flag" and isinstance(figure, Fact) else figure


def _elsewhere(found: KeptStanding) -> Table | None:
    link = found.line.link if found.line is not None else ""
    return grid("!Elsewhere", ((Text("This operator in HubSpot", link=link),),)) if link else None


def _acts(found: KeptStanding) -> Block:
    by_action: dict[str, Prose] = {}
    for action, step in _steps(found):
        by_action.setdefault(action.rstrip(".").casefold(), step)
    told = list(by_action.values())[:ACTS]
    return bullets(told, ordered=True) or Prose("Nothing known asks for a step.")


def _steps(found: KeptStanding) -> Iterator[tuple[str, Prose]]:
    """What is to be done, and the words with why: what the playbook says first, then what the rules of open alerts ask for."""
    line, as_of = found.line, found.as_of
    if line is not None and line.step is not None:
        step = line.step
        due = f", {step.due}" if step.due else ""
        words = f"{step.action.rstrip('.')} ({step.by}{due}): {step.because.rstrip('.')}."
        yield step.action, Prose(words, step.facts, PRIORITY_TONES[step.priority])
    if line is not None and line.act and (line.step is None or line.step.action != line.act):
        by = f" ({line.by})" if line.by else ""
        yield line.act, proven_prose(f"{line.act.rstrip('.')}{by}.", line.basis.get("act", ()), as_of)
    if found.basis is not None:
        for reason in (reason for alert in found.alerts for reason in alert.reasons):
            rule = found.basis.rules.get(reason.rule)
            if rule is not None:
                words = f"{rule.action.rstrip('.')} ({rule.owner}): {reason.told.because.rstrip('.')}."
                yield rule.action, Prose(words, (found.basis.proof.fact(reason.told.because, "text"),))


def _alerts(found: KeptStanding) -> Block | None:
    basis = found.basis
    if basis is None:
        return Prose(
            "No snapshot has been checked for alerts yet.", (), "unknown", "Run `customer-research alerts check`."
        )
    rows = (_reason(found, basis, alert, reason) for alert in found.alerts for reason in alert.reasons)
    none = Prose("No alert is open.", (basis.proof.fact(0),))
    return grid("Severity | Why | Since | State | !Alert", rows, basis.receipts, under="Why") or none


def _reason(found: KeptStanding, basis: AlertBasis, alert: Alert, reason: Episode) -> tuple[Cell, ...]:
    now, proof = found.head.generated_at, basis.proof
    state = f"acknowledged by {reason.acknowledged_by}" if reason.acknowledged_at else "nobody has acknowledged it"
    state += f", with {reason.assignee}" if reason.assignee else ""
    if reason.snoozed_until is not None and reason.snoozed(now):
        state += f", snoozed until {reason.snoozed_until:%Y-%m-%d}"
    return (
        proof.stated(reason.severity, PRIORITY_TONES[reason.severity]),
        proof.stated(reason.told.because),
        proof.fact(reason.raised.as_of.date(), "date"),
        proof.stated(state, theirs=True),
        Text(alert.id, alert=alert.id),
    )


def _changes(found: KeptStanding) -> Iterator[Block | None]:
    score = tuple(_score_lines(found))
    yield Figures(score) if score else None
    raised = [reason for alert in found.alerts for reason in alert.reasons]
    basis = found.basis
    if basis is not None:
        told = [(one.raised.as_of, f"{one.title}: {one.told.because.rstrip('.')}") for one in raised]
        told += [
            (one.cleared.as_of, f"{one.title} is over: {one.cleared_because}") for one in found.ended if one.cleared
        ]
        said = (
            Prose(f"{at:%Y-%m-%d}: {words.rstrip('.')}.", (basis.proof.fact(words, "text"),))
            for at, words in sorted(told, reverse=True)
        )
        yield bullets(said)


def _score_lines(found: KeptStanding) -> Iterator[FigureLine]:
    """The change of the score since so many weeks; where it was not known then, that it was not."""
    line = found.line
    if line is None or found.history is None or len(line.weeks) != WEEKS:
        return
    now, basis = line.weeks[-1], (found.snapshot.scoring, found.history)
    if now is None or all(line.weeks[-1 - back] is None for back in CHANGES):
        return  # the note below the weeks says so
    for back in CHANGES:
        then, label = line.weeks[-1 - back], f"Score, {back} weeks"
        if then is None:
            yield FigureLine(
                label, Gap("score history", "none_found", "no score of then is known that may be compared")
            )
            continue
        tone: Tone = "bad" if now < then else "good" if now > then else "neutral"
        yield FigureLine(label, Fact(now - then, "points", basis, found.as_of, note=f"from {then} to {now}"), tone)


def _weeks(found: KeptStanding) -> Iterator[Block | None]:
    some = (found.line,) if found.line is not None else ()
    drawn = lines.weeks_table(some, found.history, found.as_of, found.snapshot.scoring)
    yield drawn
    yield lines.weeks_note(some) if drawn else None


def _recorded(found: KeptStanding) -> Table | None:
    proof = found.told
    rows = (
        (
            proof.fact(one.on, "date"),
            proof.stated(f"left: {one.what}".replace("_", " ") if one.kind == "churn" else one.what.replace("_", " ")),
            proof.stated(one.note, theirs=True),
            proof.stated(one.who, theirs=True),
        )
        for one in reversed(found.records)
    )
    return grid("Day | What | Note | By", rows, (found.recorded,))


REPORT = Outline(
    "standing",
    "As kept",
    _head,
    (
        section("act", "Act", _acts),
        section("standing", "Standing", _standing, _elsewhere),
        section("alerts", "Open alerts", _alerts),
        section("changed", "What changed", _changes),
        section("weeks", f"Health in {WEEKS} weeks", _weeks),
        section("recorded", "What was recorded", _recorded),
    ),
)

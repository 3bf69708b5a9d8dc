"""What needs attention now, the most urgent first; check, acknowledge, snooze, assign, simulate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from customer_research.documents.present import source_title
from customer_research.domain.alert import Alert, AlertEvent, Episode, RuleInWords, alerts_of
from customer_research.domain.evidence import Fact, Figure, Receipt, merge_basis
from customer_research.domain.line import Line, Need
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Freshness, Prose, Table, Text, Tone
from customer_research.domain.vocabularies import SEVERITIES
from customer_research.domain.words import counted
from customer_research.reports import lines
from customer_research.reports.blocks import NOT_KNOWN, Proof, bullets, grid
from customer_research.reports.kind import Head, Kind, Outline, section
from customer_research.reports.portfolio_cells import brief, mrr_cell
from customer_research.reports.tones import PRIORITY_TONES

MOST = 25
"""How many lines a table of alerts has unless told."""


@dataclass(frozen=True, slots=True)
class AlertBasis:
    """What every report of alerts rests on.

    `as_of` is the instant of the newest snapshot that was judged, `receipts` those of its scoring and of what the store
    gave, `freshness` that of its sources; `rules` are those in force, by id. `lines` are the operators as they stood in
    that snapshot, as far as it is kept and they are shown, `needs` the same of all, as far as an order needs it (empty: all are among
    the lines); `baseline` is the first snapshot that was ever judged: what it raised had
    come together until then, and is standing, not new.
    """

    generated_at: datetime
    as_of: datetime
    receipts: tuple[Receipt, ...]
    freshness: tuple[Freshness, ...]
    rules: Mapping[str, RuleInWords]
    lines: Mapping[str, Line] = field(default_factory=dict)
    baseline: str = ""
    needs: Mapping[str, Need] = field(default_factory=dict)

    def need(self, subject: str) -> Need | None:
        """How soon an operator needs somebody; None where nothing is known of it."""
        if self.needs:
            return self.needs.get(subject)
        line = self.lines.get(subject)
        return None if line is None else line.need

    @property
    def proof(self) -> Proof:
        """What the alerts rest on."""
        return Proof(self.receipts, self.as_of)


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """The open alerts that were asked for; `snoozed` more are hidden, and `later` can wait; `words` says how they were chosen.

    `most` is how many lines the table of operators has (None: all); `waiting` snapshots have been scored, but not judged;
    `of` is how many alerts there are without the choice.
    """

    basis: AlertBasis
    alerts: tuple[Alert, ...]
    snoozed: int = 0
    later: int = 0
    words: str = ""
    most: int | None = MOST
    waiting: int = 0
    of: int = 0

    @property
    def operators(self) -> list[Alert]:
        """Those about operators."""
        return [alert for alert in self.alerts if not alert.reasons[0].source]

    @property
    def sources(self) -> list[Alert]:
        """Those about sources."""
        return [alert for alert in self.alerts if alert.reasons[0].source]


@dataclass(frozen=True, slots=True)
class OneAlert:
    """One alert by one of its reasons: its audit, the figures that it rests on (label → figure), earlier ones of its rule.

    `others` are the reasons that are open of the same subject besides.
    """

    basis: AlertBasis
    episode: Episode
    events: tuple[AlertEvent, ...]
    figures: Mapping[str, Figure]
    earlier: tuple[Episode, ...]
    others: tuple[Episode, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertCheck:
    """What judging snapshots came to: a sentence for each, and which reasons were raised, cleared, or held on."""

    basis: AlertBasis
    outcomes: tuple[str, ...]
    raised: tuple[Episode, ...] = ()
    cleared: tuple[Episode, ...] = ()
    continued: tuple[Episode, ...] = ()
    most: int | None = MOST

    @property
    def first(self) -> bool:
        """Whether all that was raised had come together before anybody looked."""
        return bool(self.raised) and all(_standing(self.basis, one) for one in self.raised)

    @property
    def open(self) -> OpenAlerts:
        """The alerts with a reason that was raised, as open ones are shown."""
        subjects = {one.subject for one in self.raised}
        raised = (one for one in alerts_of([*self.raised, *self.continued]) if one.subject in subjects)
        return OpenAlerts(self.basis, tuple(raised), most=self.most)


def in_order(basis: AlertBasis, alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """The most urgent first, then the larger MRR; of equals what nobody has acknowledged, then the oldest."""

    def key(alert: Alert) -> tuple[Any, ...]:
        need, worst = basis.need(alert.subject), alert.reasons[0]
        seen = all(reason.acknowledged_at is not None for reason in alert.reasons)
        stands = lines.by_need(need) if need is not None else (-1, True, 0)
        return (*stands, SEVERITIES.index(worst.severity), seen, alert.oldest.raised.as_of, worst.name, alert.subject)

    return tuple(sorted(alerts, key=key))


def can_wait(basis: AlertBasis, alert: Alert) -> bool:
    """Whether nothing has to be done about it this week; what is not known cannot wait."""
    need = basis.need(alert.subject)
    return need is not None and need.waits


def _head(basis: AlertBasis, headline: Prose | None = None, warnings: Iterable[Prose] = ()) -> Head:
    return Head(basis.generated_at, basis.as_of, basis.freshness, headline, warnings)


def _one_head(found: OneAlert) -> Head:
    episode = found.episode
    return replace(
        _head(found.basis),
        title=f"Alert {episode.id}: {episode.title}",
        operator_id="" if episode.source else episode.subject,
        operator_name=_subject(episode),
    )


def _one(found: OneAlert) -> Iterator[Block]:
    yield Figures(tuple(_facts(found)))
    facts = tuple(figure for figure in found.figures.values() if isinstance(figure, Fact))
    yield Prose(found.episode.told.because, facts, _tone(found.episode))


def _judged(found: AlertCheck) -> Iterator[Block | None]:
    yield bullets(Prose(text) for text in found.outcomes)
    if not (found.raised or found.cleared):
        yield Prose("Nothing new.", (), "good")


def _came_to(found: AlertCheck) -> Prose:
    """How many alerts were raised, rose by a reason, were cleared whole, and go on."""
    raised, continued = ({one.subject for one in these} for these in (found.raised, found.continued))
    cleared = {one.subject for one in found.cleared} - raised - continued
    numbers = (len(raised - continued), len(raised & continued), len(cleared), len(continued - raised))
    facts = found.basis.proof.facts("count", *numbers)
    new, rose, over, still = numbers
    if found.first:
        text = f"{counted(new, 'alert')} stood already when alerts were first checked: none of them is new."
        return Prose(text, facts, "neutral")
    text = f"{counted(new, 'alert')} raised, {rose} rose, {over} cleared, {still} go on."
    return Prose(text, facts, "watch" if found.raised else "good")


def _headline(found: OpenAlerts) -> Prose:
    operators, sources = found.operators, found.sources
    if found.words and not (found.alerts or found.snoozed or found.later):
        text = f"No open alert matches the filter ({found.words}); without it there are {found.of:,}."
        return Prose(text, (found.basis.proof.fact(found.of),), "unknown")
    parts = [counted(len(operators), "alert")] if operators else []
    parts += [f"{counted(len(sources), 'alert')} on sources"] if sources else []
    chosen = f" ({found.words})" if found.words else ""
    urgent = "No alert that cannot wait" if found.later else "No open alert"
    text = f"{' and '.join(parts) or urgent}{chosen}"
    text += f"; {found.later} more can wait" if found.later else ""
    text += f"; {found.snoozed} snoozed" if found.snoozed else ""
    facts = found.basis.proof.facts("count", len(operators), len(sources), found.later, found.snoozed)
    worst = in_order(found.basis, found.alerts)
    none: Tone = "unknown" if found.words or found.snoozed or found.later else "good"
    more = "`--all` lists those, too." if found.later else ""
    return Prose(f"{text}.", facts, _tone(worst[0].reasons[0]) if worst else none, more)


def _warnings(found: OpenAlerts) -> Iterator[Prose]:
    if not (found.basis.needs or found.basis.lines) and any(not alert.reasons[0].source for alert in found.alerts):
        yield Prose(
            "How urgent they are, what they pay and whose they are is not known: the files of the newest snapshot that was "
            "checked are gone, or its scorecard has changed since.",
            (),
            "unknown",
            "Run `customer-research portfolio score`.",
        )
    if found.waiting:
        judged = f"{counted(found.waiting, 'snapshot')} scored since {'has' if found.waiting == 1 else 'have'} not been checked"
        yield Prose(f"{judged}.", (), "watch", "Run `customer-research alerts check`.")


def _operators(found: OpenAlerts) -> Table | None:
    """The most urgent of them; how many there are stands with it."""
    rows = [_row(found.basis, alert) for alert in in_order(found.basis, found.operators)[: found.most]]
    proofs = merge_basis([cell for row in rows for cell in row if isinstance(cell, Fact)])  # told once above the table
    return grid(
        "Act | !Operator | MRR | !Owner | Why | State | !Id", rows, proofs, total=len(found.operators), under="Why"
    )


def _row(basis: AlertBasis, alert: Alert) -> tuple[Cell, ...]:
    line, as_of = basis.lines.get(alert.subject), basis.as_of
    return (
        lines.urgency(line, as_of) if line is not None else NOT_KNOWN,
        Text(_subject(alert.reasons[0]), operator=alert.subject),
        mrr_cell(line.figure("mrr", as_of)) if line is not None else NOT_KNOWN,
        brief(line.figure("owner", as_of)) if line is not None else NOT_KNOWN,
        basis.proof.stated(_why(alert)),
        basis.proof.stated(_states(basis, alert)),
        Text(alert.id, alert=alert.id),
    )


def _why(alert: Alert) -> str:
    """The gravest reason, and how many more there are."""
    more = len(alert.reasons) - 1
    return f"{alert.reasons[0].told.because}{f' ({more} more)' if more else ''}"


def _sources(found: OpenAlerts) -> Table | None:
    basis = found.basis
    rows = (
        (
            Text(_subject(alert.reasons[0])),
            basis.proof.stated(_why(alert), _tone(alert.reasons[0])),
            basis.proof.stated(_states(basis, alert)),
            Text(alert.id, alert=alert.id),
        )
        for alert in in_order(basis, found.sources)
    )
    return grid("!Source | Why | State | !Id", rows, basis.receipts, total=len(found.sources))


def _reason(basis: AlertBasis, episode: Episode) -> Prose:
    told = basis.proof.fact(episode.told.because, "text")
    since = f"since {episode.raised.as_of:%Y-%m-%d}"
    return Prose(f"{episode.title}: {episode.told.because.rstrip('.')} ({since}).", (told,), _tone(episode))


def _subject(episode: Episode) -> str:
    return source_title(episode.source) if episode.source else episode.name


def _standing(basis: AlertBasis, episode: Episode) -> bool:
    """Whether it had come together before anybody looked."""
    return episode.raised.snapshot == basis.baseline


def _states(basis: AlertBasis, alert: Alert) -> str:
    """Where the alert stands: as its oldest reason, and whether another has come since that nobody has acknowledged."""
    oldest = alert.oldest
    later = oldest.acknowledged_at is not None and any(one.acknowledged_at is None for one in alert.reasons)
    held = max((reason.held for reason in alert.reasons), key=lambda seen: seen.as_of)
    return _state(basis, replace(oldest, held=held)) + (", a new reason" if later else "")


def _state(basis: AlertBasis, episode: Episode) -> str:
    """Where it stands, since when, and in whose hands."""
    if episode.cleared is not None:
        return f"cleared {episode.cleared.as_of:%Y-%m-%d}"
    fresh = "standing" if _standing(basis, episode) else "new"
    parts = [f"{'acknowledged' if episode.acknowledged_at else fresh} since {episode.raised.as_of:%Y-%m-%d}"]
    parts += [episode.assignee] if episode.assignee else []
    if episode.snoozed_until is not None and episode.snoozed(basis.generated_at):
        parts.append(f"snoozed until {episode.snoozed_until:%Y-%m-%d}")
    if episode.held.as_of < basis.as_of:
        parts.append(f"last seen {episode.held.as_of:%Y-%m-%d}")
    return ", ".join(parts)


def _tone(episode: Episode) -> Tone:
    return PRIORITY_TONES[episode.severity]


def _actions(found: OpenAlerts) -> Block | None:
    """The next step of each alert that is shown: what the rule of its gravest reason says."""
    basis = found.basis
    shown = (*in_order(basis, found.sources), *in_order(basis, found.operators)[: found.most])
    told = ((alert, basis.rules.get(alert.reasons[0].rule)) for alert in shown)
    return bullets(
        Prose(f"{_subject(alert.reasons[0])}: {rule.action} ({rule.owner})") for alert, rule in told if rule is not None
    )


def _advice(found: OneAlert) -> Block:
    rule = found.basis.rules.get(found.episode.rule)
    if rule is None:
        return Prose("The rule that raised it is no longer in force.")
    text = f"{rule.action} ({rule.owner})"
    return bullets((Prose(text), Prose(f"Rule {rule.id}: {rule.when}. Limits: {rule.reason}."))) or Prose(text)


def _facts(found: OneAlert) -> Iterator[FigureLine]:
    episode, basis = found.episode, found.basis

    def line(label: str, value: object, unit: str = "text", tone: Tone = "neutral") -> FigureLine:
        return FigureLine(label, basis.proof.fact(value, unit), tone)

    known = basis.lines.get(episode.subject)
    if known is not None:
        soon = lines.urgency(known, basis.as_of)
        yield FigureLine("Act", soon) if isinstance(soon, Fact) else line("Act", "not known", tone="unknown")
        yield FigureLine("MRR", known.figure("mrr", basis.as_of))
        yield FigureLine("Account owner", known.figure("owner", basis.as_of))
    yield line("Severity", episode.severity, tone=_tone(episode))
    yield line("State", _state(basis, episode))
    yield line("Raised", episode.raised.as_of, "timestamp")
    yield line("Held last", episode.held.as_of, "timestamp")
    if episode.cleared is not None:
        yield line("Cleared", episode.cleared.as_of, "timestamp")
        yield line("Cleared because", episode.cleared_because)
    if episode.acknowledged_at is not None:
        yield line("Acknowledged by", episode.acknowledged_by)
    yield line("Seen in snapshot", episode.held.snapshot)


def _figures(found: OneAlert) -> Figures | None:
    lines = tuple(FigureLine(label, figure) for label, figure in found.figures.items())
    return Figures(lines) if lines else None


def _events(found: OneAlert) -> Table | None:
    proof = found.basis.proof
    rows = (
        (
            proof.fact(event.at, "timestamp"),
            *(proof.stated(words) for words in (event.kind, event.who, event.detail)),
            proof.stated(event.seen.snapshot if event.seen else ""),
        )
        for event in found.events
    )
    return grid("When | What | Who | Detail | Snapshot", rows, proof.receipts)


def _earlier(found: OneAlert) -> Table | None:
    proof = found.basis.proof
    rows = (
        (
            Text(episode.id),
            proof.fact(episode.raised.as_of.date(), "date"),
            proof.stated(_state(found.basis, episode)),
            proof.stated(episode.cleared_because),
        )
        for episode in found.earlier
    )
    return grid("Id | Raised | State | Why it ended", rows, proof.receipts)


def _cleared(found: AlertCheck) -> Table | None:
    proof = found.basis.proof
    rows = (
        (Text(_subject(one)), proof.stated(f"{one.title}: {one.cleared_because}"), Text(one.id))
        for alert in alerts_of(found.cleared)[: found.most]
        for one in alert.reasons
    )
    return grid("Operator | Alert, and why it ended | !Id", rows, proof.receipts, total=len(found.cleared))


KIND = Kind(
    "alerts",
    "Alerts",
    lambda found: _head(found.basis, _headline(found), _warnings(found)),
    (
        section("sources", "Sources", _sources, weight=3),  # first: their operators are not alerted of
        section("operators", "Operators", _operators, weight=3),
        section("actions", "What to do", _actions, weight=1),
    ),
    listed="Open alerts",
    answers="What needs attention now, the most urgent first?",
    place=180,
    about="everybody",
    use_case="alerts",
    needs=frozenset(),
)

ONE = Outline(
    "alert",
    "Alert",
    _one_head,
    (
        section("alert", "Alert", _one),
        section("reasons", "Other reasons", lambda found: bullets(_reason(found.basis, one) for one in found.others)),
        section("figures", "Figures", _figures),
        section("actions", "What to do", _advice, weight=1),
        section("events", "What happened", _events),
        section("earlier", "Earlier alerts", _earlier),
    ),
)
"""One alert in full."""

CHECK = Outline(
    "alerts_check",
    "Alerts: check",
    lambda found: _head(found.basis, _came_to(found)),
    (
        section("judged", "Judged", _judged),
        section("sources", "Sources", lambda found: _sources(found.open), weight=3),
        section(
            "raised",
            "Raised",
            lambda found: _operators(found.open),
            titled=lambda found: "Standing" if found.first else "Raised",
        ),
        section("actions", "What to do", lambda found: None if found.first else _actions(found.open), weight=1),
        section("cleared", "Cleared", _cleared),
    ),
)
"""What a check came to."""

"""Alerts: the open ones, worst first; one of them with its figures and its audit; and what a check came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from customer_research.domain.alert import SEVERITIES, AlertEvent, Episode, RuleInWords
from customer_research.domain.evidence import Fact, Figure, Receipt
from customer_research.domain.report import (
    Block,
    Cell,
    FigureLine,
    Figures,
    Freshness,
    Prose,
    Report,
    Section,
    Table,
    Text,
    Tone,
)
from customer_research.domain.words import counted
from customer_research.reports.build import bullets, section, sections, stated
from customer_research.reports.presentation import source_title
from customer_research.reports.tones import PRIORITY_TONES

MOST = 25
"""How many lines a table of alerts has unless told."""

_HEADERS = ("Severity", "Operator", "Alert, and why", "Since", "State", "Id")


@dataclass(frozen=True, slots=True)
class Desk:
    """What every report of alerts rests on.

    `as_of` is the instant of the newest snapshot that was judged, `receipts` those of its scoring and of what the store
    gave, `freshness` that of its sources; `rules` are those in force, by id.
    """

    generated_at: datetime
    as_of: datetime
    receipts: tuple[Receipt, ...]
    freshness: tuple[Freshness, ...]
    rules: Mapping[str, RuleInWords]


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """The open alerts that were asked for; `snoozed` more are hidden, `words` says how they were chosen.

    `most` is how many lines the table of operators has (None: all); `waiting` snapshots have been scored, but not judged.
    """

    desk: Desk
    episodes: tuple[Episode, ...]
    snoozed: int = 0
    words: str = ""
    most: int | None = MOST
    waiting: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class OneAlert:
    """One alert: its audit, the figures that it rests on (label → figure), and earlier ones of the same rule and subject."""

    desk: Desk
    episode: Episode
    events: tuple[AlertEvent, ...]
    figures: Mapping[str, Figure]
    earlier: tuple[Episode, ...]


@dataclass(frozen=True, slots=True)
class CheckedAlerts:
    """What judging snapshots came to: a sentence for each, and what was raised, cleared, or held on."""

    desk: Desk
    outcomes: tuple[str, ...]
    raised: tuple[Episode, ...] = ()
    cleared: tuple[Episode, ...] = ()
    continued: tuple[Episode, ...] = ()
    most: int | None = MOST


def worst_first(episodes: Sequence[Episode]) -> tuple[Episode, ...]:
    """By severity; of one severity what nobody has acknowledged first, then the oldest."""
    order = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    return tuple(
        sorted(
            episodes,
            key=lambda e: (order[e.severity], e.acknowledged_at is not None, e.raised.as_of, e.name, e.rule, e.subject),
        )
    )


def build_open(found: OpenAlerts) -> Report:
    """The open alerts: sources first (their operators are not alerted of), then operators."""
    sources = [episode for episode in found.episodes if episode.source]
    operators = [episode for episode in found.episodes if not episode.source]
    return _report(
        found.desk,
        "alerts",
        "Alerts",
        sections(
            section("Sources", _table(found.desk, sources), id="sources"),
            section("Operators", _table(found.desk, operators, found.most), id="operators"),
            section("What to do", _actions(found), id="actions"),
        ),
        headline=_headline(found, operators, sources),
        warnings=tuple(_warnings(found)),
    )


def build_one(found: OneAlert) -> Report:
    """One alert in full."""
    episode, rule = found.episode, found.desk.rules.get(found.episode.rule)
    told = Prose(episode.told.because, tuple(f for f in found.figures.values() if isinstance(f, Fact)), _tone(episode))
    return _report(
        found.desk,
        "alert",
        f"Alert {episode.id}: {episode.title}",
        sections(
            section("Alert", Figures(tuple(_facts(found))), told, id="alert"),
            section("Figures", _figures(found), id="figures"),
            section("What to do", _advice(rule), id="actions"),
            section("What happened", _events(found), id="events"),
            section("Earlier alerts", _earlier(found), id="earlier"),
        ),
        operator_id="" if episode.source else episode.subject,
        operator_name=_subject(episode),
    )


def build_checked(found: CheckedAlerts) -> Report:
    """What a check came to."""
    nothing = Prose("Nothing new.", (), "good") if not (found.raised or found.cleared) else None
    return _report(
        found.desk,
        "alerts_check",
        "Alerts: check",
        sections(
            section("Judged", bullets(Prose(text) for text in found.outcomes), nothing, id="judged"),
            section("Raised", _table(found.desk, found.raised, found.most), id="raised"),
            section("Cleared", _cleared(found), id="cleared"),
        ),
        headline=Prose(
            f"{counted(len(found.raised), 'alert')} raised, {len(found.cleared)} cleared, {len(found.continued)} go on.",
            tuple(_count(found.desk, len(these)) for these in (found.raised, found.cleared, found.continued)),
            "watch" if found.raised else "good",
        ),
    )


def _report(
    desk: Desk,
    kind: str,
    title: str,
    parts: tuple[Section, ...],
    *,
    headline: Prose | None = None,
    warnings: tuple[Prose, ...] = (),
    operator_id: str = "",
    operator_name: str = "",
) -> Report:
    return Report(
        kind=kind,
        title=title,
        operator_id=operator_id,
        operator_name=operator_name,
        generated_at=desk.generated_at,
        as_of=desk.as_of,
        sections=parts,
        freshness=desk.freshness,
        warnings=warnings,
        headline=headline,
    )


def _count(desk: Desk, number: int) -> Fact[int]:
    return Fact(number, "count", desk.receipts, desk.as_of)


def _headline(found: OpenAlerts, operators: Sequence[Episode], sources: Sequence[Episode]) -> Prose:
    if found.words and not found.episodes and not found.snoozed:
        text = f"No open alert matches the filter ({found.words}); without it there are {found.of:,}."
        return Prose(text, (_count(found.desk, found.of),), "unknown")
    on = len({episode.subject for episode in operators})
    parts = [f"{counted(len(operators), 'alert')} on {counted(on, 'operator')}"] if operators else []
    parts += [f"{counted(len(sources), 'alert')} on sources"] if sources else []
    chosen = f" ({found.words})" if found.words else ""
    text = f"{' and '.join(parts) or 'No open alert'}{chosen}"
    if found.snoozed:
        text += f"; {found.snoozed} snoozed"
    facts = tuple(_count(found.desk, number) for number in (len(operators), on, len(sources), found.snoozed))
    worst = worst_first(found.episodes)
    none: Tone = "unknown" if found.words or found.snoozed else "good"
    return Prose(f"{text}.", facts, _tone(worst[0]) if worst else none)


def _warnings(found: OpenAlerts) -> Iterator[Prose]:
    if found.waiting:
        judged = f"{counted(found.waiting, 'snapshot')} scored since {'has' if found.waiting == 1 else 'have'} not been judged"
        yield Prose(f"{judged}: run `customer-research alerts check`.", (), "watch")


def _table(desk: Desk, episodes: Sequence[Episode], most: int | None = None) -> Table | None:
    """The worst of them; how many there are stands with it."""
    if not episodes:
        return None
    headers = _HEADERS if not episodes[0].source else ("Severity", "Source", *_HEADERS[2:])
    rows = tuple(_row(desk, episode) for episode in worst_first(episodes)[:most])
    return Table(headers, rows, desk.receipts, total=len(episodes), words=(headers[1], "Id"))


def _row(desk: Desk, episode: Episode) -> tuple[Cell, ...]:
    return (
        _said(desk, episode.severity, _tone(episode)),
        Text(_subject(episode)),
        _said(desk, f"{episode.title}: {episode.told.because}"),
        Fact(episode.raised.as_of.date(), "date", desk.receipts, desk.as_of),
        _said(desk, _state(desk, episode)),
        Text(episode.id),
    )


def _said(desk: Desk, words: str, tone: Tone = "neutral") -> Cell:
    return stated(words, desk.receipts, desk.as_of, tone)


def _subject(episode: Episode) -> str:
    return source_title(episode.source) if episode.source else episode.name


def _state(desk: Desk, episode: Episode) -> str:
    """Where it stands, and in whose hands."""
    if episode.cleared is not None:
        return f"cleared {episode.cleared.as_of:%Y-%m-%d}"
    parts = ["acknowledged" if episode.acknowledged_at else "new"]
    parts += [episode.assignee] if episode.assignee else []
    if episode.snoozed_until is not None and episode.snoozed(desk.generated_at):
        parts.append(f"snoozed until {episode.snoozed_until:%Y-%m-%d}")
    if episode.held.as_of < desk.as_of:
        parts.append(f"last seen {episode.held.as_of:%Y-%m-%d}")
    return ", ".join(parts)


def _tone(episode: Episode) -> Tone:
    return PRIORITY_TONES[episode.severity]


def _actions(found: OpenAlerts) -> Block | None:
    """Each rule's advice once, for the alerts that are shown."""
    sources = [episode for episode in found.episodes if episode.source]
    operators = worst_first([episode for episode in found.episodes if not episode.source])[: found.most]
    ids = dict.fromkeys(episode.rule for episode in (*sources, *operators))
    return bullets(_advice_of(rule) for name in ids if (rule := found.desk.rules.get(name)) is not None)


def _advice_of(rule: RuleInWords) -> Prose:
    return Prose(f"{rule.title}: {rule.action} ({_due(rule)})")


def _due(rule: RuleInWords) -> str:
    due = f"within {counted(rule.within_days, 'day')}" if rule.within_days else "at once"
    return f"{rule.owner}, {due}"


def _advice(rule: RuleInWords | None) -> Block:
    if rule is None:
        return Prose("The rule that raised it is no longer in force.")
    text = f"{rule.action} ({_due(rule)})"
    return bullets((Prose(text), Prose(f"Rule {rule.id}: {rule.when}. Limits: {rule.reason}."))) or Prose(text)


def _facts(found: OneAlert) -> Iterator[FigureLine]:
    episode, desk = found.episode, found.desk

    def line(label: str, value: object, unit: str, tone: Tone = "neutral") -> FigureLine:
        return FigureLine(label, Fact(value, unit, desk.receipts, desk.as_of), tone)

    yield line("Severity", episode.severity, "text", _tone(episode))
    yield line("State", _state(desk, episode), "text")
    yield line("Raised", episode.raised.as_of, "timestamp")
    yield line("Held last", episode.held.as_of, "timestamp")
    if episode.cleared is not None:
        yield line("Cleared", episode.cleared.as_of, "timestamp")
        yield line("Cleared because", episode.cleared_because, "text")
    if episode.acknowledged_at is not None:
        yield line("Acknowledged by", episode.acknowledged_by, "text")
    yield line("Seen in snapshot", episode.held.snapshot, "text")


def _figures(found: OneAlert) -> Figures | None:
    lines = tuple(FigureLine(label, figure) for label, figure in found.figures.items())
    return Figures(lines) if lines else None


def _events(found: OneAlert) -> Table | None:
    if not found.events:
        return None
    rows = tuple(
        (
            Fact(event.at, "timestamp", found.desk.receipts, found.desk.as_of),
            *(
                _said(found.desk, words)
                for words in (event.kind, event.who, event.detail, event.seen.snapshot if event.seen else "")
            ),
        )
        for event in found.events
    )
    return Table(("When", "What", "Who", "Detail", "Snapshot"), rows, found.desk.receipts)


def _earlier(found: OneAlert) -> Table | None:
    if not found.earlier:
        return None
    rows = tuple(
        (
            Text(episode.id),
            Fact(episode.raised.as_of.date(), "date", found.desk.receipts, found.desk.as_of),
            _said(found.desk, _state(found.desk, episode)),
            _said(found.desk, episode.cleared_because),
        )
        for episode in found.earlier
    )
    return Table(("Id", "Raised", "State", "Why it ended"), rows, found.desk.receipts)


def _cleared(found: CheckedAlerts) -> Table | None:
    if not found.cleared:
        return None
    rows = tuple(
        (
            Text(_subject(episode)),
            _said(found.desk, f"{episode.title}: {episode.cleared_because}"),
            Text(episode.id),
        )
        for episode in worst_first(found.cleared)[: found.most]
    )
    return Table(
        ("Operator", "Alert, and why it ended", "Id"),
        rows,
        found.desk.receipts,
        total=len(found.cleared),
        words=("Id",),
    )

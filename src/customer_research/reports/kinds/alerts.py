"""Alerts: the open ones, most urgent first; one of them with its figures and its audit; and what a check came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from customer_research.documents.present import source_title
from customer_research.domain.account import Account
from customer_research.domain.alert import Alert, AlertEvent, Episode, RuleInWords, alerts_of
from customer_research.domain.evidence import Fact, Figure, Receipt, merge_basis
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
from customer_research.domain.vocabularies import SEVERITIES
from customer_research.domain.words import counted
from customer_research.reports.build import bullets, figure, section, sections, stated
from customer_research.reports.kinds.portfolio import brief, mrr_cell
from customer_research.reports.standing import by_worth
from customer_research.reports.tones import PRIORITY_TONES
from customer_research.reports.urgency import urgency_cell, urgency_rank

MOST = 25
"""How many lines a table of alerts has unless told."""

_HEADERS = ("Act", "Operator", "MRR", "Owner", "Why", "State", "Id")
_SOURCE_HEADERS = ("Source", "Why", "State", "Id")
_UNKNOWN = Text("not known", "unknown")


@dataclass(frozen=True, slots=True)
class Desk:
    """What every report of alerts rests on.

    `as_of` is the instant of the newest snapshot that was judged, `receipts` those of its scoring and of what the store
    gave, `freshness` that of its sources; `rules` are those in force, by id. `accounts` are the operators as they stood in
    that snapshot, as far as its files are there; `baseline` is the first snapshot that was ever judged: what it raised had
    come together until then, and is standing, not new.
    """

    generated_at: datetime
    as_of: datetime
    receipts: tuple[Receipt, ...]
    freshness: tuple[Freshness, ...]
    rules: Mapping[str, RuleInWords]
    accounts: Mapping[str, Account] = field(default_factory=dict)
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """The open alerts that were asked for; `snoozed` more are hidden, and `later` can wait; `words` says how they were chosen.

    `most` is how many lines the table of operators has (None: all); `waiting` snapshots have been scored, but not judged;
    `of` is how many alerts there are without the choice.
    """

    desk: Desk
    alerts: tuple[Alert, ...]
    snoozed: int = 0
    later: int = 0
    words: str = ""
    most: int | None = MOST
    waiting: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class OneAlert:
    """One alert by one of its reasons: its audit, the figures that it rests on (label → figure), earlier ones of its rule.

    `others` are the reasons that are open of the same subject besides.
    """

    desk: Desk
    episode: Episode
    events: tuple[AlertEvent, ...]
    figures: Mapping[str, Figure]
    earlier: tuple[Episode, ...]
    others: tuple[Episode, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedAlerts:
    """What judging snapshots came to: a sentence for each, and which reasons were raised, cleared, or held on."""

    desk: Desk
    outcomes: tuple[str, ...]
    raised: tuple[Episode, ...] = ()
    cleared: tuple[Episode, ...] = ()
    continued: tuple[Episode, ...] = ()
    most: int | None = MOST


def in_order(desk: Desk, alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """The most urgent first, then the larger MRR; of equals what nobody has acknowledged, then the oldest."""

    def key(alert: Alert) -> tuple[Any, ...]:
        account, worst = desk.accounts.get(alert.subject), alert.reasons[0]
        seen = all(reason.acknowledged_at is not None for reason in alert.reasons)
        stands = (urgency_rank(account), by_worth(account)) if account is not None else (-1, (True, 0))
        return (*stands, SEVERITIES.index(worst.severity), seen, alert.oldest.raised.as_of, worst.name, alert.subject)

    return tuple(sorted(alerts, key=key))


def can_wait(desk: Desk, alert: Alert) -> bool:
    """Whether nothing has to be done about it this week; what is not known cannot wait."""
    account = desk.accounts.get(alert.subject)
    found = account.urgency if account is not None else None
    return found is not None and not found.open and found.level in ("this_month", "watch")


def _apart(alerts: Iterable[Alert]) -> tuple[list[Alert], list[Alert]]:
    """Those about operators, and those about sources."""
    every = list(alerts)
    sources = [alert for alert in every if alert.reasons[0].source]
    return [alert for alert in every if not alert.reasons[0].source], sources


def build_open(found: OpenAlerts) -> Report:
    """The open alerts: sources first (their operators are not alerted of), then operators."""
    operators, sources = _apart(found.alerts)
    return _report(
        found.desk,
        "alerts",
        "Alerts",
        sections(
            section("Sources", _sources(found.desk, sources), id="sources"),
            section("Operators", _table(found.desk, operators, found.most), id="operators"),
            section("What to do", _actions(found.desk, operators, sources, found.most), id="actions"),
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
            section("Other reasons", bullets(_reason(found.desk, one) for one in found.others), id="reasons"),
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
    desk, nothing = found.desk, Prose("Nothing new.", (), "good")
    first = bool(found.raised) and all(_standing(desk, one) for one in found.raised)
    subjects = {one.subject for one in found.raised}
    raised = [alert for alert in alerts_of([*found.raised, *found.continued]) if alert.subject in subjects]
    operators, sources = _apart(raised)
    return _report(
        desk,
        "alerts_check",
        "Alerts: check",
        sections(
            section(
                "Judged",
                bullets(Prose(text) for text in found.outcomes),
                None if found.raised or found.cleared else nothing,
                id="judged",
            ),
            section("Sources", _sources(desk, sources), id="sources"),
            section("Standing" if first else "Raised", _table(desk, operators, found.most), id="raised"),
            section("What to do", None if first else _actions(desk, operators, sources, found.most), id="actions"),
            section("Cleared", _cleared(found), id="cleared"),
        ),
        headline=_came_to(found, first=first),
    )


def _came_to(found: CheckedAlerts, *, first: bool) -> Prose:
    """How many alerts were raised, rose by a reason, were cleared whole, and go on."""
    raised, continued = ({one.subject for one in these} for these in (found.raised, found.continued))
    cleared = {one.subject for one in found.cleared} - raised - continued
    numbers = (len(raised - continued), len(raised & continued), len(cleared), len(continued - raised))
    facts = tuple(_count(found.desk, number) for number in numbers)
    new, rose, over, still = numbers
    if first:
        text = f"{counted(new, 'alert')} stood already when alerts were first checked: none of them is new."
        return Prose(text, facts, "neutral")
    text = f"{counted(new, 'alert')} raised, {rose} rose, {over} cleared, {still} go on."
    return Prose(text, facts, "watch" if found.raised else "good")


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


def _headline(found: OpenAlerts, operators: Sequence[Alert], sources: Sequence[Alert]) -> Prose:
    if found.words and not (found.alerts or found.snoozed or found.later):
        text = f"No open alert matches the filter ({found.words}); without it there are {found.of:,}."
        return Prose(text, (_count(found.desk, found.of),), "unknown")
    parts = [counted(len(operators), "alert")] if operators else []
    parts += [f"{counted(len(sources), 'alert')} on sources"] if sources else []
    chosen = f" ({found.words})" if found.words else ""
    urgent = "No alert that cannot wait" if found.later else "No open alert"
    text = f"{' and '.join(parts) or urgent}{chosen}"
    text += f"; {found.later} more can wait (`--all` lists them)" if found.later else ""
    text += f"; {found.snoozed} snoozed" if found.snoozed else ""
    facts = tuple(_count(found.desk, number) for number in (len(operators), len(sources), found.later, found.snoozed))
    worst = in_order(found.desk, found.alerts)
    none: Tone = "unknown" if found.words or found.snoozed or found.later else "good"
    return Prose(f"{text}.", facts, _tone(worst[0].reasons[0]) if worst else none)


def _warnings(found: OpenAlerts) -> Iterator[Prose]:
    if not found.desk.accounts and any(not alert.reasons[0].source for alert in found.alerts):
        yield Prose(
            "How urgent they are, what they pay and whose they are is not known: the files of the newest snapshot that was "
            "judged are gone, or its scorecard has changed since. Run `customer-research portfolio score`.",
            (),
            "unknown",
        )
    if found.waiting:
        judged = f"{counted(found.waiting, 'snapshot')} scored since {'has' if found.waiting == 1 else 'have'} not been judged"
        yield Prose(f"{judged}: run `customer-research alerts check`.", (), "watch")


def _table(desk: Desk, alerts: Sequence[Alert], most: int | None = None) -> Table | None:
    """The most urgent of them; how many there are stands with it."""
    if not alerts:
        return None
    rows = tuple(_row(desk, alert) for alert in in_order(desk, alerts)[:most])
    return Table(_HEADERS, rows, _basis(rows), total=len(alerts), words=("Operator", "Owner", "Id"))


def _row(desk: Desk, alert: Alert) -> tuple[Cell, ...]:
    account = desk.accounts.get(alert.subject)
    return (
        urgency_cell(account) if account is not None else _UNKNOWN,
        Text(_subject(alert.reasons[0])),
        mrr_cell(account) if account is not None else _UNKNOWN,
        brief(figure(account, "owner_name")) if account is not None else _UNKNOWN,
        _said(desk, _why(alert)),
        _said(desk, _states(desk, alert)),
        Text(alert.id),
    )


def _basis(rows: Iterable[Sequence[Cell]]) -> tuple[Receipt, ...]:
    """The receipts of all cells, told once above the table."""
    return merge_basis([cell for row in rows for cell in row if isinstance(cell, Fact)])


def _why(alert: Alert) -> str:
    """The gravest reason, and how many more there are."""
    more = len(alert.reasons) - 1
    return f"{alert.reasons[0].told.because}{f' ({more} more)' if more else ''}"


def _sources(desk: Desk, alerts: Sequence[Alert]) -> Table | None:
    if not alerts:
        return None
    rows = tuple(
        (
            Text(_subject(alert.reasons[0])),
            _said(desk, _why(alert), _tone(alert.reasons[0])),
            _said(desk, _states(desk, alert)),
            Text(alert.id),
        )
        for alert in in_order(desk, alerts)
    )
    return Table(_SOURCE_HEADERS, rows, desk.receipts, total=len(alerts), words=("Source", "Id"))


def _reason(desk: Desk, episode: Episode) -> Prose:
    told = Fact(episode.told.because, "text", desk.receipts, desk.as_of)
    since = f"since {episode.raised.as_of:%Y-%m-%d}"
    return Prose(f"{episode.title}: {episode.told.because.rstrip('.')} ({since}).", (told,), _tone(episode))


def _said(desk: Desk, words: str, tone: Tone = "neutral") -> Cell:
    return stated(words, desk.receipts, desk.as_of, tone)


def _subject(episode: Episode) -> str:
    return source_title(episode.source) if episode.source else episode.name


def _standing(desk: Desk, episode: Episode) -> bool:
    """Whether it had come together before anybody looked."""
    return episode.raised.snapshot == desk.baseline


def _states(desk: Desk, alert: Alert) -> str:
    """Where the alert stands: as its oldest reason, and whether another has come since that nobody has acknowledged."""
    oldest = alert.oldest
    later = oldest.acknowledged_at is not None and any(one.acknowledged_at is None for one in alert.reasons)
    held = max((reason.held for reason in alert.reasons), key=lambda seen: seen.as_of)
    return _state(desk, replace(oldest, held=held)) + (", a new reason" if later else "")


def _state(desk: Desk, episode: Episode) -> str:
    """Where it stands, since when, and in whose hands."""
    if episode.cleared is not None:
        return f"cleared {episode.cleared.as_of:%Y-%m-%d}"
    fresh = "standing" if _standing(desk, episode) else "new"
    parts = [f"{'acknowledged' if episode.acknowledged_at else fresh} since {episode.raised.as_of:%Y-%m-%d}"]
    parts += [episode.assignee] if episode.assignee else []
    if episode.snoozed_until is not None and episode.snoozed(desk.generated_at):
        parts.append(f"snoozed until {episode.snoozed_until:%Y-%m-%d}")
    if episode.held.as_of < desk.as_of:
        parts.append(f"last seen {episode.held.as_of:%Y-%m-%d}")
    return ", ".join(parts)


def _tone(episode: Episode) -> Tone:
    return PRIORITY_TONES[episode.severity]


def _actions(desk: Desk, operators: Sequence[Alert], sources: Sequence[Alert], most: int | None) -> Block | None:
    """The next step of each alert that is shown: what the rule of its gravest reason says."""
    shown = (*in_order(desk, sources), *in_order(desk, operators)[:most])
    told = ((alert, desk.rules.get(alert.reasons[0].rule)) for alert in shown)
    return bullets(
        Prose(f"{_subject(alert.reasons[0])}: {rule.action} ({rule.owner})") for alert, rule in told if rule is not None
    )


def _advice(rule: RuleInWords | None) -> Block:
    if rule is None:
        return Prose("The rule that raised it is no longer in force.")
    text = f"{rule.action} ({rule.owner})"
    return bullets((Prose(text), Prose(f"Rule {rule.id}: {rule.when}. Limits: {rule.reason}."))) or Prose(text)


def _facts(found: OneAlert) -> Iterator[FigureLine]:
    episode, desk = found.episode, found.desk

    def line(label: str, value: object, unit: str, tone: Tone = "neutral") -> FigureLine:
        return FigureLine(label, Fact(value, unit, desk.receipts, desk.as_of), tone)

    account = desk.accounts.get(episode.subject)
    if account is not None:
        soon = urgency_cell(account)
        yield FigureLine("Act", soon) if isinstance(soon, Fact) else line("Act", "nothing to do now", "text")
        yield FigureLine("MRR", figure(account, "mrr"))
        yield FigureLine("Account owner", figure(account, "owner_name"))
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
        for alert in alerts_of(found.cleared)[: found.most]
        for episode in alert.reasons
    )
    return Table(
        ("Operator", "Alert, and why it ended", "Id"),
        rows,
        found.desk.receipts,
        total=len(found.cleared),
        words=("Id",),
    )

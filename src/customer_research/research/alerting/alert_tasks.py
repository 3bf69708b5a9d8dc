"""Alerts as tasks of their account owners in HubSpot: one for each operator whose alert cannot wait, completed when the alert is over.

What people do with a task is theirs: one that they completed is not made again while its alert goes on, and due date and owner are
written once. A task is completed by us only when nothing is open about its operator any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from html import escape
from types import MappingProxyType

from customer_research.connect.source import Clock
from customer_research.domain.alert import Alert, Episode, alerts_of
from customer_research.domain.evidence import Fact
from customer_research.domain.line import Line
from customer_research.domain.vocabularies import Severity
from customer_research.domain.words import clean, shortened, value_words
from customer_research.errors import SourceError, UsageError
from customer_research.reports.kinds.alerts import AlertBasis, can_wait, in_order
from customer_research.research.alerting.open_list import basis_of
from customer_research.settings import Settings
from customer_research.sources.hubspot import alert_tasks as hubspot
from customer_research.sources.hubspot.session import HubSpotSession
from customer_research.sources.hubspot.write_back import Taken, Values
from customer_research.store.alerts import AlertBook
from customer_research.store.database import open_to_read

_DUE_DAYS = 7
"""In how many days a task is due where the urgency names no day."""

_NOON = time(12, tzinfo=UTC)
"""When on its day a task is due: the same day everywhere in America and Europe."""

_LONGEST_SUBJECT = 200
_PRIORITIES: Mapping[Severity, str] = MappingProxyType(
    {"critical": "HIGH", "high": "HIGH", "medium": "MEDIUM", "low": "LOW"}
)


@dataclass(frozen=True, slots=True)
class AlertTask:
    """A task to be made, given new words, or completed: whose, by which id (the alert's, or HubSpot's of a task that is there), and its values."""

    operator_id: str
    name: str
    id: str
    values: Values

    @property
    def subject(self) -> str:
        """What it asks for."""
        return self.values.get(hubspot.SUBJECT, "")


@dataclass(slots=True)
class AlertTasks:
    """What a run found and did, of the alerts as they were checked at `as_of`.

    `new` are to be made, `changed` given new words, `over` completed. `same` need nothing, `left` were completed by people while their
    alert goes on, `without` are operators without an account owner in HubSpot, `strange` are tasks of alerts that this store does not know.
    """

    as_of: datetime
    new: tuple[AlertTask, ...] = ()
    changed: tuple[AlertTask, ...] = ()
    over: tuple[AlertTask, ...] = ()
    same: int = 0
    left: int = 0
    without: int = 0
    strange: int = 0
    lacking: tuple[str, ...] = ()
    sent: bool = False
    taken: Taken = field(default_factory=Taken)
    cut: str = ""

    @property
    def writes(self) -> int:
        """How many tasks are to be written."""
        return len(self.new) + len(self.changed) + len(self.over)


@dataclass(frozen=True, slots=True)
class KnownAlerts:
    """What the store tells: every alert, open or not, and on what the open ones rest."""

    as_of: datetime
    episodes: tuple[Episode, ...]
    alerts: Mapping[str, Alert]
    basis: AlertBasis
    now: datetime

    def wanted(self) -> Iterator[tuple[Alert, Line]]:
        """The alerts about operators that cannot wait and are not snoozed, the most urgent first, with how their operators stand."""
        for alert in in_order(self.basis, self.alerts.values()):
            line = self.basis.lines.get(alert.subject)
            if line is not None and not alert.snoozed(self.now) and not can_wait(self.basis, alert):
                yield alert, line

    def marks(self, alert: Alert) -> frozenset[str]:
        """The ids that a task of this alert may bear: of the reasons that it has, and of those that were cleared since it was raised."""
        since = alert.oldest.raised.as_of
        return frozenset(
            one.id
            for one in self.episodes
            if one.subject == alert.subject and (one.cleared is None or one.cleared.as_of > since)
        )


async def alert_tasks(
    settings: Settings, clock: Clock, *, most: int, send: bool = False, prepare: bool = False
) -> AlertTasks:
    """Compare HubSpot's tasks with the open alerts, and with `send` write what differs.

    Args:
        settings: store, lake, and HubSpot's key.
        clock: the present instant.
        most: refuse to write more tasks than so many.
        send: write; else nothing is written.
        prepare: first add the properties that the portal lacks.

    Raises:
        UsageError: alerts were never checked, the properties are not there, or more than `most` tasks differ.
        ConfigError: HubSpot has no key, or properties of another kind.
        SourceError: HubSpot does not tell what it has.
        StoreError: the store cannot be read.
    """
    known = _known(settings, clock())
    session = HubSpotSession(settings, clock)
    try:
        done = AlertTasks(known.as_of)
        done.lacking = await hubspot.lacking(session)
        undone = [] if done.lacking else await hubspot.to_do(session)
        _open_ones(done, known, undone)
        await _new_ones(done, known, session, {one.mark for one in undone})
        if send:
            await _send(session, done, most, prepare=prepare)
        return done
    finally:
        await session.close()


def _known(settings: Settings, now: datetime) -> KnownAlerts:
    with open_to_read(settings.store_url) as store:
        book = AlertBook(store)
        judged = book.newest()
        if judged is None:
            raise UsageError(
                "No snapshot has been checked for alerts yet.", hint="Run `customer-research alerts check`."
            )
        every = book.episodes(open_only=False)
        standing = [one for one in every if one.open]
        basis, _ = basis_of(settings, store, standing, "open alerts", now)
        return KnownAlerts(judged.as_of, every, {one.subject: one for one in alerts_of(standing)}, basis, now)


def _open_ones(done: AlertTasks, known: KnownAlerts, undone: Sequence[hubspot.Task]) -> None:
    """Note which tasks that are not completed get new words, and which are over."""
    by_id = {one.id: one for one in known.episodes}
    changed, over = list[AlertTask](), list[AlertTask]()
    for task in undone:
        episode = by_id.get(task.mark)
        if episode is None:
            done.strange += 1
            continue
        alert, line = known.alerts.get(episode.subject), known.basis.lines.get(episode.subject)
        if alert is None:
            closed = {hubspot.STATUS: hubspot.COMPLETED}
            over.append(AlertTask(episode.subject, episode.name, task.task_id, closed))
            continue
        words = words_of(known.basis, alert, line)
        if words[hubspot.WRITTEN] == task.written:
            done.same += 1
        else:
            changed.append(AlertTask(episode.subject, episode.name, task.task_id, words))
    done.changed, done.over = tuple(changed), tuple(over)


async def _new_ones(done: AlertTasks, known: KnownAlerts, session: HubSpotSession, undone: Iterable[str]) -> None:
    """Note which alerts have no task yet."""
    owned, there = list[tuple[Alert, Line, frozenset[str]]](), frozenset(undone)
    for alert, line in known.wanted():
        marks = known.marks(alert)
        if marks & there:
            continue
        if line.owner_id:
            owned.append((alert, line, marks))
        else:
            done.without += 1
    asked = frozenset[str]().union(*(marks for _, _, marks in owned))
    made = {} if done.lacking else {one.mark: one.status for one in await hubspot.of_alerts(session, asked)}
    done.left = sum(bool(marks & made.keys()) for _, _, marks in owned)
    done.new = tuple(
        AlertTask(alert.subject, alert.reasons[0].name, alert.id, task_of(known.basis, alert, line))
        for alert, line, marks in owned
        if not marks & made.keys()
    )


def task_of(basis: AlertBasis, alert: Alert, line: Line) -> Values:
    """The values of a new task: what it says, whose it is and when it is due."""
    due = line.until or basis.as_of.date() + timedelta(days=_DUE_DAYS)
    return {
        **words_of(basis, alert, line),
        hubspot.STATUS: hubspot.OPEN,
        hubspot.DUE: datetime.combine(due, _NOON).isoformat().replace("+00:00", "Z"),
        hubspot.OWNER: line.owner_id,
    }


def words_of(basis: AlertBasis, alert: Alert, line: Line | None) -> Values:
    """What a task says, with a digest of it."""
    worst = alert.reasons[0]
    rule = basis.rules.get(worst.rule)
    told = {
        hubspot.SUBJECT: shortened(f"{clean(worst.name)}: {rule.action if rule else worst.title}", _LONGEST_SUBJECT),
        hubspot.BODY: "".join(f"<p>{part}</p>" for part in _paragraphs(basis, alert, line)),
        hubspot.PRIORITY: _PRIORITIES[worst.severity],
    }
    return {**told, hubspot.WRITTEN: sha256("\x1f".join(told.values()).encode()).hexdigest()[:16]}


def _paragraphs(basis: AlertBasis, alert: Alert, line: Line | None) -> Iterator[str]:
    """What a task explains, as HTML: HubSpot shows it so, and what vendors wrote is text in it."""
    for reason in alert.reasons:
        yield escape(clean(reason.told.because))
    mrr = line.figure("mrr", basis.as_of) if line is not None else None
    if isinstance(mrr, Fact):
        yield escape(f"MRR: {value_words(mrr)}")
    if line is not None and line.link.startswith("https://"):
        yield f'<a href="{escape(line.link)}">The operator in HubSpot</a>'
    yield escape(f"Alert {alert.id} of customer-research; the task is completed when the alert is over.")


async def _send(session: HubSpotSession, done: AlertTasks, most: int, *, prepare: bool) -> None:
    if done.lacking and not prepare:
        raise UsageError(
            "HubSpot's tasks lack the properties by which those of alerts are found.",
            hint="Run this once with --send --prepare, which adds them in a group of their own.",
        )
    if done.writes > most:
        raise UsageError(
            f"{done.writes:,} tasks would be written, more than the {most:,} that one run writes.",
            hint=f"Look at them first; then give --most {done.writes}.",
        )
    if done.lacking:
        await hubspot.add(session, done.lacking)
        done.lacking = ()
    done.sent = True
    try:
        await hubspot.change(session, {one.id: one.values for one in (*done.over, *done.changed)}, done.taken)
        await hubspot.make(session, {one.id: one.values for one in done.new}, done.taken)
    except SourceError as error:
        done.cut = error.message

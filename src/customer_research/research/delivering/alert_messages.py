"""Alerts as messages: one for each that is new, one for each change of band after it, in one thread; within a budget a reader.

What was told is known by the outbox alone: a message's occasion says of which alert it was, in which band and as of when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from customer_research.documents.present import source_title
from customer_research.domain.alert import Alert, alerts_of
from customer_research.domain.alert_told import OVER, AlertTold, News, goes_on, news
from customer_research.domain.delivery import Delivery, Envelope, Message
from customer_research.domain.line import Line
from customer_research.domain.words import counted
from customer_research.domain.zones import zone
from customer_research.errors import UsageError
from customer_research.reports.inquiries.alert_message import REPORT, AlertMessage
from customer_research.reports.kinds.alerts import AlertBasis, can_wait, in_order
from customer_research.research.alerting.open_list import basis_of
from customer_research.research.delivering.composing import message_of, plain_message
from customer_research.research.delivering.readers import Reader
from customer_research.research.options import address_of
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.database import Store, open_store
from customer_research.store.outbox import Outbox
from customer_research.store.people import People

ALERT, NOTE = "alert", "alert_note"
"""Kinds of messages: one that somebody has to see, which the budget counts; and what follows in its thread."""

BUDGET = 3
"""Alerts that one reader is told in a week: what is to be done now comes beyond it, what is over it stands in the list of alerts."""

OVER_BUDGET = "Over the week's budget: it stands in the list of alerts, and the digest counts it."
"""Why an alert is made and not sent."""


@dataclass(slots=True)
class Telling:
    """What came of telling: messages put, held back by the budget, muted; and owners of whom nobody knows where they want it.

    `unowned` are the alerts to be told that nobody was: of sources, and of operators whose account owner is not known.
    """

    put: int = 0
    held: int = 0
    muted: int = 0
    nowhere: list[str] = field(default_factory=list)
    unowned: int = 0

    @property
    def partial(self) -> bool:
        """Whether somebody, or of something, was not told."""
        return bool(self.nowhere or self.unowned)

    def words(self) -> tuple[str, ...]:
        """It in sentences."""
        said = [f"{counted(self.put, 'message')} about alerts."]
        if self.held:
            said.append(
                f"{counted(self.held, 'alert')} over the week's budget: they stand in the list of alerts, and the digest counts them."
            )
        if self.muted:
            said.append(f"{counted(self.muted, 'message')} muted.")
        if self.nowhere:
            said.append(f"Nobody knows where to tell: {', '.join(self.nowhere)}.")
        if self.unowned:
            said.append(
                f"{counted(self.unowned, 'alert')} of a source, or of an operator whose account owner is not known: told to nobody "
                "(--to names who is)."
            )
        return tuple(said)


def tell(
    settings: Settings, *, to: Sequence[str] = (), owners: bool = False, budget: int = BUDGET, now: datetime
) -> Telling:
    """Put messages into the outbox about what is new of the alerts that are open.

    Args:
        settings: the settings tree.
        to: addresses that are told of everybody's operators, and of sources.
        owners: whether each account owner is told of their own operators, as they want it.
        budget: how many alerts a reader is told in a week.
        now: the present instant.

    Raises:
        UsageError: nobody is named; an address is none; or no snapshot has been checked yet.
        StoreError: the store cannot be used.
    """
    if not to and not owners:
        raise UsageError("Nobody is named whom to tell.", hint="Give --to slack:C0123, or --owners.")
    with open_store(settings.store_url) as store:
        if AlertBook(store).newest() is None:
            hint = "Run `customer-research alerts check`."
            raise UsageError("No snapshot has been checked for alerts yet.", hint=hint)
        episodes = AlertBook(store).episodes()
        basis, _ = basis_of(settings, store, episodes, "open alerts", now)
        told = Telling()
        alerts = in_order(basis, alerts_of(episodes))
        addressed = [Reader(address_of(text)) for text in dict.fromkeys(to)]
        for reader in [*addressed, *(_owners(store, basis, told) if owners else ())]:
            _Round(store, basis, reader, told, budget=budget).run(alerts)
        known = Outbox(store).last_about((ALERT,)).keys()  # a schedule for the team may have told of it
        told.unowned = 0 if to else sum(_in_nobodys_book(basis, one) for one in alerts if one.subject not in known)
    return told


def _in_nobodys_book(basis: AlertBasis, alert: Alert) -> bool:
    """Whether an alert is to be told and in nobody's book."""
    line = basis.lines.get(alert.subject)
    if line is not None and line.owner_id:
        return False
    band, waits = line.band if line is not None else "", can_wait(basis, alert)
    return news(alert, band, None, waits=waits, baseline=basis.baseline, now=basis.generated_at) is not None


def _owners(store: Store, basis: AlertBasis, told: Telling) -> Iterator[Reader]:
    """The account owners of the operators with alerts, each with what they want."""
    names = {line.owner_id: line.owner for line in basis.lines.values() if line.owner_id}
    people = People(store)
    for owner_id, name in sorted(names.items()):
        found = people.owning(owner_id)
        if not found:
            told.nowhere.append(name or owner_id)
        yield from map(Reader.of, found)


class _Round:
    """What one reader is told."""

    def __init__(self, store: Store, basis: AlertBasis, reader: Reader, told: Telling, *, budget: int) -> None:
        self._book, self._box = AlertBook(store), Outbox(store)
        self._basis, self._reader, self._now, self._told = basis, reader, basis.generated_at, told
        self._last = self._box.last_about((ALERT, NOTE), reader.address)
        self._left = budget - self._box.put_since((ALERT,), reader.address, _week(self._now, reader.zone))

    def run(self, alerts: Sequence[Alert]) -> None:
        """Tell of these alerts, the most urgent first, and that others are over."""
        for alert in alerts:
            line = self._basis.lines.get(alert.subject)
            if self._takes(line):
                self._tell(alert, line)
        for subject, last in self._last.items():
            if subject not in {alert.subject for alert in alerts}:
                self._end(subject, last)

    def _takes(self, line: Line | None) -> bool:
        """Whether the operator of a line is this reader's (None: a source, or an operator of whom nothing is known)."""
        person = self._reader.person
        return person is None or (line is not None and line.owner_id == person.owner_id)

    def _tell(self, alert: Alert, line: Line | None) -> None:
        band = line.band if line is not None else ""
        before = self._last.get(alert.subject)
        last = AlertTold.read(before.message.occasion) if before is not None else None
        waits = can_wait(self._basis, alert)
        what = news(alert, band, last, waits=waits, baseline=self._basis.baseline, now=self._now)
        if what is None or (what == "better" and self._reader.address.channel != "slack"):
            return  # outside of a thread, what became better can wait for the digest
        after = _root(before) if before is not None and goes_on(alert, last) else ""
        message = self._message(alert, what, last, AlertTold(alert.id, band, self._basis.as_of), after)
        self._put(message, urgent=line is None or line.sooner or line.level == "now")

    def _message(self, alert: Alert, what: News, last: AlertTold | None, now: AlertTold, after: str) -> Message:
        kind = NOTE if what == "better" else ALERT
        reader = self._reader
        envelope = Envelope(kind, alert.subject, now.occasion, reader.address, reader.elsewhere, after)
        then = last.band if last is not None and what != "new" else ""
        made = message_of(REPORT.build(AlertMessage(self._basis, alert, what, then)), envelope)
        return _with_controls(made, alert) if reader.address.channel == "slack" else made

    def _put(self, message: Message, *, urgent: bool) -> None:
        counts = message.kind == ALERT
        muted = self._reader.dropped(ALERT, self._now)
        over = counts and not urgent and self._left <= 0
        dropped = muted or (OVER_BUDGET if over else "")
        if not self._box.put(message, now=self._now, due=self._reader.due(self._now), dropped=dropped):
            return
        self._told.muted += bool(muted)
        self._told.held += bool(dropped) and not muted
        self._told.put += not dropped
        self._left -= counts and not dropped

    def _end(self, subject: str, before: Delivery) -> None:
        """Say in the thread that nothing is open any more, where there is a thread, and somebody was told."""
        last = AlertTold.read(before.message.occasion)
        if last is None or last.band == OVER or before.state == "dropped" or self._reader.address.channel != "slack":
            return
        ended = [one for one in self._book.episodes(open_only=False, subject=subject) if one.cleared is not None]
        newest = max(ended, key=lambda one: one.cleared.as_of if one.cleared else one.raised.as_of, default=None)
        if newest is None or newest.cleared is None:
            return
        name = source_title(newest.source) if newest.source else newest.name
        occasion = AlertTold(last.alert, OVER, newest.cleared.as_of).occasion
        envelope = Envelope(NOTE, subject, occasion, self._reader.address, after=_root(before))
        because = newest.cleared_because or "It no longer holds."
        self._put(plain_message(f"{name}: the alert is over", (f"{newest.title}: {because}",), envelope), urgent=True)


def _week(now: datetime, zone_name: str) -> datetime:
    """When the week of a reader began."""
    local = now.astimezone(zone(zone_name))
    monday = local - timedelta(days=local.weekday())
    return monday.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)


def _root(before: Delivery) -> str:
    """The key of the message that began the thread."""
    return before.message.after or before.key


def _with_controls(message: Message, alert: Alert) -> Message:
    """A Slack message with what people can do about an alert."""
    from customer_research.documents.formats.slack_controls import alert_controls  # noqa: PLC0415 - start-up time

    operator_id = "" if alert.reasons[0].source else alert.subject
    content: Mapping[str, object] = message.content
    blocks = [*message.content.get("blocks", ()), *alert_controls(alert.id, operator_id)]
    return replace(message, content={**content, "blocks": blocks})

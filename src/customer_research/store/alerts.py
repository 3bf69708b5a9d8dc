"""Alerts in the store: episodes, what happened to each (append-only), and which snapshots have been judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from customer_research.domain.alert import (
    AlertEvent,
    Change,
    Episode,
    EventKind,
    Grounds,
    Happening,
    Key,
    Observation,
    RuleInWords,
)
from customer_research.domain.vocabularies import Severity
from customer_research.errors import UsageError
from customer_research.store.beginnings import Beginnings
from customer_research.store.database import insert_new
from customer_research.store.schema import METADATA, Compact, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

PROGRAM = "customer-research"
"""Who raised and cleared: the program itself."""

_HINT = "`customer-research alerts` lists the open ones."
_BEGINNINGS = Beginnings("alert", 4, _HINT)

evaluation = Table(
    "alert_evaluation",
    METADATA,
    Column("snapshot", String(16), primary_key=True),
    Column("rules", String(64), primary_key=True),
    Column("as_of", Instant, nullable=False, index=True),
    Column("evaluated_at", Instant, nullable=False),
    comment="Snapshots that were judged, and under which rules (digest).",
)

rules_told = Table(
    "alert_rules",
    METADATA,
    Column("made_with", String(64), primary_key=True),
    Column("content", Compact, nullable=False),
    comment="The alert rules in words, by a digest of what they were made with.",
)

episode = Table(
    "alert_episode",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("rule", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("severity", String(8), nullable=False),
    Column("because", Text, nullable=False),
    Column("facts", Compact, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("raised_in", String(16), nullable=False),
    Column("held_at", Instant, nullable=False),
    Column("held_in", String(16), nullable=False),
    Column("cleared_at", Instant),
    Column("cleared_in", String(16)),
    Column("cleared_because", Text, nullable=False),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", Text, nullable=False),
    Column("snoozed_until", Instant),
    Column("assignee", Text, nullable=False),
    CheckConstraint("(cleared_at IS NULL) = (cleared_in IS NULL)", name="alert_episode_cleared_somewhere"),
    UniqueConstraint("rule", "subject", "number", name="alert_episode_once"),
    comment="Alerts: one rule's about one operator or source, from raising to clearing.",
)
Index("alert_episode_one_open", episode.c.rule, episode.c.subject, unique=True)
"""Of open episodes alone, as the migration says; saying it here would load Postgres' dialect with every short command."""


event = Table(
    "alert_event",
    METADATA,
    Column("no", Integer, primary_key=True, autoincrement=True),
    Column("episode", ForeignKey("alert_episode.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("as_of", Instant),
    Column("snapshot", String(16)),
    comment="What happened to alerts, and who did it: rows are added, never changed or removed.",
)

Recording = Literal["done", "repeated", "older"]
"""What came of a snapshot: judged now; judged before under these rules; or older than one that was judged before."""


@dataclass(frozen=True, slots=True)
class SnapshotJudgement:
    """What came of judging a snapshot, and the changes that were kept."""

    state: Recording
    changes: tuple[Change, ...] = ()

    def of(self, what: Happening) -> tuple[Episode, ...]:
        """The episodes that this happened to."""
        return tuple(change.episode for change in self.changes if change.what == what)


class AlertBook:
    """The alerts in a store. Every method is one transaction; programs that write at once wait for one another."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- judging ---------------------------------------------------------------------------------------------------------

    def record(
        self, seen: Observation, rules: str, decide: Callable[[Mapping[Key, Episode]], Iterable[Change]], now: datetime
    ) -> SnapshotJudgement:
        """Keep what a snapshot makes of the alerts, once.

        Args:
            seen: the snapshot and its instant.
            rules: the digest of the rules that it is judged under.
            decide: (the last episode of each rule and subject) → the changes; called only when they are to be kept.
            now: the hour of the events.
        """
        with self._store.begin(alone=True) as connection:
            if self._is_judged(connection, seen, rules):
                return SnapshotJudgement("repeated")
            newest = _newest(connection)
            if newest is not None and seen.as_of < newest.as_of:
                return SnapshotJudgement("older")
            changes = tuple(decide(_last(connection)))
            _write(connection, changes, seen, now)
            judged = {"snapshot": seen.snapshot, "rules": rules, "as_of": seen.as_of, "evaluated_at": now}
            connection.execute(sa.insert(evaluation).values(judged))
        return SnapshotJudgement("done", changes)

    def is_judged(self, seen: Observation, rules: str) -> bool:
        """Whether a snapshot was judged under these rules."""
        with self._store.read() as connection:
            return self._is_judged(connection, seen, rules)

    def rules(self, made_with: str) -> tuple[RuleInWords, ...] | None:
        """The rules in words that were made with this; None where none are kept."""
        query = sa.select(rules_told.c.content).where(rules_told.c.made_with == made_with)
        with self._store.read() as connection:
            kept = connection.execute(query).scalar()
        return None if kept is None else tuple(RuleInWords(**rule) for rule in kept)

    def save_rules(self, made_with: str, rules: Iterable[RuleInWords]) -> None:
        """Keep the rules in words, instead of those that were kept before."""
        with self._store.begin() as connection:
            connection.execute(sa.delete(rules_told))
            told = {"made_with": made_with, "content": [asdict(rule) for rule in rules]}
            connection.execute(insert_new(connection, rules_told).values(told))

    def newest(self) -> Observation | None:
        """The newest snapshot that was judged; None when none was."""
        with self._store.read() as connection:
            return _newest(connection)

    def first(self) -> Observation | None:
        """The first snapshot that was ever judged; None when none was. What it raised had come together until then."""
        with self._store.read() as connection:
            return _judged(connection, evaluation.c.evaluated_at, evaluation.c.as_of)

    @staticmethod
    def _is_judged(connection: sa.Connection, seen: Observation, rules: str) -> bool:
        where = (evaluation.c.snapshot == seen.snapshot, evaluation.c.rules == rules)
        return connection.execute(sa.select(evaluation.c.snapshot).where(*where)).first() is not None

    # -- finding ---------------------------------------------------------------------------------------------------------

    def episodes(self, *, open_only: bool = True, subject: str | None = None) -> tuple[Episode, ...]:
        """Episodes in the order in which they were raised; the open ones, unless told."""
        query = sa.select(episode).order_by(episode.c.raised_at, episode.c.rule, episode.c.subject)
        if open_only:
            query = query.where(episode.c.cleared_at.is_(None))
        if subject is not None:
            query = query.where(episode.c.subject == subject)
        with self._store.read() as connection:
            return tuple(map(_episode, connection.execute(query).mappings()))

    def episode(self, id_or_beginning: str) -> Episode:
        """The episode of an id, or of its first digits.

        Raises:
            UsageError: there is none, or more than one.
        """
        with self._store.read() as connection:
            return _named(connection, id_or_beginning)

    def events(self, episode_id: str) -> tuple[AlertEvent, ...]:
        """What happened to an episode, oldest first."""
        query = sa.select(event).where(event.c.episode == episode_id).order_by(event.c.no)
        with self._store.read() as connection:
            return tuple(map(_event, connection.execute(query).mappings()))

    def acts(self, since: datetime, until: datetime) -> tuple[AlertEvent, ...]:
        """What people did to alerts in [since, until), oldest first, without what was taken back in that time."""
        theirs = ("acknowledged", "taken back", "snoozed", "assigned")
        query = sa.select(event).where(event.c.kind.in_(theirs), event.c.at >= since, event.c.at < until)
        with self._store.read() as connection:
            found = tuple(map(_event, connection.execute(query.order_by(event.c.no)).mappings()))
        last_taken = {one.episode: place for place, one in enumerate(found) if one.kind == "taken back"}
        return tuple(
            one
            for place, one in enumerate(found)
            if one.kind in {"snoozed", "assigned"}
            or (one.kind == "acknowledged" and place > last_taken.get(one.episode, -1))
        )

    # -- what people do --------------------------------------------------------------------------------------------------

    def acknowledge(self, id_or_beginning: str, *, who: str, now: datetime, note: str = "") -> Episode:
        """Note that somebody has seen an alert, with all its reasons, and a few words of theirs; whoever was first stays.

        Raises:
            UsageError: there is no such episode, or it is over.
        """
        marks = {"acknowledged_at": now, "acknowledged_by": storable(who)}
        is_news = lambda one: one.acknowledged_at is None  # noqa: E731
        return self._act(id_or_beginning, "acknowledged", who, now, marks, is_news, storable(note))

    def take_back(self, id_or_beginning: str, *, who: str, now: datetime) -> Episode:
        """Take back that somebody has seen an alert, with all its reasons.

        Raises:
            UsageError: there is no such episode, or it is over.
        """
        marks = {"acknowledged_at": None, "acknowledged_by": ""}
        return self._act(id_or_beginning, "taken back", who, now, marks, lambda one: one.acknowledged_at is not None)

    def snooze(self, id_or_beginning: str, until: datetime, *, who: str, now: datetime) -> Episode:
        """Hide an alert, with all its reasons, until an instant; one that is not to come ends a snooze.

        Raises:
            UsageError: there is no such episode, or it is over.
        """
        marks, detail = {"snoozed_until": until}, until.isoformat()
        return self._act(id_or_beginning, "snoozed", who, now, marks, lambda one: one.snoozed_until != until, detail)

    def assign(self, id_or_beginning: str, assignee: str, *, who: str, now: datetime) -> Episode:
        """Give an alert, with all its reasons, to somebody (empty: to nobody).

        Raises:
            UsageError: there is no such episode, or it is over.
        """
        marks = {"assignee": storable(assignee)}
        return self._act(id_or_beginning, "assigned", who, now, marks, lambda one: one.assignee != assignee, assignee)

    def _act(  # noqa: PLR0917 - what a line of the audit says
        self,
        id_or_beginning: str,
        kind: EventKind,
        who: str,
        now: datetime,
        marks: Mapping[str, Any],
        is_news: Callable[[Episode], bool],
        detail: str = "",
    ) -> Episode:
        """Write what somebody did, into each reason of an alert to which it is news, and into its audit."""
        with self._store.begin(alone=True) as connection:
            found = _open(connection, id_or_beginning)
            for one in filter(is_news, _reasons(connection, found)):
                connection.execute(sa.update(episode).where(episode.c.id == one.id).values(marks))
                connection.execute(sa.insert(event).values(_event_row(one, kind, who, now, detail=detail)))
            return _named(connection, found.id)


def _newest(connection: sa.Connection) -> Observation | None:
    return _judged(connection, evaluation.c.as_of.desc(), evaluation.c.evaluated_at.desc(), evaluation.c.snapshot)


def _judged(connection: sa.Connection, *order: sa.ColumnElement[Any]) -> Observation | None:
    """The first snapshot that was judged, in an order."""
    row = connection.execute(sa.select(evaluation.c.as_of, evaluation.c.snapshot).order_by(*order).limit(1)).first()
    return None if row is None else Observation(row.as_of, row.snapshot)


def _last(connection: sa.Connection) -> dict[Key, Episode]:
    """The last episode of each rule and subject."""
    later = episode.alias("later")
    same = (later.c.rule == episode.c.rule, later.c.subject == episode.c.subject, later.c.number > episode.c.number)
    query = sa.select(episode).where(~sa.exists().where(*same))
    found = map(_episode, connection.execute(query).mappings())
    return {(one.rule, one.subject): one for one in found}


def _write(connection: sa.Connection, changes: Iterable[Change], seen: Observation, now: datetime) -> None:
    by_kind: dict[Happening, list[Episode]] = {"raised": [], "continued": [], "cleared": []}
    for change in changes:
        by_kind[change.what].append(change.episode)
    if by_kind["raised"]:
        connection.execute(sa.insert(episode), [_row(one) for one in by_kind["raised"]])
    for one in (*by_kind["continued"], *by_kind["cleared"]):
        values = {name: value for name, value in _row(one).items() if name not in _PEOPLES}
        connection.execute(sa.update(episode).where(episode.c.id == one.id).values(values))
    events = [("raised", one, one.told.because) for one in by_kind["raised"]]
    events += [("cleared", one, one.cleared_because) for one in by_kind["cleared"]]
    if events:
        rows = [
            _event_row(one, cast("EventKind", kind), PROGRAM, now, detail=detail, seen=seen)
            for kind, one, detail in events
        ]
        connection.execute(sa.insert(event), rows)


def _open(connection: sa.Connection, id_or_beginning: str) -> Episode:
    found = _named(connection, id_or_beginning)
    if found.cleared is not None:
        raise UsageError(
            f"Alert {found.id} is over since {found.cleared.as_of:%Y-%m-%d}.",
            hint=_HINT,
        )
    return found


def _reasons(connection: sa.Connection, found: Episode) -> tuple[Episode, ...]:
    """All that is open of the same subject: one alert, whichever of its reasons was named."""
    query = sa.select(episode).where(episode.c.subject == found.subject, episode.c.cleared_at.is_(None))
    return tuple(map(_episode, connection.execute(query.order_by(episode.c.raised_at, episode.c.rule)).mappings()))


def _named(connection: sa.Connection, id_or_beginning: str) -> Episode:
    text = _BEGINNINGS.read(id_or_beginning)
    query = sa.select(episode).where(episode.c.id.startswith(text)).order_by(episode.c.id).limit(2)
    return _BEGINNINGS.only([_episode(row) for row in connection.execute(query).mappings()], text)


# -- rows --------------------------------------------------------------------------------------------------------------

_PEOPLES = frozenset({"acknowledged_at", "acknowledged_by", "snoozed_until", "assignee"})
"""What people decide about an episode: judging a snapshot never writes it."""


def _row(one: Episode) -> dict[str, Any]:
    return {
        "id": one.id,
        "rule": one.rule,
        "subject": one.subject,
        "number": one.number,
        "name": storable(one.name),
        "title": one.title,
        "severity": one.severity,
        "because": storable(one.told.because),
        "facts": dict(one.told.facts),
        "raised_at": one.raised.as_of,
        "raised_in": one.raised.snapshot,
        "held_at": one.held.as_of,
        "held_in": one.held.snapshot,
        "cleared_at": one.cleared.as_of if one.cleared else None,
        "cleared_in": one.cleared.snapshot if one.cleared else None,
        "cleared_because": storable(one.cleared_because),
        "acknowledged_at": one.acknowledged_at,
        "acknowledged_by": one.acknowledged_by,
        "snoozed_until": one.snoozed_until,
        "assignee": one.assignee,
    }


def _episode(row: Mapping[Any, Any]) -> Episode:
    return Episode(
        rule=row["rule"],
        subject=row["subject"],
        name=row["name"],
        number=row["number"],
        title=row["title"],
        severity=cast("Severity", row["severity"]),
        told=Grounds(row["because"], row["facts"]),
        raised=Observation(row["raised_at"], row["raised_in"]),
        held=Observation(row["held_at"], row["held_in"]),
        cleared=None if row["cleared_at"] is None else Observation(row["cleared_at"], row["cleared_in"]),
        cleared_because=row["cleared_because"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        snoozed_until=row["snoozed_until"],
        assignee=row["assignee"],
    )


def _event_row(
    one: Episode, kind: EventKind, who: str, now: datetime, *, detail: str, seen: Observation | None = None
) -> dict[str, Any]:
    return {
        "episode": one.id,
        "kind": kind,
        "at": now,
        "who": storable(who),
        "detail": storable(detail),
        "as_of": seen.as_of if seen else None,
        "snapshot": seen.snapshot if seen else None,
    }


def _event(row: Mapping[Any, Any]) -> AlertEvent:
    seen = None if row["as_of"] is None else Observation(row["as_of"], row["snapshot"])
    return AlertEvent(row["episode"], cast("EventKind", row["kind"]), row["at"], row["who"], row["detail"], seen)

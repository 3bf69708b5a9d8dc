"""Meetings in the store: what calendars had when they were last read, put together, and what was told of them.

Kept is what is needed to tell somebody of a meeting with an operator: of others no title and no person, only that they are, and
which mail domains nobody knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.meeting import (
    ID_DIGITS,
    LAKE,
    Asked,
    CalendarReading,
    Matching,
    MatchReason,
    Meeting,
    MeetingState,
    MetOperator,
    Occurrence,
    Window,
)
from customer_research.store.database import insert_new
from customer_research.store.schema import METADATA, Compact, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

SAME_TIME = timedelta(minutes=5)
"""Two calendars of one person that have meetings so close together have the same one."""

SHIFTED = timedelta(hours=12)
"""One of a series that is gone, and a new one of the same series so close to it, are the same: the whole series was moved."""

REMEMBERED = timedelta(days=31)
"""How long an entry that is over is known as the same one, if it is put off."""

CRM = "hubspot"
"""The calendar that people's own calendars are believed before: a meeting's end there is often noted late."""

meeting_entry = Table(
    "meeting_entry",
    METADATA,
    Column("id", String(ID_DIGITS), primary_key=True),
    Column("meeting", String(ID_DIGITS), nullable=False),
    Column("calendar", Text, nullable=False),
    Column("uid", Text, nullable=False),
    Column("original", Instant),
    Column("owner", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("operators", Compact, nullable=False),
    Column("domains", Compact, nullable=False),
    Column("all_day", Boolean, nullable=False),
    Column("zone_unknown", Boolean, nullable=False),
    Column("receipt", Compact, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index("meeting_entry_by_time", "starts_at"),
    Index("meeting_entry_by_meeting", "meeting"),
    Index("meeting_entry_by_calendar", "calendar"),
    comment="Entries of calendars that may be meetings with operators, and the meeting that each is of. Titles only where an "
    "operator is known.",
)

calendar_reading = Table(
    "calendar_reading",
    METADATA,
    Column("calendar", Text, primary_key=True),
    Column("read_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("internal", Integer, nullable=False),
    Column("private", Integer, nullable=False),
    Column("gaps", Compact, nullable=False),
    Column("answered_at", Instant),
    comment="How each calendar answered when it was last asked, and when it last answered.",
)


class Meetings:
    """The meetings in a store. Every method is one transaction; programs that write at once wait for one another."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(
        self,
        reading: CalendarReading,
        matched: Mapping[str, Matching],
        window: Window,
        now: datetime,
        *,
        untold: Collection[MatchReason] = (),
        people: tuple[Gap, ...] = (),
    ) -> None:
        """Keep what a calendar has now in a window, and what it has there no more.

        Args:
            reading: what it told.
            matched: with whom each of its occurrences is, by its id.
            window: the time that it was asked for.
            now: the present instant.
            untold: the reasons of which nothing could be known when they were matched: who was known by them before stays.
            people: why that is.
        """
        told = [one for one in reading.occurrences if not one.private]
        internal = sum(matched[one.id].kind in {"internal", "none"} for one in told)
        asked = Asked(
            reading.calendar,
            now,
            window.until,
            len(reading.occurrences),
            internal,
            len(reading.occurrences) - len(told),
            reading.gaps,
            now,
            people,
        )
        with self._store.begin(alone=True) as connection:
            _put_asked(connection, asked)
            known = _known(connection, reading.calendar, window.since)
            fresh = {one.id: one for one in told if one.id in known or matched[one.id].kind in {"operator", "unknown"}}
            hidden = {one.id for one in reading.occurrences if one.private}
            left = [row for row in known.values() if row["id"] not in fresh and _is_asked(row, reading, window)]
            gone = [row for row in left if row["id"] not in hidden]
            shifted = _shifted(gone, [one for one in fresh.values() if one.id not in known])
            for one in fresh.values():
                before = known.get(one.id) or shifted.get(one.id)
                _keep(connection, _row(one, _matching(one, matched[one.id], before, untold), now), before, now)
            replaced = {row["id"] for row in shifted.values()}
            connection.execute(sa.delete(meeting_entry).where(meeting_entry.c.id.in_(sorted(replaced))))
            _note(connection, "private", [row for row in known.values() if row["id"] in hidden], now)
            if reading.whole:
                _note(connection, "gone", [row for row in gone if row["id"] not in replaced], now)

    def not_read(self, calendar: str, gap: Gap, now: datetime) -> None:
        """Note that a calendar did not answer: what it had before stands, and up to when it was read."""
        with self._store.begin() as connection:
            query = sa.select(calendar_reading).where(calendar_reading.c.calendar == calendar)
            before = connection.execute(query).mappings().first()
            known = ("until", "entries", "internal", "private", "answered_at")
            last = {name: before[name] for name in known} if before is not None else {"until": now}
            people = _gaps(before)[1] if before is not None else ()
            _put_asked(connection, Asked(calendar, now, gaps=(gap,), people=people, **last))

    def keep_calendars(self, names: Iterable[str], now: datetime) -> None:
        """Read no calendars but these from now on: of what others had planned it is not known any more whether it takes place."""
        entry, kept = meeting_entry.c, sorted(names)
        with self._store.begin(alone=True) as connection:
            connection.execute(sa.delete(calendar_reading).where(calendar_reading.c.calendar.not_in(kept)))
            others = sa.and_(entry.calendar.not_in(kept), entry.state == "planned")
            connection.execute(sa.update(meeting_entry).where(others).values(state="unread", changed_at=now))

    def asked(self) -> tuple[Asked, ...]:
        """How the calendars answered when they were last asked, by name."""
        with self._store.read() as connection:
            rows = (
                connection.execute(sa.select(calendar_reading).order_by(calendar_reading.c.calendar)).mappings().all()
            )
        return tuple(map(_asked, rows))

    def coming(self, now: datetime, days: int) -> tuple[Meeting, ...]:
        """The meetings with operators that are not over yet and begin within so many days; what is under way, however long, with them."""
        window = Window(now, now + timedelta(days=days))
        return tuple(
            one for one in self._listed(_lies_in(window)) if one.ends_at > now and one.starts_at < window.until
        )

    def between(self, window: Window, *, ids: Sequence[str] | None = None) -> tuple[Meeting, ...]:
        """The meetings with operators that begin in a window, or these, with an operator still or not; by their beginning."""
        entry = meeting_entry.c
        if ids is not None:
            return _made(self._groups(entry.meeting.in_(ids)))
        found = self._listed(sa.and_(entry.starts_at >= window.since, entry.starts_at < window.until))
        return tuple(one for one in found if window.holds(one.starts_at))

    def _listed(self, holds: sa.ColumnElement[bool]) -> tuple[Meeting, ...]:
        """The meetings with an entry of which this holds, as lists have them: those that were with an operator as long as they were told."""
        known = (rows for rows in self._groups(holds) if any(row["kind"] == "operator" for row in rows))
        return tuple(one for one in _made(known) if one.state != "private")

    def _groups(self, holds: sa.ColumnElement[bool]) -> list[list[Mapping[Any, Any]]]:
        """All entries of the meetings with an entry of which this holds."""
        entry = meeting_entry.c
        wanted = sa.select(entry.meeting).where(holds)
        query = sa.select(meeting_entry).where(entry.meeting.in_(wanted)).order_by(entry.meeting, entry.id)
        with self._store.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [list(each) for _, each in groupby(rows, key=lambda row: row["meeting"])]

    def unknown(self, window: Window) -> tuple[tuple[str, ...], int]:
        """The mail domains of people who are met in a window and of whom no operator is known; and how many such meetings there are."""
        entry = meeting_entry.c
        query = sa.select(entry.meeting, entry.kind, entry.domains).where(_lies_in(window), entry.state == "planned")
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        known = {row.meeting for row in rows if row.kind == "operator"}
        left = [row for row in rows if row.kind == "unknown" and row.meeting not in known]
        return tuple(sorted({domain for row in left for domain in row.domains})), len({row.meeting for row in left})

    def forget(self, before: datetime) -> int:
        """Forget meetings that ended before an instant; how many entries there were."""
        with self._store.begin() as connection:
            return connection.execute(sa.delete(meeting_entry).where(meeting_entry.c.ends_at < before)).rowcount


# -- keeping -----------------------------------------------------------------------------------------------------------


def _put_asked(connection: sa.Connection, asked: Asked) -> None:
    values = {**asdict(asked), "gaps": [asdict(gap) for gap in (*asked.gaps, *asked.people)]}
    del values["people"]
    connection.execute(insert_new(connection, calendar_reading, values))


def _asked(row: Mapping[Any, Any]) -> Asked:
    gaps, people = _gaps(row)
    return Asked(**{**row, "gaps": gaps, "people": people})


def _gaps(row: Mapping[Any, Any]) -> tuple[tuple[Gap, ...], tuple[Gap, ...]]:
    """What a calendar did not tell, and why it was not known who is met: kept together, told apart by whose they are."""
    found = [Gap(**gap) for gap in row["gaps"]]
    return tuple(one for one in found if one.source != LAKE), tuple(one for one in found if one.source == LAKE)


def _is_asked(row: Mapping[Any, Any], reading: CalendarReading, window: Window) -> bool:
    """Whether a calendar that has an entry tells it in a window."""
    return window.meets(row["starts_at"], row["ends_at"]) if reading.under_way else window.holds(row["starts_at"])


def _known(connection: sa.Connection, calendar: str, since: datetime) -> dict[str, Mapping[Any, Any]]:
    """What is kept of a calendar that may be told of again: what is not over since long."""
    entry = meeting_entry.c
    query = sa.select(meeting_entry).where(entry.calendar == calendar, entry.ends_at >= since - REMEMBERED)
    return {row["id"]: row for row in connection.execute(query).mappings()}


def _matching(
    one: Occurrence, found: Matching, before: Mapping[Any, Any] | None, untold: Collection[MatchReason]
) -> Matching:
    """With whom an entry is, by what was found now and what was known of it before.

    Of what does not take place any more, often nothing tells with whom it was: as before. Who was known for a reason of which nothing
    could be known now stays beside who is found; but that only our own people are invited is sure then, and so is the CRM's association.
    """
    if before is None or before["kind"] != "operator":
        return found
    were = tuple(MetOperator(**each) for each in before["operators"])
    if one.state != "planned" and not found.operators:
        return replace(found, kind="operator", operators=were)
    stay = [each for each in were if each.reason in untold]
    associated = any(each.reason == "association" for each in found.operators)
    if not stay or associated or found.kind in {"internal", "none"}:
        return found
    both: dict[str, MetOperator] = {}
    for each in sorted((*stay, *found.operators), key=lambda each: _SURE[each.reason]):
        both.setdefault(each.operator_id, each)
    return replace(found, kind="operator", operators=tuple(both.values()))


def _shifted(gone: Iterable[Mapping[Any, Any]], new: Iterable[Occurrence]) -> dict[str, Mapping[Any, Any]]:
    """Which of a series that are gone come back as new ones at another time: the new one's id → the row that it was."""
    left = [row for row in gone if row["original"] is not None and row["state"] != "gone"]
    pairs: dict[str, Mapping[Any, Any]] = {}
    for one in sorted(new, key=lambda each: each.starts_at):
        same = [row for row in left if row["uid"] == storable(one.uid) and one.original is not None]
        near = min(same, key=lambda row: abs(row["starts_at"] - one.starts_at), default=None)
        if near is not None and abs(near["starts_at"] - one.starts_at) <= SHIFTED:
            pairs[one.id] = near
            left.remove(near)
    return pairs


def _row(one: Occurrence, matching: Matching, now: datetime) -> dict[str, Any]:
    with_operator = matching.kind == "operator"
    return {
        "id": one.id,
        "calendar": one.calendar,
        "uid": storable(one.uid),
        "original": one.original,
        "owner": one.owner,
        "starts_at": one.starts_at,
        "ends_at": one.ends_at,
        "title": storable(one.title) if with_operator else "",
        "state": one.state,
        "kind": matching.kind,
        "operators": [asdict(each) for each in matching.operators],
        "domains": list(matching.domains),
        "all_day": one.all_day,
        "zone_unknown": one.zone_unknown,
        "receipt": _receipt_kept(one.receipt),
        "seen_at": now,
        "changed_at": now,
    }


_CHANGES = ("owner", "starts_at", "ends_at", "title", "state", "kind", "operators")
"""What of an entry is a change when it is otherwise."""


def _keep(connection: sa.Connection, row: dict[str, Any], before: Mapping[Any, Any] | None, now: datetime) -> None:
    if before is None:
        row["meeting"] = _same(connection, row) or row["id"]
    else:
        row["operators"] = row["operators"] or before["operators"]
        changed = any(before[name] != row[name] for name in _CHANGES)
        row |= {"meeting": before["meeting"], "changed_at": now if changed else before["changed_at"]}
    connection.execute(insert_new(connection, meeting_entry, row))


def _same(connection: sa.Connection, row: Mapping[str, Any]) -> str | None:
    """The meeting that another calendar of the same person has at the same time; None: there is none."""
    if not row["owner"] or row["all_day"]:
        return None
    entry = meeting_entry.c
    query = sa.select(meeting_entry).where(
        entry.owner == row["owner"],
        entry.calendar != row["calendar"],
        entry.starts_at >= row["starts_at"] - SAME_TIME,
        entry.starts_at <= row["starts_at"] + SAME_TIME,
        entry.all_day.is_(False),
    )
    own = _operators(row)
    for other in connection.execute(query.order_by(entry.changed_at, entry.id)).mappings():
        theirs = _operators(other)
        if own & theirs or not own or not theirs:
            return str(other["meeting"])
    return None


def _operators(row: Mapping[Any, Any]) -> set[str]:
    """The operators that an entry is with now."""
    return {one["operator_id"] for one in row["operators"]} if row["kind"] == "operator" else set()


def _note(connection: sa.Connection, state: MeetingState, rows: Iterable[Mapping[Any, Any]], now: datetime) -> None:
    """Keep of entries that their calendar tells nothing more of why that is; what is private has no title."""
    ids = sorted(row["id"] for row in rows if row["state"] not in {state, "over"})
    told = {"state": state, "changed_at": now, "seen_at": now} | ({"title": ""} if state == "private" else {})
    connection.execute(sa.update(meeting_entry).where(meeting_entry.c.id.in_(ids)).values(told))


# -- reading -----------------------------------------------------------------------------------------------------------

_SURE = {"association": 0, "contact": 1, "domain": 2}

_TELLS_LESS = {"unread": 0, "gone": 1, "private": 2}
"""What an entry is of which its calendar tells nothing more; the others tell whether it takes place."""

_OFF = frozenset({"cancelled", "declined", "over"})
_CRM_TELLS = {"gone": _OFF, "private": _OFF | {"planned"}, "unread": _OFF | {"planned", "gone"}}
"""What a person's own calendar has to have of a meeting, and what the CRM then, for the CRM to be believed: why one is there no more,
whether one takes place that is hidden."""


def _lies_in(window: Window) -> sa.ColumnElement[bool]:
    """Whether some of an entry lies in a window, whenever it began."""
    return sa.and_(meeting_entry.c.ends_at > window.since, meeting_entry.c.starts_at < window.until)


def _made(groups: Iterable[Sequence[Mapping[Any, Any]]]) -> tuple[Meeting, ...]:
    """The meetings of entries, by their beginning."""
    found = (one for rows in groups if (one := _meeting(rows)) is not None)
    return tuple(sorted(found, key=lambda one: (one.starts_at, one.owner, one.id)))


def _told(rows: Sequence[Mapping[Any, Any]]) -> Mapping[Any, Any]:
    """The entry of a meeting that is believed.

    A calendar that tells is believed before one that is no longer read, has it no more or hides it, a person's own before the CRM, and
    of these the one that changed last. Where one's own has it no more, the CRM tells why: that it is cancelled, or over.
    """
    ranked = sorted(rows, key=lambda row: (_TELLS_LESS.get(row["state"], 3), row["changed_at"], row["id"]))
    own, crm = ([row for row in ranked if (row["calendar"] == CRM) is of_crm] for of_crm in (False, True))
    if not own or not crm:
        return ranked[-1]
    return crm[-1] if crm[-1]["state"] in _CRM_TELLS.get(own[-1]["state"], ()) else own[-1]


def _meeting(rows: Sequence[Mapping[Any, Any]]) -> Meeting | None:
    """The meeting of entries that are the same one, as `_told` tells of it; None: nobody ever knew an operator of it.

    With whom it is, the surest reason tells.
    """
    told = _told(rows)
    were = [row for row in rows if row["operators"]]
    if not were:
        return None
    known = [row for row in were if row["kind"] == "operator"] or were
    sure = min(known, key=lambda row: (_SURE[row["operators"][0]["reason"]], row["id"]))
    return Meeting(
        id=told["meeting"],
        owner=told["owner"] or sure["owner"],
        starts_at=told["starts_at"],
        ends_at=told["ends_at"],
        title=told["title"] or sure["title"],
        state="unmatched" if told["state"] in {"planned", "unread"} and sure["kind"] != "operator" else told["state"],
        operators=tuple(MetOperator(**one) for one in sure["operators"]),
        calendars=tuple(sorted({row["calendar"] for row in rows if row["state"] not in {"gone", "unread"}})),
        all_day=told["all_day"],
        zone_unknown=told["zone_unknown"],
        receipt=_receipt(told["receipt"]),
        seen_at=told["seen_at"],
    )


def _receipt_kept(receipt: Receipt) -> dict[str, Any]:
    return {**asdict(receipt), "fetched_at": receipt.fetched_at.isoformat()}


def _receipt(kept: Mapping[str, Any]) -> Receipt:
    parameters = tuple((name, value) for name, value in kept["parameters"])
    return Receipt(**{**kept, "fetched_at": datetime.fromisoformat(kept["fetched_at"]), "parameters": parameters})

"""Books in the store: each operator's line in the lists of a snapshot, ready to be read without computing anything."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from functools import cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Date, Double, ForeignKey, Index, Integer, SmallInteger, String, Table, Text

from customer_research.domain.book import Owner, PlannedMeeting
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.health import AT_RISK_BANDS, PRESENT, UNTOLD_BANDS
from customer_research.domain.line import DAYS, Line, Need, Standing, Step, need_of
from customer_research.domain.money import Amounts, Money, totals
from customer_research.domain.report import Freshness
from customer_research.domain.snapshot import Snapshot
from customer_research.domain.urgency import LEVELS
from customer_research.store import schema
from customer_research.store.database import Store, insert_new
from customer_research.store.schema import METADATA, Compact, Instant
from customer_research.store.weeks import NONE, Weekly, weekly

KEPT = 3
"""Of how many snapshots, the newest, the lines are kept: lists show the newest one."""

_BATCH = 2_000
SOON = LEVELS.index("this_week")
"""The places in `LEVELS` up to this one ask for somebody within the week."""
NEEDED = LEVELS.index("this_month")
"""Those up to this one ask for somebody at all."""

book = Table(
    "book",
    METADATA,
    Column("snapshot_no", ForeignKey("snapshot.no", ondelete="CASCADE"), primary_key=True),
    Column("made_with", String(64), nullable=False),
    Column("present", Integer, nullable=False),
    Column("meetings", Compact, nullable=False),
    Column("freshness", Compact, nullable=False),
    comment="Snapshots whose lines are kept ready: what they were made with (digest), how many operators are present, planned "
    "meetings, how sources answered.",
)
book_owner = Table(
    "book_owner",
    METADATA,
    Column("snapshot_no", ForeignKey("book.snapshot_no", ondelete="CASCADE"), primary_key=True),
    Column("owner_id", Text, primary_key=True),
    Column("content", Compact, nullable=False),
    comment="The sums over an account owner's operators that are present; an empty id: nobody's.",
    sqlite_with_rowid=False,
)
book_line = Table(
    "book_line",
    METADATA,
    Column("snapshot_no", ForeignKey("book.snapshot_no", ondelete="CASCADE"), primary_key=True),
    Column("operator_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("band", String(16), nullable=False),
    Column("score", SmallInteger),
    Column("urgency", SmallInteger, nullable=False),
    Column("attention", SmallInteger, nullable=False),
    Column("mrr", Compact, nullable=False),
    Column("worth", BigInteger),
    Column("usd", BigInteger),
    Column("trend", Double),
    Column("findings", Compact, nullable=False),
    Column("ends_on", Date),
    Column("renews_on", Date),
    Column("bills_on", Date),
    Column("line", Compact, nullable=False),
    Column("weeks", Compact),
    Index("book_line_by_owner", "snapshot_no", "owner_id"),
    comment="One operator as lists show it; the rest of the line is JSON, its receipts by their place in the snapshot's.",
    sqlite_with_rowid=False,
)
look = Table(
    "look",
    METADATA,
    Column("who", Text, primary_key=True),
    Column("snapshot", String(16), nullable=False),
    Column("before", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    comment="Whose book was looked at last in which snapshot, and in which before that (empty: in none).",
)

_COLUMNS = (
    "operator_id",
    "name",
    "owner_id",
    "owner",
    "segment",
    "status",
    "band",
    "score",
    "attention",
    "worth",
    "usd",
    "trend",
    *DAYS,
)
_REST = ("highest", "health", "level", "sooner", "because", "act", "by", "link", "flag")
"""What of a line is JSON as it is."""

_STANDING = tuple(book_line.c[field.name] for field in fields(Standing))
_AS_TEXT = (
    *(book_line.c[name] for name in _COLUMNS),
    *(sa.type_coerce(book_line.c[name], Text) for name in ("mrr", "findings", "weeks", "line")),
)
"""What a line is made of, JSON as it stands."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A snapshot whose lines are kept: how many operators are present, the meetings planned then, and how sources answered.

    `made_with` is a digest of what else its lines were made with.
    """

    number: int
    made_with: str
    snapshot: Snapshot
    present: int
    meetings: tuple[PlannedMeeting, ...] | None
    freshness: tuple[Freshness, ...]


def write(
    connection: sa.Connection,
    number: int,
    snapshot: Snapshot,
    *,
    made_with: str,
    present: int,
    meetings: Sequence[PlannedMeeting] | None,
    freshness: Sequence[Freshness],
    lines: Iterable[Line],
) -> None:
    """Keep the lines of the snapshot with this number in the transaction that is open; those of the oldest go."""
    places = {receipt: at for at, receipt in enumerate(snapshot.receipts)}
    planned = [[m.operator_id, m.name, m.title, m.starts_at.isoformat(), places[m.receipt]] for m in meetings or ()]
    connection.execute(sa.delete(book).where(book.c.snapshot_no == number))
    told = [{**asdict(one), "fetched_at": one.fetched_at and one.fetched_at.isoformat()} for one in freshness]
    values = {
        "snapshot_no": number,
        "made_with": made_with,
        "present": present,
        "meetings": None if meetings is None else planned,
        "freshness": told,
    }
    connection.execute(sa.insert(book).values(values))
    left, owners, past = iter(lines), _Owners(), weekly(connection, snapshot)
    while taken := list(islice(left, _BATCH)):
        connection.execute(sa.insert(book_line), [_row(number, line, places, past) for line in taken])
        owners.add(taken)
    if owners.found:
        connection.execute(sa.insert(book_owner), list(owners.rows(number)))
    newest = sa.select(book.c.snapshot_no).join(schema.snapshot)
    newest = newest.order_by(schema.snapshot.c.as_of.desc(), schema.snapshot.c.taken_at.desc()).limit(KEPT)
    kept = [row.snapshot_no for row in connection.execute(newest)]
    connection.execute(sa.delete(book).where(book.c.snapshot_no.not_in([*kept, number])))


def _row(number: int, line: Line, places: Mapping[Receipt, int], past: Mapping[str, Weekly]) -> dict[str, Any]:
    return {
        "snapshot_no": number,
        "weeks": past.get(line.operator_id, NONE),
        **{name: _storable(getattr(line, name)) for name in _COLUMNS},
        "mrr": _amounts_kept(line.mrr),
        "findings": list(line.findings),
        "urgency": _urgency(line),
        "line": {
            **{name: getattr(line, name) for name in _REST},
            "until": line.until and line.until.isoformat(),
            "step": line.step and _step_kept(line.step, places),
            "basis": {part: [places[receipt] for receipt in receipts] for part, receipts in line.basis.items()},
            "gaps": {part: asdict(gap) for part, gap in line.gaps.items()},
        },
    }


def _storable(value: Any) -> Any:
    return schema.storable(value) if isinstance(value, str) else value


def _amounts_kept(amounts: Amounts | None) -> list[list[Any]] | None:
    return None if amounts is None else [[money.currency, money.minor] for money in amounts]


def _step_kept(step: Step, places: Mapping[Receipt, int]) -> dict[str, Any]:
    return {
        "action": step.action,
        "by": step.by,
        "because": step.because,
        "priority": step.priority,
        "due": step.due,
        "facts": [
            [_value_kept(fact), fact.unit, [places[one] for one in fact.basis], fact.metric, fact.note]
            for fact in step.facts
        ],
    }


def _value_kept(fact: Fact[Any]) -> Any:
    if isinstance(fact.value, tuple) and fact.unit == "money":
        return _amounts_kept(fact.value)
    return fact.value.isoformat() if isinstance(fact.value, date) else fact.value


def _value_read(value: Any, unit: str) -> Any:
    if unit == "money" and isinstance(value, list):
        return tuple(Money(currency, minor) for currency, minor in value)
    readers = {"date": date.fromisoformat, "timestamp": datetime.fromisoformat}
    return readers[unit](value) if unit in readers and isinstance(value, str) else value


def _urgency(line: Line) -> int:
    """Where the line stands among `LEVELS`, and behind them who is no customer now.

    Nobody leaves the list since a silent source keeps it from being known how soon somebody is needed.
    """
    if line.status not in PRESENT:
        return len(LEVELS)
    return NEEDED if _is_open(line) else LEVELS.index(line.level)


def _need(owner_id: str, owner: str, worth: int | None, urgency: int, told: str | None) -> Need:
    """What an order needs of a line: its urgency, and the line itself where that leaves something open."""
    if told is None:
        return Need(owner_id, owner, worth, urgency, urgency > NEEDED)
    line = json.loads(told)
    return need_of(owner_id, owner, worth, line["level"], sooner=line["sooner"])


def _is_open(line: Line) -> bool:
    return line.sooner and line.level == "watch"


class _Owners:
    """The operators that are present by owner, added up."""

    def __init__(self) -> None:
        self.found: dict[str, Owner] = {}

    def add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if line.status in PRESENT:
                known = self.found.get(line.owner_id) or Owner(line.owner_id, line.owner, 0, 0, 0, (), 0)
                self.found[line.owner_id] = _with(known, line)

    def rows(self, number: int) -> Iterable[dict[str, Any]]:
        for owner in self.found.values():
            content = {**asdict(owner), "mrr": _amounts_kept(owner.mrr)}
            yield {"snapshot_no": number, "owner_id": content.pop("owner_id"), "content": content}


def _with(owner: Owner, line: Line) -> Owner:
    sums = totals((*owner.mrr, *(line.mrr or ())))
    unknown = {day: day in line.unknown for day in DAYS}
    unknown["next"] = unknown["ends_on"] or unknown["renews_on"]
    return Owner(
        owner_id=owner.owner_id,
        name=owner.name,
        operators=owner.operators + 1,
        soon=owner.soon + (_urgency(line) <= SOON),
        at_risk=owner.at_risk + (line.band in AT_RISK_BANDS),
        mrr=tuple(money for money in sums if money.minor),
        mrr_unknown=owner.mrr_unknown + (line.mrr is None),
        unsettled=owner.unsettled + (line.band in UNTOLD_BANDS or _is_open(line)),
        days_unknown={day: owner.days_unknown.get(day, 0) + is_unknown for day, is_unknown in unknown.items()},
    )


class Books:
    """The lines of the snapshots in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ready(self, snapshot: Snapshot) -> Ready | None:
        """The snapshot as its lines are kept; None when they are not."""
        query = sa.select(book).join(schema.snapshot).where(schema.snapshot.c.id == snapshot.id)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        known = row["meetings"]
        meetings = (
            known
            if known is None
            else tuple(
                PlannedMeeting(operator_id, name, title, datetime.fromisoformat(at), snapshot.receipts[place])
                for operator_id, name, title, at, place in known
            )
        )
        return Ready(
            row["snapshot_no"],
            row["made_with"],
            snapshot,
            row["present"],
            meetings,
            tuple(map(_freshness, row["freshness"])),
        )

    def renew_weeks(self, snapshots: Iterable[Snapshot]) -> None:
        """Give the lines that are kept of these snapshots the scores of earlier weeks that the history has by now."""
        of, bound = book_line.c, sa.bindparam
        renewed = sa.update(book_line).where(of.snapshot_no == bound("number"), of.operator_id == bound("whose"))
        renewed = renewed.values(weeks=bound("renewed", type_=Compact))
        for one in snapshots:
            number = sa.select(schema.snapshot.c.no).where(schema.snapshot.c.id == one.id).scalar_subquery()
            query = sa.select(of.snapshot_no, of.operator_id).where(of.snapshot_no == number)
            with self._store.begin(alone=True) as connection:
                past = weekly(connection, one)
                rows = connection.execute(query).all()
                put = [{"number": no, "whose": whose, "renewed": past.get(whose, NONE)} for no, whose in rows]
                if put:
                    connection.execute(renewed, put)

    def kept(self) -> tuple[str, ...]:
        """The ids of the snapshots whose lines are kept."""
        with self._store.read() as connection:
            return tuple(connection.execute(sa.select(schema.snapshot.c.id).join(book)).scalars())

    def owners(self, ready: Ready) -> tuple[Owner, ...]:
        """Everybody who looks after an operator that is present, by name; last the book of nobody (empty id)."""
        query = sa.select(book_owner).where(book_owner.c.snapshot_no == ready.number)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        owners = (
            Owner(owner_id=row.owner_id, **{**row.content, "mrr": _amounts(row.content["mrr"]) or ()}) for row in rows
        )
        return tuple(sorted(owners, key=lambda one: (not one.owner_id, one.name.casefold(), one.owner_id)))

    def people(self, ready: Ready) -> tuple[tuple[str, str], ...]:
        """The account owners of everybody in the snapshot, customers or not: HubSpot's id and the name, by name."""
        columns = (book_line.c.owner_id, book_line.c.owner)
        query = sa.select(*columns).distinct().where(book_line.c.snapshot_no == ready.number, book_line.c.owner != "")
        with self._store.read() as connection:
            return tuple((row.owner_id, row.owner) for row in connection.execute(query.order_by(*reversed(columns))))

    def standings(self, ready: Ready) -> tuple[Standing, ...]:
        """How everybody in the snapshot stands, customers or not."""
        columns = (sa.type_coerce(one, Text) if isinstance(one.type, Compact) else one for one in _STANDING)
        query = sa.select(*columns).where(book_line.c.snapshot_no == ready.number)
        with self._store.read() as connection:
            rows: Sequence[Sequence[Any]] = connection.execute(query).all()
        return tuple(Standing(*(*row[:-2], _amounts_in(row[-2]), _names_in(row[-1]))) for row in rows)

    def named(self, ready: Ready, operator_ids: Collection[str]) -> dict[str, Line]:
        """The lines of these operators, customers or not, by id in the order given; who has none is left out."""
        found: dict[str, Line] = {}
        wanted = iter(dict.fromkeys(operator_ids))
        while taken := list(islice(wanted, _BATCH)):
            query = sa.select(book_line).where(
                book_line.c.snapshot_no == ready.number, book_line.c.operator_id.in_(taken)
            )
            lines = {line.operator_id: line for line in self._read(ready, query)}
            found |= {one: lines[one] for one in taken if one in lines}
        return found

    def needs(self, ready: Ready, operator_ids: Collection[str]) -> dict[str, Need]:
        """How soon these operators need somebody, customers or not, by id; who has no line is left out.

        Where the place in `LEVELS` does not tell whether somebody waits, nor for who is no customer, the line itself does.
        """
        of, found, wanted = book_line.c, dict[str, Need](), iter(dict.fromkeys(operator_ids))
        told = sa.case((of.urgency.in_([NEEDED, len(LEVELS)]), sa.type_coerce(of.line, Text)))
        columns = (of.operator_id, of.owner_id, of.owner, of.worth, of.urgency, told)
        while taken := list(islice(wanted, _BATCH)):
            query = sa.select(*columns).where(of.snapshot_no == ready.number, of.operator_id.in_(taken))
            with self._store.read() as connection:
                found |= {one: _need(*rest) for one, *rest in connection.execute(query)}
        return found

    def ids(self, ready: Ready, owner_ids: Collection[str] | None = None) -> frozenset[str]:
        """The operators that are present of these owners (None: of all)."""
        query = self._of(ready, owner_ids).with_only_columns(book_line.c.operator_id)
        with self._store.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def owned(self, ready: Ready, people: Iterable[tuple[str, str]]) -> frozenset[str]:
        """The operators of these account owners (HubSpot's id and the name), customers or not."""
        theirs = [sa.and_(book_line.c.owner_id == owner, book_line.c.owner == name) for owner, name in people]
        query = sa.select(book_line.c.operator_id).where(book_line.c.snapshot_no == ready.number, sa.or_(*theirs))
        with self._store.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def lines(
        self, ready: Ready, owner_ids: Collection[str] | None = None, *, needed: bool = False, most: int | None = None
    ) -> tuple[Line, ...]:
        """The lines of these owners (None: of all), the most urgent first and then by MRR; `needed`: who needs somebody."""
        query = self._of(ready, owner_ids)
        if needed:
            query = query.where(book_line.c.urgency <= NEEDED)
        worth = (book_line.c.worth.is_(None), book_line.c.worth.desc())
        return self._read(ready, query.order_by(book_line.c.urgency, *worth, book_line.c.operator_id).limit(most))

    def counts(self, ready: Ready, owner_ids: Collection[str] | None = None) -> tuple[int, int]:
        """How many operators these owners have, and how many of them need somebody."""
        needs = sa.func.sum(sa.case((book_line.c.urgency <= NEEDED, 1), else_=0))
        query = self._of(ready, owner_ids).with_only_columns(sa.func.count(), needs)
        with self._store.read() as connection:
            every, needed = connection.execute(query).one()
        return int(every), int(needed or 0)

    def dated(
        self, ready: Ready, owner_ids: Collection[str] | None, days: Sequence[str], since: date, until: date
    ) -> tuple[Line, ...]:
        """The lines with one of these days (`ends_on`, `renews_on`, `bills_on`) from *since* and before *until*."""
        within = [sa.and_(book_line.c[day] >= since, book_line.c[day] < until) for day in days]
        return self._read(ready, self._of(ready, owner_ids).where(sa.or_(*within)).order_by(book_line.c.operator_id))

    def looked(self, who: str, snapshot_id: str, at: datetime | None) -> str:
        """Note that *who* looks at a snapshot now (None: nothing is noted); the id of the other one looked at before it (empty: none)."""
        with self._store.begin() as connection:
            row = connection.execute(sa.select(look).where(look.c.who == who)).mappings().first()
            if row is not None and row["snapshot"] == snapshot_id:
                return str(row["before"])
            before = "" if row is None else str(row["snapshot"])
            if at is not None:
                row_now = {"who": who, "snapshot": snapshot_id, "before": before, "at": at}
                connection.execute(insert_new(connection, look, row_now))
        return before

    def _of(self, ready: Ready, owner_ids: Collection[str] | None) -> sa.Select[Any]:
        query = sa.select(book_line).where(book_line.c.snapshot_no == ready.number, book_line.c.status.in_(PRESENT))
        return query if owner_ids is None else query.where(book_line.c.owner_id.in_(sorted(owner_ids)))

    def _read(self, ready: Ready, query: sa.Select[Any]) -> tuple[Line, ...]:
        reader, texts = _LineReader(ready.snapshot), query.with_only_columns(*_AS_TEXT)
        with self._store.read() as connection:
            return tuple(map(reader.line, connection.execute(texts).all()))


def _freshness(told: Mapping[str, Any]) -> Freshness:
    fetched = told["fetched_at"]
    gaps = tuple(Gap(**gap) for gap in told["gaps"])
    return Freshness(
        **{**told, "fetched_at": fetched and datetime.fromisoformat(fetched), "latest_record_at": None, "gaps": gaps}
    )


class _LineReader:
    """Makes lines of the rows of a snapshot, JSON as text; what many rows have alike is made once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._proofs: dict[tuple[int, ...], tuple[Receipt, ...]] = {}
        self._gaps: dict[tuple[Any, ...], Gap] = {}

    def line(self, row: Sequence[Any]) -> Line:
        """The line of a row of `_AS_TEXT`."""
        *columns, mrr, findings, weeks, told = row
        rest = json.loads(told)
        until, step = rest["until"], rest["step"]
        return Line(
            **dict(zip(_COLUMNS, columns, strict=True)),
            **{name: rest[name] for name in _REST},
            mrr=_amounts_in(mrr),
            findings=_names_in(findings),
            weeks=() if weeks is None else tuple(json.loads(weeks) or ()),
            until=until and date.fromisoformat(until),
            step=step and Step(**{**step, "facts": tuple(map(self._fact, step["facts"]))}),
            basis={part: self._receipts(places) for part, places in rest["basis"].items()},
            gaps={part: self._gap(gap) for part, gap in rest["gaps"].items()},
        )

    def _fact(self, kept: Sequence[Any]) -> Fact[Any]:
        value, unit, places, metric, note = kept
        return Fact(_value_read(value, unit), unit, self._receipts(places), self._snapshot.as_of, metric, note)

    def _receipts(self, kept: Iterable[int]) -> tuple[Receipt, ...]:
        places = tuple(kept)
        if places not in self._proofs:
            self._proofs[places] = tuple(self._snapshot.receipts[place] for place in places)
        return self._proofs[places]

    def _gap(self, kept: Mapping[str, Any]) -> Gap:
        said = tuple(kept.values())
        if said not in self._gaps:
            self._gaps[said] = Gap(**kept)
        return self._gaps[said]


def _amounts(kept: Iterable[Sequence[Any]] | None) -> Amounts | None:
    return None if kept is None else tuple(Money(currency, minor) for currency, minor in kept)


@cache
def _amounts_in(text: str) -> Amounts | None:
    """Amounts of many rows as JSON: most are one of a few prices."""
    return _amounts(json.loads(text))


@cache
def _names_in(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))

"""Books in the store: each operator's line in the lists of a snapshot, ready to be read without computing anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Date, Double, ForeignKey, Index, Integer, SmallInteger, String, Table, Text

from customer_research.domain.book import Line, Owner, PlannedMeeting
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.health import AT_RISK_BANDS, UNTOLD_BANDS
from customer_research.domain.money import Money, totals
from customer_research.domain.report import Freshness
from customer_research.domain.snapshot import Snapshot
from customer_research.domain.urgency import LEVELS
from customer_research.store import schema
from customer_research.store.database import Store, insert_new
from customer_research.store.schema import METADATA, Compact, Instant

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
    Column("present", Integer, nullable=False),
    Column("meetings", Compact, nullable=False),
    Column("freshness", Compact, nullable=False),
    comment="Snapshots whose lines are kept ready: how many operators are present, planned meetings, how sources answered.",
)
book_line = Table(
    "book_line",
    METADATA,
    Column("snapshot_no", ForeignKey("book.snapshot_no", ondelete="CASCADE"), primary_key=True),
    Column("operator_id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("worth", Double),
    Column("ends_on", Date),
    Column("renews_on", Date),
    Column("bills_on", Date),
    Column("line", Compact, nullable=False),
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

_COLUMNS = ("operator_id", "owner_id", "owner", "worth", "ends_on", "renews_on", "bills_on")
_REST = tuple(field.name for field in fields(Line) if field.name not in {*_COLUMNS, "basis", "mrr"})


@dataclass(frozen=True, slots=True)
class Ready:
    """A snapshot whose lines are kept: how many operators are present, the meetings planned then, and how sources answered."""

    number: int
    snapshot: Snapshot
    present: int
    meetings: tuple[PlannedMeeting, ...] | None
    freshness: tuple[Freshness, ...]


def write(
    connection: sa.Connection,
    number: int,
    snapshot: Snapshot,
    *,
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
        "present": present,
        "meetings": None if meetings is None else planned,
        "freshness": told,
    }
    connection.execute(sa.insert(book).values(values))
    left = iter(lines)
    while taken := list(islice(left, _BATCH)):
        connection.execute(sa.insert(book_line), [_row(number, line, places) for line in taken])
    newest = sa.select(book.c.snapshot_no).join(schema.snapshot)
    newest = newest.order_by(schema.snapshot.c.as_of.desc(), schema.snapshot.c.taken_at.desc()).limit(KEPT)
    kept = [row.snapshot_no for row in connection.execute(newest)]
    connection.execute(sa.delete(book).where(book.c.snapshot_no.not_in(kept)))


def _row(number: int, line: Line, places: Mapping[Receipt, int]) -> dict[str, Any]:
    mrr = None if line.mrr is None else [[money.currency, money.minor] for money in line.mrr]
    until = None if line.until is None else line.until.isoformat()
    rest = {name: getattr(line, name) for name in _REST}
    basis = {part: [places[receipt] for receipt in receipts] for part, receipts in line.basis.items()}
    return {
        "snapshot_no": number,
        **{name: getattr(line, name) for name in _COLUMNS},
        "urgency": NEEDED if _is_open(line) else LEVELS.index(line.level),
        "line": {**rest, "until": until, "mrr": mrr, "basis": basis},
    }


def _is_open(line: Line) -> bool:
    """Whether a silent source keeps it from being known how soon somebody is needed: nobody leaves the list for that."""
    return line.sooner and line.level == "watch"


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
        return Ready(row["snapshot_no"], snapshot, row["present"], meetings, tuple(map(_freshness, row["freshness"])))

    def owners(self, ready: Ready) -> tuple[Owner, ...]:
        """Everybody who looks after an operator, by name; last the book of nobody (empty id)."""
        columns = (book_line.c.owner_id, book_line.c.owner, book_line.c.urgency, book_line.c.line)
        query = sa.select(*columns).where(book_line.c.snapshot_no == ready.number)
        found: dict[str, list[Any]] = {}
        with self._store.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.owner_id, []).append(row)
        owners = (_owner(owner_id, rows) for owner_id, rows in found.items())
        return tuple(sorted(owners, key=lambda one: (not one.owner_id, one.name.casefold(), one.owner_id)))

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

    def looked(self, who: str, snapshot_id: str, at: datetime) -> str:
        """Note that *who* looks at a snapshot now; the id of the other one looked at before it (empty: none)."""
        with self._store.begin() as connection:
            row = connection.execute(sa.select(look).where(look.c.who == who)).mappings().first()
            if row is not None and row["snapshot"] == snapshot_id:
                return str(row["before"])
            before = "" if row is None else str(row["snapshot"])
            row_now = {"who": who, "snapshot": snapshot_id, "before": before, "at": at}
            connection.execute(insert_new(connection, look, row_now))
        return before

    def _of(self, ready: Ready, owner_ids: Collection[str] | None) -> sa.Select[Any]:
        query = sa.select(book_line).where(book_line.c.snapshot_no == ready.number)
        return query if owner_ids is None else query.where(book_line.c.owner_id.in_(sorted(owner_ids)))

    def _read(self, ready: Ready, query: sa.Select[Any]) -> tuple[Line, ...]:
        with self._store.read() as connection:
            return tuple(_line(ready.snapshot, row) for row in connection.execute(query).mappings())


def _freshness(told: Mapping[str, Any]) -> Freshness:
    fetched = told["fetched_at"]
    gaps = tuple(Gap(**gap) for gap in told["gaps"])
    return Freshness(
        **{**told, "fetched_at": fetched and datetime.fromisoformat(fetched), "latest_record_at": None, "gaps": gaps}
    )


def _line(snapshot: Snapshot, row: Mapping[Any, Any]) -> Line:
    rest = row["line"]
    basis = {part: tuple(snapshot.receipts[at] for at in places) for part, places in rest["basis"].items()}
    unknown = tuple(rest.get("unknown", ()))
    mrr = None if rest["mrr"] is None else tuple(Money(currency, minor) for currency, minor in rest["mrr"])
    until = None if rest["until"] is None else date.fromisoformat(rest["until"])
    return Line(
        **{
            **{name: row[name] for name in _COLUMNS},
            **rest,
            "basis": basis,
            "mrr": mrr,
            "until": until,
            "unknown": unknown,
        }
    )


def _owner(owner_id: str, rows: Sequence[Any]) -> Owner:
    known = [row.line["mrr"] for row in rows if row.line["mrr"] is not None]
    sums = totals(Money(currency, minor) for mrr in known for currency, minor in mrr)
    return Owner(
        owner_id=owner_id,
        name=rows[0].owner,
        operators=len(rows),
        soon=sum(row.urgency <= SOON for row in rows),
        at_risk=sum(row.line["band"] in AT_RISK_BANDS for row in rows),
        mrr=tuple(money for money in sums if money.minor),
        mrr_unknown=len(rows) - len(known),
        unsettled=sum(
            row.line["band"] in UNTOLD_BANDS or (row.line["sooner"] and row.line["level"] == "watch") for row in rows
        ),
    )

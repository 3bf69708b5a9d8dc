"""The warehouse's records of all operators: exports without row caps, in slices of days or of operators.

A table is first counted by day of creation (the CSM view and the operator table: by the beginning of the operator's id);
days are put together to slices, and a day that is too large is halved. Records that change later come again: reservations
that were created, picked up or cancelled since the mark less the overlap, charges that were created since; all else is small
and comes whole each time.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from customer_research.connect.concurrent import ahead
from customer_research.connect.source import BulkStream, LandingTable, Pull, Row, Slice, gap_row
from customer_research.domain import values
from customer_research.domain.evidence import Gap
from customer_research.domain.records import ColumnType
from customer_research.errors import SchemaChanged
from customer_research.sources.warehouse import bindings, normalise
from customer_research.sources.warehouse.gaps import not_configured, stays_there
from customer_research.sources.warehouse.records import TABLES
from customer_research.sources.warehouse.slicing import BY_APP_OPERATOR, BY_CSM_OPERATOR, BY_DAY, Edge, Range, Slicer

if TYPE_CHECKING:
    from customer_research.connect.sql import SqlAnswer
    from customer_research.sources.warehouse.session import WarehouseSession
    from customer_research.sources.warehouse.settings import MetabaseSettings


@dataclass(frozen=True, slots=True)
class Part:
    """One landing table: where its records are, how they are sliced, and what an incremental pull brings.

    `changed` is the condition (with `$since`) on what may have changed; empty: the table is small and always brought whole.
    Without `needed` the stream goes on when the relation is gone, and notes that.
    """

    landing: LandingTable
    binding: bindings.Binding
    changed: str = ""
    needed: bool = True
    unless: tuple[str, str] | None = None
    """Vendor's account column and the relation whose accounts are left out: raw records that the model has are not needed."""

    def configured(self, settings: MetabaseSettings) -> bool:
        """Whether every relation that it reads has a name in the settings."""
        model = "" if self.unless is None else getattr(settings, self.unless[1])
        return bindings.configured(self.binding, settings) and (self.unless is None or bool(model.strip()))

    def source(self, settings: MetabaseSettings, absent: frozenset[str]) -> str:
        """The relation that is sliced, as `t`."""
        sql = self.binding.everybody(settings, absent)
        if self.unless is None:
            return f"({sql}) AS t"
        column, name = self.unless
        model = bindings.relation(getattr(settings, name), name)
        there = f"SELECT 1 FROM {model} AS m WHERE m.{column} = t.stripe_account"  # noqa: S608 - our own text
        return f"(SELECT t.* FROM ({sql}) AS t WHERE NOT EXISTS ({there})) AS t"  # noqa: S608

    def rows(self, answer: SqlAnswer) -> list[Row]:
        """The landing rows of an answer; those without operator or account are nobody's.

        Raises:
            SchemaChanged: a column's values cannot be read.
        """
        unread = normalise.ValueFaults()
        columns: dict[str, list[Any]] = {}
        for name, kind in self.landing.columns.items():
            given = [row.get(name) for row in answer.rows]
            if name == "fetch_id":
                given = [answer.receipt.id] * len(given)
            elif not set(map(type, given)) <= _AS_IT_IS.get(kind, frozenset()):
                given = unread.column(name, given, _READERS[kind])
            columns[name] = given
        if "operator_id" in columns:
            known = {word: normalise.operator_id(word) for word in set(columns["operator_id"])}
            columns["operator_id"] = [known[word] for word in columns["operator_id"]]
        unread.refuse(answer.rows, self.landing.name)
        owners = columns["operator_id" if "operator_id" in columns else "stripe_account"]
        read = zip(*columns.values(), strict=True)
        return [
            dict(zip(columns, row, strict=True)) for owner, row in zip(owners, read, strict=True) if owner is not None
        ]


def _integer(value: Any) -> int | None:
    return value if value is None or type(value) is int else normalise.integer(value)


def _float(value: Any) -> float | None:
    if value is None or (type(value) is float and math.isfinite(value)):
        return value
    number = normalise.decimal(value)
    return None if number is None else float(number)


def _plain(value: Any) -> str | None:
    return value if value is None or type(value) is str else str(value)


_READERS: Mapping[ColumnType, Callable[[Any], Any]] = {
    "text": _plain,
    "integer": _integer,
    "number": _float,
    "boolean": values.flag,
    "date": normalise.day,
    "timestamp": normalise.moment,
}
"""An export tells no types: how a column's values are read."""

_AS_IT_IS: Mapping[ColumnType, frozenset[type]] = {
    "text": frozenset({type(None), str}),
    "integer": frozenset({type(None), int}),
    "boolean": frozenset({type(None), bool}),
}
"""The types of values that need not be read."""


def _bound(binding: bindings.Binding, changed: str = "") -> Part:
    """A table that lands as the canonical one."""
    table = TABLES[binding.table]
    return Part(LandingTable(table.name, ("operator_id", *table.key), table.types()), binding, changed)


def _by_account(name: str, binding: bindings.Binding, **more: Any) -> Part:
    """A card table, by Stripe account: whose account it is the links tell."""
    table = TABLES[binding.table]
    columns = {**table.types("operator_id"), "stripe_account": "text"}
    return Part(LandingTable(name, ("stripe_account", *table.key), columns), binding, **more)


CSM = LandingTable("csm", TABLES["csm"].key, TABLES["csm"].types())
APP_OPERATOR = LandingTable(
    "app_operator",
    ("operator_id", "stripe_account"),
    {"operator_id": "text", "name": "text", "stripe_account": "text", "created_at": "timestamp", "fetch_id": "text"},
)
CARD_GAP = LandingTable(
    "card_gap", ("table_name",), {"table_name": "text", "reason": "text", "detail": "text", "next_step": "text"}
)
"""Card tables by account that are not there, and why; `table_name` is the landing table."""

CREATED = "t.created_at >= $since"
MOVED = f"({CREATED} OR t.pickup_at >= $since OR t.cancelled_at >= $since)"
ABSENT_IN_MODEL = ("STRIPE_ACCOUNT_ID", "charges")

OPERATORS = Part(APP_OPERATOR, bindings.OPERATOR)
CARDS = (
    _by_account("charge_by_account", bindings.MODEL_CHARGE, changed=CREATED),
    _by_account("dispute_by_account", bindings.MODEL_DISPUTE, needed=False),
    _by_account("raw_charge_by_account", bindings.RAW_CHARGE, needed=False, unless=ABSENT_IN_MODEL),
    _by_account("raw_dispute_by_account", bindings.RAW_DISPUTE, needed=False, unless=ABSENT_IN_MODEL),
)


# -- pulling ----------------------------------------------------------------------------------------------------------

_DONE = "done"
_FIRST = "first"


def _since(pull: Pull) -> datetime | None:
    """The instant from which on records may have changed; None: everything is wanted."""
    mark = normalise.moment(pull.since)
    return None if mark is None else mark - pull.overlap


def _resumed(pull: Pull, table: str, order: Sequence[str]) -> str | None:
    """Where a pull that was cut off goes on with a table: the end of the last slice, `done`, or None: not begun."""
    if pull.resume is None:
        return None
    name, _, place = pull.resume.partition(" ")
    if order.index(name) > order.index(table):
        return _DONE
    return place if name == table else None


def _cursor(table: str, upper: Edge | None, *, empty: bool) -> str:
    if empty:
        return f"{table} {_FIRST}"
    shown = upper.isoformat() if isinstance(upper, datetime) else upper
    return f"{table} {_DONE if shown is None else shown}"


class _Absence(SchemaChanged):
    """A table's relation, or a column that it needs, is not there; `gap` says so."""

    def __init__(self, gap: Gap, stream: str) -> None:
        super().__init__(gap.detail, source=gap.source, stream=stream, hint=gap.next_step)
        self.gap = gap


class _Progress:
    """Records that came and that are known to be there."""

    def __init__(self) -> None:
        self.done = self.total = 0


async def _table(
    session: WarehouseSession, pull: Pull, part: Part, place: str | None, progress: _Progress
) -> AsyncIterator[Slice]:
    """The slices of one table from a place on.

    Raises:
        SchemaChanged: a relation that the table needs is gone.
        SourceError: as the runner.
    """
    since = _since(pull) if part.changed else None
    axis = BY_APP_OPERATOR if part is OPERATORS else BY_DAY
    begin = None if place in {None, _FIRST} else axis.edge(place)

    def slicer_of(absent: frozenset[str]) -> Slicer:
        source = part.source(session.own, absent)
        return Slicer(session, part.landing.name, source, axis, condition=part.changed, since=since)

    slicer = slicer_of(frozenset())
    try:
        ranges = await slicer.ranges(begin)
    except SchemaChanged:
        gap, absent = await session.look(part.binding)
        if gap is not None:
            raise _Absence(gap, part.landing.name) from None
        if not absent:
            raise
        slicer = slicer_of(absent)
        ranges = await slicer.ranges(begin)
    ranges = [one for one in ranges if not (one.empty and place == _FIRST)]
    progress.total += sum(one.records for one in ranges)
    async with aclosing(ahead(slicer.each(ranges))) as pieces:
        async for piece, answer in pieces:
            rows = part.rows(answer)
            progress.done += len(answer.rows)
            yield Slice(
                rows={part.landing.name: rows},
                receipts=(*slicer.receipts, answer.receipt),
                cursor=_cursor(part.landing.name, piece.upper, empty=piece.empty),
                gone=_gone(pull, part, piece, since, rows),
                done=progress.done,
                total=progress.total,
            )
            slicer.receipts.clear()
    if slicer.receipts:  # nothing was there, which is proven too
        yield Slice(
            rows={},
            receipts=tuple(slicer.receipts),
            cursor=f"{part.landing.name} {_DONE}",
            gone=_gone(pull, part, Range(begin, None, 0), since, ()),
            done=progress.done,
            total=progress.total,
        )


def _gone(
    pull: Pull, part: Part, piece: Range, since: datetime | None, rows: Sequence[Row]
) -> Mapping[str, Sequence[tuple[Any, ...]]]:
    """Keys that landed before, were created within what was brought again whole, and did not come."""
    if since is None or piece.empty:
        return {}
    lower = max(since, piece.lower) if isinstance(piece.lower, datetime) else since
    condition = [f"created_at >= {_literal(lower)}"]
    if isinstance(piece.upper, datetime):
        condition.append(f"created_at < {_literal(piece.upper)}")
    key, name = part.landing.key, part.landing.name
    sql = f"SELECT {', '.join(key)} FROM {name} WHERE {' AND '.join(condition)}"  # noqa: S608 - names of our own
    came = {tuple(row[column] for column in key) for row in rows}
    held = (tuple(row[column] for column in key) for row in pull.held(sql))
    return {name: [one for one in held if one not in came]}


def _literal(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')}'"


def _pulling(*parts: Part) -> Callable[[WarehouseSession, Pull], AsyncIterator[Slice]]:
    """A stream of several tables, one after the other."""
    order = [part.landing.name for part in parts]
    single = len(parts) == 1

    async def pull_parts(session: WarehouseSession, pull: Pull) -> AsyncIterator[Slice]:
        progress = _Progress()
        gaps: dict[str, Gap] = {}
        wanted = parts
        if session.settings.reads_in_place and OPERATORS not in parts:
            gaps, wanted = {part.landing.name: stays_there(part.binding.table) for part in parts}, ()
        for part in wanted:
            name = part.landing.name
            place = _resumed(pull, name, order)
            if not part.configured(session.own):
                gaps[name] = not_configured(part.binding.table)
                continue
            if place == _DONE:
                continue
            try:
                async for piece in _table(session, pull, part, place, progress):
                    yield piece
            except _Absence as error:
                if part.needed and error.gap.reason != "not_configured":
                    raise
                gaps[name] = error.gap
                if not single:  # kept at once: a pull that goes on behind this table does not look at it again
                    yield Slice({CARD_GAP.name: _card_gaps(gaps)}, (), f"{name} {_DONE}")
        yield _last(pull, parts, gaps, progress, rows={} if single else {CARD_GAP.name: _card_gaps(gaps)})

    return pull_parts


def _card_gaps(gaps: Mapping[str, Gap]) -> list[Row]:
    return [gap_row(gap, table_name=name) for name, gap in gaps.items()]


def _last(
    pull: Pull, parts: Sequence[Part], gaps: Mapping[str, Gap], progress: _Progress, rows: Mapping[str, list[Row]]
) -> Slice:
    """The slice that ends a pull. Tables that a mark cannot serve the next time (they are off) make it a pull of all."""
    names = [part.landing.name for part in parts]
    partly = _since(pull) is not None
    whole = [part.landing.name for part in parts if not (part.changed and partly) or part.landing.name in gaps]
    stale = any(part.changed and part.landing.name in gaps for part in parts)
    return Slice(
        rows=rows,
        receipts=(),
        cursor=f"{names[-1]} {_DONE}",
        done=progress.done,
        total=progress.total,
        mark="" if stale else pull.until.isoformat(),
        whole=(*whole, *rows),
        gaps={} if rows else gaps,
    )


async def _csm(session: WarehouseSession, pull: Pull) -> AsyncIterator[Slice]:
    """The CSM view, whole, all rows of an operator in one slice: which one stands for the operator is told from all.

    Raises:
        SchemaChanged: when a column is gone without which operators cannot be told apart.
        SourceError: as the runner.
    """
    slicer = Slicer(session, "csm", f"{session.place('csm')} AS t", BY_CSM_OPERATOR)
    place = _resumed(pull, "csm", ["csm"])
    done = 0
    gaps: dict[str, Gap] = {}
    begin = None if place == _DONE else place  # cut off at its very end: what the view lacks is told by rows only
    ranges = [one for one in await slicer.ranges(begin) if not one.empty]
    total = sum(one.records for one in ranges)
    for wanted in ranges:
        async for piece, answer in slicer.bring(wanted):
            batch = normalise.csm_batch(answer)
            gaps |= batch.gaps
            done += len(answer.rows)
            yield Slice(
                rows=batch.tables,
                receipts=(*slicer.receipts, *batch.receipts),
                cursor=_cursor("csm", piece.upper, empty=False),
                done=done,
                total=total,
            )
            slicer.receipts.clear()
    yield Slice(
        {}, tuple(slicer.receipts), f"csm {_DONE}", done=done, total=total, mark=pull.until.isoformat(),
        whole=("csm",), gaps=gaps,
    )  # fmt: skip


def _stream(name: str, title: str, *parts: Part) -> BulkStream:
    tables = tuple(part.landing for part in parts)
    return BulkStream(name, title, tables if len(parts) == 1 else (*tables, CARD_GAP), _pulling(*parts))


BULK = (
    BulkStream("csm", "CSM master view", (CSM,), _csm),
    _stream("operators", "Operators of the app", OPERATORS),
    _stream("reservations", "Reservations", _bound(bindings.RESERVATION, MOVED)),
    _stream("cards", "Card charges and disputes", *CARDS),
    _stream("members", "Users of the app", _bound(bindings.MEMBER)),
    _stream("drivers", "Drivers", _bound(bindings.DRIVER)),
    _stream("surveys", "Survey answers", _bound(bindings.SURVEY)),
)

"""All operators' billing at once: the organisation's own lists, page by page, into the canonical tables.

Lago tells no changes. Invoices are read by day of issue, with those that are unpaid whatever their age, and with those that
the lake still holds as unpaid; the other lists are read whole each time (README.md, *Bulk*).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from customer_research.connect.concurrent import chunks, together
from customer_research.connect.http import Params, segment
from customer_research.connect.paging import NumberedStretch, Place, ids_of, numbered
from customer_research.connect.reading import HINT, SURELY, Readout, each, unread_gap
from customer_research.connect.request_log import stamp
from customer_research.connect.source import BulkStream, LandingTable, Link, Pull, Row, Slice
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.records import ColumnType
from customer_research.domain.values import LEGACY
from customer_research.domain.vocabularies import SUBSCRIPTION_STATUSES
from customer_research.errors import BadAnswer, SchemaChanged
from customer_research.sources.lago import live, normalise
from customer_research.sources.lago.records import TABLES
from customer_research.sources.lago.session import CHECK_URL, ID, LagoSession

SINGLES = 20
"""Objects asked for one by one under one deadline."""

BEGINNING = "1970-01-01T00:00:00Z"
"""The mark behind a whole pull that lacked records: the next one asks for everything again."""

UNPAID = ("pending", "failed")
"""Payment statuses of invoices that may change however old they are."""

SINGLE_ONLY = frozenset(["billing_periods", "subscriptions"])
"""What only an invoice's own GET shows; left out, so that a row does not depend on how its invoice was asked for."""

NOTES = "lago_credit_note"
"""Landing table of credit notes: lists of them name the invoice, and not always the customer."""

Raw = Mapping[str, Any]


async def _stretches(
    session: LagoSession, stream: str, key: str, start: Place | None = None, params: Params | None = None
) -> AsyncIterator[NumberedStretch]:
    """A list of the organisation's, some pages at a time.

    Raises:
        BadAnswer: there is no such list.
    """
    ask = session.asking(f"/{key}", key, params)
    async for stretch in numbered(session.http, stream, ask, key=ID, start=start):
        if not stretch.known:
            sentence = f"Lago has no list of the organisation's {key.replace('_', ' ')}."
            raise session.http.error(BadAnswer, sentence, stream, CHECK_URL)
        yield stretch


def _id(record: Any) -> str:
    """A record's own id; of one that has none its text, which nothing else has."""
    return ids_of((record,), ID)[0]


class _RecordFaults:
    """The records of one pull that cannot be read: what the lake keeps of them, and what the sync says.

    More than `bounds.bad_records` are not single records: then the first one's error is raised. `held` are the ids of those
    that were unread before, of a pull that does not bring everything.
    """

    def __init__(self, session: LagoSession, table: str, held: Iterable[str] = ()) -> None:
        self._most = session.http.bounds.bad_records
        self._held = frozenset(held)
        self._table = table
        self._count = 0
        self._first: SchemaChanged | None = None

    def take(
        self, records: Iterable[Any], read: Readout[Any, Row]
    ) -> tuple[dict[str, list[Row]], dict[str, list[Key]]]:
        """The rows that name the unread ones, and the keys of those that may have been unread before."""
        name, raws = unread_table(self._table), [(one, error) for one, error in read.unread]
        came = set(map(_id, records)) & self._held
        self._count += len(raws)
        if raws and self._first is None:
            self._first = raws[0][1]
        if self._first is not None and self._count > self._most:
            raise self._first
        rows = [{"record_id": _id(raw), "operator_id": _owner(raw), "detail": error.message} for raw, error in raws]
        bad = {row["record_id"] for row in rows}
        good = [(one,) for one in sorted(came - bad)]
        return {name: rows} if rows else {}, {name: good} if good else {}

    @property
    def gap(self) -> Gap | None:
        """What the sync says of them; None when there are none."""
        if self._first is None:
            return None
        return unread_gap(self._first, self._count, title="Lago", what=_shown(self._table))


Key = tuple[Any, ...]


def unread_table(table: str) -> str:
    """The landing table of a table's records that cannot be read."""
    return f"lago_unread_{table.removeprefix('lago_')}"


def _shown(table: str) -> str:
    return table.removeprefix("lago_").replace("_", " ")


def _owner(raw: Any) -> str | None:
    """Whose an unreadable record is; None: even that cannot be read."""
    try:
        return _operator(raw, "record")
    except SchemaChanged:
        return None


def _slice(stretch: NumberedStretch, table: str, read: Readout[Any, Row], unread: _RecordFaults) -> Slice:
    """The slice of a stretch: its rows, each with the stretch's receipt, and what could not be read."""
    receipt = stretch.log.receipt(read.rows, truncated=stretch.missing > 0)
    bad, good = unread.take(stretch.records, read)
    return Slice(
        {table: stamp(read.rows, receipt), **bad},
        (receipt,),
        stretch.again.cursor,
        good,
        done=stretch.done,
        total=max(stretch.announced, stretch.done),
    )


def _ended(piece: Slice, pull: Pull, missing: Mapping[str, int], unread: Gap | None, *, whole: bool) -> Slice:
    """The last slice of a pull, given how many records of each table were announced and did not come.

    *whole* says that all records of the tables were asked for. A pull that lacks some leaves the mark where it was.
    """
    gaps = {table: gap for name, count in missing.items() for table, gap in live.truncated(name, count).items()}
    mark = (pull.since or BEGINNING) if gaps else pull.until.isoformat()
    brought = [table for table in missing if whole and table not in gaps]
    brought += [unread_table(table) for table in brought if table != "plan"]
    return replace(piece, mark=mark, whole=tuple(brought), gaps=gaps, unread=unread)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a list needs beside its records, landed with its end: rows by table, their receipts, and what of a table is missing."""

    rows: Mapping[str, list[Row]] = field(default_factory=dict)
    receipts: tuple[Receipt, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)


async def _whole(
    session: LagoSession,
    pull: Pull,
    table: str,
    key: str,
    rows: Callable[[Raw], list[Row]],
    *,
    params: Params | None = None,
    look: Callable[[NumberedStretch], Awaitable[None]] | None = None,
    beside: _Beside | None = None,
) -> AsyncIterator[Slice]:
    """A list that is read whole; `look` asks for more about some records before they become rows."""
    faults, beside = _RecordFaults(session, table), beside or _Beside()
    stream = "coupons" if table == "coupon" else key
    async for stretch in _stretches(session, stream, key, Place.of(pull.resume), params):
        if look is not None:
            await look(stretch)
        piece = _slice(stretch, table, each(stretch.records, rows, surely=SURELY), faults)
        if stretch.is_last:
            lacking = {table: 0, **beside.missing}
            lacking[table] += stretch.missing
            piece = replace(piece, rows={**piece.rows, **beside.rows}, receipts=(*piece.receipts, *beside.receipts))
            piece = _ended(piece, pull, lacking, faults.gap, whole=True)
        yield piece


def _list(
    table: str, key: str, rows: Callable[[Raw], list[Row]]
) -> Callable[[LagoSession, Pull], AsyncIterator[Slice]]:
    """A stream that is one list and nothing else."""
    return lambda session, pull: _whole(session, pull, table, key, rows)


def _operator(raw: Raw, kind: str) -> str:
    """The operator whose record it is: its customer's external id, which lists show beside the customer or inside it."""
    record = normalise.Record(raw, kind)
    told = record.text("external_customer_id") or _external_id(record.part("customer"))
    return live.operator_of(told)


def _external_id(customer: normalise.Record) -> str:
    return customer.need(customer.text, "external_id")


def _customer(raw: Raw) -> list[Row]:
    return [normalise.customer(raw, live.operator_of(_external_id(normalise.Record(raw, "customer"))))]


def _payments(raw: Raw) -> list[Row]:
    return normalise.payments(raw, _operator(raw, "payment"))


def _note(raw: Raw) -> list[Row]:
    """A credit note as it landed: without operator where the list does not show the customer."""
    inside = normalise.Record(raw, "credit_note").part("customer").text("external_id")
    row = normalise.credit_note(raw, "")
    return [{**row, "operator_id": live.operator_of(inside) if inside is not None else None}]


async def _subscriptions(session: LagoSession, pull: Pull) -> AsyncIterator[Slice]:
    """Subscriptions of every status, with the plans; a single GET only where the list does not tell a price."""
    plans, singles = await session.plans(), dict[str, Raw | None]()
    by_code = {row["plan_code"]: row for row in plans.rows}

    async def look(stretch: NumberedStretch) -> None:
        for some in chunks(stretch.records, SINGLES):
            stretch.log.deadline = None
            found = await together(*(live.detail(session, record, by_code, stretch.log) for record in some))
            singles.update(zip(map(_id, some), found, strict=True))

    def rows(raw: Raw) -> list[Row]:
        return [normalise.subscription(raw, _operator(raw, "subscription"), by_code, singles[_id(raw)])]

    beside = _Beside({"plan": plans.rows}, (plans.receipt,), {"plan": plans.missing})
    query = {"status[]": SUBSCRIPTION_STATUSES}
    async for piece in _whole(
        session, pull, "subscription", "subscriptions", rows, params=query, look=look, beside=beside
    ):
        yield piece


async def _coupons(session: LagoSession, pull: Pull) -> AsyncIterator[Slice]:
    """All coupons ever applied, each with the plans that it is limited to."""
    limits = await session.limits()

    def rows(raw: Raw) -> list[Row]:
        return [normalise.coupon(raw, _operator(raw, "coupon"), limits.plans)]

    beside = _Beside(receipts=limits.receipts, missing={"coupon": limits.missing})
    async for piece in _whole(session, pull, "coupon", "applied_coupons", rows, beside=beside):
        yield piece


async def _invoices(session: LagoSession, pull: Pull) -> AsyncIterator[Slice]:
    """All invoices; or those of late, those unpaid, and those that the lake holds as unpaid."""
    if pull.since is None:
        async for piece in _whole(session, pull, "invoice", "invoices", lambda raw: [_invoice(raw)]):
            yield piece
        return
    held = pull.held(f"SELECT record_id FROM {unread_table('invoice')}")  # noqa: S608 - a name of our own
    unread = _RecordFaults(session, "invoice", (row["record_id"] for row in held))
    brought: set[str] = set()
    missing = 0
    # A pull of changes that was cut off begins anew: it is short, and which invoices came decides which are asked for singly.
    for query in ({"issuing_date_from": _first_day(pull).isoformat()}, {"payment_statuses[]": UNPAID}):
        async for stretch in _stretches(session, "invoices", "invoices", None, query):
            brought |= set(map(_id, stretch.records))
            missing += stretch.missing
            yield _slice(stretch, "invoice", _read_invoices(stretch.records), unread)
    async for piece in _held(session, pull, brought, unread):
        yield piece if piece.mark is None else _ended(piece, pull, {"invoice": missing}, unread.gap, whole=False)


def _read_invoices(records: Iterable[Raw]) -> Readout[Raw, Row]:
    return each(records, lambda raw: [_invoice(raw)], surely=SURELY)


def _invoice(raw: Raw) -> Row:
    operator = _operator(raw, "invoice")
    return normalise.invoice({name: value for name, value in raw.items() if name not in SINGLE_ONLY}, operator)


async def _held(session: LagoSession, pull: Pull, brought: set[str], unread: _RecordFaults) -> AsyncIterator[Slice]:
    """The invoices that the lake holds as unpaid and that the lists no longer had, one by one; the last has a mark."""
    held = pull.held("SELECT invoice_id FROM invoice WHERE payment_status <> 'succeeded' ORDER BY invoice_id")
    lacking = [str(row["invoice_id"]) for row in held if row["invoice_id"] not in brought]
    done = 0
    for some in chunks(lacking, SINGLES):
        log = session.http.log("invoices")
        found = await together(
            *(session.one(f"/invoices/{segment(invoice_id)}", "invoice", log) for invoice_id in some)
        )
        there = [raw for raw in found if raw is not None]
        read = _read_invoices(there)
        bad, good = unread.take(there, read)
        gone: list[Key] = [(invoice_id,) for invoice_id, raw in zip(some, found, strict=True) if raw is None]
        receipt = log.receipt(read.rows)
        done += len(some)
        rows = {"invoice": stamp(read.rows, receipt), **bad}
        yield Slice(rows, (receipt,), "", {"invoice": gone, **good}, done=done, total=len(lacking))
    yield Slice({}, (), "", mark=pull.until.isoformat())


def _first_day(pull: Pull) -> date:
    """The first day of issue that a pull of changes asks for."""
    since = datetime.fromisoformat(pull.since or BEGINNING)
    return (since.replace(tzinfo=since.tzinfo or UTC) - pull.overlap).date()


def _landing(name: str, table: str = "") -> LandingTable:
    """A landing table with the columns of a canonical one, by default the one of its name."""
    canonical = TABLES[table or name]
    return LandingTable(name, canonical.key, canonical.types())


_UNREAD: Mapping[str, ColumnType] = {"record_id": "text", "operator_id": "text", "detail": "text"}


def _landings(name: str, table: str = "") -> tuple[LandingTable, LandingTable]:
    """As `_landing`, with the table of those of its records that cannot be read."""
    return _landing(name, table), LandingTable(unread_table(name), ("record_id",), _UNREAD)


BULK = (
    BulkStream("customers", "Billing customers", _landings("customer"), _list("customer", "customers", _customer)),
    BulkStream(
        "subscriptions", "Subscriptions and plans", (*_landings("subscription"), _landing("plan")), _subscriptions
    ),
    BulkStream("invoices", "Invoices", _landings("invoice"), _invoices),
    BulkStream("payments", "Payments", _landings("payment"), _list("payment", "payments", _payments)),
    BulkStream("credit_notes", "Credit notes", _landings(NOTES, "credit_note"), _list(NOTES, "credit_notes", _note)),
    BulkStream("coupons", "Applied coupons", _landings("coupon"), _coupons),
)

_OWNED = f"FROM {NOTES} AS n LEFT JOIN invoice AS i ON i.invoice_id = n.invoice_id"
_REST = ", ".join(f"n.{name}" for name in TABLES["credit_note"].column_names if name != "operator_id")


def _unread_link(name: str) -> Link:
    """What is unknown of whom since records of one landing table cannot be read."""
    table, landing = name.removeprefix("lago_"), unread_table(name)
    detail = f"COUNT(*) || ' {_shown(name)} record(s) cannot be read: ' || MIN(detail)"
    return Link(
        "gap",
        (landing,),
        f"""SELECT operator_id, '{table}' AS table_name, 'lago' AS source, 'unavailable' AS reason, {detail} AS detail,
            '{HINT.format(title="Lago")}' AS next_step
        FROM {landing} GROUP BY operator_id""",  # noqa: S608 - names of our own
    )


LINKS = (
    *map(_unread_link, ("customer", "subscription", "invoice", "payment", NOTES, "coupon")),
    Link(
        "operator",
        ("customer",),
        """SELECT operator_id, name, CAST(NULL AS VARCHAR) AS stripe_account, CAST(NULL AS VARCHAR) AS hubspot_company_id,
            '|lago|' AS known_by, created_at, fetch_id
        FROM customer""",
    ),
    Link(
        "credit_note",
        (NOTES, "invoice"),
        f"""SELECT COALESCE(n.operator_id, i.operator_id) AS operator_id, {_REST}
        {_OWNED} WHERE COALESCE(n.operator_id, i.operator_id) IS NOT NULL""",
    ),
    Link(
        "gap",
        ("csm", "customer", "subscription"),
        f"""SELECT DISTINCT v.operator_id, t.table_name, 'lago' AS source, 'unavailable' AS reason,
            '{live.UNKNOWN_TO_BILLING} ' || REPLACE(v.operator_id, '{LEGACY}', '') || '.' AS detail, '{live.LOOK_IN_LAGO}' AS next_step
        FROM csm AS v
        CROSS JOIN (VALUES {", ".join(f"('{table}')" for table in live.BILLING_TABLES)}) AS t (table_name)
        WHERE v.is_current AND v.status IN ('active', 'pending')
            AND NOT EXISTS (SELECT 1 FROM customer AS c WHERE c.operator_id = v.operator_id)
            AND NOT EXISTS (SELECT 1 FROM subscription AS s WHERE s.operator_id = v.operator_id)""",  # noqa: S608 - ours
    ),
    Link(
        "gap",
        (NOTES, "invoice"),
        f"""SELECT CAST(NULL AS VARCHAR) AS operator_id, 'credit_note' AS table_name, 'lago' AS source,
            'truncated' AS reason,
            'Lago lists ' || COUNT(*) || ' credit note(s) of invoices that it does not list.' AS detail,
            'Run `customer-research sync` again: the invoices may have come in meanwhile.' AS next_step
        {_OWNED} WHERE COALESCE(n.operator_id, i.operator_id) IS NULL HAVING COUNT(*) > 0""",
    ),
)

"""What is fetched from Lago for one operator, and who an operator or an invoice is. Each stream gives whole tables, or says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_research.connect.concurrent import both, together
from customer_research.connect.http import Params, segment
from customer_research.connect.paging import RecordList
from customer_research.connect.reading import Readout, each, unread_gap
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Batch, Candidates, RecordOwners, Row, Subject
from customer_research.domain import values
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.identity import Candidate, Interpretation
from customer_research.domain.money import MONTHS_PER_INTERVAL
from customer_research.domain.values import LEGACY, operator_id, operator_key
from customer_research.domain.vocabularies import SUBSCRIPTION_STATUSES
from customer_research.errors import BadAnswer
from customer_research.sources.lago import normalise
from customer_research.sources.lago.session import LagoSession, Limits

BILLING_TABLES = ("customer", "subscription", "invoice", "payment", "credit_note", "coupon")
"""The tables of one operator's billing."""


def unknown_to_billing(operator_id: str) -> Gap:
    """The gap of an operator that the CSM view says Lago bills, and that Lago does not know."""
    return Gap(
        source="lago",
        reason="unavailable",
        detail=f"{UNKNOWN_TO_BILLING} {operator_id.removeprefix(LEGACY)}.",
        next_step=LOOK_IN_LAGO,
    )


UNKNOWN_TO_BILLING = "The CSM view says that Lago bills the operator, and Lago knows no customer of the external id"
LOOK_IN_LAGO = "Look the operator up in Lago: its external id may be written otherwise there."


def customer_paths(subject: Subject, tail: str = "") -> tuple[str, ...]:
    """The paths that may be the operator's, likeliest first: Lago tells external ids in another case apart."""
    known = subject.operator_id.removeprefix(LEGACY)
    spellings = (known, known.upper()) if operator_id(known) == known else (known,)
    return tuple(f"/customers/{segment(one)}{tail}" for one in dict.fromkeys(spellings))


async def listed(
    session: LagoSession, subject: Subject, key: str, log: RequestLog, params: Params | None = None
) -> RecordList:
    """A list of the operator's records, by whichever spelling of its id Lago knows it."""
    found = RecordList((), known=False)
    for path in customer_paths(subject, f"/{key}"):
        found = await session.every(path, key, log, params)
        if found.known:
            break
    return found


def operator_of(customer_id: str) -> str:
    """The operator that Lago knows by an external id, in whatever spelling Lago has it."""
    return operator_key(customer_id) or customer_id


async def customer(session: LagoSession, subject: Subject) -> Batch:
    """The customer; no row when Lago does not know the operator."""
    log = session.http.log("customer")
    found = None
    for path in customer_paths(subject):
        found = found or await session.one(path, "customer", log)
    rows = [] if found is None else [normalise.customer(found, subject.operator_id)]
    if found is not None and operator_of(str(found.get("external_id"))) != subject.operator_id:
        raise BadAnswer("Lago answered with another customer.", source="lago", stream="customer")
    receipt = log.receipt(rows)
    return Batch({"customer": stamp(rows, receipt)}, (receipt,))


async def subscriptions(session: LagoSession, subject: Subject) -> Batch:
    """Subscriptions of every status with their plans; a single GET only where the list does not tell a price."""
    log = session.http.log("subscriptions")
    listing, plans = await both(
        listed(session, subject, "subscriptions", log, {"status[]": SUBSCRIPTION_STATUSES}), session.plans()
    )
    by_code = {row["plan_code"]: row for row in plans.rows}
    singles = await together(*(detail(session, record, by_code, log) for record in listing.records))
    read = each(
        zip(listing.records, singles, strict=True),
        lambda pair: [normalise.subscription(pair[0], subject.operator_id, by_code, pair[1])],
    )
    receipt = log.receipt(read.rows, truncated=listing.missing > 0)
    gaps = missing("subscription", listing, read) | truncated("plan", plans.missing)
    tables = {"subscription": stamp(read.rows, receipt), "plan": plans.rows}
    return Batch(tables, (receipt, plans.receipt), gaps)


async def detail(
    session: LagoSession, record: Mapping[str, Any], plans: Mapping[str, Row], log: RequestLog
) -> Mapping[str, Any] | None:
    """The subscription's own GET, when the list leaves its price open or its plan is not among the listed ones.

    A plan change keeps the external id, so that the object found may be a later subscription: then it is not used.
    """
    known = plans.get(record.get("plan_code", ""), {})
    if record.get("plan") or (normalise.priced(record) and known.get("interval") in MONTHS_PER_INTERVAL):
        return None
    path = f"/subscriptions/{segment(str(record.get('external_id', '')))}"
    params: Params = {"status": str(record.get("status", ""))}
    found = await session.one(path, "subscription", log, params)
    matches = found is not None and found.get("lago_id") == record.get("lago_id")
    return found if matches else None


@dataclass(frozen=True, slots=True)
class _ListStream:
    """A stream that is one list: its table, the list's path and key, and how a record becomes rows."""

    table: str
    stream: str
    key: str
    rows: Callable[[Any, str], list[Row]]

    async def __call__(self, session: LagoSession, subject: Subject) -> Batch:
        log = session.http.log(self.stream)
        listing = await listed(session, subject, self.key, log)
        read = each(listing.records, lambda record: self.rows(record, subject.operator_id))
        receipt = log.receipt(read.rows, truncated=listing.missing > 0)
        return Batch({self.table: stamp(read.rows, receipt)}, (receipt,), missing(self.table, listing, read))


invoices = _ListStream("invoice", "invoices", "invoices", lambda raw, operator: [normalise.invoice(raw, operator)])
"""All invoices of any status."""

payments = _ListStream("payment", "payments", "payments", normalise.payments)
"""All payments, one row for each invoice paid."""

credit_notes = _ListStream(
    "credit_note", "credit_notes", "credit_notes", lambda raw, operator: [normalise.credit_note(raw, operator)]
)
"""All credit notes."""


async def coupons(session: LagoSession, subject: Subject) -> Batch:
    """All coupons ever applied, ended ones too, each with the plans that it is limited to; those are asked for if there is one."""
    log = session.http.log("coupons")
    listing = await listed(session, subject, "applied_coupons", log)
    limits = await session.limits() if listing.records else Limits({})
    read = each(listing.records, lambda record: [normalise.coupon(record, subject.operator_id, limits.plans)])
    receipt = log.receipt(read.rows, truncated=listing.missing > 0)
    gaps = missing("coupon", listing, read) | truncated("coupon", limits.missing)
    return Batch({"coupon": stamp(read.rows, receipt)}, (receipt, *limits.receipts), gaps)


def missing(table: str, listing: RecordList, read: Readout[Any, Row]) -> dict[str, Gap]:
    """The gap of a table of which records did not come, or came and cannot be read; none when all are there."""
    return unread(table, read) | truncated(table, listing.missing)


def unread(table: str, read: Readout[Any, Row]) -> dict[str, Gap]:
    """The gap of a table with records that cannot be read."""
    if not read.unread:
        return {}
    what = table.replace("_", " ")
    return {table: unread_gap(read.unread[0][1], len(read.unread), title="Lago", what=what)}


def truncated(table: str, missing: int) -> dict[str, Gap]:
    """The gap of a table of which *missing* records did not come; none when all came."""
    if missing == 0:
        return {}
    return {
        table: Gap(
            source="lago",
            reason="truncated",
            detail=f"Lago announced {missing} more {table.replace('_', ' ')} record(s) than it sent.",
            next_step="Try again; if it stays, compare with Lago's own screen.",
        )
    }


BY_ID = frozenset({"operator_id", "legacy_id"})


async def find(session: LagoSession, readings: tuple[Interpretation, ...]) -> Candidates:
    """The billing customers of operator ids; nothing for other kinds of terms (Lago searches no names exactly)."""
    ids = [reading.value for reading in readings if reading.kind in BY_ID]
    found = await together(*(_customer(session, operator_id) for operator_id in ids))
    return Candidates(
        tuple(candidate for candidate, _ in found if candidate is not None), tuple(receipt for _, receipt in found)
    )


async def whose(
    session: LagoSession, readings: tuple[Interpretation, ...], _directory: Sequence[Candidate] = ()
) -> RecordOwners:
    """The customers of the invoices of this very number; nothing for other kinds of terms."""
    number = next((reading.value for reading in readings if reading.kind == "invoice"), None)
    if number is None:
        return RecordOwners()
    log = session.http.log("find_invoice")
    page = await session.page("/invoices", "invoices", log, {"search_term": number}, 1)
    named = [row for row in (page.records if page is not None else ()) if str(row.get("number")).upper() == number]
    ids = [values.operator_id((row.get("customer") or {}).get("external_id")) for row in named]
    return RecordOwners(tuple(("invoice", one) for one in ids if one is not None), (log.receipt(named),))


async def _customer(session: LagoSession, operator_id: str) -> tuple[Candidate | None, Receipt]:
    log = session.http.log("find")
    path = f"/customers/{segment(operator_id.removeprefix(LEGACY))}"
    record = await session.one(path, "customer", log)
    if record is None:
        return None, log.receipt([])
    row = normalise.customer(record, operator_id)
    receipt = log.receipt([row])
    name = row["name"] or ""
    return Candidate(operator_id, name, row["email"], row["phone"], city=row["city"], proof=(receipt.id,)), receipt

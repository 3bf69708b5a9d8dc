"""Every charge, dispute and refund of one operator's connected account, wherever the charges live.

Charges and disputes stand in the warehouse's place and are one stream; refunds, which it lacks, are another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from customer_research.connect.concurrent import both, together
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Batch, Row, Subject
from customer_research.domain.evidence import Gap, Receipt
from customer_research.sources.stripe import normalise
from customer_research.sources.stripe.session import PAGE_SIZE, Kind, Record, StripeSession

CARDS = ("charge", "dispute")
REFUND = "refund"

WITH_CHARGE = ("data.charge",)
"""A refund or dispute does not say for whom the charge was made, nor whether it is the other side of a transfer; its charge does."""

NO_ACCOUNT = Gap(
    normalise.SOURCE_NAME,
    "not_applicable",
    "No Stripe account of the operator is known: the CSM view has none.",
    "Nothing to do: the operator takes no cards here.",
)

CUT_OFF = Gap(
    normalise.SOURCE_NAME,
    "truncated",
    "Stripe says that there are more records than it gave.",
    "Run the same command again; if it persists, look at the account in Stripe.",
)


@dataclass(slots=True)
class Found:
    """What lists gave, each record once by its id, and why that is not all."""

    records: dict[str, Record] = field(default_factory=dict)
    gap: Gap | None = None


async def fetch(session: StripeSession, subject: Subject) -> Batch:
    """The charges and disputes of the operator's account; each charge once, whichever list it comes from.

    Raises:
        SourceError: Stripe cannot be read, or a record is not what the contract says.
    """
    account = subject.stripe_account
    if account is None:
        return Batch({}, (), dict.fromkeys(CARDS, NO_ACCOUNT))
    logs = session.log("charges"), session.log("disputes")
    charges, disputes = await both(
        _everywhere(session, "charges", account, logs[0]), _everywhere(session, "disputes", account, logs[1])
    )
    rows = (
        [normalise.charge_row(one, account) for one in charges.records.values()],
        [normalise.dispute_row(one) for one in disputes.records.values()],
    )
    gap = charges.gap or disputes.gap
    made = [_proven(*one, subject.operator_id, cut=gap is not None) for one in zip(rows, logs, strict=True)]
    tables = {name: found for name, (found, _) in zip(CARDS, made, strict=True)}
    return Batch(tables, tuple(receipt for _, receipt in made), {} if gap is None else dict.fromkeys(CARDS, gap))


async def refunds(session: StripeSession, subject: Subject) -> Batch:
    """The refunds of the operator's charges, each with its date.

    Raises:
        SourceError: as `fetch`.
    """
    account = subject.stripe_account
    if account is None:
        return Batch({}, (), {REFUND: NO_ACCOUNT})
    log = session.log("refunds")
    found = await _everywhere(session, "refunds", account, log)
    rows = [normalise.refund_row(one) for one in found.records.values()]
    owned, receipt = _proven(rows, log, subject.operator_id, cut=found.gap is not None)
    gaps = {} if found.gap is None else {REFUND: found.gap}
    return Batch({REFUND: stamp(owned, receipt)}, (receipt,), gaps)


def _proven(rows: Sequence[Row], log: RequestLog, operator_id: str, *, cut: bool) -> tuple[list[Row], Receipt]:
    owned = [{"operator_id": operator_id, **row} for row in rows]
    return owned, log.receipt(owned, truncated=cut)


async def _everywhere(session: StripeSession, kind: Kind, account: str, log: RequestLog) -> Found:
    """The records of an account from where they may be; the same one in two lists is one."""
    work = []
    if session.own.on_connected:
        work.append(_connected(session, kind, account, log))
    if session.own.on_platform:
        work.append(_of_platform(session, kind, account, log))
    found = Found()
    for one in await together(*work):
        found.records |= one.records
        found.gap = found.gap or one.gap
    return found


async def _connected(session: StripeSession, kind: Kind, account: str, log: RequestLog) -> Found:
    found = await _read(session, kind, account, log)
    own = {name: one for name, one in found.records.items() if not normalise.is_mirror(charge_of(one))}
    return Found(own, found.gap)


async def _of_platform(session: StripeSession, kind: Kind, account: str, log: RequestLog) -> Found:
    """The platform's records that are made for the account: no filter of the list names it."""
    found = await _read(session, kind, None, log)
    own = {name: one for name, one in found.records.items() if normalise.made_for(charge_of(one)) == account}
    return Found(own, found.gap)


async def _read(session: StripeSession, kind: Kind, account: str | None, log: RequestLog) -> Found:
    """A list, as far as a report reads one; what proved too long is not begun again."""
    pages = session.own.live_pages
    if (kind, account) in session.too_long:
        return Found(gap=too_many(kind, account, pages))
    expand = () if kind == "charges" else WITH_CHARGE
    stretch = await session.listed(kind, log, account=account, expand=expand, pages=pages)
    records = {normalise.identifier(one, kind.removesuffix("s")): one for one in stretch.records}
    if stretch.cursor is None:
        return Found(records, None if stretch.whole else CUT_OFF)
    session.too_long.add((kind, account))
    return Found(records, too_many(kind, account, pages))


def charge_of(record: Record) -> Record:
    """A charge itself, or the charge that a refund or dispute came with."""
    charge = record.get("charge")
    return charge if isinstance(charge, Mapping) else record


def too_many(kind: Kind, account: str | None, pages: int) -> Gap:
    """The gap of a list with more records than a report reads."""
    whose = f"The account {account}" if account else "The platform's own Stripe account, whose lists tell no operator,"
    step = "if all charges are on connected accounts, set stripe.charges_on to connected."
    return Gap(
        normalise.SOURCE_NAME,
        "truncated",
        f"{whose} has more than {pages * PAGE_SIZE:,} {kind}: more than a report reads.",
        f"Run `customer-research sync stripe` for lists; {'raise stripe.live_pages.' if account else step}",
    )

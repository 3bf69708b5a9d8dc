"""Every charge, dispute and refund of one operator's connected account, wherever the charges live.

Charges and disputes stand in the warehouse's place and are one stream; refunds, which it lacks, are another. Each list has a receipt of its
own: what the platform has is read once for all operators, and its receipt says when that was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from customer_research.connect.concurrent import both, together
from customer_research.connect.request_log import stamp
from customer_research.connect.source import Batch, Row, Subject
from customer_research.domain.evidence import Gap, Receipt
from customer_research.sources.stripe import normalise
from customer_research.sources.stripe.lists import Listed, connected, of_platform
from customer_research.sources.stripe.session import Kind, Record, StripeSession

CARDS = ("charge", "dispute")
REFUND = "refund"

NO_ACCOUNT = Gap(
    normalise.SOURCE_NAME,
    "not_applicable",
    "No Stripe account of the operator is known: the CSM view has none.",
    "Nothing to do: the operator takes no cards here.",
)


async def fetch(session: StripeSession, subject: Subject) -> Batch:
    """The charges and disputes of the operator's account; each charge once, whichever list it comes from.

    Raises:
        SourceError: Stripe cannot be read, or a record is not what the contract says.
    """
    account = subject.stripe_account
    if account is None:
        return Batch({}, (), dict.fromkeys(CARDS, NO_ACCOUNT))
    charges, disputes = await both(_everywhere(session, "charges", account), _everywhere(session, "disputes", account))
    gap = _gap(*charges, *disputes)
    made = (
        _proven(charges, lambda one: normalise.charge_row(one, account), subject.operator_id, cut=gap is not None),
        _proven(disputes, normalise.dispute_row, subject.operator_id, cut=gap is not None),
    )
    tables = {name: [row for rows, _ in lists for row in rows] for name, lists in zip(CARDS, made, strict=True)}
    receipts = tuple(receipt for lists in made for _, receipt in lists)
    return Batch(tables, receipts, {} if gap is None else dict.fromkeys(CARDS, gap))


async def refunds(session: StripeSession, subject: Subject) -> Batch:
    """The refunds of the operator's charges, each with its date.

    Raises:
        SourceError: as `fetch`.
    """
    account = subject.stripe_account
    if account is None:
        return Batch({}, (), {REFUND: NO_ACCOUNT})
    found = await _everywhere(session, "refunds", account)
    gap = _gap(*found)
    made = _proven(found, normalise.refund_row, subject.operator_id, cut=gap is not None)
    rows = [row for listed, receipt in made for row in stamp(listed, receipt)]
    return Batch({REFUND: rows}, tuple(receipt for _, receipt in made), {} if gap is None else {REFUND: gap})


def _gap(*lists: Listed) -> Gap | None:
    return next((one.gap for one in lists if one.gap is not None), None)


def _proven(
    lists: Sequence[Listed], row_of: Callable[[Record], Row], operator_id: str, *, cut: bool
) -> list[tuple[list[Row], Receipt]]:
    """The rows of each list with its receipt, which says when the list was read."""
    made = []
    for listed in lists:
        rows = [{"operator_id": operator_id, **row_of(one)} for one in listed.records.values()]
        made.append((rows, replace(listed.log.receipt(rows, truncated=cut), fetched_at=listed.read_at)))
    return made


async def _everywhere(session: StripeSession, kind: Kind, account: str) -> list[Listed]:
    """The records of an account from where they may be; the same one in two lists is one."""
    homes = [*([_connected] if session.own.on_connected else []), *([_of_platform] if session.own.on_platform else [])]
    found = await together(*(read(session, kind, account) for read in homes))
    seen = set[str]()
    for one in found:
        one.records = {name: record for name, record in one.records.items() if name not in seen}
        seen |= one.records.keys()
    return found


async def _connected(session: StripeSession, kind: Kind, account: str) -> Listed:
    found = await connected(session, kind, account)
    return found.only(lambda one: not normalise.is_mirror(charge_of(one)))


async def _of_platform(session: StripeSession, kind: Kind, account: str) -> Listed:
    """The platform's records that are made for the account: no filter of the list names it."""
    found = await of_platform(session, kind)
    return found.only(lambda one: normalise.made_for(charge_of(one)) == account)


def charge_of(record: Record) -> Record:
    """A charge itself, or the charge that a refund or dispute came with."""
    charge = record.get("charge")
    return charge if isinstance(charge, Mapping) else record

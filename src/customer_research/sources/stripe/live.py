"""Every charge, dispute and refund of one operator's connected account, wherever the charges live.

Charges and disputes stand in the warehouse's place and are one stream; refunds, which it lacks, are another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from customer_research.connect.concurrent import both, together
from customer_research.connect.paging import Stretch
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Batch, Row, Subject
from customer_research.domain.evidence import Gap, Receipt
from customer_research.sources.stripe import normalise
from customer_research.sources.stripe.session import PAGE_SIZE, Kind, Record, StripeSession

CARDS = ("charge", "dispute")
REFUND = "refund"

SPANS, PAGES_OF_SPAN = 8, 4
"""Spans of time that are read side by side, and how many pages one is to hold, going by how densely the newest records lie."""

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
    homes = [
        *([_connected] if session.own.on_connected else []),
        *([_of_platform] if session.own.on_platform else []),
    ]
    logs = [session.log(log.stream, within=log) for _ in homes]
    made = await together(*(read(session, kind, account, own) for read, own in zip(homes, logs, strict=True)))
    log.add(*logs)
    found = Found()
    for one in made:
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
    found = await _Reading(session, kind, account, log).all()
    if found is None:
        session.too_long.add((kind, account))
        return Found(gap=too_many(kind, account, pages))
    return found


class _Reading:
    """One list, read in spans of time side by side: page by page a report would wait for each of thirty answers in turn."""

    def __init__(self, session: StripeSession, kind: Kind, account: str | None, log: RequestLog) -> None:
        self._session, self._kind, self._account, self._log = session, kind, account, log
        self._expand = () if kind == "charges" else WITH_CHARGE
        self._records: dict[str, Record] = {}
        self._whole = True

    async def all(self) -> Found | None:
        """The whole list; None: it is longer than a report reads.

        A page tells how densely records lie there. Spans of time of some such pages go back from it, and then comes the newest page of
        what is older still.
        """
        page = await self._listed(pages=1)
        self._take(page)
        while page.cursor is not None:
            times = [int(normalise.moment(one, self._what).timestamp()) for one in page.records]
            upper, width = min(times) + 1, max(max(times) - min(times), 1) * PAGES_OF_SPAN
            edges = [max(upper - width * number, 1) for number in range(SPANS + 1)]
            if not await self._spans([(low, high) for high, low in pairwise(edges) if low < high]):
                return None
            known, page = len(self._records), await self._listed(until=edges[-1], pages=1)
            self._take(page)
            if page.cursor is not None and len(self._records) == known:  # it promises more, and gives the same again
                self._whole = False
                break
        return Found(self._records, None if self._whole else CUT_OFF)

    async def _spans(self, spans: Sequence[tuple[int, int]]) -> bool:
        """Read spans of time side by side; False: they hold more than a report reads."""
        most = max(1, min(PAGES_OF_SPAN * 2, self._left))
        logs = [self._session.log(self._log.stream, within=self._log) for _ in spans]
        found = await together(
            *(
                self._listed(since=low, until=high, pages=most, log=log)
                for (low, high), log in zip(spans, logs, strict=True)
            )
        )
        self._log.add(*logs)
        for stretch in found:
            self._take(stretch)
        for (low, high), stretch in zip(spans, found, strict=True):
            if stretch.cursor is not None and self._left > 0:
                rest = await self._listed(since=low, until=high, start=stretch.cursor, pages=self._left)
                self._take(rest)
                if rest.cursor is not None:
                    return False
            elif stretch.cursor is not None:
                return False
        return self._left >= 0

    @property
    def _what(self) -> str:
        return self._kind.removesuffix("s")

    @property
    def _left(self) -> int:
        """How many more pages a report may read of the list."""
        return self._session.own.live_pages - -(-len(self._records) // PAGE_SIZE)

    async def _listed(
        self, *, since: int = 0, until: int = 0, start: str | None = None, pages: int, log: RequestLog | None = None
    ) -> Stretch:
        return await self._session.listed(
            self._kind,
            log or self._log,
            account=self._account,
            since=since,
            until=until,
            expand=self._expand,
            start=start,
            pages=pages,
        )

    def _take(self, stretch: Stretch) -> None:
        self._records |= {normalise.identifier(one, self._what): one for one in stretch.records}
        self._whole = self._whole and stretch.whole


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

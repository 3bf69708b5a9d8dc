"""One list of Stripe's as a report reads it: whole, in spans of time side by side, and by not many more requests than it has pages.

A list gives a hundred records a page, newest first, and does not say how many there are. A page that promises more tells how densely records
lie there. What is older is asked for in spans of that width and one open end, all at the same time; each further wave that the open end needs
has twice as many spans. Most accounts are one page, and cost one request.

The platform's lists tell no operator, and are the same for all: within `PLATFORM_SECONDS` a process that makes many reports reads them once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from customer_research.connect.concurrent import together
from customer_research.connect.paging import Stretch
from customer_research.connect.request_log import RequestLog
from customer_research.domain.evidence import Gap
from customer_research.sources.stripe import normalise
from customer_research.sources.stripe.session import PAGE_SIZE, Kind, Record, StripeSession

WITH_CHARGE = ("data.charge",)
"""A refund or dispute does not say for whom the charge was made, nor whether it is the other side of a transfer; its charge does."""

SPANS_MOST = 8
"""Spans of time, at most, that are asked for at the same time in place of one that holds more than a page."""

FILLED = 0.9
"""How full of records a span is to be, going by how densely the page before it lies: a full one costs a request more."""

CUT_OFF = Gap(
    normalise.SOURCE_NAME,
    "truncated",
    "Stripe says that there are more records than it gave.",
    "Run the same command again; if it persists, look at the account in Stripe.",
)


@dataclass(slots=True)
class Listed:
    """What a list gave, each record once by its id, why that is not all, what was asked, and when it was answered."""

    records: dict[str, Record]
    log: RequestLog
    read_at: datetime
    gap: Gap | None = None

    def only(self, wanted: Callable[[Record], bool]) -> Listed:
        """Those of its records that are wanted."""
        return replace(self, records={name: one for name, one in self.records.items() if wanted(one)})


async def connected(session: StripeSession, kind: Kind, account: str) -> Listed:
    """A list of a connected account, as far as a report reads one; what proved too long is not begun again.

    Raises:
        SourceError: Stripe cannot be read, or a record is not what the contract says.
    """
    return await _read(session, kind, account)


async def of_platform(session: StripeSession, kind: Kind) -> Listed:
    """As `connected`, of the platform's own: as it is now, or was up to `PLATFORM_SECONDS` ago."""
    found: Listed = await session.platform[kind].get(lambda: _read(session, kind, None))
    return found


async def _read(session: StripeSession, kind: Kind, account: str | None) -> Listed:
    log = session.log(kind)
    if (kind, account) not in session.too_long:
        found = await _Reading(session, kind, account, log).all()
        if found is not None:
            return found
        session.too_long.add((kind, account))
    return Listed({}, log, session.clock(), too_many(kind, account, session.own.live_pages))


@dataclass(frozen=True, slots=True)
class _Span:
    """What one request asks for: records of a span of time (Unix seconds; 0: open) from behind one on.

    `ahead`: into so many spans, at most, what it leaves is divided.
    """

    since: int = 0
    until: int = 0
    start: str | None = None
    ahead: int = 1


class _Reading:
    """One list, in waves of requests: what a wave asks hangs on the answers to the one before, and not on which of them was quick."""

    def __init__(self, session: StripeSession, kind: Kind, account: str | None, log: RequestLog) -> None:
        self._session, self._kind, self._account, self._log = session, kind, account, log
        self._expand = () if kind == "charges" else WITH_CHARGE
        self._records: dict[str, Record] = {}
        self._went_on = 0
        self._whole = True

    async def all(self) -> Listed | None:
        """The whole list; None: it is longer than a report reads."""
        wave = [_Span()]
        while wave:
            answers = await self._asked(wave)
            wave = [left for span, page in zip(wave, answers, strict=True) for left in self._left_of(span, page)]
            most = self._session.own.live_pages
            if len(self._records) > most * PAGE_SIZE or (wave and self._went_on >= most):
                return None
        return Listed(self._records, self._log, self._session.clock(), None if self._whole else CUT_OFF)

    async def _asked(self, spans: list[_Span]) -> list[Stretch]:
        """A page of each."""
        logs = [self._session.log(self._log.stream, within=self._log) for _ in spans]
        answers = await together(*(self._page(span, log) for span, log in zip(spans, logs, strict=True)))
        self._log.add(*logs)
        return answers

    async def _page(self, span: _Span, log: RequestLog) -> Stretch:
        return await self._session.listed(
            self._kind,
            log,
            account=self._account,
            since=span.since,
            until=span.until,
            expand=self._expand,
            start=span.start,
            pages=1,
        )

    def _left_of(self, span: _Span, page: Stretch) -> list[_Span]:
        """Take a page; what is left of its span, divided."""
        what, known = self._kind.removesuffix("s"), len(self._records)
        self._records |= {normalise.identifier(one, what): one for one in page.records}
        self._whole = self._whole and page.whole
        if page.cursor is None:
            return []
        if len(self._records) == known:  # it promises more, and gives the same again
            self._whole = False
            return []
        self._went_on += 1
        times = [int(normalise.moment(one, what).timestamp()) for one in page.records]
        return list(_divided(span, page.cursor, min(times), max(times)))


def _divided(span: _Span, cursor: str, oldest: int, newest: int) -> Iterator[_Span]:
    """What is older than a page of a span; the first piece goes on behind the page, for others may be of the same second."""
    width = max(int((newest - oldest) * FILLED), 1)
    if span.since:
        pieces = max(min(-(-(oldest - span.since) // width), span.ahead), 1)
        width = max(-(-(oldest - span.since) // pieces), 1)
    else:
        pieces = span.ahead + 1
    inner = [edge for number in range(1, pieces) if (edge := oldest - width * number) > max(span.since, 1)]
    for upper, lower in pairwise([span.until, *inner, span.since]):
        yield _Span(lower, upper, cursor if upper == span.until else None, min(span.ahead * 2, SPANS_MOST))


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

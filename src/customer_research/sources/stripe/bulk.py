"""Everybody's charges, refunds and disputes: account by account, and the platform's own for those made for somebody.

Stripe lists by when a record was made and not by when it changed. So a pull of changes reads again what was made in the 120 days
before the mark; a refund brings its charge along, however old that is, and a dispute that is held as open and is older is read by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from customer_research.connect.concurrent import chunks, together
from customer_research.connect.paging import Bookmark, Stretch, followed
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import BulkStream, LandingTable, Link, Pull, Row, Slice
from customer_research.domain import values
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.records import literal
from customer_research.errors import Denied
from customer_research.sources.stripe import live, normalise
from customer_research.sources.stripe.lists import CUT_OFF, WITH_CHARGE
from customer_research.sources.stripe.live import CARDS, NO_ACCOUNT, charge_of
from customer_research.sources.stripe.records import TABLES
from customer_research.sources.stripe.session import GONE, LISTED, Kind, Record, StripeSession

STREAM = normalise.STREAM

LOOK_BACK = timedelta(days=120)
"""How long after it was made a charge or dispute is read again: that is how long a payer may dispute a charge."""

ACCOUNTS_AT_ONCE = 8
"""Connected accounts of one slice, read side by side."""

PAGES_OF_ACCOUNT = 50
"""Pages of one list of a connected account within one slice: an account may have more than one deadline is long."""

PAGES_AT_ONCE = 5
"""Pages of one slice of a list of the platform's, one after the other under one deadline."""

DISPUTES_AT_ONCE = 50
"""Disputes that are read one by one within one slice."""

PLATFORM = "platform"
"""Stands among the accounts that were read for the platform's own."""

ACCOUNT = LandingTable("stripe_account", ("stripe_account",), {"stripe_account": "text"})
"""The accounts that are connected to the platform."""
READ = LandingTable("stripe_read", ("stripe_account",), {"stripe_account": "text", "detail": "text"})
"""Accounts that were asked, the platform's among them, and why nothing is known of one; empty: all of it was read."""
CHARGE = LandingTable(
    "stripe_charge",
    ("charge_id",),
    {
        "charge_id": "text",
        "stripe_account": "text",
        "status": "text",
        "created_at": "timestamp",
        "amount_minor": "integer",
        "refunded_minor": "integer",
        "currency": "text",
        "card_id": "text",
        "failure_reason": "text",
        "risk_level": "text",
        "risk_score": "number",
        "cardholder": "text",
    },
)
"""Charges, each with the connected account whose it is, wherever it lives."""
DISPUTE = LandingTable(
    "stripe_dispute",
    ("dispute_id",),
    {
        "dispute_id": "text",
        "stripe_account": "text",
        "read_on": "text",
        "charge_id": "text",
        "status": "text",
        "is_active": "boolean",
        "reason": "text",
        "amount_minor": "integer",
        "currency": "text",
        "created_at": "timestamp",
    },
)
"""Disputes and inquiries; `read_on` is the account on which one is found again, or `platform`."""

REFUND = LandingTable(
    "stripe_refund", ("refund_id",), {**TABLES[live.REFUND].types("operator_id"), "stripe_account": "text"}
)
"""Refunds, each with the connected account whose charge it was."""

EVERYTHING = (ACCOUNT, READ, CHARGE, DISPUTE, REFUND)


@dataclass(frozen=True, slots=True)
class _Position(Bookmark):
    """Where a pull is: its step, the page in it or the last account done, and whether nothing was left out."""

    step: int = 0
    page: str | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Place:
    """An account that is read: the platform (None) or a connected one, and from when on, Unix seconds."""

    account: str | None
    since: int

    @property
    def name(self) -> str:
        return self.account or PLATFORM

    def owner(self, record: Record) -> str | None:
        """The connected account whose a record is; None: nobody's, or one that is told of elsewhere."""
        charge = charge_of(record)
        if self.account is None:
            return normalise.made_for(charge)
        return None if normalise.is_mirror(charge) else self.account


@dataclass(slots=True)
class _Account:
    """A connected account that is being read: its lists that go on, each with the record behind which, and whether nothing was left out."""

    place: _Place
    left: dict[Kind, str | None] = field(default_factory=lambda: dict.fromkeys(LISTED))
    whole: bool = True
    pages: int = 0

    def take(self, found: Mapping[Kind, Stretch], most: int) -> None:
        """Note how far its lists came; those that go on beyond so many pages are given up."""
        self.pages += PAGES_OF_ACCOUNT
        self.left = {kind: one.cursor for kind, one in found.items() if one.cursor is not None}
        self.whole = self.whole and all(one.whole for one in found.values())
        if self.left and self.pages >= most:
            self.left, self.whole = {}, False

    def told(self) -> list[Row]:
        """The row that says that it was read; none before its end."""
        if self.left:
            return []
        return [{"stripe_account": self.place.name, "detail": "" if self.whole else CUT_OFF.detail}]


class _Run:
    """One pull of one platform."""

    def __init__(self, session: StripeSession, asked: Pull) -> None:
        self._session = session
        self._asked = asked
        since = values.instant(asked.since) if asked.since else None
        self._begin = None if since is None else since - LOOK_BACK
        self._at = _Position.of(asked.resume)
        self._done = 0

    async def slices(self) -> AsyncIterator[Slice]:
        """The whole pull.

        Raises:
            SourceError: Stripe failed; the slices before stand.
        """
        steps = (self._accounts, self._connected, self._charges, self._refunds, self._disputes, self._open)
        for number, step in enumerate(steps):
            if number < self._at.step:
                continue
            async for piece in step():
                yield piece
            self._at = replace(self._at, step=number + 1, page=None)
        yield self._last()

    # -- the steps ----------------------------------------------------------------------------------------------------

    async def _accounts(self) -> AsyncIterator[Slice]:
        """Every connected account; accounts that are gone come no more."""
        async for stretch in self._followed("accounts", _Place(None, 0)):
            rows = [{"stripe_account": normalise.identifier(one, "account")} for one in stretch.records]
            yield self._slice({ACCOUNT.name: rows}, (stretch.log.receipt(rows),))

    async def _connected(self) -> AsyncIterator[Slice]:
        """What the connected accounts themselves have, some accounts at a time, in order of their ids."""
        if not self._session.own.on_connected:
            return
        known = self._known()
        names = [row["stripe_account"] for row in self._held(f"SELECT stripe_account FROM {ACCOUNT.name} ORDER BY 1")]  # noqa: S608
        left = [str(name) for name in names if self._at.page is None or name > self._at.page]
        for some in chunks(left, ACCOUNTS_AT_ONCE):
            open_ = [_Account(_Place(name, self._since(name, known))) for name in some]
            while open_:
                found = await together(*(self._of_account(one) for one in open_))
                open_ = [one for one in open_ if one.left]
                if not open_:
                    self._at = replace(self._at, page=some[-1])
                yield self._slice(
                    {
                        table.name: [row for tables, _ in found for row in tables.get(table.name, ())]
                        for table in (READ, CHARGE, DISPUTE, REFUND)
                    },
                    [receipt for _, receipts in found for receipt in receipts],
                )

    async def _of_account(self, account: _Account) -> tuple[dict[str, list[Row]], list[Receipt]]:
        """The next rows of one connected account, with the note that it was read at its end; of one that may not be looked at the reason."""
        place, log = account.place, self._session.log(STREAM)
        logs = {kind: self._session.log(STREAM) for kind in account.left}
        try:
            lists = await together(
                *(self._some(place, kind, start, logs[kind]) for kind, start in account.left.items())
            )
        except Denied as error:
            if error.code != GONE:
                raise
            account.left = {}
            log.add(*logs.values())
            rows: list[Row] = [{"stripe_account": place.name, "detail": error.message}]
            return {READ.name: rows}, [log.receipt(rows)]
        log.add(*logs.values())
        found = dict(zip(logs, lists, strict=True))
        account.take(found, self._session.http.bounds.pages)
        records = {kind: one.records for kind, one in found.items()}
        charge_rows = _charges(place, [one for some in records.values() for one in some])
        dispute_rows, refund_rows = (
            _disputes(place, records.get("disputes", ())),
            _refunds(place, records.get("refunds", ())),
        )
        receipt = log.receipt([*charge_rows, *dispute_rows, *refund_rows], truncated=not account.whole)
        return {
            READ.name: account.told(),
            CHARGE.name: charge_rows,
            DISPUTE.name: dispute_rows,
            REFUND.name: stamp(refund_rows, receipt),
        }, [receipt]

    async def _some(self, place: _Place, kind: Kind, start: str | None, log: RequestLog) -> Stretch:
        """Some pages of a list of a connected account, from behind a record on."""
        return await self._session.listed(
            kind,
            log,
            account=place.account,
            since=place.since,
            expand=() if kind == "charges" else WITH_CHARGE,
            start=start,
            pages=PAGES_OF_ACCOUNT,
        )

    async def _charges(self) -> AsyncIterator[Slice]:
        async for place, stretch in self._of_platform("charges"):
            yield self._platform_slice(place, stretch)

    async def _refunds(self) -> AsyncIterator[Slice]:
        """What was given back, for the charges that it was given back of."""
        async for place, stretch in self._of_platform("refunds"):
            yield self._platform_slice(place, stretch, refunds=_refunds(place, stretch.records))

    async def _disputes(self) -> AsyncIterator[Slice]:
        async for place, stretch in self._of_platform("disputes"):
            yield self._platform_slice(place, stretch, _disputes(place, stretch.records))
            if stretch.cursor is None:  # the platform's last list
                rows: list[Row] = [{"stripe_account": PLATFORM, "detail": "" if self._at.whole else CUT_OFF.detail}]
                yield self._slice({READ.name: rows}, ())

    async def _open(self) -> AsyncIterator[Slice]:
        """Disputes that are held as open and are older than what was read again, one by one."""
        if self._begin is None:
            return
        held = self._held(
            f"SELECT dispute_id, read_on FROM {DISPUTE.name} WHERE is_active"  # noqa: S608
            f" AND created_at < TIMESTAMP {literal(_naive(self._begin))} ORDER BY dispute_id"
        )
        shut = self._held(f"SELECT stripe_account FROM {READ.name} WHERE detail <> ''")  # noqa: S608
        dead = {row["stripe_account"] for row in shut}
        wanted = [row for row in held if row["read_on"] not in dead]
        for some in chunks(wanted, DISPUTES_AT_ONCE):
            log = self._session.log(STREAM)
            gone: dict[str, Row] = {}
            rows = [row for found in await together(*(self._dispute(one, log, gone) for one in some)) for row in found]
            yield self._slice({DISPUTE.name: rows, READ.name: list(gone.values())}, (log.receipt(rows),))

    async def _dispute(self, held: Row, log: RequestLog, gone: dict[str, Row]) -> list[Row]:
        """A dispute's row; an account that may no longer be looked at since its lists were read is noted in *gone*."""
        account = None if held["read_on"] == PLATFORM else str(held["read_on"])
        try:
            found = await self._session.one(
                "disputes", str(held["dispute_id"]), log, account=account, expand=("charge",)
            )
        except Denied as error:
            if error.code != GONE or account is None:
                raise
            gone[account] = {"stripe_account": account, "detail": error.message}
            return []
        return [] if found is None else _disputes(_Place(account, 0), [found])

    # -- what they share ----------------------------------------------------------------------------------------------

    def _held(self, sql: str) -> list[Row]:
        return self._asked.held(sql)

    def _known(self) -> frozenset[str]:
        """Accounts of which everything up to the mark has landed."""
        if self._begin is None:
            return frozenset()
        return frozenset(
            str(row["stripe_account"])
            for row in self._held(f"SELECT stripe_account FROM {READ.name} WHERE detail = ''")  # noqa: S608
        )

    def _since(self, name: str, known: frozenset[str]) -> int:
        """From when on an account is read, Unix seconds; one that was not read whole before, from its beginning."""
        return int(self._begin.timestamp()) if self._begin is not None and name in known else 0

    async def _of_platform(self, kind: Kind) -> AsyncIterator[tuple[_Place, Stretch]]:
        if self._session.own.on_platform:
            place = _Place(None, self._since(PLATFORM, self._known()))
            async for stretch in self._followed(kind, place):
                yield place, stretch

    async def _followed(self, kind: Kind, place: _Place) -> AsyncIterator[Stretch]:
        """A list of the platform's from where the pull is."""
        expand = WITH_CHARGE if kind in {"refunds", "disputes"} else ()
        ask = self._session.asking(kind, since=place.since, expand=expand)
        async for stretch in followed(self._session.http, STREAM, ask, start=self._at.page, pages=PAGES_AT_ONCE):
            self._at = replace(self._at, page=stretch.cursor, whole=self._at.whole and stretch.whole)
            if stretch.cursor is None:
                self._at = replace(self._at, step=self._at.step + 1)
            yield stretch

    def _platform_slice(
        self, place: _Place, stretch: Stretch, disputes: Sequence[Row] = (), *, refunds: Sequence[Row] = ()
    ) -> Slice:
        rows = _charges(place, stretch.records)
        receipt = stretch.log.receipt([*rows, *disputes, *refunds], truncated=not stretch.whole)
        found = {CHARGE.name: rows, DISPUTE.name: list(disputes), REFUND.name: stamp(refunds, receipt)}
        return self._slice(found, (receipt,))

    def _slice(self, rows: dict[str, list[Row]], receipts: Sequence[Receipt]) -> Slice:
        self._done += sum(len(rows.get(table.name, ())) for table in (CHARGE, DISPUTE, REFUND))
        return Slice(rows, tuple(receipts), self._at.cursor, done=self._done)

    def _last(self) -> Slice:
        """The end. What was made while it was read is in the next pull's 120 days."""
        everything = EVERYTHING if self._begin is None else (ACCOUNT,)
        whole = self._at.whole
        return Slice(
            {},
            (),
            self._at.cursor,
            done=self._done,
            mark=self._asked.until.isoformat() if whole else self._asked.since or "",
            whole=tuple(table.name for table in everything) if whole else (),
            gaps={} if whole else {table.name: CUT_OFF for table in (CHARGE, DISPUTE, REFUND)},
            unread=self._unread(),
        )

    def _unread(self) -> Gap | None:
        """The gap of accounts that are connected and of which nothing, or not all, came."""
        shut = self._held(
            f"SELECT r.detail FROM {READ.name} AS r INNER JOIN {ACCOUNT.name} AS a ON a.stripe_account = r.stripe_account"  # noqa: S608
            " WHERE r.detail <> '' ORDER BY r.stripe_account"
        )
        if not shut:
            return None
        detail = f"Of {len(shut)} connected account{'s' * (len(shut) > 1)} not all can be read: {shut[0]['detail']}"
        step = "Ask who owns it whether it was disconnected; until then the warehouse's charges count for it."
        return Gap(normalise.SOURCE_NAME, "unavailable", detail, step)


def _naive(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(sep=" ")


def _charges(place: _Place, records: Iterable[Record]) -> list[Row]:
    """The charges of some records, each once: charges themselves, and those that refunds and disputes brought along."""
    found: dict[str, Row] = {}
    for record in records:
        charge, account = charge_of(record), place.owner(record)
        if account is not None and charge.get("object") == "charge":
            row = normalise.charge_row(charge, account)
            found[row["charge_id"]] = row
    return list(found.values())


def _disputes(place: _Place, records: Iterable[Record]) -> list[Row]:
    return [
        {**normalise.dispute_row(one), "stripe_account": account, "read_on": place.name}
        for one in records
        if (account := place.owner(one)) is not None
    ]


def _refunds(place: _Place, records: Iterable[Record]) -> list[Row]:
    return [
        {**normalise.refund_row(one), "stripe_account": account}
        for one in records
        if (account := place.owner(one)) is not None
    ]


# -- whose they are ---------------------------------------------------------------------------------------------------


def _linked(table: LandingTable, *but: str) -> str:
    """Records by the account of the operator, capital letters included."""
    listed = ", ".join(f"c.{name}" for name in table.columns if name not in but)
    return (
        f"SELECT o.operator_id, {listed} FROM operator AS o"  # noqa: S608 - names of our own
        f" INNER JOIN {table.name} AS c ON c.stripe_account = o.stripe_account"
    )


def _gap(table: str) -> str:
    """Operators whose account Stripe does not let be read, or does not know; who has none takes no cards."""
    step = literal("Ask the operator whether the account was closed or disconnected; correct the account that we know.")
    unknown = literal("Stripe's platform has no connected account with the id that we know of the operator.")
    return f"""SELECT o.operator_id, '{table}' AS table_name, 'stripe' AS source,
    CASE WHEN o.stripe_account IS NULL THEN 'not_applicable' ELSE 'unavailable' END AS reason,
    CASE
        WHEN o.stripe_account IS NULL THEN {literal(NO_ACCOUNT.detail)}
        WHEN a.stripe_account IS NULL THEN {unknown}
        ELSE r.detail
    END AS detail,
    CASE WHEN o.stripe_account IS NULL THEN {literal(NO_ACCOUNT.next_step)} ELSE {step} END AS next_step
FROM operator AS o
LEFT JOIN stripe_account AS a ON a.stripe_account = o.stripe_account
LEFT JOIN stripe_read AS r ON r.stripe_account = o.stripe_account
WHERE a.stripe_account IS NULL OR r.detail <> ''"""  # noqa: S608 - text of our own


BULK = (
    BulkStream(STREAM, "Card charges and disputes", EVERYTHING, lambda session, asked: _Run(session, asked).slices()),
)

_GAPS = " UNION ALL ".join(_gap(table) for table in (*CARDS, live.REFUND))
_NEEDS = ("operator", *(table.name for table in EVERYTHING))

LINKS = (
    Link("charge", ("operator", CHARGE.name), _linked(CHARGE)),
    Link("dispute", ("operator", DISPUTE.name), _linked(DISPUTE, "stripe_account", "read_on")),
    Link(live.REFUND, ("operator", REFUND.name), _linked(REFUND, "stripe_account")),
    Link("gap", _NEEDS, _GAPS),
)

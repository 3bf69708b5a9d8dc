"""An open connection to Lago: one object or all pages of a list, and the plans, which every operator shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, Unpack

from customer_research.connect.http import Doubles, Params, Vendor
from customer_research.connect.paging import NumberedPage, RecordList, all_numbered, numbered
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.session import Once, VendorSession
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock, Row
from customer_research.domain.evidence import Receipt
from customer_research.errors import BadAnswer, SchemaChanged
from customer_research.sources.lago import normalise
from customer_research.sources.lago.settings import LagoSettings

PER_PAGE = 100
"""Lago's largest page."""

ID = "lago_id"
"""Where a record's own id stands."""

NOT_FOUND = 404
CHECK_URL = "Check lago.url: it ends in /api/v1."

VENDOR = Vendor("lago", "Lago", convention="reset_seconds")


@dataclass(frozen=True, slots=True)
class Plans:
    """The organisation's plans: canonical rows stamped with their receipt."""

    rows: list[Row]
    receipt: Receipt
    missing: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The plans that the organisation's coupons are limited to, by the coupon's code: `|code|code|`, None for no limit."""

    plans: Mapping[str, str | None]
    receipts: tuple[Receipt, ...] = ()
    missing: int = 0


class LagoSession(VendorSession[LagoSettings]):
    """One connection to Lago for any number of operators."""

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        super().__init__(VENDOR, settings.of(LagoSettings), settings, clock, **doubles)
        self._plans: Once[Plans] = Once()
        self._limits: Once[Limits] = Once()
        self._sample: Once[RecordList] = Once()

    async def one(self, path: str, key: str, log: RequestLog, params: Params | None = None) -> Any:
        """The object under *key*, or None when Lago answers that the customer or object does not exist."""
        body = await self._read(path, log, params)
        if body is None:
            return None
        found = body.get(key)
        if not isinstance(found, Mapping):
            raise self.http.error(SchemaChanged, f"Lago's answer has no {key}.", log.stream)
        return found

    def asking(
        self, path: str, key: str, params: Params | None = None
    ) -> Callable[[int, RequestLog], Awaitable[NumberedPage | None]]:
        """One request of a list of records under *key*, for the number of a page."""
        return lambda number, log: self.page(path, key, log, params, number)

    async def every(self, path: str, key: str, log: RequestLog, params: Params | None = None) -> RecordList:
        """All records of a list; none for an unknown customer.

        Raises:
            Truncated: the pages do not end.
        """
        ask = self.asking(path, key, params)
        return await all_numbered(numbered(self.http, log.stream, ask, key=ID, log=log))

    async def plans(self) -> Plans:
        """All plans, asked for once a session."""
        return await self._plans.get(self._all_plans)

    async def _all_plans(self) -> Plans:
        log = self.log("plans")
        listing = await self.every("/plans", "plans", log)
        rows = [normalise.plan(record) for record in listing.records]
        receipt = log.receipt(rows, truncated=listing.missing > 0)
        return Plans(stamp(rows, receipt), receipt, listing.missing)

    async def limits(self) -> Limits:
        """What the coupons are limited to, asked for once a session: an applied coupon does not tell."""
        return await self._limits.get(self._all_limits)

    async def _all_limits(self) -> Limits:
        log = self.log("coupon_limits")
        listing = await self.every("/coupons", "coupons", log)
        plans = dict(normalise.coupon_limit(record) for record in listing.records)
        told = [{"code": code, "plan_codes": codes} for code, codes in plans.items()]
        return Limits(plans, (log.receipt(told, truncated=listing.missing > 0),), listing.missing)

    async def sample(self) -> RecordList:
        """The first page of the organisation's customers, for `doctor`, asked for once a session."""
        return await self._sample.get(self._first_customers)

    async def _first_customers(self) -> RecordList:
        page = await self.page("/customers", "customers", self.log("sample"), None, 1)
        return RecordList(page.records if page is not None else ())

    async def page(
        self, path: str, key: str, log: RequestLog, params: Params | None, number: int
    ) -> NumberedPage | None:
        """One page of a list, numbered from 1; None when Lago answers that the customer does not exist."""
        body = await self._read(path, log, {**(params or {}), "page": number, "per_page": PER_PAGE})
        return None if body is None else _page(body, key, number, log.stream)

    async def _read(self, path: str, log: RequestLog, params: Params | None) -> Mapping[str, Any] | None:
        """The answer, or None when it says `…_not_found`: an answer about the object, unlike a path that does not exist."""
        reply = await self.http.send("GET", path, params=params, log=log, accept={NOT_FOUND})
        body = reply.body if isinstance(reply.body, Mapping) else {}
        if reply.status != NOT_FOUND:
            return body
        if str(body.get("code", "")).endswith("_not_found"):
            return None
        raise self.http.error(BadAnswer, f"Lago has nothing at {path} (404).", log.stream, CHECK_URL)


def _page(body: Mapping[str, Any], key: str, number: int, stream: str) -> NumberedPage:
    records, meta = body.get(key), body.get("meta")
    if not isinstance(records, list) or not isinstance(meta, Mapping):
        raise SchemaChanged(f"Lago's list has no {key} or no meta.", source="lago", stream=stream)
    following, pages, count = (meta.get(name) for name in ("next_page", "total_pages", "total_count"))
    if not (following is None or _counts(following)) or not _counts(pages) or not _counts(count):
        raise SchemaChanged("Lago's meta does not number the pages.", source="lago", stream=stream)
    return NumberedPage(number, tuple(records), following, pages, count)


def _counts(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

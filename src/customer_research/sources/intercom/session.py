"""An open connection to Intercom: its searches by cursor, its companies, and what was deleted."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack
from urllib.parse import parse_qsl, urlsplit

from customer_research.connect.concurrent import chunks
from customer_research.connect.http import Doubles, Params, Vendor, segment
from customer_research.connect.paging import Page, Stretch, Trail, every, ids_of
from customer_research.connect.request_log import RequestLog
from customer_research.connect.session import VendorSession
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.errors import BadAnswer, NotThere, RateLimited, Unavailable
from customer_research.sources.intercom.normalise import SOURCE_NAME, changed
from customer_research.sources.intercom.settings import IntercomSettings

PAGE_SIZE = 150
"""Records on one page of a search."""

DELETED_SIZE = 60
"""Deleted conversations on one page."""

FILTERS_IN_GROUP = 15
"""Filters that one group of a query may hold; more are asked in further queries."""

LISTS = {"contacts": "data", "conversations": "conversations", "tickets": "tickets"}
"""What is searched → where an answer lists it."""

Record = Mapping[str, Any]
Query = Mapping[str, Any]

NO_COMPANY = frozenset({"company_not_found"})
NO_RECORD = frozenset({"not_found", "ticket_not_found"})
SCROLL_OPEN = "scroll_exists"
"""Intercom's own codes of failures."""

SCROLL_SECONDS = 60.0
"""How long a scroll that nobody goes on with stays open: only one is, of an app."""


def message(body: Any) -> str:
    """Intercom's own words in an error body: the first of its errors."""
    first = _first_error(body)
    return str(first.get("message") or first.get("code") or "")


def code(body: Any) -> str:
    """The code of an error body's first error."""
    return str(_first_error(body).get("code") or "")


def _first_error(body: Any) -> Record:
    errors = body.get("errors") if isinstance(body, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, Mapping) else {}


VENDOR = Vendor(SOURCE_NAME, "Intercom", convention="reset_epoch", message=message, code=code)


def condition(field: str, operator: str, value: Any) -> Query:
    """One filter of a query."""
    return {"field": field, "operator": operator, "value": value}


def any_of(field: str, wanted: Sequence[str]) -> list[Query]:
    """Queries that together find what has one of these values, each within the bounds of a group."""
    return [
        {"operator": "OR", "value": [condition(field, "=", one) for one in some]}
        for some in chunks(wanted, FILTERS_IN_GROUP)
    ]


@dataclass(slots=True)
class Found:
    """What a list gave; `whole`: as many as the vendor said that there are."""

    records: list[Record]
    whole: bool


class IntercomSession(VendorSession[IntercomSettings]):
    """One connection to one workspace.

    Raises:
        ConfigError: no token, or an address that is none.
    """

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        own = settings.of(IntercomSettings)
        super().__init__(VENDOR, own, settings, clock, **doubles)
        self.workspace = own.workspace

    async def me(self, log: RequestLog) -> Record:
        """Whose token it is, and of which workspace."""
        return await self.http.read("/me", log)

    async def _known(self, path: str, log: RequestLog, params: Params, *, unknown: frozenset[str]) -> Record | None:
        """What stands at a path; None where Intercom says by its own codes that there is no such record.

        Raises:
            BadAnswer: it is a 404 without that code, which says nothing of a record: an address may be wrong.
        """
        try:
            return await self.http.read(path, log, params=params)
        except NotThere as error:
            if error.code in unknown:
                return None
            hint = "Check intercom.url: it must be the API's address."
            raise self.http.error(BadAnswer, error.message, log.stream, hint) from error

    # -- companies ----------------------------------------------------------------------------------------------------

    async def company(self, company_id: str, log: RequestLog) -> Found:
        """The companies that the app has given this id: one, or none."""
        answer = await self._known("/companies", log, {"company_id": company_id}, unknown=NO_COMPANY)
        if answer is None:
            return Found([], whole=True)
        if answer.get("type") == "company":
            return Found([answer], whole=True)
        found = self.http.results(answer, log, "data")
        return Found(found, len(found) >= count(answer))

    async def contacts_of(self, company_ref: str, log: RequestLog) -> Found:
        """The contacts of a company; further pages are followed as the answer names them."""
        path, announced = f"/companies/{segment(company_ref)}/contacts", list[int]()

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            params: Params = dict(parse_qsl(cursor)) if cursor else {}
            answer = await self._known(path, log, params, unknown=NO_COMPANY)
            if answer is None:  # deleted since it was named
                return Page([], None)
            announced.append(count(answer))
            return Page(self.http.results(answer, log, "data"), _next_query(answer))

        return _found(await every(self.http, log, ask), announced)

    async def scroll(self, stream: str) -> AsyncIterator[Stretch]:
        """All companies, a page at a time, to the empty page that ends them; it cannot be taken up again.

        An empty page proves nothing: the companies' list tells, before and after, how many there are.

        Raises:
            RateLimited: another scroll of this app is open.
            Truncated: the pages do not end.
            SourceError: as `Http.send`.
        """
        # The vendor's own mark stays the same for the whole scroll: it is no cursor that comes twice.
        cursor, trail, seen, log = None, Trail(self.http, stream), set[str](), self.log(stream)
        there = await self._number_of_companies(log)
        while True:
            stretch = await self._scrolled(cursor, log)
            cursor = stretch.cursor
            seen |= set(ids_of(stretch.records))
            stretch.whole = trail.follow(ids_of(stretch.records), goes_on=cursor is not None)
            if cursor is None and len(seen) < there:  # some may have been deleted meanwhile
                stretch.whole = len(seen) >= await self._number_of_companies(log)
            yield stretch
            if cursor is None:
                return
            log = self.log(stream)

    async def _number_of_companies(self, log: RequestLog) -> int:
        answer = await self.http.read("/companies", log, params={"per_page": 1})
        if "total_count" not in answer:
            raise changed("Intercom's list of companies does not tell how many there are.")
        return count(answer)

    async def _scrolled(self, cursor: str | None, log: RequestLog) -> Stretch:
        """One page of the scroll."""
        try:
            answer = await self.http.read("/companies/scroll", log, params={"scroll_param": cursor})
        except NotThere as error:
            sentence = "Intercom ended the reading of all companies before its last page."
            raise self.http.error(Unavailable, sentence, log.stream, "Run the same command again.") from error
        except BadAnswer as error:
            if error.code != SCROLL_OPEN:
                raise
            sentence = "Intercom is reading all companies for somebody else: an app has one such reading at a time."
            hint = f"Try again in {SCROLL_SECONDS:.0f} s."
            raise RateLimited(
                sentence, source=SOURCE_NAME, stream=log.stream, retry_after=SCROLL_SECONDS, hint=hint
            ) from error
        records, following = self.http.results(answer, log, "data"), str(answer.get("scroll_param") or "")
        if records and not following:
            sentence = "Intercom sent companies and did not say how to go on."
            raise self.http.error(BadAnswer, sentence, log.stream, "Run the same command again.")
        return Stretch(log, records, following if records else None)

    # -- searches -----------------------------------------------------------------------------------------------------

    async def search(self, kind: str, query: Query, log: RequestLog, *, pages: int = sys.maxsize) -> Found:
        """The records that a query finds; *pages* bounds a sample."""
        announced = list[int]()
        return _found(await every(self.http, log, self.asking(kind, query, announced), pages=pages), announced)

    def asking(
        self, kind: str, query: Query, announced: list[int]
    ) -> Callable[[str | None, RequestLog], Awaitable[Page]]:
        """What asks for a page of a search; *announced* takes the counts that the answers tell."""

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            paging = {"per_page": PAGE_SIZE, **({} if cursor is None else {"starting_after": cursor})}
            params: Params = {"include_merge_history": True} if kind == "contacts" else {}
            answer = await self.http.read(
                f"/{kind}/search", log, params=params, json={"query": query, "pagination": paging}
            )
            announced.append(count(answer))
            return Page(self.http.results(answer, log, LISTS[kind]), _next_cursor(answer))

        return ask

    async def one(self, kind: str, record_id: str, log: RequestLog) -> Record | None:
        """One conversation or ticket; None: it is no more."""
        return await self._known(f"/{kind}/{segment(record_id)}", log, {}, unknown=NO_RECORD)

    async def deleted(self, page: int, log: RequestLog) -> tuple[list[Record], bool, int]:
        """A page of what was deleted, newest first, whether there are further ones, and how many there are in all."""
        params: Params = {"page": page, "per_page": DELETED_SIZE, "order": "desc"}
        answer = await self.http.read("/conversations/deleted", log, params=params)
        pages = answer.get("pages")
        total = pages.get("total_pages") if isinstance(pages, Mapping) else None
        goes_on = isinstance(total, int) and page < total
        return self.http.results(answer, log, "conversations"), goes_on, count(answer)


def count(answer: Record) -> int:
    """How many records an answer says that there are; 0 where it does not."""
    told = answer.get("total_count")
    return told if isinstance(told, int) and not isinstance(told, bool) else 0


def _next(answer: Record) -> Any:
    pages = answer.get("pages")
    return pages.get("next") if isinstance(pages, Mapping) else None


def _next_cursor(answer: Record) -> str | None:
    following = _next(answer)
    return str(following.get("starting_after") or "") or None if isinstance(following, Mapping) else None


def _next_query(answer: Record) -> str | None:
    """The query of the next page: lists by number name its whole address."""
    following = _next(answer)
    if isinstance(following, str):
        return urlsplit(following).query or None
    cursor = _next_cursor(answer)
    return None if cursor is None else f"starting_after={cursor}"


def _found(stretch: Stretch, announced: Sequence[int]) -> Found:
    """A list against the count that came with it; while it is read records may come and go, so the smallest one counts."""
    ids = {str(record.get("id")) for record in stretch.records}
    whole = stretch.whole and (stretch.cursor is not None or len(ids) >= min(announced, default=0))
    return Found(stretch.records, whole)

"""An open connection to Intercom: its searches by cursor, its companies, and what was deleted."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack
from urllib.parse import parse_qsl, urlsplit

from customer_research.connect.concurrent import chunks
from customer_research.connect.http import Doubles, Params, Vendor, segment
from customer_research.connect.paging import Page, Stretch, every, followed
from customer_research.connect.request_log import RequestLog
from customer_research.connect.session import VendorSession
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.errors import BadAnswer, ConfigError, NotThere
from customer_research.sources.intercom.normalise import SOURCE_NAME
from customer_research.sources.intercom.settings import IntercomSettings

VERSIONS = ("2.16",)
"""Versions of the API that are spoken: before 2.15 a conversation names no company, before 2.16 nobody tells what was deleted."""

PAGE_SIZE = 150
"""Records on one page of a search."""

DELETED_SIZE = 60
"""Deleted conversations on one page."""

FILTERS_IN_GROUP = 15
"""Filters that one group of a query may hold; more are asked in further queries."""

LISTS = {"contacts": "data", "conversations": "conversations"}
"""What is searched → where an answer lists it."""

Record = Mapping[str, Any]
Query = Mapping[str, Any]


def message(body: Any) -> str:
    """Intercom's own words in an error body: the first of its errors."""
    errors = body.get("errors") if isinstance(body, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, Mapping):
        return ""
    return str(first.get("message") or first.get("code") or "")


VENDOR = Vendor(SOURCE_NAME, "Intercom", convention="reset_epoch", message=message)


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
        ConfigError: no token, or a version of the API that does not tell what is needed.
    """

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        own = settings.of(IntercomSettings)
        if own.version not in VERSIONS:
            raise ConfigError(
                f"The setting intercom.version is {own.version!r}, which is no version of Intercom's API known here.",
                setting="intercom.version",
                hint=f"Use {' or '.join(VERSIONS)}.",
            )
        super().__init__(VENDOR, own, settings, clock, **doubles)
        self.workspace = own.workspace

    async def me(self, log: RequestLog) -> Record:
        """Whose token it is, and of which workspace."""
        return await self.http.read("/me", log)

    # -- companies ----------------------------------------------------------------------------------------------------

    async def company(self, company_id: str, log: RequestLog) -> Found:
        """The companies that the app has given this id: one, or none."""
        try:
            answer = await self.http.read("/companies", log, params={"company_id": company_id})
        except NotThere:
            return Found([], whole=True)
        if answer.get("type") == "company":
            return Found([answer], whole=True)
        found = self.listed(answer, "data", log)
        return Found(found, len(found) >= _count(answer))

    async def contacts_of(self, company_ref: str, log: RequestLog) -> Found:
        """The contacts of a company; further pages are followed as the answer names them."""
        path, announced = f"/companies/{segment(company_ref)}/contacts", list[int]()

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            params: Params = dict(parse_qsl(cursor)) if cursor else {}
            answer = await self.http.read(path, log, params=params)
            announced.append(_count(answer))
            return Page(self.listed(answer, "data", log), _next_query(answer))

        return _found(await every(self.http, log, ask), announced)

    async def scroll(self, log_of: Callable[[], RequestLog]) -> AsyncIterator[Stretch]:
        """All companies, a page at a time; only one scroll of an app is open at once, and it cannot be taken up again."""

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            answer = await self.http.read("/companies/scroll", log, params={"scroll_param": cursor})
            records = self.listed(answer, "data", log)
            return Page(records, str(answer.get("scroll_param") or "") or None if records else None)

        # The vendor's own mark stays the same for the whole scroll: it is no cursor that comes twice.
        cursor: str | None = None
        while True:
            log = log_of()
            page = await ask(cursor, log)
            cursor = page.cursor
            yield Stretch(log, list(page.records), cursor)
            if cursor is None:
                return

    # -- searches -----------------------------------------------------------------------------------------------------

    async def search(self, kind: str, query: Query, log: RequestLog, *, pages: int = sys.maxsize) -> Found:
        """The records that a query finds; *pages* bounds a sample."""
        announced = list[int]()
        return _found(await every(self.http, log, self._asking(kind, query, announced), pages=pages), announced)

    async def searched(
        self, kind: str, query: Query, stream: str, *, start: str | None, pages: int, announced: list[int]
    ) -> AsyncIterator[Stretch]:
        """As `search`, some *pages* at a time; *announced* takes the counts that the answers tell."""
        async for stretch in followed(
            self.http, stream, self._asking(kind, query, announced), start=start, pages=pages
        ):
            yield stretch

    def _asking(
        self, kind: str, query: Query, announced: list[int]
    ) -> Callable[[str | None, RequestLog], Awaitable[Page]]:
        async def ask(cursor: str | None, log: RequestLog) -> Page:
            paging = {"per_page": PAGE_SIZE, **({} if cursor is None else {"starting_after": cursor})}
            params: Params = {"include_merge_history": True} if kind == "contacts" else {}
            answer = await self.http.read(
                f"/{kind}/search", log, params=params, json={"query": query, "pagination": paging}
            )
            announced.append(_count(answer))
            return Page(self.listed(answer, LISTS[kind], log), _next_cursor(answer))

        return ask

    async def conversation(self, conversation_id: str, log: RequestLog) -> Record | None:
        """One conversation; None: it is no more."""
        try:
            return await self.http.read(
                f"/conversations/{segment(conversation_id)}", log, params={"display_as": "plaintext"}
            )
        except NotThere:
            return None

    async def deleted(self, page: int, log: RequestLog) -> tuple[list[Record], bool]:
        """A page of what was deleted, newest first, and whether there are further ones."""
        params: Params = {"page": page, "per_page": DELETED_SIZE, "order": "desc"}
        answer = await self.http.read("/conversations/deleted", log, params=params)
        pages = answer.get("pages")
        total = pages.get("total_pages") if isinstance(pages, Mapping) else None
        return self.listed(answer, "conversations", log), isinstance(total, int) and page < total

    def listed(self, answer: Record, name: str, log: RequestLog) -> list[Record]:
        """The records that an answer lists.

        Raises:
            BadAnswer: it has no list of records: that is not an empty list.
        """
        found = answer.get(name)
        if isinstance(found, list) and all(isinstance(item, Mapping) for item in found):
            return found
        hint = "Check intercom.url: it must be the API's address."
        raise self.http.error(BadAnswer, f"Intercom sent an answer without a list of {name}.", log.stream, hint)


def _count(answer: Record) -> int:
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

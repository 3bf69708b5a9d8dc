"""Lists that come page by page, live and in a sync that may be cut off: written once, and bounded whatever the vendor says.

Vendors number pages with an announced count (Lago: `numbered`), or name the next page's cursor, in the body (Notion) or under
`paging` (HubSpot: `followed`). None of it is believed without a bound: a list that names ever further pages is given up.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from customer_research.connect.concurrent import together
from customer_research.connect.http import Http
from customer_research.connect.request_log import RequestLog
from customer_research.errors import Truncated

BARREN_MOST = 3
"""Pages one after the other that bring nothing new, and still name a next one, before a list is given up."""

PAGES_AT_ONCE = 8
"""Numbered pages asked for at the same time: what a vendor announces is believed this far."""

Record = Mapping[str, Any]


class Trail:
    """The pages of one list as they come.

    Args:
        http: the connection, whose bounds hold.
        stream: the stream that the list belongs to, for the error.
    """

    def __init__(self, http: Http, stream: str) -> None:
        self._http = http
        self._stream = stream
        self._pages = self._barren = 0
        self._seen: set[int] = set()

    def follow(self, ids: Iterable[object], *, goes_on: bool) -> bool:
        """Take a page by its records' ids; whether it is another one than those before.

        Raises:
            Truncated: the list goes on beyond `bounds.pages`, or its last pages brought nothing new.
        """
        page = hash(frozenset(ids))
        is_new = page not in self._seen
        self._seen.add(page)
        self._pages += 1
        self._barren = 0 if is_new and page != _EMPTY else self._barren + 1
        if goes_on and (self._barren >= BARREN_MOST or self._pages >= self._http.bounds.pages):
            raise self._endless()
        return is_new

    def _endless(self) -> Truncated:
        title = self._http.vendor.title
        sentence = f"{title}'s pages do not end: stopped after {self._pages:,} page{'s' if self._pages > 1 else ''}."
        hint = f"Raise bounds.pages only if {title} holds that many records; else report it to {title}."
        return self._http.error(Truncated, sentence, self._stream, hint)


_EMPTY = hash(frozenset[object]())


def ids_of(records: Iterable[Any], name: str = "id") -> list[str]:
    """The records' own ids; of one that has none its text."""
    return [str(record.get(name) or record) if isinstance(record, Mapping) else str(record) for record in records]


class Bookmark:
    """A dataclass of plain values that says where a pull is: the text of it is a slice's cursor."""

    @classmethod
    def of(cls, cursor: str | None) -> Self:
        """Where a cursor says; at the beginning without one."""
        return cls(**json.loads(cursor)) if cursor else cls()

    @property
    def cursor(self) -> str:
        """The text to go on from."""
        return json.dumps(asdict(self))  # type: ignore[call-overload]


# -- by cursor --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """A page and the cursor of the next one (None: it was the last); `whole` says that nothing was left out."""

    records: Sequence[Any]
    cursor: str | None
    whole: bool = True


@dataclass(slots=True)
class Stretch:
    """Some pages of a list, one after the other, and the cursor behind them (None: the list has ended)."""

    log: RequestLog
    records: list[Any] = field(default_factory=list)
    cursor: str | None = None
    whole: bool = True


async def followed(
    http: Http,
    stream: str,
    ask: Callable[[str | None, RequestLog], Awaitable[Page]],
    *,
    start: str | None = None,
    pages: int = sys.maxsize,
    log: RequestLog | None = None,
) -> AsyncIterator[Stretch]:
    """A list from a cursor on, *pages* at a time; each stretch has a log (and so a deadline) of its own, or *log*.

    A cursor that comes twice ends the list, which is then not whole; nor is it when a page comes twice.

    Raises:
        Truncated: the pages do not end.
    """
    trail, seen = Trail(http, stream), {start}
    stretch = Stretch(log or http.log(stream), cursor=start)
    while True:
        for _ in range(pages):
            page = await ask(stretch.cursor, stretch.log)
            goes_on = page.cursor is not None and page.cursor not in seen
            is_new = trail.follow(ids_of(page.records), goes_on=goes_on)
            stretch.records += page.records
            stretch.whole = stretch.whole and page.whole and is_new and (goes_on or page.cursor is None)
            stretch.cursor = page.cursor if goes_on else None
            if not goes_on:
                break
            seen.add(page.cursor)
        yield stretch
        if stretch.cursor is None:
            return
        stretch = Stretch(log or http.log(stream), cursor=stretch.cursor)


async def every(
    http: Http,
    log: RequestLog,
    ask: Callable[[str | None, RequestLog], Awaitable[Page]],
    *,
    start: str | None = None,
    pages: int = sys.maxsize,
) -> Stretch:
    """As `followed`, all at once: within one log, as far as *pages* go."""
    return await anext(followed(http, log.stream, ask, start=start, pages=pages, log=log))


# -- by number --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """One page of a list, and what the vendor announces of the whole list with it."""

    number: int
    records: tuple[Record, ...]
    next_page: int | None
    total_pages: int
    total_count: int

    @property
    def end(self) -> int:
        """The last page as this one tells; a page behind the announced ones counts too, as counts may be stale."""
        return max(self.total_pages if self.next_page is not None else self.number, self.next_page or 0)


@dataclass(frozen=True, slots=True)
class Place(Bookmark):
    """Where a pull is in a numbered list: the page to read next, how many records came before it, how many there were to be.

    `announced` is the count that came with the list's first page: what is made later need not come in this pull.
    """

    page: int = 1
    before: int = 0
    announced: int | None = None


@dataclass(frozen=True, slots=True)
class NumberedStretch:
    """Some pages of a numbered list: the records that had not come yet, and how far that is.

    `again` is where to go on after an interruption: on the last of these pages. `announced` is the count to reach, `largest`
    the largest that these pages told. `known` is False when the vendor has no such list.
    """

    records: tuple[Record, ...]
    log: RequestLog
    again: Place
    done: int
    announced: int
    largest: int
    is_last: bool
    known: bool = True

    @property
    def missing(self) -> int:
        """On the last stretch, the records that were announced and did not come."""
        return max(self.announced - self.done, 0) if self.is_last else 0


async def numbered(
    http: Http,
    stream: str,
    ask: Callable[[int, RequestLog], Awaitable[NumberedPage | None]],
    *,
    key: str,
    start: Place | None = None,
    log: RequestLog | None = None,
) -> AsyncIterator[NumberedStretch]:
    """A numbered list, some pages at a time, each record once (by its *key*), until the vendor names no next page.

    The first page tells how many there are; the others are asked for together. Records that come in meanwhile move others to
    later pages: these come twice, never not at all. Records that are deleted meanwhile move others forward, past the page
    being read: then fewer come than were announced. A page that *ask* says is not there ends the list.

    Raises:
        Truncated: the pages do not end.
    """
    begin = start or Place()
    number, end, announced = begin.page, begin.page, begin.announced
    seen, trail = set[str](), Trail(http, stream)
    while number <= end:
        own = log or http.log(stream)
        pages, lost = await _some(ask, own, number, end, alone=number == begin.page)
        if not pages:
            yield NumberedStretch((), own, begin, len(seen), announced or 0, 0, is_last=True, known=bool(seen))
            return
        end, number = pages[-1].end, pages[-1].number + 1
        if lost:
            end = pages[-1].number
        announced = pages[0].total_count if announced is None else announced
        for page in pages:
            trail.follow(ids_of(page.records, key), goes_on=page.end > page.number)
        listed = [record for page in pages for record in page.records]
        records = dict(zip(ids_of(listed, key), listed, strict=True))
        new = tuple(record for identifier, record in records.items() if identifier not in seen)
        seen |= records.keys()
        done = begin.before + len(seen)
        again = Place(pages[-1].number, max(done - len(pages[-1].records), 0), announced)
        largest = max(page.total_count for page in pages)
        yield NumberedStretch(new, own, again, done, announced, largest, is_last=end < number)


async def _some(
    ask: Callable[[int, RequestLog], Awaitable[NumberedPage | None]],
    log: RequestLog,
    number: int,
    end: int,
    *,
    alone: bool,
) -> tuple[list[NumberedPage], int]:
    """Pages from a number on that are there, and how many are not; the first one *alone* tells whether others are."""
    pages: list[NumberedPage | None] = [await ask(number, log)] if alone else []
    end = max([end, *(page.end for page in pages if page is not None)])
    later = range(number + len(pages), min(number + PAGES_AT_ONCE, end + 1))
    pages += await together(*(ask(one, log) for one in later))
    there = [page for page in pages if page is not None]
    return there, len(pages) - len(there)


@dataclass(frozen=True, slots=True)
class RecordList:
    """All records of a list, each once; `missing` counts those that were announced and did not come.

    `known` is False when the vendor has no such list.
    """

    records: tuple[Record, ...]
    missing: int = 0
    known: bool = True


async def all_numbered(stretches: AsyncIterator[NumberedStretch]) -> RecordList:
    """A numbered list as a whole, against the largest count that its pages told."""
    found = [stretch async for stretch in stretches]
    records = tuple(record for stretch in found for record in stretch.records)
    announced = max(stretch.largest for stretch in found)
    return RecordList(records, max(announced - len(records), 0), known=found[0].known)

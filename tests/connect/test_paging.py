"""Lists that come page by page, whatever the vendor says of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from customer_research.connect.http import Http, Vendor
from customer_research.connect.paging import (
    NumberedPage,
    NumberedStretch,
    Page,
    Place,
    Stretch,
    all_numbered,
    every,
    followed,
    numbered,
)
from customer_research.connect.request_log import RequestLog
from customer_research.errors import Truncated
from customer_research.settings import Settings
from customer_research.sources.lago.settings import LagoSettings

T = TypeVar("T")


def connection(**bounds: int) -> Http:
    settings = Settings.model_validate({"bounds": bounds})
    own = LagoSettings.model_validate({"api_key": "k"})
    return Http(Vendor("lago", "Lago"), own, settings, lambda: datetime(2026, 11, 1, tzinfo=UTC))


def collect(pages: Callable[[], AsyncIterator[T]]) -> list[T]:
    async def go() -> list[T]:
        return [one async for one in pages()]

    return asyncio.run(go())


def record(name: str) -> dict[str, Any]:
    return {"id": name}


def names(records: Any) -> list[str]:
    return [one["id"] for one in records]


# -- by cursor ----------------------------------------------------------------------------------------------------------


def vendor(*pages: Page) -> tuple[list[str | None], Callable[[str | None, RequestLog], Awaitable[Page]]]:
    """Pages by their own place: cursor None is the first, "1" the second."""
    asked: list[str | None] = []

    async def ask(cursor: str | None, log: RequestLog) -> Page:
        asked.append(cursor)
        return pages[int(cursor or 0)]

    return asked, ask


ABC = (Page([record("a")], "1"), Page([record("b")], "2"), Page([record("c")], None))


def test_a_list_is_followed_some_pages_at_a_time_each_with_a_log_of_its_own() -> None:
    http, (asked, ask) = connection(), vendor(*ABC)
    found = collect(lambda: followed(http, "s", ask, pages=2))
    assert [(names(one.records), one.cursor, one.whole) for one in found] == [
        (["a", "b"], "2", True),
        (["c"], None, True),
    ]
    assert asked == [None, "1", "2"]
    assert found[0].log is not found[1].log


def test_a_list_goes_on_from_a_cursor_within_one_log() -> None:
    http, (asked, ask) = connection(), vendor(*ABC)
    log = http.log("s")
    found = asyncio.run(every(http, log, ask, start="1"))
    assert (names(found.records), found.whole, found.log, asked) == (["b", "c"], True, log, ["1", "2"])


def test_a_sample_ends_where_it_is_told_to() -> None:
    http, (_, ask) = connection(), vendor(*ABC)
    found = asyncio.run(every(http, http.log("s"), ask, pages=1))
    assert (names(found.records), found.cursor) == (["a"], "1")


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(Page([record("b")], "1"), id="a cursor that came before"),
        pytest.param(Page([record("a")], None), id="a page that came before"),
        pytest.param(Page([record("b")], None, whole=False), id="a page of which something was left out"),
    ],
)
def test_a_list_that_may_lack_something_is_not_whole(last: Page) -> None:
    http, (asked, ask) = connection(), vendor(Page([record("a")], "1"), last)
    found: Stretch = asyncio.run(every(http, http.log("s"), ask))
    assert (found.whole, found.cursor, asked) == (False, None, [None, "1"])


def test_pages_that_bring_nothing_new_are_given_up() -> None:
    count = iter(range(100))

    async def ask(_cursor: str | None, _log: RequestLog) -> Page:
        return Page([record("a")], str(next(count)))

    http = connection()
    with pytest.raises(Truncated, match="Lago's pages do not end: stopped after 4 pages"):
        asyncio.run(every(http, http.log("s"), ask))


def test_more_pages_than_the_bounds_allow_are_not_asked_for() -> None:
    count = iter(range(100))

    async def ask(_cursor: str | None, _log: RequestLog) -> Page:
        place = str(next(count))
        return Page([record(place)], place)

    http = connection(pages=5)
    with pytest.raises(Truncated, match="after 5 pages"):
        asyncio.run(every(http, http.log("s"), ask))
    assert next(count) == 5


# -- by number ----------------------------------------------------------------------------------------------------------


class Numbered:
    """A numbered list; `announced` is another count than there are records, `gone` are pages that are not there."""

    def __init__(self, records: str, size: int = 2, announced: int | None = None, gone: tuple[int, ...] = ()) -> None:
        self.records, self.size, self.announced, self.gone = records, size, announced, gone
        self.asked: list[int] = []

    async def __call__(self, number: int, _log: RequestLog) -> NumberedPage | None:
        self.asked.append(number)
        if number in self.gone:
            return None
        pages = -(-len(self.records) // self.size)
        some = self.records[(number - 1) * self.size : number * self.size]
        total = len(self.records) if self.announced is None else self.announced
        following = number + 1 if number < pages else None
        return NumberedPage(number, tuple(map(record, some)), following, pages, total)


def stretches(ask: Numbered, start: Place | None = None) -> list[NumberedStretch]:
    return collect(lambda: numbered(connection(), "s", ask, key="id", start=start))


def test_the_first_page_tells_how_many_there_are_and_the_others_are_asked_for_together() -> None:
    ask = Numbered("abcdefghijklmnopqrs")
    found = stretches(ask)
    assert [(len(one.records), one.done, one.is_last, one.missing) for one in found] == [
        (16, 16, False, 0),
        (3, 19, True, 0),
    ]
    assert ask.asked == list(range(1, 11))


@pytest.mark.parametrize("number", [0, 1])
def test_who_goes_on_after_any_stretch_gets_every_record(number: int) -> None:
    ask = Numbered("abcdefghijklmnopqrs")
    before = stretches(ask)[: number + 1]
    place = Place.of(before[-1].again.cursor)
    after = stretches(Numbered(ask.records), place)
    assert {*names(r for one in [*before, *after] for r in one.records)} == set(ask.records)
    assert (after[-1].done, after[-1].missing) == (19, 0)


def test_records_that_were_announced_and_did_not_come_are_counted() -> None:
    (found,) = stretches(Numbered("abc", announced=5))
    assert (found.missing, found.announced, found.largest) == (2, 5, 5)


def test_a_record_that_moved_to_the_next_page_counts_once() -> None:
    (found,) = stretches(Numbered("abbc"))
    assert (names(found.records), found.done, found.missing) == (["a", "b", "c"], 3, 1)


def test_a_page_that_is_not_there_ends_the_list_and_the_rest_is_missing() -> None:
    whole = asyncio.run(all_numbered(numbered(connection(), "s", Numbered("abcdef", gone=(3,)), key="id")))
    assert (names(whole.records), whole.missing, whole.known) == (["a", "b", "c", "d"], 2, True)


def test_nothing_is_asked_for_behind_a_page_that_is_not_there() -> None:
    ask = Numbered("abcdefghijklmnopqrs", gone=(2,))
    (found,) = stretches(ask)
    assert (found.is_last, found.missing, max(ask.asked)) == (True, 5, 8)


def test_what_is_made_during_a_pull_need_not_come_in_it() -> None:
    async def ask(number: int, _log: RequestLog) -> NumberedPage:
        return NumberedPage(number, (record(str(number)),), number + 1 if number < 3 else None, 3, 2 + number)

    (found,) = collect(lambda: numbered(connection(), "s", ask, key="id"))
    assert (found.announced, found.largest, found.missing) == (3, 5, 0)


def test_a_list_that_the_vendor_does_not_have_is_not_known() -> None:
    whole = asyncio.run(all_numbered(numbered(connection(), "s", Numbered("ab", gone=(1,)), key="id")))
    assert (whole.records, whole.missing, whole.known) == ((), 0, False)


def test_numbered_pages_that_never_end_are_given_up() -> None:
    async def ask(number: int, _log: RequestLog) -> NumberedPage:
        return NumberedPage(number, (record("a"),), number + 1, number + 1, 1)

    with pytest.raises(Truncated, match="do not end"):
        collect(lambda: numbered(connection(), "s", ask, key="id"))

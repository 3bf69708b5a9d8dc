"""A list of Stripe's is read in spans of time, side by side: each record once, however densely they lie, and never without end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from customer_research.connect.paging import Stretch
from customer_research.connect.request_log import RequestLog
from customer_research.sources.stripe import lists
from customer_research.sources.stripe.session import PAGE_SIZE, StripeSession

NOW = 1_793_000_000
SIZE = PAGE_SIZE


def a_log() -> RequestLog:
    return RequestLog("stripe", "charges", "", lambda: datetime.fromtimestamp(NOW, UTC))


class Listing:
    """An account's charges; `deaf`: it gives the first page again whatever it is asked, and promises more."""

    def __init__(self, times: Sequence[int], pages: int, *, deaf: bool = False) -> None:
        self.own = SimpleNamespace(live_pages=pages)
        self.clock = lambda: datetime.fromtimestamp(NOW, UTC)
        self.rows: list[dict[str, Any]] = [
            {"id": f"ch_{n}", "created": at} for n, at in enumerate(sorted(times, reverse=True))
        ]
        self.deaf, self.pages = deaf, 0
        self.waves = self._under_way = 0

    def log(self, _stream: str, *, within: RequestLog) -> RequestLog:
        del within
        return a_log()

    async def listed(
        self, _kind: str, log: RequestLog, *, since: int, until: int, start: str | None, pages: int, **_: Any
    ) -> Stretch:
        self.waves += not self._under_way
        self._under_way += 1
        await asyncio.sleep(0)
        self._under_way -= 1
        self.pages += 1
        if self.deaf:
            return Stretch(log, list(self.rows[:SIZE]), self.rows[SIZE - 1]["id"])
        rows = [row for row in self.rows if row["created"] >= since and (not until or row["created"] < until)]
        begin = 0 if start is None else 1 + next(n for n, row in enumerate(rows) if row["id"] == start)
        found = rows[begin : begin + pages * SIZE]
        self.pages += max(len(found) - 1, 0) // SIZE
        return Stretch(log, list(found), found[-1]["id"] if begin + len(found) < len(rows) else None)


def read(listing: Listing) -> lists.Listed | None:
    return asyncio.run(lists._Reading(cast("StripeSession", listing), "charges", "acct_A", a_log()).all())


def drawn(seed: int, bursts: int) -> list[int]:
    """Instants of some thousand records: evenly over years, and many within single hours or seconds."""
    rng = Random(seed)
    times = [NOW - rng.randrange(86_400 * 900) for _ in range(rng.randrange(1_500))]
    for _ in range(bursts):
        middle = NOW - rng.randrange(86_400 * 900)
        times += [middle + rng.randrange(rng.choice([1, 60, 3_600])) for _ in range(rng.randrange(300))]
    return times


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 4))
def test_every_record_is_read_once_and_not_by_many_more_pages_than_there_are(seed: int, bursts: int) -> None:
    times = drawn(seed, bursts)
    listing = Listing(times, pages=60)
    found = read(listing)
    assert found is not None
    assert (found.gap, len(found.records)) == (None, len(times))
    assert listing.pages <= len(times) / SIZE * 3 + 60


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([100, 101, 150, 435, 540, 1_500, 2_900]))
def test_a_list_costs_its_pages_and_few_more_and_few_answers_in_turn(seed: int, count: int) -> None:
    """Page after page thirty answers would be waited for in turn; side by side it takes a third of that, or less."""
    rng = Random(seed)
    listing = Listing([NOW - rng.randrange(86_400 * 700) for _ in range(count)], pages=30)
    assert read(listing) is not None
    needed = -(-count // SIZE)
    assert listing.pages <= needed * 1.8 + 4
    assert listing.waves <= 1 + needed.bit_length() * 2


def test_what_is_longer_than_a_report_reads_is_given_up_soon() -> None:
    listing = Listing([NOW - 60 * number for number in range(20_000)], pages=10)
    assert read(listing) is None
    assert listing.pages <= 10 * lists.SPANS_MOST


def test_a_list_that_never_ends_is_told() -> None:
    found = read(Listing([NOW - 60 * number for number in range(150)], pages=30, deaf=True))
    assert found is None or found.gap == lists.CUT_OFF

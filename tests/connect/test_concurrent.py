"""Several things at once, nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from customer_research.connect.concurrent import ahead, together


async def give(value: int) -> int:
    await asyncio.sleep(0)
    return value


def test_results_come_in_the_order_given() -> None:
    async def run() -> list[int]:
        return await together(*(give(n) for n in (3, 1, 2)))

    assert asyncio.run(run()) == [3, 1, 2]


def test_one_failure_ends_the_others_before_it_is_raised() -> None:
    ended: list[str] = []

    async def endless() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")
        return 0

    async def fail() -> int:
        await asyncio.sleep(0)
        raise KeyError("first")

    async def run() -> set[asyncio.Task[object]]:
        with pytest.raises(KeyError, match="first"):
            await together(endless(), fail(), endless())
        return asyncio.all_tasks() - {t for t in [asyncio.current_task()] if t is not None}

    assert asyncio.run(run()) == set()
    assert ended == ["endless", "endless"]


def test_an_end_that_takes_a_while_or_fails_is_waited_for_and_hides_no_error() -> None:
    ended: list[str] = []

    async def ending_slowly() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append("slowly")
        return 0

    async def ending_badly() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("badly")
            raise OSError("closing")

    async def fail() -> int:
        await asyncio.sleep(0)
        raise KeyError("first")

    async def run() -> list[str]:
        with pytest.raises(KeyError, match="first"):
            await together(ending_badly(), ending_slowly(), fail())
        return list(ended)

    assert asyncio.run(run()) == ["badly", "slowly"]


def test_being_cancelled_cancels_the_work() -> None:
    ended: list[str] = []

    async def endless() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")
        return 0

    async def run() -> None:
        task = asyncio.ensure_future(together(endless()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert ended == ["endless"]


async def _counting(begun: list[int], until: int, *, fails: bool = False) -> AsyncGenerator[int]:
    for number in range(until):
        begun.append(number)
        await asyncio.sleep(0)
        yield number
    if fails:
        raise KeyError(until)


def test_the_next_item_is_on_its_way_while_one_is_used_and_no_further_one() -> None:
    begun: list[int] = []

    async def run() -> list[int]:
        found = []
        async for number in ahead(_counting(begun, 4)):
            for _ in range(5):
                await asyncio.sleep(0)
            found.append(number)
            assert begun == list(range(min(number + 2, 4)))
        return found

    assert asyncio.run(run()) == [0, 1, 2, 3]


def test_what_came_before_a_failure_is_given_first() -> None:
    found: list[int] = []

    async def run() -> None:
        async for number in ahead(_counting([], 2, fails=True)):
            found.append(number)  # noqa: PERF401 - what came before the failure

    with pytest.raises(KeyError):
        asyncio.run(run())
    assert found == [0, 1]


def test_leaving_early_leaves_nothing_running() -> None:
    ended: list[bool] = []

    async def slow() -> AsyncGenerator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def run() -> set[asyncio.Task[object]]:
        async with aclosing(ahead(slow())) as items:
            async for _ in items:
                break
        return asyncio.all_tasks() - {t for t in [asyncio.current_task()] if t is not None}

    assert asyncio.run(run()) == set()
    assert ended == [True]

"""Several things at once, nothing left behind."""

from __future__ import annotations

import asyncio

import pytest

from customer_research.connect.concurrent import together


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

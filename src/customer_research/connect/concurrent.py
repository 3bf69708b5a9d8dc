"""Awaiting several things at once, leaving nothing running behind; and waiting until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterable, Iterator
from contextlib import aclosing, suppress
from itertools import islice
from typing import TypeVar, cast

T = TypeVar("T")
U = TypeVar("U")


async def together(*work: Awaitable[T]) -> list[T]:
    """The results in the order given; when one fails, the others are ended first and its error is raised.

    `asyncio.gather` would leave the others running, to send requests after their session is closed.
    """
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def slept(seconds: float, stop: asyncio.Event) -> None:
    """Wait so many seconds, or until told to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Items in lists of *size*, in order; no more than one list is held."""
    left = iter(items)
    while taken := list(islice(left, size)):
        yield taken


async def both(first: Awaitable[T], second: Awaitable[U]) -> tuple[T, U]:
    """As `together`, for two results of different kinds."""
    results: list[T | U] = await together(first, second)
    return cast("T", results[0]), cast("U", results[1])


async def ahead(items: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """The items, each next one being waited for while the one before it is used; at the end nothing is left running."""
    async with aclosing(items):
        coming = asyncio.ensure_future(_next(items))
        try:
            while (found := await coming) is not None:
                coming = asyncio.ensure_future(_next(items))
                yield found[0]
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def _next(items: AsyncGenerator[T]) -> tuple[T] | None:
    """The next item; None behind the last."""
    async for item in items:
        return (item,)
    return None

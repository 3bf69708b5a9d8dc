"""A value that is fetched once for all who ask within its time, however many ask at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lasting(Generic[T]):
    """A value, or its fetch that is under way.

    Who asks while it is fetched waits for that fetch; it is stopped when the last of them is. A failure is told to those who
    wait, and not kept.

    Args:
        seconds: how long a value stands.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self._seconds = seconds
        self._until = 0.0
        self._fetch: asyncio.Future[T] | None = None
        self._waiting = 0

    @property
    def value(self) -> T | None:
        """The value, where it is there."""
        fetch = self._fetch
        return fetch.result() if fetch is not None and fetch.done() and not _failed(fetch) else None

    async def ended(self) -> T | None:
        """The value, once a fetch that is under way has ended; None where there is none."""
        if self._fetch is not None and not self._fetch.done():
            await asyncio.wait((self._fetch,))
        return self.value

    def begin(self, fetch: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        """Begin to fetch it, unless it is there or being fetched."""
        begun = self._fetch
        if begun is None or (begun.done() and (_failed(begun) or time.monotonic() > self._until)):
            begun = self._fetch = asyncio.ensure_future(fetch())
            self._until = time.monotonic() + self._seconds
        return begun

    async def get(self, fetch: Callable[[], Awaitable[T]]) -> T:
        """The value, fetched by the first who asks."""
        begun = self.begin(fetch)
        self._waiting += 1
        try:
            return await asyncio.shield(begun)
        finally:
            self._waiting -= 1
            if not self._waiting and not begun.done():
                begun.cancel()
                await asyncio.wait((begun,))


def _failed(fetch: asyncio.Future[T]) -> bool:
    return fetch.cancelled() or fetch.exception() is not None

"""An open connection to one source, and what it learns only once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar, Unpack

from customer_research.connect.http import Doubles, Http, Vendor
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import SettingsTree, VendorSettings
from customer_research.connect.source import Clock

T = TypeVar("T")
S = TypeVar("S", bound=VendorSettings)


class Once(Generic[T]):
    """A value that is fetched at most once in a session, however many ask at the same time; a failure is not kept."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._value: tuple[T] | None = None

    async def get(self, fetch: Callable[[], Awaitable[T]]) -> T:
        """The value, fetched by the first who asks."""
        async with self._lock:
            if self._value is None:
                self._value = (await fetch(),)
            return self._value[0]


class VendorSession(Generic[S]):
    """One connection to one vendor, for any number of operators: its settings (`own`) and its `http`.

    Raises:
        ConfigError: the credential is not set, or the address is none.
    """

    def __init__(
        self, vendor: Vendor, own: S, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]
    ) -> None:
        self.own = own
        self.http = Http(vendor, own, settings, clock, **doubles)

    async def close(self) -> None:
        """Release sockets."""
        await self.http.close()

    def log(self, stream: str, *, within: RequestLog | None = None) -> RequestLog:
        """As `Http.log`."""
        return self.http.log(stream, within=within)

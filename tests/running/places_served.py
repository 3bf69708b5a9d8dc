"""The sandbox's places of reviews without a port, and settings and time for what asks them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx2
from pydantic import SecretStr

from customer_research.connect.http import Doubles, Pace
from customer_research.connect.settings import BoundsSettings
from customer_research.reviews.g2 import G2
from customer_research.reviews.google import GooglePlaces
from customer_research.reviews.settings import G2Settings, GooglePlacesSettings
from customer_research.settings import Settings
from customer_research_sandbox.servers import g2, google_places
from customer_research_sandbox.servers.faults import Controls, Faults, parse_fault
from customer_research_sandbox.servers.wire import Vendor

T = TypeVar("T")

NOW = datetime(2026, 11, 1, tzinfo=UTC)
COMPANIES: list[dict[str, Any]] = [
    {
        "id": str(number),
        "properties": {
            "moovs_operator_id": f"00000000-5ce0-11f0-a000-{number:012d}",
            "name": f"Firm {number}",
            "domain": f"firm{number}.example.com",
        },
    }
    for number in (2, 5, 12, 18, 20, 27)
]


class Time:
    """Time that goes on by itself with each look, and where sleep is asked for."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def timer(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def pace(self) -> Pace:
        return Pace(self.timer, self.sleep, lambda: 0.0)


def controls(*faults: str) -> Controls:
    return Controls(Faults([parse_fault(one) for one in faults]))


def g2_server(*faults: str, clock: Callable[[], float] = lambda: 0.0) -> g2.G2Server:
    return g2.G2Server(COMPANIES, NOW, controls(*faults), clock)


def google_server(*faults: str) -> google_places.GooglePlacesServer:
    return google_places.GooglePlacesServer(COMPANIES, NOW, controls(*faults))


def settings(**changes: Any) -> Settings:
    """Settings of both places, with what a test changes of G2's."""
    told = {"url": "http://g2.test/api/v2", "token": SecretStr(g2.TOKEN), "product": g2.PRODUCT, **changes}
    key = GooglePlacesSettings(url="http://google.test/v1", api_key=SecretStr(google_places.KEY))  # type: ignore[call-arg]
    return Settings(g2=G2Settings(**told), google_places=key, bounds=BoundsSettings())  # type: ignore[call-arg]


def doubles(server: Vendor | httpx2.AsyncBaseTransport, time: Time | None = None) -> Doubles:
    transport = httpx2.ASGITransport(app=server.app()) if isinstance(server, Vendor) else server
    return {"transport": transport, "pace": (time or Time()).pace}


async def with_g2(server: Any, work: Callable[[G2], Awaitable[T]], time: Time | None = None, **changes: Any) -> T:
    session = G2(settings(**changes), lambda: NOW, **doubles(server, time))
    try:
        return await work(session)
    finally:
        await session.close()


async def with_google(server: Any, work: Callable[[GooglePlaces], Awaitable[T]], **changes: Any) -> T:
    own = settings()
    if changes:
        own = own.model_copy(update={"google_places": own.of(GooglePlacesSettings).model_copy(update=changes)})
    session = GooglePlaces(own, lambda: NOW, **doubles(server))
    try:
        return await work(session)
    finally:
        await session.close()

"""`doctor`'s look at where reviews are read: whether each place takes its key. What is not set up has no row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from customer_research.connect.settings import VendorSettings
from customer_research.connect.source import Clock
from customer_research.domain.check import CheckResult, not_tried
from customer_research.errors import CustomerResearchError, NotThere
from customer_research.reviews.g2 import G2
from customer_research.reviews.google import MASK_OF_ID, GooglePlaces
from customer_research.reviews.settings import G2Settings, GooglePlacesSettings
from customer_research.settings import Settings

Look = Callable[[Settings, Clock], Awaitable[str]]

_CHECKS: tuple[tuple[type[VendorSettings], str, str], ...] = (
    (G2Settings, "reviews.g2", "A token with the scope products.reviews.read, and a subscription for the product."),
    (GooglePlacesSettings, "reviews.google_places", "An API key that may use Places API (New)."),
)


async def reviews(settings: Settings, clock: Clock, *, online: bool) -> tuple[CheckResult, ...]:
    """A row for each place that is set up; they are asked only when `online`."""
    named = [(check, needed) for part, check, needed in _CHECKS if settings.of(part).secret]
    if not online:
        return tuple(not_tried(check, needed) for check, needed in named)
    return tuple([await _row(check, needed, settings, clock) for check, needed in named])


async def _row(check: str, needed: str, settings: Settings, clock: Clock) -> CheckResult:
    try:
        return CheckResult(check, "ok", await _LOOKS[check](settings, clock), needed)
    except CustomerResearchError as error:
        return CheckResult(check, "fail", error.message, needed, error.hint)


async def _g2(settings: Settings, clock: Clock) -> str:
    connection = G2(settings, clock)
    try:
        some = await connection.ask()
    finally:
        await connection.close()
    return "The product's reviews can be read." if some else "The product's reviews can be read; there is none."


async def _google(settings: Settings, clock: Clock) -> str:
    connection = GooglePlaces(settings, clock, MASK_OF_ID)
    try:
        await connection.ask()
    except NotThere:  # the key was taken; the place of Google's examples has gone
        return "The key is accepted; the place that was asked for is gone."
    finally:
        await connection.close()
    return "The key is accepted (asked for the id of a place alone, which is free)."


_LOOKS: dict[str, Look] = {"reviews.g2": _g2, "reviews.google_places": _google}

"""The port of calendars: what one is asked, whoever keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from customer_research.connect.http import Http
from customer_research.connect.request_log import RequestLog
from customer_research.domain.meeting import CalendarReading, Occurrence, Window
from customer_research.errors import SchemaChanged


class Calendar(Protocol):
    """One person's calendar, or one that many share.

    `name` is no other calendar's: it is part of what an entry is known by.
    """

    name: str

    async def read(self, window: Window) -> CalendarReading:
        """What lies in a window, wholly or in part, cancelled and declined entries with it, moved ones at the time that they have now.

        Raises:
            SourceError: it did not tell.
            ConfigError: what opens it is missing or wrong.
        """

    async def close(self) -> None:
        """Give its connections back; closing twice is allowed."""


def occurrences(
    make: Callable[[Mapping[str, Any]], Occurrence | None],
    entries: Iterable[Mapping[str, Any]],
    window: Window,
    http: Http,
    log: RequestLog,
) -> tuple[Occurrence, ...]:
    """What a vendor's entries are that lie in a window, wholly or in part; those that tell no time are passed over.

    Raises:
        SchemaChanged: an entry is not made as the vendor's documents say.
    """
    try:
        made = [make(entry) for entry in entries]
    except (AttributeError, KeyError, TypeError, ValueError):
        sentence = f"{http.vendor.title} sent an entry that is not made as its documents say."
        raise http.error(SchemaChanged, sentence, log.stream, "Run `customer-research doctor --online`.") from None
    return tuple(one for one in made if one is not None and window.meets(one.starts_at, one.ends_at))

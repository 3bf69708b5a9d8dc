"""The port of calendars: what one is asked, whoever keeps it."""

from __future__ import annotations

from typing import Protocol

from customer_research.domain.meeting import CalendarReading, Window


class Calendar(Protocol):
    """One person's calendar, or one that many share.

    `name` is no other calendar's: it is part of what an entry is known by.
    """

    name: str

    async def read(self, window: Window) -> CalendarReading:
        """What begins in a window, cancelled and declined entries with it, moved ones at the time that they have now.

        Raises:
            SourceError: it did not tell.
            ConfigError: what opens it is missing or wrong.
        """

    async def close(self) -> None:
        """Give its connections back; closing twice is allowed."""

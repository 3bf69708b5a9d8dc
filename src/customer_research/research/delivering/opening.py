"""The channels that the settings name, each opened when something is first to go by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import Self

from customer_research.channels.channel import Channel, Refused
from customer_research.connect.source import Clock
from customer_research.domain.delivery import Channel as ChannelName
from customer_research.errors import ConfigError
from customer_research.settings import Settings


class Channels:
    """Every channel by its name; an async context manager, which closes those that were opened.

    Args:
        settings: the settings tree.
        clock: the present instant.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._open: dict[ChannelName, Channel] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __getitem__(self, name: ChannelName) -> Channel:
        """A channel.

        Raises:
            Refused: it is not set up.
        """
        if name not in self._open:
            try:
                self._open[name] = CHANNELS[name](self._settings, self._clock)
            except ConfigError as error:
                raise Refused(error.message, hint=error.hint) from None
        return self._open[name]

    async def close(self) -> None:
        """Release all connections."""
        while self._open:
            _, channel = self._open.popitem()
            await channel.close()


def delivery_clock(settings: Settings) -> Clock:
    """The present instant as deliveries go by it: where the settings fix it, it goes on from there, since leases and waits end."""
    fixed = settings.clock
    if fixed is None:
        return _real
    begun = time.monotonic()
    return lambda: fixed + timedelta(seconds=time.monotonic() - begun)


def _real() -> datetime:
    return datetime.now(UTC)


def _slack(settings: Settings, clock: Clock) -> Channel:
    from customer_research.channels.slack import SlackApi, SlackChannel  # noqa: PLC0415 - start-up time

    return SlackChannel(SlackApi(url=settings.slack.url, token=settings.slack.token), settings, clock)


def _email(settings: Settings, _clock: Clock) -> Channel:
    from customer_research.channels.email_ import EmailChannel  # noqa: PLC0415 - start-up time

    return EmailChannel(settings.email)


def _notion(settings: Settings, clock: Clock) -> Channel:
    from customer_research.channels.notion import NotionChannel  # noqa: PLC0415 - start-up time
    from customer_research.sources.notion.pages import KEY, NotionPages  # noqa: PLC0415 - start-up time

    return NotionChannel(NotionPages(settings, clock), KEY)


def _webhook(settings: Settings, _clock: Clock) -> Channel:
    from customer_research.channels.webhook import WebhookChannel  # noqa: PLC0415 - start-up time

    return WebhookChannel(settings.webhook, _real)


def _file(settings: Settings, _clock: Clock) -> Channel:
    from customer_research.channels.file import FileChannel  # noqa: PLC0415 - start-up time

    return FileChannel(settings.deliveries.folder)


CHANNELS: Mapping[ChannelName, Callable[[Settings, Clock], Channel]] = MappingProxyType(
    {"slack": _slack, "email": _email, "notion": _notion, "webhook": _webhook, "file": _file}
)
"""Every channel by the name that addresses have, and how it is opened."""

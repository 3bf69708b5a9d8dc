"""The channels by which messages leave: one module each behind one port (`channel.Channel`), none knows another.

Importing this package loads none of them. `CHANNELS` is the registry: a channel's name → `module:Class` of what sends by it.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_research.channels.channel import Channel

CHANNELS: Mapping[str, str] = MappingProxyType(
    {
        "slack": "slack:SlackChannel",
        "email": "email_:EmailChannel",
        "notion": "notion:NotionChannel",
        "webhook": "webhook:WebhookChannel",
        "file": "file:FileChannel",
    }
)
"""Every channel by the name that addresses have, and where it is."""


def channel_class(name: str) -> type[Channel]:
    """The class of a channel, loaded when it is asked for."""
    module, _, found = CHANNELS[name].partition(":")
    made: type[Channel] = getattr(import_module(f"{__name__}.{module}"), found)
    return made

"""A person whom messages come to: where, by which clock, and when not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from types import MappingProxyType

from customer_research.domain.zones import zone

EVERYTHING = "everything"
"""The kind of message that stands for all kinds, where somebody mutes."""

KINDS: tuple[str, ...] = ("digest", "alert", "brief", "reminder", "report")
"""Kinds of messages that a person may mute by themselves."""


@dataclass(frozen=True, slots=True)
class Person:
    """How one of our own people wants to be told.

    Args:
        email: who it is; addresses are compared without regard to case.
        name: their name.
        owner_id: their HubSpot owner id, whose operators are their book; empty: they have none.
        address: where messages go, as addresses are written (`slack:U0123`); empty: to the e-mail address.
        second: where they hear of it when that place fails; empty: to the e-mail address, unless that is the place that failed.
        zone: the IANA zone of their clock.
        quiet_from, quiet_until: the hours of their clock in which nothing is sent; None: there are none.
        muted: kinds of messages that they do not want → until when; None: until they say otherwise.
    """

    email: str
    name: str = ""
    owner_id: str = ""
    address: str = ""
    second: str = ""
    zone: str = "UTC"
    quiet_from: time | None = None
    quiet_until: time | None = None
    muted: Mapping[str, datetime | None] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    @property
    def place(self) -> str:
        """Where messages go."""
        return self.address or f"email:{self.email}"

    @property
    def second_place(self) -> str:
        """Where they hear of what could not be delivered; empty: nowhere else."""
        return self.second or ("" if self.place == f"email:{self.email}" else f"email:{self.email}")

    def mutes(self, kind: str, now: datetime) -> bool:
        """Whether they do not want this kind of message at an instant."""
        return any(
            name in self.muted and ((until := self.muted[name]) is None or now < until) for name in (kind, EVERYTHING)
        )

    def sent_at(self, now: datetime) -> datetime:
        """When a message may reach them that is ready now: at once, or when their quiet hours are over (UTC)."""
        if self.quiet_from is None or self.quiet_until is None or self.quiet_from == self.quiet_until:
            return now
        clock = zone(self.zone)
        local = now.astimezone(clock)
        if not _within(local.time(), self.quiet_from, self.quiet_until):
            return now
        day = local.date() + timedelta(days=local.time() >= self.quiet_until)
        return max(datetime.combine(day, self.quiet_until, clock).astimezone(now.tzinfo), now)


def _within(moment: time, begins: time, ends: time) -> bool:
    """Whether a time of day lies in hours that may go past midnight."""
    return begins <= moment < ends if begins < ends else moment >= begins or moment < ends

"""Who is told: where, from when, and of what not. An address that several read has no wishes; a person's are kept with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from customer_research.domain.delivery import MUTED, Address
from customer_research.domain.person import Person


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told.

    Args:
        address: where.
        elsewhere: where they hear of what cannot be delivered; None: nowhere.
        person: how they want it; None: whoever reads there.
    """

    address: Address
    elsewhere: Address | None = None
    person: Person | None = None

    @classmethod
    def of(cls, person: Person, place: str = "") -> Self:
        """A person, where they want to be told; with `place` there."""
        second = person.second_place
        return cls(Address.read(place or person.place), Address.read(second) if second else None, person)

    @property
    def zone(self) -> str:
        """By whose clock they go."""
        return self.person.zone if self.person is not None else "UTC"

    def due(self, now: datetime) -> datetime:
        """From when they may be told what is ready now: at once, or after their quiet hours."""
        return now if self.person is None else self.person.sent_at(now)

    def dropped(self, kind: str, now: datetime) -> str:
        """Why they are not sent a kind of message; empty: they are."""
        return MUTED if self.person is not None and self.person.mutes(kind, now) else ""

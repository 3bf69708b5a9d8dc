"""A quantity in a text: what kind of number it is, its value, and between which bounds the true one lies as it was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Kind = Literal["money", "share", "points", "days", "count", "date", "year", "identifier"]
"""money: in major units of a currency; share: percent; points: of a score; days: a span of time; count: how many of something,
or a number without a unit; date: a calendar day; year: a year alone; identifier: letters and digits that name a record."""

ABOUT = Decimal("0.05")
"""How far a number that is called rounded ("about", "nearly") may lie from the true one, as a share of it."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, or a day.

    `value` is a `Decimal` (a share in percent), a day, or the text of an identifier; `currency` an ISO 4217 code, or a sign that
    several currencies use. `step` is half of the last written place: the true number may lie so far away.
    """

    kind: Kind
    value: Decimal | date | str
    currency: str = ""
    step: Decimal = Decimal(0)

    @property
    def number(self) -> Decimal:
        """The number of a quantity that has one; 0 of a day and an identifier."""
        return self.value if isinstance(self.value, Decimal) else Decimal(0)


DOLLARS = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"})
"""Currencies that a bare `$` may stand for."""


def same_currency(written: str, true: str) -> bool:
    """Whether a currency as it was written may be the true one: a bare `$` is that of any dollar."""
    return written in {"", true} or (written == "$" and true in DOLLARS)


def comparable(written: Kind, true: Kind) -> bool:
    """Whether a number of one kind may tell one of another: points and days are written as bare numbers too."""
    return (
        written == true
        or (written == "count" and true in {"points", "days"})
        or (written == "points" and true == "count")
    )

"""Money: integer minor units and a currency, and the one definition of a price's monthly share.

Minor-unit digits follow ISO 4217; currencies are never added to each other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from customer_research.domain.evidence import Fact
from customer_research.errors import UsageError

CURRENCY = re.compile(r"[A-Z]{3}")
"""The form of a currency's code."""

ZERO_DECIMAL = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
THREE_DECIMAL = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])

MONTHS_PER_INTERVAL: dict[str, Fraction] = {
    "weekly": Fraction(12, 52),
    "monthly": Fraction(1),
    "quarterly": Fraction(3),
    "semiannual": Fraction(6),
    "yearly": Fraction(12),
}
"""Billing interval → months (for MRR: weekly x 52/12, quarterly/3, semiannual/6, yearly/12)."""


def digits(currency: str) -> int:
    """Decimal digits of a currency's minor unit (ISO 4217): 0 for JPY, 3 for KWD, otherwise 2."""
    code = currency.upper()
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2


def to_minor(amount: str | float | Decimal, currency: str) -> int:
    """A decimal amount in major units as integer minor units, half away from zero (`"12.345"` USD → 1235)."""
    scaled = Decimal(str(amount)).scaleb(digits(currency))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def monthly_minor(amount_minor: int, interval: str) -> int:
    """A price per billing interval as minor units per month, half to even (annual 199000 → 16583).

    Raises:
        UsageError: for an interval Lago does not have.
    """
    months = MONTHS_PER_INTERVAL.get(interval)
    if months is None:
        raise UsageError(f"Unknown billing interval {interval!r}; known: {', '.join(MONTHS_PER_INTERVAL)}.")
    return round(amount_minor / months)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount: integer minor units and an ISO 4217 currency code."""

    currency: str
    minor: int

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-digits(self.currency))

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise UsageError(f"Cannot add {self.currency} and {other.currency}: totals are kept per currency.")
        return Money(self.currency, self.minor + other.minor)


Amounts = tuple[Money, ...]
"""Totals kept apart: at most one `Money` per currency, sorted by currency."""


def recorded(record: Mapping[str, Any], field: str) -> Money | None:
    """An amount of a record in its own currency, in US dollars where its table has no other; None where its currency is not told."""
    currency = record.get("currency", "USD")
    return Money(str(currency), record[field]) if currency else None


def stated(text: str) -> Amounts:
    """Amounts from a text of codes and minor units, `CAD 49900 USD 12000`; the reverse of `spelt`.

    Raises:
        ValueError: it is none.
    """
    words = text.split()
    return tuple(Money(currency, int(minor)) for currency, minor in zip(words[::2], words[1::2], strict=True))


def spelt(amounts: Iterable[Money]) -> str:
    """Amounts as a text of codes and minor units, by code."""
    return " ".join(f"{money.currency} {money.minor}" for money in sorted(amounts))


def amounts_of(fact: Fact[Any]) -> Amounts:
    """The amounts of a figure in money, one a currency; none for another unit, and none where nothing was ever billed."""
    if fact.unit == "usd_minor":
        return (Money("USD", fact.value),)
    if fact.unit != "money":
        return ()
    return (fact.value,) if isinstance(fact.value, Money) else tuple(fact.value)


def totals(amounts: Iterable[Money]) -> Amounts:
    """Per-currency totals, sorted by currency code."""
    sums: dict[str, int] = defaultdict(int)
    for money in amounts:
        sums[money.currency] += money.minor
    return tuple(Money(currency, sums[currency]) for currency in sorted(sums))

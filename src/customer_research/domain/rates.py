"""Dated exchange rates, and the one way from one currency to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from customer_research.domain.evidence import Receipt
from customer_research.domain.money import Amounts, Money, digits

PIVOT = "EUR"
"""What all rates are kept against, as the European Central Bank publishes them."""

MOST_DAYS_BACK = 7
"""How old a rate may be: the last working day before, over the longest holidays; older is no rate."""

_SHOWN = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `base` was worth `value` units of `quote` on the day `on`."""

    base: str
    quote: str
    value: Decimal
    on: date

    @property
    def words(self) -> str:
        """The rate as a receipt tells it: `1 CAD = 0.71428571 USD on 2026-10-30`."""
        shown = self.value.quantize(_SHOWN).normalize()
        return f"1 {self.base} = {shown:f} {self.quote} on {self.on.isoformat()}"

    def of(self, money: Money) -> Money:
        """An amount of the base in the quote, half to even in its minor unit."""
        major = money.major * self.value
        minor = major.scaleb(digits(self.quote)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
        return Money(self.quote, int(minor))


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates by day and currency, as units for one euro; `currency` is what totals are converted into.

    `receipt` proves them: the file, its digest, and when it was read.
    """

    days: Mapping[date, Mapping[str, Decimal]]
    currency: str
    receipt: Receipt

    def rate(self, base: str, quote: str, day: date) -> Rate | None:
        """The rate of that day, else of the last day before it (at most seven days back) that has both; None: no rate."""
        if base == quote:
            return Rate(base, quote, Decimal(1), day)
        for back in range(MOST_DAYS_BACK + 1):
            on = day - timedelta(days=back)
            known = self.days.get(on, {})
            base_units = Decimal(1) if base == PIVOT else known.get(base)
            quote_units = Decimal(1) if quote == PIVOT else known.get(quote)
            if known and base_units is not None and quote_units is not None:
                return Rate(base, quote, quote_units / base_units, on)
        return None

    def around(self, day: date) -> Rates:
        """The rates that can be asked for on that day: all that a report keeps of a file of decades."""
        first = day - timedelta(days=MOST_DAYS_BACK)
        return Rates({on: known for on, known in self.days.items() if first <= on <= day}, self.currency, self.receipt)


def convert(amounts: Iterable[Money], rates: Rates, day: date) -> tuple[Amounts, tuple[Rate, ...], tuple[str, ...]]:
    """Amounts as one total: (the total, the rates used, the currencies without a rate). The total is empty where one is missing."""
    used: list[Rate] = []
    missing: list[str] = []
    total = Money(rates.currency, 0)
    for money in amounts:
        rate = rates.rate(money.currency, rates.currency, day)
        if rate is None:
            missing.append(money.currency)
            continue
        total += rate.of(money)
        if rate.base != rate.quote:
            used.append(rate)
    return () if missing else (total,), tuple(used), tuple(missing)

"""What happened day by day, added up over windows and months: bookings, trips, revenue, app use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.domain.money import Money, totals
from customer_research.reports.record_rows import day_of, records

if TYPE_CHECKING:
    from customer_research.domain.account import Account, Records

LISTING = "usage_daily"
MONTHS_BACK = 23
"""The listing begins with the month that lies so many months before the report's."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days from `first` on, up to and without `end`."""

    first: date
    end: date

    @property
    def days(self) -> int:
        """How many days."""
        return (self.end - self.first).days

    @property
    def before(self) -> Window:
        """The same number of days before it."""
        return Window(self.first - timedelta(days=self.days), self.first)

    @property
    def words(self) -> str:
        """`2026-08-03 to 2026-10-31`, both included."""
        return f"{self.first.isoformat()} to {(self.end - timedelta(days=1)).isoformat()}"

    def holds(self, day: date) -> bool:
        """Whether a day is in it."""
        return self.first <= day < self.end


def first_day(account: Account) -> date:
    """The first day that the listing knows of."""
    today = day_of(account.as_of - timedelta(seconds=1))
    return month_back(today, MONTHS_BACK)


def month_back(day: date, months: int) -> date:
    """The first day of the month so many months before a day's own."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def began(account: Account) -> date | None:
    """The day of the first booking or trip that the days tell of: before it there is nothing, not nought."""
    found = records(account, LISTING)
    if found.gap is not None or not found.rows:
        return None
    first = min(day_in(row) for row in found.rows)
    ever = account.fact("first_reservation_at")
    return min(first, day_of(ever.value)) if ever is not None else first


def window_since(account: Account, since: date) -> Window:
    """From that day up to the report's instant; a day that is not over yet is in it."""
    end = day_of(account.as_of - timedelta(microseconds=1)) + timedelta(days=1)
    return Window(min(since, end), end)


def counted(account: Account, window: Window, column: str) -> Figure:
    """The sum of a count over a window; a gap where the window begins before what is known, or days are unknown."""
    found = records(account, LISTING)
    if (gap := _unknown(account, found, window)) is not None:
        return gap
    total = sum(int(row[column]) for row in _rows(found, window))
    return Fact(total, "count", found.receipts, account.as_of)


def earned(account: Account, window: Window) -> Figure:
    """The revenue of completed trips over a window, per currency."""
    found = records(account, LISTING)
    if (gap := _unknown(account, found, window)) is not None:
        return gap
    sums = totals(Money(row["currency"], int(row["revenue_minor"])) for row in _rows(found, window))
    return Fact(sums, "money", found.receipts, account.as_of)


def app_share(account: Account, window: Window) -> Figure:
    """The share of trips with a driver in which the driver app was used."""
    found = records(account, LISTING)
    if (gap := _unknown(account, found, window)) is not None:
        return gap
    rows = list(_rows(found, window))
    trips = sum(int(row["driver_trips"]) for row in rows)
    if not trips:
        return Gap("warehouse", "none_found", "no trip with a driver in this time")
    share = sum(int(row["app_trips"]) for row in rows) / trips
    return Fact(share, "ratio", found.receipts, account.as_of, "driver_app_rate")


def change(now: Figure, before: Figure) -> Figure:
    """The change from one count to another as a share of the earlier; from fewer than ten it says nothing."""
    if isinstance(now, Gap):
        return now
    if isinstance(before, Gap):
        return before
    then, later = _height(before), _height(now)
    if then is None or later is None:
        return Gap("memory", "not_applicable", "amounts in several currencies are not compared")
    if then <= 0 or (before.unit == "count" and then < _FEWEST):
        return Gap("memory", "not_applicable", "too few before to compare")
    return Fact(later / then - 1, "ratio", now.basis, now.as_of, "change")


_FEWEST = 10
"""Of fewer than so many before, a change in percent says nothing."""


def _height(fact: Fact[Any]) -> float | None:
    if fact.unit != "money":
        return float(fact.value)
    amounts = [money for money in fact.value if money.minor] or list(fact.value)
    return float(amounts[0].minor) if len(amounts) == 1 else 0.0 if not amounts else None


def by_month(account: Account, months: int) -> tuple[tuple[date, Window], ...]:
    """The last months with their windows, the newest last; the report's own month up to the report's day."""
    end = window_since(account, date.min).end
    today = end - timedelta(days=1)
    firsts = [month_back(today, back) for back in range(months - 1, -1, -1)]
    ends = [*firsts[1:], end]
    return tuple((first, Window(first, until)) for first, until in zip(firsts, ends, strict=True))


def _rows(found: Records, window: Window) -> Iterable[Mapping[str, Any]]:
    return (row for row in found.rows if window.holds(day_in(row)))


def day_in(row: Mapping[str, Any]) -> date:
    """The day of a row of the listing: the warehouse tells it as a date or as text."""
    return date.fromisoformat(str(row["day"])[:10])


def _unknown(account: Account, found: Records, window: Window) -> Gap | None:
    if found.gap is not None:
        return found.gap
    if not found.receipts:
        return Gap("warehouse", "none_found", "nothing was read")
    if window.first < first_day(account):
        return Gap("warehouse", "not_applicable", f"days before {first_day(account).isoformat()} are not read")
    start = began(account)
    if start is not None and window.end <= start:
        return Gap("warehouse", "none_found", "before the first booking")
    return None

"""A chart's marks as rows for a drawing: one row an amount, so that currencies are never drawn against each other."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from customer_research.documents.charts import AXES, height_of, place_words, unit_of
from customer_research.documents.present import Presenter
from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.domain.money import Money
from customer_research.domain.report import Chart, Mark, Tone
from customer_research.domain.words import value_words

UNKNOWN = "unknown"
"""What is written where a figure is unknown."""

YEAR = 12
"""Months of a year."""

_DAY = 86_400_000
_YEAR_BEFORE = "year before"
_PLAIN = frozenset({"points", "number", "count"})
"""Units that can stand on one axis: plain numbers."""


@dataclass(frozen=True, slots=True)
class Row:
    """One mark in numbers and words.

    `place` and `words` are what the axis and the mark say; `height` is None when the figure is unknown, `day` is the mark's day in
    milliseconds of UTC, `month` its months since year 0, `across` the place along a measured axis; `unit` is what the height counts:
    a currency's code or the figure's unit.
    """

    number: int
    place: str
    words: str
    height: float | None
    unit: str
    series: str
    tone: Tone
    label: str
    day: int = 0
    month: int = 0
    across: float | None = None
    across_words: str = ""

    @property
    def key(self) -> str:
        """The place, told apart from another mark of the same words: what an axis by words is made of."""
        return f"{self.number}\x1f{self.place}"


def rows_of(chart: Chart, presenter: Presenter) -> tuple[Row, ...]:
    """The marks of a chart as rows; amounts in several currencies are as many rows.

    Raises:
        RenderError: a figure without a receipt, or a value that its unit cannot hold.
    """
    found = [row for number, mark in enumerate(chart.marks) for row in _rows(chart, presenter, number, mark)]
    units = list(dict.fromkeys(row.unit for row in found if row.unit))
    if len(units) == 1 or set(units) <= _PLAIN:  # what is unknown is unknown in the only unit there is
        found = [replace(row, unit=(units or [""])[0]) for row in found]
    return tuple(found)


def _rows(chart: Chart, presenter: Presenter, number: int, mark: Mark) -> Iterator[Row]:
    across = None if isinstance(mark.at, str | date) else height_of(mark.at)
    at = mark.at
    place = presenter.text(place_words(chart, at)) if isinstance(at, str | date) else presenter.cell(at).text
    for words, height, unit in _amounts(presenter, mark.figure):
        yield Row(
            number,
            place,
            words,
            height,
            unit,
            presenter.text(mark.series),
            "unknown" if height is None else mark.tone,
            presenter.text(mark.label),
            day=day_number(at) if isinstance(at, date) else 0,
            month=at.year * 12 + at.month - 1 if isinstance(at, date) else 0,
            across=across,
            across_words=place if across is not None else "",
        )


def _amounts(presenter: Presenter, figure: Figure) -> Iterator[tuple[str, float | None, str]]:
    if isinstance(figure, Gap):
        yield presenter.cell(figure).text, None, ""
        return
    value: Any = figure.value
    if isinstance(value, tuple) and len(value) > 1 and all(isinstance(one, Money) for one in value):
        for money in value:
            one: Fact[Any] = replace(figure, value=(money,))
            yield value_words(one), float(money.major), money.currency
        return
    yield presenter.value(figure), height_of(figure), unit_of(figure)


def day_number(day: date) -> int:
    """A day as milliseconds since 1970 in UTC: what a time axis is measured in."""
    on = day.date() if isinstance(day, datetime) else day
    return (on.toordinal() - date(1970, 1, 1).toordinal()) * _DAY


def month_words(month: int) -> tuple[str, str]:
    """A month (months since year 0) as its short name and its year."""
    return calendar.month_abbr[month % 12 + 1], str(month // 12)


def units_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The units of the rows, in order of their first mark."""
    return tuple(dict.fromkeys(row.unit for row in rows if row.unit)) or ("",)


def series_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The series of the rows, in order of their first mark."""
    return tuple(dict.fromkeys(row.series for row in rows))


def year_before(rows: Sequence[Row]) -> str | None:
    """The series that is another's year before: twelve months later it stands over the same months. None without one."""
    held = {name: {row.month for row in rows if row.series == name} for name in series_of(rows)}
    for earlier, months in held.items():
        moved = {month + YEAR for month in months}
        for later, others in held.items():
            both = len(moved & others)
            if later != earlier and 2 * both >= len(others) and both > len(months & others):
                return earlier
    return None


def year_named(rows: Sequence[Row]) -> str | None:
    """The series that is another's year before, by its months or, where both stand over the same months, by its name."""
    names = series_of(rows)
    called = (name for name in names if len(names) > 1 and name.lower() == _YEAR_BEFORE)
    return year_before(rows) or next(called, None)


def bounds(values: Sequence[float], *, zero: bool) -> tuple[float, float]:
    """The lowest and highest of the values, with zero where asked, never equal."""
    known = [*values, *([0.0] if zero else [])] or [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high:
        pad = abs(low) * 0.1 or 1.0
        return low - (0 if zero and low >= 0 else pad), high + pad
    return low, high


def number_format(unit: str) -> str:
    """How an axis writes numbers of a unit (d3-format): percents as such, others shortened."""
    return ".0%" if unit == "ratio" else "~s"


def axis_title(chart: Chart, presenter: Presenter) -> str:
    """What stands along the axis of a chart."""
    return presenter.text(chart.axis or AXES[chart.form])


def height_title(chart: Chart, presenter: Presenter, unit: str) -> str:
    """What the heights are, with the currency of amounts."""
    words = presenter.text(chart.height)
    is_currency = len(unit) == 3 and unit.isupper()  # noqa: PLR2004 - ISO 4217 codes have three letters
    if not is_currency:
        return words
    return f"{words}, {unit}" if words and unit not in words else words or unit


def plain(value: float | Decimal) -> float | int:
    """A number as JSON writes it shortest: whole numbers without a decimal point."""
    real = float(value)
    return int(real) if real.is_integer() else real

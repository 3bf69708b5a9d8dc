"""Charts for readers who get no picture: the marks as a table, or as bars of characters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.domain.money import Money
from customer_research.domain.report import Cell, Chart, Form, Mark, Table, Text

AXES: dict[Form, str] = {
    "history": "Day",
    "dimensions": "Dimension",
    "waterfall": "Step",
    "months": "Month",
    "timeline": "Day",
    "bands": "Band",
    "quadrant": "Figure",
}
"""What stands along a chart's axis, where the chart does not say."""

_BLOCKS = "▁▂▃▄▅▆▇█"
_UNKNOWN_BLOCK = "·"


def as_table(chart: Chart) -> Table:
    """A chart's marks as rows: place, series and label where there are any, figure; its events are left to the caller."""
    has_series = len({mark.series for mark in chart.marks}) > 1
    has_labels = any(mark.label for mark in chart.marks)
    headers = [chart.axis or AXES[chart.form]]
    headers += ["What"] * has_labels + ["Series"] * has_series + [chart.height or "Figure"]
    rows = []
    for mark in chart.marks:
        row: list[Cell] = [place_cell(chart, mark)]
        row += [Text(mark.label)] * has_labels + [Text(mark.series)] * has_series + [mark.figure]
        rows.append(tuple(row))
    right = tuple("right" if at == len(headers) - 1 else "left" for at in range(len(headers)))
    return Table(tuple(headers), tuple(rows), (), chart.title, align=right)  # type: ignore[arg-type] # made of the two words


def place_cell(chart: Chart, mark: Mark) -> Cell:
    """Where a mark stands, as a cell: a day, a month, a word, or a figure."""
    if isinstance(mark.at, Fact | Gap):
        return mark.at
    return Text(place_words(chart, mark.at))


def place_words(chart: Chart, at: date | str) -> str:
    """A place on the axis in words: `2026-11` in a chart by months, else the day or the word."""
    if isinstance(at, str):
        return at
    day = at.date() if isinstance(at, datetime) else at
    return f"{day:%Y-%m}" if chart.form == "months" else day.isoformat()


def height_of(figure: Figure) -> float | None:
    """A figure's height as a number (money in major units); None when it is unknown or no single number."""
    if isinstance(figure, Gap):
        return None
    value = figure.value
    if isinstance(value, Money):
        return float(value.major)
    if isinstance(value, tuple):
        return float(value[0].major) if len(value) == 1 and isinstance(value[0], Money) else None
    if figure.unit == "usd_minor":
        return float(Money("USD", value).major)
    return None if isinstance(value, bool) or not isinstance(value, int | float | Decimal) else float(value)


def sparkline(values: Sequence[float | None]) -> str:
    """Values as blocks, the lowest of them as the lowest block and the highest as the highest; a dot where none is known."""
    known = [value for value in values if value is not None]
    if not known:
        return _UNKNOWN_BLOCK * len(values)
    low, spread = min(known), max(known) - min(known)
    top = len(_BLOCKS) - 1
    middle = _BLOCKS[top // 2]
    return "".join(
        _UNKNOWN_BLOCK if value is None else middle if spread == 0 else _BLOCKS[int((value - low) * top // spread)]
        for value in values
    )

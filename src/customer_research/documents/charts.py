"""Charts for readers who get no picture: the marks as a table, or as bars of characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from customer_research.domain.evidence import Fact, Figure, Gap, merge_basis
from customer_research.domain.money import amounts_of
from customer_research.domain.report import Cell, Chart, Form, Mark, Table, Text, Tone

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

TOTAL = "total"
"""The series of a waterfall's mark that stands on zero: what its steps add up to."""

GRAVITY: Mapping[Tone, int] = MappingProxyType({"bad": 0, "watch": 1, "unknown": 2, "good": 3, "neutral": 4})
"""Which marks come first where there is room for few."""

_BLOCKS = "▁▂▃▄▅▆▇█"
_UNKNOWN_BLOCK = "·"


def as_table(chart: Chart) -> Table:
    """A chart's marks as rows: place, series and label where there are any, figure; its events are left to the caller."""
    has_series = len({mark.series for mark in chart.marks}) > 1
    has_labels = any(label_of(mark) for mark in chart.marks)
    headers = [chart.axis or AXES[chart.form]]
    headers += ["What"] * has_labels + ["Series"] * has_series + [chart.height or "Figure"]
    rows = []
    for mark in chart.marks:
        row: list[Cell] = [place_cell(chart, mark)]
        row += [Text(label_of(mark))] * has_labels + [Text(mark.series)] * has_series + [mark.figure]
        rows.append(tuple(row))
    right = tuple("right" if at == len(headers) - 1 else "left" for at in range(len(headers)))
    return Table(tuple(headers), tuple(rows), (), chart.title, align=right, words=tuple(headers[1:-1]))  # type: ignore[arg-type] # made of the two words


FEW = 12
"""Up to so many marks a text shows each; more of them it shows as lines of blocks."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A series of a chart as blocks, in the order of the places, and its lowest and highest marks where any is known."""

    series: str
    blocks: str
    least: Mark | None
    most: Mark | None


def told_in_full(chart: Chart) -> bool:
    """Whether a text shows every mark of a chart: there are few, and they are no cloud of points."""
    return chart.form not in {"quadrant", "months"} and len(chart.marks) <= FEW


def lines_of(chart: Chart, longest: int) -> tuple[Sparkline, ...]:
    """A chart's series as lines of blocks, the newest *longest* places; none for events and points, which make no line."""
    if chart.form in {"quadrant", "timeline"}:
        return ()
    places = list(dict.fromkeys(sorted(str(mark.at) for mark in chart.marks)))[-longest:]
    return tuple(_line(chart, series, places) for series in dict.fromkeys(mark.series for mark in chart.marks))


def _line(chart: Chart, series: str, places: Sequence[str]) -> Sparkline:
    at = {str(mark.at): mark for mark in chart.marks if mark.series == series}
    marks = [at.get(place) for place in places]
    heights = [height_of(mark.figure) if mark is not None else None for mark in marks]
    known = [(height, mark) for height, mark in zip(heights, marks, strict=True) if height is not None]
    least, most = (choose(known, key=lambda pair: pair[0])[1] for choose in (min, max)) if known else (None, None)
    return Sparkline(series, sparkline(heights), least, most)


def months_table(chart: Chart) -> Table:
    """A chart by months as a table: a row a month, a column a series."""
    series = tuple(dict.fromkeys(mark.series for mark in chart.marks))
    at = {(str(mark.at), mark.series): mark.figure for mark in chart.marks}
    places = dict.fromkeys(sorted(str(mark.at) for mark in chart.marks))
    none = Text("none", "unknown")
    rows = tuple((Text(place[:7]), *(at.get((place, one), none) for one in series)) for place in places)
    align = ("left", *("right" for _ in series))
    basis = merge_basis(mark.figure for mark in chart.marks if isinstance(mark.figure, Fact))
    return Table((chart.axis or AXES[chart.form], *series), rows, basis, chart.title, align=align)  # type: ignore[arg-type] # made of the two words


def label_of(mark: Mark) -> str:
    """What names a mark beside its series, for texts that show both; empty where it would say the series again."""
    return "" if mark.label.casefold() == mark.series.casefold() else mark.label


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
    if figure.unit in {"money", "usd_minor"}:
        amounts = amounts_of(figure)
        return float(amounts[0].major) if len(amounts) == 1 else None
    return None if isinstance(value, bool) or not isinstance(value, int | float | Decimal) else float(value)


def unit_of(figure: Figure) -> str:
    """What a figure counts: a currency's code for money, else its unit; an empty string for a gap."""
    if isinstance(figure, Gap):
        return ""
    amounts = amounts_of(figure)
    return amounts[0].currency if amounts else figure.unit


def steps(heights: Sequence[float | None], totals: Sequence[bool]) -> tuple[tuple[float, float] | None, ...]:
    """From where to where each step of a waterfall goes: from the end of the one before, a total from zero; None if unknown."""
    found: list[tuple[float, float] | None] = []
    reached = 0.0
    for height, is_total in zip(heights, totals, strict=True):
        if height is None:
            found.append(None)
            continue
        start = 0.0 if is_total else reached
        reached = start + height
        found.append((min(start, reached), max(start, reached)))
    return tuple(found)


def bars(chart: Chart, width: int) -> tuple[str, ...]:
    """A bar of characters for each mark, the largest of its unit as wide as told; a waterfall's begin where the one before ends.

    What is unknown is a dotted line; amounts of different currencies are not measured against each other.
    """
    heights = [height_of(mark.figure) for mark in chart.marks]
    if chart.form == "waterfall":
        spans = steps(heights, [mark.series == TOTAL for mark in chart.marks])
    else:
        spans = tuple(None if height is None else (0.0, abs(height)) for height in heights)
    units = [unit if (unit := unit_of(mark.figure)).isupper() else "" for mark in chart.marks]
    low = min((span[0] for span in spans if span), default=0.0)
    largest = {
        unit: max(
            (span[1] - low for span, other in zip(spans, units, strict=True) if span and other == unit), default=0.0
        )
        or 1.0
        for unit in units
    }
    return tuple(
        _UNKNOWN_BLOCK * width if span is None else _bar(span[0] - low, span[1] - low, width / largest[unit])
        for span, unit in zip(spans, units, strict=True)
    )


def _bar(begin: float, end: float, scale: float) -> str:
    first, last = round(begin * scale), round(end * scale)
    return " " * first + _BLOCKS[-1] * max(last - first, int(end > begin))


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

"""Charts of slides: native ones, whose numbers can be edited, from the same marks as the drawings.

What is unknown has no bar and breaks the line; it is named below the chart. Amounts in several currencies are as many charts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pptx.chart.chart import Chart as NativeChart
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_LABEL_POSITION, XL_LEGEND_POSITION, XL_MARKER_STYLE
from pptx.oxml.ns import qn
from pptx.util import Pt

from customer_research.documents.charts import TOTAL
from customer_research.documents.drawing.marks import (
    YEAR,
    Row,
    axis_title,
    height_title,
    month_words,
    rows_of,
    units_of,
    year_before,
    year_named,
)
from customer_research.documents.drawing.theme import LIGHT
from customer_research.documents.formats.csv_ import plain
from customer_research.documents.formats.slide_layouts import rgb
from customer_research.documents.present import Presenter
from customer_research.domain.money import digits
from customer_research.domain.report import Chart, Tone

_LINKED = re.compile(r"(?:https?|ftps?|mailto|internal|external|file):", re.IGNORECASE)
_LABELLED = 24
"""So many points are labelled in a scatter chart; of more only those that call for an act."""

_SMALL, _LARGE = 14, 18
_PLACES = 8
"""So many days are written along the axis of a chart over time."""

_FULL = 100
_BEHIND = "#9fb0c3"
"""What is shown for comparison: the year before, a goal, others."""

_FORMATS: Mapping[str, str] = {"ratio": "0%", "count": "#,##0", "points": "#,##0", "number": "#,##0.0", "days": "#,##0"}


@dataclass(frozen=True, slots=True)
class ChartPlan:
    """A native chart to be: its kind (a name of `XL_CHART_TYPE`), its numbers, and how it is dressed once it stands."""

    kind: str
    numbers: CategoryChartData | XyChartData
    rows: tuple[Row, ...]
    unit: str


def inert(text: str) -> str:
    """A label that the chart's workbook takes for text: no formula, no link."""
    return f"'{text}" if _LINKED.match(text) else plain(text)


def unknown_words(chart: Chart, presenter: Presenter) -> str:
    """The marks that have no figure, with the reason of each; empty when all are known."""
    missing = [row for row in rows_of(chart, presenter) if row.height is None or _placeless(chart, row)]
    named = dict.fromkeys(
        f"{row.label or row.place} ({row.words if row.height is None else row.place})" for row in missing
    )
    return f"Unknown: {'; '.join(named)}." if named else ""


def native(chart: Chart, presenter: Presenter) -> Iterator[ChartPlan]:
    """The charts that show a chart's marks: one a unit; none where nothing is known."""
    rows = rows_of(chart, presenter)
    for unit in units_of(rows):
        mine = tuple(row for row in rows if row.unit in {unit, ""})
        if any(row.height is not None for row in mine):
            yield _drawn(chart, mine, unit)


def _placeless(chart: Chart, row: Row) -> bool:
    return chart.form == "quadrant" and row.across is None


def _drawn(chart: Chart, rows: tuple[Row, ...], unit: str) -> ChartPlan:
    if chart.form == "quadrant":
        scatter = XyChartData(number_format=_number_format(unit))
        known = tuple(row for row in rows if row.height is not None and row.across is not None)
        for tone in dict.fromkeys(row.tone for row in known):
            series = scatter.add_series(_TONE_NAMES[tone])
            for row in known:
                if row.tone == tone:
                    series.add_data_point(row.across, row.height)
        return ChartPlan("XY_SCATTER", scatter, known, unit)
    numbers = CategoryChartData(number_format=_number_format(unit))
    if chart.form == "waterfall":
        numbers.categories = [inert(row.place) for row in rows]
        for name, values in _steps(rows).items():
            numbers.add_series(name, values)
        return ChartPlan("BAR_STACKED", numbers, rows, unit)
    placed = _placed(chart, rows)
    places = list(dict.fromkeys(place for place, _ in placed))
    numbers.categories = [inert(words) for words, _ in places]
    for name in dict.fromkeys(row.series for row in rows):
        heights = {place: row.height for place, row in placed if row.series == name}
        numbers.add_series(inert(name) or inert(chart.height or "Figure"), [heights.get(place) for place in places])
    kind = {"history": "LINE_MARKERS", "dimensions": "BAR_CLUSTERED", "bands": "BAR_CLUSTERED"}
    return ChartPlan(kind.get(chart.form, "COLUMN_CLUSTERED"), numbers, rows, unit)


def _placed(chart: Chart, rows: Sequence[Row]) -> list[tuple[tuple[str, int], Row]]:
    """Rows with their places along the axis; a second mark of a series at the same place stands beside the first."""
    earlier = year_before(rows) if chart.form == "months" else None
    dated: list[tuple[int, str, Row]] = []
    for row in rows:
        month = row.month + YEAR if row.series == earlier else row.month
        words = " ".join(month_words(month)) if chart.form == "months" else row.place
        at = 0 if chart.form in {"dimensions", "bands"} else month if chart.form == "months" else row.day
        dated.append((at, words, row))
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for _, words, row in sorted(dated, key=lambda one: one[0]):
        seen[row.series, words] += 1
        found.append(((words, seen[row.series, words]), row))
    return found


_TONE_NAMES: Mapping[Tone, str] = {
    "good": "Good",
    "watch": "Watch",
    "bad": "Act",
    "neutral": "Operators",
    "unknown": "Unknown",
}


def _steps(rows: Sequence[Row]) -> dict[str, list[float | None]]:
    """A waterfall as stacked bars: an unseen base, then what adds, takes, or stands on zero (above and below it)."""
    found: dict[str, list[float | None]] = {name: [] for name in ("Base", "Adds", "Takes", "Stands at")}
    below: dict[str, list[float | None]] = {name: [] for name in ("Adds", "Takes", "Stands at")}
    reached = 0.0
    for row in rows:
        start = 0.0 if row.series == TOTAL or row.height is None else reached
        end = start + (row.height or 0.0)
        reached = reached if row.height is None else end
        name = "Stands at" if row.series == TOTAL else "Takes" if end < start else "Adds"
        low, high = min(start, end), max(start, end)
        base = low if low > 0 else high if high < 0 else 0.0
        found["Base"].append(base or None)
        for other, values in below.items():
            mine = other == name and row.height is not None
            found[other].append((high - max(low, 0.0) or None) if mine and high > 0 else None)
            values.append((low - min(high, 0.0) or None) if mine and low < 0 else None)
    more = {f"{name} (below zero)": values for name, values in below.items() if any(values)}
    return {name: values for name, values in {**found, **more}.items() if name == "Base" or any(values)}


def _number_format(unit: str) -> str:
    if unit in _FORMATS:
        return _FORMATS[unit]
    decimals = digits(unit) if len(unit) == len("USD") and unit.isupper() else 0
    return "#,##0" + (f".{'0' * decimals}" if decimals else "")


# -- dress -------------------------------------------------------------------------------------------------------------


def dress(standing: NativeChart, chart: Chart, drawn: ChartPlan, presenter: Presenter, colour: str) -> None:
    """Colours (the first series in the user's own), axes, labels and legend of a chart that stands on its slide."""
    standing.font.size = Pt(_LARGE if chart.form in {"dimensions", "bands", "waterfall"} else _SMALL)
    series = list(standing.plots[0].series)
    standing.has_title = False
    standing.has_legend = len(series) > 1 and chart.form != "waterfall"
    if standing.has_legend:
        standing.legend.position = XL_LEGEND_POSITION.BOTTOM
        standing.legend.include_in_layout = False
    _measured(standing, chart, drawn)
    _named(standing.value_axis, height_title(chart, presenter, drawn.unit))
    if chart.form == "quadrant":
        _named(standing.category_axis, axis_title(chart, presenter))
        _scatter(standing, drawn)
        return
    if len(drawn.rows) > _PLACES and chart.form in {"history", "timeline"}:
        _thinned(standing.category_axis, len(list(standing.plots[0].categories)))
    if drawn.kind.startswith("BAR"):
        standing.category_axis.reverse_order = True
        _below(standing.value_axis)
    if chart.form in {"dimensions", "bands", "waterfall"}:
        standing.plots[0].gap_width = 50
    if chart.form == "waterfall":
        standing.plots[0].overlap = 100
    for number, one in enumerate(series):
        _coloured(one, chart, drawn, number, colour)
    if chart.form in {"dimensions", "bands"}:
        standing.plots[0].has_data_labels = True
        standing.plots[0].data_labels.show_value = True
        standing.plots[0].data_labels.number_format = _number_format(drawn.unit)
        standing.plots[0].data_labels.number_format_is_linked = False


def _measured(standing: NativeChart, chart: Chart, drawn: ChartPlan) -> None:
    """The axis of the figures: how it writes them, and from where to where it goes."""
    axis = standing.value_axis
    axis.tick_labels.number_format = _number_format(drawn.unit)
    axis.tick_labels.number_format_is_linked = False
    highest = max((row.height for row in drawn.rows if row.height is not None), default=0)
    if chart.form != "quadrant" and not _below_zero(standing):
        axis.minimum_scale = 0  # a bar is as long as its figure, and a line falls no more steeply than on the page
    full = {"points": _FULL, "ratio": 1}.get(drawn.unit)
    if chart.form in {"dimensions", "history"} and full is not None and highest <= full:
        axis.maximum_scale = full
    _grid(axis)


def _below_zero(standing: NativeChart) -> bool:
    return any(value is not None and value < 0 for series in standing.plots[0].series for value in series.values)


def _grid(axis: Any) -> None:
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.rgb = rgb(LIGHT.grid)


def _thinned(axis: Any, places: int) -> None:
    """Write so few places along the axis that they can be read."""
    step = axis._element.makeelement(qn("c:tickLblSkip"), {"val": str(-(-places // _PLACES))})  # noqa: SLF001 - the library has no way to set it
    axis._element.find(qn("c:noMultiLvlLbl")).addprevious(step)  # noqa: SLF001


def _below(axis: Any) -> None:
    """Keep the figures' axis below the bars, whose order is turned around: it crosses where the last of them stands."""
    axis._element.find(qn("c:crosses")).set("val", "max")  # noqa: SLF001 - the library's own setting does not reach it


def _named(axis: Any, words: str) -> None:
    axis.has_title = bool(words)
    if words:
        axis.axis_title.text_frame.text = words
        axis.axis_title.text_frame.paragraphs[0].font.size = Pt(_SMALL)


def _fill(format_: Any, colour: str) -> None:
    format_.fill.solid()
    format_.fill.fore_color.rgb = rgb(colour)


def _coloured(series: Any, chart: Chart, drawn: ChartPlan, number: int, own: str) -> None:
    colour = _series_colour(chart, drawn, series.name, number, own)
    if chart.form == "history":
        series.smooth = False
        series.format.line.color.rgb = rgb(colour)
        _fill(series.marker.format, colour)
        return
    if chart.form == "waterfall":
        if series.name == "Base":
            series.format.fill.background()
            return
        series.data_labels.show_value = True
        sign = "+" if "Adds" in series.name else "-" if "Takes" in series.name else ""
        series.data_labels.number_format = f"{sign}{_number_format(drawn.unit)}"
        series.data_labels.number_format_is_linked = False
        series.data_labels.font.color.rgb = rgb("#ffffff")
        tone: Tone = "good" if "Adds" in series.name else "bad" if "Takes" in series.name else "neutral"
        _fill(series.format, LIGHT.tones[tone])
        return
    _fill(series.format, colour)
    if chart.form in {"dimensions", "bands"}:
        for at, row in enumerate(row for row in drawn.rows if row.series == drawn.rows[0].series):
            if row.height is not None and number == 0:
                _fill(series.points[at].format, own if row.tone == "neutral" else LIGHT.tones[row.tone])


def _series_colour(chart: Chart, drawn: ChartPlan, name: str, number: int, own: str) -> str:
    """What is compared with stands back; the newest and the first are in the user's own colour."""
    earlier = year_named(drawn.rows) if chart.form == "months" else None
    if name == earlier or (chart.form == "dimensions" and number):
        return _BEHIND
    if earlier is not None:
        return own
    return (own, *LIGHT.series[1:])[number % len(LIGHT.series)]


def _scatter(standing: NativeChart, drawn: ChartPlan) -> None:
    tones = list(dict.fromkeys(row.tone for row in drawn.rows))
    for series, tone in zip(standing.plots[0].series, tones, strict=True):
        series.format.line.fill.background()
        series.marker.style = XL_MARKER_STYLE.CIRCLE
        series.marker.size = 8
        _fill(series.marker.format, LIGHT.tones[tone])
        for at, row in enumerate(row for row in drawn.rows if row.tone == tone):
            if row.label and (len(drawn.rows) <= _LABELLED or tone == "bad"):
                label = series.points[at].data_label
                label.text_frame.text = row.label
                label.text_frame.paragraphs[0].runs[0].font.size = Pt(_SMALL - 1)
                label.position = XL_LABEL_POSITION.RIGHT

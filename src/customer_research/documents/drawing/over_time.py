"""Charts over time: a history with its events, months beside the year before, amounts on their days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from customer_research.documents.drawing.marks import (
    UNKNOWN,
    YEAR,
    Row,
    bounds,
    day_number,
    height_title,
    month_words,
    number_format,
    series_of,
    units_of,
    year_before,
    year_named,
)
from customer_research.documents.drawing.parts import (
    DASHES,
    SMALL,
    WIDTH,
    Spec,
    by_unit,
    chosen,
    datum,
    haloed,
    hatched,
    looked_up,
    measured,
    named,
    panel,
    tone_colour,
    tone_shape,
    unknown_text,
    values,
)
from customer_research.documents.drawing.theme import Theme
from customer_research.documents.present import Presenter
from customer_research.domain.report import Chart

_HEIGHT = 210
_LANE = 84
_FULL = 100.0
_DAY = 86_400_000
_MOST_POINTS = 60
_MOST_WORDS = 16
_CHARACTER = 6.3
_FEW_DAYS, _SOME_MONTHS = 45, 430
_BARE: Spec = {"ticks": False, "grid": False}


# -- history -----------------------------------------------------------------------------------------------------------


def history(chart: Chart, rows: Sequence[Row], presenter: Presenter, theme: Theme) -> Spec:
    """A line a series over days, broken where a figure is unknown; its events as numbered rules."""
    return _stacked(by_unit(rows, lambda mine, unit: _line_panel(chart, mine, unit, presenter, theme), 90))


def _line_panel(chart: Chart, rows: Sequence[Row], unit: str, presenter: Presenter, theme: Theme) -> Spec:
    heights = [row.height for row in rows if row.height is not None]
    low, high = bounds(heights, zero=True)
    if unit == "points" and low >= 0 and high <= _FULL:
        low, high = 0.0, _FULL
    days = [row.day for row in rows] + [day_number(event.on) for event in chart.events]
    span = (min(days), max(*days, min(days) + _DAY))
    names = series_of(rows)
    lines = [row for name in names for row in _segmented([row for row in rows if row.series == name])]
    holes = [hole for name in names for hole in _holes([row for row in rows if row.series == name], span)]
    x: Spec = {"field": "day", "type": "temporal", "scale": _days_scale(span), "axis": _day_axis(span)}
    y = measured("height", (low, high), _height_axis(chart, presenter, unit), nice=(low, high) != (0.0, _FULL))
    ends = [lines[at] for at in _ends(lines)]
    several = len(names) > 1
    colour = _series_colour(names, theme) if several else {"value": theme.series[0]}
    dash = _series_dash(names) if several else {"value": [1, 0]}
    dotted = (
        {"color": colour, "shape": {"value": "circle"}}
        if several
        else {"color": tone_colour(theme), "shape": tone_shape()}
    )
    layers: list[Spec] = [
        {
            "data": values(holes),
            "mark": hatched(theme),
            "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}},
        },
        *_events(chart, theme, x),
        {
            "data": values([row for row in lines if row["height"] is not None]),
            "mark": {"type": "line", "strokeWidth": 2.25, "strokeJoin": "round"},
            "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash, "detail": {"field": "segment"}},
        },
        {
            "data": values([row for row in lines if row["height"] is not None and _dotted(lines, row)]),
            "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1},
            "encoding": {"x": x, "y": y, **dotted},
        },
        *haloed(
            theme,
            {
                "data": values(ends),
                "mark": {"type": "text", "dy": -11, "align": {"expr": "datum.align"}, "text": {"expr": "datum.words"}},
                "encoding": {"x": x, "y": y},
            },
        ),
        *haloed(
            theme,
            {
                "data": values([hole for hole in holes if hole["wide"]]),
                "mark": unknown_text(theme),
                "encoding": {"x": {**x, "field": "middle"}, "y": {"value": _HEIGHT - 12}},
            },
        ),
    ]
    return {**panel(_HEIGHT, layers), **({} if several else {"resolve": {"scale": {"color": "independent"}}})}


def _height_axis(chart: Chart, presenter: Presenter, unit: str) -> Spec:
    return {"title": height_title(chart, presenter, unit) or None, "format": number_format(unit), "tickCount": 5}


def _segmented(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    segment = 0
    for row in rows:
        segment += row.height is None
        yield {**datum(row), "day": row.day, "segment": f"{row.series}\x1f{segment}"}


def _ends(lines: Sequence[dict[str, Any]]) -> Iterator[int]:
    """Where figures are written: at the first and the last known mark of each series."""
    for name in dict.fromkeys(row["series"] for row in lines):
        known = [at for at, row in enumerate(lines) if row["series"] == name and row["height"] is not None]
        for at in dict.fromkeys((known[0], known[-1]) if known else ()):
            lines[at]["align"] = "left" if at == known[0] and len(known) > 1 else "right"
            yield at


def _dotted(lines: Sequence[dict[str, Any]], row: dict[str, Any]) -> bool:
    """Whether a mark gets a point: all of a short line, of a long one its ends and what stands alone."""
    if len(lines) <= _MOST_POINTS or "align" in row:
        return True
    return len([one for one in lines if one["segment"] == row["segment"] and one["height"] is not None]) == 1


def _holes(rows: Sequence[Row], span: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """The stretches whose figure is unknown: from half-way after the mark before to half-way before the one after."""
    whole = span[1] - span[0]
    at = 0
    while at < len(rows):
        if rows[at].height is not None:
            at += 1
            continue
        first = at
        while at < len(rows) and rows[at].height is None:
            at += 1
        begin = (rows[first - 1].day + rows[first].day) // 2 if first else span[0]
        end = (rows[at - 1].day + rows[at].day) // 2 if at < len(rows) else span[1]
        wide = (end - begin) * 9 > whole
        yield {"from": begin, "to": max(end, begin + _DAY), "middle": (begin + end) // 2, "wide": wide}


def _events(chart: Chart, theme: Theme, x: Spec) -> Iterator[Spec]:
    """Events as rules with their number, in the order in which they are listed under the drawing."""
    told = [
        {"day": day_number(event.on), "number": str(number), "row": -9 - 13 * (number % 2)}
        for number, event in enumerate(chart.events, 1)
    ]
    if not told:
        return
    yield {
        "data": values(told),
        "mark": {"type": "rule", "stroke": theme.quiet, "strokeDash": [3, 3]},
        "encoding": {"x": x},
    }
    bold = {"type": "text", "fontSize": SMALL, "fontWeight": "bold", "fill": theme.quiet}
    yield {
        "data": values(told),
        "mark": {**bold, "y": {"expr": "datum.row"}, "text": {"expr": "datum.number"}},
        "encoding": {"x": x},
    }


def _days_scale(span: tuple[int, int]) -> Spec:
    pad = max(_DAY, (span[1] - span[0]) // 50)
    return {"type": "utc", "domain": [span[0] - pad, span[1] + pad], "nice": False}


def _day_axis(span: tuple[int, int]) -> Spec:
    days = (span[1] - span[0]) // _DAY
    form = "%-d %b" if days <= _FEW_DAYS else "%b %Y"
    step = 1 if days <= _SOME_MONTHS // 2 else 2 if days <= _SOME_MONTHS else 4
    ticks: Any = {"interval": "month", "step": step} if days > _FEW_DAYS else 6
    look = {"grid": False, "domain": True, "labelOverlap": True}
    return {"title": None, "format": form, "tickCount": ticks, **look}


def _series_colour(names: Sequence[str], theme: Theme) -> Spec:
    return named("series", names, [theme.series[at % len(theme.series)] for at in range(len(names))])


def _series_dash(names: Sequence[str]) -> Spec:
    return named("series", names, [list(DASHES[at % len(DASHES)]) for at in range(len(names))])


def _stacked(drawn: Spec) -> Spec:
    """One drawing as it is; of several under each other none is fitted to the width by itself."""
    for one in drawn.get("vconcat", ()):
        del one["autosize"]
    return drawn


# -- months ------------------------------------------------------------------------------------------------------------


def months(chart: Chart, rows: Sequence[Row], presenter: Presenter, theme: Theme) -> Spec:
    """A column a month and series; a series twelve months before another stands beside it, in outline."""
    return _stacked(by_unit(rows, lambda mine, unit: _month_panel(chart, mine, unit, presenter, theme), 90))


def _month_panel(chart: Chart, rows: Sequence[Row], unit: str, presenter: Presenter, theme: Theme) -> Spec:
    names, moved = series_of(rows), year_before(rows)
    earlier = year_named(rows)
    order = sorted(names, key=lambda name: name != earlier)
    months = [row.month + YEAR * (row.series == moved) for row in rows]
    shown = range(min(months), max(months) + 1)  # one that has no mark is seen to be missing
    low, high = bounds([row.height for row in rows if row.height is not None], zero=True)
    data = [{**datum(row), "month": str(month)} for row, month in zip(rows, months, strict=True)]
    words = _month_labels(shown)
    x: Spec = {
        "field": "month",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": [str(month) for month in shown], "paddingInner": 0.25, "paddingOuter": 0.1},
        "axis": {"title": None, "labelExpr": looked_up(words), "labelAngle": 0, **_BARE, "domain": True},
    }
    several = len(names) > 1
    beside: Spec = (
        {"xOffset": {"field": "series", "type": "nominal", "sort": order, "scale": {"domain": order}}}
        if several
        else {}
    )
    y = measured("height", (low, high), _height_axis(chart, presenter, unit), nice=True)
    lines = [theme.series[max(0, at - (earlier is not None)) % len(theme.series)] for at in range(len(order))]
    fills = [theme.earlier if name == earlier else line for name, line in zip(order, lines, strict=True)]
    legend: Spec = {"legend": {"symbolType": "square"}} if several else {"legend": None}
    layers: list[Spec] = [
        {
            "transform": chosen("datum.height === null"),
            "mark": hatched(theme),
            "encoding": {"x": x, **beside, "y": {"value": 0}, "y2": {"value": _HEIGHT}},
        },
        {
            "transform": chosen("datum.height !== null"),
            "mark": {"type": "bar", "strokeWidth": 1},
            "encoding": {
                "x": x,
                **beside,
                "y": y,
                "fill": named("series", order, fills, **legend),
                "stroke": named("series", order, lines, legend=None),
            },
        },
        *haloed(
            theme,
            {
                "transform": chosen("datum.height === null"),
                "mark": unknown_text(theme, angle=270, align="center", baseline="middle"),
                "encoding": {"x": x, **beside, "y": {"value": _HEIGHT // 2}},
            },
        ),
    ]
    if not several:
        layers.append(
            {
                "data": values([data[at] for at in _worded(data, len(shown))]),
                "mark": {"type": "text", "dy": -7, "fontSize": SMALL, "text": {"expr": "datum.words"}},
                "encoding": {"x": x, "y": y},
            }
        )
    return panel(_HEIGHT, layers, data)


def _worded(data: Sequence[dict[str, Any]], columns: int) -> Iterator[int]:
    """Which columns get their figure written: all if the words fit, else the last and the highest."""
    known = [at for at, row in enumerate(data) if row["height"] is not None]
    room = (WIDTH - 60) / columns
    longest = max((len(data[at]["words"]) for at in known), default=0) * _CHARACTER
    if not known or longest <= room:
        yield from known
        return
    yield known[-1]
    highest = max(known, key=lambda at: (data[at]["height"], at))
    if (known[-1] - highest) * room > longest:
        yield highest


def _month_labels(shown: Sequence[int]) -> dict[str, list[str]]:
    """Short names of months; the year under the first and each January. Of many months, every third is named."""
    step = 1 if len(shown) <= YEAR + 6 else 3
    words = {}
    for at, month in enumerate(shown):
        name, year = month_words(month)
        named = step == 1 or month % step == 0
        words[str(month)] = [name if named else "", year if named and (at < step or month % YEAR == 0) else ""]
    return words


# -- timeline ----------------------------------------------------------------------------------------------------------


def timeline(chart: Chart, rows: Sequence[Row], presenter: Presenter, theme: Theme) -> Spec:
    """A lane for each kind of event and unit: amounts as stems on their days, what is unknown as a hollow mark."""
    lanes = list(dict.fromkeys((row.series, row.unit) for row in rows))
    lanes = [lane for lane in lanes if lane[1] or all(other[0] != lane[0] or not other[1] for other in lanes)]
    days = [row.day for row in rows] + [day_number(event.on) for event in chart.events]
    span = (min(days), max(*days, min(days) + _DAY))
    largest = {
        unit: bounds([abs(row.height) for row in rows if row.unit == unit and row.height is not None], zero=True)[1]
        for unit in units_of(rows)
    }
    few, highest = len(rows) <= _MOST_WORDS, _highest(rows)
    data = [_stem(row, _lane(row, lanes), len(lanes), largest, said=few or row in highest) for row in rows]
    x: Spec = {"field": "day", "type": "temporal", "scale": _days_scale(span), "axis": _day_axis(span)}
    several = len({unit for _, unit in lanes if unit}) > 1
    names = [_lane_words(chart, presenter, lane, several=several) for lane in lanes]
    axis = {
        "title": None,
        "values": [len(lanes) - at - 1 for at in range(len(lanes))],
        "labelExpr": looked_up({str(len(lanes) - at - 1): name for at, name in enumerate(names)}),
        "labelLimit": 150,
        "labelFontSize": SMALL + 1,
        "labelBaseline": "bottom",
        "ticks": False,
    }
    y = measured("base", (0, len(lanes)), axis, nice=False)
    top: Spec = {"field": "top", "type": "quantitative"}
    hollow = {"type": "point", "filled": False, "opacity": 1, "size": 60}
    layers = [
        *_events(chart, theme, x),
        {
            "transform": chosen("datum.height !== null"),
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {"x": x, "y": y, "y2": {"field": "top"}, "color": tone_colour(theme)},
        },
        {
            "transform": chosen("datum.height !== null"),
            "mark": {"type": "point", "filled": True, "size": 48, "opacity": 1},
            "encoding": {"x": x, "y": top, "color": tone_colour(theme), "shape": tone_shape()},
        },
        {
            "transform": chosen("datum.height === null"),
            "mark": {**hollow, "stroke": theme.tones["unknown"], "shape": "diamond"},
            "encoding": {"x": x, "y": top},
        },
        *haloed(
            theme,
            {
                "transform": chosen("datum.said"),
                "mark": {"type": "text", "dy": -11, "fontSize": SMALL, "text": {"expr": "datum.words"}},
                "encoding": {"x": x, "y": top},
            },
        ),
    ]
    return panel(_LANE * len(lanes), layers, data)


def _lane(row: Row, lanes: Sequence[tuple[str, str]]) -> int:
    return next(at for at, (series, unit) in enumerate(lanes) if series == row.series and row.unit in {unit, ""})


def _stem(row: Row, lane: int, lanes: int, largest: dict[str, float], *, said: bool) -> dict[str, Any]:
    base = lanes - lane - 1
    share = 0.3 if row.height is None else 0.66 * abs(row.height) / largest[row.unit]
    grave = row.tone in {"bad", "unknown"}
    words = UNKNOWN if row.height is None else row.words
    placed = {"day": row.day, "base": base, "top": round(base + share, 6)}
    return {**datum(row), **placed, "words": words, "said": said or grave}


def _highest(rows: Sequence[Row]) -> list[Row]:
    """The newest of the largest amounts of each lane: written where there is no room for all."""
    lanes = {(row.series, row.unit) for row in rows if row.height is not None}
    return [
        max(
            (row for row in rows if (row.series, row.unit) == lane and row.height is not None),
            key=lambda row: (abs(row.height or 0), row.day),
        )
        for lane in sorted(lanes)
    ]


def _lane_words(chart: Chart, presenter: Presenter, lane: tuple[str, str], *, several: bool) -> str:
    series, unit = lane
    name = series or presenter.text(chart.height)
    return f"{name}, {unit}" if several and unit else name

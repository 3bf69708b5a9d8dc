"""Charts along words: dimensions and bands as bars, a waterfall as steps that add up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from customer_research.documents.charts import TOTAL, steps
from customer_research.documents.drawing.marks import (
    Row,
    bounds,
    height_title,
    number_format,
    plain,
    series_of,
)
from customer_research.documents.drawing.parts import (
    ROW,
    WIDTH,
    Spec,
    alone,
    by_unit,
    chosen,
    datum,
    haloed,
    hatched,
    measured,
    panel,
    tone_colour,
    unknown_text,
    word_axis,
)
from customer_research.documents.drawing.theme import Theme
from customer_research.documents.present import TONE_WORDS, Presenter
from customer_research.domain.report import Chart, Tone

_FULLS: Mapping[str, float] = {"points": 100.0, "ratio": 1.0}
"""The most that a unit's figures can be, where there is such."""

_CHARACTER, _NAMES = 6.8, 190


def bars(chart: Chart, rows: Sequence[Row], presenter: Presenter, theme: Theme) -> Spec:
    """A bar for each mark, in order; where there are several units, one drawing a unit."""

    def draw(mine: Sequence[Row], unit: str) -> Spec:
        low, high = bounds([row.height for row in mine if row.height is not None], zero=True)
        full = _FULLS.get(unit, 0.0)
        if (unit == "points" or chart.form == "dimensions") and low >= 0 and high <= full:
            low, high = 0.0, full
        found = steps([row.height for row in mine], [True] * len(mine))
        mine = _beside(mine)
        return _panel(chart, mine, found, (low, high), presenter, theme=theme)

    return by_unit(rows, draw, 220)


def _beside(rows: Sequence[Row]) -> Sequence[Row]:
    """Of several series each place is named once: what it is compared with stands below it."""
    pairs = zip((None, *rows), rows, strict=False)
    return [
        replace(row, place="") if above and above.place == row.place and above.series != row.series else row
        for above, row in pairs
    ]


def waterfall(chart: Chart, rows: Sequence[Row], presenter: Presenter, theme: Theme) -> Spec:
    """Steps from where the one before ended; a mark of the series `total` stands on zero. Nothing is added over units."""

    def draw(mine: Sequence[Row], _unit: str) -> Spec:
        found = steps([row.height for row in mine], [row.series == TOTAL for row in mine])
        ends = [end for step in found if step for end in step]
        signed = [replace(row, tone=_by_sign(row)) for row in mine]
        return _panel(chart, signed, found, bounds(ends, zero=True), presenter, theme=theme, toned=False)

    return by_unit(rows, draw, 220)


def _by_sign(row: Row) -> Tone:
    """The tone of a step: what it adds is good, what it takes bad, unless the mark says otherwise."""
    if row.height is None or row.series == TOTAL or row.tone != "neutral":
        return row.tone
    return "bad" if row.height < 0 else "good"


def _panel(
    chart: Chart,
    rows: Sequence[Row],
    found: Sequence[tuple[float, float] | None],
    span: tuple[float, float],
    presenter: Presenter,
    *,
    theme: Theme,
    toned: bool = True,
) -> Spec:
    low, high = span
    room = (high - low) * _room(rows, toned=toned)
    data = [
        {
            **datum(row),
            "words": _words(row, toned=toned),
            "from": plain(step[0]) if step else None,
            "to": plain(step[1]) if step else None,
        }
        for row, step in zip(rows, found, strict=True)
    ]
    unit = next((row.unit for row in rows if row.unit), "")
    is_whole = low == 0 and high == _FULLS.get(unit)
    ticks = [plain(high * quarter / 4) for quarter in range(5)] if is_whole else None
    title = {"title": height_title(chart, presenter, unit) or None}
    axis = {
        **title,
        "format": number_format(unit),
        "tickCount": 6,
        "ticks": False,
        **({"values": ticks} if ticks else {}),
    }
    across = measured("from", (low, high + room), axis, nice=False, zero=False)
    down: Spec = {
        "field": "key",
        "type": "nominal",
        "sort": None,
        "axis": word_axis(),
        "scale": {"domain": [row.key for row in rows], "paddingInner": 0.32, "paddingOuter": 0.16},
    }
    return {
        **panel(max(2, len(rows)) * ROW, (), data),
        "encoding": {"y": down},
        "layer": [
            {
                "transform": chosen("datum.height === null"),
                "mark": hatched(theme),
                "encoding": {"x": {**across, "field": None, "datum": plain(low)}, "x2": {"datum": plain(high)}},
            },
            *haloed(
                theme,
                {
                    "transform": chosen("datum.height === null"),
                    "mark": unknown_text(theme, align="center", text={"expr": "datum.words"}),
                    "encoding": {"x": {"datum": plain((low + high) / 2)}},
                },
            ),
            {
                "transform": chosen("datum.height !== null"),
                "mark": {"type": "bar", "cornerRadius": 2},
                "encoding": {"x": across, "x2": {"field": "to"}, "color": tone_colour(theme)},
            },
            *([_outlined(rows[0].series, across, theme)] if toned and len(series_of(rows)) > 1 else []),
            {
                "transform": chosen("datum.height !== null"),
                "mark": {"type": "text", "align": "left", "dx": 6, "text": {"expr": "datum.words"}},
                "encoding": {"x": {"field": "to", "type": "quantitative"}},
            },
            alone(
                {
                    "mark": {"type": "rule", "stroke": theme.quiet},
                    "encoding": {"x": {"datum": 0}, "y": {"value": 0}, "y2": {"value": "height"}},
                }
            ),
        ],
    }


def _outlined(first: str, across: Spec, theme: Theme) -> Spec:
    """What the first series is compared with, in outline."""
    look = {"fill": theme.earlier, "stroke": theme.tones["neutral"], "strokeWidth": 1}
    return {
        "transform": chosen(f"datum.height !== null && datum.series !== {json.dumps(first)}"),
        "mark": {"type": "bar", "cornerRadius": 2, **look},
        "encoding": {"x": across, "x2": {"field": "to"}},
    }


def _room(rows: Sequence[Row], *, toned: bool) -> float:
    """How much of the axis its words need beyond the longest bar, as a share of the bar."""
    words = max((len(_words(row, toned=toned)) for row in rows if row.height is not None), default=0) * _CHARACTER + 12
    names = min(_NAMES, max(len(row.place) for row in rows) * _CHARACTER)
    plot = WIDTH - names - 16
    return words / max(plot - words, plot / 3)


def _words(row: Row, *, toned: bool) -> str:
    """What is written at a bar: its figure, and its tone in a word."""
    if row.height is None:
        return row.words if row.words.startswith("unknown") else f"unknown: {row.words}"
    parts = [part for part in (row.label, row.words) if part]
    word = TONE_WORDS[row.tone] if toned else ""
    return ": ".join(parts) + (f" ({word})" if word else "")

"""Parts that the forms share: the frame of a spec, axes, marks of what is unknown. A spec is plain JSON, as Vega-Lite 5 reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from customer_research.documents.drawing.marks import UNKNOWN, Row, plain, units_of
from customer_research.documents.drawing.theme import Theme
from customer_research.documents.fonts import FALLBACKS, FAMILY
from customer_research.domain.report import Tone

Spec = dict[str, Any]
"""A spec of Vega-Lite, or a part of one."""

WIDTH = 640
"""How wide a drawing is, in pixels of 1/96 inch."""

ROW = 26
"""How high a bar with its gap is."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
"""What the spec says it is; nothing is fetched from there."""

FONT = ", ".join((FAMILY, *FALLBACKS, "sans-serif"))
"""The families that text is set in, in this order."""
LABEL = 12
SMALL = 11
SHAPES: Mapping[Tone, str] = {
    "good": "circle",
    "watch": "triangle-up",
    "bad": "square",
    "neutral": "circle",
    "unknown": "diamond",
}
"""A mark's shape by tone, so that colour is not the only carrier."""

DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3))
"""How the lines of series are dashed, in order."""


def frame(theme: Theme, description: str, parts: Spec) -> Spec:
    """A whole spec: what it says, how it looks, and its parts (`layer`, or `vconcat` of them)."""
    about = {"$schema": SCHEMA, "description": description, "background": None, "padding": 4}
    return {**about, **parts, "config": config(theme)}


def config(theme: Theme) -> Spec:
    """How everything looks that says nothing of its own."""
    text = {"font": FONT, "fontSize": LABEL, "fill": theme.ink}
    return {
        "aria": False,
        "font": FONT,
        "view": {"stroke": None},
        "text": text,
        "axis": {
            "labelColor": theme.quiet,
            "labelFontSize": SMALL,
            "titleColor": theme.quiet,
            "titleFontSize": SMALL,
            "titleFontWeight": "normal",
            "gridColor": theme.grid,
            "domainColor": theme.quiet,
            "tickColor": theme.quiet,
            "domain": False,
            "labelPadding": 6,
        },
        "legend": {
            "labelColor": theme.ink,
            "labelFontSize": LABEL,
            "labelLimit": 220,
            "title": None,
            "orient": "top",
            "symbolSize": 90,
            "symbolStrokeWidth": 2,
        },
    }


def values(rows: Sequence[Mapping[str, Any]]) -> Spec:
    """Rows as the data of a spec."""
    return {"values": [dict(row) for row in rows]}


def datum(row: Row) -> Spec:
    """A row as a datum: what every form needs of it."""
    height = None if row.height is None else plain(row.height)
    return {"key": row.key, "height": height, "words": row.words, "tone": row.tone, "series": row.series}


def alone(layer: Spec) -> Spec:
    """A layer that is drawn once, whatever the data."""
    return {"data": {"values": [{}]}, **layer}


def chosen(condition: str) -> list[Spec]:
    """A transform that keeps the data for which the expression holds."""
    return [{"filter": condition}]


def word_axis() -> Spec:
    """An axis by words whose values are keys: the words are what follows the separator."""
    expression = "slice(datum.label, indexof(datum.label, '\\u001f') + 1)"
    plain_axis = {"title": None, "ticks": False, "grid": False}
    return {**plain_axis, "labelExpr": expression, "labelLimit": 190, "labelFontSize": LABEL}


def looked_up(words: Mapping[str, str | Sequence[str]]) -> str:
    """An expression that gives an axis value's words from a mapping."""
    return f"({json.dumps(words, ensure_ascii=True)})[datum.value]"


def panel(height: int, layers: Sequence[Spec], rows: Sequence[Mapping[str, Any]] | None = None) -> Spec:
    """A drawing as wide as all are; `rows` are the data of the layers that bring none."""
    data = {} if rows is None else {"data": values(rows)}
    fitted = {"type": "fit-x", "contains": "padding"}
    return {"width": WIDTH, "height": height, "autosize": fitted, **data, "layer": list(layers)}


def by_unit(rows: Sequence[Row], draw: Callable[[list[Row], str], Spec], narrower: int) -> Spec:
    """A drawing of the rows; of rows in several units one drawing each, below each other, narrower by so many pixels."""
    drawn = [draw([row for row in rows if row.unit in {unit, ""}], unit) for unit in units_of(rows)]
    return drawn[0] if len(drawn) == 1 else {"vconcat": [{**one, "width": WIDTH - narrower} for one in drawn]}


def measured(field: str, span: tuple[float, float], axis: Spec, **scale: Any) -> Spec:
    """A place by a figure, on an axis from the lowest to the highest."""
    domain = [plain(end) for end in span]
    return {"field": field, "type": "quantitative", "scale": {"domain": domain, **scale}, "axis": axis}


def named(field: str, names: Sequence[str], looks: Sequence[Any], **more: Any) -> Spec:
    """A look by a name."""
    return {"field": field, "type": "nominal", "scale": {"domain": list(names), "range": list(looks)}, **more}


def tone_colour(theme: Theme) -> Spec:
    """Colour by tone."""
    return named("tone", list(theme.tones), list(theme.tones.values()), legend=None)


def tone_shape() -> Spec:
    """Shape by tone."""
    return named("tone", list(SHAPES), list(SHAPES.values()), legend=None)


def hatched(theme: Theme) -> Spec:
    """The look of an area whose figure is unknown: hatched, in a dashed outline."""
    rim = {"stroke": theme.tones["unknown"], "strokeDash": [4, 3], "strokeWidth": 1}
    return {"type": "rect", "fill": theme.hatch, **rim}


def unknown_text(theme: Theme, **how: Any) -> Spec:
    """The mark that writes `unknown`, with a rim of the background's colour so that hatching does not blur it."""
    look = {"fill": theme.tones["unknown"], "fontStyle": "italic", "fontSize": SMALL}
    return {"type": "text", **look, "text": UNKNOWN, **how}


def haloed(theme: Theme, layer: Spec) -> list[Spec]:
    """A layer of text twice: first as a rim of the background's colour, then as itself."""
    rim = {**layer["mark"], "stroke": theme.paper, "strokeWidth": 5, "strokeJoin": "round", "fill": theme.paper}
    return [{**layer, "mark": rim}, layer]

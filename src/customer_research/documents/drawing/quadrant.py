"""One figure against another: a mark for each operator, in strips of their own where a figure is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from customer_research.documents.charts import GRAVITY, unit_of
from customer_research.documents.drawing.marks import (
    UNKNOWN,
    Row,
    axis_title,
    bounds,
    height_title,
    number_format,
    plain,
)
from customer_research.documents.drawing.parts import (
    SMALL,
    WIDTH,
    Spec,
    alone,
    by_unit,
    datum,
    haloed,
    hatched,
    measured,
    tone_shape,
    unknown_text,
    values,
)
from customer_research.documents.drawing.theme import Theme
from customer_research.documents.present import TONE_WORDS, Presenter
from customer_research.domain.evidence import Fact
from customer_research.domain.report import Chart
from customer_research.domain.words import shortened

_HEIGHT, _NARROWER = 380, 70
_STRIP = 0.12
_PAD = 0.04
_CHARACTER, _LINE = 6.3, 15
_MOST_LABELS, _LONGEST_LABEL = 24, 26
_OTHER = "no finding"


def quadrant(chart: Chart, rows: Sequence[Row], presenter: Presenter, theme: Theme) -> Spec:
    """Marks by two figures; where several units stand on the upright axis, one drawing a unit."""
    return by_unit(rows, lambda mine, unit: _panel(chart, mine, unit, presenter, theme), _NARROWER)


def _panel(chart: Chart, rows: Sequence[Row], unit: str, presenter: Presenter, theme: Theme) -> Spec:
    across = _Axis([row.across for row in rows], _across_unit(chart))
    up = _Axis([row.height for row in rows], unit)
    data = [
        {
            **datum(row),
            "x": across.place(row.across),
            "y": up.place(row.height),
            "hollow": row.across is None or row.height is None,
            "name": row.label or row.place,
            "how": _how(row),
        }
        for row in rows
    ]
    titles = axis_title(chart, presenter), height_title(chart, presenter, unit) or None
    x, y = (
        measured(field, (axis.low, axis.high), {**axis.axis, "title": title}, nice=False, zero=False)
        for field, axis, title in zip("xy", (across, up), titles, strict=True)
    )
    words = list(dict.fromkeys(one["how"] for one in sorted(data, key=lambda one: GRAVITY[one["tone"]])))
    tones = {one["how"]: one["tone"] for one in data}
    shapes = tone_shape()["scale"]
    shape = dict(zip(shapes["domain"], shapes["range"], strict=True))
    legend = None if words == [_OTHER] else {"symbolType": "circle"}
    how: Spec = {"field": "how", "type": "nominal", "sort": words, "legend": legend}
    looks: Spec = {
        "color": {**how, "scale": {"domain": words, "range": [theme.tones[tones[word]] for word in words]}},
        "shape": {**how, "scale": {"domain": words, "range": [shape[tones[word]] for word in words]}},
    }
    return {
        "width": WIDTH - _NARROWER,
        "height": _HEIGHT,
        "layer": [
            *_strips(across, up, theme),
            *_zeros(across, up, theme),
            *(
                {
                    "data": values([one for one in data if one["hollow"] == hollow]),
                    "mark": {"type": "point", "filled": not hollow, "size": 60, "opacity": 1, **rim},
                    "encoding": {"x": x, "y": y, **looks},
                }
                for hollow, rim in ((False, {}), (True, {"strokeWidth": 2}))
            ),
            *haloed(
                theme,
                {
                    "data": values(_labels(data, across, up)),
                    "mark": {
                        "type": "text",
                        "align": {"expr": "datum.align"},
                        "dx": {"expr": "datum.dx"},
                        "fontSize": SMALL,
                        "text": {"expr": "datum.name"},
                    },
                    "encoding": {"x": x, "y": y},
                },
            ),
        ],
    }


class _Axis:
    """An axis with room beside its figures, and a strip before them for what is unknown."""

    def __init__(self, figures: Sequence[float | None], unit: str) -> None:
        known = [figure for figure in figures if figure is not None]
        lowest, highest = bounds(known, zero=False)
        spread = highest - lowest
        self.first = lowest - spread * _PAD
        self.high = highest + spread * _PAD
        self.strip = len(known) < len(figures)
        self.low = self.first - spread * _STRIP if self.strip else self.first
        self._unit = unit

    def place(self, figure: float | None) -> float | int:
        """Where a figure stands; in the middle of the strip if it is unknown."""
        return plain(round((self.low + self.first) / 2 if figure is None else figure, 9))

    def share(self, place: float) -> float:
        """How far along the axis a place is, from 0 to 1."""
        return (place - self.low) / (self.high - self.low)

    @property
    def axis(self) -> Spec:
        """Its labels; none in the strip."""
        beyond = f"datum.value < {self.first} ? '' : datum.label"
        return {
            "format": number_format(self._unit),
            "tickCount": 6,
            "ticks": False,
            **({"labelExpr": beyond} if self.strip else {}),
        }


def _across_unit(chart: Chart) -> str:
    return next((unit_of(mark.at) for mark in chart.marks if isinstance(mark.at, Fact)), "")


def _how(row: Row) -> str:
    if row.across is None or row.height is None:
        return UNKNOWN
    return TONE_WORDS[row.tone] or _OTHER


def _strips(across: _Axis, up: _Axis, theme: Theme) -> list[Spec]:
    """Hatched strips for marks of which a figure is unknown."""
    layers: list[Spec] = []
    if across.strip:
        ends: Spec = {"x": {"datum": plain(across.low)}, "x2": {"datum": plain(across.first)}}
        layers.append(alone({"mark": hatched(theme), "encoding": ends}))
        layers += haloed(
            theme,
            alone({"mark": unknown_text(theme), "encoding": {"x": {"datum": across.place(None)}, "y": {"value": 10}}}),
        )
    if up.strip:
        ends = {"y": {"datum": plain(up.low)}, "y2": {"datum": plain(up.first)}}
        layers.append(alone({"mark": hatched(theme), "encoding": ends}))
        right = unknown_text(theme, align="right")
        layers += haloed(
            theme, alone({"mark": right, "encoding": {"y": {"datum": up.place(None)}, "x": {"value": WIDTH - 76}}})
        )
    return layers


def _zeros(across: _Axis, up: _Axis, theme: Theme) -> list[Spec]:
    """Rules where a figure changes its sign."""
    rule: Spec = {"type": "rule", "stroke": theme.quiet, "strokeDash": [4, 3]}
    layers: list[Spec] = []
    if across.first < 0 < across.high:
        layers.append(alone({"mark": rule, "encoding": {"x": {"datum": 0}}}))
    if up.first < 0 < up.high:
        layers.append(alone({"mark": rule, "encoding": {"y": {"datum": 0}}}))
    return layers


def _labels(data: Sequence[dict[str, Any]], across: _Axis, up: _Axis) -> list[dict[str, Any]]:
    """Names beside marks, the gravest first, as long as none lies on another or on a mark; the rest stand in the table."""
    width, height = WIDTH - _NARROWER, _HEIGHT
    points = [(across.share(one["x"]) * width, up.share(one["y"]) * height) for one in data]
    taken: list[tuple[float, float, float, float]] = []
    written: list[dict[str, Any]] = []
    for one, (x, y) in sorted(zip(data, points, strict=True), key=lambda pair: GRAVITY[pair[0]["tone"]]):
        name = shortened(one["name"], _LONGEST_LABEL)
        long = len(name) * _CHARACTER
        left = x + long + 8 > width
        box = (x - long - 8 if left else x + 6, y - _LINE / 2, x - 6 if left else x + long + 8, y + _LINE / 2)
        crossed = any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken)
        covered = sum(box[0] < px < box[2] and box[1] < py < box[3] for px, py in points)
        if crossed or covered or len(written) >= _MOST_LABELS:
            continue
        taken.append(box)
        written.append({**one, "name": name, "align": "right" if left else "left", "dx": -8 if left else 8})
    return written

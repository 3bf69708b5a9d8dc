"""Draws charts: a chart's Vega-Lite spec, and its picture as SVG or PNG by vl-convert (the one module that imports it)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from customer_research.documents import fonts
from customer_research.documents.drawing.by_word import bars, waterfall
from customer_research.documents.drawing.marks import rows_of
from customer_research.documents.drawing.over_time import history, months, timeline
from customer_research.documents.drawing.parts import FONT, Spec, frame
from customer_research.documents.drawing.quadrant import quadrant
from customer_research.documents.drawing.theme import LIGHT, THEMES, Theme
from customer_research.documents.present import Presenter
from customer_research.domain.report import Chart, Form
from customer_research.errors import ExtraMissing, RenderError

__all__ = ["LIGHT", "THEMES", "Theme", "png", "spec", "svg"]

VERSION = "5.20"
"""The Vega-Lite that specs are drawn by: the same picture after vl-convert has learned a newer one."""

_NUMBERS = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["$", ""], "minus": "-"}
"""How axes write numbers: as the words of figures do, with a minus sign that every font has."""

_FONTCONFIG = "FONTCONFIG_FILE"

_FORMS: Mapping[Form, Callable[..., Spec]] = {
    "history": history,
    "dimensions": bars,
    "waterfall": waterfall,
    "months": months,
    "timeline": timeline,
    "bands": bars,
    "quadrant": quadrant,
}
_INNER_ROLES = re.compile(r' (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*"|aria-hidden="true")')
_ROOT = re.compile(r"<svg [^>]*?viewBox=\"([^\"]*)\">")
_FONTS = re.compile(r' font-family="[^"]*"')
_EMPTY = re.compile(r'<path class="(?:foreground|background)"[^>]*? d="(?:M0,0h0v0h0Z)?"[^>]*/>')


def spec(chart: Chart, presenter: Presenter, theme: Theme = LIGHT) -> Spec:
    """A chart as a Vega-Lite spec: its data inside, nothing from elsewhere; its `description` is the chart's sentence.

    The title is not drawn: renderers write it, and under the picture the chart's events, whose numbers the picture shows.

    Raises:
        RenderError: the chart has no mark, or a figure has no receipt.
    """
    rows = rows_of(chart, presenter)
    if not rows:
        raise RenderError(
            f"The chart {chart.title!r} has no mark to draw.", hint="Leave the chart out, or say why it is empty."
        )
    parts = _FORMS[chart.form](chart, rows, presenter, theme)
    return frame(theme, presenter.text(chart.says.text), {**parts, "usermeta": {"theme": theme.name}})


def svg(drawn: Spec, key: str = "chart") -> str:
    """A spec's picture as one SVG element: an image with its sentence as alternative text, the same bytes for the same spec.

    Args:
        drawn: what `spec` gave.
        key: sets its ids apart from those of other drawings on the same page (letters, digits, hyphens).

    Raises:
        ExtraMissing: vl-convert is not installed.
    """
    picture = str(
        _converter().vegalite_to_svg(drawn, vl_version=VERSION, allowed_base_urls=[], format_locale=dict(_NUMBERS))
    )
    theme = THEMES[drawn["usermeta"]["theme"]]
    words = str(drawn["description"])
    picture = _EMPTY.sub("", _FONTS.sub("", _INNER_ROLES.sub("", picture)))
    picture = picture.replace(f'fill="{theme.hatch}"', f'fill="url(#{key}-unknown)"')
    root = _ROOT.match(picture)
    if root is None:
        raise RenderError(
            "The drawing is not the SVG that was expected.", hint="Install the locked version of vl-convert-python."
        )
    _, _, width, height = root[1].split()
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(words)} width="{width}" height="{height}" '
        f'viewBox="{root[1]}" font-family={quoteattr(FONT)}><title>{escape(words)}</title>{_hatching(theme, key)}'
    )
    return head + picture[root.end() :]


def png(drawn: Spec, scale: float = 2.0, *, background: bool = True) -> bytes:
    """A spec's picture as PNG, *scale* pixels to one of the drawing, on the theme's paper unless it should be transparent.

    Raises:
        ExtraMissing: vl-convert is not installed.
    """
    picture = svg(drawn)
    if background:
        paper = THEMES[drawn["usermeta"]["theme"]].paper
        picture = picture.replace("</title>", f'</title><rect width="100%" height="100%" fill="{paper}"/>', 1)
    return bytes(_converter().svg_to_png(picture, scale=scale))


def _hatching(theme: Theme, key: str) -> str:
    """The pattern that fills what is unknown, where a drawing has such."""
    return (
        f'<defs><pattern id="{key}-unknown" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="7" height="7" fill="{theme.paper}"/><rect width="1" height="7" fill="{theme.hatch}"/></pattern></defs>'
    )


@contextmanager
def _none_of_the_machine() -> Iterator[None]:
    """Let the converter, which looks once for the machine's fonts, find none: they would stand in before the package's own."""
    before = os.environ.get(_FONTCONFIG)
    os.environ[_FONTCONFIG] = str(fonts.NO_OTHERS)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_FONTCONFIG]
        else:
            os.environ[_FONTCONFIG] = before


@lru_cache(maxsize=1)
def _converter() -> ModuleType:
    """The converter, with the fonts it measures and draws with."""
    try:
        import vl_convert  # noqa: PLC0415 - an extra, loaded when a chart is drawn
    except ImportError:
        raise ExtraMissing("Charts need the package vl-convert-python", "documents") from None
    with _none_of_the_machine():
        for family in (
            fonts.FAMILY,
            *fonts.FALLBACKS,
        ):  # one by one: for a character of several, the first read is taken
            vl_convert.register_font_directory(str(fonts.folder_of(family)))
    module: Any = vl_convert
    return module  # type: ignore[no-any-return]

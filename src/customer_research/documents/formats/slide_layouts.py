"""Layouts of slides: the house's, or those of the user's own template, and what each placeholder is for."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pptx
from pptx.dml.color import RGBColor
from pptx.enum.shapes import PP_PLACEHOLDER as KIND
from pptx.exc import PythonPptxError
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.presentation import Presentation
from pptx.slide import Slide, SlideLayout

from customer_research.errors import UsageError

WIDTH, HEIGHT, EDGE = 960.0, 540.0, 36.0
"""The house layout in points: 16:9."""

EMU = 12_700
"""So many of PowerPoint's units are a point."""

_UNREADABLE = (
    *(OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, AssertionError, SyntaxError),
    *(RuntimeError, MemoryError, BadZipFile, zlib.error, PythonPptxError),
)
"""What the library, its XML and its ZIP reader raise for a file that is no presentation."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a slide, in points."""

    left: float
    top: float
    width: float
    height: float

    @property
    def emu(self) -> tuple[int, int, int, int]:
        """The rectangle as PowerPoint counts it."""
        return tuple(round(one * EMU) for one in (self.left, self.top, self.width, self.height))  # type: ignore[return-value] # four


def opened(template: Path) -> Presentation:
    """The user's presentation without its slides."""
    try:
        deck: Presentation = pptx.Presentation(str(template))
        layouts = list(deck.slide_layouts)
        slides = deck.slides._sldIdLst  # noqa: SLF001 - the library has no way to take a slide off
        for slide in list(slides):
            deck.part.drop_rel(slide.rId)
            slides.remove(slide)
    except _UNREADABLE:
        raise UsageError(
            f"The template {template} cannot be read as a presentation.",
            hint="Give a .pptx file, saved as a presentation and not as a template (.potx).",
        ) from None
    if not layouts:
        raise UsageError(f"The template {template} has no layout.", hint="Add a layout with a title to its master.")
    return deck


def rgb(colour: str) -> Any:
    """A colour (`#rrggbb`) as the library counts it."""
    return RGBColor.from_string(colour[1:].upper())


def house() -> Presentation:
    """The library's own presentation, made wide, with room for what reports show."""
    deck: Presentation = pptx.Presentation()
    deck.slide_width, deck.slide_height = round(WIDTH * EMU), round(HEIGHT * EMU)
    width = WIDTH - 2 * EDGE
    boxes = {"title": Box(EDGE, 16, width, 64), "body": Box(EDGE, 86, width, HEIGHT - 86 - 34)}
    cover = {"title": Box(EDGE, 130, width, 150), "subtitle": Box(EDGE, 288, width, 160)}
    _fonts(deck)
    for page in (deck.slide_master, *deck.slide_layouts):
        named = cover if page.name == "Title Slide" else boxes
        for shape in list(page.placeholders):
            role = _role(shape)
            if role in named:
                shape.left, shape.top, shape.width, shape.height = named[role].emu
            elif role in {"footer", "other"} and page is not deck.slide_master:
                shape.element.getparent().remove(shape.element)
    return deck


def _fonts(deck: Presentation) -> None:
    """Arial, which every machine has, or one of the same widths."""
    theme = deck.slide_master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    theme._blob = theme.blob.replace(b'latin typeface="Calibri"', b'latin typeface="Arial"')  # noqa: SLF001 - read only otherwise


def _role(shape: Any) -> str:
    """What a placeholder is for: by its name, else by its type."""
    name = shape.name.strip().lower()
    if name in {"title", "subtitle", "body", "table", "chart", "footer"}:
        return str(name)
    roles = {
        KIND.TITLE: "title",
        KIND.CENTER_TITLE: "title",
        KIND.VERTICAL_TITLE: "title",
        KIND.SUBTITLE: "subtitle",
        KIND.BODY: "body",
        KIND.OBJECT: "body",
        KIND.TABLE: "table",
        KIND.CHART: "chart",
        KIND.FOOTER: "footer",
    }
    return roles.get(shape.placeholder_format.type, "other")


def slot(page: Any, name: str) -> Any:
    """A page's placeholder for a purpose; tables and charts also stand where text would."""
    found = {_role(shape): shape for shape in reversed(list(page.placeholders))}
    if name in {"table", "chart"}:
        return found.get(name) or found.get("body")
    return found.get(name)


def placeholder(slide: Slide, name: str) -> Any:
    """A slide's placeholder for a purpose, found by that of its layout (slides give theirs new names)."""
    found = slot(slide.slide_layout, name)
    if found is None:
        return None
    index = found.placeholder_format.idx
    return next((shape for shape in slide.placeholders if shape.placeholder_format.idx == index), None)


def layout(deck: Presentation, needs: Sequence[str]) -> SlideLayout:
    """The layout that has most of what a slide needs, and of these the one with the least else."""

    def worth(one: SlideLayout) -> tuple[int, int, int]:
        roles = [_role(shape) for shape in one.placeholders]
        exact = sum(need in roles for need in needs)
        near = sum(slot(one, need) is not None for need in needs)
        content = sum(role in {"title", "subtitle", "body", "table", "chart", "other"} for role in roles)
        return near, exact, -content

    return max(deck.slide_layouts, key=worth)


def box_of(shape: Any) -> Box:
    """Where a shape stands."""
    return Box(shape.left / EMU, shape.top / EMU, shape.width / EMU, shape.height / EMU)

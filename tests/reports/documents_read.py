"""What stands in a PDF: its words as pypdf reads them, and where each run of glyphs lies, read off the page's own commands."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pikepdf
from pypdf import PdfReader

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True)
class Run:
    """Glyphs drawn in one go: their numbers in the font, and the box of their baseline on the page."""

    glyphs: tuple[int, ...]
    left: float
    right: float
    low: float
    high: float


def words(made: bytes) -> str:
    """All words of a PDF, without the breaks of lines and pages."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(made)).pages]
    return re.sub(r"\s+", " ", " ".join(pages).replace("\u200b", ""))


def squeezed(text: str) -> str:
    """A text without any space: how words are broken over lines says nothing about what they are."""
    return re.sub(r"[\s\u200b]+", "", text)


def runs(made: bytes) -> Iterator[tuple[int, Run]]:
    """Every run of glyphs with the number of its page."""
    with pikepdf.open(io.BytesIO(made)) as pdf:
        for number, page in enumerate(pdf.pages, 1):
            yield from ((number, run) for run in _runs(page))


def _times(one: Matrix, other: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return (
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + m,
    )


def _numbers(operands: Any) -> Matrix:
    a, b, c, d, e, f = (float(operand) for operand in operands)
    return a, b, c, d, e, f


def _runs(page: pikepdf.Page) -> Iterator[Run]:
    widths = {str(name): _widths(font) for name, font in page.resources.get("/Font", {}).items()}
    kept: list[Matrix] = []
    place, text, font, size = IDENTITY, IDENTITY, "", 0.0
    instructions: Any = pikepdf.parse_content_stream(page)
    for operands, operator in instructions:
        command = str(operator)
        if command == "q":
            kept.append(place)
        elif command == "Q":
            place = kept.pop()
        elif command == "cm":
            place = _times(_numbers(operands), place)
        elif command == "Tf":
            font, size = str(operands[0]), float(operands[1])
        elif command == "Tm":
            text = _numbers(operands)
        elif command in {"TJ", "Tj"}:
            parts = operands[0] if command == "TJ" else [operands[0]]
            yield _run(parts, widths[font], size, _times(text, place))


def _run(parts: Any, widths: dict[int, float], size: float, place: Matrix) -> Run:
    glyphs: list[int] = []
    length = 0.0
    for part in parts:
        if isinstance(part, pikepdf.String):
            raw = bytes(part)
            found = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
            glyphs += found
            length += sum(widths.get(glyph, widths[-1]) for glyph in found) * size / 1000
        else:
            length -= float(part) * size / 1000
    ends = [_times((1, 0, 0, 1, x, 0), place)[4:] for x in (0.0, length)]
    across, up = sorted(x for x, _ in ends), sorted(y for _, y in ends)
    return Run(tuple(glyphs), across[0], across[1], up[0], up[1])


def _widths(font: Any) -> dict[int, float]:
    """Widths of a font's glyphs in thousandths; -1 is that of all others."""
    inner = font["/DescendantFonts"][0]
    found = {-1: float(inner.get("/DW", 1000))}
    listed = list(inner.get("/W", []))
    while listed:
        first, second = int(listed.pop(0)), listed.pop(0)
        if isinstance(second, pikepdf.Array):
            found |= {first + n: float(width) for n, width in enumerate(second)}
        else:
            found |= dict.fromkeys(range(first, int(second) + 1), float(listed.pop(0)))
    return found

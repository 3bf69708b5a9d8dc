"""How wide a text is in the fonts of the reports, and what they cannot draw: read off the font files' own tables.

Widths are in em (1.0: as wide as the font is high); shaping and kerning are left out, so that they are close and never far
below the truth. Documents need them where nobody else lays text out: columns of tables, lines of slides, breaks in words.
"""

from __future__ import annotations

import math
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise

from customer_research.documents.fonts import FALLBACKS, FAMILY, folder_of

UNDRAWN = "\N{REPLACEMENT CHARACTER}"
"""What stands for a character that no font has."""

_UNSEEN = frozenset("\u200b\u200c\u200d\u2060\ufe0e\ufe0f")
"""Characters without a picture of their own: joiners, breaks, and how an emoji is shown."""

_BREAK = "\N{ZERO WIDTH SPACE}"
_JOINED = frozenset({"Mn", "Mc", "Me"})
_LONGEST_CLUSTER = 12
_SEGMENTS, _GROUPS = 4, 12
"""The two forms of a font's table of characters that ours have."""

_Part = tuple[int, int]


@cache
def _widths(family: str, weight: str) -> Mapping[int, float]:
    """Code point → advance width in em, of every character that a font has."""
    raw = (folder_of(family) / f"{folder_of(family).name}-{weight}.ttf").read_bytes()
    tables = dict(_tables(raw))
    (unit,) = struct.unpack_from(">H", raw, tables["head"][0] + 18)
    (measured,) = struct.unpack_from(">H", raw, tables["hhea"][0] + 34)
    start = tables["hmtx"][0]
    advances = struct.unpack_from(f">{2 * measured}H", raw, start)[::2]
    glyphs = _glyphs(raw, tables["cmap"][0])
    return {code: advances[min(glyph, measured - 1)] / unit for code, glyph in glyphs if glyph}


def _tables(raw: bytes) -> Iterator[tuple[str, _Part]]:
    (count,) = struct.unpack_from(">H", raw, 4)
    for at in range(12, 12 + 16 * count, 16):
        tag, _, offset, length = struct.unpack_from(">4sIII", raw, at)
        yield tag.decode("ascii"), (offset, length)


def _glyphs(raw: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Code points with their glyphs: of the widest table of characters that the font has."""
    (count,) = struct.unpack_from(">H", raw, start + 2)
    parts = [struct.unpack_from(">HHI", raw, start + 4 + 8 * n)[2] + start for n in range(count)]
    forms = {struct.unpack_from(">H", raw, part)[0]: part for part in parts}
    return _by_groups(raw, forms[_GROUPS]) if _GROUPS in forms else _by_segments(raw, forms[_SEGMENTS])


def _by_groups(raw: bytes, start: int) -> Iterator[tuple[int, int]]:
    (count,) = struct.unpack_from(">I", raw, start + 12)
    for n in range(count):
        first, last, glyph = struct.unpack_from(">III", raw, start + 16 + 12 * n)
        yield from ((code, glyph + code - first) for code in range(first, last + 1))


def _by_segments(raw: bytes, start: int) -> Iterator[tuple[int, int]]:
    (double,) = struct.unpack_from(">H", raw, start + 6)
    count, at = double // 2, start + 14
    ends = struct.unpack_from(f">{count}H", raw, at)
    firsts = struct.unpack_from(f">{count}H", raw, at + double + 2)
    deltas = struct.unpack_from(f">{count}H", raw, at + 2 * double + 2)
    ranges = at + 3 * double + 2
    for n, (first, last, delta) in enumerate(zip(firsts, ends, deltas, strict=True)):
        (offset,) = struct.unpack_from(">H", raw, ranges + 2 * n)
        for code in range(first, min(last, 0xFFFE) + 1):
            if not offset:
                yield code, (code + delta) & 0xFFFF
                continue
            (glyph,) = struct.unpack_from(">H", raw, ranges + 2 * n + offset + 2 * (code - first))
            yield code, (glyph + delta) & 0xFFFF if glyph else 0


@lru_cache(maxsize=20_000)
def _width(char: str) -> float | None:
    """A character's width, that of the bold font where there is one; None when no font has it."""
    if char in _UNSEEN:
        return 0.0
    for family in (FAMILY, *FALLBACKS):
        found = _widths(family, "Bold" if family == FAMILY else "Regular").get(ord(char))
        if found is not None:
            return found
    return None


def drawable(text: str) -> str:
    """A text with a sign in place of each character that no font of ours has."""
    return text if text.isascii() else "".join(UNDRAWN if _width(char) is None else char for char in text)


def em(text: str) -> float:
    """How wide a line of text is, in em: added exactly, for `sum` adds floats in another way from Python 3.12 on."""
    return math.fsum(_width(char) or 0.0 for char in text)


def breakable(text: str, width: float) -> str:
    """A text in which each word that is wider than `width` em may break between any two of its characters."""
    if len(text) <= width / 2 or all(em(word) <= width for word in text.split(" ")):
        return text
    return " ".join(word if em(word) <= width else _BREAK.join(_clusters(word)) for word in text.split(" "))


def _clusters(word: str) -> Iterator[str]:
    """Characters with what belongs to them: marks, joined emoji, and letters of scripts that join them."""
    found = word[:1]
    for before, char in pairwise(word):
        if _together(before, char) and (len(found) < _LONGEST_CLUSTER or _width(char) == 0):
            found += char
        else:
            yield found
            found = char
    yield found


def _together(before: str, char: str) -> bool:
    if char in _UNSEEN or before in _UNSEEN or unicodedata.category(char) in _JOINED:
        return True
    return unicodedata.bidirectional(before) == unicodedata.bidirectional(char) == "AL"


def shortened(text: str, width: float) -> str:
    """A text cut to `width` em, with an ellipsis where it was cut."""
    if em(text) <= width:
        return text
    kept, left = "", width - em("…")
    for char in text:
        left -= _width(char) or 0.0
        if left < 0:
            break
        kept += char
    return f"{kept.rstrip()}…"

"""How wide the columns of a table are on a page or a slide, and which of them fit beside each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from customer_research.documents.fonts.measure import em

LONGEST = 30.0
"""A column wants to be as wide as its longest cell, but never wider than so many em."""

LONGEST_WORD = 13.0
"""A column is at least as wide as its longest word, unless that has more em: then the word is broken."""

NARROWEST = 2.5

FIRST = 9.0
"""The first column, which names the rows, gets so many em before others stand beside it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a table that stand side by side: which, and how wide each is, in em with its padding."""

    chosen: tuple[int, ...]
    widths: tuple[float, ...]


def side_by_side(rows: Sequence[Sequence[str]], width: float, padding: float) -> tuple[Columns, ...]:
    """How a table of *rows* (its header first) is drawn in *width* em.

    One group holds all columns where the longest words of all fit; otherwise the table is drawn several times, each time
    with its first column and as many of the others as fit. Every group fills the width.
    """
    least, wanted = [], []
    for cells in zip(*rows, strict=True):
        word = max((em(word) for cell in cells for word in cell.split()), default=0.0)
        least.append(max(min(word, LONGEST_WORD), NARROWEST) + padding)
        longest = min(max(map(em, cells)), LONGEST)
        wanted.append(max(longest + padding, least[-1]))
    least[0] = max(least[0], min(wanted[0], FIRST))
    return tuple(Columns(group, _shared(group, least, wanted, width)) for group in _groups(least, width))


def _groups(least: Sequence[float], width: float) -> list[tuple[int, ...]]:
    groups: list[tuple[int, ...]] = []
    group: tuple[int, ...] = (0,)
    for column in range(1, len(least)):
        if len(group) > 1 and math.fsum(least[at] for at in (*group, column)) > width:
            groups.append(group)
            group = (0,)
        group = (*group, column)
    return [*groups, group]


def _shared(group: Sequence[int], least: Sequence[float], wanted: Sequence[float], width: float) -> tuple[float, ...]:
    """The width shared out: what each column needs, then by what more each wants."""
    needed, desired = ([widths[at] for at in group] for widths in (least, wanted))
    if math.fsum(desired) <= width:
        return tuple(one * width / math.fsum(desired) for one in desired)
    if math.fsum(needed) >= width:
        return tuple(one * width / math.fsum(needed) for one in needed)
    share = (width - math.fsum(needed)) / (math.fsum(desired) - math.fsum(needed))
    return tuple(least_ + (one - least_) * share for least_, one in zip(needed, desired, strict=True))

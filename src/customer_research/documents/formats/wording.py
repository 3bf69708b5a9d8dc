"""What documents share when they write: the numbers of notes, and what messages say of that which they leave out."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from customer_research.domain.words import counted

_PAIR = 2


def left_out(sections: int) -> str:
    """A sentence about sections that are not shown."""
    return f"{counted(sections, 'more section')} in the whole report"


def rows_left_out(rows: int) -> str:
    """A line about rows that are not shown."""
    return f"{counted(rows, 'more row')} in the whole report"


def note_runs(notes: Iterable[int]) -> list[tuple[int, str]]:
    """Numbers of notes, runs of three and more shortened: each with the first number and its words (`(3, "3-5")`)."""
    found: list[tuple[int, str]] = []
    for _, group in groupby(enumerate(notes), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        if len(run) > _PAIR:
            found.append((run[0], f"{run[0]}-{run[-1]}"))
        else:
            found += [(number, str(number)) for number in run]
    return found

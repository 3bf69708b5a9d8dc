"""What calendars did not tell of coming meetings, as sentences: who was silent and since when, and up to which day they were read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from customer_research.documents.present import source_title
from customer_research.domain.meeting import Asked
from customer_research.domain.report import Prose
from customer_research.domain.words import counted


def unheard(calendars: Iterable[Asked], now: datetime, until: datetime) -> Iterator[Prose]:
    """What is not known of the meetings up to an instant, a sentence for each reason, and kind of calendar; nothing: all is known."""
    known = sorted(calendars, key=lambda one: one.calendar)
    yield from (Prose(one, (), "unknown") for one in dict.fromkeys(gap.detail for each in known for gap in each.people))
    for source, each in groupby(known, key=lambda one: one.source):
        asked = list(each)
        yield from (Prose(one, (), "unknown") for one in _sentences(source_title(source), asked, now, until))


def _sentences(title: str, asked: Sequence[Asked], now: datetime, until: datetime) -> Iterator[str]:
    never = [one for one in asked if one.answered_at is None]
    if never:
        yield f"{_which(title, never, asked)}: never read, so that nothing of it is known."
    old = [one.answered_at for one in asked if one.answered_at is not None and one.is_stale(now)]
    if old:
        since = f"{min(old):%Y-%m-%d %H:%M} UTC"
        yield f"{_which(title, old, asked)}: not read since {since}. What was entered, moved or cancelled after that is not known."
    cut = [one for one in asked if one.gaps and not one.is_silent]
    if cut:
        yield f"{_which(title, cut, asked)}: not all entries were told."
    short = [one for one in asked if one.is_short(until) and not one.is_stale(now)]
    if short:
        day = min(one.until for one in short)
        yield f"{_which(title, short, asked)}: read up to {day:%Y-%m-%d} alone; of later days nothing is known."


def _which(title: str, some: Sequence[object], asked: Sequence[Asked]) -> str:
    """The calendars that are meant, of all of their kind."""
    return title if len(asked) == 1 else f"{title} ({len(some)} of {counted(len(asked), 'calendar')})"

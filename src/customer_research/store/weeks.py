"""An operator's scores week by week up to a snapshot, as each was known then: what lists draw as a line of blocks.

Readings of which not the same was known are never drawn beside each other: the step between them is no rise and no fall.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa

from customer_research.connect.concurrent import chunks
from customer_research.domain.line import WEEKS
from customer_research.domain.snapshot import Snapshot
from customer_research.store.history import BATCH, read_snapshots
from customer_research.store.schema import operator, reading, snapshot

WEEK = timedelta(days=7)

Weekly = tuple[int | None, ...]
"""Scores of `WEEKS` weeks, the oldest first, the last the snapshot's own; None where none can be drawn beside the others."""

NONE: Weekly = (None,) * WEEKS

Known = tuple[frozenset[str], frozenset[str]]
"""What was known of a reading: the metrics that nobody could tell of its date, and the dimensions that have a score."""


class _Week(NamedTuple):
    """A settled score, so many weeks before the snapshot."""

    back: int
    score: int
    known: Known


def weekly(connection: sa.Connection, now: Snapshot) -> Mapping[str, Weekly]:
    """The weekly scores up to a snapshot, under its scorecard, by operator; who has none is left out.

    Of each week the newest reading counts, up to the same hour of the same day of the week. They are those of which the same was
    known as of the snapshot's; where there is no such earlier one, as of the newest earlier one, and the snapshot's own is left out.
    """
    taken = _newest(connection, now)
    found: dict[str, list[_Week]] = {}
    dimensions = sa.type_coerce(reading.c.dimensions, sa.Text)
    scores = sa.select(operator.c.operator_id, reading.c.snapshot_no, reading.c.score, dimensions)
    settled = (reading.c.score.is_not(None), reading.c.highest.is_(None))
    for chosen in chunks(taken, BATCH):
        rows = scores.select_from(reading.join(operator)).where(reading.c.snapshot_no.in_(chosen), *settled)
        for operator_id, number, score, told in connection.execute(rows):
            back, untold = taken[number]
            found.setdefault(operator_id, []).append(_Week(back, score, (untold, _known(told))))
    return {operator_id: _drawn(weeks) for operator_id, weeks in found.items()}


def _newest(connection: sa.Connection, now: Snapshot) -> Mapping[int, tuple[int, frozenset[str]]]:
    """The snapshots that count, by number: how many weeks back each is, and what could not be told of its date."""
    table = snapshot.c
    within = sa.or_(
        sa.and_(table.as_of > now.as_of - WEEK * WEEKS, table.as_of <= now.as_of - WEEK), table.id == now.id
    )
    query = sa.select(snapshot).where(table.digest == now.digest, within)
    rows = connection.execute(query.order_by(table.as_of, table.taken_at, table.no)).mappings().all()
    newest = {(now.as_of - one.as_of) // WEEK: (no, one.untold) for no, one in read_snapshots(connection, rows).items()}
    return {number: (back, untold) for back, (number, untold) in newest.items()}


def _known(dimensions: str) -> frozenset[str]:
    return frozenset(name for name, score in json.loads(dimensions).items() if score is not None)


def _drawn(weeks: list[_Week]) -> Weekly:
    own = next((week.known for week in weeks if not week.back), None)
    earlier = sorted(week for week in weeks if week.back)
    like = own if own is not None and (not earlier or any(week.known == own for week in earlier)) else earlier[0].known
    drawn: list[int | None] = [*NONE]
    for week in weeks:
        if week.known == like:
            drawn[WEEKS - 1 - week.back] = week.score
    return tuple(drawn)

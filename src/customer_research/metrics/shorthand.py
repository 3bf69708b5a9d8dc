"""What several queries mean by one word, `WORD(first, second)`: spelt out when a query's file is read, one meaning each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from customer_research.domain.collapse import preference_sql

_USED = re.compile(r"\b(CSM_PREFERENCE|LOCAL_DAY)\(([\w.]+), ([\w.]+)\)")


def _local_day(instant: str, offset_minutes: str) -> str:
    """The calendar day of an instant where clocks are ahead of UTC by so many minutes; an unknown offset is none."""
    day = f"CAST({instant} AS DATE)"
    there = f"DATE_DIFF('microsecond', CAST({day} AS TIMESTAMP), {instant}) + COALESCE({offset_minutes}, 0) * 60000000"
    return (
        f"CASE WHEN {there} >= 86400000000 THEN CAST({day} + INTERVAL 1 DAY AS DATE) "
        f"WHEN {there} < 0 THEN CAST({day} - INTERVAL 1 DAY AS DATE) ELSE {day} END"
    )


_MEANINGS: Mapping[str, Callable[[str, str], str]] = {"CSM_PREFERENCE": preference_sql, "LOCAL_DAY": _local_day}


def spelt_out(query: str) -> str:
    """A query with every such word replaced by the SQL that it stands for."""
    return _USED.sub(lambda used: _MEANINGS[used[1]](used[2], used[3]), query)

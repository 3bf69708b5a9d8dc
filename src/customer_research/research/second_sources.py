"""Tables of which two sources tell: whose rows count is decided here, for one operator and for everybody.

A bound table has a home (the warehouse) and may have a second source that reads the same records nearer to where they are made
(`SourceRecords.instead_of`). Rows are of one of the two, never of both, and never added up: those of the second source where
it is set up, answered in full, and knows of records as new as the home does; else the home's. Then a report tells the second
source's gap among the sources and nowhere else, and lists tell none: figures and scores are those that there are without it.

Live, both are asked at once (`research.one.gather`): the home counts where its tables lie, the second source's rows are measured in
memory by the same queries, and how many records either has is compared. In the lake the canonical table is made of what the chosen one landed,
but for operators of whom the second source does not tell, or lacks what is newest at home (`research.sync.linkage`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from customer_research.domain.evidence import Gap
from customer_research.record_tables import SECOND, SOURCES, TABLES

KNOWN_AT = "created_at"
"""The column of a bound table that says when a record came to be."""

ROUNDING = timedelta(minutes=1)
"""By so much the instants of one record may differ between sources."""

COUNTING = "SELECT '{table}' AS table_name, COUNT(*) AS records, MAX({at}) AS newest FROM {table} WHERE {at} < $as_of"


@dataclass(frozen=True, slots=True)
class Told:
    """What a source tells of a table: when its newest record came to be (None: it has none), or why it does not tell."""

    newest: datetime | None = None
    gap: Gap | None = None


def second_of(table: str) -> str | None:
    """The source that can give a table's rows instead of its home."""
    return SECOND.get(table)


def counting_sql(tables: Iterable[str]) -> str:
    """How many records tables have before `$as_of`, and when the newest came to be, a row each; their names are words of ours."""
    return " UNION ALL ".join(COUNTING.format(at=KNOWN_AT, table=table) for table in tables)


def why_home(table: str, second: Told, home: Told) -> Gap | None:
    """Why a table's rows are those of its home; None: the second source's count."""
    if second.gap is not None:
        return second.gap
    if home.gap is not None or home.newest is None:
        return None
    if second.newest is not None and second.newest + ROUNDING >= home.newest:
        return None
    name = SECOND[table]
    newest = "none" if second.newest is None else f"none after {second.newest:%Y-%m-%d %H:%M} UTC"
    detail = (
        f"{SOURCES[TABLES[table].home].title} has {table} records up to {home.newest:%Y-%m-%d %H:%M} UTC, "
        f"{SOURCES[name].title} {newest}."
    )
    return Gap(name, "stale", detail, f"Find out why {SOURCES[name].title} lags; until then it is not used for these.")

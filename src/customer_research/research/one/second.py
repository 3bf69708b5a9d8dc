"""One operator's records of tables that have a second source: whose count, and where the two differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from customer_research.connect.sql import SqlAnswer
from customer_research.domain import values
from customer_research.domain.account import Records, TwoCounts
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.record_tables import TABLES
from customer_research.research.second_sources import KNOWN_AT, Told, second_of, why_home

if TYPE_CHECKING:
    from customer_research.research.one.dossier import Dossier


@dataclass(frozen=True, slots=True)
class Offer:
    """What a second source gave of a table, or the gap it left; `together` are the tables of its stream, which stand or fall as one."""

    source: str
    together: tuple[str, ...]
    records: Records


def choose(dossier: Dossier) -> None:
    """Decide of each offered table whose rows count, once everything has arrived: `Dossier.given` has those of second sources."""
    lacks = {table: _lack(dossier, table) for table in dossier.offered}
    dossier.differences = tuple(_differences(dossier))
    for table, offer in dossier.offered.items():
        gap = next((found for one in offer.together if (found := lacks.get(one)) is not None), None)
        if gap is None:
            dossier.given[table] = offer.records
            dossier.notes.pop(table, None)  # how its home was reached
        else:
            dossier.offered[table] = replace(offer, records=replace(offer.records, gap=gap))


def _lack(dossier: Dossier, table: str) -> Gap | None:
    records, counted = dossier.offered[table].records, _counted(dossier, table)
    home = Told(gap=counted) if isinstance(counted, Gap) else Told(values.instant(_only(counted, table)["newest"]))
    return why_home(table, Told(_newest(records, dossier.as_of), records.gap), home)


def _counted(dossier: Dossier, table: str) -> SqlAnswer | Gap:
    """How many records the home has; of a table that it lacks that is unknown, though a query went on without it."""
    if table in dossier.bound_gaps:
        return dossier.bound_gaps[table]
    return dossier.counted.get(table, Gap(TABLES[table].home, "not_applicable", "It was not asked."))


def _only(counted: SqlAnswer, table: str) -> Mapping[str, Any]:
    """The row of a table; one query counts several."""
    return next((row for row in counted.rows if row["table_name"] == table), {"records": 0, "newest": None})


def _known(records: Records, as_of: datetime) -> Sequence[datetime]:
    return [row[KNOWN_AT] for row in records.rows if row[KNOWN_AT] is not None and row[KNOWN_AT] < as_of]


def _newest(records: Records, as_of: datetime) -> datetime | None:
    return max(_known(records, as_of), default=None)


def _differences(dossier: Dossier) -> Iterator[TwoCounts]:
    for table, offer in dossier.offered.items():
        counted, records = _counted(dossier, table), offer.records
        if isinstance(counted, Gap) or not records.known or not records.receipts:
            continue
        ours = _fact(len(_known(records, dossier.as_of)), records.receipts, dossier.as_of)
        theirs = _fact(int(_only(counted, table)["records"] or 0), (counted.receipt,), dossier.as_of)
        if ours.value != theirs.value and second_of(table) is not None:
            yield TwoCounts(table, ours, theirs)


def _fact(number: int, receipts: tuple[Receipt, ...], as_of: datetime) -> Fact[int]:
    return Fact(number, "count", receipts, as_of)

"""What HubSpot's records have been: the history of their properties as it lands, and the states that come of it.

Of a property HubSpot keeps each value with the instant since when it stood, newest first, and of one that changed often only the
newest (`KEPT`). Only what figures of the past rest on is asked for, and no personal data is among it. A record is known from when
HubSpot has it: what it says of an earlier day (an imported date of creation) nobody had written down then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from customer_research.connect.source import LandingTable, Row
from customer_research.domain.records import names
from customer_research.sources.hubspot.normalise import instant, text

FOLLOWED: Mapping[str, tuple[str, ...]] = {
    "companies": names("lifecyclestage hubspot_owner_id contract_end_date renewal_date notes_last_updated"),
    "contacts": names("contact_status left_company_date"),
    "deals": names("dealstage pipeline amount closedate dealtype"),
}
"""The properties whose history is read, by object type."""

KEPT = 20
"""Values of a property that HubSpot gives at least; of one with as many, older ones may be lost."""

_OFTEN = frozenset(["notes_last_updated"])
"""Properties that change with every touch: that the oldest values are lost makes no other property unknown."""

HISTORY = LandingTable(
    "hubspot_history",
    ("type", "id", "property", "since"),
    {**dict.fromkeys(("type", "id", "property"), "text"), "since": "timestamp", "value": "text", "fetch_id": "text"},
)
"""Values that properties have had; the one without a name tells since when HubSpot has the record."""


def history_rows(kind: str, record: Mapping[str, Any]) -> list[Row]:
    """A record's history, oldest first; none where HubSpot did not give it."""
    told = record.get("propertiesWithHistory")
    if not isinstance(told, Mapping):
        return []
    found: list[tuple[str, datetime | None, str | None]] = [("", instant(_text(record.get("createdAt"))), None)]
    for name in FOLLOWED[kind]:
        versions = told.get(name) or ()
        found += [(name, instant(_text(one.get("timestamp"))), text(one.get("value"))) for one in reversed(versions)]
    return [
        {"type": kind, "id": str(record["id"]), "property": name, "since": since, "value": value}
        for name, since, value in found
        if since is not None
    ]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def states(kind: str, rows: Iterable[Row]) -> Iterator[tuple[datetime, Mapping[str, str | None]]]:
    """The instants at which one record's properties changed, each with what they were from then on."""
    ordered = sorted(rows, key=itemgetter("since"))
    begins = _begins(ordered)
    stood: dict[str, str | None] = dict.fromkeys(FOLLOWED[kind])
    for since, changes in groupby(ordered, key=lambda row: max(row["since"], begins)):
        stood |= {row["property"]: row["value"] for row in changes if row["property"]}
        yield since, dict(stood)


def _begins(rows: Sequence[Row]) -> datetime:
    """From when on all properties of a record are known: since it is there, or since the oldest value that is left."""
    of_each: dict[str, list[datetime]] = {}
    for row in rows:
        of_each.setdefault(row["property"], []).append(row["since"])
    cut = [since[0] for name, since in of_each.items() if len(since) >= KEPT and name not in _OFTEN]
    begun: datetime = of_each.get("", [rows[0]["since"]])[0]
    return max([begun, *cut])

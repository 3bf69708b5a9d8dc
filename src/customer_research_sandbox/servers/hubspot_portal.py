"""The records of a HubSpot portal and what changes them: edits, new records, the bin, merges."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from customer_research_sandbox.dataset import HubSpotRecords, Row
from customer_research_sandbox.servers.hubspot_schema import history, version

_FIRST_NEW = 90_000_000_001
MERGED = "hs_merged_object_ids"


class Portal:
    """A portal's objects. Archived ones are found in the list of archived records only; merged ids lead to what came of them.

    Changes stay in this portal: the records that it was made of are left alone.
    """

    def __init__(self, records: HubSpotRecords, now: str) -> None:
        self._now = now
        self._rows = {kind: list(rows) for kind, rows in records.objects.items()}
        self._by_id = {kind: {str(row["id"]): row for row in rows} for kind, rows in self._rows.items()}
        self._merged: dict[tuple[str, str], str] = {}
        for kind, rows in self._rows.items():
            for row in rows:
                self._note_merged(kind, row)
        self._next = _FIRST_NEW

    def rows(self, kind: str, *, archived: bool = False) -> Sequence[Row]:
        """The records of a type, or those in the bin."""
        return [row for row in self._rows.get(kind, ()) if bool(row.get("archived")) is archived]

    def find(self, kind: str, identifier: str) -> Row | None:
        """The record that has this id, or had it before a merge; None when there is none or it is in the bin."""
        while (kind, identifier) in self._merged:
            identifier = self._merged[kind, identifier]
        row = self._by_id.get(kind, {}).get(identifier)
        return None if row is None or row.get("archived") else row

    def binned(self, kind: str, identifier: str) -> Row | None:
        """The record of this id in the bin."""
        row = self._by_id.get(kind, {}).get(identifier)
        return row if row is not None and row.get("archived") else None

    def targets(self, row: Row | None, to: str) -> list[str]:
        """Ids of the associated objects of a type; those in the bin are associated no more."""
        listed = [] if row is None else [str(i) for i in (row.get("associations") or {}).get(to, [])]
        known = self._by_id.get(to, {})
        return [identifier for identifier in listed if not known.get(identifier, {}).get("archived")]

    def edit(self, kind: str, identifier: str, properties: Mapping[str, str | None]) -> Row | None:
        """Give a record these property values; None when there is none."""
        row = self._own(kind, identifier)
        if row is not None:
            past = row.setdefault("history", {})
            for name, value in properties.items():
                before = past.get(name) or history(row, [name])[name]
                past[name] = [version(value, self._now), *before]
            row["properties"] |= properties
            self._touch(kind, row)
        return row

    def add(self, kind: str, properties: Mapping[str, str | None], associated: Sequence[tuple[str, str]]) -> Row:
        """A new record, associated with others (object type, id) both ways."""
        identifier = str(self._next)
        self._next += 1
        created = "createdate" if kind in {"companies", "contacts", "deals"} else "hs_createdate"
        row: Row = {
            "id": identifier,
            "properties": {created: self._now, "hs_object_id": identifier, **properties},
            "createdAt": self._now,
            "updatedAt": self._now,
            "archived": False,
            "associations": {},
        }
        self._rows.setdefault(kind, []).append(row)
        self._by_id.setdefault(kind, {})[identifier] = row
        self._touch(kind, row)
        for other, number in associated:
            row["associations"].setdefault(other, []).append(number)
            back = self._own(other, number)
            if back is not None:
                back.setdefault("associations", {}).setdefault(kind, []).append(identifier)
        return row

    def archive(self, kind: str, identifier: str) -> bool:
        """Put a record into the bin; whether there was one."""
        row = self._own(kind, identifier)
        if row is not None:
            row |= {"archived": True, "archivedAt": self._now}
        return row is not None

    def merge(self, kind: str, first: str, second: str) -> Row | None:
        """Merge two records into a new one, as HubSpot does: both ids lead to it; None when one is not there."""
        one, other = self.find(kind, first), self.find(kind, second)
        if one is None or other is None:
            return None
        linked = [
            (to, identifier)
            for row in (one, other)
            for to in row.get("associations") or {}
            for identifier in self.targets(row, to)
        ]
        properties = {name: value for name, value in one["properties"].items() if name != "hs_object_id"}
        before = [row["properties"].get(MERGED) for row in (one, other)]
        properties[MERGED] = ";".join(filter(None, (*before, str(one["id"]), str(other["id"]))))
        for row in (one, other):
            self.archive(kind, str(row["id"]))
        made = self.add(kind, properties, list(dict.fromkeys(linked)))
        self._note_merged(kind, made)
        return made

    def _own(self, kind: str, identifier: str) -> Row | None:
        """A record of this portal's own, to be changed."""
        row = self.find(kind, identifier)
        if row is None:
            return None
        own = copy.deepcopy(row)
        self._by_id[kind][str(row["id"])] = own
        self._rows[kind][self._rows[kind].index(row)] = own
        return own

    def _touch(self, kind: str, row: Row) -> None:
        row["properties"]["lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"] = self._now
        row["updatedAt"] = self._now

    def _note_merged(self, kind: str, row: Row) -> None:
        for old in filter(None, str((row.get("properties") or {}).get(MERGED) or "").split(";")):
            self._merged[kind, old.strip()] = str(row["id"])

"""How a HubSpot portal is set up: pipelines with their stages, groups of properties, custom object types (it has none)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.vocabulary import PIPELINES

_WON = ("won", "paid account")
_LOST = ("lost",)
_MADE = "2023-01-01T00:00:00.000Z"

HISTORY_MOST = 20
"""Values of a property's history that are kept: the newest."""


def pipelines(kind: str) -> list[Row]:
    """The pipelines of an object type, in their order; only deals have any."""
    return [_pipeline(place, name) for place, name in enumerate(PIPELINES)] if kind == "deals" else []


def _pipeline(place: int, name: str) -> Row:
    label, stages = PIPELINES[name]
    last = max(len(stages) - 1, 1)
    return {
        "id": name,
        "label": label,
        "displayOrder": place,
        "stages": [_stage(number, last, stage, words) for number, (stage, words) in enumerate(stages.items())],
        "createdAt": _MADE,
        "updatedAt": _MADE,
        "archived": False,
    }


def _stage(number: int, last: int, identifier: str, label: str) -> Row:
    """A stage with what decides whether a deal in it is closed, as texts."""
    words = label.casefold()
    lost, won = any(one in words for one in _LOST), any(one in words for one in _WON)
    probability = 0.0 if lost else 1.0 if won else round(0.1 + 0.8 * number / last, 1)
    closed = "true" if lost or won else "false"
    return {
        "id": identifier,
        "label": label,
        "displayOrder": number,
        "metadata": {"isClosed": closed, "probability": f"{probability:.1f}"},
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        "createdAt": _MADE,
        "updatedAt": _MADE,
        "archived": False,
    }


def is_closed(label: str) -> bool:
    """Whether a deal in the stage of this label is over, won or lost."""
    return any(one in label.casefold() for one in (*_LOST, *_WON))


class PropertyError(ValueError):
    """A property or group that cannot be made, with the status and category of the answer."""

    def __init__(self, status: int, category: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.category = status, category


class Properties:
    """The property definitions of one portal, by object type, and their groups; those that it was made of are left alone."""

    def __init__(self, definitions: Mapping[str, Sequence[Row]], now: str) -> None:
        self._now = now
        self._named = {kind: {str(row["name"]): row for row in rows} for kind, rows in definitions.items()}
        self._groups: dict[str, dict[str, Row]] = {}

    def named(self, kind: str) -> Mapping[str, Row]:
        """An object type's definitions by name."""
        return self._named.get(kind, {})

    def listed(self, kind: str) -> list[Row]:
        """An object type's definitions, in order."""
        return list(self.named(kind).values())

    def groups(self, kind: str) -> list[Row]:
        """The groups that definitions name, in order, and those that were made."""
        names = dict.fromkeys(str(row["groupName"]) for row in self.listed(kind) if row.get("groupName"))
        found = {
            name: {"name": name, "label": name.replace("_", " ").capitalize(), "displayOrder": place, "archived": False}
            for place, name in enumerate(names)
        }
        return list({**found, **self._groups.get(kind, {})}.values())

    def add_group(self, kind: str, made: Row) -> Row:
        """A new group."""
        name = str(made.get("name") or "")
        if name in {row["name"] for row in self.groups(kind)}:
            raise PropertyError(409, "CONFLICT", f"A property group named '{name}' already exists.")
        row = {**made, "archived": False}
        self._groups.setdefault(kind, {})[name] = row
        return row

    def add(self, kind: str, made: Row) -> Row:
        """A new property, in a group that is there."""
        lacking = [name for name in ("groupName", "name", "label", "type", "fieldType") if not made.get(name)]
        if lacking:
            raise PropertyError(400, "VALIDATION_ERROR", f"Invalid input JSON: {lacking[0]} is required")
        if made["name"] in self.named(kind):
            raise PropertyError(409, "CONFLICT", f"A property named '{made['name']}' already exists.")
        if made["groupName"] not in {row["name"] for row in self.groups(kind)}:
            raise PropertyError(400, "VALIDATION_ERROR", f"Property group {made['groupName']} does not exist.")
        row = {"options": [], "hidden": False, "hubspotDefined": False, "archived": False, **made}
        row |= {"createdAt": self._now, "updatedAt": self._now}
        self._named.setdefault(kind, {})[str(made["name"])] = row
        return row

    def wrong(self, kind: str, values: Mapping[str, str | None]) -> str:
        """What is not valid in values that a record is to be given; empty: nothing."""
        for name, value in values.items():
            known = self.named(kind).get(name)
            if known is None:
                return f'Property "{name}" does not exist'
            if value and not _fits(known, value):
                return f'"{value}" is no valid {known["type"]} for property "{name}"'
        return ""


def _fits(known: Row, value: str) -> bool:
    if known["type"] == "enumeration":
        return not known["options"] or value in {one["value"] for one in known["options"]}  # owners are none of them
    if known["type"] == "number":
        return value.removeprefix("-").replace(".", "", 1).isdigit()
    return known["type"] != "date" or _is_day(value)


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def history(row: Row, names: Sequence[str]) -> Mapping[str, list[Row]]:
    """What each property has been, newest first: since when the record has its value, and what was changed meanwhile."""
    noted = row.get("history") or {}
    found: dict[str, list[Row]] = {}
    for name in names:
        versions = noted.get(name)
        if versions is None and (value := row["properties"].get(name)) not in {None, ""}:
            versions = [version(str(value), str(row["createdAt"]))]
        found[name] = list(versions or ())[:HISTORY_MOST]
    return found


def version(value: str | None, timestamp: str) -> Row:
    """One entry of a property's history."""
    return {"value": value or "", "timestamp": timestamp, "sourceType": "CRM_UI", "sourceId": "sandbox"}

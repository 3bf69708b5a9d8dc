"""How a HubSpot portal is set up: pipelines with their stages, groups of properties, custom object types (it has none)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def groups(definitions: Sequence[Row]) -> list[Row]:
    """The groups that property definitions name, in order."""
    names = dict.fromkeys(str(row["groupName"]) for row in definitions if row.get("groupName"))
    return [
        {"name": name, "label": name.replace("_", " ").capitalize(), "displayOrder": place, "archived": False}
        for place, name in enumerate(names)
    ]


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

"""What bodies of requests to HubSpot may hold."""

from __future__ import annotations

from customer_research_sandbox.servers import shapes
from customer_research_sandbox.servers.shapes import Shape

FILTER = shapes.record(
    {
        "propertyName": shapes.text,
        "operator": shapes.text,
        "value": shapes.scalar,
        "highValue": shapes.scalar,
        "values": shapes.each(shapes.scalar),
    }
)
SORT = shapes.record({"propertyName": shapes.text, "direction": shapes.text})
SEARCH: dict[str, Shape] = {
    "filterGroups": shapes.each(shapes.record({"filters": shapes.each(FILTER)})),
    "query": shapes.text,
    "sorts": shapes.each(shapes.either(shapes.text, SORT)),
    "properties": shapes.each(shapes.text),
    "limit": shapes.whole,
    "after": shapes.scalar,
}
INPUTS: dict[str, Shape] = {"inputs": shapes.each(shapes.record({"id": shapes.scalar, "after": shapes.scalar}, "id"))}
VALUES = shapes.named(shapes.maybe(shapes.text))
TARGET = shapes.record(
    {
        "to": shapes.record({"id": shapes.scalar}, "id"),
        "types": shapes.each(shapes.record({"associationCategory": shapes.text, "associationTypeId": shapes.whole})),
    },
    "to",
)
EDIT: dict[str, Shape] = {"properties": VALUES}
CREATE: dict[str, Shape] = {**EDIT, "associations": shapes.each(TARGET)}
UPDATES: dict[str, Shape] = {
    "inputs": shapes.each(shapes.record({"id": shapes.scalar, "properties": VALUES}, "id", "properties"))
}
UPSERTS: dict[str, Shape] = {
    "inputs": shapes.each(
        shapes.record(
            {"id": shapes.scalar, "idProperty": shapes.text, "properties": VALUES}, "id", "idProperty", "properties"
        )
    )
}
OPTION = shapes.record(
    {"value": shapes.text, "label": shapes.text, "displayOrder": shapes.whole, "hidden": shapes.flag}, "value", "label"
)
PROPERTY: dict[str, Shape] = {
    **dict.fromkeys(("name", "label", "type", "fieldType", "groupName", "description"), shapes.text),
    "options": shapes.each(OPTION),
    "hasUniqueValue": shapes.flag,
}
GROUP: dict[str, Shape] = {"name": shapes.text, "label": shapes.text, "displayOrder": shapes.whole}
MERGE: dict[str, Shape] = {"primaryObjectId": shapes.scalar, "objectIdToMerge": shapes.scalar}
BATCH: dict[str, Shape] = {
    **INPUTS,
    "properties": shapes.each(shapes.text),
    "propertiesWithHistory": shapes.each(shapes.text),
    "idProperty": shapes.text,
}

"""Notion's tickets as canonical rows: property values, the schema the figures need, state, and dates; pure.

A property is found by its name without regard to case, and read by whatever type it has, since people rename and retype
columns. A property that a figure needs and that is gone is `SchemaChanged`: without Status no ticket is open or closed.
A single page that came without one is a ticket of which it is unknown whether it is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from customer_research.connect.source import Row
from customer_research.domain import values
from customer_research.domain.values import listed, spelt
from customer_research.domain.vocabularies import SPELLINGS
from customer_research.errors import SchemaChanged
from customer_research.sources.notion.records import TABLES

SOURCE_NAME = "notion"
STREAM = "tickets"

CLOSED_STATUSES = frozenset(["not doing anymore", "archived", "done"])
DONE = "done"
STAGES = (
    "Not started",
    "Backlog",
    "Problem Validation",
    "Product Design / Work",
    "UI Design",
    "Ready for dev",
    "Eng Design",
    "In Development",
    "QA",
    "Code Review",
    "Deployed / Done",
    "Blocked",
)
DEPLOYED = "Deployed / Done"
TYPES = ("Bug", "Feature", "Request", "Insight", "Issue", "Enterprise", "Product", "Module")
GENERIC_TAGS = ("Enterprise", "Shuttle")
"""Vocabularies, compared without regard to case; the last never identify an operator."""

COMMITMENT_TAG = "Enterprise"

ROLES: Mapping[str, tuple[str, ...]] = {
    "status": ("status",),
    "stage": ("stage",),
    "priority": ("priority",),
    "types": ("type", "types"),
    "tags": ("tags", "tag"),
    "due_date": ("due date", "due"),
    "operator_id": ("operator_id", "operator id", "moovs_operator_id"),
    "description": ("description",),
    "summary": ("summary",),
}
"""What a property is for → the names (lower case) it may have. Title and number are found by their types."""

NEEDED = ("title", "status", "stage", "priority", "types", "tags", "due_date")
"""Without these a figure of the catalogue would be wrong, so that their absence is an error."""

UNREADABLE = frozenset(["relation", "button", "unsupported"])
"""Types whose values say nothing by themselves: a relation tells ids of other pages, and not what they are called."""

GROUP = "status group"
"""The role under which a ticket keeps the group of its status."""

OPEN_GROUPS = frozenset(["to-do", "in progress"])
CLOSED_GROUPS = frozenset(["complete"])
"""Notion's own groups of a status property: they stay when somebody renames an option."""

TEXT_TYPES = frozenset(["title", "rich_text", "url", "email", "phone_number"])


@dataclass(frozen=True, slots=True)
class Property:
    """One property of the tickets: its name as Notion spells it, its type, and its options where it has any."""

    name: str
    type: str
    options: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    """Of a status: option (lower case) → its group (lower case)."""


Schema = Mapping[str, Property]
"""The properties by what they are for."""


def probe(properties: Mapping[str, Any], own: Mapping[str, Iterable[str]] | None = None) -> Schema:
    """The properties that the tickets use, by role; those that are missing are left out.

    *own* are names of the user's for roles, which count before the usual ones.
    """
    found: dict[str, Property] = {}
    by_name = {name.strip().casefold(): _property(name, value) for name, value in properties.items()}
    for role, usual in ROLES.items():
        names = (*(name.strip().casefold() for name in (own or {}).get(role, ())), *usual)
        match = next((by_name[name] for name in names if name in by_name), None)
        if match is not None:
            found[role] = match
    for role, kind in (("title", "title"), ("number", "unique_id")):
        match = next((item for item in by_name.values() if item.type == kind), None)
        if match is not None:
            found[role] = match
    return found


def _property(name: str, value: Any) -> Property:
    given = value if isinstance(value, Mapping) else {}
    kind = str(given.get("type") or "")
    inside = given.get(kind)
    options = inside.get("options") or () if isinstance(inside, Mapping) else ()
    return Property(name, kind, tuple(str(option["name"]) for option in options if "name" in option), _groups(inside))


def _groups(inside: Any) -> dict[str, str]:
    """Option → group of a status property's description."""
    if not isinstance(inside, Mapping):
        return {}
    names = {option.get("id"): str(option.get("name")) for option in inside.get("options") or ()}
    return {
        names[identifier].strip().casefold(): str(group.get("name")).strip().casefold()
        for group in inside.get("groups") or ()
        for identifier in group.get("option_ids") or ()
        if identifier in names
    }


def unreadable(schema: Schema) -> tuple[str, ...]:
    """The properties that the figures need and whose type tells nothing, as Notion names them, with their type."""
    wanted = ((role, schema[role]) for role in (*NEEDED, "operator_id") if role in schema)
    return tuple(
        f"{item.name} ({item.type})"
        for role, item in wanted
        if item.type in UNREADABLE or (role == "due_date" and item.type in TEXT_TYPES)
    )


def lacking(schema: Schema) -> tuple[str, ...]:
    """The needed properties that a schema does not have, as Notion names them."""
    return tuple(role.replace("_", " ").title() for role in NEEDED if role not in schema)


def resembles(properties: Mapping[str, Any], schema: Schema) -> bool:
    """Whether a data source without all that tickets need may hold some nevertheless, under other names.

    It does not where nothing has a state: no property that tickets need but the title, no status, no select.
    """
    states = any(_property(name, value).type in {"status", "select"} for name, value in properties.items())
    return states or any(role in schema for role in NEEDED if role != "title")


def require(schema: Schema) -> None:
    """Nothing, when the schema has what the figures need.

    Raises:
        SchemaChanged: it has not.
    """
    gone = lacking(schema)
    if gone:
        raise _changed(f"The tickets database has no property {', '.join(gone)}.")


def _changed(sentence: str) -> SchemaChanged:
    return SchemaChanged(
        sentence,
        source=SOURCE_NAME,
        stream=STREAM,
        hint="Restore it in Notion, or say in notion.properties what it is called: `customer-research doctor --online`.",
    )


@dataclass(frozen=True, slots=True)
class Ticket:
    """A page's values, read by role."""

    page_id: str
    values: Mapping[str, Any]
    created_at: datetime | None
    edited_at: datetime | None
    url: str | None
    lacks: tuple[str, ...] = ()
    """Properties that a figure needs and that this page came without."""

    def text(self, role: str) -> str | None:
        """The value as one text."""
        value = self.values.get(role)
        if isinstance(value, tuple):
            return ", ".join(value) or None
        return value

    def names(self, role: str) -> tuple[str, ...]:
        """The value as a list of names."""
        value = self.values.get(role)
        if isinstance(value, tuple):
            return value
        return () if value is None else (value,)


def read_page(page: Mapping[str, Any], schema: Schema) -> Ticket:
    """The page's values.

    Raises:
        SchemaChanged: the page has no id.
    """
    given = page.get("properties")
    given = given if isinstance(given, Mapping) else {}
    if not page.get("id"):
        raise _changed("A ticket came without id.")
    values = {role: value_of(given.get(item.name)) for role, item in schema.items()}
    status = values.get("status")
    values[GROUP] = schema["status"].groups.get(status.strip().casefold()) if isinstance(status, str) else None
    return Ticket(
        page_id=str(page["id"]),
        values=values,
        created_at=instant(page.get("created_time")),
        edited_at=instant(page.get("last_edited_time")),
        url=page.get("url") or None,
        lacks=tuple(schema[role].name for role in NEEDED if schema[role].name not in given),
    )


def whole(ticket: Ticket) -> Ticket:
    """The ticket, if it came with all that figures need.

    Raises:
        SchemaChanged: it lacks a property that the schema says it has.
    """
    if ticket.lacks:
        raise _changed(f"A ticket came without {', '.join(ticket.lacks)}.")
    return ticket


def value_of(value: Any) -> str | tuple[str, ...] | None:
    """What a property value says: a text, a list of names (multi-select, people), or None when empty."""
    if not isinstance(value, Mapping):
        return None
    kind = str(value.get("type") or "")
    inside = value.get(kind)
    if kind in {"formula", "rollup"} and isinstance(inside, Mapping):
        return value_of(inside)
    if kind == "array" and isinstance(inside, list):
        return _together(map(value_of, inside))
    if isinstance(inside, Mapping):
        return _mapping_value(kind, inside)
    if isinstance(inside, Sequence) and not isinstance(inside, str):
        return _list_value(kind, inside)
    return str(inside).strip() or None if inside is not None else None


def _together(values: Iterable[str | tuple[str, ...] | None]) -> str | tuple[str, ...] | None:
    """What a rollup's values say: one text as it is, several as names."""
    names = tuple(
        dict.fromkeys(name for value in values if value for name in ((value,) if isinstance(value, str) else value))
    )
    return names[0] if len(names) == 1 else names or None


def _mapping_value(kind: str, inside: Mapping[str, Any]) -> str | None:
    if kind == "unique_id":
        prefix, number = inside.get("prefix"), inside.get("number")
        return None if number is None else f"{prefix}-{number}" if prefix else str(number)
    found = inside.get("start") if kind == "date" else inside.get("name")
    return None if found is None else str(found)


def _list_value(kind: str, inside: Iterable[Any]) -> str | tuple[str, ...] | None:
    parts = [part for part in inside if isinstance(part, Mapping)]
    if kind in {"title", "rich_text"}:
        return "".join(str(part.get("plain_text") or "") for part in parts).strip() or None
    return tuple(str(part["name"]) for part in parts if part.get("name"))


def ticket_row(ticket: Ticket, operator_id: str, *, matched_by: str, is_certain: bool) -> Row:
    """The `ticket` row."""
    return matched(page_row(ticket), operator_id, matched_by=matched_by, is_certain=is_certain)


def matched(row: Row, operator_id: str, *, matched_by: str, is_certain: bool) -> Row:
    """The `ticket` row of a page's row: whose it is, by which path, and whether that is certain."""
    whole = {**row, "operator_id": operator_id, "matched_by": matched_by, "is_certain": is_certain}
    return {name: whole[name] for name in TABLES["ticket"].column_names if name in whole}


def page_row(ticket: Ticket) -> Row:
    """The columns of a `ticket` row that do not depend on whose it is."""
    status = spelt(ticket.text("status"), SPELLINGS["ticket.status"])
    stages = tuple(spelt(name, STAGES) or name for name in ticket.names("stage"))
    tags = tuple(spelt(name, GENERIC_TAGS) or name for name in ticket.names("tags"))
    due = day(ticket.text("due_date"))
    return {
        "ticket_id": ticket.page_id,
        "number": ticket.text("number"),
        "title": ticket.text("title"),
        "status": status,
        "stage": listed(stages),
        "priority": spelt(ticket.text("priority"), SPELLINGS["ticket.priority"]),
        "types": listed(spelt(name, TYPES) or name for name in ticket.names("types")),
        "tags": listed(tags),
        "due_date": due,
        "is_open": None if ticket.lacks else is_open(status, stages, ticket.text(GROUP)),
        "is_done": (status or "").casefold() == DONE,
        "is_commitment": COMMITMENT_TAG in tags and due is not None,
        "created_at": ticket.created_at,
        "edited_at": ticket.edited_at,
        "url": ticket.url,
    }


def is_open(status: str | None, stages: Iterable[str], group: str | None = None) -> bool | None:
    """Status not Done, Archived or Not doing anymore, and no stage Deployed / Done.

    A status of another name is what its group says; None stands for one of no known group.
    """
    if any(stage.casefold() == DEPLOYED.casefold() for stage in stages):
        return False
    word = (status or "").casefold()
    if not word or word in _KNOWN_STATUSES:
        return word not in CLOSED_STATUSES
    if group in CLOSED_GROUPS:
        return False
    return True if group in OPEN_GROUPS else None


_KNOWN_STATUSES = frozenset(status.casefold() for status in SPELLINGS["ticket.status"])


instant = values.lenient(values.instant)
"""An ISO 8601 instant in UTC; a ticket without one is told as a gap."""
day = values.lenient(values.day)
"""The day of a date property as written there; only a property that is no date has nonsense, and is named (`unreadable`)."""

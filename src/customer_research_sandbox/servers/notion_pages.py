"""The workspace's pages: tickets as pages of the tickets database, and what is written while the sandbox runs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from customer_research_sandbox.dataset import NotionRecords, Row
from customer_research_sandbox.servers import shapes
from customer_research_sandbox.servers.notion_answers import BOT
from customer_research_sandbox.servers.notion_blocks import MAX_TEXT, rich_text, rich_text_shape, text_of
from customer_research_sandbox.servers.notion_filters import FilterError, definition_of, moment
from customer_research_sandbox.servers.wire import made_up_id

HOME_PAGE = made_up_id("notion", "home")
"""A page shared with the integration, under which new pages may be made."""

PERSON = made_up_id("notion", "person")
"""Somebody who edits pages by hand."""

REPORTS_DATABASE, REPORTS_DATA_SOURCE = made_up_id("notion", "reports"), made_up_id("notion", "reports-source")
_REPORT_PROPERTIES = {
    "Name": "title",
    "Operator ID": "rich_text",
    "Report": "rich_text",
    "Score": "number",
    "Band": "select",
    "As of": "date",
    "Export key": "rich_text",
}
_COLUMNS = {
    "Name": "title",
    "ID": "number",
    "Status": "status",
    "Stage": "stage",
    "Priority": "priority",
    "Type": "types",
    "Priority Score": "priority_score",
    "Customer Impact Score": "impact_score",
    "Level of Effort Score": "effort_score",
    "Assigned To": "assigned",
    "Team": "team",
    "Due Date": "due_date",
    "Tags": "tags",
    "Description": "description",
    "Summary": "summary",
    "operator_id": "operator_id",
}
"""Property names and the ticket row's field that each shows."""


@dataclass(frozen=True, slots=True)
class Container:
    """A database with its one data source; `schema` is name → property object, and clients may add to it."""

    database_id: str
    data_source_id: str
    title: str
    schema: dict[str, Row]

    @property
    def parent(self) -> Row:
        """What a page in it says of its place."""
        return {"type": "data_source_id", "data_source_id": self.data_source_id, "database_id": self.database_id}


def property_object(name: str, kind: str, place: int) -> Row:
    """A property of a schema, without options."""
    return {"id": "title" if kind == "title" else f"q%3A{place:02d}", "name": name, "type": kind, kind: {}}


@dataclass(slots=True)
class Page:
    """One page: `properties` are Notion property values by name, `markdown` is its content."""

    id: str
    parent: Row
    properties: dict[str, Row]
    markdown: str
    created_time: str
    last_edited_time: str
    in_trash: bool = False
    last_edited_by: str = BOT

    def as_row(self) -> Row:
        """What filters and sorts look at."""
        return {
            "id": self.id,
            "properties": self.properties,
            "created_time": self.created_time,
            "last_edited_time": self.last_edited_time,
        }

    @property
    def title(self) -> str:
        """The text of the title property."""
        return next((text_of(value["title"]) for value in self.properties.values() if value["type"] == "title"), "")


class Workspace:
    """All pages by id. Writes stay in memory; a write's time is the world's as-of."""

    def __init__(self, records: NotionRecords, as_of: datetime) -> None:
        tickets = Container(records.database_id, records.data_source_id, records.title, records.schema)
        report_schema = {
            name: property_object(name, kind, place) for place, (name, kind) in enumerate(_REPORT_PROPERTIES.items())
        }
        self.tickets = tickets
        self.containers = (
            tickets,
            Container(REPORTS_DATABASE, REPORTS_DATA_SOURCE, "Operator reports", report_schema),
        )
        self.now = as_of.strftime("%Y-%m-%dT%H:%M:00.000Z")
        self.people: dict[str, Row] = {}
        home = Page(
            HOME_PAGE,
            {"type": "workspace", "workspace": True},
            {"title": title_value("Customer research")},
            "",
            self.now,
            self.now,
        )
        self.pages: dict[str, Page] = {home.id: home}
        for ticket in records.tickets:
            page = self._ticket(ticket)
            self.pages[page.id] = page
        self._next_number = max((ticket["number"] for ticket in records.tickets), default=0) + 1

    def _ticket(self, ticket: Row) -> Page:
        properties = {
            name: self._value(definition, ticket.get(_COLUMNS.get(name, name)))
            for name, definition in self.tickets.schema.items()
        }
        parent = self.tickets.parent
        times = ticket["created_time"], ticket["last_edited_time"]
        return Page(str(uuid.UUID(ticket["page_id"])), parent, properties, ticket.get("body") or "", *times)

    def container_of(self, parent: Row) -> Container | None:
        """The container of pages with that parent; None for a page below another page."""
        own = parent.get("data_source_id")
        return next((one for one in self.containers if one.data_source_id == own), None)

    def pages_of(self, container: Container, *, in_trash: bool = False) -> list[Page]:
        """A container's pages, newest first: those in the trash, or those that are not."""
        own, pages = container.data_source_id, self.pages.values()
        found = [page for page in pages if page.parent.get("data_source_id") == own and page.in_trash is in_trash]
        return sorted(found, key=lambda page: (page.created_time, page.id), reverse=True)

    def create(self, parent: Row, properties: Mapping[str, Any], markdown: str) -> Page:
        """Make a page below *parent*.

        Raises:
            FilterError: for a property that the parent does not have, or a value of the wrong type.
        """
        container = self.container_of(parent)
        values = self.values(properties, container)
        if container is not None:
            complete = {name: self._value(definition, None) for name, definition in container.schema.items()}
            values = {**complete, **values}
            number = {"prefix": "DOOM", "number": self._next_number}
            values |= {
                name: {**value, "unique_id": number} for name, value in values.items() if value["type"] == "unique_id"
            }
            self._next_number += 1
        page = Page(str(uuid.uuid4()), parent, values, markdown, self.now, self.now)
        self.pages[page.id] = page
        return page

    def values(self, properties: Mapping[str, Any], container: Container | None) -> dict[str, Row]:
        """Property values as written, checked against the parent's schema.

        Raises:
            FilterError: as `create` says.
        """
        schema: Mapping[str, Row] = container.schema if container else {"title": {"id": "title", "type": "title"}}
        written = {}
        for name, given in properties.items():
            definition = definition_of(name, schema)
            written[definition["name"]] = self._written(definition, given)
        return written

    def _written(self, definition: Row, given: Any) -> Row:
        kind, name = definition["type"], definition["name"]
        if isinstance(given, list) and kind == "title":
            given = {"title": given}
        if not isinstance(given, dict) or kind not in given:
            raise FilterError(f"{name} is expected to be {kind}.")
        inner = given[kind]
        try:
            _WRITTEN.get(kind, shapes.anything)(inner, f"body.properties.{name}.{kind}")
        except shapes.ShapeError as error:
            raise FilterError(f"body failed validation: {error}") from error
        if kind == "date" and inner:
            moment(inner["start"])
        if kind in {"title", "rich_text"}:
            return {"id": definition["id"], "type": kind, kind: _short(name, kind, inner)}
        if kind in {"select", "status"}:
            return self._value(definition, inner["name"] if inner else None)
        if kind == "multi_select":
            return self._value(definition, [option["name"] for option in inner])
        return {"id": definition["id"], "type": kind, kind: inner}

    def _value(self, definition: Row, value: Any) -> Row:
        """A ticket row's value as a Notion property value."""
        kind = definition["type"]
        return {"id": definition["id"], "type": kind, kind: self._inner(definition, kind, value)}

    def _inner(self, definition: Row, kind: str, value: Any) -> Any:
        if kind in {"title", "rich_text"}:
            return rich_text(value or "")
        if kind == "unique_id":
            return {"prefix": definition.get("unique_id", {}).get("prefix") or "DOOM", "number": value}
        if kind in {"multi_select", "people"}:
            return [self._person(item) if kind == "people" else _option(definition, kind, item) for item in value or ()]
        if value is None or kind not in {"select", "status", "date"}:
            return value
        return {"start": value, "end": None, "time_zone": None} if kind == "date" else _option(definition, kind, value)

    def _person(self, name: str) -> Row:
        if name not in self.people:
            email = f"{'.'.join(name.casefold().split())}@team.example.com"
            shared = {"object": "user", "id": made_up_id("user", name), "name": name, "avatar_url": None}
            self.people[name] = {**shared, "type": "person", "person": {"email": email}}
        return self.people[name]


_OPTION = shapes.record({"name": shapes.text}, "name")
_DATE = shapes.record({"start": shapes.text, "end": shapes.text, "time_zone": shapes.text}, "start")
_WRITTEN: dict[str, shapes.Shape] = {
    "title": rich_text_shape,
    "rich_text": rich_text_shape,
    "select": shapes.maybe(_OPTION),
    "status": shapes.maybe(_OPTION),
    "multi_select": shapes.each(_OPTION),
    "people": shapes.each(shapes.record({"id": shapes.text}, "id")),
    "date": shapes.maybe(_DATE),
    "number": shapes.maybe(shapes.number),
    "checkbox": shapes.flag,
}
"""What clients write into a property of each type."""


def _short(name: str, kind: str, parts: list[Row]) -> list[Row]:
    """Rich text as it is kept; raises `FilterError` when a part is too long."""
    if any(len(str((part.get("text") or {}).get("content") or "")) > MAX_TEXT for part in parts):
        place = f"body.properties.{name}.{kind}[0].text.content.length"
        raise FilterError(f"body failed validation: {place} should be ≤ `{MAX_TEXT}`.")
    return rich_text(text_of(parts))


def title_value(text: str) -> Row:
    """A title property value."""
    return {"id": "title", "type": "title", "title": rich_text(text)}


def _option(definition: Row, kind: str, name: str) -> Row:
    for option in definition.get(kind, {}).get("options", []):
        if option["name"] == name:
            return {key: option[key] for key in ("id", "name", "color") if key in option}
    return {"id": made_up_id("option", definition["id"], name)[:8], "name": name, "color": "default"}

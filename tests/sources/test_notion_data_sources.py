"""A tickets database of several data sources: what its tickets' properties are called elsewhere is told, or it is a gap by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import pytest
from crm_records import OPERATOR, clock, closing, notion_schema, quick, settings_of, subject
from pulled import Kept, unstamped

from customer_research.connect.source import Batch
from customer_research.domain.check import Diagnosis
from customer_research.errors import ConfigError
from customer_research.sources.notion.bulk import BEGINNING, PAGE
from customer_research.sources.notion.live import fetch
from customer_research.sources.notion.session import NotionSession
from customer_research.sources.notion.settings import NotionSettings
from customer_research.sources.notion.source import SOURCE

(STREAM,) = SOURCE.bulk
LINK, _ = SOURCE.links
ROLES = {
    "Status": ("status", "State"),
    "Stage": ("stage", "Phase"),
    "Priority": ("priority", "Urgency"),
    "Type": ("types", "Kind"),
    "Tags": ("tags", "Labels"),
    "Due Date": ("due_date", "Deadline"),
}
"""What a property is called, what it is for, and what it is called elsewhere."""

VALUES: Mapping[str, Any] = {
    "Name": [{"plain_text": "Import"}],
    "ID": {"prefix": "DOOM", "number": 7},
    "Status": {"name": "In progress"},
    "Stage": [{"name": "Backlog"}],
    "Priority": {"name": "High"},
    "Type": [{"name": "Bug"}],
    "Tags": [{"name": "HLL"}],
    "Due Date": {"start": "2026-11-20"},
    "operator_id": [{"plain_text": OPERATOR}],
}


class Workspace:
    """A tickets database whose second data source has other names for some properties, or other properties altogether."""

    def __init__(self, renamed: Mapping[str, str], second: Mapping[str, Any] | None = None) -> None:
        other = {renamed.get(name, name): body for name, body in notion_schema().items()}
        self._schemas = {"ds-0": notion_schema(), "ds-1": other if second is None else second}
        self.asked: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if "/databases/" in path:
            return httpx2.Response(200, json={"object": "database", "data_sources": [{"id": "ds-0"}, {"id": "ds-1"}]})
        source = path.removesuffix("/query").rpartition("/")[2]
        if path.endswith("/query"):
            self.asked.append(source)
            return httpx2.Response(200, json={"results": [self._page(source)], "has_more": False})
        title = [{"plain_text": "Tickets" if source == "ds-0" else "Escalations"}]
        return httpx2.Response(200, json={"object": "data_source", "title": title, "properties": self._schemas[source]})

    def _page(self, source: str) -> dict[str, Any]:
        values = dict(zip(self._schemas[source], notion_schema(), strict=False))
        properties = {
            name: {"type": body["type"], body["type"]: VALUES.get(values[name])}
            for name, body in self._schemas[source].items()
        }
        moment = "2026-10-02T10:00:00.000Z"
        return {"id": f"page-{source}", "created_time": moment, "last_edited_time": moment, "properties": properties}


def working(workspace: Workspace, work: Callable[[NotionSession], Any], **own: Any) -> Any:
    settings = settings_of(notion={"token": "t0ken", **own})
    transport = httpx2.MockTransport(workspace)
    return asyncio.run(closing(NotionSession(settings, clock, transport=transport, pace=quick()), work))


def live(workspace: Workspace, **own: Any) -> Batch:
    batch: Batch = working(workspace, lambda session: fetch(session, subject()), **own)
    return batch


def in_bulk(workspace: Workspace, **own: Any) -> Kept:
    kept = Kept()
    working(workspace, lambda session: kept.pull(session, STREAM), **own)
    return kept


def doctor(workspace: Workspace, **own: Any) -> Diagnosis:
    check = next(check for check in SOURCE.checks if check.name == "properties")
    result: Diagnosis = working(workspace, lambda session: check.run(session, None), **own)
    return result


NAMED = [*({name: other} for name, (_, other) in ROLES.items()), {name: other for name, (_, other) in ROLES.items()}]


@pytest.mark.parametrize("renamed", NAMED, ids=" ".join)
def test_other_names_that_nobody_has_told_are_a_gap_that_names_them(renamed: dict[str, str]) -> None:
    lacking = ", ".join({"Type": "Types"}.get(name, name) for name in renamed)
    told = f"Not all tickets are read: the data source “Escalations” has no {lacking}."
    batch, kept = live(Workspace(renamed)), in_bulk(Workspace(renamed))
    gap = batch.gaps["ticket"]
    assert (gap.reason, gap.detail) == ("unavailable", told)
    assert "notion.properties" in gap.next_step
    assert dict(kept.slices[-1].gaps) == {PAGE: gap}
    assert kept.marks[STREAM.name] == BEGINNING
    assert [row["ticket_id"] for row in batch.tables["ticket"]] == ["page-ds-0"]
    assert [row["ticket_id"] for row in kept.rows(PAGE)] == ["page-ds-0"]
    found = doctor(Workspace(renamed))
    assert (found.status, f"“Escalations”: missing: {lacking}" in found.found) == ("fail", True)
    assert "notion.properties" in found.fix


@pytest.mark.parametrize("renamed", NAMED, ids=" ".join)
def test_other_names_that_are_told_are_read_whole(renamed: dict[str, str]) -> None:
    own = {"properties": {ROLES[name][0]: (other.upper(), "Elsewhere") for name, other in renamed.items()}}
    batch, kept = live(Workspace(renamed), **own), in_bulk(Workspace(renamed), **own)
    assert dict(batch.gaps) == {}
    assert dict(kept.slices[-1].gaps) == {}
    assert kept.marks[STREAM.name] != BEGINNING
    first, second = batch.tables["ticket"]
    assert [first["ticket_id"], second["ticket_id"]] == ["page-ds-0", "page-ds-1"]
    same = [name for name in first if name != "ticket_id"]
    assert [second[name] for name in same] == [first[name] for name in same]
    assert (first["priority"], first["is_open"], first["tags"]) == ("High", True, "|HLL|")
    made = kept.linked(LINK, {"operator": [{"operator_id": OPERATOR, "name": "Harbor & Lantern Limo LLC"}]})
    assert unstamped(made) == unstamped(batch.tables["ticket"])
    assert doctor(Workspace(renamed), **own).status == "ok"


def test_a_data_source_without_tickets_is_left_alone_where_that_is_plain_or_told() -> None:
    notes = {"Note": {"type": "title", "title": {}}, "Author": {"type": "people", "people": {}}}
    plans = {"Plan": {"type": "title", "title": {}}, "State": {"type": "status", "status": {}}}
    for workspace, own in (
        (Workspace({}, notes), {}),
        (Workspace({}, plans), {"other_data_sources": ("ESCALATIONS",)}),
        (Workspace({}, plans), {"other_data_sources": ("ds-1",)}),
    ):
        assert dict(live(workspace, **own).gaps) == {}
        assert set(workspace.asked) == {"ds-0"}
        assert doctor(workspace, **own).status == "ok"
    assert "holds no tickets" in doctor(Workspace({}, notes)).found
    assert "“Escalations” has no Status, Stage," in live(Workspace({}, plans)).gaps["ticket"].detail


def test_a_property_for_nothing_that_tickets_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="names 'urgency', which is nothing that tickets have") as found:
        live(Workspace({}), properties={"urgency": ("Urgency",)})
    assert "status, stage, priority" in found.value.hint


@pytest.mark.parametrize(
    ("told", "lacks"),
    [
        ({"token": "secret", "tickets_database": ""}, "No tickets database is set."),
        ({"tickets_database": "d", "tickets_data_source": "s"}, "No Notion token is set."),
        ({"token": "secret", "tickets_database": "d"}, None),
        ({"token": "secret", "tickets_database": "", "tickets_data_source": "s"}, None),
    ],
)
def test_a_database_or_a_data_source_is_enough_to_ask_for_tickets(told: dict[str, str], lacks: str | None) -> None:
    gap = NotionSettings.model_validate(told).missing()
    assert (gap and gap.detail) == lacks

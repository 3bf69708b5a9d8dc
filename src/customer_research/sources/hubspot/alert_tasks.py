"""Tasks in HubSpot that stand for alerts: made once, kept in words, completed; nothing else of them is touched.

A task is found by the alert's id in a property whose values are unique, so that asking twice makes one. It is associated with no
record: HubSpot counts a task of a company as its activity, and what we write must never look as if somebody had been in touch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from customer_research.connect.concurrent import chunks
from customer_research.connect.paging import Page, every
from customer_research.connect.request_log import RequestLog
from customer_research.errors import Truncated
from customer_research.sources.hubspot.session import BATCH_SIZE, HubSpotSession
from customer_research.sources.hubspot.write_back import GROUP, STREAM, Taken, Values, add_to, give, lacking_of

KIND = "tasks"
MARK, WRITTEN = f"{GROUP}_alert", f"{GROUP}_written"
STATUS, COMPLETED, OPEN = "hs_task_status", "COMPLETED", "NOT_STARTED"
SUBJECT, BODY, PRIORITY, DUE, OWNER = (
    "hs_task_subject",
    "hs_task_body",
    "hs_task_priority",
    "hs_timestamp",
    "hubspot_owner_id",
)

PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    name: {
        "name": name,
        "label": label,
        "groupName": GROUP,
        "description": about,
        "type": "string",
        "fieldType": "text",
        **more,
    }
    for name, label, about, more in (
        (MARK, "Alert", "The id of the alert that the task stands for.", {"hasUniqueValue": True}),
        (WRITTEN, "Alert as written", "A digest of the words that were written last.", {}),
    )
}
"""The properties that are added to tasks, as HubSpot's API describes them."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task of ours in HubSpot: its id there, the alert's id, its status, and the digest of the words that were written last."""

    task_id: str
    mark: str
    status: str
    written: str


async def lacking(session: HubSpotSession) -> tuple[str, ...]:
    """The properties that the portal's tasks have not.

    Raises:
        ConfigError: one is there of another kind.
        SourceError: HubSpot does not tell.
    """
    return await lacking_of(session, KIND, PROPERTIES, session.log(STREAM))


async def add(session: HubSpotSession, names: Collection[str]) -> None:
    """Add these properties.

    Raises:
        SourceError: HubSpot refuses; what was added before stays.
    """
    await add_to(session, KIND, [PROPERTIES[name] for name in names], session.log(STREAM))


async def to_do(session: HubSpotSession) -> list[Task]:
    """Our tasks that are not completed, as HubSpot's search knows them: one that was made a moment ago may not be among them.

    Raises:
        SourceError: HubSpot does not tell; `Truncated`: not of all.
    """
    ours = {"propertyName": MARK, "operator": "HAS_PROPERTY"}
    undone = {"propertyName": STATUS, "operator": "NEQ", "value": COMPLETED}

    async def ask(cursor: str | None, log: RequestLog) -> Page:
        rows, total, following = await session.search(
            KIND, log, ours, undone, properties=[MARK, WRITTEN, STATUS], limit=BATCH_SIZE, after=cursor
        )
        announced.append(total or 0)
        return Page(rows, following)

    log, announced = session.log(STREAM), list[int]()
    found = await every(session.http, log, ask, start="0")
    if not found.whole or len(found.records) < min(announced):  # tasks may be completed while they are read
        sentence = "HubSpot did not give all tasks of alerts."
        raise session.http.error(Truncated, sentence, log.stream, "Run the same command again.")
    return [_task(row) for row in found.records]


async def of_alerts(session: HubSpotSession, marks: Collection[str]) -> list[Task]:
    """The tasks of these alerts, whatever their status; read by the property itself, so that none is missed.

    Raises:
        SourceError: HubSpot does not tell.
    """
    path, found = f"{session.paths.objects}/{KIND}/batch/read", list[Task]()
    for some in chunks(sorted(marks), BATCH_SIZE):
        log = session.log(STREAM)
        body = {
            "idProperty": MARK,
            "inputs": [{"id": one} for one in some],
            "properties": [MARK, WRITTEN, STATUS],
        }
        found += map(_task, session.http.results(await session.http.read(path, log, json=body), log))
    return found


def _task(row: Mapping[str, Any]) -> Task:
    given = row.get("properties") or {}
    return Task(str(row.get("id")), *(str(given.get(name) or "") for name in (MARK, STATUS, WRITTEN)))


async def make(session: HubSpotSession, tasks: Mapping[str, Values], taken: Taken) -> None:
    """Make tasks, by the alert's id; one that is there already is given these values instead.

    Raises:
        SourceError: HubSpot did not take a request; what was made before stands.
    """
    inputs = {
        mark: {"id": mark, "idProperty": MARK, "properties": {MARK: mark, **values}} for mark, values in tasks.items()
    }
    path = f"{session.paths.objects}/{KIND}/batch/upsert"
    await give(session, path, inputs, taken, named=lambda row: str((row.get("properties") or {}).get(MARK)))


async def change(session: HubSpotSession, tasks: Mapping[str, Values], taken: Taken) -> None:
    """Give tasks these values, by HubSpot's id of them.

    Raises:
        SourceError: as `make`.
    """
    path = f"{session.paths.objects}/{KIND}/batch/update"
    await give(session, path, {one: {"id": one, "properties": dict(values)} for one, values in tasks.items()}, taken)

"""An open connection to Notion: where the tickets are, and what their properties are (learnt once a session)."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from customer_research.connect.concurrent import together
from customer_research.connect.http import Doubles, Vendor, segment
from customer_research.connect.paging import Page, Stretch, every
from customer_research.connect.request_log import RequestLog
from customer_research.connect.session import Once, VendorSession
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.errors import ConfigError, NotThere, SchemaChanged
from customer_research.sources.notion import normalise
from customer_research.sources.notion.settings import NotionSettings

DATABASES_ONLY = "2022-06-28"
"""The API generation in which a database is queried itself; later ones query its data sources."""

VERSIONS = (DATABASES_ONLY, "2025-09-03", "2026-03-11")
PAGE_SIZE = 100

VENDOR = Vendor(normalise.SOURCE_NAME, "Notion")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where tickets are queried: the path of a database or data source, its properties, and what Notion calls it.

    `resembles` says that it may hold tickets even where `schema` lacks what they need.
    """

    path: str
    schema: normalise.Schema
    name: str
    resembles: bool


class NotionSession(VendorSession[NotionSettings]):
    """One connection to one workspace.

    Raises:
        ConfigError: no token; an unknown version of the API; or names for properties that tickets do not have.
    """

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        own = settings.of(NotionSettings)
        if own.version not in VERSIONS:
            raise ConfigError(
                f"The setting notion.version is {own.version!r}, which is no version of Notion's API known here.",
                setting="notion.version",
                hint=f"Use one of {', '.join(VERSIONS)}.",
            )
        if unknown := sorted(own.properties.keys() - normalise.ROLES.keys()):
            raise ConfigError(
                f"The setting notion.properties names {unknown[0]!r}, which is nothing that tickets have.",
                setting="notion.properties",
                hint=f"Use {', '.join(normalise.ROLES)}.",
            )
        super().__init__(VENDOR, own, settings, clock, **doubles)
        self.version = own.version
        self.database = own.tickets_database
        self.data_source = own.tickets_data_source
        self.aliases = own.aliases
        self.left_out: tuple[Place, ...] = ()
        """Data sources that may hold tickets and are not read, since they lack what figures need; known with `places`."""
        self._places: Once[tuple[Place, ...]] = Once()

    async def places(self, log: RequestLog) -> tuple[Place, ...]:
        """Where the tickets are, with properties that the figures need; read once a session.

        Raises:
            SchemaChanged: a needed property is gone.
            NotThere: neither a database nor a data source has the configured id.
        """
        return await self._places.get(lambda: self._learn(log))

    async def _learn(self, log: RequestLog) -> tuple[Place, ...]:
        found = await self.all_places(log)
        usable = _usable(found)
        self.left_out = tuple(place for place in found if place.resembles and normalise.lacking(place.schema))
        return usable

    async def all_places(self, log: RequestLog) -> list[Place]:
        """The database, or its data sources but for those that the settings say hold something else; at least one.

        Raises:
            SchemaChanged: there is none.
            NotThere: as `places`.
        """
        if self.version == DATABASES_ONLY:
            body = await self.get_database(self.database, log)
            return [self._place(f"/databases/{segment(self.database)}/query", self.database, body)]
        if self.data_source:
            return [await self._data_source(self.data_source, log)]
        try:
            body = await self.get_database(self.database, log)
        except NotThere:
            return [await self._data_source(self.database, log)]
        ids = data_source_ids(body)
        if not ids:
            hint = "Share its data source with the integration, or set notion.tickets_data_source."
            raise self.http.error(SchemaChanged, "The tickets database has no data source.", log.stream, hint)
        found = await together(*(self._data_source(identifier, log) for identifier in ids))
        others = {name.strip().casefold() for name in self.own.other_data_sources}
        return [
            place
            for identifier, place in zip(ids, found, strict=True)
            if not others & {identifier.casefold(), place.name.casefold()}
        ] or found

    async def _data_source(self, identifier: str, log: RequestLog) -> Place:
        body = await self.get_data_source(identifier, log)
        return self._place(f"/data_sources/{segment(identifier)}/query", identifier, body)

    def _place(self, path: str, identifier: str, body: Body) -> Place:
        properties = body.get("properties") or {}
        schema = normalise.probe(properties, self.own.properties)
        return Place(path, schema, _title(body) or identifier, normalise.resembles(properties, schema))

    async def get_database(self, identifier: str, log: RequestLog) -> Body:
        """A database's own description."""
        return await self.http.read(f"/databases/{segment(identifier)}", log)

    async def get_data_source(self, identifier: str, log: RequestLog) -> Body:
        """A data source's own description."""
        return await self.http.read(f"/data_sources/{segment(identifier)}", log)

    async def query(
        self, place: Place, condition: Body | None, log: RequestLog, *, pages: int = sys.maxsize
    ) -> Stretch:
        """The pages that fulfil a condition, newest first, 100 a request; *pages* bounds a sample."""
        sorts = [{"timestamp": "created_time", "direction": "descending"}]
        body: dict[str, Any] = {"sorts": sorts, "page_size": PAGE_SIZE}
        if condition is not None:
            body["filter"] = condition
        return await every(self.http, log, self.asking(place, body), pages=pages)

    def asking(self, place: Place, body: Body) -> Callable[[str | None, RequestLog], Awaitable[Page]]:
        """One request of a query, from a cursor on: up to 100 pages, and whether Notion left none out."""

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            more = {} if cursor is None else {"start_cursor": cursor}
            answer = await self.http.read(place.path, log, json={**body, **more})
            found = self.http.results(answer, log)
            following = str(answer.get("next_cursor") or "") or None if answer.get("has_more") else None
            told_whole = (answer.get("request_status") or {}).get("type") != "incomplete"
            return Page(found, following, whole=told_whole and (following is not None or not answer.get("has_more")))

        return ask


def _title(body: Body) -> str:
    """What a database or data source is called."""
    return "".join(str(part.get("plain_text") or "") for part in body.get("title") or () if isinstance(part, Mapping))


def data_source_ids(database: Body) -> list[str]:
    """The ids of a database's data sources."""
    listed = database.get("data_sources") or []
    return [str(item["id"]) for item in listed if isinstance(item, Mapping) and item.get("id")]


def _usable(places: list[Place]) -> tuple[Place, ...]:
    """The places that have what tickets need."""
    usable = tuple(place for place in places if not normalise.lacking(place.schema))
    if not usable:
        normalise.require(min(places, key=lambda place: len(normalise.lacking(place.schema))).schema)
    return usable

"""An open connection to HubSpot: the paths of the configured version, and what one session needs to learn only once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Unpack

from customer_research.connect.concurrent import chunks, together
from customer_research.connect.http import Doubles, Vendor, segment
from customer_research.connect.paging import Page, Stretch, every, followed, ids_of
from customer_research.connect.request_log import RequestLog
from customer_research.connect.session import Once, VendorSession
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.errors import BadAnswer, ConfigError, Denied, NotThere, Truncated
from customer_research.sources.hubspot.normalise import SOURCE_NAME, Stage, modified_property, owner_label, stage_of
from customer_research.sources.hubspot.settings import HubSpotSettings

SEARCHES_PER_SECOND = 4.0
"""HubSpot's own limit on searches, for all of an account's keys together."""

BATCH_SIZE = 100
"""Ids in one batch read."""

HISTORY_SIZE = 50
"""Ids in one batch read that asks for the history of properties."""

SEARCH_SIZE = 200
"""Records on one page of a search."""

OWNERS_PAGE = 500

VENDOR = Vendor(SOURCE_NAME, "HubSpot", own_limits=(("/search", SEARCHES_PER_SECOND),))

LEGACY = "v3"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things live in one version of the API."""

    objects: str
    associations: str
    properties: str
    owners: str
    pipelines: str

    @classmethod
    def of(cls, version: str) -> Paths:
        """The paths of a version: `v3` for the legacy ones (whose associations are v4), else a date such as 2026-09.

        Raises:
            ConfigError: neither.
        """
        areas = [item.name for item in fields(cls)]
        if version == LEGACY:
            return cls(*(f"/crm/{'v4' if area == 'associations' else LEGACY}/{area}" for area in areas))
        year, _, month = version.partition("-")
        if not (year.isdigit() and month.isdigit() and len(version) == len("2026-09")):
            raise ConfigError(
                f"The setting hubspot.version is {version!r}, which is no version of HubSpot's API.",
                setting="hubspot.version",
                hint="Use a date such as 2026-09, or v3 for the legacy paths.",
            )
        return cls(*(f"/crm/{area}/{version}" for area in areas))


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a batch read or a search, and how many were asked for but not given."""

    rows: list[Mapping[str, Any]]
    missing: int = 0


class HubSpotSession(VendorSession[HubSpotSettings]):
    """One connection to one portal. Property names, owners and deal stages are read once and kept."""

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        own = settings.of(HubSpotSettings)
        self.paths = Paths.of(own.version)
        self.operator_properties = own.operator_properties
        super().__init__(VENDOR, own, settings, clock, **doubles)
        self._property_names: Once[frozenset[str]] = Once()
        self._owners: Once[Mapping[str, str | None]] = Once()
        self._stages: Once[Mapping[str, Stage]] = Once()

    async def company(
        self, company_id: str, properties: Sequence[str], associations: Sequence[str], log: RequestLog
    ) -> Mapping[str, Any]:
        """One company with its properties and associations.

        Raises:
            NotThere: HubSpot has no such company.
            SourceError: as `Http.send`.
        """
        params = {"properties": ",".join(properties), "associations": ",".join(associations)}
        path = f"{self.paths.objects}/companies/{segment(company_id)}"
        return await self.http.read(path, log, params=params)

    async def more_associations(
        self, identifier: str, object_type: str, after: str, log: RequestLog, *, of: str = "companies"
    ) -> tuple[list[str], bool]:
        """The rest of a record's associations with a type, from a cursor on; and whether they are complete."""
        if not after:
            return [], False
        path = f"{self.paths.associations}/{of}/{object_type}/batch/read"

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            body = {"inputs": [{"id": identifier, "after": cursor}]}
            results = self.http.results(await self.http.read(path, log, json=body), log)
            linked = [str(link["toObjectId"]) for item in results for link in item.get("to") or []]
            following = next((item["paging"].get("next") for item in results if item.get("paging")), None)
            cursor = str((following or {}).get("after") or "") or None
            return Page(linked, cursor, whole=bool(results) and (following is None or cursor is not None))

        found = await every(self.http, log, ask, start=after)
        return found.records, found.whole

    async def search_companies(
        self, name: str, values: Sequence[str], properties: Sequence[str], log: RequestLog
    ) -> Records:
        """The companies whose property *name* holds one of *values* (lower case)."""
        term = {"propertyName": name, "operator": "IN", "values": list(values)}
        rows, total, _ = await self.search("companies", log, term, properties=list(properties), limit=BATCH_SIZE)
        return Records(rows, 0 if total is None else max(total - len(rows), 0))

    async def search(
        self, object_type: str, log: RequestLog, *terms: Mapping[str, Any], **body: Any
    ) -> tuple[list[Mapping[str, Any]], int | None, str | None]:
        """A page of the records that fulfil all terms, how many there are in all (None: not told), and the next cursor."""
        groups = [{"filters": list(terms)}] if terms else []
        asked = body if "query" in body else {"filterGroups": groups, **body}
        reply = await self.http.read(f"{self.paths.objects}/{object_type}/search", log, json=asked)
        total = reply.get("total")
        return self.http.results(reply, log), total if isinstance(total, int) else None, _cursor(reply)

    async def batch_read(
        self, object_type: str, ids: Sequence[str], properties: Sequence[str], log: RequestLog
    ) -> Records:
        """Records by id, 100 a request, all requests at once; ids that HubSpot does not give are counted as missing."""
        rows, _ = await self._batches(object_type, ids, BATCH_SIZE, log, properties=list(properties))
        given = {str(row.get("id")) for row in rows}
        return Records(rows, sum(identifier not in given for identifier in ids))

    async def histories(
        self, object_type: str, ids: Sequence[str], properties: Sequence[str], log: RequestLog
    ) -> list[Mapping[str, Any]]:
        """Records by id, 50 a request, with all values that these properties have had (`propertiesWithHistory`)."""
        body = {"properties": [], "propertiesWithHistory": list(properties)}
        return (await self._batches(object_type, ids, HISTORY_SIZE, log, **body))[0]

    async def _batches(
        self, object_type: str, ids: Sequence[str], size: int, log: RequestLog, **body: Any
    ) -> tuple[list[Mapping[str, Any]], set[str]]:
        """Records by id, all requests at once, and the ids that HubSpot says it does not have."""
        path = f"{self.paths.objects}/{object_type}/batch/read"
        bodies = [{"inputs": [{"id": one} for one in some], **body} for some in chunks(ids, size)]
        replies = await together(*(self.http.read(path, log, json=one) for one in bodies))
        rows = [row for reply in replies for row in self.http.results(reply, log)]
        return rows, set[str]().union(*(_named(reply, "ids") for reply in replies))

    def listed(
        self,
        object_type: str,
        properties: Sequence[str],
        stream: str,
        after: str | None,
        *,
        pages: int,
        archived: bool = False,
    ) -> AsyncIterator[Stretch]:
        """All records of a type (or those that were deleted) from a cursor on, so many pages at a time."""
        path = f"{self.paths.objects}/{object_type}"
        more = {"archived": "true"} if archived else {}

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            params = {"limit": BATCH_SIZE, "properties": ",".join(properties) or None, "after": cursor, **more}
            reply = await self.http.read(path, log, params=params)
            return Page(self.http.results(reply, log), _cursor(reply))

        return followed(self.http, stream, ask, start=after, pages=pages)

    async def searched(self, object_type: str, size: int, log: RequestLog) -> set[str]:
        """The ids of all records of a type that the search gives, *size* on a page, as far as it can be paged through.

        Raises:
            Truncated: the pages do not end.
        """

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            rows, _, following = await self.search(object_type, log, properties=[], limit=size, after=cursor)
            return Page(rows, following)

        return set(ids_of((await every(self.http, log, ask, start="0")).records))

    async def changed(
        self,
        object_type: str,
        since: datetime,
        after: int,
        properties: Sequence[str],
        log: RequestLog,
    ) -> tuple[list[Mapping[str, Any]], int]:
        """A page of the records that were changed at *since* or later, oldest first, from the offset *after* on.

        Gives the page and how many there are in all (with those before it).
        """
        name = modified_property(object_type)
        term = {"propertyName": name, "operator": "GTE", "value": str(int(since.timestamp() * 1000))}
        rows, total, _ = await self.search(
            object_type,
            log,
            term,
            sorts=[{"propertyName": name, "direction": "ASCENDING"}],
            properties=list(properties),
            limit=SEARCH_SIZE,
            after=str(after),
        )
        return rows, after + len(rows) if total is None else total

    async def associations(
        self, object_type: str, to: str, ids: Sequence[str], log: RequestLog
    ) -> Mapping[str, list[str]]:
        """The associated objects' ids, each once, of up to 1,000 records; one that has none is left out.

        Raises:
            Truncated: of a record neither associations came nor that it has none.
        """
        path = f"{self.paths.associations}/{object_type}/{to}/batch/read"
        body = {"inputs": [{"id": identifier} for identifier in ids]}
        reply = await self.http.read(path, log, json=body)
        found: dict[str, list[str]] = {}
        for item in self.http.results(reply, log):
            identifier = str((item.get("from") or {}).get("id"))
            listed = [str(link["toObjectId"]) for link in item.get("to") or []]
            if cursor := _cursor(item):
                more, whole = await self.more_associations(identifier, to, cursor, log, of=object_type)
                if not whole:
                    raise self._cut(log)
                listed += more
            found[identifier] = list(dict.fromkeys(listed))
        if set(ids) - set(found) - _named(reply, "fromObjectId", "ids"):
            raise self._cut(log)
        return found

    def _cut(self, log: RequestLog) -> Truncated:
        sentence = "HubSpot did not give all that was asked for."
        return self.http.error(Truncated, sentence, log.stream, "Run the same command again.")

    async def read_all(
        self, object_type: str, ids: Sequence[str], properties: Sequence[str], log: RequestLog
    ) -> list[Mapping[str, Any]]:
        """Records by id, 100 a request; those that HubSpot says it does not have are left out.

        Raises:
            Truncated: a record neither came nor was said not to be there.
        """
        rows, absent = await self._batches(object_type, ids, BATCH_SIZE, log, properties=list(properties))
        if set(ids) - {str(row.get("id")) for row in rows} - absent:
            raise self._cut(log)
        return rows

    async def operator_property(self, log: RequestLog) -> str | None:
        """The first configured company property that the portal has; None if it has none of them.

        A single configured one is taken at its word, which saves a request.
        """
        if len(self.operator_properties) == 1:
            return self.operator_properties[0]
        names = await self._property_names.get(lambda: self._all_names(log))
        return next((name for name in self.operator_properties if name in names), None)

    async def _all_names(self, log: RequestLog) -> frozenset[str]:
        return frozenset(str(item.get("name")) for item in await self.definitions("companies", log))

    async def definitions(self, object_type: str, log: RequestLog) -> list[Mapping[str, Any]]:
        """The property definitions of an object type."""
        return self.http.results(await self.http.read(f"{self.paths.properties}/{object_type}", log), log)

    async def has_property(self, object_type: str, name: str, log: RequestLog) -> bool:
        """Whether an object type has a property, asked by its name.

        Raises:
            SourceError: HubSpot does not tell.
        """
        try:
            await self.http.read(f"{self.paths.properties}/{object_type}/{segment(name)}", log)
        except NotThere:
            return False
        return True

    async def owners(self, log: RequestLog) -> Mapping[str, str | None]:
        """The names of all owners by id; None for one without a name."""
        return await self._owners.get(lambda: self._all_owners(log))

    async def _all_owners(self, log: RequestLog) -> Mapping[str, str | None]:
        async def ask(cursor: str | None, log: RequestLog) -> Page:
            reply = await self.http.read(self.paths.owners, log, params={"limit": OWNERS_PAGE, "after": cursor})
            return Page(self.http.results(reply, log), _cursor(reply))

        found = await every(self.http, log, ask)
        return {str(item["id"]): owner_label(item) for item in found.records if "id" in item}

    async def stages(self, log: RequestLog) -> Mapping[str, Stage]:
        """Deal stages and pipelines by id, as the pipelines describe them.

        Where HubSpot refuses those, as the property definitions list them: by their labels alone.

        Raises:
            SourceError: HubSpot gives neither.
        """
        return await self._stages.get(lambda: self._all_stages(log))

    async def _all_stages(self, log: RequestLog) -> Mapping[str, Stage]:
        try:
            reply = await self.http.read(f"{self.paths.pipelines}/deals", log)
        except (Denied, NotThere, BadAnswer):
            return await self._labels(log)
        pipelines = self.http.results(reply, log)
        stages = [stage for pipeline in pipelines for stage in pipeline.get("stages") or ()]
        own = {str(one.get("id")): Stage(str(one.get("label") or "").strip()) for one in pipelines}
        return {**own, **{str(stage.get("id")): stage_of(stage) for stage in stages}}

    async def _labels(self, log: RequestLog) -> Mapping[str, Stage]:
        named = [item for item in await self.definitions("deals", log) if item.get("name") in {"dealstage", "pipeline"}]
        told = (option for item in named for option in item.get("options") or [] if "value" in option)
        return {str(option["value"]): Stage(str(option.get("label", "")).strip()) for option in told}


def _cursor(reply: Mapping[str, Any]) -> str | None:
    """Where a list goes on; None where it does not."""
    after = ((reply.get("paging") or {}).get("next") or {}).get("after")
    return str(after) if after else None


def _named(reply: Mapping[str, Any], *names: str) -> set[str]:
    """The ids that a batch answer's errors speak of."""
    contexts = [error.get("context") or {} for error in reply.get("errors") or () if isinstance(error, Mapping)]
    return {str(identifier) for context in contexts for name in names for identifier in context.get(name) or ()}

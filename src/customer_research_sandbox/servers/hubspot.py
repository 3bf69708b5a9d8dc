"""HubSpot's CRM: date-based and legacy paths, objects, search, batches, associations, properties, owners.

General requests: 190 in 10 seconds with `X-HubSpot-RateLimit-*` headers. Search: 4 a second, without those headers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import HubSpotRecords, Row
from customer_research_sandbox.servers import hubspot_bodies as bodies
from customer_research_sandbox.servers import hubspot_schema, shapes
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.hubspot_links import (
    ALIASES,
    TYPE_IDS,
    TYPES,
    classic_links,
    links,
    no_association,
)
from customer_research_sandbox.servers.hubspot_portal import Portal
from customer_research_sandbox.servers.hubspot_search import SearchError, matching, value_of
from customer_research_sandbox.servers.limits import Clock, RollingWindow
from customer_research_sandbox.servers.shapes import Shape
from customer_research_sandbox.servers.wire import (
    ProblemError,
    Vendor,
    answer,
    bearer,
    fault_of,
    json_body,
    made_up_id,
    record_page,
    served,
    whole_number,
)

TOKEN = "sandbox-hubspot-token"  # noqa: S105  (the sandbox's own, opens nothing)
LIMIT, WINDOW_SECONDS, DAILY = 190, 10.0, 650_000
SEARCH_LIMIT = 4
"""Searches a second."""

LIST_MAX, SEARCH_MAX, BATCH_MAX, ASSOCIATION_BATCH_MAX, ASSOCIATION_PAGE = 100, 200, 100, 1000, 500
SEARCH_RESULTS_MAX = 10_000
HISTORY_MAX = 50
"""Records in a list or batch that asks for the history of properties."""

_DEFAULT_PROPERTIES = {
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "deals": (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
}
UNSUPPORTED = {
    "crm.associations.schema.types": "kinds of association, the older path",
    "crm.associations.v4.schema.definition_configurations": "limits of associations",
    "crm.extensions.cards": "cards of apps",
    "crm.imports": "imports of files",
    "crm.lists": "segments of contacts",
    "crm.lists.folders": "folders of segments",
    "crm.lists.memberships": "who is in a segment",
    "crm.timeline.templates": "events of apps",
    "settings.users": "seats, teams and roles",
}
"""Lists of HubSpot's client that the sandbox answers with 404, and what they hold."""


class HubSpotServer(Vendor):
    """HubSpot over the world's CRM records."""

    source = "hubspot"
    public_prefixes = ("/contacts/",)

    def __init__(self, records: HubSpotRecords, as_of: datetime, controls: Controls, clock: Clock) -> None:
        super().__init__(controls)
        self._records = records
        self._now = as_of.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._portal = Portal(records, self._now)
        self._properties = hubspot_schema.Properties(records.properties, self._now)
        self._general = RollingWindow(LIMIT, WINDOW_SECONDS, clock)
        self._search_window = RollingWindow(SEARCH_LIMIT, 1.0, clock)
        self._numbers = itertools.count(1)
        self._served_today = 0

    def routes(self) -> Sequence[BaseRoute]:
        """The date-based paths and the legacy v3/v4 ones beside them."""
        routes: list[BaseRoute] = []
        for objects in ("/crm/objects/2026-09/{type}", "/crm/v3/objects/{type}"):
            routes += [
                Route(objects, self._list),
                Route(f"{objects}/search", self._search, methods=["POST"]),
                Route(f"{objects}/batch/read", self._batch_read, methods=["POST"]),
                Route(f"{objects}/batch/update", self._batch_update, methods=["POST"]),
                Route(f"{objects}/batch/upsert", self._batch_upsert, methods=["POST"]),
                Route(f"{objects}/merge", self._merge, methods=["POST"]),
                Route(objects, self._create, methods=["POST"]),
                Route(f"{objects}/{{id}}", self._read),
                Route(f"{objects}/{{id}}", self._edit, methods=["PATCH"]),
                Route(f"{objects}/{{id}}", self._archive, methods=["DELETE"]),
            ]
        for associations in ("/crm/associations/2026-09", "/crm/v4/associations"):
            routes += [
                Route(f"{associations}/{{type}}/{{to}}/batch/read", self._associations, methods=["POST"]),
                Route(f"{associations}/{{type}}/{{to}}/labels", self._labels),
            ]
        for properties in ("/crm/properties/2026-09", "/crm/v3/properties"):
            routes += [
                Route(f"{properties}/{{type}}", self._list_properties),
                Route(f"{properties}/{{type}}", self._add_property, methods=["POST"]),
                Route(f"{properties}/{{type}}/groups", self._property_groups),
                Route(f"{properties}/{{type}}/groups", self._add_group, methods=["POST"]),
                Route(f"{properties}/{{type}}/{{name}}", self._property),
            ]
        for owners in ("/crm/owners/2026-09", "/crm/v3/owners", "/crm/v3/owners/"):
            routes.append(Route(owners, self._owners))
        for pipelines in ("/crm/pipelines/2026-09/{type}", "/crm/v3/pipelines/{type}"):
            routes += [
                Route(pipelines, self._pipelines),
                Route(f"{pipelines}/{{id}}", self._pipeline),
                Route(f"{pipelines}/{{id}}/stages", self._stages),
            ]
        for schemas in ("/crm-object-schemas/2026-09/schemas", "/crm-object-schemas/v3/schemas", "/crm/v3/schemas"):
            routes.append(Route(schemas, lambda _request: answer({"results": []})))  # no custom object types
        return [
            *routes,
            Route("/crm/owners/2026-09/{id}", self._owner),
            Route("/crm/v3/owners/{id}", self._owner),
            Route("/crm/v4/objects/{type}/{id}/associations/{to}", self._associations_of),
            Route("/contacts/{portal}/record/{type}/{id}", self._page),
        ]

    def authorised(self, request: Request) -> bool:
        """Whether the token is the sandbox's."""
        return bearer(request, TOKEN)

    def error(self, status: int, message: str = "") -> Response:
        """`{status, message, correlationId, category}`."""
        if status == 429:
            return self._too_many("TEN_SECONDLY_ROLLING", "ten_secondly_rolling", _limit_headers(0, self._served_today))
        known = {
            401: (
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication",
            ),
            404: ("OBJECT_NOT_FOUND", message or "resource not found"),
            405: ("VALIDATION_ERROR", "Method not allowed"),
            500: ("INTERNAL_ERROR", "internal error"),
        }
        category, text = known.get(status, ("VALIDATION_ERROR", message))
        return self._problem(status, category, text)

    def admit(self, request: Request) -> tuple[Response | None, Mapping[str, str]]:
        """Searches have a limit of their own and say nothing of it; everything else shares the ten-second window."""
        if request.url.path.endswith("/search"):
            verdict = self._search_window.take()
            return (None if verdict.allowed else self._too_many("SECONDLY", "secondly", {})), {}
        verdict = self._general.take()
        self._served_today += verdict.allowed
        headers = _limit_headers(verdict.remaining, self._served_today)
        return (
            None if verdict.allowed else self._too_many("TEN_SECONDLY_ROLLING", "ten_secondly_rolling", headers)
        ), headers

    def _too_many(self, policy: str, words: str, headers: Mapping[str, str]) -> Response:
        text = f"You have reached your {words} limit."
        more = {"errorType": "RATE_LIMIT", "policyName": policy, "groupName": "sandbox"}
        return self._problem(429, "RATE_LIMITS", text, headers, **more)

    def _problem(
        self, status: int, category: str, text: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Response:
        correlation = made_up_id("correlation", next(self._numbers))
        return answer(
            {"status": "error", "message": text, "correlationId": correlation, "category": category, **more},
            status,
            headers,
        )

    def _invalid(self, text: str) -> ProblemError:
        return ProblemError(self._problem(400, "VALIDATION_ERROR", text))

    def _type(self, request: Request, parameter: str = "type") -> str:
        given = request.path_params[parameter]
        plural = ALIASES.get(given)
        if plural is None:
            raise self._invalid(f"Unable to infer object type from: {given}")
        return plural

    def _list(self, request: Request) -> Response:
        kind, query = self._type(request), request.query_params
        limit = self._limit(query.get("limit"), 10, HISTORY_MAX if _past(request) else LIST_MAX)
        rows = self._portal.rows(kind, archived=_binned(request))
        start = self._after(query.get("after"), rows)
        shown = [
            self._shown(request, row, kind, _names(request), _associated(request), past=_past(request))
            for row in served(request, rows[start : start + limit])
        ]
        return answer({"results": shown, **_next_by_id(request, rows, start + limit)})

    def _after(self, cursor: str | None, rows: Sequence[Row]) -> int:
        if cursor is None:
            return 0
        ids = [str(row["id"]) for row in rows]
        if cursor not in ids:
            raise self._invalid(f"Invalid paging cursor: {cursor}")
        return ids.index(cursor)

    def _limit(self, text: str | None, default: int, most: int) -> int:
        limit = default if text is None else whole_number(text, -1)
        if not 1 <= limit <= most:
            raise self._invalid(f"limit must be between 1 and {most}")
        return limit

    def _read(self, request: Request) -> Response:
        kind, identifier = self._type(request), request.path_params["id"]
        row = self._find(kind, identifier, request.query_params.get("idProperty"))
        if _binned(request):
            row = self._portal.binned(kind, identifier)
        if row is None:
            raise ProblemError(
                self._problem(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
            )
        return answer(self._shown(request, row, kind, _names(request), _associated(request), past=_past(request)))

    def _find(self, kind: str, identifier: str, id_property: str | None) -> Row | None:
        if id_property is None:
            return self._portal.find(kind, identifier)
        definition = self._properties.named(kind).get(id_property, {})
        if not definition.get("hasUniqueValue") and (kind, id_property) != ("contacts", "email"):
            raise self._invalid(f"Property '{id_property}' is not a unique property")
        found = (row for row in self._portal.rows(kind) if value_of(row, id_property) == identifier)
        return next(found, None)

    async def _create(self, request: Request) -> Response:
        kind = self._type(request)
        body = await self._body(request, bodies.CREATE)
        others = [(self._kind_of(item), str(item["to"]["id"])) for item in body.get("associations") or ()]
        row = self._portal.add(kind, body.get("properties") or {}, others)
        return answer(self._shown(request, row, kind, list(body.get("properties") or {}), ()), 201)

    def _kind_of(self, item: Mapping[str, Any]) -> str:
        """The object type that an association's type id leads to."""
        number = next((int(one["associationTypeId"]) for one in item.get("types") or ()), 0)
        kinds = [to for (_, to), known in TYPE_IDS.items() if known == number]
        if not kinds:
            raise self._invalid(f"No association type exists with id {number}")
        return kinds[0]

    async def _edit(self, request: Request) -> Response:
        kind, body = self._type(request), await self._body(request, bodies.EDIT)
        return self._given(
            request, kind, self._portal.edit(kind, request.path_params["id"], body.get("properties") or {})
        )

    async def _merge(self, request: Request) -> Response:
        kind, body = self._type(request), await self._body(request, bodies.MERGE)
        first, second = str(body.get("primaryObjectId")), str(body.get("objectIdToMerge"))
        return self._given(request, kind, self._portal.merge(kind, first, second))

    def _archive(self, request: Request) -> Response:
        self._portal.archive(self._type(request), request.path_params["id"])
        return Response(status_code=204)

    def _given(self, request: Request, kind: str, row: Row | None) -> Response:
        if row is None:
            raise ProblemError(self._problem(404, "OBJECT_NOT_FOUND", "Object not found."))
        return answer(self._shown(request, row, kind, None, ()))

    async def _search(self, request: Request) -> Response:
        kind = self._type(request)
        body = await self._body(request, bodies.SEARCH)
        limit = self._limit(None if body.get("limit") is None else str(body["limit"]), 10, SEARCH_MAX)
        start = whole_number(str(body.get("after") or "0"), -1)
        if start < 0 or start + limit > SEARCH_RESULTS_MAX:
            raise self._invalid(f"Paging beyond {SEARCH_RESULTS_MAX} results is not supported")
        try:
            found = matching(body, kind, self._portal.rows(kind), self._properties.named(kind))
        except SearchError as error:
            raise self._invalid(str(error)) from error
        shown = [
            self._shown(request, row, kind, body.get("properties"), ())
            for row in served(request, found[start : start + limit])
        ]
        known = len(found) if fault_of(request) != "truncate" else 0
        return answer({"total": len(found), "results": shown, **_next_by_place(start + limit, known)})

    async def _batch_read(self, request: Request) -> Response:
        kind = self._type(request)
        body = await self._body(request, bodies.BATCH)
        ids = self._inputs(body, HISTORY_MAX if body.get("propertiesWithHistory") else BATCH_MAX)
        found = {identifier: self._find(kind, identifier, body.get("idProperty")) for identifier in ids}
        rows = served(request, [row for row in found.values() if row is not None])
        missing = [identifier for identifier, row in found.items() if row is None]
        past = body.get("propertiesWithHistory") or ()
        shown = [self._shown(request, row, kind, body.get("properties"), (), past=past) for row in rows]
        text = f"Could not get some {TYPES[kind][0].upper()} objects, they may be deleted or not exist. Check that ids are valid."
        error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": text, "context": {"ids": missing}}
        return self._batch(shown, [error] if missing else [])

    async def _batch_update(self, request: Request) -> Response:
        """One value that is not valid has the whole batch refused; a record that is not there only itself."""
        kind, body = self._type(request), await self._body(request, bodies.UPDATES)
        inputs = self._valid(kind, body)
        edited = {one: self._portal.edit(kind, one, values) for one, values in inputs.items()}
        missing = [one for one, row in edited.items() if row is None]
        text = f"Could not get some {TYPES[kind][0].upper()} objects, they may be deleted or not exist. Check that ids are valid."
        error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": text, "context": {"ids": missing}}
        return self._written(request, kind, edited.values(), [error] if missing else [])

    async def _batch_upsert(self, request: Request) -> Response:
        """Records by a property whose values are unique: those that are there are changed, the others made."""
        kind, body = self._type(request), await self._body(request, bodies.UPSERTS)
        names = {str(item["idProperty"]) for item in body["inputs"]}
        inputs = self._valid(kind, body)
        found = {one: self._find(kind, one, name) for name in names for one in inputs}
        made = [
            self._portal.add(kind, values, ())
            if (row := found[one]) is None
            else self._portal.edit(kind, str(row["id"]), values)
            for one, values in inputs.items()
        ]
        return self._written(request, kind, made, [])

    def _valid(self, kind: str, body: Mapping[str, Any]) -> Mapping[str, Mapping[str, str | None]]:
        """The values that a batch gives to each id."""
        self._inputs(body, BATCH_MAX)
        for item in body["inputs"]:
            if wrong := self._properties.wrong(kind, item["properties"]):
                raise self._invalid(f"Property values were not valid: [{wrong}]")
        return {str(item["id"]): item["properties"] for item in body["inputs"]}

    def _written(self, request: Request, kind: str, rows: Iterable[Row | None], errors: Sequence[Row]) -> Response:
        shown = [
            self._shown(request, row, kind, list(row["properties"]), ())
            for row in served(request, list(filter(None, rows)))
        ]
        return self._batch(shown, errors)

    async def _associations(self, request: Request) -> Response:
        kind, to = self._type(request), self._type(request, "to")
        body = await self._body(request, bodies.INPUTS)
        self._inputs(body, ASSOCIATION_BATCH_MAX)
        results, errors = [], []
        for item in body["inputs"]:
            targets = self._portal.targets(self._portal.find(kind, str(item["id"])), to)
            if targets:
                results.append(_association_page(request, item, links(kind, to, targets)))
            else:
                errors.append(no_association(str(item["id"]), kind, to))
        return self._batch(served(request, results), errors)

    def _batch(self, results: Sequence[Row], errors: Sequence[Row]) -> Response:
        body = {"status": "COMPLETE", "results": results, "startedAt": self._now, "completedAt": self._now}
        return answer({**body, "numErrors": len(errors), "errors": errors}, 207) if errors else answer(body)

    def _associations_of(self, request: Request) -> Response:
        kind, to = self._type(request), self._type(request, "to")
        targets = self._portal.targets(self._portal.find(kind, request.path_params["id"]), to)
        limit = self._limit(request.query_params.get("limit"), ASSOCIATION_PAGE, ASSOCIATION_PAGE)
        start = whole_number(request.query_params.get("after"), 0)
        page = links(kind, to, served(request, targets[start : start + limit]))
        return answer({"results": page, **_next_by_place(start + limit, len(targets))})

    def _list_properties(self, request: Request) -> Response:
        return answer({"results": served(request, self._properties.listed(self._type(request)))})

    def _property(self, request: Request) -> Response:
        kind, name = self._type(request), request.path_params["name"]
        definition = self._properties.named(kind).get(name)
        if definition is None:
            raise ProblemError(self._problem(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist"))
        return answer(definition)

    def _labels(self, request: Request) -> Response:
        """The kinds of association between two types of objects: the vendor's own, without labels."""
        number = TYPE_IDS.get((self._type(request), self._type(request, "to")))
        known = [] if number is None else [{"category": "HUBSPOT_DEFINED", "typeId": number, "label": None}]
        return answer({"results": known})

    def _property_groups(self, request: Request) -> Response:
        return answer({"results": served(request, self._properties.groups(self._type(request)))})

    async def _add_property(self, request: Request) -> Response:
        made = await self._body(request, bodies.PROPERTY)
        return self._added(lambda: self._properties.add(self._type(request), made))

    async def _add_group(self, request: Request) -> Response:
        made = await self._body(request, bodies.GROUP)
        return self._added(lambda: self._properties.add_group(self._type(request), made))

    def _added(self, add: Callable[[], Row]) -> Response:
        try:
            return answer(add(), 201)
        except hubspot_schema.PropertyError as error:
            raise ProblemError(self._problem(error.status, error.category, str(error))) from error

    def _pipelines(self, request: Request) -> Response:
        return answer({"results": served(request, self._known_pipelines(request))})

    def _pipeline(self, request: Request) -> Response:
        return answer(self._known_pipeline(request))

    def _stages(self, request: Request) -> Response:
        return answer({"results": served(request, self._known_pipeline(request)["stages"])})

    def _known_pipelines(self, request: Request) -> Sequence[Row]:
        kind, own = self._type(request), self._records.pipelines
        return own if own is not None and kind == "deals" else hubspot_schema.pipelines(kind)

    def _known_pipeline(self, request: Request) -> Row:
        for row in self._known_pipelines(request):
            if row["id"] == request.path_params["id"]:
                return row
        raise ProblemError(self._problem(404, "OBJECT_NOT_FOUND", "Pipeline not found"))

    def _owners(self, request: Request) -> Response:
        query = request.query_params
        email = query.get("email")
        limit = self._limit(query.get("limit"), 100, 500)
        rows = [row for row in self._records.owners if email is None or row.get("email") == email]
        start = self._after(query.get("after"), rows)
        page = served(request, rows[start : start + limit])
        return answer({"results": page, **_next_by_id(request, rows, start + limit)})

    def _owner(self, request: Request) -> Response:
        for row in self._records.owners:
            if str(row["id"]) == request.path_params["id"]:
                return answer(row)
        raise ProblemError(self._problem(404, "OBJECT_NOT_FOUND", "Owner not found"))

    def _page(self, request: Request) -> Response:
        row = self._portal.find(self._type(request), request.path_params["id"])
        return record_page(f"HubSpot {TYPES[self._type(request)][0]}", row)

    async def _body(self, request: Request, fields: dict[str, Shape]) -> dict[str, Any]:
        body = await json_body(request, self._problem(400, "VALIDATION_ERROR", "Invalid input JSON"))
        unknown = sorted(set(body) - set(fields))
        if unknown:
            raise self._invalid(f'Unrecognized field "{unknown[0]}", not marked as ignorable')
        try:
            shapes.record(fields)(body, "body")
        except shapes.ShapeError as error:
            raise self._invalid(f"Invalid input JSON: {error}") from error
        return body

    def _inputs(self, body: Mapping[str, Any], most: int) -> list[str]:
        inputs = body.get("inputs") or []
        if not 1 <= len(inputs) <= most:
            raise self._invalid(f"inputs must hold 1 to {most} ids, not {len(inputs)}")
        return list(dict.fromkeys(str(item["id"]) for item in inputs))

    def _shown(
        self,
        request: Request,
        row: Row,
        kind: str,
        names: Sequence[str] | None,
        associated: Sequence[str],
        *,
        past: Sequence[str] = (),
    ) -> Row:
        """The record with the asked properties; one that does not exist is passed over, as the vendor does."""
        wanted = dict.fromkeys((*(names or _DEFAULT_PROPERTIES.get(kind, ())), *_always(kind)))
        definitions = self._properties.named(kind)
        properties = {
            name: value_of(row, name)
            for name in wanted
            if name in definitions or name in row["properties"] or name == "hs_object_id"
        }
        shown = {"id": str(row["id"]), "properties": properties}
        shown |= {key: row[key] for key in ("createdAt", "updatedAt", "archived", "archivedAt") if key in row}
        if past:
            shown["propertiesWithHistory"] = hubspot_schema.history(row, past)
        if fault_of(request) == "schema":
            del shown["properties"]
        named = [ALIASES.get(to, to) for to in associated]
        associated_with = {to: classic_links(self._portal.targets(row, to), kind, to) for to in named}
        found = {to: {"results": pairs} for to, pairs in associated_with.items() if pairs}
        return {**shown, **({"associations": found} if found else {})}


def _always(kind: str) -> tuple[str, ...]:
    modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    created = "createdate" if kind in {"companies", "contacts", "deals"} else "hs_createdate"
    return created, modified, "hs_object_id"


def _listed(request: Request, parameter: str) -> list[str]:
    """A list parameter: repeated, or separated by commas."""
    return [part for text in request.query_params.getlist(parameter) for part in text.split(",") if part]


def _names(request: Request) -> list[str]:
    return _listed(request, "properties")


def _binned(request: Request) -> bool:
    """Whether records in the bin are asked for."""
    return request.query_params.get("archived", "").casefold() == "true"


def _past(request: Request) -> list[str]:
    return _listed(request, "propertiesWithHistory")


def _associated(request: Request) -> list[str]:
    return _listed(request, "associations")


def _association_page(request: Request, item: Row, links: Sequence[Row]) -> Row:
    """One input's associations, at most 500 from its `after` on."""
    start = whole_number(str(item.get("after") or "0"), 0)
    end = start + ASSOCIATION_PAGE
    page: Row = {"from": {"id": str(item["id"])}, "to": served(request, links[start:end])}
    return {**page, **_next_by_place(end, len(links))}


def _next_by_id(request: Request, rows: Sequence[Row], end: int) -> Row:
    """Where a list goes on that is read by ids; nothing at its end."""
    if end >= len(rows) or fault_of(request) == "truncate":
        return {}
    cursor = str(rows[end]["id"])
    return {"paging": {"next": {"after": cursor, "link": str(request.url.include_query_params(after=cursor))}}}


def _next_by_place(end: int, count: int) -> Row:
    """Where a list goes on that is read by places; nothing at its end."""
    return {"paging": {"next": {"after": str(end)}}} if end < count else {}


def _limit_headers(remaining: int, served_today: int) -> dict[str, str]:
    return {
        "X-HubSpot-RateLimit-Daily": str(DAILY),
        "X-HubSpot-RateLimit-Daily-Remaining": str(DAILY - served_today),
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(WINDOW_SECONDS * 1000)),
        "X-HubSpot-RateLimit-Max": str(LIMIT),
        "X-HubSpot-RateLimit-Remaining": str(remaining),
    }

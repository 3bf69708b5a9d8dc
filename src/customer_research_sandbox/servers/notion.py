"""Notion: bearer token, `Notion-Version` mandatory, three API generations, cursors, Markdown pages, writes in memory."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import NotionRecords, Row
from customer_research_sandbox.servers import shapes
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.limits import Clock, RollingWindow
from customer_research_sandbox.servers.notion_answers import (
    BOT,
    NEW,
    OLD,
    PAGE_MAX,
    SOURCES,
    asked_body,
    identifier_of,
    invalid,
    kept_object,
    looked_at,
    missing,
    page_of,
    paging_of,
    problem,
    undashed,
    version_of,
    versioned,
)
from customer_research_sandbox.servers.notion_blocks import MAX_TEXT, block_shape, blocks_of, markdown_of, rich_text
from customer_research_sandbox.servers.notion_comments import Comments
from customer_research_sandbox.servers.notion_filters import FilterError, keeping, sorted_pages
from customer_research_sandbox.servers.notion_markdown import edited
from customer_research_sandbox.servers.notion_pages import PERSON, Container, Page, Workspace, property_object
from customer_research_sandbox.servers.shapes import Shape
from customer_research_sandbox.servers.wire import (
    ProblemError,
    Vendor,
    answer,
    bearer,
    fault_of,
    made_up_id,
    record_page,
    served,
)

TOKEN = "sandbox-notion-token"  # noqa: S105  (the sandbox's own, opens nothing)
PERSON_TOKEN = "sandbox-notion-person"  # noqa: S105  (what a person does in the app, done by a test)
LIMIT_PER_MINUTE = 180
"""Requests of one connection in 60 seconds."""

UNSUPPORTED = {
    "blocks.meeting_notes": "transcripts of meetings",
    "custom_emojis": "emojis of the workspace",
    "file_uploads": "files",
    "views": "saved views of a database",
}
"""Lists of Notion's client that the sandbox refuses, and what they hold."""

GONE = "Status"
"""The property that a `schema` fault removes."""

_EDITS = ("replace_content", "update_content", "insert_content", "replace_content_range")


_PAGING: dict[str, Shape] = {"start_cursor": shapes.text, "page_size": shapes.whole}
_SORT = shapes.record({"property": shapes.text, "timestamp": shapes.text, "direction": shapes.text})
_QUERY: dict[str, Shape] = {**_PAGING, "filter": shapes.mapping, "sorts": shapes.each(_SORT), "in_trash": shapes.flag}
_SEARCH: dict[str, Shape] = {
    **_PAGING,
    "query": shapes.text,
    "filter": shapes.record({"value": shapes.text, "property": shapes.text}),
    "sort": shapes.record({"direction": shapes.text, "timestamp": shapes.text}),
}
_CHILDREN: dict[str, Shape] = {"children": shapes.each(block_shape), "after": shapes.text}
_PAGE: dict[str, Shape] = {
    **_CHILDREN,
    "parent": shapes.named(shapes.scalar),
    "properties": shapes.named(shapes.either(shapes.mapping, shapes.array)),
    "markdown": shapes.text,
    "in_trash": shapes.flag,
    "archived": shapes.flag,
}
_SOURCE: dict[str, Shape] = {"properties": shapes.named(shapes.maybe(shapes.mapping)), "title": shapes.array}
_UPDATE = shapes.record({"old_str": shapes.text, "new_str": shapes.text, "replace_all_matches": shapes.flag})
_EDIT: dict[str, Shape] = {
    "type": shapes.text,
    "replace_content": shapes.record({"new_str": shapes.text, "allow_deleting_content": shapes.flag}, "new_str"),
    "update_content": shapes.record({"content_updates": shapes.each(_UPDATE)}, "content_updates"),
    "insert_content": shapes.record(
        {"content": shapes.text, "after": shapes.text, "position": shapes.record({"type": shapes.text})}, "content"
    ),
    "replace_content_range": shapes.record({"content": shapes.text, "content_range": shapes.text}, "content"),
}


class NotionServer(Vendor):
    """Notion over the world's tickets database."""

    source = "notion"
    public_prefixes = ("/page/",)

    def __init__(self, records: NotionRecords, as_of: datetime, controls: Controls, clock: Clock) -> None:
        super().__init__(controls)
        self._as_of = as_of
        self._space = Workspace(records, as_of)
        self._comments = Comments(self._space, as_of)
        self._window = RollingWindow(LIMIT_PER_MINUTE, 60.0, clock)

    def routes(self) -> Sequence[BaseRoute]:
        """Databases, data sources, pages, blocks, users and search."""
        return [
            Route("/v1/databases/{id}", self._database),
            Route("/v1/databases/{id}/query", self._query_database, methods=["POST"]),
            Route("/v1/data_sources/{id}", self._data_source),
            Route("/v1/data_sources/{id}", self._update_data_source, methods=["PATCH"]),
            Route("/v1/data_sources/{id}/query", self._query_data_source, methods=["POST"]),
            Route("/v1/pages", self._create_page, methods=["POST"]),
            Route("/v1/pages/{id}", self._read_page),
            Route("/v1/pages/{id}", self._update_page, methods=["PATCH"]),
            Route("/v1/pages/{id}/properties/{property}", self._page_property),
            Route("/v1/pages/{id}/markdown", self._read_markdown),
            Route("/v1/pages/{id}/markdown", self._update_markdown, methods=["PATCH"]),
            Route("/v1/blocks/{id}", self._block),
            Route("/v1/blocks/{id}/children", self._children),
            Route("/v1/blocks/{id}/children", self._append, methods=["PATCH"]),
            Route("/v1/users", self._users),
            Route("/v1/users/me", self._me),
            Route("/v1/users/{id}", self._user),
            Route("/v1/search", self._search, methods=["POST"]),
            *self._comments.routes(),
            Route("/v1/data_sources/{id}/templates", self._templates),
            Route("/page/{id}", self._show),
        ]

    def authorised(self, request: Request) -> bool:
        """Whether the token is the sandbox's, or that of a person."""
        return bearer(request, TOKEN) or bearer(request, PERSON_TOKEN)

    def error(self, status: int, message: str = "") -> Response:
        """`{object, status, code, message}`."""
        known = {
            401: ("unauthorized", "API token is invalid."),
            404: ("invalid_request_url", "Invalid request URL."),
            405: ("invalid_request_url", "Invalid request URL."),
            429: ("rate_limited", "You have been rate limited. Please try again in a few minutes."),
            500: ("internal_server_error", "Unexpected error occurred."),
        }
        code, text = known.get(status, ("validation_error", message))
        if status == 429:
            return problem(429, code, text, {"Retry-After": "1"}, additional_data={"rate_limit_reason": "connection"})
        return problem(400 if code == "invalid_request_url" else status, code, text)

    def refusal(self, request: Request) -> Response | None:
        """Every request names its version of the API."""
        version = request.headers.get("notion-version")
        if version in {OLD, SOURCES, NEW}:
            return None
        words = "Notion-Version header failed validation: Notion-Version header should be"
        if version is None:
            return problem(400, "missing_version", f"{words} defined, instead was `undefined`.")
        return invalid(f'{words} one of the versions of the API, instead was `"{version}"`.')

    def admit(self, request: Request) -> tuple[Response | None, Mapping[str, str]]:  # noqa: ARG002  (one window for all)
        """At most 180 requests a minute; a refusal says in how many seconds to come back."""
        verdict = self._window.take()
        if verdict.allowed:
            return None, {}
        refusal = self.error(429)
        refusal.headers["Retry-After"] = str(max(math.ceil(verdict.reset_seconds), 1))
        return refusal, {}

    def _database(self, request: Request) -> Response:
        own = self._asked_database(request)
        shown = {**self._container("database", own.database_id, own.title), "is_inline": False}
        if version_of(request) == OLD:
            shown["properties"] = self._schema(request, own)
        else:
            shown["data_sources"] = [{"id": own.data_source_id, "name": own.title}]
        shown["parent"] = {"type": "workspace", "workspace": True}
        return answer(versioned(shown, request))

    def _data_source(self, request: Request) -> Response:
        return self._shown_source(request, self._asked_data_source(request))

    def _shown_source(self, request: Request, own: Container) -> Response:
        shown = {
            **self._container("data_source", own.data_source_id, own.title),
            "properties": self._schema(request, own),
        }
        shown["parent"] = {"type": "database_id", "database_id": own.database_id}
        shown["database_parent"] = {"type": "workspace", "workspace": True}
        return answer(versioned(shown, request))

    async def _update_data_source(self, request: Request) -> Response:
        """Properties are added by their type, and taken away by null."""
        own, body = self._asked_data_source(request), await asked_body(request, _SOURCE)
        for name, given in (body.get("properties") or {}).items():
            if given is None:
                own.schema.pop(name, None)
            elif isinstance(given, dict) and len(kinds := [key for key in given if key not in {"name", "type"}]) == 1:
                own.schema.setdefault(name, property_object(name, kinds[0], len(own.schema)))
            else:
                raise ProblemError(invalid(f"body failed validation: body.properties.{name} should have one type."))
        return self._shown_source(request, own)

    def _container(self, kind: str, identifier: str, title: str) -> Row:
        kept = kept_object(kind, identifier, "2024-01-02T09:00:00.000Z", self._space.now)
        return {**looked_at(kept), "title": rich_text(title), "description": []}

    def _schema(self, request: Request, own: Container) -> dict[str, Row]:
        faulty = fault_of(request) == "schema"
        return {name: value for name, value in own.schema.items() if not (faulty and name == GONE)}

    def _asked_database(self, request: Request) -> Container:
        return self._own("database", identifier_of(request), request.path_params["id"])

    def _asked_data_source(self, request: Request) -> Container:
        if version_of(request) == OLD:
            raise ProblemError(self.error(404))
        return self._own("data source", identifier_of(request), request.path_params["id"])

    def _own(self, kind: str, identifier: str, given: str = "") -> Container:
        """The database, or data source, of an id."""
        for own in self._space.containers:
            known = own.database_id if kind == "database" else own.data_source_id
            if undashed(identifier) == undashed(known):
                return own
        raise ProblemError(missing(kind, given or identifier))

    async def _query_database(self, request: Request) -> Response:
        if version_of(request) != OLD:
            raise ProblemError(self.error(404))
        return await self._query(request, self._asked_database(request), "page_or_database")

    async def _query_data_source(self, request: Request) -> Response:
        return await self._query(request, self._asked_data_source(request), "page_or_data_source")

    async def _query(self, request: Request, own: Container, kind: str) -> Response:
        body = await asked_body(request, _QUERY)
        schema = self._schema(request, own)
        with _Validation():
            keep = keeping(body["filter"], schema, self._as_of) if body.get("filter") is not None else None
            rows = [page.as_row() for page in self._space.pages_of(own, in_trash=bool(body.get("in_trash")))]
            found = sorted_pages([row for row in rows if keep is None or keep(row)], body.get("sorts"), schema)
        shown_ids = request.query_params.getlist("filter_properties") + request.query_params.getlist(
            "filter_properties[]"
        )

        def show(row: Row) -> Row:
            return self._shown(request, self._space.pages[row["id"]], shown_ids)

        return self._listed(request, found, body, kind, show)

    def _listed(
        self, request: Request, rows: Sequence[Row], asked: Mapping[str, Any], kind: str, show: Callable[[Row], Row]
    ) -> Response:
        body = page_of(request, rows, asked, kind, show)
        return answer({**body, "request_id": made_up_id("request", len(self.controls.requests))})

    def _shown(self, request: Request, page: Page, only: Sequence[str] = ()) -> Row:
        properties = {
            name: value
            for name, value in page.properties.items()
            if (not only or value["id"] in only or name in only)
            and not (name == GONE and fault_of(request) == "schema")
        }
        parent = page.parent
        if version_of(request) == OLD and "data_source_id" in parent:
            parent = {"type": "database_id", "database_id": parent["database_id"]}
        kept = kept_object("page", page.id, page.created_time, page.last_edited_time, page.last_edited_by)
        shown = looked_at(kept, in_trash=page.in_trash)
        shown |= {"parent": parent, "is_locked": False, "properties": properties}
        return versioned(shown, request)

    def _page(self, request: Request) -> Page:
        identifier = str(uuid.UUID(identifier_of(request)))
        page = self._space.pages.get(identifier)
        if page is None:
            raise ProblemError(missing("page", identifier))
        return page

    def _read_page(self, request: Request) -> Response:
        only = [part for text in request.query_params.getlist("filter_properties") for part in text.split(",")]
        return answer(self._shown(request, self._page(request), only))

    async def _create_page(self, request: Request) -> Response:
        body = await asked_body(request, _PAGE)
        parent = self._parent(body.get("parent"), request)
        children, markdown = body.get("children"), body.get("markdown")
        if children is not None and markdown is not None:
            raise ProblemError(invalid("body failed validation: body.children and body.markdown cannot be combined."))
        with _Validation():
            content = markdown if markdown is not None else markdown_of(_checked(children or []))
            page = self._space.create(parent, body.get("properties") or {}, str(content))
        return answer(self._shown(request, page))

    def _parent(self, given: Any, request: Request) -> Row:
        if not isinstance(given, dict):
            raise ProblemError(
                invalid("body failed validation: body.parent should be defined, instead was `undefined`.")
            )
        if "data_source_id" in given and version_of(request) != OLD:
            return self._own("data source", str(given["data_source_id"])).parent
        if "database_id" in given:
            return self._own("database", str(given["database_id"])).parent
        identifier = str(given.get("page_id") or "")
        pages = {undashed(known): known for known in self._space.pages}
        if undashed(identifier) not in pages:
            raise ProblemError(missing("page", identifier))
        return {"type": "page_id", "page_id": pages[undashed(identifier)]}

    async def _update_page(self, request: Request) -> Response:
        page, body = self._page(request), await asked_body(request, _PAGE)
        if "archived" in body and version_of(request) == NEW:
            raise ProblemError(invalid("body failed validation: body.archived should be not present, use `in_trash`."))
        with _Validation():
            page.properties |= self._space.values(body.get("properties") or {}, self._space.container_of(page.parent))
        page.in_trash = bool(body.get("in_trash", body.get("archived", page.in_trash)))
        self._edited(page, request)
        return answer(self._shown(request, page))

    def _page_property(self, request: Request) -> Response:
        page, wanted = self._page(request), request.path_params["property"]
        for name, value in page.properties.items():
            if wanted in {name, value["id"], value["id"].replace("%3A", ":")} and not (
                name == GONE and fault_of(request) == "schema"
            ):
                return self._property_item(request, value)
        raise ProblemError(problem(404, "object_not_found", f"Could not find property with ID: {wanted}."))

    def _property_item(self, request: Request, value: Row) -> Response:
        kind = value["type"]
        if kind not in {"title", "rich_text", "people", "relation"}:
            return answer({"object": "property_item", **value})
        items = [{"object": "property_item", "id": value["id"], "type": kind, kind: part} for part in value[kind]]
        body = {
            "object": "list",
            "results": served(request, items),
            "next_cursor": None,
            "has_more": fault_of(request) == "truncate",
        }
        return answer(
            {
                **body,
                "type": "property_item",
                "property_item": {"id": value["id"], "next_url": None, "type": kind, kind: {}},
            }
        )

    def _read_markdown(self, request: Request) -> Response:
        if version_of(request) != NEW:
            raise ProblemError(self.error(404))
        return answer(_markdown(self._page(request), truncated=fault_of(request) == "truncate"))

    async def _update_markdown(self, request: Request) -> Response:
        if version_of(request) != NEW:
            raise ProblemError(self.error(404))
        page, body = self._page(request), await asked_body(request, _EDIT)
        edit = body.get("type")
        if edit not in _EDITS or not isinstance(body.get(str(edit)), dict):
            raise ProblemError(
                invalid(
                    f"body failed validation: body.type should be one of {', '.join(_EDITS)}, with the object of that name."
                )
            )
        with _Validation():
            page.markdown = edited(page.markdown, str(edit), body[str(edit)])
        self._edited(page, request)
        return answer(_markdown(page, truncated=False))

    def _edited(self, page: Page, request: Request) -> None:
        page.last_edited_time = self._space.now
        page.last_edited_by = PERSON if bearer(request, PERSON_TOKEN) else BOT

    def _blocks(self, page: Page) -> list[Row]:
        return blocks_of(page.markdown, page.id, page.created_time, page.last_edited_time)

    def _block(self, request: Request) -> Response:
        identifier = str(uuid.UUID(identifier_of(request)))
        for page in self._space.pages.values():
            for block in self._blocks(page):
                if block["id"] == identifier:
                    return answer(versioned({**block, "archived": False}, request))
        raise ProblemError(missing("block", identifier))

    def _children(self, request: Request) -> Response:
        blocks = self._blocks(self._page(request))
        return self._listed(
            request, blocks, paging_of(request), "block", lambda block: versioned({**block, "archived": False}, request)
        )

    async def _append(self, request: Request) -> Response:
        page, body = self._page(request), await asked_body(request, _CHILDREN)
        if "after" in body and version_of(request) == NEW:
            raise ProblemError(invalid("body failed validation: body.after should be not present, use `position`."))
        before = len(self._blocks(page))
        with _Validation():
            page.markdown = "\n\n".join(
                part for part in (page.markdown.rstrip("\n"), markdown_of(_checked(body.get("children") or []))) if part
            )
        self._edited(page, request)
        added = self._blocks(page)[before:]
        return answer(
            {"object": "list", "results": added, "next_cursor": None, "has_more": False, "type": "block", "block": {}}
        )

    def _templates(self, request: Request) -> Response:
        """The tickets have no templates."""
        self._asked_data_source(request)
        return answer({"templates": [], "has_more": False, "next_cursor": None})

    def _bot(self) -> Row:
        owner = {"type": "workspace", "workspace": True}
        return {
            "object": "user",
            "id": BOT,
            "name": "customer-research",
            "avatar_url": None,
            "type": "bot",
            "bot": {"owner": owner, "workspace_name": "Sandbox"},
        }

    def _users(self, request: Request) -> Response:
        return self._listed(request, [self._bot(), *self._space.people.values()], paging_of(request), "user", dict)

    def _me(self, request: Request) -> Response:  # noqa: ARG002  (every route's shape)
        return answer(self._bot())

    def _user(self, request: Request) -> Response:
        identifier = identifier_of(request)
        for user in (self._bot(), *self._space.people.values()):
            if undashed(user["id"]) == identifier:
                return answer(user)
        raise ProblemError(missing("user", request.path_params["id"]))

    async def _search(self, request: Request) -> Response:
        body = await asked_body(request, _SEARCH)
        wanted = (body.get("filter") or {}).get("value")
        query = str(body.get("query") or "").casefold()
        pages = [page for page in self._space.pages.values() if query in page.title.casefold() and not page.in_trash]
        pages.sort(
            key=lambda page: (page.last_edited_time, page.id),
            reverse=(body.get("sort") or {}).get("direction") != "ascending",
        )
        rows = [page.as_row() for page in pages] if wanted in {None, "page"} else []
        kind = "database" if version_of(request) == OLD else "data_source"
        for own in reversed(self._space.containers):
            if wanted in {None, kind} and query in own.title.casefold():
                identifier = own.database_id if kind == "database" else own.data_source_id
                rows.insert(0, {"id": identifier, "container": self._container(kind, identifier, own.title)})

        def show(row: Row) -> Row:
            return (
                versioned(row["container"], request)
                if "container" in row
                else self._shown(request, self._space.pages[row["id"]])
            )

        return self._listed(request, rows, body, "page_or_data_source", show)

    def _show(self, request: Request) -> Response:
        page = self._space.pages.get(str(uuid.UUID(identifier_of(request))))
        shown = None if page is None else {"title": page.title, "properties": page.properties, "content": page.markdown}
        return record_page("Notion page", shown)


class _Validation:
    """Turns a refused filter or value into Notion's `validation_error`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, FilterError):
            raise ProblemError(invalid(str(error))) from error


def _checked(children: Sequence[Any]) -> Sequence[Row]:
    if len(children) > PAGE_MAX:
        raise FilterError(
            f"body failed validation: body.children.length should be ≤ `{PAGE_MAX}`, instead was `{len(children)}`."
        )
    for place, block in enumerate(children):
        parts = block[block["type"]].get("rich_text") or ()
        if any(len(str((part.get("text") or {}).get("content") or "")) > MAX_TEXT for part in parts):
            raise FilterError(
                f"body failed validation: body.children[{place}].rich_text[0].text.content.length should be ≤ `{MAX_TEXT}`."
            )
    return children


def _markdown(page: Page, *, truncated: bool) -> Row:
    text = page.markdown[: len(page.markdown) // 2] if truncated else page.markdown
    return {"object": "page_markdown", "id": page.id, "markdown": text, "truncated": truncated, "unknown_block_ids": []}

"""What Notion's answers have in common: refusals, API generations, ids, pages of a list."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers import shapes
from customer_research_sandbox.servers.shapes import Shape
from customer_research_sandbox.servers.wire import ProblemError, answer, fault_of, json_body, made_up_id, served

OLD, SOURCES, NEW = "2022-06-28", "2025-09-03", "2026-03-11"
"""The API generations: databases; data sources; Markdown pages and `in_trash`."""

PAGE_MAX = 100

BOT = made_up_id("notion", "bot")


def kept_object(kind: str, identifier: str, created: str, edited: str, edited_by: str = BOT) -> Row:
    """What Notion says of whatever it keeps: pages, databases, blocks."""
    return {
        "object": kind,
        "id": identifier,
        "created_time": created,
        "last_edited_time": edited,
        "created_by": {"object": "user", "id": BOT},
        "last_edited_by": {"object": "user", "id": edited_by},
    }


def looked_at(kept: Row, *, in_trash: bool = False) -> Row:
    """Pages and databases, which people look at, have more."""
    url = f"https://www.notion.so/{undashed(kept['id'])}"
    look: Row = {"icon": None, "cover": None, "url": url, "public_url": None}
    return {**kept, **look, "archived": in_trash, "in_trash": in_trash}


def problem(status: int, code: str, text: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """A refusal: `{object, status, code, message}`."""
    return answer({"object": "error", "status": status, "code": code, "message": text, **more}, status, headers)


def invalid(text: str) -> Response:
    """A request that fails validation."""
    return problem(400, "validation_error", text)


def missing(kind: str, identifier: object) -> Response:
    """A thing that is not there, or not shared with the integration."""
    text = f"Could not find {kind} with ID: {identifier}. Make sure the relevant pages and databases are shared with your integration."
    return problem(404, "object_not_found", text)


async def asked_body(request: Request, fields: dict[str, Shape]) -> dict[str, Any]:
    """The request's body, with the fields' shapes checked."""
    body = await json_body(request, problem(400, "invalid_json", "Error parsing JSON body."))
    try:
        shapes.record(fields)(body, "body")
    except shapes.ShapeError as error:
        raise ProblemError(invalid(f"body failed validation: {error}")) from error
    return body


def version_of(request: Request) -> str:
    """The API generation that the request names."""
    return request.headers.get("notion-version", NEW)


def versioned(shown: Row, request: Request) -> Row:
    """The newest generation has no `archived`."""
    return {key: value for key, value in shown.items() if key != "archived"} if version_of(request) == NEW else shown


def undashed(identifier: str) -> str:
    """An id as hexadecimal digits only."""
    return identifier.replace("-", "").lower()


def identifier_of(request: Request) -> str:
    """The id in the path without dashes; anything but a UUID is refused."""
    given = request.path_params["id"]
    try:
        return uuid.UUID(given).hex
    except ValueError:
        raise ProblemError(
            invalid(f'path failed validation: path.id should be a valid uuid, instead was `"{given}"`.')
        ) from None


def paging_of(request: Request) -> dict[str, Any]:
    """Paging from the query string, in the form of a body."""
    size = request.query_params.get("page_size")
    asked: dict[str, Any] = {} if size is None else {"page_size": int(size) if size.isdigit() else size}
    cursor = request.query_params.get("start_cursor")
    return asked if cursor is None else {**asked, "start_cursor": cursor}


def page_size_of(asked: Any) -> int:
    """How many records a page holds: 1 to 100, or as many as possible."""
    if asked is None:
        return PAGE_MAX
    if not isinstance(asked, int) or isinstance(asked, bool) or not 1 <= asked <= PAGE_MAX:
        raise ProblemError(
            invalid(
                f"body failed validation: body.page_size should be a number from 1 to `{PAGE_MAX}`, instead was `{asked}`."
            )
        )
    return asked


def page_of(
    request: Request, rows: Sequence[Row], asked: Mapping[str, Any], kind: str, show: Callable[[Row], Row]
) -> Row:
    """One page of a list from the asked cursor on; half of it under a `truncate` fault."""
    size = page_size_of(asked.get("page_size"))
    start = 0
    cursor = asked.get("start_cursor")
    if cursor is not None:
        ids = [undashed(row["id"]) for row in rows]
        if undashed(str(cursor)) not in ids:
            raise ProblemError(invalid(f"The start_cursor provided is invalid: {cursor}"))
        start = ids.index(undashed(str(cursor)))
    page = rows[start : start + size]
    more = start + size < len(rows)
    truncated = fault_of(request) == "truncate"
    return {
        "object": "list",
        "results": [show(row) for row in served(request, page)],
        "next_cursor": rows[start + size]["id"] if more and not truncated else None,
        "has_more": more or truncated,
        "type": kind,
        kind: {},
    }

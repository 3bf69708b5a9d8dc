"""Notion's comments on pages: listed by page, oldest first, and written in memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers import shapes
from customer_research_sandbox.servers.notion_answers import (
    BOT,
    asked_body,
    identifier_of,
    invalid,
    missing,
    page_of,
    paging_of,
)
from customer_research_sandbox.servers.notion_blocks import rich_text
from customer_research_sandbox.servers.notion_pages import Page, Workspace
from customer_research_sandbox.servers.shapes import Shape
from customer_research_sandbox.servers.wire import ProblemError, answer, made_up_id

_PART = shapes.record({"type": shapes.text, "text": shapes.record({"content": shapes.text}, "content")}, "text")
_COMMENT: dict[str, Shape] = {
    "parent": shapes.record({"type": shapes.text, "page_id": shapes.text}, "page_id"),
    "discussion_id": shapes.text,
    "rich_text": shapes.each(_PART),
}


class Comments:
    """The comments of a workspace's pages; the tickets of a new world have none."""

    def __init__(self, space: Workspace, as_of: datetime) -> None:
        self._space = space
        self._now = as_of.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._rows: list[Row] = []
        self._numbers = itertools.count(1)

    def routes(self) -> Sequence[BaseRoute]:
        """Comments of a page, one comment, a new one."""
        return [
            Route("/v1/comments", self._list),
            Route("/v1/comments", self._create, methods=["POST"]),
            Route("/v1/comments/{id}", self._read),
        ]

    def _page(self, identifier: str) -> Page:
        try:
            page = self._space.pages.get(str(UUID(identifier)))
        except ValueError:
            text = f"block_id should be a valid uuid, instead was `{identifier}`."
            raise ProblemError(invalid(text)) from None
        if page is None:
            raise ProblemError(missing("block", identifier))
        return page

    def _list(self, request: Request) -> Response:
        page = self._page(request.query_params.get("block_id", ""))
        rows = [row for row in self._rows if row["parent"]["page_id"] == page.id]
        return answer(page_of(request, rows, paging_of(request), "comment", dict))

    async def _create(self, request: Request) -> Response:
        body = await asked_body(request, _COMMENT)
        if "parent" not in body or not body.get("rich_text"):
            raise ProblemError(invalid("body failed validation: body.parent and body.rich_text should be defined."))
        page, number = self._page(body["parent"]["page_id"]), next(self._numbers)
        words = "".join(part["text"]["content"] for part in body["rich_text"])
        row = {
            "object": "comment",
            "id": made_up_id("comment", page.id, number),
            "parent": {"type": "page_id", "page_id": page.id},
            "discussion_id": body.get("discussion_id") or made_up_id("discussion", page.id, number),
            "created_time": self._now,
            "last_edited_time": self._now,
            "created_by": {"object": "user", "id": BOT},
            "rich_text": rich_text(words),
        }
        self._rows.append(row)
        return answer(row)

    def _read(self, request: Request) -> Response:
        wanted = str(UUID(identifier_of(request)))
        for row in self._rows:
            if row["id"] == wanted:
                return answer(row)
        raise ProblemError(missing("comment", wanted))

"""Intercom: bearer token, versions, searches by cursor, one scroll of companies an app, what was deleted, limits of 10 seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import IntercomRecords, Row
from customer_research_sandbox.servers import intercom_views as views
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.intercom_search import Field, QueryError, Rules, page_of, pages_of
from customer_research_sandbox.servers.limits import Clock, RollingWindow
from customer_research_sandbox.servers.wire import (
    ProblemError,
    Vendor,
    answer,
    bearer,
    fault_of,
    json_body,
    made_up_id,
    served,
    whole_number,
)

TOKEN = "sandbox-intercom-token"  # noqa: S105  (the sandbox's own, opens nothing)
LIMIT = 1_667
"""Requests of one app in 10 seconds: 10,000 a minute, spread evenly."""

APP_VERSION = (2, 14)
"""What the app is set to: who sends no version gets this one."""

NEWEST = (2, 16)
_WITH_COMPANIES, _WITH_DELETED = (2, 15), (2, 16)
SCROLL_SECONDS = 60.0
SCROLL_PAGE = 100
CONTACTS_PAGE, DELETED_MOST = 50, 60

CONTACT_FIELDS: Mapping[str, Field] = {
    "id": Field("text", lambda one: one["id"]),
    "name": Field("text", lambda one: one["name"]),
    "email": Field("text", lambda one: one["email"]),
    "external_id": Field("text", lambda one: one.get("external_id")),
    "role": Field("text", lambda _: "user"),
    "created_at": Field("instant", lambda one: one["created_at"]),
    "updated_at": Field("instant", lambda one: one["updated_at"]),
}
CONVERSATION_FIELDS: Mapping[str, Field] = {
    "id": Field("text", lambda one: one["id"]),
    "contact_ids": Field("texts", lambda one: one["contact_ids"]),
    "open": Field("flag", lambda one: one["state"] != "closed"),
    "state": Field("text", lambda one: one["state"]),
    "created_at": Field("instant", lambda one: one["created_at"]),
    "updated_at": Field("instant", lambda one: one["updated_at"]),
    "waiting_since": Field("instant", lambda one: one["waiting_since"]),
    "admin_assignee_id": Field("whole", lambda one: one["admin_assignee_id"]),
    "ai_agent_participated": Field("flag", lambda one: one["ai"]),
}
_CATEGORIES = {"Customer": "request", "Back-office": "task", "Tracker": "tracker"}
"""A ticket's category → the word by which it is searched."""

TICKET_FIELDS: Mapping[str, Field] = {
    "id": Field("text", lambda one: one["id"]),
    "contact_ids": Field("texts", lambda one: one["contact_ids"]),
    "open": Field("flag", lambda one: one["is_open"]),
    "state": Field("text", lambda one: one["state"]),
    "title": Field("text", lambda one: one["title"]),
    "category": Field("text", lambda one: _CATEGORIES[one["category"]]),
    "created_at": Field("instant", lambda one: one["created_at"]),
    "updated_at": Field("instant", lambda one: one["updated_at"]),
    "admin_assignee_id": Field("text", lambda one: str(one["admin_assignee_id"])),
}

_CODES = {
    400: "bad_request", 401: "unauthorized", 403: "api_plan_restricted", 404: "not_found", 405: "method_not_allowed",
    422: "parameter_invalid", 429: "rate_limit_exceeded", 500: "server_error",
}  # fmt: skip
_WORDS = {401: "Access Token Invalid", 404: "Resource Not Found", 429: "Exceeded rate limit", 500: "Server error"}


class IntercomServer(Vendor):
    """Intercom over the world's workspace; what tests change in the records is served at once."""

    source = "intercom"

    def __init__(self, records: IntercomRecords, as_of: datetime, controls: Controls, clock: Clock) -> None:
        super().__init__(controls)
        self._records = records
        self._as_of = as_of
        self._clock = clock
        self._window = RollingWindow(LIMIT, 10.0, clock)
        self._scroll: tuple[str, int, float] | None = None
        """The open scroll: its mark, how far it is, when it was used last."""

    def routes(self) -> Sequence[BaseRoute]:
        """What the product reads, and contacts' merges."""
        gets: Mapping[str, Callable[[Request], Response]] = {
            "/me": self._me,
            "/companies": self._companies,
            "/companies/scroll": self._companies_scroll,
            "/companies/{id}/contacts": self._company_contacts,
            "/contacts/{id}/merge_history": self._merges,
            "/conversations/deleted": self._deleted,
            "/conversations/{id}": self._conversation,
            "/tickets/{id}": self._ticket,
        }
        return [
            *(Route(path, handler) for path, handler in gets.items()),
            Route("/contacts/search", self._search_contacts, methods=["POST"]),
            Route("/conversations/search", self._search_conversations, methods=["POST"]),
            Route("/tickets/search", self._search_tickets, methods=["POST"]),
        ]

    def authorised(self, request: Request) -> bool:
        """The sandbox's token."""
        return bearer(request, TOKEN)

    def error(self, status: int, message: str = "") -> Response:
        """An `error.list` of one error; a 429 carries its limit headers even when it is a fault."""
        headers = self._limit_headers(0, 1.0) if status == 429 else {}
        return self._refusal(status, _CODES.get(status, "bad_request"), _WORDS.get(status, message), headers)

    def _refusal(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
        body = {
            "type": "error.list", "request_id": made_up_id("intercom", status, code),
            "errors": [{"code": code, "message": message}],
        }  # fmt: skip
        return answer(body, status, headers)

    def refusal(self, request: Request) -> Response | None:
        """A version that there is not."""
        if self._version(request) is None:
            return self._refusal(400, "intercom_version_invalid", "The requested version could not be found")
        return None

    def admit(self, request: Request) -> tuple[Response | None, Mapping[str, str]]:  # noqa: ARG002  (one window for all)
        """At most so many requests in 10 seconds."""
        verdict = self._window.take()
        headers = self._limit_headers(verdict.remaining, verdict.reset_seconds)
        return (None if verdict.allowed else self.error(429)), headers

    @staticmethod
    def _limit_headers(remaining: int, seconds: float) -> dict[str, str]:
        reset = int(time.time() + max(seconds, 1.0))
        return {
            "X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": str(reset),
        }  # fmt: skip

    def _version(self, request: Request) -> tuple[int, int] | None:
        """The version that a request speaks; None: there is no such."""
        told = request.headers.get("intercom-version")
        if told is None:
            return APP_VERSION
        major, _, minor = told.partition(".")
        found = (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
        return found if found is not None and (2, 0) <= found <= NEWEST else None

    def _speaks(self, request: Request, version: tuple[int, int]) -> bool:
        return (self._version(request) or APP_VERSION) >= version

    # -- companies and contacts ---------------------------------------------------------------------------------------

    def _me(self, _request: Request) -> Response:
        app = {
            "type": "app", "id_code": self._records.workspace, "name": "Moovs support", "region": "US",
            "timezone": self._records.zone, "created_at": 1_500_000_000, "identity_verification": False,
        }  # fmt: skip
        return answer(
            {
                "type": "admin", "id": "711", "name": "Research", "email": "research@moovs-team.example.com",
                "email_verified": True, "has_inbox_seat": False, "team_ids": [], "app": app,
            }
        )  # fmt: skip

    def _companies(self, request: Request) -> Response:
        wanted = request.query_params.get("company_id")
        if wanted is not None:
            found = [one for one in self._records.companies if one["company_id"] == wanted]
            if not found:
                return self._refusal(404, "company_not_found", "Company Not Found")
            return answer(self._numbered(request, ("list", "data"), found, 15))
        size = whole_number(request.query_params.get("per_page"), 15)
        return answer(self._numbered(request, ("list", "data"), self._records.companies, size))

    def _companies_scroll(self, request: Request) -> Response:
        mark, now = request.query_params.get("scroll_param"), self._clock()
        held = self._scroll if self._scroll is not None and now - self._scroll[2] < SCROLL_SECONDS else None
        if mark is None:
            if held is not None:
                return self._refusal(400, "scroll_exists", "scroll already exists for this workspace")
            held = (made_up_id("scroll", now), 0, now)
        elif held is None or held[0] != mark:
            return self._refusal(404, "not_found", "scroll parameter not found")
        own, begin, _ = held
        rows = self._records.companies[begin : begin + SCROLL_PAGE]
        self._scroll = (own, begin + SCROLL_PAGE, now) if rows else None
        body = {"type": "list", "data": served(request, rows), "pages": None, "total_count": None, "scroll_param": own}
        return answer(body)

    def _company_contacts(self, request: Request) -> Response:
        own = request.path_params["id"]
        if all(one["id"] != own for one in self._records.companies):
            return self._refusal(404, "company_not_found", "Company Not Found")
        found = [views.contact(one) for one in self._records.contacts if own in one["company_refs"]]
        size = whole_number(request.query_params.get("per_page"), CONTACTS_PAGE)
        if self._records.cursor_pages:
            begin = whole_number(request.query_params.get("starting_after"), 0)
            pages = pages_of(len(found), size, begin // size + 1, str(begin + size))
            return _listing("list", "data", served(request, found[begin : begin + size]), len(found), pages)
        return answer(self._numbered(request, ("list", "data"), found, size))

    def _numbered(self, request: Request, listing: tuple[str, str], rows: Sequence[Row], size: int) -> dict[str, Any]:
        """A page of a list by number; the next one is named by its address. *listing*: its type, and where its records are."""
        kind, name = listing
        page = max(whole_number(request.query_params.get("page"), 1), 1)
        total = -(-len(rows) // size)
        shown = served(request, rows[(page - 1) * size : page * size])
        pages: dict[str, Any] = {"type": "pages", "page": page, "per_page": size, "total_pages": total}
        if page < total:
            pages["next"] = f"{request.url.replace(query='')}?per_page={size}&page={page + 1}"
        return {"type": kind, name: shown, "total_count": len(rows), "pages": pages}

    def _merges(self, request: Request) -> Response:
        own = request.path_params["id"]
        found = next((one for one in self._records.contacts if one["id"] == own), None)
        if found is None:
            return self._refusal(404, "not_found", "Contact Not Found")
        data = [views.merge(one) for one in found["merged"]]
        return answer({"type": "list", "data": data, "next_cursor": None, "has_more": False})

    async def _search_contacts(self, request: Request) -> Response:
        merges = request.query_params.get("include_merge_history") == "true"
        gone = {own for one in self._records.contacts for own, _ in one["merged"]}
        there = [one for one in self._records.contacts if one["id"] not in gone]
        rules = Rules(CONTACT_FIELDS, self._records.zone, by_day=True)
        found, rows, pages = await self._searched(request, there, rules, 50)
        return _listing("list", "data", [views.contact(one, merges=merges) for one in rows], found, pages)

    # -- conversations ------------------------------------------------------------------------------------------------

    async def _search_conversations(self, request: Request) -> Response:
        rules = Rules(CONVERSATION_FIELDS, self._records.zone, self._records.by_day)
        found, rows, pages = await self._searched(request, self._there(), rules, 20)
        shown = [self._shown(request, one) for one in rows]
        return _listing("conversation.list", "conversations", shown, found, pages)

    async def _search_tickets(self, request: Request) -> Response:
        rules = Rules(TICKET_FIELDS, self._records.zone, self._records.by_day)
        found, rows, pages = await self._searched(request, self._records.tickets, rules, 20)
        shown = [self._shown_ticket(request, one) for one in rows]
        return _listing("ticket.list", "tickets", shown, found, pages)

    def _ticket(self, request: Request) -> Response:
        own = request.path_params["id"]
        found = next((one for one in self._records.tickets if one["id"] == own), None)
        if found is None:
            return self._refusal(404, "ticket_not_found", "Ticket Not Found")
        return answer(self._shown_ticket(request, found))

    @staticmethod
    def _shown_ticket(request: Request, record: Mapping[str, Any]) -> Row:
        shown = views.ticket(record)
        if fault_of(request) == "schema":
            shown.pop("open")
        return shown

    async def _searched(
        self, request: Request, records: Sequence[Row], rules: Rules, default: int
    ) -> tuple[int, list[Row], dict[str, Any]]:
        """How many records a search finds, those of the page that it asks for, and the answer's `pages`."""
        body = await json_body(request, self._refusal(400, "invalid_document", "The body is no JSON object"))
        try:
            test = rules.test(body.get("query"))
            found = [one for one in records if test(one)]
            rows, pages = page_of(found, body.get("pagination"), default)
        except QueryError as error:
            raise ProblemError(self._refusal(400, "parameter_invalid", str(error))) from None
        return len(found), served(request, rows), pages

    def _there(self) -> list[Row]:
        gone = {one["id"] for one in self._records.deleted}
        return [one for one in self._records.conversations if one["id"] not in gone]

    def _shown(self, request: Request, record: Mapping[str, Any]) -> Row:
        ref = record["company_ref"]
        company = next((one for one in self._records.companies if one["id"] == ref), None) if ref else None
        of = [one for one in self._records.tickets if record["id"] in one["conversation_ids"]]
        tickets = [{"type": "ticket", "id": one["id"], "category": one["category"]} for one in of]
        shown = views.conversation(record, company, tickets, knows_companies=self._speaks(request, _WITH_COMPANIES))
        if fault_of(request) == "schema":
            shown.pop("state")
        return shown

    def _conversation(self, request: Request) -> Response:
        own = request.path_params["id"]
        found = next((one for one in self._there() if one["id"] == own), None)
        if found is None:
            return self._refusal(404, "not_found", "Conversation Not Found")
        plain = request.query_params.get("display_as") == "plaintext"
        return answer(views.with_parts(self._shown(request, found), found, plain=plain))

    def _deleted(self, request: Request) -> Response:
        if not self._speaks(request, _WITH_DELETED):
            told = "Requested resource is not available in current API version."
            return self._refusal(400, "intercom_version_invalid", told)
        size = min(whole_number(request.query_params.get("per_page"), 20), DELETED_MOST)
        newest_first = request.query_params.get("order", "desc") != "asc"
        rows = sorted(self._records.deleted, key=lambda one: (one["deleted_at"], one["id"]), reverse=newest_first)
        shown = [{"type": "conversation", "metrics_retained": False, **one} for one in rows]
        return answer(self._numbered(request, ("conversations.list", "conversations"), shown, size))


def _listing(kind: str, name: str, rows: Sequence[Mapping[str, Any]], total: int, pages: Mapping[str, Any]) -> Response:
    """The answer of a search."""
    return answer({"type": kind, name: rows, "total_count": total, "pages": pages})

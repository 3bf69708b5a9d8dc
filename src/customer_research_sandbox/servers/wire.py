"""What all four vendors share on the wire: the gate before every answer, paging arithmetic, problems as exceptions."""

from __future__ import annotations

import json
import logging
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_research_sandbox.servers import distortions, faults
from customer_research_sandbox.servers.faults import Controls

logger = logging.getLogger(__name__)

NAMESPACE = uuid.UUID("5a9db0c5-0000-5000-8000-000000000000")
"""Name space of every id that the servers make up, so that they are the same in every run."""

_BODIES: Mapping[str, Callable[[], Response]] = {"bomb": distortions.bomb, "deep": distortions.deep}

Item = TypeVar("Item")


def made_up_id(*parts: object) -> str:
    """A UUID that depends on nothing but *parts*."""
    return str(uuid.uuid5(NAMESPACE, "/".join(str(part) for part in parts)))


class ProblemError(Exception):
    """A request that the vendor refuses: carries the vendor's own answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class Vendor(ABC):
    """One vendor's server: its routes, who may ask, how often, and how it words a refusal."""

    source: str
    public_prefixes: tuple[str, ...] = ()
    """Paths that need no credentials."""

    def __init__(self, controls: Controls) -> None:
        self.controls = controls

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The vendor's paths."""

    @abstractmethod
    def authorised(self, request: Request) -> bool:
        """Whether the request carries the sandbox's credential."""

    @abstractmethod
    def error(self, status: int, message: str = "") -> Response:
        """The vendor's answer for a status that the route itself does not word (401, 404, 405, 429, 500)."""

    def refusal(self, request: Request) -> Response | None:  # noqa: ARG002  (most vendors want nothing more)
        """The answer to a request that lacks something every request must have beside its credential."""
        return None

    def admit(self, request: Request) -> tuple[Response | None, Mapping[str, str]]:  # noqa: ARG002  (vendors without limits look at nothing)
        """A refusal when the request comes too early, and the headers that every answer carries."""
        return None, {}

    def app(self) -> ASGIApp:
        """The vendor as an ASGI application."""
        inner = Starlette(
            routes=list(self.routes()), exception_handlers={ProblemError: _problem, HTTPException: self._refused}
        )
        return Gate(self, inner)

    async def _refused(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return self.error(error.status_code, error.detail)


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response


class Gate:
    """Stands before a vendor: draws the fault, waits, checks credential and limit, answers, and keeps the record."""

    def __init__(self, vendor: Vendor, inner: ASGIApp) -> None:
        self._vendor = vendor
        self._inner = inner
        self._controls = vendor.controls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        scope["asked"] = bytearray()

        async def heard() -> Message:
            message = await receive()
            scope["asked"] += message.get("body", b"")
            return message

        request = Request(scope, heard)
        kind = self._controls.faults.draw(self._vendor.source)
        scope["fault"] = kind
        await self._controls.pause(kind)
        response = await self._answer(request, kind)
        self._record(request, response.status_code)
        if kind == "endless":
            await distortions.endless(request, send)
            return
        if kind in faults.LISTS:
            first_pages = self._controls.faults.first_pages
            response = distortions.distorted(kind, self._vendor.source, request, response, first_pages)
        elif kind is not None and kind in _BODIES:
            response = _BODIES[kind]()
        await _deliver(response, kind, scope, receive, send)

    async def _answer(self, request: Request, kind: str | None) -> Response:
        if request.url.path.startswith(self._vendor.public_prefixes):
            return await self._capture(request)
        if kind == "http500":
            return self._vendor.error(500)
        if kind == "auth" or not self._vendor.authorised(request):
            return self._vendor.error(401)
        if kind == "http429":
            return self._vendor.error(429)
        refused, headers = self._vendor.admit(request) if self._controls.rate_limits else (None, {})
        if refused is None:
            refused = self._vendor.refusal(request)
        response = refused if refused is not None else await self._capture(request)
        response.headers.update(headers)
        return response

    async def _capture(self, request: Request) -> Response:
        start: Message = {}
        chunks: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                chunks.append(message.get("body", b""))

        try:
            await self._inner(request.scope, request.receive, keep)
        except ClientDisconnect:  # the caller gave up waiting (its deadline): nobody is there to answer
            return self._vendor.error(500)
        except Exception:
            logger.exception("The sandbox's %s failed on %s %s", self._vendor.source, request.method, request.url.path)
            return self._vendor.error(500)
        response = Response(b"".join(chunks), start["status"])
        response.raw_headers = list(start["headers"])
        return response

    def _record(self, request: Request, status: int) -> None:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self._controls.requests.append(faults.Request(self._vendor.source, request.method, path, status))


async def _deliver(response: Response, kind: str | None, scope: Scope, receive: Receive, send: Send) -> None:
    body = bytes(response.body)
    if kind == "drop" and len(body) > 1:
        await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        return
    if kind == "badjson":
        response = Response(body[: len(body) // 2], response.status_code, media_type="application/json")
    await response(scope, receive, send)


def fault_of(request: Request) -> str | None:
    """The kind of fault that this request meets, for those that the vendor's own code must act out."""
    kind: str | None = request.scope.get("fault")
    return kind


def served(request: Request, items: Sequence[Item]) -> list[Item]:
    """The records to put into an answer: all of them, or half of them under a `truncate` fault."""
    return list(items[: len(items) // 2] if fault_of(request) == "truncate" else items)


async def json_body(request: Request, refusal: Response) -> dict[str, Any]:
    """The request's JSON object; raises `ProblemError` with *refusal* when there is none."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise ProblemError(refusal) from None
    if not isinstance(body, dict):
        raise ProblemError(refusal)
    return body


def whole_number(text: str | None, default: int) -> int:
    """A query parameter as a number; *default* when absent or not a number."""
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text) else default


def bearer(request: Request, token: str) -> bool:
    """Whether the request carries *token* as a bearer token."""
    return request.headers.get("authorization", "") == f"Bearer {token}"


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A JSON answer."""
    return JSONResponse(body, status, headers)


def record_page(title: str, record: object) -> HTMLResponse:
    """What a deep link shows: the record as the sandbox holds it, escaped; 404 when there is none."""
    text = "Not found" if record is None else json.dumps(record, indent=2, ensure_ascii=False, default=str)
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><h1>{escape(title)}</h1><pre>{escape(text)}</pre></html>'
    return HTMLResponse(page, 404 if record is None else 200)

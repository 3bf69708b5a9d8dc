"""The JSON API: one request of an operation, answered as JSON; what goes wrong as problem details (RFC 9457)."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from customer_research.documents.formats import explanation
from customer_research.documents.formats.json_ import envelope
from customer_research.domain.explanation import Explanation
from customer_research.domain.report import Report
from customer_research.domain.words import clean
from customer_research.errors import Busy, CustomerResearchError, UsageError
from customer_research.research.usecases import Actor, Answer, Table
from customer_research.surfaces.web.desk import FAULT, Desk, NoPage, near_misses, outward
from customer_research.surfaces.web.endpoints import BASE, Endpoint, endpoints
from customer_research.surfaces.web.openapi import ANSWER, PROBLEM, document

logger = logging.getLogger(__name__)

SURFACE = "api"
"""What its use is noted under."""

LARGEST = 65_536
"""Bytes of a body."""

LONGEST_KEY = 200
"""Characters of a key by which an act is done once."""

ONCE, REPLAYED, NUMBER = "Idempotency-Key", "Idempotency-Replayed", "Request-Id"
JSON, PROBLEM_JSON = "application/json", "application/problem+json"

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


class NoOperation(NoPage):
    """There is no such operation."""


class Stranger(CustomerResearchError):  # noqa: N818 - read as a statement
    """Nobody who is let in."""

    http_status = 401


class WrongMethod(UsageError):  # noqa: N818 - read as a statement
    """The operation is asked for otherwise."""

    http_status = 405


class TooLarge(UsageError):  # noqa: N818 - read as a statement
    """The body has more bytes than are read."""

    http_status = 413


class NotJson(UsageError):  # noqa: N818 - read as a statement
    """The body says that it is none in JSON."""

    http_status = 415


class KeyOfAnother(UsageError):  # noqa: N818 - read as a statement
    """The key by which an act is done once was sent with another act."""

    http_status = 422


def routes(desk: Desk) -> list[Route]:
    """Where the API is."""

    async def handled(request: Request) -> Response:
        number = secrets.token_hex(8)
        headers: dict[str, str] = {}
        try:
            response = await _operation(desk, request, headers)
        except CustomerResearchError as error:
            response = problem(error, number, headers)
        except Exception:
            logger.exception("An operation failed (%s)", number)
            response = problem(CustomerResearchError("It could not be done.", hint="Please report it."), number, {})
        response.headers[NUMBER] = number
        return response

    async def described(request: Request) -> Response:
        text = json.dumps(document(desk.doors.origin, desk.doors.cookie), ensure_ascii=False)
        return _told(request, text, _mark(text), "public, no-cache")

    return [
        Route("/openapi.json", described, methods=["GET"]),
        Route(f"{BASE}/{{rest:path}}", handled, methods=METHODS),
    ]


async def _operation(desk: Desk, request: Request, headers: dict[str, str]) -> Response:
    actor = await desk.doors.actor(request, SURFACE)
    if actor is None:
        headers["WWW-Authenticate"] = "Bearer"
        raise Stranger("Nobody is let in by this.", hint="Send an API token: Authorization: Bearer TOKEN.")
    found = endpoints().get(request.url.path)
    if found is None:
        raise NoOperation("There is no such operation.", hint="/openapi.json lists all.")
    method = "GET" if request.method == "HEAD" else request.method
    if method != found.method:
        headers["Allow"] = "GET, HEAD" if found.method == "GET" else "POST"
        raise WrongMethod(f"{found.case.name} is asked for by {found.method}.", hint="/openapi.json says how.")
    if found.method == "POST":
        return await _done(desk, request, actor, found)
    answer, text = await _asked(desk, actor, found, found.of_query(request.query_params.multi_items()))
    return _told(request, text, _mark(_lasting(answer, text)), "private, no-cache")


# -- reading ---------------------------------------------------------------------------------------------------------------


async def _asked(desk: Desk, actor: Actor, found: Endpoint, wanted: Mapping[str, Any]) -> tuple[Answer, str]:
    personal = desk.shows_personal(actor)

    def drawn(answer: Answer) -> str:
        return json.dumps(plain(found.case.name, answer, show_personal=personal), ensure_ascii=False, allow_nan=False)

    return await desk.runner.told(found.case.name, wanted, actor, drawn)


def plain(use_case: str, answer: Answer, *, show_personal: bool) -> dict[str, Any]:
    """An answer as plain values: a report, an explanation, what programs read of other answers; else its table, lines or text.

    Raises:
        RenderError: a figure without a receipt.
    """
    head = {"schema": ANSWER, "use_case": use_case, "state": answer.state, "beside": list(map(clean, answer.beside))}
    body: Any = answer.body
    if isinstance(body, Report):
        return {**head, "report": envelope(body, show_personal=show_personal)}
    if isinstance(body, Explanation):
        return {**head, "explanation": explanation.as_json(body, show_personal=show_personal)}
    if answer.document is not None:
        return {**head, "document": answer.document}
    if isinstance(body, Table):
        rows = [list(map(clean, row)) for row in body.rows]
        return {**head, "table": {"headers": list(body.headers), "rows": rows}}
    if isinstance(body, tuple):
        return {**head, "lines": list(map(clean, answer.lines))}
    return {**head, "text": "".join(body.pieces)}


_MADE = re.compile(r'"generated_at": "[^"]*"')


def _lasting(answer: Answer, text: str) -> str:
    """What of an answer stays as long as nothing changes: all but when the report was made."""
    return _MADE.sub("", text, count=1) if isinstance(answer.body, Report) else text


def _mark(text: str) -> str:
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _told(request: Request, text: str, mark: str, cached: str) -> Response:
    """An answer; who has it already is told so."""
    headers = {"ETag": mark, "Cache-Control": cached, "Vary": "Authorization, Cookie"}
    known = request.headers.get("if-none-match", "")
    if mark.removeprefix("W/") in known or known.strip() == "*":
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type=JSON)


# -- doing -----------------------------------------------------------------------------------------------------------------


async def _done(desk: Desk, request: Request, actor: Actor, found: Endpoint) -> Response:
    if request.url.query:
        raise UsageError(f"{found.case.name} takes nothing behind a question mark.", hint="Send it as JSON.")
    raw = await _body(request)
    wanted = found.of_values(_object(raw))
    key = request.headers.get(ONCE, "").strip()
    if len(key) > LONGEST_KEY:
        raise UsageError(f"{ONCE} has at most {LONGEST_KEY} characters.", hint="Send a random one.")
    if not key:
        _answer, text = await _asked(desk, actor, found, wanted)
        return Response(text, media_type=JSON)
    sent = f"api {actor.name} {key}"
    this = f"{sent} {found.path} {hashlib.sha256(json.dumps(wanted, sort_keys=True, default=str).encode()).hexdigest()}"
    if not await desk.gate.first(sent):
        return await _again(desk, found, this)
    try:
        await desk.gate.first(this)
        _answer, text = await _asked(desk, actor, found, wanted)
    except BaseException:  # cancelled as well: it was not done, and may be asked for again
        await desk.gate.unsent(sent)
        await desk.gate.unsent(this)
        raise
    return Response(text, media_type=JSON)


async def _again(desk: Desk, found: Endpoint, this: str) -> Response:
    """What is answered where an act is asked for again by the same key.

    Raises:
        KeyOfAnother: it is another act.
    """
    if await desk.gate.first(this):
        await desk.gate.unsent(this)
        raise KeyOfAnother(f"This {ONCE} was sent with another request.", hint="Send a new key with each request.")
    said = "This was asked for before, and is not done twice."
    head = {"schema": ANSWER, "use_case": found.case.name, "state": "done", "beside": []}
    return Response(json.dumps({**head, "lines": [said]}), headers={REPLAYED: "true"}, media_type=JSON)


async def _body(request: Request) -> bytes:
    """The body, as far as it is read.

    Raises:
        NotJson, TooLarge: it is another kind, or too long.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise NotJson("The body is no JSON.", hint=f"Send Content-Type: {JSON}.")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise TooLarge(f"The body has more than {LARGEST} bytes.", hint="Send less.")
        parts.append(part)
    return b"".join(parts)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise UsageError("The body cannot be read as JSON.", hint="Send one JSON object in UTF-8.") from None
    if not isinstance(found, dict):
        raise UsageError("The body is no JSON object.", hint='Send one: {"name": "value"}.')
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


# -- what went wrong -------------------------------------------------------------------------------------------------------


def problem(error: CustomerResearchError, number: str, headers: Mapping[str, str]) -> Response:
    """What went wrong, and what to do."""
    error = outward(error)
    status = error.http_status
    if status >= FAULT:
        logger.warning("An operation failed (%s): %s", number, type(error).__name__)
    told: dict[str, Any] = {
        "type": PROBLEM + re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower(),
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": clean(error.message),
        "hint": clean(error.hint),
        "request_id": number,
    }
    found = near_misses(error)
    if found:
        told["candidates"] = [
            {"operator": one.operator_id, "name": clean(one.candidate.name or ""), "because": clean(one.because)}
            for one in found
        ]
    wait = {"Retry-After": str(round(error.retry_after) or 1)} if isinstance(error, Busy) else {}
    text = json.dumps(told, ensure_ascii=False)
    return Response(text, status, {**headers, **wait}, PROBLEM_JSON)

"""What all pages share: who asks, what stands around an answer, what is told where there is none, what was just done."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from customer_research.documents.formats.markup import Markup, element, joined
from customer_research.domain.words import clean
from customer_research.errors import (
    AmbiguousOperator,
    Busy,
    CustomerResearchError,
    NotAllowed,
    OperatorNotFound,
    UsageError,
)
from customer_research.research.usecases import Actor, Gate, Runner
from customer_research.settings import Settings
from customer_research.surfaces.web import shell
from customer_research.surfaces.web.doors import Doors
from customer_research.surfaces.web.drawing import PAGES

logger = logging.getLogger(__name__)

FLASH = "said"
"""The cookie by which the next page says what was just done."""

PART = "X-Part"
"""The header by which a page of ours asks for what another says, without what stands around it."""

LARGEST = 65_536
"""Bytes of a form."""

FAULT = 500
"""From this status on it is our fault, or a source's."""

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Desk:
    """What all pages work with."""

    settings: Settings
    runner: Runner
    gate: Gate
    doors: Doors

    def shows_personal(self, actor: Actor) -> bool:
        """Whether personal data is shown: as the settings say, to who may see it."""
        return self.settings.show_personal and actor.may("personal")


Page = Callable[[Desk, Request, Actor], Awaitable[Response]]


class NoPage(UsageError):  # noqa: N818 - read as a statement
    """There is no such page."""

    http_status = 404


def guarded(desk: Desk, made: Page) -> Handler:
    """A page for who is let in; whoever is not is sent to sign in, and what fails is told in a sentence."""

    async def handled(request: Request) -> Response:
        try:
            actor = await desk.doors.actor(request)
            if actor is None:
                return _stranger(request)
            return await made(desk, request, actor)
        except CustomerResearchError as error:
            return failed(request, error)
        except Exception:
            logger.exception("A page could not be made")
            return failed(request, CustomerResearchError("This page could not be made.", hint="Please report it."))

    return handled


def _stranger(request: Request) -> Response:
    if request.headers.get("authorization"):
        return Response("The token lets nobody in.\n", 401, {"WWW-Authenticate": "Bearer"}, "text/plain")
    if request.method != "GET":
        return Response("Sign in first.\n", 401, media_type="text/plain")
    there = str(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?{urlencode({'next': there})}", 303)


# -- forms --------------------------------------------------------------------------------------------------------------


async def sent(request: Request) -> dict[str, str]:
    """The fields of a form.

    Raises:
        UsageError: it is too large, or none.
    """
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > LARGEST:
        raise UsageError("The form is too large.", hint="Write less.")
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise UsageError("That is no form of these pages.", hint="Press the button on the page.")
    try:
        return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=40))
    except ValueError:
        raise UsageError("The form cannot be read.", hint="Press the button on the page.") from None


def within(place: str) -> str:
    """A page of ours that somebody is sent back to; any other is today's."""
    fits = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable() and "\\" not in place
    return place if fits else "/today"


def flash(desk: Desk, response: Response, words: shell.Said) -> None:
    """Have the next page say what was done."""
    told = json.dumps({"words": words.words, "undo": words.undo, "fields": dict(words.fields)})
    response.set_cookie(
        FLASH, quote(told), max_age=60, path="/", secure=desk.doors.safe, httponly=True, samesite="strict"
    )


def _flashed(request: Request) -> shell.Said | None:
    """What was just done, as the cookie says; who writes their own cookie tells themselves."""
    try:
        told = json.loads(unquote(request.cookies.get(FLASH, "")))
        fields: Mapping[str, str] = {str(name): str(value) for name, value in told["fields"].items()}
        return shell.Said(clean(str(told["words"])), within(str(told["undo"])) if told["undo"] else "", fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


# -- what every answer has -----------------------------------------------------------------------------------------------


def page(desk: Desk, request: Request, actor: Actor, title: str, body: str) -> Response:
    """A page; a browser that has it already is told so. To a page of ours that asks for its part the body alone is given."""
    if PART in request.headers:
        return HTMLResponse(body, headers={"Vary": f"Cookie, {PART}"})
    flashed = _flashed(request)
    around = shell.Around(request.url.path, actor.name, not desk.doors.can_leave(request), flashed)
    whole = shell.document(title, around, body)
    if flashed is not None:
        response = HTMLResponse(whole)
        response.delete_cookie(FLASH, path="/", secure=desk.doors.safe, httponly=True, samesite="strict")
        return response
    mark = f'"{hashlib.sha256(whole.encode()).hexdigest()[:32]}"'
    told = {"ETag": mark, "Cache-Control": "private, no-cache", "Vary": f"Cookie, {PART}"}
    if mark in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=told)
    return HTMLResponse(whole, headers=told)


def outward(error: CustomerResearchError) -> CustomerResearchError:
    """The error as it is told: whose operator it is that somebody may not see is not."""
    if isinstance(error, NotAllowed) and error.operator_id:
        said = "There is no such operator in your book."
        return OperatorNotFound(said, hint="Find it by name, or ask its account owner.")
    return error


def near_misses(error: CustomerResearchError) -> tuple[Any, ...]:
    """The operators that may have been meant."""
    if isinstance(error, AmbiguousOperator):
        return error.candidates
    return error.nearest if isinstance(error, OperatorNotFound) else ()


def failed(request: Request, error: CustomerResearchError) -> Response:
    """What went wrong, and what to do."""
    error = outward(error)
    status, message, hint, found = error.http_status, error.message, error.hint, near_misses(error)
    number = secrets.token_hex(4)
    if status >= FAULT:
        logger.warning("A page failed (%s): %s", number, type(error).__name__)
        hint = f"{hint} (request {number})".strip()
    near = element("ul", *(element("li", _candidate(one)) for one in found)) if found else ""
    titles = {403: "Not for you", 404: "Not found", 409: "Which one?"}
    title = titles.get(status, "That did not work")
    body = joined(shell.heading(title, clean(message)), shell.main(near, element("p", clean(hint))))
    headers = {"Retry-After": str(round(error.retry_after) or 1)} if isinstance(error, Busy) else {}
    around = shell.Around(request.url.path, who="you", own=True)
    return HTMLResponse(shell.document(title, around, body), status, headers)


def _candidate(match: Any) -> Markup:
    name = clean(match.candidate.name or match.operator_id)
    return joined(element("a", name, href=PAGES[match.operator_id]), f": {clean(match.because)}")

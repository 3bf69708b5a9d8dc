"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from customer_research.documents.formats.markup import element
from customer_research.errors import CustomerResearchError, NotAllowed
from customer_research.surfaces.web import shell
from customer_research.surfaces.web.desk import Desk, Handler, failed, sent, within
from customer_research.surfaces.web.doors import SURFACE

AT_COMPANY = "/sign-in/company"
"""Where a sign-in at the company's identity provider begins: a link, since the policy lets no form lead to another's pages."""


def sign_in(desk: Desk) -> Handler:
    """The page where one signs in: at the company's identity provider, by an API token, or by the address that was printed."""

    async def handled(request: Request) -> Response:
        after = within(request.query_params.get("next", ""))
        try:
            if request.method == "POST":
                fields = await sent(request)
                secret = await desk.gate.sign_in(fields.get("token", "").strip())
                after = within(fields.get("next", ""))
                if secret is None:
                    return _sign_in_page(
                        desk, after, "That token lets nobody in: it is unknown, over, or taken back.", 403
                    )
                return await _let_in(desk, request, after, secret)
            key = request.query_params.get("key", "")
            mine = desk.doors.open_own(key) if key else None
            if mine is not None:
                return await _let_in(desk, request, after, mine)
        except CustomerResearchError as error:
            return failed(request, error)
        wrong = "This address has been used: start `customer-research web serve` again for another." if key else ""
        return _sign_in_page(desk, after, wrong, 403 if key else 200)

    return handled


def begin(desk: Desk) -> Handler:
    """Send somebody to the identity provider."""

    async def handled(request: Request) -> Response:
        try:
            url, secret = await desk.doors.entrance.begin(within(request.query_params.get("next", "")))
        except CustomerResearchError as error:
            return failed(request, error)
        response = RedirectResponse(url, 303)
        desk.doors.keep_entering(response, secret)
        return response

    return handled


def come_back(desk: Desk) -> Handler:
    """Let in whom the identity provider sends back."""

    async def handled(request: Request) -> Response:
        asked, secret = request.query_params, request.cookies.get(desk.doors.entering, "")
        try:
            session, after = await desk.doors.entrance.finish(
                secret, asked.get("state", ""), asked.get("code", ""), SURFACE
            )
            return await _let_in(desk, request, after, session)
        except NotAllowed as error:
            return _sign_in_page(desk, "/today", f"{error.message} {error.hint}", error.http_status)
        except CustomerResearchError as error:
            return failed(request, error)

    return handled


async def _let_in(desk: Desk, request: Request, after: str, secret: str) -> Response:
    """To the page that was wanted, with a cookie of its own: an older one ends."""
    response = RedirectResponse(after, 303)
    if request.cookies.get(desk.doors.cookie):
        await desk.doors.leave(request, response)
        response = RedirectResponse(after, 303)
    desk.doors.keep(response, secret)
    return response


def _sign_in_page(desk: Desk, after: str, wrong: str, status: int) -> Response:
    field = element(
        "input", id="token", name="token", type="password", autocomplete="off", required=True, size=40, autofocus=True
    )
    form_ = element(
        "form",
        element("input", type="hidden", name="next", value=after),
        element("label", "API token", for_="token"),
        field,
        element("button", "Sign in", type="submit"),
        method="post",
        action="/sign-in",
        class_="filters",
    )
    company = element("a", "Sign in by your company", href=f"{AT_COMPANY}?{urlencode({'next': after})}")
    body = shell.main(
        element("p", wrong, class_="bad", role="alert") if wrong else "",
        element("p", company) if desk.doors.entrance.is_open else "",
        element("p", "Who may see these pages has an API token; whoever runs customer-research makes one for you."),
        form_,
    )
    page = shell.document("Sign in", shell.Around("/sign-in"), shell.heading("Sign in"), body)
    return HTMLResponse(page, status)


def sign_out(desk: Desk) -> Handler:
    """End one's session."""

    async def handled(request: Request) -> Response:
        response = RedirectResponse("/sign-in", 303)
        try:
            await desk.doors.leave(request, response)
        except CustomerResearchError as error:
            return failed(request, error)
        return response

    return handled

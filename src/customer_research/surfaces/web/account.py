"""Who one is here: what one may do and see, where one is signed in, and signing out everywhere."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from customer_research.documents.formats.markup import Markup, element, joined
from customer_research.domain.access import PERMISSIONS, Session
from customer_research.domain.words import instant_words
from customer_research.research.usecases import Actor
from customer_research.surfaces.web import shell
from customer_research.surfaces.web.desk import Desk, page

_WAYS = {"token": "by an API token", "oidc": "by the company's sign-in"}


async def account(desk: Desk, request: Request, actor: Actor) -> Response:
    """The page about oneself."""
    granted = ", ".join(one for one in PERMISSIONS if actor.may(one)) or "nothing"
    whose = f"the operators of owner {actor.book} alone" if actor.book else "everybody's operators"
    body = shell.main(
        element("p", f"You may {granted}, of {whose}." if granted != "nothing" else "You may see nothing here now."),
        _sessions(await desk.doors.entrance.sessions(actor.name)) if desk.doors.can_leave(request) else "",
    )
    return page(desk, request, actor, "Your account", joined(shell.heading("Your account", actor.name), body))


def _sessions(found: tuple[Session, ...]) -> Markup | str:
    if not found:
        return ""
    items = (
        element("li", f"since {instant_words(one.began_at)}, last here {instant_words(one.seen_at)}, {_WAYS[one.way]}")
        for one in found
    )
    leave = element("button", "Sign out everywhere", type="submit")
    return element(
        "section",
        element("h2", "Where you are signed in"),
        element("ul", *items),
        element("form", leave, method="post", action="/sign-out/everywhere"),
    )


async def leave_everywhere(desk: Desk, request: Request, actor: Actor) -> Response:
    """End all of one's own sessions, this one too."""
    response = RedirectResponse("/sign-in", 303)
    await desk.doors.entrance.leave_everywhere(actor.name)
    await desk.doors.leave(request, response)
    return response

"""What stands around every page: where to go, where to find an operator, who is signed in, what was just done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from customer_research.documents.formats.markup import Markup, element, joined
from customer_research.documents.formats.style import stylesheet
from customer_research.surfaces.web.views import MENU

NO_FIELDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Said:
    """What was just done, and how it is undone: the form's place and fields (empty: it is not)."""

    words: str
    undo: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: NO_FIELDS)


@dataclass(frozen=True, slots=True)
class Around:
    """What a page is shown with.

    Args:
        path: its address, without the words behind the question mark.
        who: who is signed in; empty: nobody.
        own: whether they cannot sign out here: this machine's own user ends the program, and a proxy names others each time.
        said: what was just done.
    """

    path: str
    who: str = ""
    own: bool = False
    said: Said | None = None


def document(title: str, around: Around, *body: str) -> str:
    """A whole page."""
    head = (
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} - Customer research"),
        element("link", rel="icon", href="data:,"),
        element("link", rel="stylesheet", href=asset("web.css")),
        element("script", src=asset("web.js"), defer=True),
    )
    whole = element(
        "body",
        element("a", "Skip to the page", href="#report", class_="skip"),
        _top(around) if around.who else "",
        _said(around.said) if around.said else "",
        *body,
    )
    return f"<!doctype html>\n{element('html', element('head', *head), whole, lang='en')}\n"


def _top(around: Around) -> Markup:
    places = (
        element("li", element("a", view.title, href=view.path, aria_current=_current(view.path, around.path)))
        for view in MENU
    )
    find = element(
        "form",
        element("label", "Find an operator", for_="find", class_="hidden"),
        element(
            "input",
            id="find",
            name="q",
            type="search",
            placeholder="Find an operator",
            autocomplete="off",
            required=True,
            aria_describedby="find-how",
        ),
        element("span", "Press / to come here", id="find-how", class_="hidden"),
        method="get",
        action="/find",
        role="search",
        class_="find-form",
    )
    leave = (
        ""
        if around.own
        else element("form", element("button", "Sign out", type="submit"), method="post", action="/sign-out")
    )
    who = element("a", around.who, href="/account", class_="who")
    account = element("div", who, leave, class_="account")
    return element(
        "div",
        element("nav", element("ul", *places), aria_label="Pages"),
        find,
        account,
        class_="top",
        role="region",
        aria_label="Where to go",
    )


def _current(path: str, here: str) -> str | None:
    if path == here:
        return "page"
    return "true" if here.startswith(f"{path}/") else None


def _said(said: Said) -> Markup:
    fields = (element("input", type="hidden", name=name, value=value) for name, value in said.fields.items())
    undo = element("form", *fields, element("button", "Undo", type="submit"), method="post", action=said.undo)
    return element("div", element("p", said.words), undo if said.undo else "", class_="said", role="status")


def heading(title: str, *lines: str) -> Markup:
    """The head of a page that is no report."""
    return element("header", element("h1", title), *(element("p", line) for line in lines))


def main(*body: str) -> Markup:
    """The middle of a page that is no report."""
    return element("main", *body, id="report", tabindex="-1")


def links(title: str, places: Iterable[tuple[str, str]]) -> Markup | str:
    """Where to go on: words and places."""
    items = [element("li", element("a", words, href=place)) for words, place in places]
    return element("nav", element("ul", *items), aria_label=title, class_="menu") if items else ""


# -- what every page loads -------------------------------------------------------------------------------------------------


@cache
def content(name: str) -> str:
    """A file that pages load."""
    own = files(__package__).joinpath(f"static/{name}").read_text(encoding="utf-8")
    return f"{stylesheet()}\n{own}" if name == "web.css" else own


@cache
def asset(name: str) -> str:
    """Its address, which changes with its content: browsers may keep it for ever."""
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.sha256(content(name).encode()).hexdigest()[:16]
    return f"/static/{stem}.{digest}.{suffix}"


ASSETS: Mapping[str, str] = MappingProxyType({"web.css": "text/css", "web.js": "text/javascript"})
"""The files that pages load, and what they are."""

__all__ = ["ASSETS", "Around", "Said", "asset", "content", "document", "heading", "joined", "links", "main"]

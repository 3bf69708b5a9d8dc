"""Pages that are read: a use case's answer as a page or as a file, and whom a word means."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from customer_research.documents.formats import FORMATS, NAMES, as_file
from customer_research.documents.formats.markup import Markup, joined
from customer_research.domain.report import Report, Table, Text
from customer_research.domain.words import clean
from customer_research.errors import NothingYet, UsageError
from customer_research.research.usecases import USE_CASES, Actor, Answer
from customer_research.surfaces.web import shell
from customer_research.surfaces.web.acting import alert_forms, operator_forms, seen_form
from customer_research.surfaces.web.desk import Desk, Page, page
from customer_research.surfaces.web.drawing import PAGES, Drawn, drawn
from customer_research.surfaces.web.filters import form
from customer_research.surfaces.web.parts import begin, live_part
from customer_research.surfaces.web.views import View

FEW = 8
"""Names that are offered while somebody types."""

_KINDS = ("brief", "health", "billing", "reservations", "payments", "risk", "history", "account-review")
_HANDED = (("brief", "pdf"), ("account-review", "pptx"), ("account-review", "pdf"), ("profile", "xlsx"))
"""What is written from an operator's page: pages, and files to hand on."""


def shown(view: View) -> Page:
    """A page of a use case."""

    async def read(desk: Desk, request: Request, actor: Actor) -> Response:
        asked = request.query_params.multi_items()
        wanted = view.request(request.path_params, asked)
        path, place = request.url.path, {name: str(value) for name, value in request.path_params.items()}
        if view.live and not actor.may("finance"):  # what is kept is kept with money
            return RedirectResponse(f"{path}/{view.live}", 303)

        def below(report: Report | None) -> str:
            parts = [form(view, path, dict(asked))]
            if "alert" in place and actor.may("act"):
                parts.append(alert_forms(place["alert"], path))
            operator = report.operator_id if report is not None and "operator" in place else ""
            if operator:
                parts.append(_of_operator(operator, path, actor))
            elif view.title:
                parts.append(_files(view, request))
            return joined(*parts)

        def act(alert: str) -> str:
            return seen_form(alert, f"{path}?{request.url.query}" if request.url.query else path)

        def draw(answer: Answer) -> Drawn:
            title, personal = view.title or USE_CASES[view.use_case].sentence, desk.shows_personal(actor)
            return drawn(
                answer, title, show_personal=personal, below=below, act=act if actor.may("act") else lambda _alert: ""
            )

        below_all = live_part(f"{path}/{view.live}") if view.live else ""
        try:
            _answer, found = await desk.runner.told(view.use_case, wanted, actor, draw)
        except NothingYet as error:
            told = begin(error, actor)
            return page(desk, request, actor, "Nothing is kept yet", joined(told, below_all))
        return page(desk, request, actor, found.title, joined(found.body, below_all))

    return read


def _files(view: View, request: Request) -> Markup | str:
    """The same list as files: all that the address chooses."""
    query = f"?{request.url.query}" if request.url.query else ""
    words = {"xlsx": "Excel", "csv": "CSV", "pdf": "PDF"}
    return shell.links("As a file", ((name, f"{view.path}.{suffix}{query}") for suffix, name in words.items()))


def _of_operator(operator: str, here: str, actor: Actor) -> Markup:
    """Where to go on from an operator."""
    places = [("As kept", PAGES[operator])] if actor.may("finance") else []
    places.append(("Profile, live", f"{PAGES[operator]}/profile"))
    places += [
        (kind.replace("-", " ").capitalize(), f"{PAGES[operator]}/{kind}") for kind in _KINDS if _allowed(kind, actor)
    ]
    files = [
        (f"{kind.replace('-', ' ').capitalize()} as {suffix.upper()}", f"{PAGES[operator]}/{kind}.{suffix}")
        for kind, suffix in _HANDED
    ]
    parts = [shell.links("About this operator", places), shell.links("To hand on", files)]
    if actor.may("act"):
        parts.append(operator_forms(operator, here))
    return joined(*parts)


def _allowed(kind: str, actor: Actor) -> bool:
    return actor.may("finance") or kind != "history"  # scores lie with money in the store


def filed(view: View) -> Page:
    """A page as a file: all lines of a list, the report in the format that the address ends in."""

    async def read(desk: Desk, request: Request, actor: Actor) -> Response:
        place = {name: str(value) for name, value in request.path_params.items()}
        suffix = place.pop("suffix")
        name = NAMES.get(suffix)
        if name is None or suffix == "txt":
            raise UsageError(f"There is no file of the kind {suffix[:20]!r}.", hint=f"There are: {', '.join(FORMATS)}.")
        wanted = view.request(place, request.query_params.multi_items())
        whole = "choice.limit" in view.takes.values()
        if whole:
            wanted.setdefault("choice", {}).update({"csv": True} if name == "csv" else {"limit": 0})

        def draw(answer: Answer) -> bytes:
            if isinstance(answer.body, Report):
                return as_file(answer.body, name, show_personal=desk.shows_personal(actor))
            if name == "csv" and whole and not isinstance(answer.body, tuple):
                body: Any = answer.body
                return "".join(body.pieces).encode()
            raise UsageError("This page is no report: it cannot be had as a file.", hint="Open the page itself.")

        _answer, content = await desk.runner.told(view.use_case, wanted, actor, draw)
        last = view.path.rpartition("/")[2]
        stem = _slug(view.use_case) if "}" in last else last
        named = "-".join((stem, *(_slug(value) for value in place.values()))) + f".{suffix}"
        told = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(named)}"}
        return Response(content, headers=told, media_type=FORMATS[name].media_type)

    return read


def _slug(words: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "-" for char in words)[:60]


# -- finding -------------------------------------------------------------------------------------------------------------


async def find(desk: Desk, request: Request, actor: Actor) -> Response:
    """Whom a word means: to their page where it is one, else all whom it may mean."""
    term = request.query_params.get("q", "").strip()
    if not term:
        return RedirectResponse("/operators", 303)
    answer, found = await desk.runner.told(
        "lookup", {"term": term}, actor, lambda told: _drawn(desk, actor, told, "Find")
    )
    if answer.state in {"done", "partial"} and found.operator:
        return RedirectResponse(PAGES[found.operator], 303)
    return page(desk, request, actor, found.title, found.body)


def _drawn(desk: Desk, actor: Actor, answer: Answer, title: str) -> Drawn:
    return drawn(answer, title, show_personal=desk.shows_personal(actor), below=lambda _report: "")


async def names(desk: Desk, request: Request, actor: Actor) -> Response:
    """A few operators whose names have this in them, while somebody types: names and places."""
    typed = clean(request.query_params.get("q", ""))[:200]
    rows: list[dict[str, str]] = []
    if typed:
        choice = {"search": typed, "limit": FEW}
        answer = await desk.runner.use("portfolio", {"choice": choice, "sort": "name"}, actor)
        rows = [{"name": clean(name), "place": PAGES[operator]} for operator, name in _operators(answer)]
    return Response(json.dumps(rows, ensure_ascii=False), media_type="application/json")


def _operators(answer: Answer) -> list[tuple[str, str]]:
    """Ids and names of the operators that a list's first table names."""
    assert isinstance(answer.body, Report)
    tables = (block for section in answer.body.sections for block in section.blocks if isinstance(block, Table))
    first = next(tables, None)
    cells = [cell for row in (first.rows if first else ()) for cell in row if isinstance(cell, Text) and cell.operator]
    return [(cell.operator, cell.text) for cell in cells][:FEW]

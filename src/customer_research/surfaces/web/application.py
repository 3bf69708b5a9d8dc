"""The pages as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from customer_research.errors import ConfigError
from customer_research.research.usecases import BACK, Actor, Gate, Runner, Use
from customer_research.settings import Settings
from customer_research.surfaces.web import api, shell
from customer_research.surfaces.web.account import account, leave_everywhere
from customer_research.surfaces.web.acting import ACTS, done
from customer_research.surfaces.web.desk import Desk, NoPage, guarded
from customer_research.surfaces.web.doors import Doors
from customer_research.surfaces.web.entering import AT_COMPANY, begin, come_back, sign_in, sign_out
from customer_research.surfaces.web.proxies import Proxy
from customer_research.surfaces.web.reading import filed, find, names, shown
from customer_research.surfaces.web.safety import Safety
from customer_research.surfaces.web.views import VIEWS


def application(
    settings: Settings,
    config: Path | None,
    origin: str,
    *,
    own: str = "",
    told: Callable[[str], None] = lambda _key: None,
    heard: Callable[[Use], None] = lambda _use: None,
) -> Starlette:
    """All pages.

    Args:
        settings: the settings tree.
        config: the file that they come from.
        origin: the address as browsers know it, without a path.
        own: the user of this machine, who is let in once by a key; empty: nobody is without a token.
        told: hears that key.
        heard: hears of each use of a use case, once it is noted.

    Raises:
        StoreError: the store cannot be opened.
        ConfigError: the identity provider cannot be used, or a proxy's header would be believed of anybody.
    """
    gate = Gate(settings, origin, heard)
    runner = Runner(settings, config=config, audit=gate.note)
    try:
        doors = Doors(gate, gate.entrance(origin), Proxy(settings.web), origin, own)
    except ConfigError:
        gate.close()
        raise
    desk = Desk(settings, runner, gate, doors)
    told(desk.doors.key if own else "")

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            async with runner:
                yield
        finally:
            gate.close()

    return Starlette(
        routes=_routes(desk),
        middleware=[
            Middleware(Safety, origin=origin, hosts=settings.serve.allowed_hosts),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=4),
        ],
        lifespan=lifespan,
    )


def _routes(desk: Desk) -> list[Route]:
    reads, acts = ["GET"], ["POST"]
    routes = [
        Route("/", _to_today, methods=reads),
        Route("/static/{name}", _static, methods=reads),
        Route("/sign-in", sign_in(desk), methods=["GET", "POST"]),
        Route(AT_COMPANY, begin(desk), methods=reads),
        Route(BACK, come_back(desk), methods=reads),
        Route("/sign-out", sign_out(desk), methods=acts),
        Route("/sign-out/everywhere", guarded(desk, leave_everywhere), methods=acts),
        Route("/account", guarded(desk, account), methods=reads),
        Route("/find", guarded(desk, find), methods=reads),
        Route("/names", guarded(desk, names), methods=reads),
    ]
    for view in VIEWS:  # the file of a page before the page: `{operator}` takes dots, too
        routes.append(Route(f"{view.path}.{{suffix}}", guarded(desk, filed(view)), methods=reads))
        routes.append(Route(view.path, guarded(desk, shown(view)), methods=reads))
    routes += [Route(act.path, guarded(desk, done(act)), methods=acts) for act in ACTS]
    routes += api.routes(desk)
    routes.append(Route("/{rest:path}", guarded(desk, _nowhere), methods=reads))
    return routes


async def _to_today(_request: Request) -> Response:
    return RedirectResponse("/today", 307)


async def _nowhere(_desk: Desk, _request: Request, _actor: Actor) -> Response:
    raise NoPage("There is no such page.", hint="Choose one above.")


async def _static(request: Request) -> Response:
    """What every page loads; its address changes with it."""
    stem, _, rest = str(request.path_params["name"]).partition(".")
    name = f"{stem}.{rest.rpartition('.')[2]}"
    if name not in shell.ASSETS or request.url.path != shell.asset(name):
        return Response("There is no such file.\n", 404, media_type="text/plain")
    told = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(shell.content(name), headers=told, media_type=shell.ASSETS[name])

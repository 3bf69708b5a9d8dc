"""The server over HTTP, for many: bearer tokens, allowed host names, no sessions, so that any worker may answer any call.

Where an identity provider is set, clients are told of it by the protected resource's metadata (RFC 9728).
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, get_access_token
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.authentication import AuthenticationError
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from customer_research.domain.access import PERMISSIONS
from customer_research.domain.parsing import is_this_machine
from customer_research.errors import CustomerResearchError, UsageError
from customer_research.research.usecases import Actor, Gate, Runner, Use
from customer_research.settings import Settings, load_settings
from customer_research.surfaces.logs import redact
from customer_research.surfaces.mcp.server import server

PATH = "/mcp"
SURFACE = "http"
NEEDED = "read"
"""What every caller needs."""

TOLD = "_CUSTOMER_RESEARCH_SERVE"
"""The variable by which workers hear what they serve: settings file, address, and the key that signs cursors."""

RETRY_SECONDS = 5
LONGEST_SECONDS = 60
"""How long calls under way may go on when the server ends."""

THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")


# -- the application ---------------------------------------------------------------------------------------------------


class Verifier:
    """Tokens as the SDK asks for them."""

    def __init__(self, gate: Gate, url: str, prefix: str) -> None:
        self._gate, self._url, self._prefix = gate, url, prefix

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whom a token lets in, with its permissions as scopes.

        Raises:
            AuthenticationError: it cannot be told, since the store or the identity provider does not answer.
        """
        try:
            actor = await self._gate.actor(token, SURFACE)
        except CustomerResearchError as error:
            raise AuthenticationError(error.message) from None
        if actor is None:
            return None
        scopes = [f"{self._prefix}{one}" for one in PERMISSIONS if actor.may(one)]
        return AccessToken(
            token="",
            client_id=actor.name,
            scopes=scopes,
            resource=self._url,
            subject=actor.name,
            claims={"actor": actor},
        )


def caller() -> Actor:
    """Who makes the call at hand."""
    found = get_access_token()
    assert found is not None, "nobody comes so far without a token"
    actor: Actor = (found.claims or {})["actor"]
    return actor


def application(
    settings: Settings,
    config: Path | None,
    url: str,
    key: bytes,
    hosts: Sequence[str] = (),
    *,
    heard: Callable[[Use], None] = lambda _use: None,
) -> Starlette:
    """The whole server.

    Args:
        settings: the settings tree.
        config: the file that they come from.
        url: its address as clients write it.
        key: signs cursors.
        hosts: names that requests may name beside those of the settings.
        heard: hears of each use of a use case, once it is noted.

    Raises:
        StoreError: the store cannot be opened.
        ConfigError: the identity provider cannot be used.
    """
    gate = Gate(settings, url, heard)
    runner = Runner(settings, config=config, audit=gate.note)
    security = TransportSecuritySettings(
        allowed_hosts=_hosts(settings, url, hosts), allowed_origins=list(settings.serve.allowed_origins)
    )
    inner = server(runner, caller, key=key).streamable_http_app(
        streamable_http_path=PATH, stateless_http=True, transport_security=security
    )
    prefix = settings.oidc.scope_prefix
    auth = AuthSettings(
        issuer_url=settings.oidc.issuer or url,  # type: ignore[arg-type] # the model reads addresses as they are written
        resource_server_url=url,  # type: ignore[arg-type]
        required_scopes=[f"{prefix}{NEEDED}"],
        validate_token_resource=True,
    )
    resource = auth.resource_server_url
    assert resource is not None, "as given"
    known = bool(settings.oidc.issuer)  # there is nobody to send clients to for API tokens
    metadata = build_resource_metadata_url(resource) if known else None
    routes = [Route(PATH, RequireAuthMiddleware(inner, auth.required_scopes or [], metadata))]
    if known:
        every = [f"{prefix}{one}" for one in PERMISSIONS]
        routes += create_protected_resource_routes(resource, [auth.issuer_url], every)
    backend = BearerAuthBackend(Verifier(gate, url, prefix), resource_server_url=resource)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            async with runner, inner.router.lifespan_context(inner):
                yield
        finally:
            gate.close()

    middleware = [
        Middleware(AuthenticationMiddleware, backend=backend, on_error=_untold),
        Middleware(AuthContextMiddleware),
    ]
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)


def _untold(_connection: HTTPConnection, error: Exception) -> Response:
    """Nobody can tell whether the token counts: to be asked again, not to log in anew."""
    told = {"error": "temporarily_unavailable", "error_description": str(error)}
    return JSONResponse(told, 503, {"Retry-After": str(RETRY_SECONDS)})


def _hosts(settings: Settings, url: str, more: Sequence[str]) -> list[str]:
    """Host names as requests may name them; those without a port at any port."""
    named = dict.fromkeys((*THIS_MACHINE, urlsplit(url).netloc, *settings.serve.allowed_hosts, *more))
    return [spelled for name in named for spelled in ((name,) if _port(name) else (name, f"{name}:*"))]


def _port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]


# -- serving -----------------------------------------------------------------------------------------------------------


def serve(config: Path | None, *, host: str, port: int, workers: int) -> None:
    """Serve until the process is told to end.

    Raises:
        UsageError: the address is for others, too, and nobody could be let in.
        ConfigError, StoreError: the settings or the store cannot be used.
    """
    settings = load_settings(config)
    url = settings.serve.url or f"http://{written_host(host)}:{port}{PATH}"
    require_a_way_in(settings, url, host)
    os.environ[TOLD] = json.dumps(
        {"config": str(config or ""), "url": url, "key": secrets.token_hex(32), "host": written_host(host)}
    )
    uvicorn.run(
        f"{__name__}:worker",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=LONGEST_SECONDS,
    )


def worker() -> Starlette:
    """What one worker serves."""
    redact()
    told: dict[str, Any] = json.loads(os.environ[TOLD])
    config = Path(told["config"]) if told["config"] else None
    return application(load_settings(config), config, told["url"], bytes.fromhex(told["key"]), (told["host"],))


def require_a_way_in(settings: Settings, url: str, host: str) -> None:
    """Refuse an address that others can reach as long as nobody could be let in.

    Raises:
        UsageError: so.
        StoreError: the store cannot be opened.
    """
    gate = Gate(settings, url)
    try:
        way_in = gate.is_open()
    finally:
        gate.close()
    if not way_in and not is_this_machine(host):
        raise UsageError(
            f"{host} can be reached from other machines, and nobody could be let in.",
            hint="Make a token first (`customer-research tokens create`), or set oidc.issuer.",
        )


def written_host(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host

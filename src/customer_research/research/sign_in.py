"""Signing in at the company's identity provider: authorization code with PKCE, state and nonce; what it says is held against our settings.

Authlib does the protocol; what it has to remember between the two halves lies in our store, and not in a cookie that it signs.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import httpx2

from customer_research.domain.access import Begun, Identity
from customer_research.domain.parsing import is_this_machine
from customer_research.errors import BadAnswer, ConfigError, ExtraMissing, NotAllowed, SourceError, Unavailable
from customer_research.settings import Settings
from customer_research.web_settings import ADDRESS, LOOPBACK

logger = logging.getLogger(__name__)

OLDEST = (1, 9)
"""Before this version of Authlib an ID token could switch off the check of its nonce (CVE-2026-114617)."""

KEPT_SECONDS = 3600.0
"""How long the provider's configuration and keys count."""

SECONDS = 5.0
"""How long the provider may take for one answer."""

LEEWAY_SECONDS = 30
"""By how much clocks may differ."""

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
PAIRS = frozenset({"RSA", "EC", "OKP"})
"""Kinds of keys that come in pairs."""

MOST_GROUPS = 500
"""Groups of one person that are kept."""


class SignIn:
    """Signs people in. Use it in one event loop.

    Args:
        settings: name the provider, and what it calls these pages.
        redirect: where it sends people back to.

    Raises:
        ConfigError: a setting is missing.
        ExtraMissing: Authlib is not installed, or is too old.
    """

    def __init__(self, settings: Settings, redirect: str) -> None:
        web, self._issuer = settings.web, settings.oidc.issuer
        if not self._issuer:
            raise ConfigError.missing("oidc.issuer", "Say who signs people in.", ", which web.client_id needs")
        if web.client_secret is None:
            raise ConfigError.missing("web.client_secret", "The provider shows it with the client id.")
        try:
            found = version("authlib")
        except PackageNotFoundError:
            raise ExtraMissing("Signing in at an identity provider needs Authlib", "web") from None
        if tuple(int(part) for part in found.split(".")[:2]) < OLDEST:
            raise ExtraMissing(f"Signing in needs Authlib 1.9 or newer, instead of {found}", "web")
        self._settings, self._redirect = settings, redirect
        self._app: Any = None
        self._until = float("-inf")
        self._lock = asyncio.Lock()

    async def begin(self, place: str, now: datetime) -> tuple[str, Begun]:
        """Where to send somebody who wants to sign in, and what their answer will be held against.

        Args:
            place: the page that they want.
            now: the present instant.

        Raises:
            SourceError: the provider does not answer, or not as it should.
        """
        told = await self._asked(lambda app: app.create_authorization_url(self._redirect))
        return told["url"], Begun(told["state"], told["nonce"], told["code_verifier"], place, now)

    async def finish(self, code: str, begun: Begun) -> Identity:
        """Who it is whom the provider sent back with a code.

        Raises:
            NotAllowed: the code or the ID token is wrong: of another, forged, expired, used, or without our nonce.
            SourceError: the provider does not answer.
        """
        token = await self._asked(
            lambda app: app.fetch_access_token(self._redirect, code=code, code_verifier=begun.verifier)
        )
        options = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._settings.web.client_id},
        }
        claims = await self._asked(
            lambda app: app.parse_id_token(token, begun.nonce, claims_options=options, leeway=LEEWAY_SECONDS)
        )
        if not claims or not hmac.compare_digest(str(claims.get("nonce")).encode(), begun.nonce.encode()):
            raise refused("no ID token with our nonce")
        return self._identity(claims)

    # -- within ------------------------------------------------------------------------------------------------------------

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        oidc = self._settings.oidc
        email, verified = claims.get(oidc.email_claim), claims.get("email_verified")
        address = email.strip() if isinstance(email, str) and verified is not False else ""
        listed = claims.get(self._settings.web.groups_claim)
        groups = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
        if len(groups) > MOST_GROUPS:
            raise refused(f"more than {MOST_GROUPS} groups")
        owner = claims.get(oidc.owner_claim) if oidc.owner_claim else None
        return Identity(
            self._issuer,
            str(claims["sub"]),
            address,
            verified is True,
            tuple(one for one in groups if isinstance(one, str)),
            str(owner).strip() if isinstance(owner, str | int) else "",
        )

    async def _asked(self, ask: Callable[[Any], Any]) -> Any:
        """What Authlib gives; its failures, and those of what it stands on, in our words."""
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - a quarter of a second
        from joserfc.errors import JoseError  # noqa: PLC0415

        try:
            return await ask(await self._ready())
        except httpx2.HTTPError as error:
            raise Unavailable(
                f"The identity provider does not answer as it should ({type(error).__name__}).",
                source="oidc",
                hint="Try again in a minute; an API token lets you in meanwhile.",
            ) from None
        except (AuthlibBaseError, JoseError) as error:
            raise refused(type(error).__name__) from None
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            logger.warning("The identity provider's answer was not understood: %s", type(error).__name__)
            raise refused("an answer that is none") from None

    async def _ready(self) -> Any:
        """The client, with the provider's configuration, which is read anew each hour."""
        async with self._lock:
            if self._app is None or time.monotonic() > self._until:
                self._app, self._until = await self._opened(), time.monotonic() + KEPT_SECONDS
            return self._app

    async def _opened(self) -> Any:
        from authlib.integrations.starlette_client import StarletteOAuth2App  # noqa: PLC0415

        web = self._settings.web
        assert web.client_secret is not None
        place = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        app = StarletteOAuth2App(
            None,  # what keeps state in a signed cookie: ours lies in the store
            client_id=web.client_id,
            client_secret=web.client_secret.get_secret_value(),
            server_metadata_url=place,
            client_kwargs={
                "scope": " ".join(web.scopes),
                "code_challenge_method": "S256",
                "timeout": SECONDS,
                "trust_env": not is_this_machine(urlsplit(place).hostname or ""),
            },
        )
        told = await app.load_server_metadata()
        if told.get("issuer") != self._issuer:
            raise _strange("the configuration of another issuer")
        for name in ENDPOINTS:
            if not _private(told.get(name)):
                raise _strange(f"a configuration without {name} at an https address")
        listed = told.get("id_token_signing_alg_values_supported")
        signed = listed if isinstance(listed, list) else ["RS256"]
        counted = [one for one in self._settings.oidc.algorithms if one in signed]
        if not counted:
            raise _strange("a configuration with no signature that oidc.algorithms takes")
        told["id_token_signing_alg_values_supported"] = counted
        app.fetch_jwk_set = _public(app.fetch_jwk_set)
        return app


def _public(fetched: Callable[..., Any]) -> Callable[..., Any]:
    """The provider's keys without those that whoever can check a signature could sign with."""

    async def fetch(*, force: bool = False) -> dict[str, Any]:
        listed = (await fetched(force=force)).get("keys")
        keys = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return {"keys": [one for one in keys if one.get("kty") in PAIRS and one.get("use", "sig") == "sig"]}

    return fetch


def _private(address: object) -> bool:
    """Whether nobody on the way can read or change what goes there."""
    if not isinstance(address, str) or not ADDRESS.match(address):
        return False
    return address.startswith("https:") or LOOPBACK.match(address) is not None


def _strange(what: str) -> SourceError:
    return BadAnswer(f"The identity provider sent {what}.", source="oidc", hint="Check the setting oidc.issuer.")


def refused(because: str) -> NotAllowed:
    """A sign-in that lets nobody in; why is for those who run it."""
    logger.info("A sign-in was refused: %s", because)
    return NotAllowed("This sign-in was not accepted.", hint="Begin it again from the page where one signs in.")

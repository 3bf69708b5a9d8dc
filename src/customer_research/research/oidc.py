"""Access tokens of an identity provider: checked by its public keys, which are fetched, kept and fetched anew when they change."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from customer_research.connect.http import Http, Vendor
from customer_research.connect.settings import VendorSettings
from customer_research.domain.access import PERMISSIONS, Visitor
from customer_research.errors import BadAnswer, ExtraMissing, SourceError
from customer_research.settings import OidcSettings, Settings

if TYPE_CHECKING:
    from datetime import datetime

    from jwt import PyJWK

logger = logging.getLogger(__name__)

KEPT_SECONDS = 3600.0
"""How long keys count before the issuer is asked for them again."""

ASKED_AGAIN_SECONDS = 10.0
"""A key that is unknown is asked for at most so often: tokens that somebody makes up cannot be turned against the issuer."""

SILENT_SECONDS = 24 * 3600.0
"""How long the keys count while the issuer does not answer."""

DEADLINE_SECONDS = 5.0
LEEWAY_SECONDS = 30.0
"""By how much clocks may differ."""

LONGEST = 16_384
"""Characters of a token that is looked at."""


class _Issuer(VendorSettings):
    """The issuer as the HTTP client sees it: no credential is needed to read its keys."""

    section = "oidc"
    place = 0
    credential: ClassVar[str] = "issuer"

    url: str
    requests_per_second: float = 20.0
    concurrency: int = 2

    @property
    def secret(self) -> str:
        """None."""
        return ""

    @property
    def headers(self) -> dict[str, str]:
        """Nothing is sent."""
        return {}

    def missing(self) -> None:
        """Nothing is."""


class Issuer:
    """The identity provider that the settings name. Use it in one event loop; `close` gives its connections back.

    Args:
        settings: say which; they must name one.
        audience: what its tokens must be for.
        clock: the present instant, for what is noted of requests. Tokens are held against the real time.
        timer: seconds that only go forward.
    """

    def __init__(
        self,
        settings: Settings,
        audience: str,
        clock: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own: OidcSettings = settings.oidc
        self._settings, self._clock, self._timer = settings, clock, timer
        self._audience = self._own.audience or audience
        self._keys: Mapping[str, _Key] = {}
        self._failure: SourceError | None = None
        self._fetched = self._tried = float("-inf")
        self._lock = asyncio.Lock()
        try:
            import jwt  # noqa: F401, PLC0415 - an extra
        except ModuleNotFoundError:
            raise ExtraMissing("Tokens of an identity provider need PyJWT", "mcp") from None

    async def visitor(self, token: str) -> Visitor | None:
        """Whom a token lets in; None where it is none of this issuer's, of another audience, expired, or says not who it is.

        Raises:
            SourceError: the issuer's keys cannot be had.
        """
        claims = await self._claims(token)
        if claims is None:
            return None
        email = claims.get(self._own.email_claim)
        if not isinstance(email, str) or not email.strip() or claims.get("email_verified") is False:
            return None
        owner = ""
        if self._own.owner_claim:
            told = claims.get(self._own.owner_claim)
            if not isinstance(told, str | int) or not str(told).strip():
                return None
            owner = str(told).strip()
        scopes = _words(claims.get(self._own.scopes_claim))
        granted = frozenset(one for one in PERMISSIONS if f"{self._own.scope_prefix}{one}" in scopes)
        return Visitor(email.strip(), granted, owner)

    async def _claims(self, token: str) -> Mapping[str, Any] | None:
        """What a token says, if all of it holds: signature, issuer, audience, times."""
        import jwt  # noqa: PLC0415 - an extra

        if len(token) > LONGEST:
            return None
        try:
            head = jwt.get_unverified_header(token)
            if head.get("alg") not in self._own.algorithms:
                return None
            found = await self._key(head.get("kid"))
            if found is None or found.algorithm not in {None, head["alg"]}:
                return None
            claims: Mapping[str, Any] = jwt.decode(
                token,
                found.key.key,
                algorithms=[head["alg"]],
                audience=self._audience,
                issuer=self._own.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, ValueError) as error:
            logger.info("A token was refused: %s", type(error).__name__)  # what it says may name somebody
            return None
        return claims

    async def _key(self, kid: object) -> _Key | None:
        """The key that a token names; one that is not known may be new, so that the issuer is asked."""
        if self._timer() - self._fetched > KEPT_SECONDS or self._named(kid) is None:
            async with self._lock:
                if self._due(kid):
                    await self._fetch()
        if not self._keys and self._failure is not None:
            raise self._failure
        return self._named(kid)

    def _named(self, kid: object) -> _Key | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid) if isinstance(kid, str) else None

    def _due(self, kid: object) -> bool:
        """Whether the issuer is to be asked now; another token may just have waited for it."""
        now = self._timer()
        wanted = now - self._fetched > KEPT_SECONDS or self._named(kid) is None
        return wanted and now - self._tried >= ASKED_AGAIN_SECONDS

    async def _fetch(self) -> None:
        self._tried = self._timer()
        try:
            self._keys, self._failure = await self._read(), None
            self._fetched = self._timer()
        except SourceError as error:
            self._failure = error
            if self._timer() - self._fetched > SILENT_SECONDS:
                self._keys = {}
            logger.warning(
                "The issuer's keys could not be read (%s): those that are known count.", type(error).__name__
            )

    async def _read(self) -> Mapping[str, _Key]:
        url = self._own.jwks_url or await self._jwks_url()
        listed = (await self._get(url)).get("keys")
        entries = listed if isinstance(listed, list) else []
        found = {str(entry.get("kid", "")): key for entry in entries if (key := _key_of(entry)) is not None}
        if not found:
            raise self._strange("no key that can be used")
        return found

    async def _jwks_url(self) -> str:
        found = await self._get(f"{self._own.issuer.rstrip('/')}/.well-known/openid-configuration")
        url = found.get("jwks_uri")
        if found.get("issuer") != self._own.issuer or not isinstance(url, str):
            raise self._strange("a configuration of another issuer, or without jwks_uri")
        try:
            return OidcSettings(jwks_url=url).jwks_url  # type: ignore[call-arg] # the same holds as of one that is set
        except ValueError:
            raise self._strange("keys at an address that is not private") from None

    async def _get(self, url: str) -> Mapping[str, Any]:
        """A small JSON object, asked for within bounds and a deadline, again where that is worth it."""
        parts = urlsplit(url)
        base = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
        http = Http(
            Vendor("oidc", "The identity provider"),
            _Issuer(url=base),
            self._settings,
            self._clock,
            deadline_seconds=DEADLINE_SECONDS,
        )
        try:
            return await http.read(parts.path, http.log("keys"))
        finally:
            await http.close()

    def _strange(self, what: str) -> BadAnswer:
        hint = "Check the settings oidc.issuer and oidc.jwks_url."
        return BadAnswer(f"The identity provider sent {what}.", source="oidc", stream="keys", hint=hint)


@dataclass(frozen=True, slots=True)
class _Key:
    """A key, and the one algorithm that it is for (None: any that it can be used with)."""

    key: PyJWK
    algorithm: str | None


def _key_of(entry: Any) -> _Key | None:
    """A listed key; None for one of another kind or use."""
    import jwt  # noqa: PLC0415 - an extra

    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or entry.get("kty") not in {"RSA", "EC", "OKP"}:
        return None
    try:
        return _Key(jwt.PyJWK(entry), entry.get("alg"))
    except (jwt.PyJWTError, ValueError):
        return None


def _words(told: object) -> frozenset[str]:
    """Scopes as words in one text, or as a list."""
    if isinstance(told, str):
        return frozenset(told.split())
    return frozenset(one for one in told if isinstance(one, str)) if isinstance(told, list) else frozenset()

"""How Snowflake lets us in: a key pair, OAuth client credentials, or a programmatic access token.

What is sent is a bearer token in each case. The two that hold for an hour at most are made anew before they end, whenever a
request is sent.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack

from customer_research.connect.http import Doubles, Http, Vendor
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.connect.statements import Surroundings
from customer_research.connect.tokens import granted, opened
from customer_research.errors import ConfigError, ExtraMissing
from customer_research.sources.warehouse.settings import WAYS, SnowflakeSettings, Way

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

VENDOR = Vendor("warehouse", "Snowflake")
PROVIDER = Vendor("warehouse", "Snowflake's identity provider")

TOKEN_TYPES: dict[Way, str] = {
    "key_pair": "KEYPAIR_JWT",
    "oauth": "OAUTH",
    "token": "PROGRAMMATIC_ACCESS_TOKEN",
}
"""Way in → what the header `X-Snowflake-Authorization-Token-Type` says."""

KEY_TOKEN_MINUTES = 55
"""How long a token signed by a key holds; Snowflake takes none for more than an hour."""

UNTOLD_SECONDS = 600.0
"""How long an access token is taken to hold that does not tell."""

SPARE = timedelta(minutes=5)
"""So long before its end a token is made anew; one that holds for less than twice that, at half its time."""

_SETTING = "snowflake.private_key_file"


class Login:
    """Snowflake's connection, with the credential that each request needs.

    Raises:
        ConfigError: a setting is missing or wrong, or the key cannot be read.
        ExtraMissing: the package that signs is not installed.
    """

    def __init__(
        self, own: SnowflakeSettings, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]
    ) -> None:
        gap = own.missing()
        if gap is not None:
            raise ConfigError(gap.detail, setting="snowflake", hint=gap.next_step)
        self._own, self._clock = own, clock
        self._lock = asyncio.Lock()
        self._token, self._until = "", clock()
        way = own.ways[0]
        self._key = private_key(own) if way == "key_pair" else None
        self._provider = self._opened_provider(settings, **doubles) if way == "oauth" else None
        headers = {
            "Accept": "application/json",
            "User-Agent": "customer-research",
            "X-Snowflake-Authorization-Token-Type": TOKEN_TYPES[way],
        }
        if way == "token":
            headers["Authorization"] = f"Bearer {own.secret}"
        self.http = opened(
            VENDOR,
            own,
            own.address,
            own.secret,
            settings,
            clock,
            headers=headers,
            named=WAYS[way],
            located="url" if own.url else "account",
            token=None if way == "token" else self.token,
            **doubles,
        )

    def _opened_provider(self, settings: SettingsTree, **doubles: Unpack[Doubles]) -> Http:
        base = self._own.token_url.rpartition("/")[0]
        own, clock = self._own, self._clock
        return opened(
            PROVIDER, own, base, own.secret, settings, clock, named="client_secret", located="token_url", **doubles
        )

    async def token(self) -> str:
        """The token of a request that is sent now.

        Raises:
            SourceError: the identity provider gave none.
        """
        async with self._lock:
            now = self._clock()
            if not self._token or now >= self._until:
                self._token, ends = self._signed(now) if self._key is not None else await self._granted(now)
                self._until = ends - min(SPARE, (ends - now) / 2)
            return self._token

    def forget(self) -> None:
        """The token was refused (revoked, or this machine slept): the next request gets another."""
        self._token = ""

    def _signed(self, now: datetime) -> tuple[str, datetime]:
        """A statement of who asks, signed by the key, and when it ends."""
        import jwt  # noqa: PLC0415 - an extra

        assert self._key is not None
        ends = now + timedelta(minutes=KEY_TOKEN_MINUTES)
        subject = f"{account_name(self._own.account)}.{self._own.user.upper()}"
        claims: dict[str, Any] = {
            "iss": f"{subject}.{fingerprint(self._key)}",
            "sub": subject,
            "iat": int(now.timestamp()),
            "exp": int(ends.timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm="RS256"), ends

    async def _granted(self, now: datetime) -> tuple[str, datetime]:
        """An access token of the identity provider, and when it ends."""
        assert self._provider is not None
        form = {
            "grant_type": "client_credentials",
            "client_id": self._own.client_id,
            "client_secret": self._own.secret,
            **({"scope": self._own.scope} if self._own.scope else {}),
        }
        path = self._own.token_url.rpartition("/")[2]
        found = await granted(self._provider, path, form, "snowflake.client_secret")
        return found.token, now + timedelta(seconds=UNTOLD_SECONDS if found.seconds is None else found.seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()
        if self._provider is not None:
            await self._provider.close()


def surroundings(own: SnowflakeSettings) -> Surroundings:
    """In what statements run."""
    return Surroundings(own.role, own.warehouse, own.database, own.default_schema, own.statement_seconds)


def account_name(account: str) -> str:
    """An account as a token names it: in capitals, and of a locator without its region."""
    head = account.partition("-" if ".global" in account.lower() else ".")[0]
    return head.upper()


def fingerprint(key: RSAPrivateKey) -> str:
    """A key's public half as Snowflake shows it (`RSA_PUBLIC_KEY_FP` of DESCRIBE USER)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - an extra

    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"SHA256:{base64.b64encode(hashlib.sha256(public).digest()).decode()}"


def private_key(own: SnowflakeSettings) -> RSAPrivateKey:
    """The private key of the settings, opened with its passphrase.

    Raises:
        ConfigError: the file cannot be read, holds no RSA key, or the passphrase is missing or wrong.
        ExtraMissing: the packages are not installed.
    """
    try:
        import jwt  # noqa: F401, PLC0415 - an extra
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ExtraMissing("A key pair for Snowflake needs PyJWT with cryptography", "keypair") from None
    assert own.private_key_file is not None
    pem = _read(own.private_key_file)
    passphrase = (own.passphrase.get_secret_value() if own.passphrase is not None else "").encode() or None
    if passphrase is None and b"ENCRYPTED" in pem:
        raise _unusable(own.private_key_file, "is encrypted, and there is no passphrase", "Set snowflake.passphrase.")
    try:
        key = load_pem_private_key(pem, passphrase if b"ENCRYPTED" in pem else None)
    except (ValueError, TypeError):  # nothing of the library's words: they may speak of the key
        if passphrase is not None and b"ENCRYPTED" in pem:
            what = "cannot be opened with the passphrase"
            raise _unusable(own.private_key_file, what, "Correct snowflake.passphrase.") from None
        raise _unusable(own.private_key_file, "holds no private key in PEM", _MAKE) from None
    if not isinstance(key, RSAPrivateKey):
        raise _unusable(own.private_key_file, "holds a key that is not RSA", _MAKE)
    return key


_MAKE = "Make one: openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes-256-cbc -inform PEM -out key.p8"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}", "Give the file of the private key.") from None


def _unusable(file: Path, what: str, hint: str) -> ConfigError:
    return ConfigError(f"The key file {file} {what}.", setting=_SETTING, hint=hint)

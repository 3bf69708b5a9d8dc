"""A Snowflake account as its SQL API lets people in: key pairs, an identity provider's tokens, programmatic access tokens.

Each is judged as the vendor documents it: a key pair's token by its signature, its names, the fingerprint of the key and its times;
the others by what was given out and until when.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from customer_research_sandbox.servers.wire import made_up_id

ACCOUNT = "SANDBOX-MOOVS"
USER = "CUSTOMER_RESEARCH"
ROLE, WAREHOUSE, DATABASE = "CUSTOMER_RESEARCH_READER", "CUSTOMER_RESEARCH_WH", "SNOWFLAKE"
TOKEN = "sandbox-snowflake-token"  # noqa: S105  (the sandbox's own, opens nothing)
CLIENT_ID, CLIENT_SECRET = "sandbox-snowflake-client", "sandbox-snowflake-secret"

JWT_SECONDS = 3600
"""How long a key pair's token may hold."""

LEEWAY_SECONDS = 60.0
"""How far two clocks may differ."""

Refusal = tuple[int, str, str]
"""Status, code and message of an answer that lets nobody in."""

INVALID_KEY_TOKEN: Refusal = (401, "390144", "JWT token is invalid.")


@dataclass(slots=True)
class Account:
    """Who may come in, from where, and in what their statements run; a test changes it as an administrator would.

    `public_keys` are the two that a user may have (PEM). With `lets_in` false the network policy refuses everybody.
    `statement_seconds` is how long each statement runs, `partition_rows` how many rows a partition has.
    """

    now: Callable[[], datetime]
    public_keys: list[str] = field(default_factory=list)
    token_ends: datetime | None = None
    token_role: str = ""
    lets_in: bool = True
    grants: list[tuple[str, str, str]] = field(default_factory=list)
    oauth_seconds: int = 600
    oauth_given: dict[str, datetime] = field(default_factory=dict)
    statement_seconds: float = 0.0
    partition_rows: int = 5_000
    called_off: list[str] = field(default_factory=list)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)

    def refusal(self, headers: Mapping[str, str], address: str) -> Refusal | None:
        """Why a request is not let in; None: it is."""
        kind = headers.get("x-snowflake-authorization-token-type", "")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return 401, "390101", "Authorization header not found in the request data."
        refused = self._judged(kind or self._kind(token), token)
        if refused is None and not self.lets_in:
            return (
                403,
                "390422",
                f"Incoming request with IP/Token {address} is not allowed to access Snowflake. Contact your account administrator.",
            )
        return refused

    def _kind(self, token: str) -> str:
        if token.count(".") == 2:
            return "KEYPAIR_JWT"
        return "OAUTH" if token in self.oauth_given else "PROGRAMMATIC_ACCESS_TOKEN"

    def _judged(self, kind: str, token: str) -> Refusal | None:
        if kind == "KEYPAIR_JWT":
            return self._key_token(token)
        if kind == "OAUTH":
            ends = self.oauth_given.get(token)
            if ends is None:
                return 401, "390303", "Invalid OAuth access token."
            return (401, "390318", "OAuth access token expired.") if self.now() >= ends else None
        if token != TOKEN:
            return 401, "394400", "Programmatic access token is invalid."
        if self.token_ends is not None and self.now() >= self.token_ends:
            return 401, "394401", "Programmatic access token is expired."
        return None

    def _key_token(self, token: str) -> Refusal | None:
        import jwt  # noqa: PLC0415  (an extra of the product: who comes with a key has it)

        try:
            if jwt.get_unverified_header(token).get("alg") != "RS256":
                return 401, "394305", "JWT token has an invalid algorithm."
            unproven = jwt.decode(token, options={"verify_signature": False, "verify_exp": False, "verify_iat": False})
            issuer, _, mark = str(unproven["iss"]).partition(".SHA256:")
            key = next((one for one in self.public_keys if fingerprint(one) == mark), None)
            if key is None:
                return 401, "394304", "JWT token public key fingerprint mismatch."
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
            )
            begun, ends = float(claims["iat"]), float(claims["exp"])
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            return INVALID_KEY_TOKEN
        if issuer != f"{ACCOUNT}.{USER}" or claims.get("sub") != issuer:
            return INVALID_KEY_TOKEN
        return self._in_time(begun, ends)

    def _in_time(self, begun: float, ends: float) -> Refusal | None:
        now = self.now().timestamp()
        if ends - begun > JWT_SECONDS:
            return 401, "394303", "JWT token has an invalid expiration time."
        if begun > now + LEEWAY_SECONDS:
            return 401, "394302", "JWT token is not yet valid."
        return (401, "394301", "JWT token has expired.") if now >= ends else None

    def granted(self, form: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        """What the identity provider's token endpoint answers."""
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed."}
        token = f"sandbox-snowflake-access-{made_up_id('snowflake', 'oauth', len(self.oauth_given))}"
        self.oauth_given[token] = self.now() + timedelta(seconds=self.oauth_seconds)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.oauth_seconds}

    def surroundings(self, body: Mapping[str, Any]) -> Refusal | None:
        """Why a statement cannot run with the role and in the places that it names; names must match in case."""
        role, warehouse, database = (str(body.get(name) or "") for name in ("role", "warehouse", "database"))
        if role and role != (self.token_role or ROLE):
            return 403, "390189", f"Role '{role}' specified in the connect string does not exist or not authorized."
        if warehouse and warehouse != WAREHOUSE:
            return 422, "000606", "No active warehouse selected in the current session."
        if database and database != DATABASE:
            return 422, "002043", "SQL compilation error:\nObject does not exist, or operation cannot be performed."
        return None


def fingerprint(pem: str) -> str:
    """The SHA-256 of a public key (PEM) in base 64, as `RSA_PUBLIC_KEY_FP` shows it behind `SHA256:`."""
    body = "".join(line for line in pem.splitlines() if line and not line.startswith("-----"))
    return base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()

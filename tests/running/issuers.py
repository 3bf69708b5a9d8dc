"""An identity provider over real HTTP: its configuration, its public keys, tokens that it signs, and people who sign in there."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "https://research.example.com/mcp"


CLIENT_ID, CLIENT_SECRET = "research-pages", "s3cret of the pages"


class IdentityProvider:
    """One that runs. `broken` answers 500, and `asked` are the paths that were asked for.

    Who comes to sign in is `person` (claims of an ID token). `forged` makes another ID token of the claims that it would have had.
    """

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.asked: list[str] = []
        self.broken = False
        self.claimed_issuer = self.address
        self.person: dict[str, Any] = {"sub": "u-1", "email": "ada@example.com", "email_verified": True, "groups": []}
        self.forged: Callable[[dict[str, Any]], str] | None = None
        self.told: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self.rotate("first")

    def rotate(self, kid: str) -> None:
        """Sign with a new key from now on; the old one is not listed any more."""
        self.keys = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def documents(self, path: str) -> Any:
        """What is answered at a path; None: nothing is there."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.claimed_issuer,
                "jwks_uri": f"{self.address}/keys",
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                **self.told,
            }
        if path != "/keys":
            return None
        listed: list[Any] = [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}]
        for kid, key in self.keys.items():
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
            listed.append({**public, "kid": kid, "use": "sig", "alg": "RS256"})
        return {"keys": listed}

    def authorize(self, query: str) -> str:
        """Where somebody is sent back to, who came with this and signed in."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchanged(self, authorization: str, body: str) -> dict[str, Any] | None:
        """The tokens for a code; None: it is unknown or used, or whoever brings it is not who it was given to."""
        sent = {name: values[0] for name, values in parse_qs(body).items()}
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self._codes.pop(sent.get("code", ""), None)
        if asked is None or authorization != f"Basic {basic}" or sent.get("redirect_uri") != asked["redirect_uri"]:
            return None
        proof = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(proof).decode().rstrip("=") != asked["code_challenge"]:
            return None
        claims = {"aud": CLIENT_ID, "nonce": asked["nonce"], "email": None, "scope": None, **self.person}
        signed = self.token(**claims) if self.forged is None else self.forged(claims)
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": signed}

    def token(self, *, kid: str = "", key: Any = None, algorithm: str = "RS256", **changes: Any) -> str:
        """A token of this issuer; `changes` are claims (None: left out)."""
        named = next(iter(self.keys))
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": AUDIENCE,
            "sub": "u-1",
            "email": "ada@example.com",
            "iat": now,
            "exp": now + 300,
            "scope": "openid customer-research.read customer-research.finance",
        }
        told = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(told, key or self.keys[named], algorithm=algorithm, headers={"kid": kid or named})

    def unsigned(self, **changes: Any) -> str:
        """A token whose header says `none`."""
        _, body, _ = self.token(**changes).split(".")
        head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT", "kid": "first"}).encode())
        return f"{head.decode().rstrip('=')}.{body}."


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """One on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            parts = urlsplit(self.path)
            if parts.path == "/authorize" and not made.broken:
                self.send_response(302)
                self.send_header("Location", made.authorize(parts.query))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            found = None if made.broken else made.documents(self.path)
            self._answer(500 if made.broken else 200 if found is not None else 404, found)

        def do_POST(self) -> None:
            made.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found = made.exchanged(self.headers.get("Authorization", ""), body)
            status = 500 if made.broken else 400 if found is None else 200
            self._answer(status, found or {"error": "invalid_grant"})

        def _answer(self, status: int, found: Any) -> None:
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_said: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = IdentityProvider(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()

"""An identity provider over real HTTP: its configuration, its public keys, and tokens that it signs."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "https://research.example.com/mcp"


class IdentityProvider:
    """One that runs. `broken` answers 500, and `asked` are the paths that were asked for."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.asked: list[str] = []
        self.broken = False
        self.claimed_issuer = self.address
        self.rotate("first")

    def rotate(self, kid: str) -> None:
        """Sign with a new key from now on; the old one is not listed any more."""
        self.keys = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def documents(self, path: str) -> Any:
        """What is answered at a path; None: nothing is there."""
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.claimed_issuer, "jwks_uri": f"{self.address}/keys"}
        if path != "/keys":
            return None
        listed: list[Any] = [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}]
        for kid, key in self.keys.items():
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
            listed.append({**public, "kid": kid, "use": "sig", "alg": "RS256"})
        return {"keys": listed}

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

    def unsigned(self) -> str:
        """A token whose header says `none`."""
        _, body, _ = self.token().split(".")
        head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT", "kid": "first"}).encode())
        return f"{head.decode().rstrip('=')}.{body}."


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """One on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            found = None if made.broken else made.documents(self.path)
            content = json.dumps(found).encode()
            self.send_response(500 if made.broken else 200 if found is not None else 404)
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

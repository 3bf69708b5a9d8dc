"""A Postgres address as people write it, and what Postgres refuses in plain sentences, without a part of a password.

The store and the engine take the same addresses: `postgresql://`, `postgres://`, `postgresql+psycopg://`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

from customer_research.errors import ConfigError

SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
FORM = "Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE."


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address; empty ones are libpq's to choose. `options` are libpq's own (`sslmode`, ...)."""

    user: str
    password: str
    host: str
    port: int | None
    database: str
    options: Mapping[str, str]

    @property
    def place(self) -> str:
        """Where it is, without user and password."""
        port = f":{self.port}" if self.port else ""
        return f"Postgres at {self.host or 'this machine'}{port}, database {self.database or 'of the user'}"

    @property
    def libpq(self) -> dict[str, str]:
        """What libpq takes, by its own names; empty ones are left out."""
        parts = {
            "user": self.user,
            "password": self.password,
            "host": self.host,
            "port": str(self.port or ""),
            "dbname": self.database,
        }
        return {**self.options, **{name: value for name, value in parts.items() if value}}


def is_postgres(url: str) -> bool:
    """Whether a URL names a Postgres."""
    return url.partition("://")[0].lower() in SCHEMES


def read_address(url: str, setting: str) -> Address:
    """The parts of a Postgres URL; a password may hold any sign, as it is or as %XX: the last `@` ends it.

    Raises:
        ConfigError: it has another form; nothing of it is repeated.
    """
    login, _, where = url.partition("://")[2].rpartition("@")
    user, _, password = login.partition(":")
    try:
        parts = urlsplit(f"postgresql://{where}")
        port, host = parts.port, parts.hostname or ""
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise _no_address(setting) from None
    if parts.fragment or port == 0 or re.search(r"[\s:]", parts.path):
        raise _no_address(setting)
    return Address(unquote(user), unquote(password), unquote(host), port, unquote(parts.path.lstrip("/")), options)


def _no_address(setting: str) -> ConfigError:
    return ConfigError(f"The setting {setting} is no URL of Postgres.", setting=setting, hint=FORM)


WRONG_LOGIN = ("refused the user or the password", "Correct them in the setting {setting}.")
NO_DATABASE = ("has no database of that name", "Make it (createdb), or correct the name in the setting {setting}.")
NOT_ADMITTED = (
    "does not admit this user from this machine",
    "Have the server's pg_hba.conf admit it, or add ?sslmode=require to the setting {setting}.",
)
NO_TLS = (
    "and this program do not agree on encryption (TLS)",
    "Correct sslmode, or sslrootcert, in the setting {setting}; the server must offer what it asks for.",
)
NOWHERE = ("cannot be found: nobody knows that host", "Correct the host in the setting {setting}.")
UNREACHABLE = (
    "does not answer",
    "Check that it runs, that a firewall lets it through, and host and port in the setting {setting}.",
)
READ_ONLY = (
    "does not let this user write",
    "Give the user the right to create and change tables there (GRANT), or another one in the setting {setting}.",
)
FULL = ("takes no further connection", "Try again later, or raise its max_connections.")
NO_ROOM = ("has no room left", "Make room on the server.")
STOPPING = ("is starting or shutting down", "Try again when it runs.")

STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "28P01": WRONG_LOGIN,
        "28000": NOT_ADMITTED,
        "3D000": NO_DATABASE,
        "42501": READ_ONLY,
        "25006": READ_ONLY,
        "53300": FULL,
        "53100": NO_ROOM,
        **dict.fromkeys(("57P01", "57P02", "57P03"), STOPPING),
    }
)
"""SQLSTATE → what Postgres does, and what to do."""

_SAID: tuple[tuple[str, tuple[str, str]], ...] = (
    (r"password authentication failed|no password supplied|role .* does not exist|authentication failed", WRONG_LOGIN),
    (r"database .* does not exist", NO_DATABASE),
    (r"SSL|TLS|certificate", NO_TLS),
    (r"no pg_hba.conf entry|not permitted to log in", NOT_ADMITTED),
    (r"too many (connections|clients)|connection slots", FULL),
    (r"translate host name|resolve|Name or service|nodename|getaddrinfo", NOWHERE),
    (r"starting up|shutting down", STOPPING),
)
"""libpq gives no SQLSTATE for a connection that does not come about, only the server's words (in English as a rule)."""


def refused(error: BaseException, setting: str) -> tuple[str, str] | None:
    """What Postgres does (the rest of a sentence) and what to do about it; None for what is not about the connection.

    The driver's own words are read, never repeated: they may hold the user's.
    """
    state = getattr(error, "sqlstate", None)
    found = STATES.get(state) if state is not None else _connecting(str(error))
    return None if found is None else (found[0], found[1].format(setting=setting))


def _connecting(said: str) -> tuple[str, str]:
    return next((words for pattern, words in _SAID if re.search(pattern, said)), UNREACHABLE)

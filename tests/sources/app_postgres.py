"""A Postgres with the app's tables and the shipped role, and a standby of it: real servers of this machine's programs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from places import need_postgres

from customer_research.connect.http import Pace
from customer_research.settings import Settings
from customer_research.sources.app_database.session import AppDatabaseSession
from customer_research.sources.app_database.settings import AppDatabaseSettings
from customer_research_sandbox.dataset import Relation
from customer_research_sandbox.servers.app_database import MAPPED, ROLE, AppDatabase
from customer_research_sandbox.servers.postgres import HOST

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
PASSWORD = "never-to-be-seen-3a91"
MAPPING = {kind: {"table": f"app.{table}", **columns} for kind, (table, columns) in MAPPED.items()}


@contextmanager
def served(warehouse: Mapping[str, Relation], *options: str) -> Iterator[AppDatabase]:
    """The app's tables, and the role as the shipped script makes it."""
    need_postgres()
    with AppDatabase(*options) as app:
        app.password = PASSWORD
        app.populate(warehouse)
        yield app


@contextmanager
def standby_of(app: AppDatabase) -> Iterator[AppDatabase]:
    """A standby that streams from it, and calls off at once what holds up its replay."""
    copy = AppDatabase.__new__(AppDatabase)
    copy.folder, copy.password = app.folder / "standby", app.password
    copy.folder.mkdir()
    copy.own(copy.folder)
    copy.run("pg_basebackup", "-h", app.folder, "-p", app.port, "-U", "sandbox", "-D", copy.cluster, "-R", "-c", "fast")
    copy.start("-c max_standby_streaming_delay=0")
    try:
        yield copy
    finally:
        copy.stop()  # once more does nothing


def certified(app: AppDatabase) -> Path:
    """Have the server offer TLS with a certificate for 127.0.0.1 alone; gives the certificate's file, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the app's database")])
    begun = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), begun, begun + timedelta(days=9)
    )
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
    certificate = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    plain = serialization.NoEncryption()
    files = {
        "server.crt": certificate.public_bytes(serialization.Encoding.PEM),
        "server.key": key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
    }
    for file, text in files.items():
        (app.cluster / file).write_bytes(text)
        (app.cluster / file).chmod(0o600)
        app.own(app.cluster / file)
    with app.administrator() as connection:
        connection.execute("ALTER SYSTEM SET ssl = on")
        connection.execute("SELECT pg_reload_conf()")
    for _ in range(100):  # it reads its settings when it comes to it
        with suppress(psycopg.OperationalError), psycopg.connect(app.url, password=PASSWORD, sslmode="require"):
            break
        time.sleep(0.05)
    return app.cluster / "server.crt"


def settings_of(app: AppDatabase, **own: Any) -> Settings:
    """The settings of a product that reads it."""
    told = {"url": app.url, "password": PASSWORD, "tls": "disable", "mapping": MAPPING, **own}
    chosen = AppDatabaseSettings.model_validate({**told, "requests_per_second": 5000})
    return Settings.model_construct().model_copy(update={"app_database": chosen, "deadline_seconds": 20.0})


async def _no_waiting(_seconds: float) -> None:
    return


def opened(app: AppDatabase, **own: Any) -> AppDatabaseSession:
    """A session that does not wait between attempts."""
    return AppDatabaseSession(settings_of(app, **own), lambda: AS_OF, Pace(sleep=_no_waiting))


__all__ = ["AS_OF", "MAPPING", "PASSWORD", "ROLE", "certified", "opened", "served", "settings_of", "standby_of"]

"""A Postgres with the app's tables and the shipped role, and a standby of it: real servers of this machine's programs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import customer_research.sources.app_database
from customer_research.connect.http import Pace
from customer_research.settings import Settings
from customer_research.sources.app_database.session import AppDatabaseSession
from customer_research.sources.app_database.settings import AppDatabaseSettings
from customer_research_sandbox.dataset import Relation
from customer_research_sandbox.servers.app_database import DATABASE, HOST, MAPPED, ROLE, AppDatabase, fill, programs

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
PASSWORD = "never-to-be-seen-3a91"
ROLE_SQL = (Path(customer_research.sources.app_database.__file__).parent / "role.sql").read_text(encoding="utf-8")
MAPPING = {kind: {"table": f"app.{table}", **columns} for kind, (table, columns) in MAPPED.items()}


@contextmanager
def served(warehouse: Mapping[str, Relation], *options: str) -> Iterator[AppDatabase]:
    """The app's tables, and the role as the shipped script makes it."""
    if programs() is None:
        pytest.skip("The programs of Postgres (Debian: postgresql) are not installed.")
    with AppDatabase(*options) as app:
        with app.administrator("postgres") as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        with app.administrator() as connection:
            fill(connection, warehouse)
            connection.execute(ROLE_SQL.encode())
            connection.execute(f"ALTER ROLE {ROLE} PASSWORD '{PASSWORD}'".encode())
        yield app


@contextmanager
def standby_of(app: AppDatabase) -> Iterator[AppDatabase]:
    """A standby that streams from it, and calls off at once what holds up its replay."""
    copy = AppDatabase.__new__(AppDatabase)
    copy._programs, copy._account = app._programs, app._account
    copy._folder, copy.password = app._folder / "standby", app.password
    copy.port = app.port + 1 if app.port < 65_000 else app.port - 1
    copy._folder.mkdir()
    if app._account is not None:
        shutil.chown(copy._folder, app._account.pw_uid, app._account.pw_gid)
    copy._run(
        "pg_basebackup", "-h", app._folder, "-p", app.port, "-U", "sandbox", "-D", copy._cluster, "-R", "-c", "fast"
    )
    options = f"-p {copy.port} -k {copy._folder} -c listen_addresses={HOST} -c max_standby_streaming_delay=0"
    copy._run("pg_ctl", "start", "-w", "-D", copy._cluster, "-l", copy._folder / "log", "-o", options)
    try:
        yield copy
    finally:
        copy.stop()  # once more does nothing


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


__all__ = ["AS_OF", "MAPPING", "PASSWORD", "ROLE", "opened", "served", "settings_of", "standby_of"]

"""Real places for the engines' tests: a Postgres of the machine's binaries, a local Spark, fakesnow's server.

Each is started once a worker, when first needed, and ends with the run; whoever asks gets a database of its own there.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

PLACES = ("postgres", "spark", "snowflake")
"""The engines that are compared with DuckDB."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_fakesnow_says(value: Any, expected: Any) -> Any:
    """Two faults of fakesnow's server undone (0.12): a null instant arrives as the epoch, a sum as a float.

    The tests have no instant at the epoch, and Snowflake's own connector gives null and whole numbers.
    """
    if value == EPOCH and expected is None:
        return None
    whole = isinstance(value, float) and type(expected) is int and value.is_integer()
    return int(value) if whole else value


_DRIVERS = {"postgres": "psycopg", "spark": "pyspark", "snowflake": "fakesnow"}
_CLUSTER = ("--auth=trust", "--username=tester", "--encoding=UTF8", "--no-sync")
_SERVER_ACCOUNTS = ("postgres", "nobody")


_running: dict[str, str] = {}
_ends = ExitStack()


def place(engine: str) -> str:
    """The URL of a place for an engine that nobody else uses; skips when the machine has none."""
    if importlib.util.find_spec(_DRIVERS[engine]) is None:
        pytest.skip(f"{_DRIVERS[engine]} is not installed: it is among the development dependencies.")
    if engine not in _running:
        started = {"postgres": postgres, "spark": _spark, "snowflake": _snowflake}[engine]()
        _running[engine] = _ends.enter_context(started)
    return _EMPTY[engine](_running[engine])


def end_places() -> None:
    """Stop what runs."""
    _running.clear()
    _ends.close()


def _new_database(server: str) -> str:
    import psycopg

    name = f"tests_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server.rpartition('/')[0]}/{name}"


_EMPTY: dict[str, Callable[[str], str]] = {
    "postgres": _new_database,
    "spark": lambda master: master,  # each engine has a session of its own
    "snowflake": lambda server: server.replace("/tests/", f"/tests_{uuid4().hex[:12]}/"),
}


@contextmanager
def postgres() -> Iterator[str]:
    """A fresh server on loopback, run by an account other than root (which Postgres refuses)."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("The binaries of Postgres (Debian: postgresql) are not installed.")
    account = _server_account()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # not below pytest's own folders: another account must enter it
    try:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        cluster, port = folder / "cluster", _free_port()
        sorting = ("--locale-provider=icu", "--icu-locale=en-US")  # unlike the order of code points
        _command(account, folder, binaries / "initdb", "-D", cluster, *_CLUSTER, *sorting)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = folder / "server.log"
        _command(account, folder, binaries / "pg_ctl", "start", "-w", "-D", cluster, "-l", log, "-o", options)
        try:
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
        finally:
            _command(account, folder, binaries / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", cluster)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_binaries() -> Path | None:
    """The newest installation's folder of programs."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parent.parent.name), reverse=True
    )
    on_path = shutil.which("initdb")
    candidates = [path.parent for path in found] + ([Path(on_path).resolve().parent] if on_path else [])
    return next((folder for folder in candidates if (folder / "postgres").exists()), None)


def _server_account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in _SERVER_ACCOUNTS if name in known)


def _command(account: pwd.struct_passwd | None, folder: Path, *words: object) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        user=None if account is None else account.pw_uid,
        group=None if account is None else account.pw_gid,
        extra_groups=None if account is None else [],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # no pipe: the server would hold it open
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{words[0]} failed with {done.returncode}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _spark() -> Iterator[str]:
    """One small Spark; engines opened meanwhile share it."""
    if shutil.which("java") is None:
        pytest.skip("Java 17 or newer (Debian: default-jre-headless) is not installed.")
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.codegen.wholeStage", "false")  # compiling takes longer than small tables take
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # it lives for minutes
        .config("spark.driver.memory", "2g")  # the whole judgement is one plan, and planning it takes more than 1 GB
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield "local[2]"
    finally:
        session.stop()


@contextmanager
def _snowflake() -> Iterator[str]:
    """fakesnow's server in a process of its own: Snowflake's protocol spoken to the real connector."""
    port = _free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "fakesnow", "-s", "-p", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield f"snowflake://tester:secret@fakesnow/tests/engines?host=127.0.0.1&port={port}&protocol=http"
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Until the server takes connections."""
    deadline = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert server.poll() is None, f"fakesnow ended with {server.returncode}"
            assert time.monotonic() < deadline, "fakesnow does not answer"
            time.sleep(0.05)
        else:
            return

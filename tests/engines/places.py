"""Real places for the engines' tests: a Postgres of the machine's binaries, a local Spark, fakesnow's server.

Each is started once a worker, when first needed, and ends with the run; whoever asks gets a database of its own there.
"""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from customer_research_sandbox.servers.postgres import Postgres, free_port, programs

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
_CLUSTER = (
    *("--auth=trust", "--username=tester", "--encoding=UTF8", "--no-sync"),
    *("--locale-provider=icu", "--icu-locale=en-US"),
)


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


def need_postgres() -> None:
    """Skip where this machine has no Postgres."""
    if programs() is None:
        pytest.skip("The programs of Postgres (Debian: postgresql) are not installed.")


@contextmanager
def postgres() -> Iterator[str]:
    """A fresh server on loopback, that sorts texts unlike the order of code points."""
    need_postgres()
    with Postgres(cluster=_CLUSTER) as server:
        yield f"postgresql://tester@127.0.0.1:{server.port}/postgres"


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
    with _listening(lambda port: [sys.executable, "-m", "fakesnow", "-s", "-p", str(port)]) as port:
        yield f"snowflake://tester:secret@fakesnow/tests/engines?host=127.0.0.1&port={port}&protocol=http"


@contextmanager
def _listening(command: Callable[[int], list[str]]) -> Iterator[int]:
    """A server's program at a free port; at another one where somebody took it meanwhile and the program ended."""
    for left in reversed(range(5)):
        port = free_port()
        nowhere = subprocess.DEVNULL
        with subprocess.Popen(command(port), stdin=nowhere, stdout=nowhere, stderr=nowhere) as server:
            try:
                if _answers(port, server):
                    yield port
                    return
                assert left, f"{command(port)} ended with {server.returncode}"
            finally:
                server.terminate()
                server.wait(timeout=60)


def _answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server takes connections; no: it ended."""
    deadline = time.monotonic() + 120
    while server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline, f"Nothing answers at port {port}."
            time.sleep(0.05)
        else:
            time.sleep(0.05)  # one that found the port taken has ended by now
            return server.poll() is None
    return False

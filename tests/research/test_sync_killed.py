"""A sync that is killed, again and again: what it began is finished, and the tables are those of one that ran through."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_research.domain.tables import TableSet
from customer_research.lake import Lake
from customer_research.research.sync import run
from customer_research.settings import load_settings
from customer_research_sandbox import world
from customer_research_sandbox.serve import Sandbox

PROCESSES = multiprocessing.get_context("forkserver")
"""Processes of their own, begun from one that has loaded the program."""

PROCESSES.set_forkserver_preload(["customer_research.research.sync", "duckdb", "httpx2", "sqlglot"])
KILLS = 4
SHARES = (0.2, 1.1)
"""When a sync is killed, in shares of the time that one takes."""


@pytest.fixture(scope="module")
def small() -> Iterator[Sandbox]:
    """A few operators in a sandbox of their own: what is pulled is soon pulled again."""
    dataset = world.generate(n_operators=16, scenarios=False)
    with Sandbox.start(dataset=dataset, rate_limits=False) as running:
        yield running


def content(tables: TableSet) -> dict[str, tuple[int, str]]:
    return {name: (table.rows, table.digest) for name, table in tables.files.items()}


def sync_into(config: Path, lake: Path) -> None:
    """A sync, in whatever process this is run."""
    settings = load_settings(config)
    run(
        settings.model_copy(update={"lake": settings.lake.model_copy(update={"folder": lake})}),
        lambda: world.DEFAULT_AS_OF,
    )


def synced(config: Path, lake: Path, seconds: float | None = None) -> bool:
    """Run a sync in a process of its own, killed after some seconds; whether it ran through."""
    process = PROCESSES.Process(target=sync_into, args=(config, lake))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return False
    assert process.exitcode == 0
    return True


def test_kills_end_in_the_same_tables(small: Sandbox, tmp_path: Path) -> None:
    config, through, lake = small.config_path, tmp_path / "through", tmp_path / "killed"
    began = time.monotonic()
    synced(config, through)
    took = time.monotonic() - began
    draw, kills, moments = random.Random(20261101), 0, set()
    while kills < KILLS:
        if synced(config, lake, took * draw.uniform(*SHARES)):
            shutil.rmtree(lake)
            continue
        kills += 1
        moments.add(Lake(lake).state().serial)
    assert len(moments) > 2
    synced(config, lake)
    whole, found = Lake(through).tables(), Lake(lake).tables()
    assert content(found) == content(whole)
    assert found.digest == whole.digest
    assert {"operator", "customer", "invoice", "reservation", "charge", "ticket", "gap"} <= set(found.files)

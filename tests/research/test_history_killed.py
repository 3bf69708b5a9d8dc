"""A backfill that is killed ends in the history of one that ran through."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from history_cases import content
from made_up_lake import NOW, fill, settings_file, settings_in, stories

from customer_research.domain.snapshot import SNAPSHOTS
from customer_research.research.past.history import backfill as module
from customer_research.research.past.history.backfill import backfill
from customer_research.research.portfolio.history import listed
from customer_research.settings import load_settings

KILLED_WEEKS = 3


def week_by_week(config: Path) -> None:
    """What the program that is killed does: a backfill that measures each week by itself."""
    backfill(load_settings(config), lambda: NOW, weeks=KILLED_WEEKS)


def in_one_pass(config: Path) -> None:
    """And one that measures all weeks together."""
    module.FEWEST = 2
    backfill(load_settings(config), lambda: NOW, weeks=KILLED_WEEKS)


def ran(work: Callable[[Path], None], config: Path, seconds: float | None = None) -> bool:
    """Run that program, killed after some seconds; whether it ran through."""
    program = FORKING.Process(target=work, args=(config,))
    program.start()
    program.join(seconds)
    program.kill()
    program.join()
    assert program.exitcode in {0, -signal.SIGKILL}
    return program.exitcode == 0


FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([__name__])  # a program that starts with its modules read is killed at its work


@pytest.mark.parametrize(("work", "kills", "latest"), [(week_by_week, 3, 0.4), (in_one_pass, 2, 0.95)])
def test_a_backfill_that_is_killed_ends_in_the_history_of_one_that_ran_through(
    work: Callable[[Path], None], kills: int, latest: float, tmp_path: Path
) -> None:
    """Killed again and again, by `latest` of the time that a whole run takes: in the pass, and among the snapshots."""
    through, killed = (tmp_path / name for name in ("through", "killed"))
    through.mkdir()
    fill(through / "lake", stories())
    shutil.copytree(through, killed)
    backfill(settings_in(through), lambda: NOW, weeks=KILLED_WEEKS)
    config, draw = settings_file(killed), random.Random(20261101)
    began = time.monotonic()
    assert ran(work, config)
    took = time.monotonic() - began
    whole = content(settings_in(through))
    assert len(whole["snapshots"]) == KILLED_WEEKS + 1
    assert content(settings_in(killed)) == whole
    found = {one.id for one in whole["snapshots"]}
    while kills:
        if len(found) == KILLED_WEEKS + 1:
            _forget(killed)
        kills -= not ran(work, config, took * draw.uniform(0.05, latest))
        found = {one.snapshot.id for one in listed(settings_in(killed).store_url)}
    assert ran(work, config)
    assert content(settings_in(killed)) == whole


def _forget(folder: Path) -> None:
    shutil.rmtree(folder / "lake" / SNAPSHOTS)
    for file in folder.glob("store.db*"):
        file.unlink()

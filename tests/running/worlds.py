"""The sandbox's worlds, made once: what one worker or an earlier run has made, all later sandboxes take from a file."""

from __future__ import annotations

import fcntl
import gc
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from customer_research_sandbox import world
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox

DEMO = 400
"""How many operators the demo's world has, the scenarios' not counted."""

SMALL = 8
"""A world of the scenarios and a few more, for the tests that look at few operators; S37, which has 60,000 trips, has 3,000."""

_HUGE, _EVERY = "00000000-5ce0-11f0-a000-000000000037", 20
_TRIPS = "FACT.MOOVS_OPERATOR_RESERVATIONS"


class Worlds:
    """Worlds of the demo's seed, with all scenarios; *folder* is shared by the workers, and by runs of the same sandbox."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def dataset(self, operators: int = SMALL) -> Dataset:
        """A world of one's own, which may be changed."""
        file = self._folder / f"world-{operators}.pickle"
        with alone(file), _uncollected():
            if file.exists():
                made: Dataset = pickle.loads(file.read_bytes())
            else:
                made = world.generate(n_operators=operators)
                if operators == SMALL:
                    made = _thinned(made)
                half = file.with_suffix(".half")  # a run that is stopped here leaves no torn world to later ones
                half.write_bytes(pickle.dumps(made, protocol=5))
                half.replace(file)
        return made

    @contextmanager
    def running(self, operators: int = SMALL, dataset: Dataset | None = None, **how: Any) -> Iterator[Sandbox]:
        """A sandbox of one's own, without the vendors' rate limits.

        Args:
            operators: how many operators its world has.
            dataset: that world with other records of Lago, HubSpot and Notion, but the same warehouse.
            how: what else `Sandbox.start` takes.
        """
        kept = self._folder / f"warehouse-{operators}.duckdb"
        chosen = dataset or self.dataset(operators)
        with alone(kept):
            started = Sandbox.start(dataset=chosen, kept=kept, rate_limits=False, **how)
        gc.freeze()  # millions of records that stay: no later collection need look at them
        with started:
            yield started


def _thinned(made: Dataset) -> Dataset:
    """The world with one in twenty trips of the operator that has more of them than all others together."""
    told = made.warehouse[_TRIPS]
    rows = [row for place, row in enumerate(told.rows) if row["OPERATOR_ID"] != _HUGE or place % _EVERY == 0]
    return replace(made, warehouse={**made.warehouse, _TRIPS: replace(told, rows=rows)})


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """While no other worker does the same for this file."""
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _uncollected() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

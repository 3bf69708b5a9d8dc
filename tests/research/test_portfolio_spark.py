"""The same snapshot on every engine: DuckDB's files, row by row, are those of a real local Spark."""

from __future__ import annotations

from pathlib import Path

import pytest
from places import place
from snapshot_engines import compare

from customer_research.engines import open_engine

pytestmark = pytest.mark.xdist_group("engines")


def test_every_file_of_a_snapshot_is_the_same(tmp_path: Path) -> None:
    with open_engine("spark", place("spark")) as engine:
        compare(engine, tmp_path)

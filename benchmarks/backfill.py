"""Two years of weeks: all operators measured at 104 dates in one pass, against 104 single dates, and against one.

Run: `python -m benchmarks.backfill [OPERATORS] [SINGLE_DATES]`. CPU seconds to the wide table, each in a process of its own.
Single dates are taken at even distances through the two years; where they are fewer than 104, what 104 would cost is told
from their mean, and the output says so. Every cell of the single dates is compared with the pass.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.cells import compared
from benchmarks.measured import cost
from benchmarks.portfolio import of_operators, table_set
from benchmarks.portfolio_tables import AS_OF, write_tables
from benchmarks.tables import times

WEEKS = 104
MEMORY_MB = 4000


def dates(count: int = WEEKS) -> list[datetime]:
    """So many of the weeks, the last first."""
    return [AS_OF - timedelta(weeks=week * WEEKS // count) for week in range(count)]


def one_pass(folder: Path, operators: int, out: Path) -> None:
    """All weeks at once; the wide table of some weeks after the other is written below `out`."""
    from customer_research.engines.engine import open_engine  # noqa: PLC0415 - measured with the work
    from customer_research.research.history.calendar import SOME_ACCOUNTS, Calendar  # noqa: PLC0415

    out.mkdir()
    tables = table_set(folder)
    listed = replace(tables.files["operator"], rows=operators)
    tables = replace(tables, files={**tables.files, "operator": listed})
    with open_engine("duckdb", "", memory_mb=MEMORY_MB, folder=out.parent / "spill") as engine:
        for part in Calendar(engine, tables, dates()).parts():
            engine.export(f"SELECT * FROM {SOME_ACCOUNTS}", out / f"{part[0]:%Y-%m-%d}.parquet")


def single_dates(folder: Path, out: Path, instants: list[datetime]) -> None:
    """One date after the other; the wide table of each is written below `out`."""
    from customer_research.engines.engine import open_engine  # noqa: PLC0415 - measured with the work
    from customer_research.research.portfolio.measure import attach, measure_attached  # noqa: PLC0415

    out.mkdir()
    with open_engine("duckdb", "", memory_mb=MEMORY_MB, folder=out.parent / "spill") as engine:
        attach(engine, table_set(folder))
        for instant in instants:
            measure_attached(engine, instant)
            at = instant.replace(tzinfo=None)
            engine.export(f"SELECT *, TIMESTAMP '{at}' AS t FROM account_metrics", out / f"{at:%Y-%m-%d}.parquet")


def different_cells(many: Path, single: Path) -> tuple[int, int]:
    """How many cells were compared and how many differ; ratios within 1e-9."""
    import duckdb  # noqa: PLC0415 - slow to import

    singles = f"read_parquet('{single}/*.parquet')"
    same_dates = f"read_parquet('{many}/*.parquet') WHERE t IN (SELECT DISTINCT t FROM {singles})"
    with duckdb.connect() as database:
        return compared(database, same_dates, singles, "t")


def run(operators: int = 10_000, singles: int = WEEKS) -> None:
    """Write the tables, measure both ways, compare, print ratios."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "tables"
        folder.mkdir()
        write_tables(folder, of_operators(operators))
        many = cost(one_pass, folder, operators, Path(place) / "all")
        one = cost(single_dates, folder, Path(place) / "one", dates(1))
        several = cost(single_dates, folder, Path(place) / "single", dates(singles))
        count, unequal = different_cells(Path(place) / "all", Path(place) / "single")
    whole = several.cpu * WEEKS / singles
    told = "" if singles == WEEKS else f" (told from {singles} of them)"
    print(f"{WEEKS} single dates / one pass: {times(whole / many.cpu)} the CPU{told}; the bar: 6 x at least")
    print(
        f"one pass / one date: {times(many.cpu / one.cpu)} the CPU; peak memory {many.peak_mb:,.0f} MB and {one.peak_mb:,.0f} MB"
    )
    print(f"cells compared: {count:,}; different: {unequal:,}; the bar: 0")


if __name__ == "__main__":
    run(*map(int, sys.argv[1:3]))

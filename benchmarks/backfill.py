"""Two years of weeks: all operators measured at 104 dates in one pass, against 104 single dates, and against one.

Run: `python -m benchmarks.backfill [OPERATORS] [SINGLE_DATES]`. CPU seconds until the wide table of each date has stood on the
engine, each way in a process of its own; writing the tables to files, to compare them, is not counted.
Single dates are taken at even distances through the two years; where they are fewer than 104, what 104 would cost is told
from their mean, and the output says so. Every cell of the single dates is compared with the pass.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.cells import compared
from benchmarks.measured import cost, cpu_seconds
from benchmarks.portfolio import of_operators, table_set
from benchmarks.portfolio_tables import AS_OF, write_tables
from benchmarks.tables import times
from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.engines.engine import Engine
from customer_research.metrics.queries import account_columns

WEEKS = 104
MEMORY_MB = 6000


def dates(count: int = WEEKS) -> list[datetime]:
    """So many of the weeks, the last first."""
    return [AS_OF - timedelta(weeks=week * WEEKS // count) for week in range(count)]


def one_pass(folder: Path, operators: int, out: Path) -> float:
    """All weeks at once; the CPU seconds that it took. The wide tables are written below `out`."""
    from customer_research.engines import open_engine  # noqa: PLC0415 - measured with the work
    from customer_research.research.past.history.calendar import Calendar  # noqa: PLC0415

    tables = table_set(folder)
    listed = replace(tables.files["operator"], rows=operators)
    tables = replace(tables, files={**tables.files, "operator": listed})
    with open_engine("duckdb", "", memory_mb=MEMORY_MB, folder=out.parent / "spill") as engine:
        calendar = Calendar(engine, tables, dates())
        return _measured(lambda instant: calendar(engine, tables, instant), engine, out, dates())


def single_dates(folder: Path, out: Path, instants: list[datetime]) -> float:
    """One date after the other; the CPU seconds that it took. The wide tables are written below `out`."""
    from customer_research.engines import open_engine  # noqa: PLC0415 - measured with the work
    from customer_research.research.portfolio.measurement import attach, measure_attached  # noqa: PLC0415

    with open_engine("duckdb", "", memory_mb=MEMORY_MB, folder=out.parent / "spill") as engine:
        attach(engine, table_set(folder), AS_OF)
        return _measured(lambda instant: measure_attached(engine, instant), engine, out, instants)


def _measured(measure: Callable[[datetime], None], engine: Engine, out: Path, instants: list[datetime]) -> float:
    out.mkdir()
    spent = 0.0
    for instant in instants:
        begun = cpu_seconds()
        measure(instant)
        spent += cpu_seconds() - begun
        at = instant.replace(tzinfo=None)
        columns = ", ".join(account_columns())
        engine.export(f"SELECT {columns}, TIMESTAMP '{at}' AS t FROM {ACCOUNT_TABLE}", out / f"{at:%Y-%m-%d}.parquet")
    return spent


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
    whole = several.told * WEEKS / singles
    told = "" if singles == WEEKS else f" (told from {singles} of them)"
    print(f"{WEEKS} single dates / one pass: {times(whole / many.told)} the CPU{told}; the bar: 6 x at least")
    print(
        f"one pass / one date: {times(many.told / one.told)} the CPU; peak memory {many.peak_mb:,.0f} MB and {one.peak_mb:,.0f} MB"
    )
    print(f"cells compared: {count:,}; different: {unequal:,}; the bar: 0")


if __name__ == "__main__":
    run(*map(int, sys.argv[1:3]))

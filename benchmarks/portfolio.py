"""Scoring 10,000 operators at one date, against SQL written by hand, pandas, and reading the needed columns.

Run: `python -m benchmarks.portfolio [OPERATORS]`. The tables hold 1,000 reservations, 200 charges and 30 invoices an
operator. Each way runs in a process of its own; printed are ratios of CPU seconds, and peak memory.

`by hand` is what an expert would write for the figures of the large tables (`benchmarks.handwritten`: reservations, charges,
subscriptions, invoices, payments), with the product's queries for the small ones and its scorecard; all of it is ready as text
beforehand, so that it is only run, and every cell of its wide table is compared with the product's. `pandas` computes the
figures of reservations and charges only (what it leaves out favours it); `scan` adds up a hash of every cell of the columns
that the figures need, and of no others (`benchmarks.needed`), of the rows known at the date.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.cells import compared
from benchmarks.handwritten import by_hand
from benchmarks.measured import cost
from benchmarks.portfolio_tables import AS_OF, Size, write_tables
from benchmarks.tables import table, times

MEMORY_MB = 350
"""What DuckDB may use itself; the process is larger by Python, the libraries and the reading of files."""

BARS = {"by hand": "1.5 at most", "pandas": "0.25 at most", "scan": "3.5 at most"}


def of_operators(count: int) -> Size:
    """The portfolio's size: reservations, charges and invoices in proportion."""
    return Size(count, 1000 * count, 200 * count, 30 * count)


def table_set(folder: Path) -> Any:
    """The tables of a folder as the product takes them."""
    from customer_research.domain.tables import TableFile, TableSet  # noqa: PLC0415 - measured with the work

    files = {p.stem: TableFile(p.stem, (p,), 1, p.stem.ljust(64, "0")) for p in sorted(folder.glob("*.parquet"))}
    return TableSet(str(folder), files)


def score_product(folder: Path, memory_mb: int, until: datetime = AS_OF, wide: Path | None = None) -> int:
    """Score through the product, files of the snapshot and all; the number of operators. `wide`: keeps the metrics' file there."""
    from customer_research.engines import open_engine  # noqa: PLC0415 - measured with the work
    from customer_research.research.portfolio.score import score  # noqa: PLC0415 - measured with the work

    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        out = Path(place)
        with open_engine("duckdb", "", memory_mb=memory_mb, folder=out / "spill") as engine:
            snapshot = score(
                engine,
                table_set(folder),
                until,
                "canonical",
                folder=out / "snapshots",
                clock=lambda: AS_OF + timedelta(days=1),
            )
        if wide is not None:
            (out / "snapshots" / snapshot.id / "accounts.parquet").replace(wide)
        return snapshot.operators


def hand_queries() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The tables to make in order, and the files to write, each with its query: by hand, or the product's for the rest."""
    from customer_research.health.findings import findings_sql, load_findings  # noqa: PLC0415 - slow to import
    from customer_research.health.scorecard import load_scorecard  # noqa: PLC0415
    from customer_research.health.scoring import long_sql, scoring_sql  # noqa: PLC0415
    from customer_research.metrics.pinned import pinned  # noqa: PLC0415
    from customer_research.metrics.queries import account_columns  # noqa: PLC0415
    from customer_research.metrics.wide import stages  # noqa: PLC0415

    known = frozenset(account_columns()) - {"operator_id"}
    card, hand = load_scorecard("canonical", known), by_hand(AS_OF)
    made = {stage.name: hand.get(stage.name) or pinned(stage.sql, AS_OF) for stage in stages()}
    written = {"accounts": "FROM account_metrics", "scores": "FROM account_scores", **long_sql(card, "account_scores")}
    return (
        {**made, "account_scores": scoring_sql(card)},
        {**written, "findings": findings_sql(load_findings(known))},
    )


def score_by_hand(
    folder: Path, memory_mb: int, made: Mapping[str, str], written: Mapping[str, str], wide: Path | None = None
) -> int:
    """SQL by hand, the product's scorecard over it, and the same files written; the number of operators."""
    import duckdb  # noqa: PLC0415 - measured with the work

    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        config: dict[str, Any] = {
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": place,
            "preserve_insertion_order": "false",
        }
        with duckdb.connect(config=config) as database:
            database.execute("SET enable_progress_bar = false")
            for path in folder.glob("*.parquet"):
                database.execute(f"CREATE VIEW {path.stem} AS FROM read_parquet('{path}')")
            for name, sql in made.items():
                database.execute(f"CREATE TABLE {name} AS {sql}")
            for name, sql in written.items():
                database.execute(f"COPY ({sql}) TO '{place}/{name}.parquet' (COMPRESSION zstd)")
            ((count,),) = database.execute("SELECT COUNT(*) FROM account_metrics").fetchall()
        if wide is not None:
            Path(place, "accounts.parquet").replace(wide)
    return int(count)


def scan(folder: Path, memory_mb: int, columns: Mapping[str, tuple[str, ...]]) -> int:
    """Read every cell of these columns of the rows that are known."""
    import duckdb  # noqa: PLC0415 - measured with the work

    read, instant = 0, f"TIMESTAMP '{AS_OF.replace(tzinfo=None)}'"
    with duckdb.connect(config={"memory_limit": f"{memory_mb}MB"}) as database:
        database.execute("SET enable_progress_bar = false")
        for name, needed in columns.items():
            touched = ", ".join(f"BIT_XOR(HASH({column}))" for column in needed)
            known = "paid_at" if name == "payment" else "created_at"
            query = f"SELECT COUNT(*), {touched} FROM read_parquet('{folder}/{name}.parquet') WHERE {known} < {instant}"
            read += int(database.execute(query).fetchall()[0][0])
    return read


def figures_by_pandas(folder: Path) -> int:
    """The figures of reservations and charges by pandas; the number of operators."""
    from benchmarks.by_pandas import charge_figures, reservation_figures  # noqa: PLC0415 - measured with the work

    instant = AS_OF.astimezone(UTC).replace(tzinfo=None)
    return len(reservation_figures(folder, instant).join(charge_figures(folder, instant), how="outer"))


def run(operators: int = 10_000) -> None:
    """Write the tables, take every way once, compare the cells of the product and by hand, print ratios."""
    import duckdb  # noqa: PLC0415 - slow to import

    from benchmarks.needed import needed_columns  # noqa: PLC0415 - slow to import

    with tempfile.TemporaryDirectory() as place:
        folder, ours, theirs = (Path(place) / name for name in ("tables", "ours.parquet", "theirs.parquet"))
        folder.mkdir()
        size = of_operators(operators)
        write_tables(folder, size)
        ways: Mapping[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
            "by hand": (score_by_hand, (MEMORY_MB, *hand_queries(), theirs)),
            "pandas": (figures_by_pandas, ()),
            "scan": (scan, (MEMORY_MB, needed_columns())),
        }
        own = cost(score_product, folder, MEMORY_MB, AS_OF, ours)
        others = {name: cost(work, folder, *more) for name, (work, more) in ways.items()}
        with duckdb.connect() as database:
            cells, unequal = compared(database, f"read_parquet('{ours}')", f"read_parquet('{theirs}')")
    print(
        f"{own.told:,} operators, {size.reservations:,} reservations, {size.charges:,} charges, {size.invoices:,} invoices"
    )
    rows = [("the product", times(1), f"{own.peak_mb:,.0f} MB", "600 MB at most")]
    rows += [
        (name, times(own.cpu / other.cpu), f"{other.peak_mb:,.0f} MB", BARS[name]) for name, other in others.items()
    ]
    print(table(("way", "the product's CPU / its CPU", "peak memory", "bar"), rows))
    print(f"the product took {own.cpu:.2f} s of CPU")
    print(f"cells compared with those by hand: {cells:,}; different: {unequal:,}")


if __name__ == "__main__":
    run(*map(int, sys.argv[1:2]))

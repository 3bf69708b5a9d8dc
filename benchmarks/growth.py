"""Scoring as the portfolio grows tenfold and a hundredfold, within the memory that the setting allows.

Run: `python -m benchmarks.growth [LARGEST]`. From 1 million reservations of 10,000 operators to 100 million of a million
(`LARGEST`: 1, 10 or 100 million). Printed: CPU against the step before, and peak memory.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measured import Cost, cost
from benchmarks.portfolio import score_product
from benchmarks.portfolio_tables import Size, write_tables
from benchmarks.tables import table, times

MEMORY_MB = 2000
"""The default of the setting `engine.memory_mb`."""

STEPS = (1, 10, 100)
"""Millions of reservations; an operator has a hundred, ten charges and two invoices."""


def of_millions(millions: int) -> Size:
    """So many million reservations, and the rest in proportion."""
    return Size(10_000 * millions, 1_000_000 * millions, 100_000 * millions, 20_000 * millions)


def run(largest: int = STEPS[-1]) -> None:
    """Score each size, print ratios."""
    rows, before = [], None
    for millions in STEPS[: STEPS.index(largest) + 1]:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "tables"
            folder.mkdir()
            write_tables(folder, of_millions(millions))
            found: Cost = cost(score_product, folder, MEMORY_MB)
        ratio = "-" if before is None else times(found.cpu / before.cpu)
        rows.append((f"{millions} M", f"{found.told:,}", ratio, f"{found.peak_mb:,.0f} MB"))
        before = found
    print(table(("reservations", "operators", "CPU / the step before", "peak memory"), rows))
    print(f"The setting allows the engine {MEMORY_MB} MB; the bar: 4,096 MB at 100 M.")


if __name__ == "__main__":
    run(*map(int, sys.argv[1:2]))

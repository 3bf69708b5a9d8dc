"""What the lists cost in CPU time, the whole process, beside `python -c pass`: on 400 operators and on 10,000.

Run: `python -m benchmarks.lists [OPERATORS ...]`. Each portfolio is made up (`benchmarks.portfolio_tables`, with few trips: no list
reads them), scored as of a month's weeks and of today, kept, and checked for alerts; then every list is printed in turn, many rounds, and
the least of each is told. The bar: 0.6 s on 400 operators, 1.2 s on 10,000.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.portfolio_tables import AS_OF, Size, write_tables
from benchmarks.tables import table, times

ROUNDS = 7
BASE = "python -c pass"
LISTS = ("today", "portfolio", "alerts", "digest", "renewals", "churn-risk")
BARS: Mapping[int, float] = {400: 0.6, 10_000: 1.2}


def cpu_seconds(*arguments: str) -> float:
    """User and system time of one Python process, with its compiled modules kept."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def filled(folder: Path, operators: int) -> Path:
    """A portfolio of so many operators in a lake and a store of its own; its settings file."""
    tables = folder / "tables"
    tables.mkdir()
    write_tables(tables, Size(operators, 30 * operators, 10 * operators, 30 * operators))
    config = folder / "settings.toml"
    config.write_text(
        f'clock = "{AS_OF:%Y-%m-%dT%H:%M:%SZ}"\n[lake]\nfolder = "{folder / "lake"}"\n'
        f'[store]\nurl = "sqlite:///{folder / "store.db"}"\n',
        encoding="utf-8",
    )
    for words in (
        ("import", str(tables)),
        ("portfolio", "score"),
        ("history", "backfill", "--weeks", "5"),
        ("alerts", "check", "--limit", "1"),
    ):
        subprocess.run(
            [sys.executable, "-m", "customer_research", "--config", str(config), *words],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return config


def run(*sizes: int) -> None:
    """Fill the portfolios, print every list in turn, tell the ratios and seconds."""
    with tempfile.TemporaryDirectory() as place:
        configs: dict[int, Path] = {}
        for operators in sizes or tuple(BARS):
            folder = Path(place) / str(operators)
            folder.mkdir()
            configs[operators] = filled(folder, operators)
        taken: dict[tuple[str, int], list[float]] = {}
        for _ in range(ROUNDS):
            taken.setdefault((BASE, 0), []).append(cpu_seconds("-c", "pass"))
            for operators, config in configs.items():
                for name in LISTS:
                    spent = cpu_seconds("-m", "customer_research", "--config", str(config), name)
                    taken.setdefault((name, operators), []).append(spent)
    base = min(taken[BASE, 0])
    rows = [
        (name, f"{operators:,}" if operators else "", times(min(found) / base), f"{min(found):.2f} s", _bar(operators))
        for (name, operators), found in taken.items()
    ]
    print(table(("CPU time, least of several", "operators", "ratio", "seconds", "bar"), rows))


def _bar(operators: int) -> str:
    return f"{BARS[operators]:.1f} s" if operators in BARS else ""


if __name__ == "__main__":
    run(*map(int, sys.argv[1:]))

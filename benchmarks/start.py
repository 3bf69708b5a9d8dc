"""What starting the command line costs in CPU time, against `python -c pass`.

Every command runs in turn, many rounds, and the medians are compared. The bar: `--help` costs at most 6 times
`python -c pass`.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.tables import table, times

ROUNDS = 21
BAR = 6.0
BASE = "python -c pass"
COMMANDS = {
    BASE: ("-c", "pass"),
    "import of the command line": ("-c", "import customer_research.surfaces.cli"),
    "import of the package": ("-c", "import customer_research"),
    "--help": ("-m", "customer_research", "--help"),
    "profile --help": ("-m", "customer_research", "profile", "--help"),
    "metrics (loads the registries)": ("-m", "customer_research", "metrics"),
}


def cpu_seconds(arguments: Sequence[str]) -> float:
    """User and system time of one Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run() -> None:
    """Measure all commands in turn and print the ratios."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            taken[name].append(cpu_seconds(arguments))
    base = statistics.median(taken[BASE])
    rows = [(name, times(statistics.median(found) / base), times(min(found) / base)) for name, found in taken.items()]
    print(table(("CPU time", "median", "least"), rows))
    print(f"The bar: --help at most {times(BAR)}.")


if __name__ == "__main__":
    run()

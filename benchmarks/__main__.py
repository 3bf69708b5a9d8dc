"""Run all benchmarks, or those named: `python -m benchmarks [NAME [SIZE ...] ...]`.

Numbers after a name are its sizes, as its own module describes them: `batch 1000`, `lookup 100000`.

They print ratios from one run, since absolute times say more about the machine than about the code. Nothing fails because
it is slow: the exit code is 0 unless a benchmark could not run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

NAMES = (
    "start",
    "lists",
    "faults",
    "lookup",
    "documents",
    "profile",
    "live",
    "calibration",
    "judgement",
    "batch",
    "portfolio",
    "backfill",
    "growth",
)
"""Every benchmark, a module of this package with `run()`; quick ones first."""


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmarks in order, each with the sizes after its name; all when none is named."""
    asked: list[tuple[str, list[int]]] = []
    for argument in arguments or NAMES:
        if argument in NAMES:
            asked.append((argument, []))
        elif argument.isdecimal() and asked:
            asked[-1][1].append(int(argument))
        else:
            print(f"There is no benchmark {argument!r}; there are: {', '.join(NAMES)}.", file=sys.stderr)
            return 2
    for name, sizes in asked:
        module = import_module(f"benchmarks.{name}")
        print(f"== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        module.run(*sizes)
        print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

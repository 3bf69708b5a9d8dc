"""Run all benchmarks, or those named: `python -m benchmarks [NAME ...]`.

They print ratios from one run, since absolute times say more about the machine than about the code. Nothing fails because
it is slow: the exit code is 0 unless a benchmark could not run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

NAMES = ("start", "lookup", "documents", "profile", "live", "batch", "portfolio", "backfill", "growth")
"""Every benchmark, a module of this package with `run()`; quick ones first."""


def main(names: Sequence[str]) -> int:
    """Run the named benchmarks in order; all when none is named."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    for name in names or NAMES:
        module = import_module(f"benchmarks.{name}")
        print(f"== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        module.run()
        print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

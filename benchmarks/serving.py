"""A sandbox in a process of its own, so that serving does not count as the client's time.

`python -m benchmarks.serving OPERATORS SLOW_SECONDS` serves one whose faults are switched while it runs: it prints the path of
its settings file, then reads lines of faults (`lago:down`; an empty line: none) and answers each with a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from customer_research_sandbox.serve import Sandbox


@contextmanager
def served(latency_ms: float, *arguments: str) -> Iterator[Path]:
    """Serve the demo world with this latency on every answer; gives the path of its settings file.

    Further arguments of `sandbox serve` change the world.

    Raises:
        RuntimeError: the sandbox did not start.
    """
    command = [sys.executable, "-m", "customer_research", "sandbox", "serve", "--latency", str(latency_ms), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("The sandbox did not start.")
            yield Path(json.loads(line)["config"])
        finally:
            process.terminate()


@contextmanager
def switched(operators: int, slow_seconds: float) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """Serve a world without rate limits; gives its settings file, and what puts a fault (`lago:down`, or none) in force.

    Raises:
        RuntimeError: the sandbox did not start, or died.
    """
    command = [sys.executable, "-m", "benchmarks.serving", str(operators), str(slow_seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, heard = process.stdin, process.stdout

        def answered() -> str:
            line = heard.readline()
            if not line:
                raise RuntimeError("The sandbox did not start, or died.")
            return line.strip()

        def switch(faults: str) -> None:
            told.write(faults + "\n")
            told.flush()
            answered()

        try:
            yield Path(answered()), switch
        finally:
            process.terminate()


def main(operators: int, slow_seconds: float) -> None:
    """Serve until the standard input ends."""
    with Sandbox.start(operators, rate_limits=False, slow_seconds=slow_seconds) as sandbox:
        print(sandbox.config_path, flush=True)
        for line in sys.stdin:
            sandbox.set_faults(*line.split())
            print("switched", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))

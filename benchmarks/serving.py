"""A sandbox in a process of its own, so that serving does not count as the client's time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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

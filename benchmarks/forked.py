"""Commands in processes of their own, forked from one that has loaded the program's modules: loading costs half a report's time.

A fork's memory counts in full, what it shares with its parent included, so that its peak is that of a process that was started.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ESCAPED = 99
"""Exit code of a fork whose command let an exception out."""

LONGEST_SECONDS = 180
"""A command that has not ended by then is ended: its exit code is that of SIGALRM, -14."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one command did: its exit code, its output, its messages, seconds of the clock, peak of resident memory in megabytes."""

    code: int
    out: str
    messages: str
    wall: float
    peak_mb: float


def told_by(words: Sequence[str], environment: Mapping[str, str], *, load: bool = False) -> Told:
    """Run a command in a fork of this process; with `load`, take over the modules that it needed, for those that follow."""
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / name for name in ("out", "messages", "modules")]
        sys.stdout.flush()
        sys.stderr.flush()
        started = time.perf_counter()
        child = os.fork()
        if child == 0:
            _become(words, environment, files)
        _, status, usage = os.wait4(child, 0)
        wall = time.perf_counter() - started
        out, messages, modules = (
            file.read_text(encoding="utf-8", errors="replace") if file.exists() else "" for file in files
        )
    if load:
        for name in modules.split():
            with suppress(ImportError):
                importlib.import_module(name)
    return Told(os.waitstatus_to_exitcode(status), out, messages, wall, usage.ru_maxrss / 1024)


def _become(words: Sequence[str], environment: Mapping[str, str], files: Sequence[Path]) -> None:
    """Run the command and end the process."""
    code = ESCAPED
    signal.alarm(LONGEST_SECONDS)
    try:
        os.environ.update(environment)
        for number, file in ((1, files[0]), (2, files[1])):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), number)
        code = _run(list(words))
        sys.stdout.flush()
        sys.stderr.flush()
        files[2].write_text("\n".join(name for name in sys.modules if name != "__main__"), encoding="utf-8")
    finally:
        os._exit(code)


def _run(words: list[str]) -> int:
    from customer_research.surfaces.cli.group import run  # noqa: PLC0415  (its loading counts in the first fork)

    return run(words)

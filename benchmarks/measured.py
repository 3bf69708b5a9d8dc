"""What a piece of work costs: run in a fresh process, its CPU time (children too), and its peak memory."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_MEGABYTE = 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU and of the wall clock, the peak of resident memory in megabytes, and what the work gave back."""

    cpu: float
    wall: float
    peak_mb: float
    told: Any


def cost(work: Callable[..., Any], *arguments: Any) -> Cost:
    """Run the work in a fresh Python process and tell its cost; imports that the work makes count, Python's start does not.

    Raises:
        RuntimeError: the work failed; its own report is on stderr.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        found: Cost = here.recv()
    except EOFError:
        raise RuntimeError(f"{work.__name__} failed: see above.") from None
    finally:
        process.join()
    return found


def _run(told: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    before, started = cpu_seconds(), time.perf_counter()
    given = work(*arguments)
    wall, cpu = time.perf_counter() - started, cpu_seconds() - before
    told.send(
        Cost(cpu, wall, max(_peak_kb(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / _MEGABYTE, given)
    )


def _peak_kb() -> int:
    """This process's own peak: on Linux `ru_maxrss` begins with that of the process that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = dict(line.split(":", 1) for line in status.read_text(encoding="ascii", errors="replace").splitlines())
    return int(told["VmHWM"].split()[0])


def cpu_seconds() -> float:
    """What this process and its children have taken of the processors so far."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

"""What a piece of work costs: run in a fresh process, its CPU time (children too), and its peak memory."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
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
    before, started = _cpu(), time.perf_counter()
    given = work(*arguments)
    wall, cpu = time.perf_counter() - started, _cpu() - before
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    told.send(Cost(cpu, wall, peak / _MEGABYTE, given))


def _cpu() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

"""Our share of a vendor's rate limit, counted together by all programs of one user on this machine.

A vendor counts by credential, not by process. Beside each process's own bucket there is a small file for each limit of a
vendor, address and credential (as a hash): when the next request may be sent. Who wants to send takes the next turn under
a lock of the kernel, which a killed process lets go, and waits for it. A file that cannot be used (no place, a full disk, a
folder that is read-only) leaves the process with its own bucket alone.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import os
import struct
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from customer_research import private

LONGEST_SECONDS = 300.0
"""The longest queue that is joined: 900 requests at three a second."""

_INSTANT = struct.Struct("<d")
_TRIES = 250
_TRY_SECONDS = 0.004


class Turns:
    """The turns of one limit: one second's requests at once, and then the rate.

    Args:
        file: where they are counted, in a folder for this user alone.
        rate: requests a second.
        timer: seconds from a point that all processes of the machine share, never going back.
    """

    def __init__(self, file: Path, rate: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._between = 1 / rate
        self._at_once = (max(1.0, rate) - 1) / rate
        self._timer = timer

    def take(self) -> float | None:
        """Take the next turn: seconds until then, 0 where it cannot be counted; None (not taken) when the queue is too long."""
        try:
            with self._counted() as descriptor:
                now = self._timer()
                free = _read(descriptor)
                if not now <= free <= now + LONGEST_SECONDS + self._at_once + self._between:
                    free = now  # nobody waits, or it was written before the machine started anew
                wait = max(0.0, free - self._at_once - now)
                if wait > LONGEST_SECONDS:
                    return None
                os.pwrite(descriptor, _INSTANT.pack(free + self._between), 0)
                return wait
        except (OSError, ImportError):
            return 0.0

    @contextmanager
    def _counted(self) -> Iterator[int]:
        """The file, locked; OSError when that cannot be had within a second."""
        fcntl = importlib.import_module("fcntl")
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, private.FILE)
        try:
            for left in reversed(range(_TRIES)):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not left:
                        raise
                    time.sleep(_TRY_SECONDS)
            yield descriptor
        finally:
            os.close(descriptor)


class AllTurns:
    """The turns of all limits of one credential with a vendor; without rates nobody else is waited for.

    Args:
        cache: gives the folder of which a part is taken; asked when the first turn is.
        whose: vendor, address, credential; the files' names tell the vendor only, and a hash of all.
        rates: requests a second, of each limit.
        timer: as of `Turns`.
    """

    def __init__(
        self,
        cache: Callable[[], Path],
        whose: tuple[str, ...],
        rates: Sequence[float],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timer = timer
        self._cache = cache
        self._whose = whose
        self._rates = rates
        self._made: tuple[Turns, ...] | None = None

    async def wait(self, number: int, sleep: Callable[[float], Awaitable[None]]) -> bool:
        """Wait for the next turn of a limit; False, at once, when the queue is too long."""
        if not self._rates:
            return True
        if self._made is None:
            self._made = tuple(self._turns())
        wait = self._made[number].take()
        if wait:
            await sleep(wait)
        return wait is not None

    def _turns(self) -> Iterator[Turns]:
        folder = self._cache() / "limits"
        with suppress(OSError):
            private.make_folder(folder)
        told = hashlib.sha256("\x1f".join(self._whose).encode()).hexdigest()[:24]
        for number, rate in enumerate(self._rates):
            yield Turns(folder / f"{self._whose[0]}-{told}-{number}", rate, self._timer)


def _read(descriptor: int) -> float:
    """The instant that stands there; one long past when there is none."""
    written = os.pread(descriptor, _INSTANT.size, 0)
    found = float(_INSTANT.unpack(written)[0]) if len(written) == _INSTANT.size else -math.inf
    return found if math.isfinite(found) else -math.inf

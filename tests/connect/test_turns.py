"""Limits that all programs of one machine count together: whatever becomes of one of them, the others go on."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from customer_research.connect.http import Http, Pace, Vendor
from customer_research.connect.turns import LONGEST_SECONDS, AllTurns, Turns
from customer_research.errors import SourceError
from customer_research.settings import Settings
from customer_research.sources.notion.settings import NotionSettings
from customer_research_sandbox.servers.limits import RollingWindow

pytestmark = pytest.mark.skipif(os.name == "nt", reason="impossible here: there each process counts alone")

_TAKE = """
import os, signal, sys, time
from pathlib import Path
from customer_research.connect.http import Http, Pace, Vendor
from customer_research.connect.turns import Turns
asked = []
def timer():
    asked.append(time.monotonic())
    return asked[-1]
turns = Turns(Path(sys.argv[1]), 5.0, timer)
for _ in range(int(sys.argv[2])):
    wait = turns.take()
    print(asked[-1] + wait, flush=True)
"""
_HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_processes_share_one_rate(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _TAKE, str(tmp_path / "limit"), "10"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    sent = sorted(float(line) for one in running for line in one.communicate()[0].split())

    assert len(sent) == 30
    in_any_second = max(sum(1 for later in sent if 0 <= later - first < 1) for first in sent)
    assert in_any_second <= 2 * 5, "one second's burst, and the rate"
    assert all(b - a > 0.199 for a, b in pairwise(sent[10:])), "then the rate alone"


def taken(file: Path, count: int, *, rate: float = 2.0, now: float = 1000.0) -> list[float | None]:
    turns = Turns(file, rate, lambda: now)
    return [turns.take() for _ in range(count)]


def test_one_seconds_requests_at_once_and_then_the_rate(tmp_path: Path) -> None:
    assert taken(tmp_path / "limit", 4) == [0, 0, 0.5, 1.0]
    assert taken(tmp_path / "limit", 1, now=1002.5) == [0]


def test_a_queue_that_is_too_long_is_not_joined(tmp_path: Path) -> None:
    found = taken(tmp_path / "limit", int(LONGEST_SECONDS) + 10, rate=1.0)
    assert (found[0], found[-1]) == (0, None)
    assert found.index(None) == int(LONGEST_SECONDS) + 1
    assert taken(tmp_path / "limit", 1, rate=1.0, now=1010.0) != [None]


@pytest.mark.parametrize("left", [struct.pack("<d", 1e9), struct.pack("<d", float("nan")), b"abc", b"x" * 50])
def test_what_an_earlier_start_of_the_machine_or_a_fault_left_there_holds_nobody_up(
    left: bytes, tmp_path: Path
) -> None:
    (tmp_path / "limit").write_bytes(left)
    assert taken(tmp_path / "limit", 3) == [0, 0, 0.5]


def test_a_holder_that_is_killed_lets_go_and_one_that_hangs_is_passed_by(tmp_path: Path) -> None:
    file = tmp_path / "limit"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert taken(file, 1, rate=1.0) == [0], "alone, as without a file"
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert taken(file, 2, rate=1.0) == [0, 1.0]


def test_without_a_place_for_the_file_a_process_counts_alone(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")

    async def wait() -> bool:
        limits = AllTurns(lambda: tmp_path / "taken", ("notion", "place", "secret"), (1.0,))
        return all([await limits.wait(0, asyncio.sleep) for _ in range(50)])

    assert asyncio.run(wait())


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose time is what its sleepers wait for: nobody waits, and no machine is too slow."""

    present = 1000.0

    def time(self) -> float:
        return self.present

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.present = max(self.present, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


async def _crowd(cache: Callable[[], Path] | None, refused: list[float]) -> list[str]:
    """What becomes of twenty programs' four requests each, at our rate for Notion and a narrow limit of the vendor."""
    loop = asyncio.get_running_loop()
    window = RollingWindow(*WINDOW, loop.time)

    async def answer(_request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0.3)
        if window.take().allowed:
            return httpx2.Response(200, json={})
        refused.append(loop.time())
        return httpx2.Response(429, json={}, headers={"Retry-After": "20"})

    async def program() -> str:
        http = Http(
            Vendor("notion", "Notion"),
            NotionSettings.model_validate({"url": "https://notion.example", "token": "token"}),
            Settings.model_validate({"deadline_seconds": 12}),
            lambda: datetime(2026, 11, 1, tzinfo=UTC),
            transport=httpx2.MockTransport(answer),
            pace=Pace(timer=loop.time, jitter=lambda: 0.0),
        )
        if cache is not None:
            vars(http).update(_turns=AllTurns(cache, ("notion", "token"), (3.0,), loop.time))
        try:
            log = http.log("tickets")
            for _ in range(4):
                await http.get("/tickets", log=log)
        except SourceError:
            return "partial"
        finally:
            await http.close()
        return "complete"

    return await asyncio.gather(*(program() for _ in range(20)))


WINDOW = (12, 2.0)
"""Requests that the made-up vendor lets through, and in how many seconds: twenty programs that do not share are refused."""


def crowd(cache: Callable[[], Path] | None) -> tuple[Counter[str], int]:
    """How many programs were complete, and how often the vendor refused."""
    refused: list[float] = []
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return Counter(runner.run(_crowd(cache, refused))), len(refused)


def test_twenty_programs_at_once_are_all_complete(tmp_path: Path) -> None:
    assert crowd(lambda: tmp_path) == ({"complete": 20}, 0), "80 requests take 26 seconds, of a deadline of 12"


def test_each_for_itself_they_would_not_be(tmp_path: Path) -> None:
    alone, refusals = crowd(None)
    assert alone["partial"] > 0
    assert refusals > 0
    (tmp_path / "file").write_bytes(b"")
    assert crowd(lambda: tmp_path / "file") == (alone, refusals), "without a place for the file: as before"


def test_the_file_is_private_and_tells_no_secret(tmp_path: Path) -> None:
    secret = "ntn_secret/with:signs"
    limits = AllTurns(lambda: tmp_path / "cache", ("notion", "https://api.notion.com/v1", secret), (3.0, 1.0))
    assert asyncio.run(limits.wait(1, asyncio.sleep))

    (file,) = (tmp_path / "cache" / "limits").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert file.name.startswith("notion-")
    assert secret.encode() not in file.read_bytes()
    assert not any(part in str(file) for part in ("secret", "api.notion"))

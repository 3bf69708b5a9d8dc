"""Limits that all programs of one machine count together: whatever becomes of one of them, the others go on."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from customer_research.connect.turns import LONGEST_SECONDS, AllTurns, Turns

pytestmark = pytest.mark.skipif(os.name == "nt", reason="impossible here: there each process counts alone")

_TAKE = """
import os, signal, sys, time
from pathlib import Path
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


def test_the_file_is_private_and_tells_no_secret(tmp_path: Path) -> None:
    secret = "ntn_secret/with:signs"
    limits = AllTurns(lambda: tmp_path / "cache", ("notion", "https://api.notion.com/v1", secret), (3.0, 1.0))
    assert asyncio.run(limits.wait(1, asyncio.sleep))

    (file,) = (tmp_path / "cache" / "limits").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert file.name.startswith("notion-")
    assert secret.encode() not in file.read_bytes()
    assert not any(part in str(file) for part in ("secret", "api.notion"))

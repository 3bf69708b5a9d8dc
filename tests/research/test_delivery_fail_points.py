"""Workers that end at each of the four points, on both stores and by every channel: none lost, never two, unknown only as told.

The table: after a crash Slack's history, Notion's key and a webhook's id tell; a file is written again; of e-mail it is not known.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from far_sides import NAMES, Clock, FarSide, FileSide, far_side, message
from made_up_readings import DATABASES, new_url, server
from worlds import Worlds

from customer_research.domain.delivery import CHANNELS, OVER, Address, Message
from customer_research.research.delivering import worker as module
from customer_research.research.delivering.worker import LEASE, Point, Worker
from customer_research.store import outbox
from customer_research.store.database import Store, open_store
from customer_research.store.outbox import Outbox
from customer_research_sandbox.dataset import NotionRecords

pytestmark = pytest.mark.xdist_group("engines")

POINTS: tuple[Point, ...] = ("before claim", "after claim", "after send", "after mark")
WORKERS, MESSAGES = 4, 6


class Killed(BaseException):
    """The end of a process, as far as one process can play it."""


class OneChannel:
    """A channel under whatever name."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel

    def __getitem__(self, _name: str) -> Any:
        return self.channel


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(new_url(server(request.param, tmp_path_factory.mktemp("points")))) as opened:
        yield opened


@pytest.fixture
def box(store: Store) -> Outbox:
    with store.begin() as connection:
        connection.execute(sa.delete(outbox.outbox))
    return Outbox(store)


@pytest.fixture(scope="module")
def records(worlds: Worlds) -> NotionRecords:
    return worlds.dataset().notion


@pytest.fixture(autouse=True)
def _tried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", timedelta(0))


def put(box: Outbox, side: FarSide, clock: Clock) -> list[Message]:
    """Messages with addresses of their own where an address is one thing that is there once."""
    made = []
    for number in range(MESSAGES):
        place = side.address.place.replace("{}", f"file-{number}")
        made.append(message(Address(side.address.channel, place), f"occasion {number}"))
        assert box.put(made[-1], now=clock())
    return made


def work(box: Outbox, side: FarSide, clock: Clock, *, die_at: Point | None = None, times: int = 2) -> None:
    """Four workers at once; each ends when it comes to a point for the so-manieth time, or when nothing is due."""

    async def one() -> None:
        seen = dict.fromkeys(POINTS, 0)

        def reached(point: Point) -> None:
            seen[point] += 1
            if point == die_at and seen[point] == times:
                raise Killed

        channel = side.channel()
        try:
            await Worker(box, OneChannel(channel), clock, at_once=1, reached=reached).deliver_due()
        finally:
            await channel.close()

    async def all_of_them() -> None:
        ends = await asyncio.gather(*(one() for _ in range(WORKERS)), return_exceptions=True)
        for end in ends:
            if end is not None and not isinstance(end, Killed):
                raise end

    asyncio.run(all_of_them())


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", NAMES)
def test_no_message_is_lost_and_none_comes_twice_wherever_workers_end(
    box: Outbox, records: NotionRecords, tmp_path: Path, name: str, point: Point
) -> None:
    clock = Clock()
    side = far_side(name, clock, tmp_path, lambda: records)
    try:
        made = put(box, side, clock)
        for times in (1, 2):
            work(box, side, clock, die_at=point, times=times)
            clock.pass_(seconds=LEASE.total_seconds())
        work(box, side, clock)
        clock.pass_(seconds=LEASE.total_seconds())
        work(box, side, clock)
        states = {one.message.occasion: one.state for one in box.list()[0]}
        assert set(states.values()) <= OVER
        unknown = [one for one, state in states.items() if state == "unknown"]
        for one in made:
            assert side.arrived(one) == 1, (one.occasion, states[one.occasion])
        if side.begun_again_is_unknown and point == "after send":
            assert 1 <= len(unknown) <= 2 * WORKERS, "what a mail server has taken it does not tell"
        else:
            assert unknown == []
    finally:
        side.end()


def test_every_channel_has_a_far_side_here() -> None:
    assert tuple(NAMES) == CHANNELS


def test_of_e_mail_that_was_not_begun_nothing_is_unknown_after_a_crash(box: Outbox) -> None:
    clock = Clock()
    side = far_side("email", clock, Path(), lambda: None)  # type: ignore[arg-type,return-value]
    try:
        made = put(box, side, clock)
        work(box, side, clock, die_at="after claim", times=1)
        held = box.list(states={"sending"})[0]
        assert held
        assert all(one.begun_at is None for one in held)
        clock.pass_(seconds=LEASE.total_seconds())
        work(box, side, clock)
        assert box.waiting().counts == {"sent": len(made)}
    finally:
        side.end()


_PROCESS = """
import asyncio, os, sys
from datetime import UTC, datetime
from pathlib import Path
from customer_research.channels.file import FileChannel
from customer_research.research.delivering.worker import Worker
from customer_research.store.database import open_store
from customer_research.store.outbox import Outbox

url, folder = sys.argv[1:]
class Files:
    def __getitem__(self, name):
        return FileChannel(Path(folder))
def reached(at):
    if at == "after send":
        os._exit(9)
with open_store(url) as store:
    clock = lambda: datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    asyncio.run(Worker(Outbox(store), Files(), clock, at_once=1, reached=reached).deliver_due())
"""


@pytest.mark.parametrize("database", DATABASES)
def test_a_process_that_is_killed_leaves_its_delivery_to_the_next(database: Any, tmp_path: Path) -> None:
    url, folder, clock = new_url(server(database, tmp_path)), tmp_path / "files", Clock()
    made = message(Address("file", "week.md"))
    with open_store(url) as store:
        box = Outbox(store)
        box.put(made, now=clock())
        command = [sys.executable, "-c", _PROCESS, url, str(folder)]
        assert subprocess.run(command, env=dict(os.environ), check=False, timeout=60).returncode == 9
        side = FileSide(clock, folder)
        work(box, side, clock)
        (held,) = box.list()[0]
        assert (held.state, held.begun_at, held.attempts) == ("sending", clock(), 1), "its lease is not over"
        clock.pass_(seconds=LEASE.total_seconds())
        work(box, side, clock)
        (sent,) = box.list()[0]
    assert (sent.state, sent.attempts, sent.message) == ("sent", 2, made)
    assert [one.name for one in folder.iterdir()] == ["week.md"]

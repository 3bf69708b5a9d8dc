"""A day of a server with a clock of its own: each thing once, and neither memory nor files grow."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from made_up_schedules import made_schedule
from pydantic import SecretStr

from customer_research.channels.settings import DeliverySettings
from customer_research.research.portfolio.books import looking
from customer_research.research.usecases import Background
from customer_research.settings import Settings, StoreSettings
from customer_research.store.books import Books
from customer_research.store.database import Store, open_store
from customer_research.store.outbox import Outbox
from customer_research.store.people import People
from customer_research.store.schedules import ScheduleBook

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WARM, DAY = 54 * HOUR, 24 * HOUR
"""After the first, each thing has been done twice, and what was sent more than a day ago is forgotten."""

QUIET = {"quiet_from": time(19), "quiet_until": time(7, 30)}
MOST = 1.05
"""What may have come of something after the day, as a share of what there was before it."""

PLANNED = {
    "polled": ("metrics", {}, "*/30 * * * *", ()),
    "hourly": ("metrics", {"search": "mrr"}, "0 * * * *", ("file:mrr.txt",)),
    "weekly": ("digest", {}, "0 8 * * 1", ("file:team.md", "owners")),
    "today": ("today", {"unnoted": "true"}, "0 7 * * 1-5", ("owners",)),
}


def held() -> tuple[int, int, int]:
    """Bytes of memory that this process holds, objects in it, and open files."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(gc.get_objects()), len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def written(store: Store, folder: Path) -> int:
    """Bytes of the store once all of it is in its file, and of what lies beside it."""
    with store.read() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".db-wal")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="The system does not tell so.")
def test_a_day_of_a_server_leaves_it_as_large_as_it_was(portfolio_settings: Settings, tmp_path: Path) -> None:
    store_path = tmp_path / "store.db"
    assert portfolio_settings.store.url is not None
    shutil.copy(portfolio_settings.store.url.get_secret_value().removeprefix("sqlite:///"), store_path)
    (tmp_path / "out").mkdir()
    settings = portfolio_settings.model_copy(
        update={
            "store": StoreSettings(url=SecretStr(f"sqlite:///{store_path}")),
            "deliveries": DeliverySettings(folder=tmp_path / "out", keep_days=1),  # type: ignore[call-arg]
        }
    )
    assert settings.clock is not None
    with looking(settings, settings.clock) as (opened, ready):
        owners = [one.owner_id for one in Books(opened).owners(ready) if one.owner_id]
    with open_store(settings.store_url) as store:
        for name, (use_case, request, cron, recipients) in PLANNED.items():
            planned: dict[str, Any] = {"use_case": use_case, "request": request, "cron": cron, "recipients": recipients}
            ScheduleBook(store).add(made_schedule(name, **planned, since=MIDNIGHT))
        for number, owner_id in enumerate(owners):
            told: dict[str, Any] = {"owner_id": owner_id, "address": f"file:{owner_id}.md", **QUIET}
            People(store).change(f"o{number}@example.com", partial(replace, **told))

    now = [MIDNIGHT]

    async def lived(background: Background, span: timedelta) -> None:
        end = now[0] + span
        while now[0] < end:
            now[0] += 30 * MINUTE
            await background.scheduler.look()
            await background.scheduler.idle()
            await background.worker.deliver_due()
            if not now[0].minute:
                await background.forget()

    async def day() -> tuple[tuple[int, int, int], int, tuple[int, int, int], int]:
        async with Background(settings, clock=lambda: now[0]) as background, asyncio.timeout(200):
            await lived(background, WARM)
            before, files = held(), written(background._opened, tmp_path)
            await lived(background, DAY)
            return before, files, held(), written(background._opened, tmp_path)

    before, files, after, more_files = asyncio.run(day())
    print({"before": before, "after": after, "files": (files, more_files)})  # noqa: T201 - the figures that are told of
    with open_store(settings.store_url) as store:
        runs = Counter((run.schedule, run.state) for run in ScheduleBook(store).runs())
        waiting = Outbox(store).waiting().counts
    assert {state for _, state in runs} == {"done"}
    assert runs["polled", "done"] == (WARM + DAY) // (30 * MINUTE)
    assert runs["weekly", "done"] == 1
    assert waiting == {"sent": (WARM + DAY) // HOUR + 1 + len(owners) + 3 * len(owners)}, "each once, none twice"
    for what, then, later in (
        ("memory", before[0], after[0]),
        ("objects", before[1], after[1]),
        ("files", files, more_files),
    ):
        assert later <= then * MOST, what
    assert after[2] <= before[2], "no file stays open"

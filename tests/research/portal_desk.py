"""A HubSpot portal of its own with a lake and a snapshot, for tests that write to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from worlds import Worlds

from customer_research.lake import Lake
from customer_research.research.engine_choice import scratch
from customer_research.research.portfolio.measurement import put
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.take import take
from customer_research.research.sync import all_sources
from customer_research.research.usecases import Actor, Answer, Runner, finished
from customer_research.research.usecases.registry import RIGHTS, SEES
from customer_research.settings import LakeSettings, Settings, StoreSettings, load_settings
from customer_research.sources.hubspot import write_back as hubspot
from customer_research.sources.hubspot.settings import HubSpotSettings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.hubspot import TOKEN

UPDATE = "/batch/update"


class Desk:
    """A portal of its own with a lake and a snapshot."""

    def __init__(self, settings: Settings, sandbox: Sandbox) -> None:
        assert settings.clock is not None
        self.settings, self.sandbox, self.now = settings, sandbox, settings.clock
        self.url = settings.of(HubSpotSettings).url

    def used(self, name: str, **how: Any) -> Answer:
        async def once() -> Answer:
            async with Runner(self.settings) as runner:
                return await runner.use(name, how, Actor("ada", "cli", RIGHTS | SEES))

        return finished(once())

    def updates(self) -> int:
        return sum(one.path.endswith(UPDATE) for one in self.sandbox.request_log)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx2.request(method, f"{self.url}{path}", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def has(self, company: str) -> Mapping[str, str]:
        names = ",".join((*hubspot.PROPERTIES, "notes_last_updated"))
        told = self.ask("GET", f"/crm/v3/objects/companies/{company}?properties={names}")["properties"]
        return {name: told.get(name) or "" for name in names.split(",")}

    def put(self, company: str, **values: str) -> None:
        named = {f"{hubspot.GROUP}_{name}": value for name, value in values.items()}
        self.ask("PATCH", f"/crm/v3/objects/companies/{company}", {"properties": named})

    def rows(self, table: str) -> list[Any]:
        engine = scratch(self.settings)
        try:
            put(engine, table, table, Lake(self.settings.lake_folder).tables())
            return [tuple(row.items()) for row in engine.run(f"SELECT * EXCLUDE fetch_id FROM {table} ORDER BY ALL")]
        finally:
            engine.close()


@contextmanager
def desk_in(worlds: Worlds, folder: Path) -> Iterator[Desk]:
    """A portal whose operators are in the lake, and scored."""
    with worlds.running() as sandbox:
        settings = load_settings(sandbox.config_path).model_copy(
            update={
                "lake": LakeSettings.model_validate({"folder": folder / "lake"}),
                "store": StoreSettings.model_validate({"url": f"sqlite:///{folder / 'store.db'}"}),
            }
        )
        made = Desk(settings, sandbox)
        all_sources.run(settings, lambda: made.now)
        take(settings, lambda: made.now, Scoring())
        yield made

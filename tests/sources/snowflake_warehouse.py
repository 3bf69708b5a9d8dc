"""The warehouse of a sandbox by either way: through Metabase, or by Snowflake itself. Tests of both import it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from customer_research.connect.source import Clock, Subject
from customer_research.engines.dialect import with_bindings
from customer_research.research.connections import runner_of
from customer_research.settings import Settings, load_settings
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.settings import SnowflakeSettings
from customer_research.sources.warehouse.source import SOURCE
from customer_research_sandbox.serve import Sandbox

T = TypeVar("T")


def scenario(number: int) -> str:
    return f"00000000-5ce0-11f0-a000-{number:012d}"


def settings_of(sandbox: Sandbox, deadline: float = 60.0, **snowflake: Any) -> Settings:
    """The sandbox's settings with Snowflake, changed by *snowflake*."""
    loaded = load_settings(sandbox.config_path)
    given = loaded.of(SnowflakeSettings).model_dump(exclude_defaults=True) | {"requests_per_second": 5000} | snowflake
    own = SnowflakeSettings.model_validate({name: value for name, value in given.items() if value is not None})
    return loaded.model_copy(update={"snowflake": own, "deadline_seconds": deadline})


def by_metabase(settings: Settings) -> Settings:
    return settings.model_copy(update={"snowflake": SnowflakeSettings.model_validate({})})


def using(settings: Settings, use: Callable[[WarehouseSession], Awaitable[T]], clock: Clock | None = None) -> T:
    """What work with an open session gives."""
    now = settings.clock
    assert now is not None

    async def go() -> T:
        session: WarehouseSession = SOURCE.open(settings, clock or (lambda: now))
        session.attach(runner_of(session), with_bindings)
        try:
            return await use(session)
        finally:
            await session.close()

    return asyncio.run(go())


def subject_of(sandbox: Sandbox, number: int) -> Subject:
    operator = scenario(number)
    rows = sandbox.dataset.warehouse["MOOVS.CSM_MOOVS"].rows
    account = next((row["P_STRIPE_ACCOUNT_ID"] for row in rows if row["LAGO_EXTERNAL_CUSTOMER_ID"] == operator), None)
    return Subject(operator, sandbox.dataset.as_of, stripe_account=account)

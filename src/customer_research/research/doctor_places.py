"""`doctor`'s look at the two places of our own: the store, and the engine that scores a portfolio."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping

from customer_research.domain.check import CheckResult, not_tried
from customer_research.errors import CustomerResearchError
from customer_research.research.engine_choice import scratch
from customer_research.settings import Settings
from customer_research.store.database import examine, is_there, newest_migration

STORE, ENGINE = "store", "engine"
_DRIVERS: Mapping[str, str] = {"postgres": "psycopg", "spark": "pyspark", "snowflake": "snowflake"}
_STORE_NEEDED = "A database that can be opened and written to, of this version of the program."
_ENGINE_NEEDED = "Its driver, a place that answers, and memory."


def places(settings: Settings, *, online: bool) -> tuple[CheckResult, ...]:
    """One row for the store and one for the engine; servers are asked only when `online`."""
    return (
        _row(STORE, _STORE_NEEDED, lambda: _store(settings, online=online)),
        _row(ENGINE, _ENGINE_NEEDED, lambda: _engine(settings, online=online)),
    )


def _row(name: str, needed: str, look: Callable[[], CheckResult]) -> CheckResult:
    try:
        return look()
    except CustomerResearchError as error:
        return CheckResult(name, "fail", error.message, needed, error.hint)


def _store(settings: Settings, *, online: bool) -> CheckResult:
    url = settings.store_url
    if not is_there(url):
        return CheckResult(
            STORE, "ok", "There is none yet: the first command that keeps something makes it.", _STORE_NEEDED
        )
    if not url.startswith("sqlite") and not online:
        return not_tried(STORE, _STORE_NEEDED)
    place, version = examine(url)
    newest = newest_migration()
    if version is not None and version > newest:
        found = f"{place} was written by a later version of this program (migration {version}, here {newest})."
        return CheckResult(STORE, "fail", found, _STORE_NEEDED, "Update customer-research.")
    state = "empty" if version is None else f"migration {version}"
    behind = "" if version in {None, newest} else f"; the next command that uses it brings it to {newest}"
    return CheckResult(STORE, "ok", f"{place} can be read and written to ({state}{behind}).", _STORE_NEEDED)


def _engine(settings: Settings, *, online: bool) -> CheckResult:
    chosen = settings.engine
    driver = _DRIVERS.get(chosen.name)
    if driver is not None and not online and importlib.util.find_spec(driver) is not None:
        return not_tried(ENGINE, _ENGINE_NEEDED)
    with scratch(settings) as engine:
        engine.run("SELECT 1 AS answer")
    machine = _machine_mb()
    if machine is not None and chosen.memory_mb > machine:
        found = f"{chosen.name} answers, but may use {chosen.memory_mb:,} MB of a machine that has {machine:,}."
        return CheckResult(ENGINE, "warn", found, _ENGINE_NEEDED, "Lower engine.memory_mb.")
    return CheckResult(ENGINE, "ok", f"{chosen.name} answers; it may use {chosen.memory_mb:,} MB here.", _ENGINE_NEEDED)


def _machine_mb() -> int | None:
    """The machine's memory, where the system tells it."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    return whole // 1_000_000 if whole > 0 else None

"""The engine that the settings name, with its room on this machine."""

from __future__ import annotations

from pathlib import Path

from customer_research.engines import open_engine
from customer_research.engines.engine import Engine
from customer_research.settings import Settings


def scratch(settings: Settings, *reach: Path) -> Engine:
    """The engine of the settings' `engine` part, connected; the caller closes it.

    Its files may lie in the lake and below what `reach` names; nowhere else.

    Args:
        settings: `engine` says which and where, and what DuckDB may use; `lake_folder` is within reach.
        reach: further folders or files, e.g. of tables that are not in the lake.

    Raises:
        ConfigError: no such engine, or a URL that it cannot use.
        ExtraMissing: its driver is not installed.
        EngineError: the place cannot be reached.
    """
    chosen = settings.engine
    return open_engine(
        chosen.name,
        chosen.url.get_secret_value() if chosen.url is not None else "",
        memory_mb=chosen.memory_mb,
        threads=chosen.threads,
        reach=(settings.lake_folder, *reach),
    )


def reader(settings: Settings, *reach: Path) -> Engine:
    """A DuckDB over files of ours, wherever they were made, with the room that the settings give.

    Raises:
        EngineError: it cannot be opened.
    """
    chosen = settings.engine
    return open_engine("duckdb", memory_mb=chosen.memory_mb, threads=chosen.threads, reach=reach)

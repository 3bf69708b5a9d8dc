"""Engines: where SQL runs. Opening one by its name: DuckDB in memory, Postgres, Spark, Snowflake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from customer_research.engines.engine import Engine, Room
from customer_research.errors import ConfigError

ENGINES: Mapping[str, str] = MappingProxyType(
    {"duckdb": "DuckDB", "postgres": "Postgres", "spark": "Spark", "snowflake": "Snowflake"}
)
"""Name of the engine, which is its module's, and of its class."""


def open_engine(
    name: str,
    url: str = "",
    *,
    memory_mb: int = 2000,
    threads: int = 0,
    folder: Path | None = None,
    reach: Sequence[Path] | None = None,
) -> Engine:
    """The engine of this name, connected; drivers other than DuckDB's come with the extra of the same name.

    Args:
        name: `duckdb`, `postgres`, `spark` or `snowflake`.
        url: where it is: `postgresql://…` (or a libpq connection string), a Spark master such as `local[2]`,
            `snowflake://user@account/database/schema?private_key_file=…&warehouse=…`; nothing for DuckDB.
        memory_mb: memory that DuckDB may use, in MB; more is spilled to disk.
        threads: threads of DuckDB; 0: as many as the machine has.
        folder: where spilled rows go; None: the system's folder for temporary files.
        reach: the folders (or files) that may be read and written besides; None: wherever the user may.

    Raises:
        ConfigError: no such engine, or a URL that it cannot use.
        ExtraMissing: the driver is not installed.
        EngineError: the place cannot be reached.
    """
    if name not in ENGINES:
        raise ConfigError(f"There is no engine {name!r}.", setting="engine.name", hint=f"Known: {', '.join(ENGINES)}.")
    room = Room(memory_mb, threads, folder, None if reach is None else tuple(reach))
    kind: Callable[..., Engine] = getattr(import_module(f"{__name__}.{name}"), ENGINES[name])
    if name != "duckdb":
        return kind(url, room)
    if url:
        raise ConfigError("The engine 'duckdb' works in memory and takes no URL.", setting="engine.url")
    return kind(room)

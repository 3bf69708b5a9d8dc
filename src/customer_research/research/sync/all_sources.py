"""A whole sync: all sources at once, each stream's result, then the canonical tables."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from customer_research.connect.concurrent import together
from customer_research.connect.source import Clock, Source
from customer_research.domain.evidence import Gap
from customer_research.domain.pull import PullResult
from customer_research.domain.words import nearest
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.errors import ConfigError, CustomerResearchError, RateLimited, Unavailable, UsageError
from customer_research.lake import Lake, LakeWriter, StoredTable
from customer_research.research.connections import Connections, OutOfReach
from customer_research.research.match_decisions import decisions
from customer_research.research.off import failure, off
from customer_research.research.sync.linkage import LAKE, Linkage
from customer_research.research.sync.stream_pull import Listener, Order, PullRoom, StreamPull
from customer_research.settings import Settings
from customer_research.sources import discover

logger = logging.getLogger(__name__)

Pulled = tuple[PullResult, ...]


def run(
    settings: Settings,
    clock: Clock,
    *,
    sources: Sequence[str] = (),
    full: bool = False,
    since: datetime | None = None,
    progress: Listener = lambda _: None,
    catalogue: Mapping[str, Source] | None = None,
    wait: Callable[[Coroutine[Any, Any, Pulled]], Pulled] = asyncio.run,
) -> tuple[PullResult, ...]:
    """Pull the sources into the lake and make the canonical tables.

    Nothing is lost when this is cut off at any moment: a later run goes on where it was and ends in the same tables. A
    source that fails never stops another.

    Args:
        settings: where the lake is, and the sources' credentials.
        clock: the present instant.
        sources: the sources to pull; none: every source that is configured.
        full: ask for everything, not only for what changed.
        since: ask for what changed since this instant (UTC-aware) instead of the last pull; a stream that was never
            pulled is pulled whole.
        progress: hears how far each stream has come.
        catalogue: the sources there are (tests); the installed ones when None.
        wait: waits for the vendors; in a process that serves many it is their loop that does.

    Returns:
        One result a stream, in the order of sources and streams, and one of source `lake` for each canonical table
        that could not be made.

    Raises:
        UsageError: an unknown source, *full* and *since* together, or a lake that cannot be written to.
        ConfigError: a source that was asked for by name, or every source, is not configured.
    """
    known = discover() if catalogue is None else catalogue
    if full and since is not None:
        raise UsageError("--full and --since contradict each other.", hint="Give one of them.")
    if since is not None and since > clock():
        raise UsageError("--since lies in the future: nothing has changed since then.", hint="Give an earlier date.")
    missing = {name: gap for name, source in known.items() if (gap := source.missing(settings)) is not None}
    unused = set(off(settings, known)) - set(sources)
    known = {name: source for name, source in known.items() if name not in unused}
    chosen = _chosen(known, sources)
    _require_configured(chosen, sources, missing)
    order = Order(full, since, timedelta(days=settings.lake.overlap_days), timedelta(days=settings.lake.full_days))
    with Lake(settings.lake_folder).writing() as lake:
        _forget_lost(lake)
        sync = _Sync(lake, settings, clock, known, order=order, progress=progress)
        results = wait(sync.pull(chosen, missing))
        with sync.engine(settings.engine.memory_mb) as engine:
            of_people = partial(decisions, settings)
            unmade = Linkage(lake, engine, list(known.values()), missing, anew=full, decisions=of_people).run()
    return (*results, *(_unmade(table, gap, clock) for table, gap in unmade.items()))


def _chosen(known: Mapping[str, Source], names: Sequence[str]) -> tuple[Source, ...]:
    for name in names:
        if name not in known:
            close = nearest(name, known)
            hint = f"Did you mean {close[0]}?" if close else f"Sources: {', '.join(known)}."
            raise UsageError(f"There is no source {name[:60]!r}.", hint=hint)
    return tuple(source for name, source in known.items() if not names or name in names)


def _require_configured(chosen: Sequence[Source], names: Sequence[str], missing: Mapping[str, Gap]) -> None:
    absent = [missing[source.name] for source in chosen if source.name in missing]
    if absent and (names or len(absent) == len(chosen)):
        raise ConfigError(absent[0].detail, setting=absent[0].source, hint=absent[0].next_step)


def _forget_lost(lake: LakeWriter) -> None:
    """Files that somebody removed are pulled and made again."""
    state = lake.state
    lost = {file for file in state.named if not lake.path(file).is_file()}
    if not lost:
        return
    logger.warning("%d files of the lake are gone and will be made again", len(lost))
    streams = {
        name: stream
        for name, stream in state.streams.items()
        if not lost & replace(state, streams={name: stream}, tables={}, former={}).named
    }
    tables, former = _without(state.tables, lost), _without(state.former, lost)
    lake.commit(replace(state, streams=streams, tables=tables, former=former))


def _without(tables: Mapping[str, StoredTable], lost: Collection[str]) -> dict[str, StoredTable]:
    """The tables that have their files still; one that lacks versions begins its past anew."""
    return {
        name: replace(made, editions=(), versions=()) if set(lost).intersection(made.versions) else made
        for name, made in tables.items()
        if not set(lost).intersection(made.files)
    }


def _unmade(table: str, gap: Gap, clock: Clock) -> PullResult:
    now = clock()
    return PullResult(LAKE, table, f"Canonical table {table}", "failed", now, now, gap=gap)


class _Sync:
    """What the sources of one sync share."""

    def __init__(
        self,
        lake: LakeWriter,
        settings: Settings,
        clock: Clock,
        known: Mapping[str, Source],
        *,
        order: Order,
        progress: Listener,
    ) -> None:
        self._lake = lake
        self._settings = settings
        self._clock = clock
        self._order = order
        self._progress = progress
        # A slice brings more than one operator's records: it may take longer and be larger.
        patient = settings.model_copy(
            update={"deadline_seconds": settings.lake.deadline_seconds, "bounds": settings.bounds.of_a_sync}
        )
        self._connections = Connections(patient, clock)
        self._connections.sources = known
        self._threads = ThreadPoolExecutor(len(known) or 1, "sync")
        self._heavy = asyncio.Semaphore(1)

    def engine(self, memory_mb: int) -> DuckDB:
        """A DuckDB that reaches the lake's folder and nothing else."""
        threads = self._settings.engine.threads
        return DuckDB(Room(memory_mb, threads, self._lake.scratch, (self._lake.folder,)))

    async def pull(self, sources: Sequence[Source], missing: Mapping[str, Gap]) -> tuple[PullResult, ...]:
        """The results of all streams; sources are pulled at once, the streams of one after the other."""
        memory = max(self._settings.engine.memory_mb // max(len(sources), 1), 200)
        try:
            found = await together(*(self._source(one, missing.get(one.name), memory) for one in sources))
        finally:
            await self._connections.close()
            self._threads.shutdown()
        return tuple(result for results in found for result in results)

    async def _source(self, source: Source, absent: Gap | None, memory_mb: int) -> list[PullResult]:
        if not source.bulk:
            return []
        with await asyncio.to_thread(self.engine, memory_mb) as engine:
            room = PullRoom(
                self._lake, engine, source, self._order, self._clock, self._progress, self._threads, self._heavy
            )
            results, out = [], None
            for stream in source.bulk:
                pull = StreamPull(room, stream)
                if absent is not None:
                    results.append(pull.result("skipped", absent))
                elif out is not None:
                    results.append(pull.failed(out))
                else:
                    result, out = await self._stream(source, pull)
                    results.append(result)
            return results

    async def _stream(self, source: Source, pull: StreamPull) -> tuple[PullResult, Gap | None]:
        """A stream's result, and the gap when its source proved out of reach."""
        try:
            return await pull.run(self._connections.session(source.name)), None
        except OutOfReach as error:
            return pull.failed(error.gap), error.gap
        except CustomerResearchError as error:
            gap = failure(error, source.name)
            silent = isinstance(error, Unavailable | RateLimited) and not pull.answered
            return pull.failed(gap), gap if silent or isinstance(error, ConfigError) else None
        except Exception as error:  # a defect met in one stream must not cost the others their records
            logger.debug("source %s", source.name, exc_info=True)
            detail = f"Unexpected failure ({type(error).__name__}); please report it."
            return pull.failed(Gap(source.name, "unavailable", detail)), None

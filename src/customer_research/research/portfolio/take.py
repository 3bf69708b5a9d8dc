"""Taking a snapshot as somebody asks for it: from which tables, as of when, on which engine; and telling what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from customer_research import private
from customer_research.connect.source import Clock
from customer_research.domain import parsing
from customer_research.domain.health import BAND_ORDER
from customer_research.domain.snapshot import SNAPSHOTS, Reading, Snapshot
from customer_research.engines import open_engine
from customer_research.errors import UsageError
from customer_research.research.one.judge import card_named
from customer_research.research.portfolio.book_lines import keep
from customer_research.research.portfolio.measurement import measure, tables_at_hand
from customer_research.research.portfolio.score import Measure, score
from customer_research.research.portfolio.snapshots import FILES, readings
from customer_research.research.portfolio.warehouse_views import bound, measure_bound
from customer_research.settings import EngineSettings, Settings
from customer_research.store.database import open_store

SCHEMA = "customer-research/scores/1"


@dataclass(frozen=True, slots=True)
class SnapshotOrder:
    """What is asked of a snapshot; whatever is None or empty is as the settings say.

    `as_of` None: the present instant; `tables` a folder of anybody's canonical tables, None: the lake's; `again`: compute it
    even when it is there already.
    """

    as_of: datetime | None = None
    scorecard: str | None = None
    tables: Path | None = None
    engine: str | None = None
    engine_url: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class StatusLine:
    """How many operators of a snapshot have this status and band, and their mean score (None: none is known)."""

    status: str
    band: str
    operators: int
    average: float | None
    coverage: float


def instant(text: str) -> datetime:
    """A day (its midnight) or an instant, UTC unless it names its own zone.

    Raises:
        UsageError: it is neither.
    """
    try:
        return parsing.instant(text)
    except ValueError:
        raise UsageError(
            f"{text[:40]!r} is neither a day nor an instant.", hint="Write 2026-11-01 or 2026-11-01T08:30:00Z."
        ) from None


def take(settings: Settings, clock: Clock, order: SnapshotOrder) -> tuple[Path, Snapshot]:
    """Score everybody into a snapshot of the lake; the folder of its files, and the snapshot.

    It is kept in the history when it is the lake's own tables that were scored: anybody else's are no past of theirs.

    Raises:
        StoreError: the score history cannot be written to; the snapshot's files are there, and the next call keeps them.
        ConfigError: no such scorecard or engine, or a fault in it.
        UsageError: the tables are wrong or empty, or the instant lies in the future or before anything was known.
        EngineError: the engine cannot be reached, or a query failed.
    """
    folder, snapshot = _taken(_chosen(settings, order), clock, order, settings.lake_folder / SNAPSHOTS)
    if order.tables is None:
        with open_store(settings.store_url) as store:
            keep(store, settings, folder, snapshot, clock())
    return folder, snapshot


@contextmanager
def taken_aside(settings: Settings, clock: Clock, order: SnapshotOrder) -> Iterator[tuple[Path, Snapshot]]:
    """As `take`, into a folder for temporary files that is gone when the block ends; the lake stays as it is."""
    with private.scratch_folder() as folder:
        yield _taken(_chosen(settings, order), clock, order, folder / SNAPSHOTS)


def _chosen(settings: Settings, order: SnapshotOrder) -> Settings:
    """The settings with the engine that is asked for; another engine than theirs does not get their URL."""
    if order.engine is None and order.engine_url is None:
        return settings
    given = settings.engine
    name = order.engine or given.name
    url = SecretStr(order.engine_url) if order.engine_url else given.url if name == given.name else None
    engine = EngineSettings(
        name=name,
        url=url,
        memory_mb=given.memory_mb,
        threads=given.threads,
        views=given.views and name == given.name,
    )
    return settings.model_copy(update={"engine": engine})


def _taken(settings: Settings, clock: Clock, order: SnapshotOrder, folder: Path) -> tuple[Path, Snapshot]:
    now = clock()
    as_of = order.as_of or now
    if as_of > now:
        raise UsageError(
            f"{as_of:%Y-%m-%d %H:%M} UTC lies in the future: nobody knows yet what will be known then.",
            hint="Give an earlier date.",
        )
    scorecard = order.scorecard or settings.scorecard
    card_named(scorecard)  # a wrong one is refused before the tables are read
    with tables_at_hand(settings, clock, order.tables, folder) as (engine, whole):
        tables = whole.at(as_of, settings.lake.patience)
        measuring: Measure = measure
        if settings.engine.views and order.tables is None:
            measuring = partial(measure_bound, settings)
            tables = bound(settings, engine, tables, clock).at(as_of, settings.lake.patience)
        snapshot = score(
            engine, tables, as_of, scorecard, folder=folder, clock=clock, again=order.again, measuring=measuring
        )
    return folder / snapshot.id, snapshot


def standings(folder: Path) -> tuple[StatusLine, ...]:
    """How everybody stands in the snapshot whose files lie in *folder*: by status, then band, the best first.

    Raises:
        EngineError: when a file is gone or damaged.
    """
    with open_engine("duckdb", reach=(folder,)) as engine:
        engine.attach("scores", [folder / "scores.parquet"], FILES["scores"])
        rows = engine.run(
            """
            SELECT COALESCE(status, 'unknown') AS status, band, COUNT(*) AS operators,
                AVG(CASE WHEN band <> 'outside' THEN CAST(score AS DOUBLE) END) AS average, AVG(coverage) AS coverage
            FROM scores GROUP BY COALESCE(status, 'unknown'), band
            """
        )
    found = [StatusLine(**{**row, "operators": int(row["operators"])}) for row in rows]
    return tuple(sorted(found, key=lambda one: (one.status != "active", one.status, BAND_ORDER.index(one.band))))


def summary(snapshot: Snapshot, folder: Path | None) -> dict[str, Any]:
    """A snapshot in words that JSON has; `folder` says where its files are, when they stay."""
    left = {"receipts", "gaps", "place"}
    told = {name: value for name, value in asdict(replace(snapshot, receipts=(), gaps=())).items() if name not in left}
    told |= {"as_of": _plain(snapshot.as_of), "taken_at": _plain(snapshot.taken_at)}
    return told | ({"folder": str(folder)} if folder is not None else {})


def document(folder: Path, snapshot: Snapshot) -> Iterator[str]:
    """Everybody's scores as one JSON document, in pieces: what the snapshot is, then the operators by id."""
    head = {
        "schema": SCHEMA,
        "snapshot": summary(snapshot, None),
        "receipts": [_receipt(asdict(receipt)) for receipt in snapshot.receipts],
        "gaps": [asdict(gap) for gap in snapshot.gaps],
    }
    yield f'{_json(head)[:-1]}, "operators": ['
    for number, one in enumerate(readings(folder, snapshot)):
        yield f"{',' if number else ''}\n{_json(_operator(one))}"
    yield "\n]}\n"


def _operator(reading: Reading) -> dict[str, Any]:
    told = asdict(reading)
    del told["snapshot"], told["as_of"]
    return told


def _receipt(told: dict[str, Any]) -> dict[str, Any]:
    return told | {"fetched_at": _plain(told["fetched_at"]), "parameters": dict(told["parameters"])}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(as_of: datetime) -> str:
    return as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")

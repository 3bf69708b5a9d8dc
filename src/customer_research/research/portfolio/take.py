"""Taking a snapshot as somebody asks for it: from which tables, as of when, on which engine; and telling what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from customer_research import private
from customer_research.connect.source import Clock
from customer_research.domain.evidence import Receipt
from customer_research.domain.health import BAND_ORDER
from customer_research.domain.snapshot import SNAPSHOTS, Reading, Snapshot
from customer_research.domain.words import instant_text
from customer_research.engines import open_engine
from customer_research.errors import UsageError
from customer_research.research.one.judge import card_named
from customer_research.research.options import instant_of
from customer_research.research.portfolio.book_lines import keep
from customer_research.research.portfolio.measurement import measure, tables_at_hand
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.score import Measure, score
from customer_research.research.portfolio.snapshots import FILES, readings
from customer_research.research.portfolio.warehouse_views import bound, measure_bound
from customer_research.settings import Settings
from customer_research.store.database import open_store

SCHEMA = "customer-research/scores/1"


@dataclass(frozen=True, slots=True)
class StatusLine:
    """How many operators of a snapshot have this status and band, and their mean score (None: none is known)."""

    status: str
    band: str
    operators: int
    average: float | None
    coverage: float


def take(
    settings: Settings, clock: Clock, scoring: Scoring, tables: Path | None = None, *, again: bool = False
) -> tuple[Path, Snapshot]:
    """Score everybody into a snapshot of the lake; the folder of its files, and the snapshot.

    It is kept in the history when it is the lake's own tables that were scored: anybody else's are no past of theirs.

    Args:
        settings: say where the lake is, and what is not asked for.
        clock: the present.
        scoring: as of when, by which scorecard and where.
        tables: a folder of anybody's canonical tables; None: the lake's.
        again: compute it even when it is there already.

    Raises:
        StoreError: the score history cannot be written to; the snapshot's files are there, and the next call keeps them.
        ConfigError: no such scorecard or engine, or a fault in it.
        UsageError: the tables are wrong or empty, or the instant lies in the future or before anything was known.
        EngineError: the engine cannot be reached, or a query failed.
    """
    folder, snapshot = _taken(settings, clock, scoring, tables, settings.lake_folder / SNAPSHOTS, again=again)
    if tables is None:
        with open_store(settings.store_url) as store:
            keep(store, settings, folder, snapshot, clock())
    return folder, snapshot


@contextmanager
def taken_aside(
    settings: Settings, clock: Clock, scoring: Scoring, tables: Path | None = None
) -> Iterator[tuple[Path, Snapshot]]:
    """As `take`, into a folder for temporary files that is gone when the block ends; the lake stays as it is."""
    with private.scratch_folder() as folder:
        yield _taken(settings, clock, scoring, tables, folder / SNAPSHOTS)


def _chosen(settings: Settings, scoring: Scoring) -> Settings:
    """The settings with the engine that is asked for; another engine than theirs does not get their URL."""
    if scoring.engine is None and scoring.engine_url is None:
        return settings
    given = settings.engine
    name = scoring.engine or given.name
    url = SecretStr(scoring.engine_url) if scoring.engine_url else given.url if name == given.name else None
    engine = given.model_copy(update={"name": name, "url": url, "views": given.views and name == given.name})
    return settings.model_copy(update={"engine": engine})


def _taken(
    settings: Settings, clock: Clock, scoring: Scoring, given: Path | None, folder: Path, *, again: bool = False
) -> tuple[Path, Snapshot]:
    settings, now = _chosen(settings, scoring), clock()
    as_of = now if scoring.as_of is None else instant_of(scoring.as_of)
    if as_of > now:
        raise UsageError(
            f"{as_of:%Y-%m-%d %H:%M} UTC lies in the future: nobody knows yet what will be known then.",
            hint="Give an earlier date.",
        )
    scorecard = scoring.scorecard or settings.scorecard
    card_named(scorecard)  # a wrong one is refused before the tables are read
    with tables_at_hand(settings, clock, given, folder) as (engine, whole):
        tables = whole.at(as_of, settings.lake.patience)
        measuring: Measure = measure
        if settings.engine.views and given is None:
            measuring = partial(measure_bound, settings)
            tables = bound(settings, engine, tables, clock).at(as_of, settings.lake.patience)
        snapshot = score(engine, tables, as_of, scorecard, folder=folder, clock=clock, again=again, measuring=measuring)
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
    plain = {name: value for name, value in asdict(replace(snapshot, receipts=(), gaps=())).items() if name not in left}
    plain |= {"as_of": instant_text(snapshot.as_of), "taken_at": instant_text(snapshot.taken_at)}
    return plain | ({"folder": str(folder)} if folder is not None else {})


def document(folder: Path, snapshot: Snapshot) -> Iterator[str]:
    """Everybody's scores as one JSON document, in pieces: what the snapshot is, then the operators by id."""
    head = {
        "schema": SCHEMA,
        "snapshot": summary(snapshot, None),
        "receipts": [*map(_receipt, snapshot.receipts)],
        "gaps": [asdict(gap) for gap in snapshot.gaps],
    }
    yield f'{_json(head)[:-1]}, "operators": ['
    for number, one in enumerate(readings(folder, snapshot)):
        yield f"{',' if number else ''}\n{_json(_operator(one))}"
    yield "\n]}\n"


def _operator(reading: Reading) -> dict[str, Any]:
    plain = asdict(reading)
    del plain["snapshot"], plain["as_of"]
    return plain


def _receipt(one: Receipt) -> dict[str, Any]:
    return asdict(one) | {"fetched_at": instant_text(one.fetched_at), "parameters": dict(one.parameters)}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)

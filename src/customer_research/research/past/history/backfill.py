"""Snapshots that the history lacks: one for every week of the past, and one for today."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from customer_research.connect.source import Clock
from customer_research.domain.snapshot import SNAPSHOTS, Snapshot
from customer_research.domain.tables import TableSet
from customer_research.engines.engine import Engine
from customer_research.errors import UsageError
from customer_research.health.scorecard import Scorecard
from customer_research.research.engine_choice import reader, scratch
from customer_research.research.off import lake_tables
from customer_research.research.one.judge import card_named
from customer_research.research.past.history.calendar import Calendar
from customer_research.research.portfolio.history import keep_in
from customer_research.research.portfolio.measurement import attach, first_known, measure, reconstruction_of
from customer_research.research.portfolio.score import score
from customer_research.research.portfolio.snapshots import readings
from customer_research.settings import Settings
from customer_research.store.books import Books
from customer_research.store.database import open_store
from customer_research.store.history import History

WEEK = timedelta(days=7)

ROWS_A_MB = 300
"""Rows (operators times instants) of one pass at most, for each MB that the engine may use."""

FEWEST = 12
"""Fewer instants than these are measured one after the other: a pass costs as much as some twenty of them."""

Listener = Callable[[int, int], None]
"""Called with how many weeks are done, and how many there are to do."""


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """What a backfill did: the instants it scored (newest first), how many weeks had a snapshot, how many come before the data."""

    until: datetime
    scored: tuple[datetime, ...]
    there: int
    before: int


def backfill(
    settings: Settings,
    clock: Clock,
    *,
    weeks: int,
    scorecard: str | None = None,
    until: datetime | None = None,
    progress: Listener = lambda _done, _of: None,
) -> BackfillResult:
    """Score the portfolio at weekly instants of the past, from the lake's tables, as it was known then.

    The weeks are counted back from *until*: by default the newest snapshot under the scorecard, else the last midnight (UTC).
    A week that has a snapshot already is left as it is, so that a run that was cut off goes on where it stopped; each
    snapshot is kept whole or not at all, the newest first. A table is as the lake had it then; of one that it did not have
    yet, what has a date is told and nothing else, and one that was out of date is stale (`TableSet.at`).

    Raises:
        UsageError: the lake is empty, or *until* lies in the future.
        ConfigError: no such scorecard, or a wrong setting.
        StoreError, EngineError: the store or the engine fails; what was kept by then stays.
    """
    named = scorecard or settings.scorecard
    card = card_named(named)
    if until is not None and until > clock():
        raise UsageError(f"{until:%Y-%m-%d %H:%M} UTC lies in the future.", hint="Give an earlier date.")
    tables = lake_tables(settings)
    folder = settings.lake_folder / SNAPSHOTS
    with open_store(settings.store_url) as store, scratch(settings) as engine, reader(settings, folder) as files:
        history = History(store)
        anchor = until or _newest(history, card) or _midnight(clock())
        instants = [anchor - WEEK * week for week in range(weeks + 1)]
        first = _first_known(engine, tables, anchor)
        known = [as_of for as_of in instants if first is None or as_of > first]
        known_then = {as_of: tables.at(as_of, settings.lake.patience) for as_of in known}
        missing = _missing(history, card, known_then)
        progress(0, len(missing))
        done = 0
        for run in _runs(missing, _together(tables, settings), known_then):
            of_run = known_then[run[0]]
            calendar = Calendar(engine, of_run, run) if len(run) >= FEWEST else None
            for as_of in run:
                snapshot = score(
                    engine, of_run, as_of, named, folder=folder, clock=clock,
                    kind="backfill", measuring=calendar or measure, files=files,
                )  # fmt: skip
                keep_in(history, snapshot, readings(settings.lake_folder / snapshot.place, snapshot, files))
                done += 1
                progress(done, len(missing))
            if calendar is not None:
                calendar.forget()
        if done:
            books = Books(store)
            books.renew_weeks(found for one in books.kept() if (found := history.snapshot(one)) is not None)
    return BackfillResult(anchor, tuple(missing), len(known) - len(missing), len(instants) - len(known))


def take(settings: Settings, clock: Clock, *, scorecard: str | None = None) -> tuple[Snapshot, bool]:
    """Score the portfolio now and keep it; the snapshot, and whether it is new.

    There is one a day for the same tables and scorecard: when it is there already nothing is computed.

    Raises:
        UsageError, ConfigError, StoreError, EngineError: as `backfill`.
    """
    named, now = scorecard or settings.scorecard, clock().astimezone(UTC)
    card = card_named(named)
    tables = lake_tables(settings).at(now, settings.lake.patience)
    with open_store(settings.store_url) as store:
        history = History(store)
        today = history.snapshots(since=_midnight(now), until=now + timedelta(microseconds=1), digest=card.digest)
        same = [one for one in today if one.tables == tables.digest]
        if same:
            return same[-1], False
        with scratch(settings) as engine:
            snapshot = score(engine, tables, now, named, folder=settings.lake_folder / SNAPSHOTS, clock=clock)
        return snapshot, keep_in(history, snapshot, readings(settings.lake_folder / snapshot.place, snapshot))


def _together(tables: TableSet, settings: Settings) -> int:
    """How many instants are measured in one pass, so that it keeps within the memory."""
    operators = tables.files["operator"].rows if "operator" in tables.files else 0
    return max(1, ROWS_A_MB * settings.engine.memory_mb // max(1, operators))


def _runs(instants: Sequence[datetime], most: int, known_then: Mapping[datetime, TableSet]) -> Iterator[list[datetime]]:
    """Instants a week apart, at most so many, with the same tables known: what one calendar of even steps can hold."""
    run: list[datetime] = []
    for as_of in instants:
        if run and (len(run) == most or run[-1] - as_of != WEEK or known_then[run[-1]] != known_then[as_of]):
            yield run
            run = []
        run.append(as_of)
    if run:
        yield run


def _newest(history: History, card: Scorecard) -> datetime | None:
    latest = history.latest(digest=card.digest)
    return None if latest is None else latest.as_of


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _first_known(engine: Engine, tables: TableSet, as_of: datetime) -> datetime | None:
    """The instant at which the first row of the tables became known; None where no row says when."""
    attach(engine, tables, as_of)
    return min(first_known(engine, tables), default=None)


def _missing(history: History, card: Scorecard, known_then: Mapping[datetime, TableSet]) -> list[datetime]:
    """The instants (newest first) whose week, up to and including them, has no snapshot under the scorecard.

    One that was taken while tables were out of date does not count for a week of which they tell by now; nor does one that an
    earlier program made of what it knew later.
    """
    if not known_then:
        return []
    since = min(known_then) - WEEK
    there = history.snapshots(since=since, digest=card.digest)
    return [
        as_of
        for as_of, tables in known_then.items()
        if not any(
            as_of - WEEK < one.as_of <= as_of
            and set(one.stale) <= set(tables.stale)
            and (one.kind != "backfill" or one.untold >= reconstruction_of(tables).unjudged)
            for one in there
        )
    ]

"""Snapshots into the store with the scorecards they were made under, and out again to be compared."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from customer_research.connect.source import Clock
from customer_research.domain.health import Band
from customer_research.domain.history import BandCount
from customer_research.domain.snapshot import SNAPSHOTS, Reading, Snapshot
from customer_research.errors import ConfigError, StoreError
from customer_research.health.scorecard import Scorecard, declaration_of, read_scorecard
from customer_research.research.one.judge import METRIC_NAMES
from customer_research.settings import Settings
from customer_research.store.database import open_store, open_to_read
from customer_research.store.history import Also, History, average


def keep_in(history: History, snapshot: Snapshot, lines: Iterable[Reading], also: Also | None = None) -> bool:
    """Keep a snapshot with these readings and its scorecard, and what `also` writes with it; whether it is new there.

    Raises:
        ConfigError: its scorecard is gone or has changed since the snapshot was taken.
        StoreError: the store cannot be written to.
        EngineError: a file of the snapshot is gone or damaged.
    """
    if history.snapshot(snapshot.id) is not None:
        return False
    text, place = declaration_of(snapshot.scorecard)
    card = read_scorecard(text, place, METRIC_NAMES)
    if card.digest != snapshot.digest:
        raise ConfigError(
            f"The {place} has changed since the snapshot {snapshot.id} was taken.",
            setting="scorecard",
            hint="Score again: what is kept must be scored under what is kept.",
        )
    history.save_scorecard(card.digest, card.name, text)
    return history.save(snapshot, lines, also)


def kept_card(history: History, digest: str) -> Scorecard:
    """The scorecard of this digest as it was kept.

    Raises:
        StoreError: it is not kept, or what is kept has another digest.
        ConfigError: it names a metric that does not exist any more.
    """
    card = read_scorecard(history.scorecard(digest), f"kept scorecard {digest[:12]}", METRIC_NAMES)
    if card.digest != digest:
        raise StoreError(
            f"The kept scorecard {digest[:12]} is not what was kept.", hint="Restore the store from a backup."
        )
    return card


@dataclass(frozen=True, slots=True)
class SnapshotSummary:
    """A snapshot of the history, the mean score of those who have one, and how many stand in each band."""

    snapshot: Snapshot
    average: float | None
    bands: Mapping[Band, int]


def listed(store_url: str) -> tuple[SnapshotSummary, ...]:
    """The snapshots of the history, the newest first.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_to_read(store_url) as store:
        history = History(store)
        counts = history.counts()
        return tuple(_listed(one, counts.get(one.id, ())) for one in reversed(history.snapshots()))


def _listed(snapshot: Snapshot, counts: Sequence[BandCount]) -> SnapshotSummary:
    bands: Counter[Band] = Counter()
    for line in counts:
        bands[line.band] += line.operators
    return SnapshotSummary(snapshot, average(counts), bands)


def prune(settings: Settings, clock: Clock, days: int) -> int:
    """Thin the history out, in the store and in the lake; how many snapshots went.

    All snapshots of the last *days* days stay, of earlier calendar weeks the newest one under each scorecard.

    Raises:
        StoreError: the store cannot be written to.
    """
    since = clock().astimezone(UTC) - timedelta(days=days)
    with open_store(settings.store_url) as store:
        history = History(store)
        old = history.snapshots(until=since)
        kept = {(one.digest, one.as_of.isocalendar()[:2]): one.id for one in old}
        gone = [one for one in old if one.id not in kept.values()]
        removed = history.forget([one.id for one in gone])
        for one in gone:  # the files last: what the store does not know of, nobody asks for
            shutil.rmtree(settings.lake_folder / SNAPSHOTS / one.id, ignore_errors=True)
    return removed

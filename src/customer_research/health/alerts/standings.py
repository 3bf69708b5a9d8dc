"""What alerts remember of the snapshots before: each operator's standing, and how much of each source was unknown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from customer_research.domain.health import BAND_ORDER, Band
from customer_research.domain.records import LAKE_TABLES
from customer_research.domain.snapshot import Reading, Snapshot

SLACK = timedelta(days=7)
"""How much older than the day that is asked for a standing may be: snapshots may be weekly."""

ANSWERS = frozenset({"none_found", "not_applicable"})
"""Gap reasons that are answers, not outages."""


class Standing(NamedTuple):
    """What of a reading later ones are compared with; two compare only with equal `basis` (what was known, by which card)."""

    as_of: datetime
    score: int
    band: Band
    gates: tuple[str, ...]
    basis: tuple[str, tuple[str, ...], tuple[str, ...]]


def standing(snapshot: Snapshot, reading: Reading) -> Standing | None:
    """A reading's standing; None when there is no score.

    Readings with other unknown tables or dimensions, or of another scorecard, have another basis: a source that fails
    never makes a decline, nor does one that comes back.
    """
    if reading.score is None or reading.band == "insufficient":
        return None
    known = tuple(sorted(name for name, score in reading.dimensions.items() if score is not None))
    basis = (snapshot.digest, known, (*sorted(reading.unknown), *_unknown_of_all(snapshot)))
    return Standing(reading.as_of, reading.score, reading.band, reading.gates, basis)


def _unknown_of_all(snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(sorted({f"{gap.source} {gap.reason}" for gap in snapshot.gaps}))


@dataclass(frozen=True, slots=True)
class SourceLevel:
    """How much of a source a snapshot lacks: the gap that is everybody's (if any), and the share of operators with one."""

    everybody: tuple[str, str] | None
    share: float


def source_levels(snapshot: Snapshot, readings: Iterable[Reading]) -> Mapping[str, SourceLevel]:
    """Every source that has canonical tables → what is unknown of it; churned operators do not count."""
    counted = 0
    lacking: dict[str, int] = defaultdict(int)
    homes = {name: table.home for name, table in LAKE_TABLES.items()}
    for reading in readings:
        if reading.status != "churned":
            counted += 1
            for source in {homes[table] for table in reading.unknown if table in homes}:
                lacking[source] += 1
    everybody = {gap.source: (gap.reason, gap.detail) for gap in snapshot.gaps if gap.reason not in ANSWERS}
    sources = dict.fromkeys((*homes.values(), *everybody))
    return {source: SourceLevel(everybody.get(source), lacking[source] / max(counted, 1)) for source in sources}


class Standings:
    """Those of the last days, snapshot after snapshot; older ones are forgotten."""

    def __init__(self, days: int) -> None:
        self._reach = timedelta(days=days) + SLACK
        self._snapshots: list[tuple[datetime, Mapping[str, Standing], Mapping[str, SourceLevel]]] = []

    @property
    def reach(self) -> timedelta:
        """How far back from a snapshot the others must be given."""
        return self._reach

    def add(self, snapshot: Snapshot, readings: Iterable[Reading], levels: Mapping[str, SourceLevel]) -> None:
        """Remember a snapshot; they come in the order of their instants, and a second of one instant replaces the first."""
        found = {reading.operator_id: known for reading in readings if (known := standing(snapshot, reading))}
        oldest = snapshot.as_of - self._reach
        kept = [entry for entry in self._snapshots if oldest <= entry[0] < snapshot.as_of]
        self._snapshots = [*kept, (snapshot.as_of, found, levels)]

    def standings(self, now: Standing, operator_id: str, oldest: timedelta, newest: timedelta) -> list[Standing]:
        """An operator's earlier standings that compare with the one now, from so long before it to so long, oldest first."""
        since, until = now.as_of - oldest, now.as_of - newest
        return [
            then
            for as_of, found, _ in self._snapshots
            if since <= as_of <= until
            and as_of < now.as_of
            and (then := found.get(operator_id)) is not None
            and then.basis == now.basis
        ]

    def levels(self, source: str, as_of: datetime, days: int) -> list[SourceLevel]:
        """What was unknown of a source in the snapshots of the last days, oldest first."""
        since = as_of - timedelta(days=days)
        return [levels[source] for then, _, levels in self._snapshots if since <= then < as_of and source in levels]


def worse(band: Band, than: Band) -> bool:
    """Whether a band is worse than another."""
    return BAND_ORDER.index(band) > BAND_ORDER.index(than)

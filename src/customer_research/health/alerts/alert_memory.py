"""What alerts remember of the snapshots before: each operator's readings, and how much of each source was unknown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from customer_research.domain.evidence import ANSWERS
from customer_research.domain.health import BAND_ORDER, NO_BAND, Band
from customer_research.domain.snapshot import Reading, Snapshot
from customer_research.health.history import SLACK
from customer_research.record_tables import LAKE_TABLES

Basis = tuple[str, tuple[str, ...], tuple[str, ...]]
"""What a score rests on: the scorecard's digest, the dimensions that are known, and what is unknown."""


def basis_of(snapshot: Snapshot, reading: Reading) -> Basis | None:
    """What a reading rests on; None without a score. Only readings on the same basis are compared.

    So a source that fails never makes a drop nor ends one, nor does one that comes back, nor another scorecard. (A history
    also tells the change of the part that is known; an alert waits.)
    """
    if reading.score is None:
        return None
    known = tuple(sorted(name for name, score in reading.dimensions.items() if score is not None))
    of_all = sorted({f"{gap.source} {gap.reason}" for gap in snapshot.gaps})
    return snapshot.digest, known, (*sorted(reading.unknown), *of_all, *snapshot.stale)


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
    silent = (gap for gap in snapshot.gaps if gap.reason not in ANSWERS and gap.reason != "past")
    everybody = {gap.source: (gap.reason, gap.detail) for gap in silent}
    sources = dict.fromkeys((*homes.values(), *everybody))
    return {source: SourceLevel(everybody.get(source), lacking[source] / max(counted, 1)) for source in sources}


@dataclass(frozen=True, slots=True)
class _PastSnapshot:
    """A snapshot that is remembered: readings by operator, each with its basis, and what was unknown of each source."""

    snapshot: Snapshot
    readings: Mapping[str, tuple[Reading, Basis | None]]
    levels: Mapping[str, SourceLevel]


class AlertMemory:
    """How everybody stood in the last days, snapshot after snapshot; older ones are forgotten."""

    def __init__(self, days: int) -> None:
        self._reach = timedelta(days=days) + SLACK
        self._earlier: list[_PastSnapshot] = []

    @property
    def reach(self) -> timedelta:
        """How far back from a snapshot the others must be given."""
        return self._reach

    def add(self, snapshot: Snapshot, readings: Iterable[Reading], levels: Mapping[str, SourceLevel]) -> None:
        """Remember a snapshot; they come in the order of their instants, and a second of one instant replaces the first."""
        oldest = snapshot.as_of - self._reach
        self._earlier = [one for one in self._earlier if oldest <= one.snapshot.as_of < snapshot.as_of]
        before = self._earlier[-1].readings if self._earlier else {}
        found = {reading.operator_id: _shared(snapshot, reading, before) for reading in readings}
        self._earlier.append(_PastSnapshot(snapshot, found, levels))

    def comparable(self, now: Snapshot, reading: Reading, days: int) -> Iterator[Reading]:
        """The operator's earlier readings within `days` that compare with the one now, oldest first."""
        basis, since = basis_of(now, reading), now.as_of - timedelta(days=days)
        for one in self._earlier if basis is not None else ():
            found = one.readings.get(reading.operator_id)
            if found is not None and since <= one.snapshot.as_of < now.as_of and found[1] == basis:
                yield found[0]

    def levels(self, source: str, as_of: datetime, days: int) -> list[SourceLevel]:
        """What was unknown of a source in the snapshots of the last days, oldest first."""
        since = as_of - timedelta(days=days)
        near = (one for one in self._earlier if since <= one.snapshot.as_of < as_of)
        return [one.levels[source] for one in near if source in one.levels]


def _shared(
    snapshot: Snapshot, reading: Reading, before: Mapping[str, tuple[Reading, Basis | None]]
) -> tuple[Reading, Basis | None]:
    """A reading to be remembered: what is as in the snapshot before is kept in memory once."""
    basis = basis_of(snapshot, reading)
    if (known := before.get(reading.operator_id)) is None:
        return reading, basis
    last, basis_before = known
    parts = {name: getattr(last, name) for name in _PARTS if getattr(last, name) == getattr(reading, name)}
    return replace(reading, **parts), basis_before if basis_before == basis else basis


_PARTS = ("name", "dimensions", "contributions", "gates", "findings", "unknown")


def worse(band: Band, than: Band) -> bool:
    """Whether a band is worse than another."""
    return not NO_BAND & {band, than} and BAND_ORDER.index(band) > BAND_ORDER.index(than)

"""Canonical tables as files: what a portfolio is measured from, wherever it came from (the lake, or anybody's folder)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from customer_research.domain.evidence import Gap, Receipt

LISTED = "operator"
"""The table that lists who there is: when it is out of date somebody may lack, but nobody's figures are unknown."""


STALE_AFTER = timedelta(hours=48)
"""From this age on a source's records are out of date, where no setting says otherwise."""


@dataclass(frozen=True, slots=True)
class LastPull:
    """How a bulk stream stood when the tables were read: its last pull that succeeded, and the one after it that failed.

    `failed_at` and `failure` are None while the last pull is the one that succeeded.
    """

    source: str
    stream: str
    succeeded_at: datetime
    failed_at: datetime | None = None
    failure: Gap | None = None

    def is_stale(self, as_of: datetime, patience: timedelta) -> bool:
        """Whether its records say too little of *as_of*: they are older than *patience*, or a later pull had failed by then.

        Records pulled after *as_of* cover it, whatever failed since.
        """
        if self.succeeded_at > as_of:
            return False
        failed = self.failed_at is not None and self.failed_at <= as_of
        return failed or as_of - self.succeeded_at > patience


@dataclass(frozen=True, slots=True)
class Edition:
    """A content that a table had: first seen at `since`, seen again without a change up to `until`."""

    since: datetime
    until: datetime
    rows: int
    digest: str


KNOWN_FROM, KNOWN_TO = "known_from", "known_to"
"""Columns of a version: its row was part of the table from the first instant (null: ever) until the second.

A version without an end is a row that the table has still, told by its key alone: it came at its first instant.
"""


@dataclass(frozen=True, slots=True)
class TableFile:
    """One canonical table: Parquet files that together hold each of its rows once, columns as in `domain.records`.

    `digest` is the SHA-256 (hex) of the table's content, whatever the order of rows or the number of files; `fetch_id` does
    not count. `receipts` prove the rows; `pulls` are the streams that they come from (none: an imported table).

    `since` is when this content was first seen (None: not known, so that it is taken for what it always was), `editions` the
    contents before it, oldest first, and `versions` the files of the rows that are no more (`KNOWN_FROM`).

    Of a table as it can be told of a past date (`TableSet.at`), `cut` is the instant whose edition it is (None: the newest),
    and `read_at` the instant at which that was read, where that was after the date: what its source overwrites without a
    date is not known then.
    """

    table: str
    paths: tuple[Path, ...]
    rows: int
    digest: str
    receipts: tuple[Receipt, ...] = ()
    pulls: tuple[LastPull, ...] = ()
    since: datetime | None = None
    editions: tuple[Edition, ...] = ()
    versions: tuple[Path, ...] = ()
    cut: datetime | None = None
    read_at: datetime | None = None
    at_any_instant: bool = False
    """Whether `versions` tell of every instant before `since`: they came with the table, and nobody had to look."""

    def at(self, as_of: datetime, patience: timedelta) -> TableFile | None:
        """The table as it can be told of an instant; None where it is out of date then.

        An edition that was seen by then, and not longer ago than *patience*, is what was known. Else the next one after the
        instant tells what has a date.
        """
        if self.since is None or as_of >= self.since:
            return None if any(pulled.is_stale(as_of, patience) for pulled in self.pulls) else self
        if self.at_any_instant:
            digest = hashlib.sha256(f"{self.digest} at {as_of.isoformat()}".encode()).hexdigest()
            return self if self.cut == as_of else replace(self, digest=digest, cut=as_of)
        seen = [one for one in self.editions if one.since <= as_of]
        if seen and as_of - seen[-1].until <= patience:
            return self._edition(seen[-1])
        later = next((one for one in self.editions if one.since > as_of), None)
        if later is None:
            return replace(self, read_at=self.since)
        return replace(self._edition(later), read_at=later.since)

    def _edition(self, edition: Edition) -> TableFile:
        return replace(self, rows=edition.rows, digest=edition.digest, cut=edition.since)


@dataclass(frozen=True, slots=True)
class TableSet:
    """The canonical tables that there are, and for each that is not there the gap that stands for it.

    `place` says where they lie, for receipts and messages.
    """

    place: str
    files: Mapping[str, TableFile]
    gaps: Mapping[str, Gap] = field(default_factory=dict)

    def at(self, as_of: datetime, patience: timedelta) -> TableSet:
        """The tables as far as they can speak of an instant: one that is stale then is not there, but for its gap.

        A window that ends days after the last record is no window of thirty days: its figures are not known, neither low
        nor falling. The list of operators stays, with a gap. Tables that no stream brought are never out of date. One that
        changed since is as it was then, or as far as what has a date tells (`TableFile.at`).
        """
        found = {name: file.at(as_of, patience) for name, file in self.files.items()}
        if all(found[name] is file for name, file in self.files.items()):
            return self
        stale = {
            name: tuple(pulled for pulled in self.files[name].pulls if pulled.is_stale(as_of, patience))
            for name, file in found.items()
            if file is None
        }
        stated = _stale_gaps(pulled for pulls in stale.values() for pulled in pulls)
        gaps = {name: stated[pulls[0].source] for name, pulls in stale.items()}
        files = {name: file or self.files[name] for name, file in found.items() if file is not None or name == LISTED}
        return replace(self, files=files, gaps={**self.gaps, **gaps})

    @property
    def rewound(self) -> Mapping[str, datetime]:
        """The tables that were read only after the date that they tell of, each with the instant at which they were."""
        return {name: file.read_at for name, file in self.files.items() if file.read_at is not None}

    @property
    def pulled(self) -> Mapping[str, datetime]:
        """Source → the oldest of its streams' last pulls that succeeded, of the tables that are there."""
        found: dict[str, datetime] = {}
        for pulled in (pulled for file in self.files.values() for pulled in file.pulls):
            found[pulled.source] = min(pulled.succeeded_at, found.get(pulled.source, pulled.succeeded_at))
        return found

    @property
    def stale(self) -> tuple[str, ...]:
        """The tables that are out of date (see `at`), by name."""
        return tuple(sorted(name for name, gap in self.gaps.items() if gap.reason == "stale"))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all tables' contents and of the gaps' reasons: equal for equal tables."""
        lines = [f"{name} {file.digest}{' later' * (file.read_at is not None)}" for name, file in self.files.items()]
        lines += [f"{name} - {gap.source} {gap.reason}" for name, gap in self.gaps.items()]
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """The receipts of all tables, each once."""
        return tuple({receipt.id: receipt for file in self.files.values() for receipt in file.receipts}.values())


def _stale_gaps(stale: Iterator[LastPull]) -> dict[str, Gap]:
    """Source → the gap of all its stale streams: one sentence a source, whichever tables it lacks."""
    of_source: dict[str, list[LastPull]] = {}
    for pulled in stale:
        of_source.setdefault(pulled.source, []).append(pulled)
    return {source: _stale_gap(source, pulls) for source, pulls in of_source.items()}


def _stale_gap(source: str, pulls: list[LastPull]) -> Gap:
    last = min(pulled.succeeded_at for pulled in pulls)
    failure = next((pulled.failure for pulled in pulls if pulled.failure is not None), None)
    because = f"; the pull after that failed: {failure.detail}" if failure is not None else "."
    return Gap(
        source=source,
        reason="stale",
        detail=f"Out of date: last pulled {last:%Y-%m-%d %H:%M} UTC{because}",
        next_step=(failure.next_step if failure is not None else "") or f"Run `customer-research sync {source}`.",
    )

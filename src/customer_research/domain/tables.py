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


@dataclass(frozen=True, slots=True)
class Pulled:
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
class TableFile:
    """One canonical table: Parquet files that together hold each of its rows once, columns as in `domain.records`.

    `digest` is the SHA-256 (hex) of the table's content, whatever the order of rows or the number of files; `fetch_id` does
    not count. `receipts` prove the rows; `pulls` are the streams that they come from (none: an imported table).
    """

    table: str
    paths: tuple[Path, ...]
    rows: int
    digest: str
    receipts: tuple[Receipt, ...] = ()
    pulls: tuple[Pulled, ...] = ()


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
        nor falling. The list of operators stays, with a gap. Tables that no stream brought are what they are.
        """
        stale = {
            name: tuple(pulled for pulled in file.pulls if pulled.is_stale(as_of, patience))
            for name, file in self.files.items()
        }
        stale = {name: pulls for name, pulls in stale.items() if pulls}
        if not stale:
            return self
        told = _stale_gaps(pulled for pulls in stale.values() for pulled in pulls)
        gaps = {name: told[pulls[0].source] for name, pulls in stale.items()}
        files = {name: file for name, file in self.files.items() if name not in stale or name == LISTED}
        return replace(self, files=files, gaps={**self.gaps, **gaps})

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
        lines = [f"{name} {file.digest}" for name, file in self.files.items()]
        lines += [f"{name} - {gap.source} {gap.reason}" for name, gap in self.gaps.items()]
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """The receipts of all tables, each once."""
        return tuple({receipt.id: receipt for file in self.files.values() for receipt in file.receipts}.values())


def _stale_gaps(stale: Iterator[Pulled]) -> dict[str, Gap]:
    """Source → the gap of all its stale streams: one sentence a source, whichever tables it lacks."""
    of_source: dict[str, list[Pulled]] = {}
    for pulled in stale:
        of_source.setdefault(pulled.source, []).append(pulled)
    return {source: _stale_gap(source, pulls) for source, pulls in of_source.items()}


def _stale_gap(source: str, pulls: list[Pulled]) -> Gap:
    last = min(pulled.succeeded_at for pulled in pulls)
    failure = next((pulled.failure for pulled in pulls if pulled.failure is not None), None)
    because = f"; the pull after that failed: {failure.detail}" if failure is not None else "."
    return Gap(
        source=source,
        reason="stale",
        detail=f"Out of date: last pulled {last:%Y-%m-%d %H:%M} UTC{because}",
        next_step=(failure.next_step if failure is not None else "") or f"Run `customer-research sync {source}`.",
    )

"""Canonical tables as files: what a portfolio is measured from, wherever it came from (the lake, or anybody's folder)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from customer_research.domain.evidence import Gap, Receipt


@dataclass(frozen=True, slots=True)
class TableFile:
    """One canonical table: Parquet files that together hold each of its rows once, columns as in `domain.records`.

    `digest` is the SHA-256 (hex) of the table's content, whatever the order of rows or the number of files; `fetch_id` does
    not count. `receipts` prove the rows.
    """

    table: str
    paths: tuple[Path, ...]
    rows: int
    digest: str
    receipts: tuple[Receipt, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSet:
    """The canonical tables that there are, and for each that is not there the gap that stands for it.

    `place` says where they lie, for receipts and messages.
    """

    place: str
    files: Mapping[str, TableFile]
    gaps: Mapping[str, Gap] = field(default_factory=dict)

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

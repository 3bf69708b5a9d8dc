"""A portfolio scored at one instant: the snapshot, and each operator's reading in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.health import Band, Status

SCORING = "portfolio"
"""The source of the receipt that proves the scoring itself."""

STALE = "stale"
"""The parameter of that receipt that lists the canonical tables which were out of date."""

NOT_JUDGED = "not judged"
"""The parameter that lists the metrics which nobody can tell of the date any more."""

SNAPSHOTS = "snapshots"
"""The folder of the lake in which its snapshots lie."""

DESCRIPTION = "snapshot.json"
"""The file in a snapshot's folder that says what it is."""

SnapshotKind = Literal["scored", "backfill"]
"""scored: taken when the tables said so; backfill: computed later for an instant of the past."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All operators scored at `as_of` under one scorecard, from tables of one content.

    `id` depends on instant, scorecard and tables alone, not on the engine or the hour: the same question has the same id.
    `digest` is the scorecard's, `tables` that of the `TableSet`; `place` is the folder of its files below the lake's;
    `gaps` are the tables that are unknown of every operator (those unknown of some are in the readings).
    """

    id: str
    kind: SnapshotKind
    as_of: datetime
    taken_at: datetime
    scorecard: str
    version: str
    digest: str
    tables: str
    engine: str
    operators: int
    place: str
    receipts: tuple[Receipt, ...]
    gaps: tuple[Gap, ...] = ()

    @property
    def scoring(self) -> Receipt:
        """The receipt of the scoring itself."""
        return next(receipt for receipt in self.receipts if receipt.source == SCORING)

    def told(self, parameter: str) -> str:
        """A parameter of the scoring, as its receipt has it; empty when it has none of that name."""
        scoring = next((receipt for receipt in self.receipts if receipt.source == SCORING), None)
        return dict(scoring.parameters).get(parameter, "") if scoring is not None else ""

    @property
    def untold(self) -> frozenset[str]:
        """The metrics that could not be told of `as_of` any more when it was scored, and are unknown of everybody."""
        return frozenset(self.told(NOT_JUDGED).split())

    @property
    def stale(self) -> tuple[str, ...]:
        """The canonical tables that were out of date at `as_of`, and therefore unknown of everybody."""
        return tuple(self.told(STALE).split())


@dataclass(frozen=True, slots=True)
class Reading:
    """One operator's line in a snapshot.

    `score` None: below the minimum coverage (0..1). `dimensions` holds each dimension's 0..100, None where it is unknown;
    `contributions` each rule that fired with its points, and each that could not be judged with None; `gates` the gates
    that hold, `findings` the correlation rules that hold (R1...), `unknown` the canonical tables unknown of this operator.
    `highest` is there where a silent source leaves the score open: `score` is then the least that it can be.
    """

    snapshot: str
    operator_id: str
    name: str
    as_of: datetime
    status: Status
    score: int | None
    band: Band
    band_before_gates: Band
    coverage: float
    dimensions: Mapping[str, int | None]
    contributions: Mapping[str, int | None]
    gates: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    highest: int | None = None

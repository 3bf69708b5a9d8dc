"""What readings of several snapshots tell together: how a score moved, and what moved it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.health import Band, Status
from customer_research.domain.report import Freshness
from customer_research.domain.snapshot import Reading, Snapshot

if TYPE_CHECKING:  # an account holds a history of its score
    from customer_research.domain.account import Account

Direction = Literal["improving", "declining", "steady", "unknown"]
"""Ten points or more up or down in 30 days, less than that, or no comparison that would be fair."""


@dataclass(frozen=True, slots=True)
class Past:
    """A reading and the snapshot that it stands in."""

    snapshot: Snapshot
    reading: Reading


@dataclass(frozen=True, slots=True)
class BandCount:
    """How many operators of a snapshot have this status and band, how many of them a score, and the sum of these."""

    status: Status
    band: Band
    operators: int
    scored: int
    score_sum: int


@dataclass(frozen=True, slots=True)
class Change:
    """The score `days` days before the newest reading, and now.

    `then` None: there is no reading to compare with, and `gap` says why. `difference` is now minus then in points; None where
    not the same was known both times (`gap` says what was not).
    """

    days: int
    then: Past | None
    difference: int | None
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule whose points changed: 0 where it did not fire, None where it could not be judged."""

    rule: str
    then: int | None
    now: int | None

    @property
    def difference(self) -> int:
        """What it adds to the change of its dimension's points; what is not judged gives no points."""
        return (self.now or 0) - (self.then or 0)


@dataclass(frozen=True, slots=True)
class DimensionChange:
    """A dimension's score then and now (None: unknown), and the rules that moved it.

    While it is known both times, the rules' differences and `clamp` (what holding it within 0..100 took away or gave back)
    add up to the difference of the scores.
    """

    name: str
    then: int | None
    now: int | None
    rules: tuple[RuleChange, ...]
    clamp: int = 0


@dataclass(frozen=True, slots=True)
class Movement:
    """What lies between two readings under one scorecard: only what changed is listed.

    `gates` and `findings` name those that hold now and did not (`began`) or the other way round (`ended`); `unknown` the
    canonical tables (of everybody: the sources) that became unknown (`began`) or known again (`ended`).
    """

    then: Past
    now: Past
    dimensions: tuple[DimensionChange, ...]
    gates_began: tuple[str, ...]
    gates_ended: tuple[str, ...]
    findings_began: tuple[str, ...]
    findings_ended: tuple[str, ...]
    unknown_began: tuple[str, ...]
    unknown_ended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """How one operator's score moved up to its newest reading.

    `changes` are those over 30, 60 and 90 days; `since_30_days` and `since_band` (the last time the band was another) say
    what moved it, None when there is nothing to compare with. `scorecard_changed` is the newest earlier reading under
    another scorecard, which is compared with nothing.
    """

    direction: Direction
    changes: tuple[Change, ...]
    since_30_days: Movement | None
    since_band: Movement | None
    scorecard_changed: Past | None = None


SHOWN = 12
"""How many readings of a history are shown unless told."""


@dataclass(frozen=True, slots=True)
class OperatorHistory:
    """One operator's score history as reports may see it.

    `past` are the readings, oldest first, one for each instant and scorecard, and `now` the newest under the scorecard that is
    told of. `accounts` are the operator's accounts by snapshot id where the files of the snapshot are still there: their
    scores say why. `conditions` holds each rule's condition in the scorecard's own words, for where they are not. `titles`
    are its dimensions with their titles, `findings` the findings with theirs; `receipt` proves what the store gave; `remark` says how the operator was found, if it must. `shown` is how many readings a table has.
    """

    operator_id: str
    name: str
    generated_at: datetime
    past: tuple[Past, ...]
    now: Past
    trend: Trend
    receipt: Receipt
    accounts: Mapping[str, Account] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    findings: Mapping[str, str] = field(default_factory=dict)
    freshness: tuple[Freshness, ...] = ()
    remark: str = ""
    shown: int = SHOWN


@dataclass(frozen=True, slots=True)
class PastScore:
    """How an operator stood at an earlier instant, as an account keeps it: what its reading says, without its snapshot.

    `score` None: too little was known. `contributions` holds each rule that fired with its points, and each that could not
    be judged with None; `later` says that it was computed later by a backfill, from what was known then.
    """

    as_of: datetime
    score: int | None
    band: Band
    coverage: float
    dimensions: Mapping[str, int | None]
    contributions: Mapping[str, int | None]
    snapshot: str
    later: bool = False


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """By how many points the score changed in `days`; else why that is not known.

    `on` and `then` are the day and the score compared with.
    """

    days: int
    on: datetime | None
    then: int | None
    points: int | None
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class ScoreHistory:
    """The scores before an account's own, under the account's scorecard, oldest first.

    `changes` are those over 30, 60 and 90 days up to the account's score; `titles` names the scorecard's dimensions,
    `rules` the dimension of each of its rules; `receipt` proves what the store gave.
    """

    past: tuple[PastScore, ...]
    direction: Direction
    changes: tuple[ScoreChange, ...]
    titles: Mapping[str, str]
    receipt: Receipt
    rules: Mapping[str, str] = field(default_factory=dict)

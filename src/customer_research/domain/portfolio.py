"""A portfolio as reports may see it: operators of one snapshot, chosen and ordered, and counts over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from customer_research.domain.account import Account
from customer_research.domain.alert import AlertEvent, Episode
from customer_research.domain.evidence import Figure, Gap, Receipt
from customer_research.domain.health import Band, HealthScore, Status
from customer_research.domain.report import Freshness
from customer_research.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Group:
    """Operators that have something in common.

    `mrr_minor` adds up the MRR in USD cents of those whose MRR is known; `mrr_unknown` counts the others. `average` is the
    mean health score (for risk groups: the mean risk) of those who have one, None when nobody has. `examples` are names, the
    weightiest first.
    """

    name: str
    operators: int
    mrr_minor: int
    mrr_unknown: int
    average: float | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was asked of a portfolio, in words, and how many operators it left of how many."""

    words: str
    matching: int
    of: int


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Operators of a snapshot: the `accounts` shown, in order, and groups over all that were chosen.

    `receipt` proves what was computed over the whole snapshot. `changes` holds each shown operator's change of the score in
    30 days. `accounts` bear figures of the wide table only (no records, no amounts per currency).
    """

    snapshot: Snapshot
    generated_at: datetime
    accounts: tuple[Account, ...]
    chosen: Chosen
    receipt: Receipt
    freshness: tuple[Freshness, ...]
    bands: tuple[Group, ...]
    segments: tuple[Group, ...]
    statuses: tuple[Group, ...]
    disagreements: tuple[Group, ...] = ()
    changes: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Risks:
    """Operators of a snapshot by their risk of leaving (0..100, a ranking and no probability).

    `portfolio.accounts` are ranked by expected loss; `retention` holds the score behind each one's risk (risk = 100 minus
    it); `levels`, `categories`, `segments` and `owners` group everybody at risk; `churned` are those who left within 90 days.
    """

    portfolio: Portfolio
    retention: Mapping[str, HealthScore]
    levels: tuple[Group, ...]
    categories: tuple[Group, ...]
    segments: tuple[Group, ...]
    owners: tuple[Group, ...]
    churned: tuple[Account, ...]
    unjudged: int = 0


@dataclass(frozen=True, slots=True)
class Mover:
    """An operator in two snapshots: how it stood then and stands now.

    `points` is the change of the score, counting what could be judged both times; None where that is nothing. `then_band`
    None: it was not there.
    """

    operator_id: str
    name: str
    then: int | None
    then_band: Band | None
    now: int | None
    band: Band
    points: int | None


@dataclass(frozen=True, slots=True)
class Moves:
    """What lies between two snapshots under one scorecard: who fell into At Risk or Critical, got worse, got better, left, came.

    Each list has the weightiest first. `then_at_risk` counts those who were at risk at the earlier snapshot; `receipt` proves what the store gave.
    """

    then: Snapshot
    new_at_risk: tuple[Mover, ...]
    worse: tuple[Mover, ...]
    better: tuple[Mover, ...]
    left: tuple[Mover, ...]
    came: tuple[Mover, ...]
    then_at_risk: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Amount:
    """MRR in minor units of one currency, of the operators of one status, band and segment."""

    status: Status
    band: Band
    segment: str
    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Done:
    """What became of alerts within the week: raised, cleared, and what people did; `critical` are open now.

    `acts` are those of people (acknowledged, snoozed, assigned), oldest first.
    """

    raised: tuple[Episode, ...]
    cleared: tuple[Episode, ...]
    critical: tuple[Episode, ...]
    acts: tuple[AlertEvent, ...]
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Week:
    """A portfolio beside how it stood a week before.

    `accounts` holds those of whom something is told, by id; `amounts` the MRR by currency, or why it is not known.
    """

    portfolio: Portfolio
    moves: Moves | Gap
    done: Done | Gap
    amounts: tuple[Amount, ...] | Gap
    accounts: Mapping[str, Account]


@dataclass(frozen=True, slots=True)
class Overview:
    """A portfolio for those who answer for all of it: a month's moves, the gravest risks, and the money.

    `drawn` are the operators of a picture, those with the most MRR.
    """

    portfolio: Portfolio
    risks: Risks
    moves: Moves | Gap
    amounts: tuple[Amount, ...] | Gap
    accounts: Mapping[str, Account]
    drawn: tuple[Account, ...]

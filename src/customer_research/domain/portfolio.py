"""A portfolio as reports may see it: operators of one snapshot, chosen and ordered, and counts over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from customer_research.domain.account import Account
    from customer_research.domain.alert import AlertEvent, Episode
    from customer_research.domain.evidence import Figure, Gap, Receipt
    from customer_research.domain.health import Band, HealthScore, Status
    from customer_research.domain.line import Line
    from customer_research.domain.money import Amounts
    from customer_research.domain.rates import Rates
    from customer_research.domain.report import Freshness
    from customer_research.domain.snapshot import Snapshot
    from customer_research.domain.track import TrackRecord


@dataclass(frozen=True, slots=True)
class Group:
    """Operators that have something in common.

    `mrr` adds up, each currency on its own, the MRR of those whose MRR is known; `mrr_unknown` counts the others. `average` is the
    mean health score (for risk groups: the mean risk) of those who have one, None when nobody has. `examples` are names, the
    weightiest first.
    """

    name: str
    operators: int
    mrr: Amounts
    mrr_unknown: int
    average: float | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What was asked of a portfolio, in words, and how many operators it left of how many."""

    words: str
    matching: int
    of: int


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Operators of a snapshot: the `lines` of those shown, in order, and groups over all that were chosen.

    `receipt` proves what was computed over the whole snapshot. `changes` holds each shown operator's change of the score in
    30 days; `no_history` says why there are none, when the score history could not be read. `amounts` is the MRR of the chosen by band and segment; `rates` convert it, None: none are set.
    `track` says how often the score was right here, where that was worked out; `history` proves the scores of earlier weeks that lines carry.
    """

    snapshot: Snapshot
    generated_at: datetime
    lines: tuple[Line, ...]
    chosen: Scope
    receipt: Receipt
    freshness: tuple[Freshness, ...]
    bands: tuple[Group, ...]
    segments: tuple[Group, ...]
    statuses: tuple[Group, ...]
    amounts: tuple[Amount, ...] = ()
    disagreements: tuple[Group, ...] = ()
    changes: Mapping[str, Figure] = field(default_factory=dict)
    no_history: Gap | None = None
    rates: Rates | None = None
    track: TrackRecord | None = None
    history: Receipt | None = None


Sort = Literal["attention", "score", "mrr", "name", "trend"]
"""How operators are ordered: who needs somebody first, and by one figure or the name."""

RiskSort = Literal["loss", "risk"]
"""How operators at risk are ranked: by risk x MRR, or by risk alone."""


@dataclass(frozen=True, slots=True)
class Risks:
    """Operators of a snapshot by their risk of leaving (0..100, a ranking and no probability).

    `accounts` are ranked by `sort` (loss: risk x MRR; risk: risk alone). `slipping` are the likeliest of those at
    risk who are still there and have given no notice, `slipping_of` how many there are of them. `retention` holds the score
    behind the risk of each of these (risk = 100 minus it). `levels`, `categories`, `segments` and `owners` group everybody at
    risk; `churned` are those who left within 90 days.
    """

    portfolio: Portfolio
    accounts: tuple[Account, ...]
    retention: Mapping[str, HealthScore]
    levels: tuple[Group, ...]
    categories: tuple[Group, ...]
    segments: tuple[Group, ...]
    owners: tuple[Group, ...]
    churned: tuple[Account, ...]
    unjudged: int = 0
    sort: RiskSort = "loss"
    slipping: tuple[Account, ...] = ()
    slipping_of: int = 0


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
    status: Status
    points: int | None


@dataclass(frozen=True, slots=True)
class Moves:
    """What lies between two snapshots under one scorecard: who fell into At Risk or Critical, got worse, got better, left, came.

    Each list has the weightiest first. `then_at_risk` counts those who were at risk at the earlier snapshot; `receipt` proves what the store gave.
    `uncompared` counts the customers of both snapshots of whom no change can be told, since not the same was known.
    """

    then: Snapshot
    new_at_risk: tuple[Mover, ...]
    worse: tuple[Mover, ...]
    better: tuple[Mover, ...]
    left: tuple[Mover, ...]
    came: tuple[Mover, ...]
    then_at_risk: int
    receipt: Receipt
    uncompared: int = 0


@dataclass(frozen=True, slots=True)
class Amount:
    """MRR in minor units of one currency, of the operators of one band and segment."""

    band: Band
    segment: str
    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class AlertsOfWeek:
    """What became of alerts within the week: raised, cleared, and what people did; `critical` are open now.

    `baseline` is the first snapshot that was ever judged: what it raised stood already; `checked` is the instant of the last one, before
    which nothing newer is known. `acts` are those of people (acknowledged, snoozed, assigned), oldest first.
    """

    raised: tuple[Episode, ...]
    cleared: tuple[Episode, ...]
    critical: tuple[Episode, ...]
    acts: tuple[AlertEvent, ...]
    receipt: Receipt
    checked: datetime
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """A portfolio beside how it stood a week before.

    `lines` holds those of whom something is told, by id; `owners` are the account owners whose operators alone it is about (none: it is about all).
    """

    portfolio: Portfolio
    moves: Moves | Gap
    done: AlertsOfWeek | Gap
    lines: Mapping[str, Line]
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """A portfolio for those who answer for all of it: a month's moves, the gravest risks, and the money.

    `drawn` are the operators of a picture, those with the most MRR.
    """

    portfolio: Portfolio
    risks: Risks
    moves: Moves | Gap
    lines: Mapping[str, Line]
    drawn: tuple[Account, ...]

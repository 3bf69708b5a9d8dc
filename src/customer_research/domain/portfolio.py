"""A portfolio as reports may see it: operators of one snapshot, chosen and ordered, and counts over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from customer_research.domain.account import Account
from customer_research.domain.evidence import Figure, Receipt
from customer_research.domain.health import HealthScore
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

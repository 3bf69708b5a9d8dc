"""Operators like one: the middle of what they use, never one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from customer_research.domain.evidence import Fact, Gap, Receipt

ENOUGH = 11
"""An operator and ten others: of fewer nothing is said, so that nobody can be made out."""

COMPARED = ("driver_app_rate", "setup_completion", "collection_rate_90d", "charge_success_rate")
"""The metrics that are compared, all of them shares of which more is better."""

Likeness = Literal["size_tier", "segment"]
"""What makes operators alike: how large their trip revenue is, else how large their plan is. The name of a metric."""

LIKENESSES: tuple[Likeness, ...] = ("size_tier", "segment")
"""The closer likeness first."""


@dataclass(frozen=True, slots=True)
class Middle:
    """The median of a metric over the operators of a group of whom it is known."""

    metric: str
    value: float
    operators: int


@dataclass(frozen=True, slots=True)
class PeerGroup:
    """The active operators of one size (`name`, a value of the metric `likeness`), with the middle of each metric."""

    likeness: Likeness
    name: str
    middles: tuple[Middle, ...]


@dataclass(frozen=True, slots=True)
class PeerGroups:
    """All groups of a portfolio as of an instant; `receipt` proves what they were computed from."""

    as_of: datetime
    groups: tuple[PeerGroup, ...]
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Peers:
    """What an account is compared with: the middles that enough operators stand behind, by metric, and how many they are."""

    likeness: Likeness
    middles: Mapping[str, Fact[Any]]
    operators: Mapping[str, int]


NO_PEERS = Gap("peers", "not_applicable", "similar operators were not looked at for this report")

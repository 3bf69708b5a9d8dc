"""What judging gives: contributions, dimensions, gates and the health score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from customer_research.domain.evidence import Evidence, Fact, Gap, Receipt
from customer_research.domain.vocabularies import Severity

Band = Literal["healthy", "monitor", "at_risk", "critical", "insufficient", "unsettled", "outside"]
"""80-100, 60-79, 40-59, 0-39 of the rounded score; `insufficient` below the minimum coverage, `unsettled` where
what a silent source leaves unknown could move the band, `outside` where the status says how the operator stands (churned,
onboarding, never started, no subscription)."""

Status = Literal["active", "onboarding", "no_subscription", "churned", "never_started", "unknown"]
"""Where an operator stands, outside the bands; `unknown` while its subscriptions are not known."""

PRESENT: tuple[Status, ...] = ("active", "onboarding", "no_subscription", "unknown")
"""The statuses of those who may still be customers: all but those who left, or never began."""

STATUS_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "active": "active",
        "onboarding": "onboarding",
        "churned": "churned",
        "never_started": "never started",
        "no_subscription": "no subscription",
        "unknown": "not known",
    }
)

BAND_LABELS: dict[str, str] = {
    "healthy": "Healthy",
    "monitor": "Monitor",
    "at_risk": "At Risk",
    "critical": "Critical",
    "insufficient": "Insufficient data",
    "unsettled": "Not settled",
    "outside": "Outside the bands",
}
BAND_ORDER: tuple[Band, ...] = ("healthy", "monitor", "at_risk", "critical", "insufficient", "unsettled", "outside")
"""Best to worst (an explicit order, never alphabetical), and last the three that are no band."""

NO_BAND: frozenset[Band] = frozenset({"insufficient", "unsettled", "outside"})
"""What stands in a band's place where there is none: neither a rise nor a fall leads to it or from it."""

UNTOLD_BANDS = NO_BAND - {"outside"}
"""Nobody can tell how the operator stands."""

AT_RISK_BANDS: frozenset[Band] = frozenset({"at_risk", "critical"})
"""Who stands in these may leave."""


def standing_label(band: Band, status: Status) -> str:
    """The band's name; of who stands outside the bands, the status."""
    return STATUS_LABELS[status].capitalize() if band == "outside" else BAND_LABELS[band]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one rule did to one dimension: points, the sentence that says why, the fact and the records behind it.

    `category` is the kind of sign (Payment, Contract, ...), where the scorecard tells it.
    """

    rule: str
    dimension: str
    points: int
    because: str
    fact: Fact[Any]
    evidence: Evidence
    window: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class UnjudgedRule:
    """A rule that could not be judged, because a metric it needs is unknown: no deduction, but said so."""

    rule: str
    dimension: str
    gap: Gap


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension's sub-score: base plus contributions, clamped to 0..100; `score` None when unknown.

    `highest` is there where rules could not be judged for want of a source: `score` is then the least that the dimension can
    be, and its lines add up to what is known of it so far.
    """

    name: str
    weight: float
    base: int
    score: int | None
    band: Band
    contributions: tuple[Contribution, ...]
    unevaluated: tuple[UnjudgedRule, ...] = ()
    gap: Gap | None = None
    highest: int | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition that caps the band openly, and under `one_number` the score with it (see `HealthScore.uncapped`)."""

    name: str
    cap: Band
    because: str
    fact: Fact[Any]


@dataclass(frozen=True, slots=True)
class UnjudgedGate:
    """A gate that a missing source kept from being judged: the band it would cap at, and why it is not known."""

    name: str
    cap: Band
    gap: Gap


@dataclass(frozen=True, slots=True)
class ObservedLike:
    """What became of those who had such a score (`lowest` to `highest`) when the scorecard was calibrated on churn.

    `rate` is the share of the `rows` (account and date) whose `window_days` held a churn, `low` and `high` its 95 % interval
    (None: not known); `probability` is what the calibration gives this very score. `receipt` proves it: the scorecard's file.
    """

    lowest: int
    highest: int
    rows: int
    accounts: int
    churned_accounts: int
    rate: float
    low: float | None
    high: float | None
    probability: float
    window_days: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Lever:
    """What the score and its band would be if something were put right, and all else were as it is.

    `signs` are the deductions (rule ids) and the gate (its name) that would not hold then; `highest` as in `HealthScore`.
    """

    signs: tuple[str, ...]
    score: int | None
    highest: int | None
    band: Band


@dataclass(frozen=True, slots=True)
class HealthScore:
    """A scored operator under one scorecard version.

    `score` is the rounded 0..100 (half up) or None below the minimum coverage; `coverage` the weight present (0..1);
    `digest` the scorecard's SHA-256, so that two scores are compared only under the same rules. `unjudged_gates` are those
    that a missing source kept from being judged: the band may be worse than it looks (see `provisional`). `observed` is there
    only where the scorecard's calibration allows a probability. `uncapped` is the score before gates, where one lowered it;
    `highest` is there where a silent source leaves the score open: `score` is then the least that it can be. `levers` are worked
    out only for who asks for them, in the scorecard's order.
    """

    score: int | None
    band: Band
    status: Status
    coverage: float
    dimensions: tuple[Dimension, ...]
    gates: tuple[Gate, ...]
    gaps: tuple[Gap, ...]
    scorecard: str
    version: str
    digest: str
    unjudged_gates: tuple[UnjudgedGate, ...] = ()
    observed: ObservedLike | None = None
    uncapped: int | None = None
    highest: int | None = None
    levers: tuple[Lever, ...] = ()

    @property
    def provisional(self) -> tuple[UnjudgedGate, ...]:
        """The unjudged gates that could lower this band: while there is one, the band is provisional."""
        rank = BAND_ORDER.index(self.band)
        return tuple(gate for gate in self.unjudged_gates if BAND_ORDER.index(gate.cap) > rank)

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """All dimensions' contributions, in the scorecard's order."""
        return tuple(c for dimension in self.dimensions for c in dimension.contributions)

    @property
    def points_by_rule(self) -> dict[str, int | None]:
        """Each rule that fired with its points, and each that could not be judged with None."""
        unknown: dict[str, int | None] = {u.rule: None for dimension in self.dimensions for u in dimension.unevaluated}
        return unknown | {contribution.rule: contribution.points for contribution in self.contributions}


@dataclass(frozen=True, slots=True)
class Finding:
    """A correlation rule that holds: what it says, how urgent, and the facts it rests on.

    `kind` is one of risk, opportunity, context (explains or excuses), conflict (sources disagree).
    """

    rule: str
    title: str
    kind: Literal["risk", "opportunity", "context", "conflict"]
    priority: Severity
    because: str
    action: str
    facts: tuple[Fact[Any], ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that a score can be once something unknown is known; None where too little would still be.

    `rules` are the rules and gates whose verdict is open till then.
    """

    lower: int | None
    upper: int | None
    lower_band: Band
    upper_band: Band
    rules: tuple[str, ...]

    @property
    def width(self) -> int:
        """How far apart the bounds are."""
        return 0 if self.lower is None or self.upper is None else self.upper - self.lower


@dataclass(frozen=True, slots=True)
class LineChange:
    """A line of the score that is not the same in two: what it was (None: it was not there) and what it would be."""

    rule: str
    dimension: str
    before: Contribution | None
    after: Contribution | None

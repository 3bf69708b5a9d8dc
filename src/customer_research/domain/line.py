"""An operator as lists show it: one line of a snapshot, each part put into words once when it was scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, Receipt
from customer_research.domain.health import Band, Status
from customer_research.domain.money import Amounts
from customer_research.domain.urgency import LEVELS, Level, Urgency
from customer_research.domain.vocabularies import Severity

PARTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "owner": ("text", "owner_name"),
        "segment": ("text", "segment"),
        "health": ("text", "health_score"),
        "mrr": ("money", "mrr"),
        "flag": ("text", "flag"),
        "ends_on": ("date", "subscription_ends_on"),
        "renews_on": ("date", "renewal_date"),
        "bills_on": ("date", "next_bill_date"),
        "trend": ("ratio", "usage_trend"),
        "because": ("text", "flag"),
        "act": ("text", ""),
    }
)
"""The parts of a line that state a fact, each with receipts of its own: unit, and the metric that it is."""

DAYS = ("ends_on", "renews_on", "bills_on")
"""The parts that are days to come."""

READY_MOST = 50_000
"""Of how many operators a snapshot's lines are made, those with the most MRR: a line takes about 2 ms."""


WEEKS = 26
"""Of how many weeks, the present one among them, a line has the scores."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the playbook says to do first: what, who, why and on which facts; `due` is until when, in words."""

    action: str
    by: str
    because: str
    priority: Severity
    due: str
    facts: tuple[Fact[Any], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How one operator stands, as far as a choice and an order need it.

    `segment` is that of its plan, `owner` the account owner's name (both empty: not known), `score` the least that it can be.
    `attention` ranks how soon it needs somebody (more: sooner), counting as held what a silent source keeps from being judged.
    `mrr` is in minor units of each currency, None where it is not known; `worth` the same in the common currency of the
    settings' rates and `usd` in dollars (None: it cannot be converted). `findings` are those that hold.
    """

    operator_id: str
    name: str
    status: Status
    band: Band
    segment: str
    owner: str
    score: int | None
    attention: int
    trend: float | None
    worth: int | None
    usd: int | None
    mrr: Amounts | None
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """How soon an operator needs somebody and whose it is, as far as alerts are chosen and ordered by it.

    `place` is the one among `LEVELS`, where what a silent source leaves open is no reason to wait; `waits` says that nothing has to be
    done this week, which is not so as long as a more urgent reason may be hidden. The rest as in `Line`.
    """

    owner_id: str
    owner: str
    worth: int | None
    place: int
    waits: bool


def need_of(owner_id: str, owner: str, worth: int | None, level: Level, *, sooner: bool) -> Need:
    """The need of an operator of this urgency; `sooner`: a silent source may hide a more urgent reason."""
    place = LEVELS.index("this_month" if sooner and level == "watch" else level)
    return Need(owner_id, owner, worth, place, not sooner and level in {"this_month", "watch"})


@dataclass(frozen=True, slots=True)
class Line:
    """One operator in the lists of a snapshot.

    What `Standing` has means the same here. `highest` is the most that the score can be where a silent source leaves it open.
    `level`, `until` and `because` are the urgency, `sooner` that a silent source may hide a more urgent reason. `act` is what the playbook asks for first beside growth (empty: nothing), `by` who
    does it, and `step` what it asks for first of all. `flag` says what stands out most. The days are in the customer's
    calendar. `link` leads to the operator's page in HubSpot. `basis` holds the receipts of each of `PARTS` that is known, `gaps`
    why the others are not. `weeks` are the scores of `WEEKS` weeks as each was known then, the oldest first, the last that of the
    snapshot; None where none is known, a silent source leaves it open, or not the same was known as of the others (empty: no
    history was at hand).
    """

    operator_id: str
    name: str
    owner_id: str
    owner: str
    segment: str
    status: Status
    band: Band
    score: int | None
    highest: int | None
    health: str
    mrr: Amounts | None
    worth: int | None
    level: Level
    sooner: bool
    until: date | None
    because: str
    act: str = ""
    by: str = ""
    ends_on: date | None = None
    renews_on: date | None = None
    bills_on: date | None = None
    trend: float | None = None
    link: str = ""
    basis: Mapping[str, tuple[Receipt, ...]] = field(default_factory=dict)
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    flag: str = ""
    step: Step | None = None
    attention: int = 0
    usd: int | None = None
    findings: tuple[str, ...] = ()
    weeks: tuple[int | None, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """The parts that a silent source leaves open: without a value they are not known, and not none."""
        return tuple(part for part, gap in self.gaps.items() if gap.reason not in ANSWERS)

    @property
    def need(self) -> Need:
        """How soon it needs somebody, and whose it is."""
        return need_of(self.owner_id, self.owner, self.worth, self.level, sooner=self.sooner)

    @property
    def soon(self) -> str:
        """How soon somebody must act, in words."""
        return Urgency(self.level, self.until, self.because, open=self.sooner).words

    def figure(self, part: str, as_of: datetime) -> Figure:
        """One of `PARTS` as a figure of the snapshot's instant."""
        if part in self.gaps or not self.basis.get(part):
            return self.gaps.get(part, Gap("portfolio", "none_found", "nothing is known of it"))
        unit, metric = PARTS[part]
        return Fact(getattr(self, part), unit, self.basis[part], as_of, metric)

"""An operator as known at a date: all that reports may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.peers import NO_PEERS, Peers

if TYPE_CHECKING:
    from customer_research.domain.advice import Advice
    from customer_research.domain.alert import AlertsAbout
    from customer_research.domain.health import Finding, HealthScore
    from customer_research.domain.history import ScoreHistory
    from customer_research.domain.identity import Match
    from customer_research.domain.rates import Rates
    from customer_research.domain.report import Freshness
    from customer_research.domain.track import TrackRecord
    from customer_research.domain.urgency import Urgency


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of one canonical table or listing for this operator, with receipts.

    `gap` is None when the source answered in full (`rows` may then be empty: a true absence). With a gap the rows, if any,
    are only a part and no figure is made of them.
    """

    table: str
    rows: tuple[Mapping[str, Any], ...]
    receipts: tuple[Receipt, ...]
    gap: Gap | None = None

    @property
    def known(self) -> bool:
        """Whether the rows are all there is."""
        return self.gap is None


@dataclass(frozen=True, slots=True)
class TwoCounts:
    """How many records of a table its second source has of an operator, and how many its home, where that is not the same."""

    table: str
    second: Fact[int]
    home: Fact[int]


NO_HISTORY = Gap("score history", "not_applicable", "earlier scores were not read for this report")
NO_ALERTS = Gap("alerts", "not_applicable", "alerts were not read for this report")


PERSONS: Mapping[str, str] = MappingProxyType(
    {"contact": "name", "usage_drivers": "driver_name", "card_failures": "cardholder", "team": "name"}
)
"""Table or listing → its column with a person's name."""


def people_of(rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> tuple[str, ...]:
    """The names of persons in the rows of tables and listings, each once, in order."""
    told = (row.get(column) for table, column in PERSONS.items() for row in rows.get(table, ()))
    return tuple(sorted({str(name) for name in told if name}))


@dataclass(frozen=True, slots=True)
class Account:
    """One operator at `as_of`.

    `figures` has every metric of the catalogue by name, as a `Fact` or a `Gap`; `records` the canonical memory tables
    and the listings by name; `scores` the health score per scorecard that was asked for (the first is the report's);
    `links` are URL patterns by kind with an `{id}` placeholder; `rates` the exchange rates around `as_of`, None: none are set.
    `advice` is what the playbook says to do, `urgency` how soon (None: nothing was judged); `history` the earlier scores and `alerts` the alerts, where
    they were asked for, or why they are not known; `track` how often the score was right here, where that was worked out;
    `peers` what operators like it use, where they are enough; `differences` where two sources have not as many records of it.
    """

    operator_id: str
    name: str
    as_of: datetime
    generated_at: datetime
    match: Match | None
    figures: Mapping[str, Figure]
    records: Mapping[str, Records]
    freshness: tuple[Freshness, ...]
    scores: tuple[HealthScore, ...] = ()
    findings: tuple[Finding, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    rates: Rates | None = None
    advice: tuple[Advice, ...] = ()
    urgency: Urgency | None = None
    history: ScoreHistory | Gap = NO_HISTORY
    alerts: AlertsAbout | Gap = NO_ALERTS
    track: TrackRecord | None = None
    peers: Peers | Gap = NO_PEERS
    differences: tuple[TwoCounts, ...] = ()

    def scored_by(self, scorecard: str) -> HealthScore | None:
        """The score under a scorecard of this name, where it was asked for."""
        return next((score for score in self.scores if score.scorecard == scorecard), None)

    @property
    def score(self) -> HealthScore | None:
        """The health score that reports show."""
        return self.scores[0] if self.scores else None

    def fact(self, metric: str) -> Fact[Any] | None:
        """The metric's fact, or None when it is a gap."""
        figure = self.figures[metric]
        return figure if isinstance(figure, Fact) else None

    @property
    def people(self) -> tuple[str, ...]:
        """The names of persons that the records tell, each once, in order."""
        return people_of({name: self.records[name].rows for name in PERSONS if name in self.records})

    def link(self, kind: str, record_id: str) -> str:
        """The deep link to a vendor's record, or an empty string when no pattern is configured."""
        pattern = self.links.get(kind, "")
        return pattern.replace("{id}", record_id) if pattern and record_id else ""
